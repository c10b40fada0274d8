//! Which guardrails are asked, in a fixed order, and which are left out and why.
//!
//! Each metric is one guardrail over everything: its pairs, and added to them what was served outside of pairs. Where
//! the candidate serves, the same metric is watched on served traffic alone: that does not decide a GO, because a small
//! weight could not prove anything in a week, but a failure there is a failure. What only served traffic can show (429,
//! cancellations) decides by itself.

use super::views::{PairsView, ServedView, Views};
use crate::counters::plan::NO_THRESHOLD;
use crate::evidence::Evidence;
use crate::metric::{FIRST_LABEL, Latency, Quantile, Share};
use crate::policy::{Margin, Policy};
use crate::stats::{Side, proportion};
use crate::verdict::{EvidenceKind, Scale};
use crate::words::{ALL, CANARY};

/// One guardrail to ask.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// Stable metric name.
    pub(crate) metric: String,
    /// `all`, `canary`, or a part of the traffic.
    pub(crate) segment: String,
    /// Margin on the metric's scale: a share (not points) or a ratio.
    pub(crate) margin: f64,
    /// Observations without which it cannot pass.
    pub(crate) floor: u64,
    /// Whether a GO needs it.
    pub(crate) decides: bool,
    /// What is compared.
    pub(crate) subject: Subject,
    /// Pairs to ask, if any.
    pub(crate) pairs: Option<&'a PairsView<'a>>,
    /// Served traffic to ask, if any.
    pub(crate) served: Option<&'a ServedView<'a>>,
}

/// What a guardrail compares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Subject {
    /// A share at this place; `fewer` asks whether the candidate has too few of it.
    Share { slot: usize, fewer: bool },
    /// A latency's quantile.
    Quantile(Latency, Quantile),
    /// Mean cost.
    Cost,
    /// Mean quality score.
    Quality,
}

impl Question<'_> {
    /// Scale of the effect.
    pub(crate) const fn scale(&self) -> Scale {
        match self.subject {
            Subject::Share { .. } | Subject::Quality => Scale::Difference,
            Subject::Quantile(..) | Subject::Cost => Scale::Ratio,
        }
    }

    /// Whether it asks what the guard flagged, in either direction.
    pub(crate) fn is_of_guard(&self) -> bool {
        matches!(self.subject, Subject::Share { slot, .. } if slot == Share::GuardFlags.slot())
    }

    /// What it is measured on.
    pub(crate) const fn evidence(&self) -> EvidenceKind {
        match (self.pairs.is_some(), self.served.is_some()) {
            (true, true) => EvidenceKind::Combined,
            (false, true) => EvidenceKind::Served,
            (_, false) => EvidenceKind::Paired,
        }
    }

    /// The candidate's served requests, where only served traffic is asked and the baseline served none: at full weight.
    /// More of the same decides nothing.
    pub(crate) fn nothing_to_compare_with(&self) -> Option<u64> {
        let served = self.served.filter(|_| self.pairs.is_none())?;
        let n = |arm: &crate::counters::canary::ServedArm| arm.share(Share::Errors).n;
        let candidate = n(&served.totals.candidate);
        (n(&served.totals.baseline) == 0 && candidate > 0).then_some(candidate)
    }
}

/// The questions of one judgement, and sentences about those left out.
pub(crate) fn questions<'a>(
    views: &'a Views<'a>,
    evidence: &Evidence,
    policy: &Policy,
) -> (Vec<Question<'a>>, Vec<String>) {
    let missed = evidence.repeat.share(Share::Missed);
    // No more than the repetitions prove: one request that happened to be let through must not open the margin.
    let missed_by_itself =
        proportion::clopper_pearson(missed.candidate_bad(), missed.pairs(), policy.levels.alpha_go, Side::Lower)
            .unwrap_or(0.0);
    let mut list = List {
        asked: Vec::new(),
        left_out: Vec::new(),
        disabled: Vec::new(),
        policy,
        missed_by_itself,
        untimed_streams: evidence.instrument.untimed_streamed_pairs > 0,
    };
    let everything = Segment { name: ALL, pairs: &views.pairs, served: views.served.as_ref() };
    list.segment(&everything, &evidence.plan.labels);
    for (name, pairs, served) in &views.segments {
        if policy.segments.critical.iter().any(|critical| critical == name) {
            list.segment(&Segment { name, pairs, served: served.as_ref() }, &[]);
        }
    }
    for critical in &policy.segments.critical {
        if !views.segments.iter().any(|(name, ..)| name == critical) {
            list.missing_segment(critical, &views.pairs);
        }
    }
    if let Some(served) = &views.served {
        list.watch(served);
    }
    if !list.disabled.is_empty() {
        let names = list.disabled.join(", ");
        list.left_out.push(format!("Not judged, because the policy disables it: {names}."));
    }
    (list.asked, list.left_out)
}

struct Segment<'a, 'n> {
    name: &'n str,
    pairs: &'a PairsView<'a>,
    served: Option<&'a ServedView<'a>>,
}

struct List<'a, 'p> {
    asked: Vec<Question<'a>>,
    left_out: Vec<String>,
    disabled: Vec<String>,
    policy: &'p Policy,
    /// Share of requests that the baseline blocked and its own repetition did not, at least.
    missed_by_itself: f64,
    /// There are streamed pairs whose times nobody knows: that nothing is known of them is no reason not to ask.
    untimed_streams: bool,
}

impl<'a> List<'a, '_> {
    fn segment(&mut self, segment: &Segment<'a, '_>, labels: &[String]) {
        for share in Share::ALL {
            self.share(segment, share);
        }
        for latency in Latency::ALL {
            self.latency(segment, latency);
        }
        let floor = self.policy.floors.pairs;
        let cost = self.policy.guardrails.cost;
        self.ask("cost", segment, cost, floor, Subject::Cost, segment.served);
        if segment.pairs.pooled.quality.n > 0 {
            let quality = self.policy.guardrails.quality;
            let margin = Margin { value: quality.value / 100.0, ..quality };
            self.ask("quality", segment, margin, floor, Subject::Quality, None);
        }
        self.labels(segment, labels);
    }

    fn share(&mut self, segment: &Segment<'a, '_>, share: Share) {
        let mut margin = self.policy.share_margin(share);
        let paired = segment.pairs.pooled.share(share).pairs();
        let served = segment.served.map_or(0, |served| {
            served.totals.baseline.share(share).n.saturating_add(served.totals.candidate.share(share).n)
        });
        // Nothing of this kind in the traffic; whether that is so is shown by the requests that were asked.
        let optional =
            !matches!(share, Share::Errors | Share::AnswerFailures | Share::RateLimited | Share::Cancellations);
        // Only a small share of the traffic is asked twice, and of it only some call tools: too few to compare with say
        // nothing, and are said to.
        let net = matches!(share, Share::ToolDisagreement | Share::AnswerDisagreement);
        if net && paired < self.policy.floors.pairs {
            if margin.enabled && segment.name == ALL {
                self.left_out.push(format!(
                    "Not judged for want of repetitions (A/A) to compare with, {paired} of at least {}: {}.",
                    self.policy.floors.pairs,
                    share.name()
                ));
            }
            return;
        }
        if optional && paired == 0 && served == 0 {
            return;
        }
        if share == Share::Missed {
            margin.value += self.missed_by_itself;
        }
        let floor = self.policy.floors.pairs;
        let slot = share.slot();
        let subject = Subject::Share { slot, fewer: false };
        if matches!(share, Share::RateLimited | Share::Cancellations) {
            if let Some(served) = segment.served {
                self.ask_served(share.name(), segment.name, margin, floor, subject, served, true);
            }
            return;
        }
        self.ask(share.name(), segment, margin, floor, subject, segment.served);
        if share.two_sided() {
            let fewer = Subject::Share { slot, fewer: true };
            let margin = self.policy.fewer_margin(share);
            self.ask(&format!("fewer_{}", share.name()), segment, margin, floor, fewer, segment.served);
        }
    }

    fn latency(&mut self, segment: &Segment<'a, '_>, latency: Latency) {
        let policy = self.policy;
        let asked = |quantile| policy.latency_margin(latency, quantile);
        let paired = segment.pairs.pooled.latency[latency.slot()].baseline.n();
        let served = segment.served.map_or(0, |served| {
            let canary = served.canary;
            canary.latency_baseline[latency.slot()].n().max(canary.latency_candidate[latency.slot()].n())
        });
        if paired == 0 && served == 0 && latency != Latency::Duration && !self.untimed_streams {
            let any = Quantile::ALL.into_iter().any(|quantile| asked(quantile).is_some_and(|margin| margin.enabled));
            if any && segment.name == ALL && segment.pairs.pooled.pairs > 0 {
                self.left_out.push(format!("No request was streamed, so `{}` is not judged.", latency.name()));
            }
            return;
        }
        for quantile in Quantile::ALL {
            let Some(margin) = asked(quantile) else { continue };
            let floor = self.floor(quantile);
            let metric = format!("{}_{}", latency.name(), quantile.name());
            let threshold = segment.pairs.plan.of(latency).map(|thresholds| thresholds.tau_us[quantile.slot()]);
            if margin.enabled && threshold == Some(NO_THRESHOLD) {
                // The errors themselves are judged by their share.
                if segment.name == ALL {
                    self.left_out.push(format!(
                        "`{metric}` is not judged: failed requests are most of what is slower than it in the baseline itself, and \
                         they are judged by their share."
                    ));
                }
                continue;
            }
            self.ask(&metric, segment, margin, floor, Subject::Quantile(latency, quantile), segment.served);
        }
    }

    fn floor(&self, quantile: Quantile) -> u64 {
        match quantile {
            Quantile::P50 => self.policy.floors.pairs,
            Quantile::P95 => self.policy.floors.pairs_p95,
            Quantile::P99 => self.policy.floors.pairs_p99,
        }
    }

    /// Labels that the data carry, and those that the policy demands by name even if the data lack them.
    fn labels(&mut self, segment: &Segment<'a, '_>, carried: &[String]) {
        if segment.name != ALL {
            return;
        }
        let floor = self.policy.floors.pairs;
        let demanded = self.policy.demanded_labels().filter(|name| !carried.iter().any(|have| have == name));
        let nowhere = crate::metric::SHARE_SLOTS;
        let places = (FIRST_LABEL..).zip(carried.iter().map(String::as_str));
        let all: Vec<(usize, String)> =
            places.chain(demanded.map(|name| (nowhere, name))).map(|(slot, name)| (slot, name.to_owned())).collect();
        for (slot, name) in all {
            let set = self.policy.label_margin(&name);
            let margin = Margin { value: set.value / 100.0, ..set };
            self.ask(&name, segment, margin, floor, Subject::Share { slot, fewer: false }, None);
        }
    }

    /// Each metric is named once, however many segments would have asked it.
    fn leave_out(&mut self, metric: &str) {
        if !self.disabled.iter().any(|name| name == metric) {
            self.disabled.push(metric.to_owned());
        }
    }

    /// Served traffic by itself: what pairs show as well is only watched.
    fn watch(&mut self, served: &'a ServedView<'a>) {
        let floor = self.policy.floors.pairs;
        for share in Share::ALL {
            let own = served.totals.candidate.share(share).n > 0 || served.totals.baseline.share(share).n > 0;
            let decides_already = matches!(share, Share::RateLimited | Share::Cancellations);
            if (own || share == Share::Errors) && !decides_already {
                let subject = Subject::Share { slot: share.slot(), fewer: false };
                self.ask_served(share.name(), CANARY, self.policy.share_margin(share), floor, subject, served, false);
            }
        }
        for latency in Latency::ALL {
            if served.canary.latency_candidate[latency.slot()].n() == 0 {
                continue;
            }
            for quantile in Quantile::ALL {
                let Some(margin) = self.policy.latency_margin(latency, quantile) else { continue };
                let threshold = served.plan.of(latency).map(|thresholds| thresholds.tau_us[quantile.slot()]);
                if threshold == Some(NO_THRESHOLD) {
                    continue;
                }
                let metric = format!("{}_{}", latency.name(), quantile.name());
                let floor = self.floor(quantile);
                self.ask_served(&metric, CANARY, margin, floor, Subject::Quantile(latency, quantile), served, false);
            }
        }
    }

    /// A segment that must pass and is not there is missing evidence.
    fn missing_segment(&mut self, name: &str, pairs: &'a PairsView<'a>) {
        self.asked.push(Question {
            metric: "errors".to_owned(),
            segment: name.to_owned(),
            margin: self.policy.share_margin(Share::Errors).value,
            floor: self.policy.floors.pairs,
            decides: true,
            subject: Subject::Share { slot: crate::metric::SHARE_SLOTS, fewer: false },
            pairs: Some(pairs),
            served: None,
        });
    }

    fn ask(
        &mut self,
        metric: &str,
        segment: &Segment<'a, '_>,
        margin: Margin,
        floor: u64,
        subject: Subject,
        served: Option<&'a ServedView<'a>>,
    ) {
        if !margin.enabled {
            self.leave_out(metric);
            return;
        }
        // Without a single pair, served traffic is all there is.
        let pairs = (segment.pairs.pooled.pairs > 0 || served.is_none()).then_some(segment.pairs);
        let (metric, segment) = (metric.to_owned(), segment.name.to_owned());
        self.asked.push(Question {
            metric,
            segment,
            margin: margin.value,
            floor,
            decides: true,
            subject,
            pairs,
            served,
        });
    }

    #[expect(clippy::too_many_arguments, reason = "each is one field of the question")]
    fn ask_served(
        &mut self,
        metric: &str,
        segment: &str,
        margin: Margin,
        floor: u64,
        subject: Subject,
        served: &'a ServedView<'a>,
        decides: bool,
    ) {
        if !margin.enabled {
            self.leave_out(metric);
            return;
        }
        let segment = match segment {
            ALL => CANARY,
            other => other,
        };
        let (metric, segment) = (metric.to_owned(), segment.to_owned());
        let served = Some(served);
        self.asked.push(Question {
            metric,
            segment,
            margin: margin.value,
            floor,
            decides,
            subject,
            pairs: None,
            served,
        });
    }
}
