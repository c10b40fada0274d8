//! Evidence from served traffic: what only real load can show.

use super::{WEIGHT_BP_FULL, per_hour};
use crate::extract::paired::ttft;
use crate::pair::{cancelled, failed};
use datasets::{Arm, Exchange, Role, ShadowFate};
use judge::evidence::{CanaryArm, CanaryEvidence};
use judge::verdict::Window;
use std::collections::{BTreeMap, HashSet};

/// A served exchange whose arm was drawn. What the other arm cannot serve (`unfit`) never stood a choice; counting it
/// would compare different requests and break the sample-ratio test.
pub(crate) fn drawn(exchange: &Exchange) -> bool {
    exchange.role == Role::Served && exchange.shadow != Some(ShadowFate::Unfit)
}

/// Served traffic of one epoch; `None` unless both arms were to serve, and something was served.
pub(super) fn evidence(exchanges: &[Exchange], epoch: u64, weight_bp: u32) -> Option<CanaryEvidence> {
    if weight_bp == 0 || weight_bp >= WEIGHT_BP_FULL {
        return None;
    }
    let served: Vec<&Exchange> =
        exchanges.iter().filter(|exchange| exchange.epoch == epoch && drawn(exchange)).collect();
    let (first, last) = (served.first()?, served.last()?);
    let window = Window { from_us: first.at_us, to_us: last.at_us };
    let candidate = arm(&served, Arm::Candidate);
    Some(CanaryEvidence {
        baseline: arm(&served, Arm::Baseline),
        candidate_requests_per_hour: per_hour(candidate.requests, &window),
        candidate,
    })
}

/// One arm. Units count by what was assigned, so a client that went away counts there; it is left out of everything
/// else, because it says nothing about the provider. A request without a unit is a unit of its own.
fn arm(served: &[&Exchange], arm: Arm) -> CanaryArm {
    let mut units = HashSet::new();
    let mut counts = CanaryArm::default();
    for exchange in served.iter().filter(|exchange| exchange.arm == arm) {
        units.insert(exchange.unit.as_deref().unwrap_or(&exchange.pair));
        if cancelled(exchange) {
            continue;
        }
        counts.requests += 1;
        counts.errors += u64::from(failed(exchange));
        if exchange.streamed && (failed(exchange) || exchange.ttft_us.is_some()) {
            counts.ttft_us.push(ttft(exchange));
        }
    }
    counts.units = units.len() as u64;
    counts
}

/// Requests and failures of one arm in one epoch.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    requests: u64,
    errors: u64,
}

impl Tally {
    fn add(&mut self, exchange: &Exchange) {
        self.requests += 1;
        self.errors += u64::from(failed(exchange));
    }

    fn share(self) -> Option<f64> {
        (self.requests > 0).then(|| self.errors as f64 / self.requests as f64)
    }
}

/// Failed requests that earlier epochs cost beyond what the baseline would have: for each epoch the candidate's
/// failures minus its requests times the baseline's error share of the same epoch (of all epochs, where it served
/// nothing), never below zero, summed.
pub(super) fn earlier_extra_failures(exchanges: &[Exchange], judged: u64) -> f64 {
    let mut epochs: BTreeMap<u64, [Tally; 2]> = BTreeMap::new();
    let mut baseline_ever = Tally::default();
    for exchange in exchanges.iter().filter(|exchange| !cancelled(exchange)) {
        if exchange.arm == Arm::Baseline {
            baseline_ever.add(exchange);
        }
        if exchange.epoch < judged && drawn(exchange) {
            epochs.entry(exchange.epoch).or_default()[usize::from(exchange.arm == Arm::Candidate)].add(exchange);
        }
    }
    epochs
        .values()
        .map(|[baseline, candidate]| {
            let expected = baseline.share().or(baseline_ever.share()).unwrap_or(0.0);
            (candidate.errors as f64 - candidate.requests as f64 * expected).max(0.0)
        })
        .sum()
}
