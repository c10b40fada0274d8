//! How a served request of one arm turns out, prepared for drawing it in a few nanoseconds.

use rand::RngExt;

use super::grid::Grid;
use super::law::{self, Change, Curve, LATENCIES};
use super::population::{Population, is_of_answers, mean_cost, nanos, resampled_pair};
use super::random::{Alias, Random, happens};
use super::scenario::Scenario;
use crate::counters::PairOutcome;
use crate::metric::Share;
use crate::stats::special::normal_quantile;

/// Levels of cost that a log-normal is cut into.
const COST_LEVELS: usize = 512;

/// One served request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Draw {
    /// Bad outcomes, a bit for each share's place.
    pub(super) bad: u32,
    /// Cell of each latency.
    pub(super) cells: [u16; 2],
    /// Nano-units; `None` of a failed request.
    pub(super) cost_nanos: Option<i64>,
}

impl Draw {
    pub(super) const fn is(self, share: Share) -> bool {
        self.bad >> share.slot() & 1 == 1
    }
}

/// One arm at one time, weight and consumer.
#[derive(Debug, Clone)]
pub(super) enum ArmTable {
    /// From the scenario's laws.
    Synthetic(Box<Synthetic>),
    /// From recorded pairs: the arm's half of each.
    Rows(Vec<Draw>),
}

/// Independent parts of a synthetic request.
#[derive(Debug, Clone)]
pub(super) struct Synthetic {
    /// Shares with their chances.
    shares: Vec<(Share, f64)>,
    /// Chance that nothing bad happens.
    clean: f64,
    cells: [Alias; 2],
    failed: [u16; 2],
    costs: Vec<i64>,
}

impl ArmTable {
    /// The laws' table. `habit`: the consumer's.
    pub(super) fn synthetic(
        scenario: &Scenario,
        grids: &[Grid; 2],
        candidate: bool,
        change: &Change,
        habit: (f64, f64),
    ) -> Self {
        let shares: Vec<(Share, f64)> = scenario
            .shares_in_order()
            .into_iter()
            .map(|(share, _)| {
                let chance = law::share(scenario, share, candidate, change);
                (share, if share == Share::Errors { (chance * habit.1).min(1.0) } else { chance })
            })
            .collect();
        let laws = [&scenario.latency.ttft, &scenario.latency.duration];
        let cells = [0, 1].map(|place: usize| {
            let curve = Curve::new(laws[place], candidate, change, place).shifted(habit.0);
            Alias::new(&grids[place].probabilities(|threshold| curve.above(threshold)))
        });
        Self::Synthetic(Box::new(Synthetic {
            clean: shares.iter().map(|(_, chance)| 1.0 - chance).product(),
            shares,
            cells,
            failed: [0, 1].map(|place: usize| grids[place].failed() as u16),
            costs: costs(scenario.cost.log_sd, mean_cost(scenario, candidate, change)),
        }))
    }

    pub(super) fn draw(&self, random: &mut Random) -> Draw {
        match self {
            Self::Synthetic(law) => law.draw(random),
            Self::Rows(rows) => rows.get(random.random_range(0..rows.len().max(1))).copied().unwrap_or_default(),
        }
    }
}

/// Equally likely levels of a log-normal of this mean: the middles, scaled so that the mean is met.
fn costs(log_sd: f64, mean: f64) -> Vec<i64> {
    let middle = |level: usize| (log_sd * normal_quantile((level as f64 + 0.5) / COST_LEVELS as f64)).exp();
    let shape: Vec<f64> = (0..COST_LEVELS).map(middle).collect();
    let total: f64 = shape.iter().sum();
    shape.into_iter().map(|level| nanos(level * mean * COST_LEVELS as f64 / total)).collect()
}

impl Synthetic {
    fn draw(&self, random: &mut Random) -> Draw {
        let u: f64 = random.random();
        let bad = if u < self.clean { 0 } else { self.bad(u, random) };
        let draw = Draw { bad, cells: self.failed, cost_nanos: None };
        if draw.is(Share::Errors) || draw.is(Share::Cancellations) {
            return draw;
        }
        let cells = [0, 1].map(|place: usize| self.cells[place].draw(random) as u16);
        let cost_nanos = self.costs.get(random.random_range(0..self.costs.len().max(1))).copied();
        Draw { cells, cost_nanos, ..draw }
    }

    /// Bad outcomes, given that there is one. The first bad share follows from `u`, which lies above the chance that
    /// there is none; those after it are independent of it.
    fn bad(&self, u: f64, random: &mut Random) -> u32 {
        let mut clean_so_far = 1.0;
        let mut reached = self.clean;
        let mut bad = 0u32;
        for (share, chance) in &self.shares {
            if bad == 0 {
                reached += clean_so_far * chance;
                clean_so_far *= 1.0 - chance;
                if u < reached {
                    bad |= bit(*share);
                }
            } else if happens(random, *chance) {
                bad |= bit(*share);
            }
        }
        tidy(bad)
    }
}

const fn bit(share: Share) -> u32 {
    1 << share.slot()
}

/// What cannot go together: whoever gave up says nothing else, a refusal for want of quota is an error, and an answer that
/// did not arrive has no form.
fn tidy(bad: u32) -> u32 {
    if bad & bit(Share::Cancellations) != 0 {
        return bit(Share::Cancellations);
    }
    let bad = if bad & bit(Share::RateLimited) != 0 { bad | bit(Share::Errors) } else { bad };
    if bad & bit(Share::Errors) == 0 {
        return bad;
    }
    (0..32).filter(|slot| !is_of_answers(*slot as usize)).fold(0, |kept, slot| kept | bad & 1 << slot)
}

/// Both arms' halves of a drawn pair.
pub(super) fn halves(outcome: &PairOutcome, grids: &[Grid; 2]) -> [Draw; 2] {
    [0, 1].map(|arm: usize| {
        let set = if arm == 0 { outcome.baseline } else { outcome.candidate };
        let bad = set.slots().filter(|slot| outcome.asked.contains(*slot)).fold(0, |bad, slot| bad | 1u32 << slot);
        let cells = [0, 1].map(|place: usize| {
            let values = outcome.latency_us[LATENCIES[place].slot()];
            grids[place].cell(values.and_then(|values| values[arm])) as u16
        });
        Draw { bad, cells, cost_nanos: outcome.cost_nanos.map(|costs| costs[arm]) }
    })
}

/// The table of recorded pairs: each once, with the changes as they fell.
pub(super) fn rows(
    population: &Population,
    scenario: &Scenario,
    grids: &[Grid; 2],
    changes: &[Change; 2],
    random: &mut Random,
) -> Option<[ArmTable; 2]> {
    let Population::Resampled(pairs) = population else { return None };
    let slow = [scenario.latency.ttft.slow_factor, scenario.latency.duration.slow_factor];
    let drawn: Vec<[Draw; 2]> = pairs
        .iter()
        .map(|pair| halves(&resampled_pair(std::slice::from_ref(pair), changes, slow, random), grids))
        .collect();
    Some([0, 1].map(|arm: usize| ArmTable::Rows(drawn.iter().map(|halves| halves[arm]).collect())))
}

#[cfg(test)]
mod tests {
    use super::super::random::stream;
    use super::*;

    #[test]
    fn draws_have_the_scenarios_shares_and_means() {
        let text = "[shares.errors]\ncandidate_percent = 4\n[shares.rate_limited]\ncandidate_percent = 2\n\
                    [shares.cancellations]\ncandidate_percent = 0\n";
        let scenario = Scenario::parse(text).unwrap();
        let grids = super::super::tests::grids(&scenario);
        let [_, change] = law::changes(&scenario, 0, 0.0);
        let table = ArmTable::synthetic(&scenario, &grids, true, &change, (0.0, 1.0));
        let mut random = stream(3, 0);
        let n = 400_000;
        let (mut errors, mut limited, mut blocked, mut cost, mut slow) = (0u32, 0u32, 0u32, 0i64, 0u32);
        let curve = Curve::new(&scenario.latency.ttft, true, &change, 0);
        let threshold = grids[0].values_us[120].unwrap();
        for _ in 0..n {
            let draw = table.draw(&mut random);
            errors += u32::from(draw.is(Share::Errors));
            limited += u32::from(draw.is(Share::RateLimited));
            blocked += u32::from(draw.is(Share::Blocked));
            slow += u32::from(!draw.is(Share::Errors) && usize::from(draw.cells[0]) > 120);
            cost += draw.cost_nanos.unwrap_or(0);
            assert_eq!(draw.cost_nanos.is_none(), draw.is(Share::Errors));
        }
        let near = |seen: u32, share: f64| {
            let expected = share * f64::from(n);
            let error = (expected * (1.0 - share)).sqrt();
            assert!((f64::from(seen) - expected).abs() < 4.5 * error, "{seen} instead of {expected}");
        };
        near(limited, 0.02);
        near(errors, 1.0 - 0.96 * 0.98);
        near(blocked, 0.0064);
        let answered = 0.96 * 0.98;
        let edge = (0..).take_while(|us| grids[0].cell(Some(threshold + us)) == 120).last().unwrap() + threshold;
        near(slow, answered * curve.above(edge as f64));
        let mean = cost as f64 / (answered * f64::from(n)) / 1e9;
        assert!((mean / 0.0007 - 1.0).abs() < 0.01, "{mean}");
    }
}
