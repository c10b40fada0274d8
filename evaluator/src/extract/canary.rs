//! Evidence from served traffic: what only real load can show.

use super::per_hour;
use crate::extract::paired::ttft;
use crate::pair::Pairing;
use crate::rows::{Row, Rows};
use datasets::{Arm, AssignedBy, Role, ShadowFate};
use judge::evidence::{CanaryArm, CanaryEvidence, EarlierEpoch};
use judge::verdict::Window;
use std::collections::{BTreeMap, HashSet};
use wire::ErrorKind;

/// A served exchange whose arm was drawn. What the other arm cannot serve (`unfit`) never stood a choice, and what a rule
/// sent to its arm was chosen by somebody; counting either would compare different requests and break the sample-ratio
/// test. Where both arms answered the request, it is a pair all the same.
pub(crate) fn drawn(exchange: &Row) -> bool {
    exchange.role == Role::Served && exchange.shadow != Some(ShadowFate::Unfit) && by_weight(exchange)
}

/// Files before 1.1 do not say how; there the weight drew whatever was fit.
fn by_weight(exchange: &Row) -> bool {
    matches!(exchange.assigned_by, None | Some(AssignedBy::Weight))
}

/// Served exchanges that something else than the weight sent to their arm, by what did.
pub(super) fn not_drawn(exchanges: &[Row]) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for exchange in exchanges.iter().filter(|exchange| exchange.role == Role::Served && !by_weight(exchange)) {
        let what = match exchange.assigned_by {
            Some(AssignedBy::Header) => "a header",
            Some(AssignedBy::HeaderPattern) => "a pattern of a header",
            Some(AssignedBy::Cookie) => "a cookie",
            Some(AssignedBy::Unfit) => "what the candidate cannot serve",
            Some(AssignedBy::None) => "no migration",
            Some(AssignedBy::Weight) | None => continue,
        };
        *counts.entry(what).or_default() += 1;
    }
    counts
}

/// Served traffic of one epoch in which the candidate was to serve; empty at weight zero. At full weight the baseline
/// serves nothing, and what the candidate does there is evidence all the same.
pub(super) fn served(exchanges: &[Row], epoch: u32, weight_bp: u16) -> Vec<&Row> {
    if weight_bp == 0 {
        return Vec::new();
    }
    exchanges.iter().filter(|exchange| exchange.epoch == epoch && drawn(exchange)).collect()
}

/// Evidence from served traffic; `None` if nothing was served.
pub(super) fn evidence(served: &[&Row]) -> Option<CanaryEvidence> {
    let (first, last) = (served.first()?, served.last()?);
    let window = Window { from_us: first.at_us, to_us: last.at_us };
    let candidate = arm(served, Arm::Candidate);
    Some(CanaryEvidence {
        baseline: arm(served, Arm::Baseline),
        candidate_requests_per_hour: per_hour(candidate.requests, &window),
        candidate,
        weight_percent: None,
    })
}

/// One arm. Units count by what was assigned, so a client that went away counts there. It is a cancellation and left out
/// of everything else, because a single one says nothing about the provider; many more than the other arm's do. What the
/// gateway's own stop cut off counts only as a unit. A request without a unit is a unit of its own.
fn arm(served: &[&Row], arm: Arm) -> CanaryArm {
    let mut units = HashSet::new();
    let mut counts = CanaryArm::default();
    for exchange in served.iter().filter(|exchange| exchange.arm == arm) {
        units.insert(exchange.unit.ok_or(exchange.pair));
        if exchange.cancelled() {
            counts.cancelled += u64::from(exchange.error == Some(ErrorKind::ClientCancelled));
            continue;
        }
        counts.requests += 1;
        counts.errors += u64::from(exchange.failed());
        if exchange.streamed && (exchange.failed() || exchange.ttft_us().is_some()) {
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
    fn add(&mut self, exchange: &Row) {
        self.requests += 1;
        self.errors += u64::from(exchange.failed());
    }

    fn share(self) -> Option<f64> {
        (self.requests > 0).then(|| self.errors as f64 / self.requests as f64)
    }
}

/// Failed requests that earlier epochs cost beyond what the baseline would have: for each epoch the candidate's
/// failures minus its requests times the baseline's error share of the same epoch (of all epochs, where it served
/// nothing), never below zero, summed.
pub(super) fn earlier_extra_failures(exchanges: &[Row], judged: u32) -> f64 {
    let mut epochs: BTreeMap<u32, [Tally; 2]> = BTreeMap::new();
    let mut baseline_ever = Tally::default();
    for exchange in exchanges.iter().filter(|exchange| !exchange.cancelled()) {
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

/// What earlier epochs served, oldest first: rows that are not too old, and of the candidate only what today's models
/// answered. A change of the weight does not repair a candidate, a change of the model may.
pub(super) fn earlier_epochs(rows: &Rows, judged: u32, pairing: &Pairing<'_>) -> Vec<EarlierEpoch> {
    let mut epochs: BTreeMap<u32, EarlierEpoch> = BTreeMap::new();
    let counts = |row: &&Row| {
        let replaced = row.arm == Arm::Candidate
            && rows.names().model(row.route).is_some_and(|model| pairing.replaced.contains(&model));
        row.epoch < judged && row.at_us >= pairing.oldest_us && drawn(row) && !row.cancelled() && !replaced
    };
    for row in rows.all().iter().filter(counts) {
        let epoch =
            epochs.entry(row.epoch).or_insert(EarlierEpoch { epoch: u64::from(row.epoch), ..EarlierEpoch::default() });
        let (requests, errors) = match row.arm {
            Arm::Baseline => (&mut epoch.baseline_requests, &mut epoch.baseline_errors),
            Arm::Candidate => (&mut epoch.candidate_requests, &mut epoch.candidate_errors),
        };
        *requests += 1;
        *errors += u64::from(row.failed());
    }
    epochs.into_values().filter(|epoch| epoch.candidate_requests > 0).collect()
}
