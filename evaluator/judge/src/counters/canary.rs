//! Served traffic: each request answered by one arm, drawn by weight.
//!
//! The arms' requests are different ones, so that whatever changes over the day must not be mistaken for the arm. Totals
//! are therefore kept by epoch and hour: within an hour of one weight the arms are alike but for the arm. The exact
//! alarms go further and compare a candidate's request with the next few of the baseline's of the same minute
//! ([`crate::stats::blocks`]); their counts start anew with every epoch and every day.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::cluster::{Amount, ClusterSums, Clusters, exceedance_slot};
use super::histogram::Histogram;
use super::latency::LatencyServed;
use super::plan::{Plan, Thresholds};
use crate::metric::{Latency, Quantile, SHARE_SLOTS, Share, ShareSet};
use crate::stats::blocks::BlockCounts;
use crate::stats::ratio::ArmSums;

/// What is counted of one served request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServedOutcome {
    /// The candidate answered, else the baseline.
    pub candidate: bool,
    /// Hours since the Unix epoch at which it arrived.
    pub hour: i64,
    /// It is in a pair as well.
    pub paired: bool,
    /// Key of its assignment unit (conversation or consumer).
    pub unit: Option<u64>,
    /// Shares that can be asked of it.
    pub asked: ShareSet,
    /// Those in which it was bad.
    pub bad: ShareSet,
    /// By [`Latency::slot`], microseconds: `None` inside for a failed request, `None` outside where it cannot be asked.
    pub latency_us: [Option<Option<u64>>; 3],
    /// Cost, nano-units.
    pub cost_nanos: Option<i64>,
    /// Output tokens.
    pub answer_chars: Option<i64>,
}

/// How often a share was asked, and how often it was bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Asked {
    /// Requests that were asked.
    pub n: u64,
    /// Bad ones.
    pub bad: u64,
}

/// One arm within one hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServedArm {
    /// By place; see [`Share::slot`]. Shorter where the last ones were not asked.
    shares: Vec<Asked>,
    /// By [`Latency::slot`].
    pub latency: [LatencyServed; 3],
    /// Over the answered and priced requests, nano-units.
    pub cost: ArmSums,
    /// Over the requests with usage, tokens.
    pub answer_chars: ArmSums,
}

impl ServedArm {
    /// How a share stands.
    #[must_use]
    pub fn share(&self, share: Share) -> Asked {
        self.asked(share.slot())
    }

    /// How the share at a place stands.
    #[must_use]
    pub fn asked(&self, slot: usize) -> Asked {
        self.shares.get(slot).copied().unwrap_or_default()
    }

    /// Counts requests of which a share was asked, and the bad ones among them.
    pub fn add_share(&mut self, share: Share, n: u64, bad: u64) {
        self.add_slot(share.slot(), n, bad);
    }

    fn add_slot(&mut self, slot: usize, n: u64, bad: u64) {
        let slot = slot.min(SHARE_SLOTS - 1);
        if self.shares.len() <= slot {
            self.shares.resize(slot + 1, Asked::default());
        }
        if let Some(own) = self.shares.get_mut(slot) {
            own.n = own.n.saturating_add(n);
            own.bad = own.bad.saturating_add(bad);
        }
    }

    /// Counts one request.
    pub fn add(&mut self, plan: &Plan, outcome: &ServedOutcome) {
        for slot in outcome.asked.slots() {
            self.add_slot(slot, 1, u64::from(outcome.bad.contains(slot)));
        }
        for latency in Latency::ALL {
            if let (Some(value), Some(thresholds)) = (outcome.latency_us[latency.slot()], plan.of(latency)) {
                self.latency[latency.slot()].add(thresholds, value, 1);
            }
        }
        if let Some(cost) = outcome.cost_nanos {
            self.cost.push(cost);
        }
        if let Some(length) = outcome.answer_chars {
            self.answer_chars.push(length);
        }
    }

    /// Adds another one of the same plan.
    pub fn merge(&mut self, other: &Self) {
        for (slot, asked) in other.shares.iter().enumerate() {
            self.add_slot(slot, asked.n, asked.bad);
        }
        for (own, others) in self.latency.iter_mut().zip(&other.latency) {
            own.merge(others);
        }
        self.cost.merge(&other.cost);
        self.answer_chars.merge(&other.answer_chars);
    }
}

/// Both arms within one hour: baseline, candidate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hour {
    /// The baseline.
    pub baseline: ServedArm,
    /// The candidate.
    pub candidate: ServedArm,
}

impl Hour {
    /// One of the arms.
    pub const fn arm_mut(&mut self, candidate: bool) -> &mut ServedArm {
        if candidate { &mut self.candidate } else { &mut self.baseline }
    }
}

/// Place of a latency's exceedance at equality among the outcomes of a block; those at the margin are at
/// [`exceedance_slot`].
#[must_use]
pub const fn equality_slot(latency: Latency, quantile: Quantile) -> usize {
    exceedance_slot(latency, quantile) + 9
}

/// Served traffic of one epoch of constant weight.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CanaryEpoch {
    /// Candidate weight, hundredths of a percent.
    pub weight_bp: u32,
    /// Assignment units that the split sent to the baseline.
    pub units_baseline: u64,
    /// Assignment units that the split sent to the candidate.
    pub units_candidate: u64,
    /// By hour since the Unix epoch.
    pub hours: BTreeMap<i64, Hour>,
    /// The same of the requests that are in no pair, which is what may be added to the pairs' evidence.
    pub hours_apart: BTreeMap<i64, Hour>,
    /// Blocks by day since the Unix epoch and by outcome: shares, exceedances at the margin, exceedances at equality.
    pub blocks: BTreeMap<i64, BTreeMap<usize, BlockCounts>>,
}

impl CanaryEpoch {
    /// Both arms over all hours.
    #[must_use]
    pub fn totals(&self) -> Hour {
        let mut totals = Hour::default();
        for hour in self.hours.values() {
            totals.baseline.merge(&hour.baseline);
            totals.candidate.merge(&hour.candidate);
        }
        totals
    }

    /// The blocks' counts of one day and outcome, to be added to.
    pub fn block(&mut self, day: i64, slot: usize) -> &mut BlockCounts {
        self.blocks.entry(day).or_default().entry(slot).or_default()
    }

    fn merge(&mut self, other: &Self) {
        self.weight_bp = self.weight_bp.max(other.weight_bp);
        self.units_baseline = self.units_baseline.saturating_add(other.units_baseline);
        self.units_candidate = self.units_candidate.saturating_add(other.units_candidate);
        for (own, others) in [(&mut self.hours, &other.hours), (&mut self.hours_apart, &other.hours_apart)] {
            for (hour, arms) in others {
                let own = own.entry(*hour).or_default();
                own.baseline.merge(&arms.baseline);
                own.candidate.merge(&arms.candidate);
            }
        }
        for (day, outcomes) in &other.blocks {
            for (slot, counts) in outcomes {
                self.block(*day, *slot).merge(counts);
            }
        }
    }
}

/// Served traffic of the epochs that are judged together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Canary {
    /// By epoch.
    pub epochs: BTreeMap<u64, CanaryEpoch>,
    /// Clusters of the baseline by assignment unit.
    pub clusters_baseline: Clusters,
    /// Clusters of the candidate by assignment unit.
    pub clusters_candidate: Clusters,
    /// The baseline's latencies, for description, by [`Latency::slot`].
    pub latency_baseline: [Histogram; 3],
    /// The candidate's.
    pub latency_candidate: [Histogram; 3],
}

impl Canary {
    /// Counts one served request.
    pub fn add(&mut self, plan: &Plan, epoch: u64, outcome: &ServedOutcome) {
        let served = self.epochs.entry(epoch).or_default();
        served.hours.entry(outcome.hour).or_default().arm_mut(outcome.candidate).add(plan, outcome);
        if !outcome.paired {
            served.hours_apart.entry(outcome.hour).or_default().arm_mut(outcome.candidate).add(plan, outcome);
        }
        let (clusters, histograms) = if outcome.candidate {
            (&mut self.clusters_candidate, &mut self.latency_candidate)
        } else {
            (&mut self.clusters_baseline, &mut self.latency_baseline)
        };
        for latency in Latency::ALL {
            if let Some(value) = outcome.latency_us[latency.slot()] {
                histograms[latency.slot()].add(value);
            }
        }
        if let Some(unit) = outcome.unit {
            add_to_cluster(clusters.of(unit), plan, outcome);
        }
    }

    /// Closes the clusters if there are more than `limit` of them in either arm: beyond that many, a single one is not
    /// worth being known by itself.
    pub fn close_clusters_above(&mut self, limit: usize) {
        for clusters in [&mut self.clusters_baseline, &mut self.clusters_candidate] {
            if clusters.open.len() > limit {
                clusters.close();
            }
        }
    }

    /// Adds evidence of the same plan.
    pub fn merge(&mut self, other: &Self) {
        for (epoch, served) in &other.epochs {
            self.epochs.entry(*epoch).or_default().merge(served);
        }
        self.clusters_baseline.merge(&other.clusters_baseline);
        self.clusters_candidate.merge(&other.clusters_candidate);
        for (own, others) in self.latency_baseline.iter_mut().zip(&other.latency_baseline) {
            own.merge(others);
        }
        for (own, others) in self.latency_candidate.iter_mut().zip(&other.latency_candidate) {
            own.merge(others);
        }
    }

    /// Both arms over all epochs and hours.
    #[must_use]
    pub fn totals(&self) -> Hour {
        let mut totals = Hour::default();
        for epoch in self.epochs.values() {
            let own = epoch.totals();
            totals.baseline.merge(&own.baseline);
            totals.candidate.merge(&own.candidate);
        }
        totals
    }
}

fn add_to_cluster(sums: &mut ClusterSums, plan: &Plan, outcome: &ServedOutcome) {
    for slot in outcome.asked.slots() {
        sums.add(slot, i64::from(outcome.bad.contains(slot)));
    }
    for latency in Latency::ALL {
        let (Some(value), Some(thresholds)) = (outcome.latency_us[latency.slot()], plan.of(latency)) else { continue };
        for quantile in Quantile::ALL {
            let [at_margin, at_tau] = exceeds(thresholds, quantile, value);
            let above = if outcome.candidate { at_margin } else { at_tau };
            sums.add(exceedance_slot(latency, quantile), i64::from(above));
        }
    }
    if let Some(cost) = outcome.cost_nanos {
        sums.add_amount(Amount::Cost, 0, cost);
    }
    if let Some(length) = outcome.answer_chars {
        sums.add_amount(Amount::AnswerChars, 0, length);
    }
}

/// Whether a value is above the margin's threshold, and above the baseline's own.
fn exceeds(thresholds: &Thresholds, quantile: Quantile, value_us: Option<u64>) -> [bool; 2] {
    let slot = quantile.slot();
    let above = |place: usize| {
        let edge = thresholds.edges_us[slot].get(place).copied().unwrap_or(u64::MAX);
        value_us.is_none_or(|value| value > edge)
    };
    [above(thresholds.margin_at[slot]), above(thresholds.equal_at[slot])]
}

/// The yes/no outcomes of a served request as blocks compare them, one bit each: shares at [`Share::slot`], exceedances
/// at [`exceedance_slot`] (the candidate's at its margin) and [`equality_slot`]. What cannot be asked of a request did
/// not happen to it: a block must not be formed, or left out, by what became of its requests.
#[must_use]
pub fn block_outcomes(plan: &Plan, outcome: &ServedOutcome) -> u64 {
    let mut bad = 0u64;
    for slot in outcome.asked.slots().filter(|slot| outcome.bad.contains(*slot)) {
        bad |= 1 << slot;
    }
    for latency in Latency::ALL {
        let (Some(value), Some(thresholds)) = (outcome.latency_us[latency.slot()], plan.of(latency)) else { continue };
        for quantile in Quantile::ALL {
            let [at_margin, at_tau] = exceeds(thresholds, quantile, value);
            let above = if outcome.candidate { at_margin } else { at_tau };
            bad |= u64::from(above) << exceedance_slot(latency, quantile);
            bad |= u64::from(at_tau) << equality_slot(latency, quantile);
        }
    }
    bad
}

/// Outcomes that blocks of requests compare which were all streamed, or all not: whether a request asks for a stream is
/// known before it is answered.
pub fn block_slots(streamed: bool) -> impl Iterator<Item = usize> {
    let shares = Share::ALL.into_iter().filter(move |share| streamed || *share != Share::SlowTtft).map(Share::slot);
    let latencies = Latency::ALL.into_iter().filter(move |latency| streamed || *latency == Latency::Duration);
    let exceedances = latencies.flat_map(|latency| {
        Quantile::ALL
            .into_iter()
            .flat_map(move |quantile| [exceedance_slot(latency, quantile), equality_slot(latency, quantile)])
    });
    shares.chain(exceedances)
}

const _: () = assert!(SHARE_SLOTS + 18 <= 64, "outcomes of a block are bits of one word");
