//! The evidence of one segment, prepared once for all of its guardrails.

use std::borrow::Cow;

use super::independence;
use crate::counters::canary::{Canary, Hour, ServedArm};
use crate::counters::cluster::exceedance_slot;
use crate::counters::{Clusters, Paired, PairedEvidence, Plan, Thresholds};
use crate::evidence::Evidence;
use crate::metric::{Latency, Quantile};
use crate::stats::betting::{Differences, Tally};

/// Everything that guardrails are asked of.
#[derive(Debug)]
pub(crate) struct Views<'a> {
    /// Pairs of everything.
    pub(crate) pairs: PairsView<'a>,
    /// Served traffic of everything.
    pub(crate) served: Option<ServedView<'a>>,
    /// By critical or reported segment.
    pub(crate) segments: Vec<(&'a str, PairsView<'a>, Option<ServedView<'a>>)>,
}

impl<'a> Views<'a> {
    pub(crate) fn new(evidence: &'a Evidence) -> Self {
        let plan = &evidence.plan;
        let served = |canary: &'a Option<Canary>| canary.as_ref().map(|canary| ServedView::new(canary, plan));
        Self {
            pairs: PairsView::new(&evidence.paired, plan),
            served: served(&evidence.canary),
            segments: evidence
                .segments
                .iter()
                .map(|(name, segment)| (name.as_str(), PairsView::new(&segment.paired, plan), served(&segment.canary)))
                .collect(),
        }
    }
}

/// Pairs, pooled and since each epoch.
#[derive(Debug)]
pub(crate) struct PairsView<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) pooled: Cow<'a, Paired>,
    /// Counters from each epoch but the first to the end: starts of the alarms besides the pooled one.
    pub(crate) restarts: Vec<Paired>,
    pub(crate) clusters: &'a Clusters,
    /// Design effect of the latencies' exceedances, which are never rare.
    pub(crate) frequent_effect: Option<f64>,
}

impl<'a> PairsView<'a> {
    pub(super) fn new(evidence: &'a PairedEvidence, plan: &'a Plan) -> Self {
        let (pooled, restarts) = (evidence.pooled(), evidence.since_each_later_epoch());
        let frequent_effect = frequent(|latency, quantile| {
            let place = plan.of(latency)?.margin_at[quantile.slot()];
            let variance = variance_of(pooled.latency[latency.slot()].differences(quantile, place))?;
            independence::design_effect(&evidence.clusters, exceedance_slot(latency, quantile), variance)
        });
        Self { plan, pooled, restarts, clusters: &evidence.clusters, frequent_effect }
    }
}

/// The largest design effect over the exceedances that are not rare.
fn frequent(of: impl Fn(Latency, Quantile) -> Option<f64>) -> Option<f64> {
    let each = Latency::ALL.into_iter().flat_map(|latency| [(latency, Quantile::P50), (latency, Quantile::P95)]);
    each.filter_map(|(latency, quantile)| of(latency, quantile)).max_by(f64::total_cmp)
}

/// Variance of the mean of independent differences; `None` where there is none.
pub(crate) fn variance_of(differences: Differences) -> Option<f64> {
    let n = differences.minus as f64 + differences.zero as f64 + differences.plus as f64;
    let mean = (differences.plus as f64 - differences.minus as f64) / n;
    let variance = ((differences.plus as f64 + differences.minus as f64) / n - mean * mean) / n;
    (variance > 0.0).then_some(variance)
}

/// Served traffic.
#[derive(Debug)]
pub(crate) struct ServedView<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) canary: &'a Canary,
    /// Both arms over everything.
    pub(crate) totals: Hour,
    /// Both arms by epoch and hour.
    pub(crate) strata: Vec<&'a Hour>,
    /// The same of the requests that are in no pair.
    pub(crate) strata_apart: Vec<&'a Hour>,
    /// Design effects of the arms' exceedances, which are never rare: baseline, candidate.
    pub(crate) frequent_effects: [Option<f64>; 2],
}

impl<'a> ServedView<'a> {
    pub(super) fn new(canary: &'a Canary, plan: &'a Plan) -> Self {
        let epochs = || canary.epochs.values();
        let totals = canary.totals();
        let arm = |arm: &ServedArm, clusters: &Clusters, places: fn(&Thresholds) -> [usize; 3]| {
            frequent(|latency, quantile| {
                let counts = &arm.latency[latency.slot()];
                let above = counts.above(quantile, places(plan.of(latency)?)[quantile.slot()]);
                let share = above as f64 / counts.n as f64;
                let variance = share * (1.0 - share) / counts.n as f64;
                let slot = exceedance_slot(latency, quantile);
                if variance > 0.0 { independence::design_effect(clusters, slot, variance) } else { None }
            })
        };
        let frequent_effects = [
            arm(&totals.baseline, &canary.clusters_baseline, |thresholds| thresholds.equal_at),
            arm(&totals.candidate, &canary.clusters_candidate, |thresholds| thresholds.margin_at),
        ];
        Self {
            plan,
            canary,
            frequent_effects,
            totals,
            strata: epochs().flat_map(|epoch| epoch.hours.values()).collect(),
            strata_apart: epochs().flat_map(|epoch| epoch.hours_apart.values()).collect(),
        }
    }

    /// Blocks of one outcome from each day of each epoch to the end, the longest first; see
    /// [`crate::counters::canary::block_outcomes`].
    pub(crate) fn tallies(&self, slot: usize) -> Vec<Tally> {
        let mut running = crate::stats::blocks::BlockCounts::default();
        let mut tallies = Vec::new();
        for epoch in self.canary.epochs.values().rev() {
            for outcomes in epoch.blocks.values().rev() {
                if let Some(counts) = outcomes.get(&slot) {
                    running.merge(counts);
                    tallies.extend(running.to_tally().ok());
                }
            }
        }
        tallies.reverse();
        tallies
    }
}
