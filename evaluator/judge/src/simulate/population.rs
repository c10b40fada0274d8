//! Who asks, and what both arms would answer: synthetic, or the pairs that were recorded.

use rand_distr::{Distribution, StandardNormal};

use super::law::{self, Change, Curve, LATENCIES};
use super::random::{Alias, Random, happens};
use super::scenario::{LatencyLaw, Scenario};
use crate::counters::PairOutcome;
use crate::metric::{Share, ShareSet};
use rand::RngExt;

/// Where requests come from.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Population {
    /// By the scenario's laws.
    #[default]
    Synthetic,
    /// Recorded pairs, drawn with replacement; the scenario's effects come on top, its laws are not used.
    Resampled(Vec<PairOutcome>),
}

/// Consumers of one run.
#[derive(Debug, Clone)]
pub(super) struct Consumers {
    sizes: Alias,
    /// By consumer and arm: logarithm of the factor on latency, and factor on the share of errors.
    pub(super) habits: Vec<[(f64, f64); 2]>,
}

impl Consumers {
    /// Draws the consumers of a run; `None` where every request stands for itself.
    pub(super) fn draw(scenario: &Scenario, random: &mut Random) -> Option<Self> {
        let law = scenario.consumers;
        if law.count == 0 {
            return None;
        }
        let sizes: Vec<f64> = (1..=law.count).map(|rank| f64::from(rank).powf(-law.zipf)).collect();
        let mut normal = |sd: f64| sd * normal(random);
        let mut habits: Vec<[(f64, f64); 2]> = sizes
            .iter()
            .map(|_| {
                let (latency, errors) = (normal(law.log_sd), normal(law.log_sd));
                [0, 1].map(|_| (latency + normal(law.arm_log_sd), (errors + normal(law.arm_log_sd)).exp()))
            })
            .collect();
        // Consumers differ, the arms as a whole do not: neither in errors nor in the mean logarithm of latency.
        let total: f64 = sizes.iter().sum();
        for arm in 0..2 {
            let mean = |of: fn((f64, f64)) -> f64| {
                habits.iter().zip(&sizes).map(|(habit, size)| of(habit[arm]) * size).sum::<f64>() / total
            };
            let (shift, factor) = (mean(|habit| habit.0), mean(|habit| habit.1));
            for habit in &mut habits {
                habit[arm].0 -= shift;
                habit[arm].1 /= factor;
            }
        }
        Some(Self { sizes: Alias::new(&sizes), habits })
    }

    pub(super) fn next(&self, random: &mut Random) -> usize {
        self.sizes.draw(random)
    }
}

pub(super) fn normal(random: &mut Random) -> f64 {
    StandardNormal.sample(random)
}

/// Nano-units of an amount of money.
pub(super) fn nanos(amount: f64) -> i64 {
    (amount * 1e9).round().clamp(0.0, 1e18) as i64
}

/// Draws what both arms make of one request. `habits`: the consumer's, by arm.
pub(super) fn synthetic_pair(
    scenario: &Scenario,
    changes: &[Change; 2],
    habits: [(f64, f64); 2],
    random: &mut Random,
) -> PairOutcome {
    let mut outcome = PairOutcome::default();
    for (share, law) in scenario.shares_in_order() {
        if share == Share::Cancellations {
            continue;
        }
        let mut chances = [false, true].map(|arm| law::share(scenario, share, arm, &changes[usize::from(arm)]));
        if share == Share::Errors {
            chances = [0, 1].map(|arm: usize| (chances[arm] * habits[arm].1).min(1.0));
        }
        let bad = both(chances, law.shared_percent / 100.0, random);
        // Pairs are too few to show the load of real traffic: what is refused for want of quota is an error there.
        let share = if share == Share::RateLimited { Share::Errors } else { share };
        outcome.asked.insert(share.slot());
        outcome.baseline.insert_if(share.slot(), bad[0]);
        outcome.candidate.insert_if(share.slot(), bad[1]);
    }
    let failed = [outcome.baseline, outcome.candidate].map(|bad| bad.contains(Share::Errors.slot()));
    let laws = [&scenario.latency.ttft, &scenario.latency.duration];
    for (place, (latency, law)) in LATENCIES.into_iter().zip(laws).enumerate() {
        let values = latencies(law, changes, place, habits, random);
        outcome.latency_us[latency.slot()] = Some([0, 1].map(|arm: usize| (!failed[arm]).then_some(values[arm])));
    }
    let costs = costs(scenario, changes, random);
    outcome.cost_nanos = (failed == [false, false]).then_some(costs);
    if failed != [false, false] {
        outcome = without_answers(outcome);
    }
    outcome
}

/// Only answers that arrived can be of no use, in pairs those of both arms.
fn without_answers(outcome: PairOutcome) -> PairOutcome {
    let mut asked = ShareSet::default();
    outcome.asked.slots().filter(|slot| !is_of_answers(*slot)).for_each(|slot| asked.insert(slot));
    PairOutcome { asked, ..outcome }
}

/// Whether a share is asked of answers that arrived.
pub(super) fn is_of_answers(slot: usize) -> bool {
    [Share::AnswerFailures, Share::StructuredFailures, Share::Truncations, Share::Refusals, Share::GuardFlags]
        .into_iter()
        .any(|share| share.slot() == slot)
}

/// Whether it happened in either arm, with a common part.
fn both([baseline, candidate]: [f64; 2], shared: f64, random: &mut Random) -> [bool; 2] {
    let common = shared * baseline.min(candidate);
    let u: f64 = random.random();
    if u < common {
        return [true, true];
    }
    // What is not common is independent, given that it is not common: margins stay as they are.
    let rest = 1.0 - common;
    let apart = |chance: f64| if rest > 0.0 { (chance - common) / rest } else { 0.0 };
    [happens(random, apart(baseline)), happens(random, apart(candidate))]
}

fn latencies(
    law: &LatencyLaw,
    changes: &[Change; 2],
    place: usize,
    habits: [(f64, f64); 2],
    random: &mut Random,
) -> [u64; 2] {
    let prompt = normal(random) * law.shared.sqrt();
    [false, true].map(|candidate| {
        let arm = usize::from(candidate);
        let curve = Curve::new(law, candidate, &changes[arm], place).shifted(habits[arm].0);
        let own = prompt + normal(random) * (1.0 - law.shared).sqrt();
        let slow = if happens(random, curve.slow_share) { curve.log_slow } else { 0.0 };
        (curve.log_median + curve.log_sd * own + slow).exp().clamp(1.0, 1e15) as u64
    })
}

fn costs(scenario: &Scenario, changes: &[Change; 2], random: &mut Random) -> [i64; 2] {
    let law = scenario.cost;
    let prompt = normal(random) * law.shared.sqrt();
    [false, true].map(|candidate| {
        let own = prompt + normal(random) * (1.0 - law.shared).sqrt();
        let mean = mean_cost(scenario, candidate, &changes[usize::from(candidate)]);
        nanos(mean * (law.log_sd * own - law.log_sd * law.log_sd / 2.0).exp())
    })
}

/// True mean cost of an arm, units of the currency.
pub(super) fn mean_cost(scenario: &Scenario, candidate: bool, change: &Change) -> f64 {
    let ratio = if candidate { scenario.cost.candidate_ratio } else { 1.0 };
    scenario.cost.baseline_mean * ratio * change.cost
}

/// Draws a recorded pair, with the scenario's changes on top.
pub(super) fn resampled_pair(
    rows: &[PairOutcome],
    changes: &[Change; 2],
    slow: [f64; 2],
    random: &mut Random,
) -> PairOutcome {
    let Some(row) = rows.get(random.random_range(0..rows.len().max(1))) else { return PairOutcome::default() };
    let mut outcome = PairOutcome { reference: false, ..*row };
    for (arm, change) in changes.iter().enumerate() {
        for (share, added) in &change.shares {
            let slot = share.slot();
            let bad = if arm == 0 { &mut outcome.baseline } else { &mut outcome.candidate };
            bad.insert_if(slot, happens(random, *added));
        }
    }
    let failed = [outcome.baseline, outcome.candidate].map(|bad| bad.contains(Share::Errors.slot()));
    for (place, latency) in LATENCIES.into_iter().enumerate() {
        let Some(values) = &mut outcome.latency_us[latency.slot()] else { continue };
        for (arm, value) in values.iter_mut().enumerate() {
            let stalls = happens(random, changes[arm].slow[place]);
            let factor = changes[arm].latency[place] * if stalls { slow[place] } else { 1.0 };
            *value = value.filter(|_| !failed[arm]).map(|value| (value as f64 * factor).clamp(1.0, 1e15) as u64);
        }
    }
    outcome.cost_nanos = outcome
        .cost_nanos
        .filter(|_| failed == [false, false])
        .map(|costs| [0, 1].map(|arm: usize| (costs[arm] as f64 * changes[arm].cost).round() as i64));
    outcome
}
