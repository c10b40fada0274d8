//! What the judge looks at: counters and facts, already joined and cleaned.
//!
//! The evaluator (or a gateway, or a simulation) fills these structs; the judge never sees a request or an answer. Three
//! kinds of evidence exist. *Paired* evidence has both providers' outcomes for the very same request (shadow traffic or a
//! replay), so the request's own difficulty cancels. *Canary* evidence has served traffic only, each request answered by
//! one arm; only it shows real load. *Repeat* evidence has the baseline's outcome twice (A/A): how much it differs from
//! itself, and whether the whole line of measuring is sound.
//!
//! Conventions, everywhere: the baseline is the provider in use, the candidate the one to move to, and every metric is
//! turned so that larger is worse. Latencies are microseconds; `None` is a request that failed or timed out, which
//! counts as infinitely slow and is never dropped. Money is nano-units of one currency, the same on both sides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::counters::PairedCounts;
use crate::counters::{Canary, Paired, PairedEvidence, Plan, PlanError};
use crate::moderation::ModerationCounts;
use crate::verdict::Instrument;

/// Everything one judgement rests on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evidence {
    /// Candidate weight in force in the judged epoch, percent of the traffic (0 to 100).
    pub weight_percent: f64,
    /// What was fixed before counting.
    pub plan: Plan,
    /// Pairs: the same request answered by both arms.
    pub paired: PairedEvidence,
    /// Served traffic of the judged epoch and the one before it. `None` where the candidate serves nothing.
    pub canary: Option<Canary>,
    /// Weight at which the judged epoch was served, percent, where that is not the weight to judge at.
    pub served_weight_percent: Option<f64>,
    /// The same by segment, for example `model=gpt-4o`.
    pub segments: BTreeMap<String, SegmentEvidence>,
    /// The baseline against its own repetition, as if the repetition were the candidate.
    pub repeat: Paired,
    /// Who intervened how often, where a guard looked at the answers.
    #[serde(skip_serializing_if = "ModerationCounts::is_empty")]
    pub moderation: ModerationCounts,
    /// Health of the measuring as far as the evaluator knows it. The judge computes what follows from the counts, keeps
    /// the given `alarms` and adds its own.
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
    /// How the evidence comes in; only used to say how many hours are missing, and how far the provider's capacity reaches.
    pub rates: Rates,
}

/// Evidence about a part of the traffic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SegmentEvidence {
    /// Its pairs.
    pub paired: PairedEvidence,
    /// Its served traffic.
    pub canary: Option<Canary>,
}

/// How fast evidence comes in, and what the traffic asks of a provider. Whatever is not known is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Pairs an hour.
    pub pairs_per_hour: Option<f64>,
    /// Requests of both arms an hour.
    pub requests_per_hour: Option<f64>,
    /// Requests the candidate serves an hour.
    pub candidate_requests_per_hour: Option<f64>,
    /// Most requests of both arms in any minute.
    pub requests_per_minute_peak: Option<f64>,
    /// Most tokens, prompts and answers of both arms, in any minute.
    pub tokens_per_minute_peak: Option<f64>,
    /// 95th percentile of the candidate's duration, seconds.
    pub duration_p95_seconds: Option<f64>,
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

impl Evidence {
    /// The newest epoch's served traffic.
    #[must_use]
    pub fn judged_canary(&self) -> Option<&crate::counters::CanaryEpoch> {
        self.canary.as_ref().and_then(|canary| canary.epochs.last_key_value()).map(|(_, epoch)| epoch)
    }

    /// Adds the counters of other evidence: pairs, segments, served traffic, repetitions, and the counts of the
    /// instrument. Facts about the judged epoch (weight, rates, stops, earlier epochs) stay those of `self`; the caller
    /// knows which of the two is newer.
    ///
    /// # Errors
    ///
    /// The two were counted against different plans.
    pub fn merge(&mut self, other: &Self) -> Result<(), PlanError> {
        if self.plan != other.plan {
            return Err(PlanError::Different);
        }
        self.paired.merge(&other.paired);
        merge_canary(&mut self.canary, other.canary.as_ref());
        for (name, segment) in &other.segments {
            let own = self.segments.entry(name.clone()).or_default();
            own.paired.merge(&segment.paired);
            merge_canary(&mut own.canary, segment.canary.as_ref());
        }
        self.repeat.merge(&other.repeat);
        self.moderation.merge(&other.moderation);
        self.instrument.add_counts(&other.instrument);
        Ok(())
    }
}

fn merge_canary(own: &mut Option<Canary>, other: Option<&Canary>) {
    match (own.as_mut(), other) {
        (Some(own), Some(other)) => own.merge(other),
        (None, Some(other)) => *own = Some(other.clone()),
        (_, None) => {}
    }
}
