//! What the judge looks at: counters and aligned vectors, already joined and cleaned.
//!
//! The evaluator fills these structs; the judge never sees a request or an answer. Two kinds of evidence exist.
//! *Paired* evidence has both providers' outcomes for the very same request (shadow traffic or a replay), so the
//! request's own difficulty cancels. *Canary* evidence has served traffic only, each request answered by one arm.
//!
//! Conventions, everywhere: the baseline is the provider in use, the candidate the one to move to, and every metric
//! is turned so that larger is worse. Latencies are microseconds; `None` is a request that failed or timed out,
//! which counts as infinitely slow and is never dropped. Money is nano-units of one currency, the same on both sides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::verdict::Instrument;

/// Everything one judgement rests on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evidence {
    /// Candidate weight in force in the judged epoch, percent of the traffic (0 to 100).
    pub weight_percent: f64,
    /// Pairs: the same request answered by both arms.
    pub paired: PairedEvidence,
    /// Served traffic of the judged epoch. `None` where the candidate serves nothing.
    pub canary: Option<CanaryEvidence>,
    /// Health of the measuring as far as the evaluator knows it. The judge recomputes `mirror_loss`, `srm_p` and
    /// `srm_units`, keeps the given `alarms` and adds its own.
    pub instrument: Instrument,
    /// Facts that stop the migration whatever the statistics say, as sentences: a revoked key, an exhausted quota,
    /// a cost budget exceeded. Each makes the verdict NO-GO.
    pub hard_stops: Vec<String>,
    /// Extra failed requests that earlier epochs have already cost (observed excess over the baseline, never
    /// negative); counted against the harm budget. 0 if nothing was served before.
    pub earlier_extra_failures: f64,
    /// What earlier epochs served; a failure there is not forgotten because the weight has changed since.
    pub earlier_epochs: Vec<EarlierEpoch>,
    /// Observations of the judged epoch itself: its pairs, and the candidate's served requests outside of them. `None`
    /// where all of the evidence is of one epoch, so that the floors of the guardrails say it all.
    pub judged_epoch_observations: Option<u64>,
    /// Pairs that come in per hour, if a rate can be named; only used to say how many hours are missing.
    pub pairs_per_hour: Option<f64>,
}

/// Pairs of outcomes for the same requests.
///
/// Only complete pairs belong here: both arms' outcomes are on record. A request whose mirror was dropped is not
/// data, it is mirror loss and belongs in [`Instrument`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairedEvidence {
    /// Request errors: 5xx, transport, malformed answer, timeout. Counted over *all* complete pairs.
    pub errors: PairedCounts,
    /// Answers that arrived but are no use: cut off, refused, not in the demanded format. Counted over the pairs in
    /// which both arms answered, because an error is already counted in `errors`.
    pub answer_failures: PairedCounts,
    /// Labelled quality by metric name, for example `exact`: bad means that the answer misses the label. Counted
    /// over the pairs that have a label (an error is a miss). Empty where there are no labels.
    pub labels: BTreeMap<String, PairedCounts>,
    /// Time to first token, over the pairs whose request was *streamed*; empty if none was.
    pub ttft_us: PairedLatency,
    /// Time to the last byte, over all complete pairs.
    pub duration_us: PairedLatency,
    /// Cost, over the pairs in which both arms answered and could be priced.
    pub cost_nanos: PairedCost,
}

/// A 2x2 table of paired yes/no outcomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairedCounts {
    /// Pairs in which both arms were bad.
    pub both_bad: u64,
    /// Pairs in which only the candidate was bad.
    pub only_candidate_bad: u64,
    /// Pairs in which only the baseline was bad.
    pub only_baseline_bad: u64,
    /// Pairs in which both arms were good.
    pub both_good: u64,
}

impl PairedCounts {
    /// Counts one more pair.
    pub const fn add(&mut self, baseline_bad: bool, candidate_bad: bool) {
        let cell = match (baseline_bad, candidate_bad) {
            (true, true) => &mut self.both_bad,
            (false, true) => &mut self.only_candidate_bad,
            (true, false) => &mut self.only_baseline_bad,
            (false, false) => &mut self.both_good,
        };
        *cell = cell.saturating_add(1);
    }

    /// Counts of two batches together; the order of batches does not matter.
    #[must_use]
    pub const fn merged(self, other: Self) -> Self {
        Self {
            both_bad: self.both_bad.saturating_add(other.both_bad),
            only_candidate_bad: self.only_candidate_bad.saturating_add(other.only_candidate_bad),
            only_baseline_bad: self.only_baseline_bad.saturating_add(other.only_baseline_bad),
            both_good: self.both_good.saturating_add(other.both_good),
        }
    }

    /// The table with the two arms exchanged.
    #[must_use]
    pub const fn swapped(self) -> Self {
        Self { only_candidate_bad: self.only_baseline_bad, only_baseline_bad: self.only_candidate_bad, ..self }
    }

    /// All pairs.
    #[must_use]
    pub const fn pairs(&self) -> u64 {
        self.both_bad
            .saturating_add(self.only_candidate_bad)
            .saturating_add(self.only_baseline_bad)
            .saturating_add(self.both_good)
    }

    /// Pairs in which the arms differ.
    #[must_use]
    pub const fn discordant(&self) -> u64 {
        self.only_candidate_bad.saturating_add(self.only_baseline_bad)
    }

    /// Bad outcomes of the candidate.
    #[must_use]
    pub const fn candidate_bad(&self) -> u64 {
        self.both_bad.saturating_add(self.only_candidate_bad)
    }

    /// Bad outcomes of the baseline.
    #[must_use]
    pub const fn baseline_bad(&self) -> u64 {
        self.both_bad.saturating_add(self.only_baseline_bad)
    }
}

/// Two aligned columns of latencies in microseconds; entry `i` of both is the same request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairedLatency {
    /// The baseline's latencies; `None` means failed or timed out, hence infinitely slow.
    pub baseline: Vec<Option<u64>>,
    /// The candidate's latencies, aligned with `baseline`.
    pub candidate: Vec<Option<u64>>,
}

impl PairedLatency {
    /// Adds one pair.
    pub fn push(&mut self, baseline_us: Option<u64>, candidate_us: Option<u64>) {
        self.baseline.push(baseline_us);
        self.candidate.push(candidate_us);
    }
}

/// Two aligned columns of costs in nano-units of one currency; entry `i` of both is the same request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairedCost {
    /// What the baseline charges.
    pub baseline: Vec<i64>,
    /// What the candidate charges, aligned with `baseline`.
    pub candidate: Vec<i64>,
}

impl PairedCost {
    /// Adds one pair.
    pub fn push(&mut self, baseline_nanos: i64, candidate_nanos: i64) {
        self.baseline.push(baseline_nanos);
        self.candidate.push(candidate_nanos);
    }
}

/// Served traffic in one epoch of constant weight.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CanaryEvidence {
    /// Requests served by the baseline.
    pub baseline: CanaryArm,
    /// Requests served by the candidate.
    pub candidate: CanaryArm,
    /// Requests the candidate serves per hour, if a rate can be named.
    pub candidate_requests_per_hour: Option<f64>,
    /// Weight at which it was served, percent, where that is not the weight to judge at.
    pub weight_percent: Option<f64>,
}

/// Served traffic of an epoch before the judged one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EarlierEpoch {
    /// Its number.
    pub epoch: u64,
    /// Requests served by the baseline.
    pub baseline_requests: u64,
    /// Those of them that failed.
    pub baseline_errors: u64,
    /// Requests served by the candidate.
    pub candidate_requests: u64,
    /// Those of them that failed.
    pub candidate_errors: u64,
}

/// One arm of the served traffic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CanaryArm {
    /// Units of assignment (conversations, or consumers) that the split sent here.
    pub units: u64,
    /// Requests served to the end, or to a failure of the provider.
    pub requests: u64,
    /// Requests that failed for the client, among `requests`.
    pub errors: u64,
    /// Requests that the client gave up on, besides `requests`.
    pub cancelled: u64,
    /// Time to first token of the streamed requests; `None` means failed. Empty if none was streamed.
    pub ttft_us: Vec<Option<u64>>,
}
