//! Which guardrails are asked, in the policy's order, and which are left out and why.

use crate::evidence::{CanaryArm, CanaryEvidence, Evidence, PairedCost, PairedCounts, PairedLatency};
use crate::policy::{Margin, Policy};
use crate::verdict::Scale;
use crate::words::{ALL, CANARY};

/// Cost ratios below this many pairs are neither passed nor failed: the t interval leans on the central limit.
const COST_PAIRS_AT_LEAST: u64 = 30;

/// Names of the guardrails that are not labelled metrics, in their order; `cancellations` is asked of served traffic only. Labelled metrics need other names, or a verdict
/// would answer two questions under one name.
pub const FIXED_GUARDRAILS: [&str; 8] =
    ["errors", "answer_failures", "ttft_p50", "ttft_p95", "duration_p50", "duration_p95", "cost", "cancellations"];

/// One guardrail to ask.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// Stable metric name.
    pub(crate) metric: String,
    /// `all` or `canary`.
    pub(crate) segment: &'static str,
    /// Margin on the metric's scale: a share (not points) or a ratio.
    pub(crate) margin: f64,
    /// Observations without which it cannot pass.
    pub(crate) floor: u64,
    /// The data.
    pub(crate) data: Data<'a>,
}

/// The data of a question, by kind.
#[derive(Debug)]
pub(crate) enum Data<'a> {
    PairedShare(PairedCounts),
    PairedQuantile { latency: &'a PairedLatency, share: f64 },
    PairedCost { cost: &'a PairedCost, at_least: u64 },
    CanaryErrors(&'a CanaryEvidence),
    CanaryCancellations(&'a CanaryEvidence),
    CanaryTtft { canary: &'a CanaryEvidence, share: f64 },
}

impl Question<'_> {
    /// The candidate's served requests, where the baseline served none: at full weight. More of the same decides nothing.
    pub(crate) fn nothing_to_compare_with(&self) -> Option<u64> {
        match self.data {
            Data::CanaryErrors(canary) | Data::CanaryCancellations(canary) | Data::CanaryTtft { canary, .. } => {
                let served = |arm: &CanaryArm| arm.requests.saturating_add(arm.cancelled);
                let candidate = served(&canary.candidate);
                (served(&canary.baseline) == 0 && candidate > 0).then_some(candidate)
            }
            Data::PairedShare(_) | Data::PairedQuantile { .. } | Data::PairedCost { .. } => None,
        }
    }

    /// Scale of the effect.
    pub(crate) const fn scale(&self) -> Scale {
        match self.data {
            Data::PairedShare(_) | Data::CanaryErrors(_) | Data::CanaryCancellations(_) => Scale::Difference,
            Data::PairedQuantile { .. } | Data::PairedCost { .. } | Data::CanaryTtft { .. } => Scale::Ratio,
        }
    }
}

/// The questions of one judgement, and sentences about those left out.
pub(crate) fn questions<'a>(evidence: &'a Evidence, policy: &Policy) -> (Vec<Question<'a>>, Vec<String>) {
    let mut list = List { asked: Vec::new(), left_out: Vec::new(), disabled: Vec::new(), policy };
    list.paired(evidence);
    list.labels(evidence);
    if let Some(canary) = &evidence.canary {
        list.canary(canary);
    }
    if !list.disabled.is_empty() {
        let names = list.disabled.join(", ");
        list.left_out.push(format!("Not judged, because the policy disables it: {names}."));
    }
    (list.asked, list.left_out)
}

struct List<'a, 'p> {
    asked: Vec<Question<'a>>,
    left_out: Vec<String>,
    disabled: Vec<String>,
    policy: &'p Policy,
}

impl<'a> List<'a, '_> {
    fn paired(&mut self, evidence: &'a Evidence) {
        let policy = self.policy;
        let margins = &policy.guardrails;
        let (floor, floor_p95) = (policy.floors.pairs, policy.floors.pairs_p95);
        let pairs = &evidence.paired;
        let errors = Margin { value: policy.error_margin_points(), ..margins.errors };
        self.ask("errors", ALL, points(errors), floor, Data::PairedShare(pairs.errors));
        let answers = points(margins.answer_failures);
        self.ask("answer_failures", ALL, answers, floor, Data::PairedShare(pairs.answer_failures));

        let nothing_streamed = pairs.ttft_us == PairedLatency::default() && pairs.errors.pairs() > 0;
        if nothing_streamed && (margins.ttft_p50.enabled || margins.ttft_p95.enabled) {
            self.left_out.push("No paired request was streamed, so the time to first token is not judged.".to_owned());
        }
        if !nothing_streamed {
            self.latency("ttft", &pairs.ttft_us, [margins.ttft_p50, margins.ttft_p95], [floor, floor_p95]);
        }
        let margins_of_duration = [margins.duration_p50, margins.duration_p95];
        self.latency("duration", &pairs.duration_us, margins_of_duration, [floor, floor_p95]);
        let cost = Data::PairedCost { cost: &pairs.cost_nanos, at_least: COST_PAIRS_AT_LEAST };
        self.ask("cost", ALL, margins.cost, floor, cost);
    }

    fn latency(&mut self, name: &str, latency: &'a PairedLatency, margins: [Margin; 2], floors: [u64; 2]) {
        for ((share, suffix), (margin, floor)) in SHARES.into_iter().zip(margins.into_iter().zip(floors)) {
            let metric = format!("{name}_{suffix}");
            self.ask(&metric, ALL, margin, floor, Data::PairedQuantile { latency, share });
        }
    }

    /// Labels that the data carry, and those that the policy demands by name even if the data lack them.
    fn labels(&mut self, evidence: &'a Evidence) {
        let carried = &evidence.paired.labels;
        let demanded = self.policy.demanded_labels().filter(|name| !carried.contains_key(*name));
        let names: Vec<String> = carried.keys().cloned().chain(demanded.map(str::to_owned)).collect();
        for name in names {
            let counts = carried.get(&name).copied().unwrap_or_default();
            let margin = points(self.policy.label_margin(&name));
            self.ask(&name, ALL, margin, self.policy.floors.pairs, Data::PairedShare(counts));
        }
    }

    fn canary(&mut self, canary: &'a CanaryEvidence) {
        let policy = self.policy;
        let margins = &policy.guardrails;
        let errors = Margin { value: policy.error_margin_points(), ..margins.errors };
        self.ask("errors", CANARY, points(errors), policy.floors.pairs, Data::CanaryErrors(canary));
        let given_up = points(margins.cancellations);
        self.ask("cancellations", CANARY, given_up, policy.floors.pairs, Data::CanaryCancellations(canary));
        if canary.baseline.ttft_us.is_empty() && canary.candidate.ttft_us.is_empty() {
            let served = canary.baseline.requests > 0 || canary.candidate.requests > 0;
            if served && (margins.ttft_p50.enabled || margins.ttft_p95.enabled) {
                self.left_out
                    .push("No served request was streamed, so its time to first token is not judged.".to_owned());
            }
            return;
        }
        for ((share, suffix), (margin, floor)) in SHARES
            .into_iter()
            .zip([(margins.ttft_p50, policy.floors.pairs), (margins.ttft_p95, policy.floors.pairs_p95)])
        {
            self.ask(&format!("ttft_{suffix}"), CANARY, margin, floor, Data::CanaryTtft { canary, share });
        }
    }

    fn ask(&mut self, metric: &str, segment: &'static str, margin: Margin, floor: u64, data: Data<'a>) {
        if margin.enabled {
            self.asked.push(Question { metric: metric.to_owned(), segment, margin: margin.value, floor, data });
        } else {
            let name = if segment == CANARY { format!("{metric} (canary)") } else { metric.to_owned() };
            self.disabled.push(name);
        }
    }
}

/// Judged quantiles with their suffixes.
const SHARES: [(f64, &str); 2] = [(0.5, "p50"), (0.95, "p95")];

/// A margin in percentage points as a share.
const fn points(margin: Margin) -> Margin {
    Margin { value: margin.value / 100.0, ..margin }
}
