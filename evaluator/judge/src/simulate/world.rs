//! One run's world: the thresholds it froze, its consumers, and the traffic that it makes minute by minute.

use rand_distr::{Binomial, Distribution, Poisson};

use super::grid::Grid;
use super::law::{self, Change, LATENCIES, changes};
use super::population::{Consumers, Population, resampled_pair, synthetic_pair};
use super::random::{Random, happens, stream};
use super::scenario::Scenario;
use super::tables::{ArmTable, Draw, halves, rows};
use crate::counters::{PairOutcome, Plan, Thresholds};
use crate::metric::{Share, ShareSet};
use crate::policy::Policy;

/// What a run needs to make traffic.
#[derive(Debug)]
pub(super) struct World<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) population: &'a Population,
    pub(super) plan: Plan,
    pub(super) grids: [Grid; 2],
    /// Shares that served requests are asked.
    pub(super) shares: Vec<Share>,
    pub(super) random: Random,
    consumers: Option<Consumers>,
    /// Tables by the changes that they were made for; few, so that a search finds them.
    tables: Vec<([Change; 2], Vec<[ArmTable; 2]>)>,
    /// Those of the present minute.
    now: usize,
}

/// One request of a minute.
pub(super) enum Request {
    /// Served by an arm and by no other; the consumer.
    Served(bool, Draw, usize),
    /// Served by the baseline and mirrored: the baseline's half, the pair and the consumer.
    Mirrored(Draw, PairOutcome, usize),
}

impl<'a> World<'a> {
    /// The world of a run; its latency thresholds are frozen from as many requests as the policy says, before it begins.
    pub(super) fn new(
        scenario: &'a Scenario,
        population: &'a Population,
        policy: &Policy,
        seed: u64,
        run: u64,
    ) -> Self {
        let mut random = stream(seed, run);
        let consumers = Consumers::draw(scenario, &mut random);
        let none = changes(scenario, 0, 0.0);
        let mut reference: [Vec<Option<u64>>; 3] = [const { Vec::new() }; 3];
        for _ in 0..policy.evidence.reference_requests {
            let pair = draw_pair(scenario, population, consumers.as_ref(), &none, &mut random).0;
            for (values, latency) in reference.iter_mut().zip(pair.latency_us) {
                values.extend(latency.map(|[baseline, _]| baseline));
            }
        }
        let mut plan = Plan::default();
        for latency in LATENCIES {
            let values = &reference[latency.slot()];
            plan.latency[latency.slot()] = Thresholds::freeze(values, policy.latency_margins(latency));
        }
        let grids = LATENCIES.map(|latency| Grid::new(&plan, latency));
        let shares = served_shares(scenario, population);
        Self { scenario, population, plan, grids, shares, random, consumers, tables: Vec::new(), now: 0 }
    }

    /// Requests that arrive within a minute.
    fn arrivals(&mut self, minute: u32) -> u64 {
        Poisson::new(self.scenario.requests_per_minute(minute)).map_or(0, |law| law.sample(&mut self.random) as u64)
    }

    /// How many of `n` independent things happen.
    pub(super) fn some_of(&mut self, n: u64, chance: f64) -> u64 {
        Binomial::new(n, chance.clamp(0.0, 1.0)).map_or(0, |law| law.sample(&mut self.random))
    }

    /// The requests of a minute in order of arrival, at a weight and a mirrored share of the baseline's. At weight 0 only
    /// the mirrored ones are drawn: what is not mirrored tells nothing. Returns how many requests there were.
    pub(super) fn minute(&mut self, minute: u32, weight: f64, mirrored: f64, mut take: impl FnMut(Request)) -> u64 {
        let all = self.arrivals(minute);
        let change = changes(self.scenario, minute, weight * 100.0);
        if weight <= 0.0 {
            for _ in 0..self.some_of(all, mirrored) {
                let (pair, consumer) = self.pair(&change);
                take(Request::Mirrored(Draw::default(), pair, consumer));
            }
            return all;
        }
        self.prepare(&change);
        for _ in 0..all {
            let candidate = happens(&mut self.random, weight);
            if !candidate && mirrored > 0.0 && happens(&mut self.random, mirrored) {
                let (pair, consumer) = self.pair(&change);
                let [baseline, _] = halves(&pair, &self.grids);
                take(Request::Mirrored(baseline, pair, consumer));
            } else {
                let (draw, consumer) = self.served(candidate);
                take(Request::Served(candidate, draw, consumer));
            }
        }
        all
    }

    /// Prepares the tables of this change.
    fn prepare(&mut self, change: &[Change; 2]) {
        if let Some(place) = self.tables.iter().position(|(known, _)| known == change) {
            self.now = place;
            return;
        }
        let (scenario, grids) = (self.scenario, &self.grids);
        let by_consumer = match rows(self.population, scenario, grids, change, &mut self.random) {
            Some(both) => vec![both],
            None => {
                let plain = [[(0.0, 1.0); 2]];
                let habits = self.consumers.as_ref().map_or(&plain[..], |consumers| &consumers.habits);
                let arm = |habit: &[(f64, f64); 2], arm: usize| {
                    ArmTable::synthetic(scenario, grids, arm == 1, &change[arm], habit[arm])
                };
                habits.iter().map(|habit| [arm(habit, 0), arm(habit, 1)]).collect()
            }
        };
        self.now = self.tables.len();
        self.tables.push((change.clone(), by_consumer));
    }

    fn served(&mut self, candidate: bool) -> (Draw, usize) {
        let consumer = self.consumers.as_ref().map_or(0, |consumers| consumers.next(&mut self.random));
        let table = self.tables.get(self.now).and_then(|(_, by_consumer)| by_consumer.get(consumer));
        let draw = table.map_or_else(Draw::default, |both| both[usize::from(candidate)].draw(&mut self.random));
        (draw, consumer)
    }

    fn pair(&mut self, change: &[Change; 2]) -> (PairOutcome, usize) {
        draw_pair(self.scenario, self.population, self.consumers.as_ref(), change, &mut self.random)
    }

    /// A mirrored request at the beginning, before the candidate serves.
    pub(super) fn first_pair(&mut self) -> (PairOutcome, usize) {
        let none = changes(self.scenario, 0, 0.0);
        self.pair(&none)
    }

    /// Whether consumers make clusters.
    pub(super) const fn clustered(&self) -> bool {
        self.consumers.is_some()
    }

    /// True excess of the candidate's failures, and what one of its requests costs more, at a minute and weight.
    pub(super) fn excess(&self, minute: u32, weight_percent: f64) -> Excess {
        Excess::at(self.scenario, self.population, minute, weight_percent)
    }
}

/// What the candidate truly does to one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Excess {
    /// Failures more than the baseline's, as a share.
    pub(super) failures: f64,
    /// Mean cost of the candidate, units of the currency.
    pub(super) candidate_cost: f64,
    /// Mean cost of the baseline.
    pub(super) baseline_cost: f64,
}

impl Excess {
    pub(super) fn at(scenario: &Scenario, population: &Population, minute: u32, weight_percent: f64) -> Self {
        let change = changes(scenario, minute, weight_percent);
        let failures = |arm: usize| match population {
            Population::Synthetic => law::failures(scenario, arm == 1, &change[arm]),
            Population::Resampled(pairs) => {
                let bad = |pair: &&PairOutcome| {
                    let set = if arm == 0 { pair.baseline } else { pair.candidate };
                    set.contains(Share::Errors.slot())
                };
                let share = pairs.iter().filter(bad).count() as f64 / pairs.len().max(1) as f64;
                (share + change[arm].added(Share::Errors)).clamp(0.0, 1.0)
            }
        };
        let cost = |arm: usize| match population {
            Population::Synthetic => super::population::mean_cost(scenario, arm == 1, &change[arm]),
            Population::Resampled(pairs) => {
                let costs: Vec<i64> = pairs.iter().filter_map(|pair| pair.cost_nanos.map(|costs| costs[arm])).collect();
                let total: i128 = costs.iter().map(|cost| i128::from(*cost)).sum();
                total as f64 / costs.len().max(1) as f64 / 1e9 * change[arm].cost
            }
        };
        Self { failures: failures(1) - failures(0), candidate_cost: cost(1), baseline_cost: cost(0) }
    }
}

fn draw_pair(
    scenario: &Scenario,
    population: &Population,
    consumers: Option<&Consumers>,
    change: &[Change; 2],
    random: &mut Random,
) -> (PairOutcome, usize) {
    match population {
        Population::Resampled(pairs) => {
            let slow = [scenario.latency.ttft.slow_factor, scenario.latency.duration.slow_factor];
            (resampled_pair(pairs, change, slow, random), 0)
        }
        Population::Synthetic => {
            let consumer = consumers.map_or(0, |consumers| consumers.next(random));
            let habits = consumers.and_then(|consumers| consumers.habits.get(consumer)).copied();
            (synthetic_pair(scenario, change, habits.unwrap_or([(0.0, 1.0); 2]), random), consumer)
        }
    }
}

/// Shares that served requests are asked: the scenario's, or those of the recorded pairs; 429 and cancellations always.
fn served_shares(scenario: &Scenario, population: &Population) -> Vec<Share> {
    let mut asked = ShareSet::default();
    match population {
        Population::Synthetic => {
            scenario.shares_in_order().into_iter().for_each(|(share, _)| asked.insert(share.slot()));
        }
        Population::Resampled(pairs) => {
            pairs.iter().flat_map(|pair| pair.asked.slots()).for_each(|slot| asked.insert(slot));
            scenario.effects.iter().for_each(|effect| {
                let share = Share::ALL.into_iter().find(|share| share.name() == effect.metric);
                share.into_iter().for_each(|share| asked.insert(share.slot()));
            });
        }
    }
    [Share::Errors, Share::RateLimited, Share::Cancellations].into_iter().for_each(|share| asked.insert(share.slot()));
    let pairs_only =
        |share: &Share| matches!(share, Share::Missed | Share::ToolDisagreement | Share::AnswerDisagreement);
    Share::ALL.into_iter().filter(|share| asked.contains(share.slot()) && !pairs_only(share)).collect()
}
