//! The numbers of one guardrail.

use super::LevelsInForce;
use super::questions::{Data, Question};
use crate::evidence::{CanaryArm, PairedCost, PairedCounts};
use crate::stats::betting::{self, Differences};
use crate::stats::describe::as_latencies;
use crate::stats::quantile::QuantilePair;
use crate::stats::ratio::MeanRatio;
use crate::stats::unpaired::{self, Arm};
use crate::stats::{Refusal, Side, paired};

/// Below this many discordant pairs an alarm also asks the exact betting bound, because the score bound alarms too
/// easily there.
const FEW_FOR_ALARM: u64 = 20;

/// Estimate, bounds and arms' values; whatever could not be computed is absent and `problem` says why.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) n: u64,
    pub(super) estimate: Option<f64>,
    pub(super) lower: Option<f64>,
    pub(super) upper: Option<f64>,
    pub(super) baseline_value: Option<f64>,
    pub(super) candidate_value: Option<f64>,
    pub(super) method: String,
    pub(super) problem: Option<Refusal>,
}

pub(super) fn measure(question: &Question<'_>, levels: LevelsInForce) -> Measured {
    match &question.data {
        Data::PairedShare(counts) => paired_share(*counts, levels),
        Data::PairedQuantile { latency, share } => {
            let (baseline, candidate) = (as_latencies(&latency.baseline), as_latencies(&latency.candidate));
            let pair = QuantilePair::paired(&baseline, &candidate, *share);
            quantile(pair, baseline.len().min(candidate.len()), "order-statistics-mover-paired", levels)
        }
        Data::PairedCost { cost, at_least } => paired_cost(cost, *at_least, levels),
        Data::CanaryErrors(canary) => {
            let arm = |arm: &CanaryArm| Arm { events: arm.errors, n: arm.requests };
            canary_share(arm(&canary.baseline), arm(&canary.candidate), levels)
        }
        Data::CanaryCancellations(canary) => {
            let arm = |arm: &CanaryArm| Arm { events: arm.cancelled, n: arm.requests.saturating_add(arm.cancelled) };
            canary_share(arm(&canary.baseline), arm(&canary.candidate), levels)
        }
        Data::CanaryTtft { canary, share } => {
            let (baseline, candidate) =
                (as_latencies(&canary.baseline.ttft_us), as_latencies(&canary.candidate.ttft_us));
            let pair = QuantilePair::unpaired(&baseline, &candidate, *share);
            quantile(pair, baseline.len().min(candidate.len()), "order-statistics-mover", levels)
        }
    }
}

fn paired_share(counts: PairedCounts, levels: LevelsInForce) -> Measured {
    let pairs = counts.pairs();
    let (c01, c10) = (counts.only_candidate_bad, counts.only_baseline_bad);
    let few = counts.discordant() < FEW_FOR_ALARM;
    let bounds = || -> Result<(f64, f64), Refusal> {
        let upper = paired::bound(c01, c10, pairs, levels.go, Side::Upper)?;
        let mut lower = paired::bound(c01, c10, pairs, levels.alarm, Side::Lower)?;
        if few {
            let differences = Differences { minus: c10, zero: pairs.saturating_sub(counts.discordant()), plus: c01 };
            lower = lower.min(betting::lower(differences, levels.alarm)?);
        }
        Ok((lower, upper))
    };
    let share = |bad: u64| (pairs > 0).then(|| bad as f64 / pairs as f64);
    let measured = Measured {
        n: pairs,
        estimate: (pairs > 0).then(|| (c01 as f64 - c10 as f64) / pairs as f64),
        baseline_value: share(counts.baseline_bad()),
        candidate_value: share(counts.candidate_bad()),
        method: if few { "tango-score+exact" } else { "tango-score" }.to_owned(),
        ..Measured::default()
    };
    measured.with_bounds(bounds().map(|(lower, upper)| (Some(lower), Some(upper))))
}

fn canary_share(baseline: Arm, candidate: Arm, levels: LevelsInForce) -> Measured {
    let share = |arm: Arm| (arm.n > 0).then(|| arm.events as f64 / arm.n as f64);
    let few = baseline.events.saturating_add(candidate.events) < unpaired::FEW_EVENTS_FOR_ALARM;
    let bounds = || -> Result<_, Refusal> {
        let lower = unpaired::bound(candidate, baseline, levels.alarm, Side::Lower)?;
        let upper = unpaired::bound(candidate, baseline, levels.go, Side::Upper)?;
        Ok((Some(lower), Some(upper)))
    };
    let measured = Measured {
        n: baseline.n.min(candidate.n),
        estimate: share(candidate).zip(share(baseline)).map(|(c, b)| c - b),
        baseline_value: share(baseline),
        candidate_value: share(candidate),
        method: if few { "miettinen-nurminen+exact" } else { "miettinen-nurminen" }.to_owned(),
        ..Measured::default()
    };
    measured.with_bounds(bounds())
}

fn quantile(pair: Result<QuantilePair, Refusal>, n: usize, method: &str, levels: LevelsInForce) -> Measured {
    let blank = Measured { n: n as u64, method: method.to_owned(), ..Measured::default() };
    let pair = match pair {
        Ok(pair) => pair,
        Err(problem) => return Measured { problem: Some(problem), ..blank },
    };
    let bounds = || Ok((pair.bound(levels.alarm, Side::Lower)?, pair.bound(levels.go, Side::Upper)?));
    let measured = Measured {
        estimate: pair.estimate(),
        baseline_value: pair.baseline(),
        candidate_value: pair.candidate(),
        ..blank
    };
    measured.with_bounds(bounds())
}

fn paired_cost(cost: &PairedCost, at_least: u64, levels: LevelsInForce) -> Measured {
    let column = |nanos: &[i64]| nanos.iter().map(|value| *value as f64).collect::<Vec<f64>>();
    let (baseline, candidate) = (column(&cost.baseline), column(&cost.candidate));
    let n = baseline.len().min(candidate.len()) as u64;
    let blank = Measured { n, method: "log-ratio-of-means-t-paired".to_owned(), ..Measured::default() };
    let ratio = match MeanRatio::paired(&baseline, &candidate) {
        Ok(ratio) => ratio,
        Err(problem) => return Measured { problem: Some(problem), ..blank },
    };
    let bounds = || -> Result<_, Refusal> {
        if n < at_least {
            return Err(Refusal::TooFew { n, needed: at_least });
        }
        Ok((Some(ratio.bound(levels.alarm, Side::Lower)?), Some(ratio.bound(levels.go, Side::Upper)?)))
    };
    let measured = Measured {
        estimate: Some(ratio.estimate()),
        baseline_value: Some(ratio.baseline),
        candidate_value: Some(ratio.candidate),
        ..blank
    };
    measured.with_bounds(bounds())
}

impl Measured {
    fn with_bounds(self, bounds: Result<(Option<f64>, Option<f64>), Refusal>) -> Self {
        match bounds {
            Ok((lower, upper)) => Self { lower, upper, ..self },
            Err(problem) => Self { problem: Some(problem), ..self },
        }
    }
}
