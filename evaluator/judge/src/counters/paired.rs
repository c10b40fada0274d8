//! Pairs: the same request answered by both arms.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

use super::cluster::{Amount, ClusterSums, Clusters, exceedance_slot};
use super::latency::LatencyPairs;
use super::plan::Plan;
use crate::metric::{FIRST_LABEL, LABELS_MAX, Latency, Quantile, SHARE_SLOTS, Share, ShareSet};
use crate::stats::ratio::PairedSums;

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

/// What is counted of one pair.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PairOutcome {
    /// Shares that can be asked of this pair; see [`Share::slot`] and [`FIRST_LABEL`].
    pub asked: ShareSet,
    /// Those in which the baseline was bad. For the two disagreements: the baseline's repetition differs from it.
    pub baseline: ShareSet,
    /// Those in which the candidate was bad.
    pub candidate: ShareSet,
    /// By [`Latency::slot`]: baseline's and candidate's value in microseconds, `None` inside for a failed request;
    /// `None` outside where it cannot be asked.
    pub latency_us: [Option<[Option<u64>; 2]>; 3],
    /// This pair's baseline made the thresholds, so that its latencies are not tested against them.
    pub reference: bool,
    /// Baseline's and candidate's cost, nano-units.
    pub cost_nanos: Option<[i64; 2]>,
    /// Baseline's and candidate's characters of the answers.
    pub answer_chars: Option<[i64; 2]>,
    /// Baseline's and candidate's quality, millionths, good when large.
    pub quality_millionths: Option<[i64; 2]>,
}

/// Counters over pairs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Paired {
    /// Pairs counted.
    pub pairs: u64,
    /// Tables by place, the labelled metrics after the fixed ones; shorter where the last ones were not asked.
    tables: Vec<PairedCounts>,
    /// By [`Latency::slot`].
    pub latency: [LatencyPairs; 3],
    /// Over the pairs in which both arms answered and could be priced, nano-units.
    pub cost: PairedSums,
    /// Over the pairs with text on both sides, characters.
    pub answer_chars: PairedSums,
    /// Over the pairs with a score on both sides, millionths.
    pub quality: PairedSums,
}

impl Paired {
    /// Counts one pair.
    pub fn add(&mut self, plan: &Plan, outcome: &PairOutcome) {
        self.count(plan, outcome, None);
    }

    fn count(&mut self, plan: &Plan, outcome: &PairOutcome, mut cluster: Option<&mut ClusterSums>) {
        self.pairs = self.pairs.saturating_add(1);
        for slot in outcome.asked.slots() {
            let (baseline, candidate) = (outcome.baseline.contains(slot), outcome.candidate.contains(slot));
            self.table_mut(slot).add(baseline, candidate);
            if let Some(sums) = cluster.as_deref_mut() {
                sums.add(slot, i64::from(candidate) - i64::from(baseline));
            }
        }
        for latency in Latency::ALL {
            let Some(values) = outcome.latency_us[latency.slot()] else { continue };
            let counts = &mut self.latency[latency.slot()];
            let at_margin = counts.add(plan.of(latency), values, outcome.reference, 1);
            if let (Some(sums), Some(at_margin)) = (cluster.as_deref_mut(), at_margin) {
                for (quantile, effect) in Quantile::ALL.into_iter().zip(at_margin) {
                    sums.add(exceedance_slot(latency, quantile), i64::from(effect));
                }
            }
        }
        let amounts = [
            (Amount::Cost, outcome.cost_nanos, &mut self.cost),
            (Amount::AnswerChars, outcome.answer_chars, &mut self.answer_chars),
            (Amount::Quality, outcome.quality_millionths, &mut self.quality),
        ];
        for (amount, values, sums) in amounts {
            if let Some([baseline, candidate]) = values {
                sums.push(baseline, candidate);
                if let Some(cluster) = cluster.as_deref_mut() {
                    cluster.add_amount(amount, baseline, candidate);
                }
            }
        }
    }

    /// Adds counters of the same plan.
    pub fn merge(&mut self, other: &Self) {
        self.pairs = self.pairs.saturating_add(other.pairs);
        for (slot, table) in other.tables.iter().enumerate() {
            let own = self.table_mut(slot);
            *own = own.merged(*table);
        }
        for (own, others) in self.latency.iter_mut().zip(&other.latency) {
            own.merge(others);
        }
        self.cost.merge(&other.cost);
        self.answer_chars.merge(&other.answer_chars);
        self.quality.merge(&other.quality);
    }

    /// Adds the tables and the tested latencies of counters of the same plan: what alarms are raised from.
    fn merge_tested(&mut self, other: &Self) {
        self.pairs = self.pairs.saturating_add(other.pairs);
        for (slot, table) in other.tables.iter().enumerate() {
            let own = self.table_mut(slot);
            *own = own.merged(*table);
        }
        for (own, others) in self.latency.iter_mut().zip(&other.latency) {
            own.merge_tested(others);
        }
    }

    /// The table of a share.
    #[must_use]
    pub fn share(&self, share: Share) -> PairedCounts {
        self.table(share.slot())
    }

    /// The table of the labelled metric with this place among the plan's labels.
    #[must_use]
    pub fn label(&self, index: usize) -> PairedCounts {
        if index < LABELS_MAX { self.table(FIRST_LABEL + index) } else { PairedCounts::default() }
    }

    /// The table at a place.
    #[must_use]
    pub fn table(&self, slot: usize) -> PairedCounts {
        self.tables.get(slot).copied().unwrap_or_default()
    }

    /// The table at a place, to be added to; places beyond [`SHARE_SLOTS`] share the last one.
    pub fn table_mut(&mut self, slot: usize) -> &mut PairedCounts {
        let slot = slot.min(SHARE_SLOTS - 1);
        if self.tables.len() <= slot {
            self.tables.resize(slot + 1, PairedCounts::default());
        }
        &mut self.tables[slot]
    }
}

/// Pairs of all epochs: counters by epoch, so that a change at a later rung need not undo what an earlier one proved,
/// and clusters over all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairedEvidence {
    /// By epoch.
    pub epochs: BTreeMap<u64, Paired>,
    /// By consumer or conversation. Empty where every pair stands for itself.
    pub clusters: Clusters,
}

impl PairedEvidence {
    /// Counts one pair of an epoch; `cluster` is the key of its consumer or conversation.
    pub fn add(&mut self, plan: &Plan, epoch: u64, cluster: Option<u64>, outcome: &PairOutcome) {
        let sums = cluster.map(|key| self.clusters.of(key));
        self.epochs.entry(epoch).or_default().count(plan, outcome, sums);
    }

    /// Counts one pair of an epoch whose cluster's sums the caller keeps, to hand them over with
    /// [`Clusters::add_closed`] when the cluster is complete.
    pub fn add_to(&mut self, plan: &Plan, epoch: u64, outcome: &PairOutcome, sums: Option<&mut ClusterSums>) {
        self.epochs.entry(epoch).or_default().count(plan, outcome, sums);
    }

    /// Adds evidence of the same plan.
    pub fn merge(&mut self, other: &Self) {
        for (epoch, paired) in &other.epochs {
            self.epochs.entry(*epoch).or_default().merge(paired);
        }
        self.clusters.merge(&other.clusters);
    }

    /// All epochs together.
    #[must_use]
    pub fn pooled(&self) -> Cow<'_, Paired> {
        let mut epochs = self.epochs.values();
        match (epochs.next(), epochs.next()) {
            (Some(only), None) => Cow::Borrowed(only),
            _ => {
                let mut pooled = Paired::default();
                self.epochs.values().for_each(|paired| pooled.merge(paired));
                Cow::Owned(pooled)
            }
        }
    }

    /// Counters that start at each epoch but the first and run to the end, the longest first: what the restarted tests look
    /// at. Tables and tested latencies only; histograms and money have no restarts and stay empty.
    #[must_use]
    pub fn since_each_later_epoch(&self) -> Vec<Paired> {
        let mut running = Paired::default();
        let mut since: Vec<Paired> = Vec::with_capacity(self.epochs.len());
        for paired in self.epochs.values().skip(1).rev() {
            running.merge_tested(paired);
            since.push(running.clone());
        }
        since.reverse();
        since
    }
}
