//! Thresholds of the latencies, frozen from the baseline's first requests.

use super::outcome;
use crate::error::EvaluateError;
use crate::pair::Pair;
use crate::rows::Row;
use judge::counters::{Plan, Thresholds};
use judge::metric::Latency;
use judge::policy::{Looks, Policy};

/// The plan with the number of requests at the beginning that made its thresholds, and are not tested against them.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) plan: Plan,
    /// Pairs at the beginning, in their order.
    pub(super) pairs: usize,
    /// Where there are no pairs: instant up to which the baseline's served requests made the thresholds.
    pub(super) served_until_us: Option<i64>,
}

/// Freezes the thresholds: from the baselines of the first pairs, or of the first served requests if there is no pair; at
/// most a fifth of them. A single look needs no such care, and all of them make the thresholds.
pub(super) fn freeze(
    pairs: &[Pair<'_>],
    served_baseline: &[&Row],
    labels: Vec<String>,
    policy: &Policy,
) -> Result<Frozen, EvaluateError> {
    let most = usize::try_from(policy.evidence.reference_requests).unwrap_or(usize::MAX);
    let (of_pairs, of_served) = match (pairs.len(), policy.levels.looks) {
        (0, Looks::Any) => (0, most.min(served_baseline.len() / 5)),
        (0, Looks::One) => (0, served_baseline.len()),
        (n, Looks::Any) => (most.min(n / 5), 0),
        (n, Looks::One) => (n, 0),
    };
    let pairs = pairs.get(..of_pairs).unwrap_or_default();
    let served = served_baseline.get(..of_served).unwrap_or_default();
    let thresholds = Latency::ALL.map(|latency| {
        let of = |row: &Row| outcome::latencies(row)[latency.slot()];
        let reference: Vec<Option<u64>> =
            pairs.iter().map(|pair| pair.baseline).chain(served.iter().copied()).filter_map(of).collect();
        Thresholds::freeze(&reference, policy.latency_margins(latency))
    });
    let plan = Plan::new(thresholds, labels)?;
    if policy.levels.looks == Looks::One {
        return Ok(Frozen { plan, pairs: 0, served_until_us: None });
    }
    Ok(Frozen { plan, pairs: of_pairs, served_until_us: served.last().map(|row| row.at_us) })
}
