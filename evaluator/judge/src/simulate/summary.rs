//! Thousands of migrations as a table.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ramp::{End, Ramp};
use super::scenario::Scenario;

/// Name of the form in which a simulation is written.
pub const SCHEMA: &str = "weighbridge.simulation/1";

/// A simulation: one world, several ways to decide.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Simulation {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The world.
    pub scenario: Scenario,
    /// `synthetic` or `resampled`.
    pub population: &'static str,
    /// Recorded pairs that were resampled; 0 for a synthetic population.
    pub recorded_pairs: u64,
    /// Seed of all runs.
    pub seed: u64,
    /// Runs of each contender.
    pub runs: u64,
    /// The contenders, in the order given.
    pub contenders: Vec<Contended>,
}

/// What came of one contender.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contended {
    /// Name of the policy or rule.
    pub name: String,
    /// Digest of the policy; absent for the naive rules.
    pub policy_digest: Option<String>,
    /// Metrics that are truly beyond their margins; `null` where the truth is not known.
    pub truly_beyond: Option<Vec<String>>,
    /// Share of runs that reached 100 %.
    pub promoted: f64,
    /// Share that was taken back.
    pub rolled_back: f64,
    /// Share that did neither before the horizon.
    pub open: f64,
    /// Hours to 100 %, over the runs that got there.
    pub hours_to_full: Option<Spread>,
    /// Hours until it was taken back, over the runs that were.
    pub hours_to_rollback: Option<Spread>,
    /// Failures beyond the baseline's until the horizon.
    pub extra_failures: Spread,
    /// Units of the currency spent beyond the baseline's bill until the end: mirrored requests, and what served ones cost
    /// more; below 0 where serving saved more than mirroring cost.
    pub overspend: Spread,
    /// Mirrored requests' part of it.
    pub shadow_cost: Spread,
    /// Share of runs taken back although nothing is beyond its margin; absent where something is, or nobody knows.
    pub false_alarms: Option<f64>,
    /// Share of runs that reached 100 % although something is beyond its margin; absent where nothing is.
    pub false_promotions: Option<f64>,
    /// Extra failures that the policy allows the migration.
    pub harm_budget: Option<f64>,
    /// Share of runs with more.
    pub budget_overshoot: Option<f64>,
    /// What took the runs back, the most frequent first.
    pub stopped_by: Vec<(String, u64)>,
    /// Weights in force over time.
    pub weight_over_time: Vec<WeightAt>,
    /// Extra failures at every percent of the runs, 0 to 100.
    pub extra_failures_percentiles: Vec<f64>,
}

/// A distribution over runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// 5th percentile.
    pub p5: f64,
    /// Median.
    pub median: f64,
    /// 95th percentile.
    pub p95: f64,
    /// Largest.
    pub max: f64,
}

/// Candidate weights of all runs at one time, percent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WeightAt {
    /// Hours since the start.
    pub hour: f64,
    /// 5th percentile.
    pub p5: f64,
    /// 25th percentile.
    pub p25: f64,
    /// Median.
    pub median: f64,
    /// 75th percentile.
    pub p75: f64,
    /// 95th percentile.
    pub p95: f64,
}

impl Spread {
    /// Of these values; `None` without any.
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let max = *values.last()?;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let at = |share: f64| at_rank(&values, share);
        Some(Self { mean, p5: at(0.05), median: at(0.5), p95: at(0.95), max })
    }
}

impl Default for Spread {
    fn default() -> Self {
        Self { mean: 0.0, p5: 0.0, median: 0.0, p95: 0.0, max: 0.0 }
    }
}

/// The value of rank `ceil(n share)`, at least the first; ascending values.
fn at_rank(ascending: &[f64], share: f64) -> f64 {
    let rank = ((ascending.len() as f64 * share - 1e-9).ceil() as usize).max(1);
    ascending.get(rank - 1).copied().unwrap_or(0.0)
}

/// Names and limits of one contender.
pub(super) struct About {
    pub(super) name: String,
    pub(super) policy_digest: Option<String>,
    pub(super) truly_beyond: Option<Vec<String>>,
    pub(super) harm_budget: Option<f64>,
}

/// Sums up the runs of one contender, in the order of their numbers.
pub(super) fn contended(about: About, scenario: &Scenario, ramps: &[Ramp]) -> Contended {
    let n = ramps.len().max(1) as f64;
    let share = |of: &dyn Fn(&Ramp) -> bool| ramps.iter().filter(|ramp| of(ramp)).count() as f64 / n;
    let ended = |end: End| share(&|ramp: &Ramp| ramp.end == end);
    let (promoted, rolled_back) = (ended(End::Promoted), ended(End::RolledBack));
    let hours = |end: End| {
        let of_end = ramps.iter().filter(|ramp| ramp.end == end);
        Spread::of(of_end.map(|ramp| f64::from(ramp.minute) / 60.0).collect())
    };
    let spread = |of: fn(&Ramp) -> f64| Spread::of(ramps.iter().map(of).collect()).unwrap_or_default();
    let harmless = about.truly_beyond.as_ref().map(Vec::is_empty);
    let mut harms: Vec<f64> = ramps.iter().map(|ramp| ramp.extra_failures).collect();
    harms.sort_by(f64::total_cmp);
    Contended {
        hours_to_full: hours(End::Promoted),
        hours_to_rollback: hours(End::RolledBack),
        promoted,
        rolled_back,
        open: ended(End::Open),
        extra_failures: spread(|ramp| ramp.extra_failures),
        overspend: spread(|ramp| ramp.shadow_cost + ramp.served_extra_cost),
        shadow_cost: spread(|ramp| ramp.shadow_cost),
        false_alarms: harmless.filter(|harmless| *harmless).map(|_| rolled_back),
        false_promotions: harmless.filter(|harmless| !harmless).map(|_| promoted),
        budget_overshoot: about.harm_budget.map(|budget| share(&|ramp: &Ramp| ramp.extra_failures > budget)),
        harm_budget: about.harm_budget,
        stopped_by: stopped_by(ramps),
        weight_over_time: weight_over_time(scenario, ramps),
        extra_failures_percentiles: (0..=100).map(|percent| at_rank(&harms, f64::from(percent) / 100.0)).collect(),
        name: about.name,
        policy_digest: about.policy_digest,
        truly_beyond: about.truly_beyond,
    }
}

fn stopped_by(ramps: &[Ramp]) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for why in ramps.iter().filter_map(|ramp| ramp.stopped_by.as_deref()) {
        *counts.entry(why).or_default() += 1;
    }
    let mut list: Vec<(String, u64)> = counts.into_iter().map(|(why, count)| (why.to_owned(), count)).collect();
    list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    list
}

fn weight_over_time(scenario: &Scenario, ramps: &[Ramp]) -> Vec<WeightAt> {
    let ticks = scenario.ticks() as usize;
    // A chart has no room for more points than this.
    let every = ticks.div_ceil(288).max(1);
    (0..ticks)
        .step_by(every)
        .map(|tick| {
            let of = |ramp: &Ramp| ramp.weights_percent.get(tick).copied().map_or(0.0, f64::from);
            let mut weights: Vec<f64> = ramps.iter().map(of).collect();
            weights.sort_by(f64::total_cmp);
            let at = |share: f64| at_rank(&weights, share);
            let hour = (tick as u32 * scenario.time.check_minutes) as f64 / 60.0;
            WeightAt { hour, p5: at(0.05), p25: at(0.25), median: at(0.5), p75: at(0.75), p95: at(0.95) }
        })
        .collect()
}
