//! Whole migrations in virtual time, thousands of them, before a single request is spent.
//!
//! A run is a world of its own: requests arrive minute by minute, both arms answer them as the [`Scenario`] says, the
//! counters of [`crate::counters`] take them up as they would in earnest, and every few minutes the real judge looks at the
//! running evidence and the real rule moves the weight ([`crate::judge`]). Nothing of the deciding is repeated here. What
//! *is* shortened is the making of evidence: a served request's latency is drawn as a cell between the counted thresholds,
//! by its exact probability, because the counters could not tell more of it; and at weight 0 only mirrored requests are
//! drawn.
//!
//! Beside the policies run the rules of [`Naive`], on the same worlds. Everything is a function of scenario, population,
//! policies, seed and number of the run: threads only divide the runs among themselves.

mod grid;
mod law;
mod ledger;
mod naive;
mod population;
mod ramp;
mod random;
pub mod scenario;
mod summary;
mod tables;
mod tick;
mod truth;
mod valid;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

pub use naive::Naive;
pub use population::Population;
pub use ramp::{End, Ramp};
pub use scenario::{Scenario, ScenarioError};
pub use summary::{Contended, SCHEMA, Simulation, Spread, WeightAt};
pub use truth::beyond_margins;

use crate::evidence::Evidence;
use crate::policy::Policy;
use world::World;

/// A way to decide.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a handful of them exist at a time")]
pub enum Rule {
    /// The judge under a policy.
    Judge(Policy),
    /// One of the rules to compare with.
    Naive(Naive),
}

/// A way to decide, with the name that tables give it.
#[derive(Debug, Clone, PartialEq)]
pub struct Contender {
    /// Name.
    pub name: String,
    /// Rule.
    pub rule: Rule,
}

/// How much to simulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Runs of each contender, at least 1.
    pub runs: u64,
    /// Seed of all runs.
    pub seed: u64,
    /// Threads; the result does not depend on them.
    pub threads: usize,
}

/// One migration: run number `run` of the stream of `seed`.
#[must_use]
pub fn ramp(scenario: &Scenario, population: &Population, rule: &Rule, seed: u64, run: u64) -> Ramp {
    match rule {
        Rule::Judge(policy) => ramp::judged(&mut World::new(scenario, population, policy, seed, run), policy),
        Rule::Naive(naive) => naive::ramp(&mut World::new(scenario, population, usual(), seed, run), *naive),
    }
}

/// The policy whose reference and margins place the thresholds where none is judged by.
fn usual() -> &'static Policy {
    static USUAL: OnceLock<Policy> = OnceLock::new();
    USUAL.get_or_init(Policy::default)
}

/// Evidence of the first `pairs` pairs of a run, at weight 0: what a migration holds before the candidate serves.
#[must_use]
pub fn shadowed(scenario: &Scenario, policy: &Policy, pairs: u64, seed: u64, run: u64) -> Evidence {
    let mut world = World::new(scenario, &Population::Synthetic, policy, seed, run);
    let mut ledger = ledger::Ledger::new(&world);
    ledger.shadow(&mut world, pairs);
    ledger.evidence
}

/// Simulates all contenders. `done` is called after every migration, from any thread.
#[must_use]
pub fn simulate(
    scenario: &Scenario,
    population: &Population,
    contenders: &[Contender],
    extent: Extent,
    done: &(dyn Fn() + Sync),
) -> Simulation {
    let contended = contenders.iter().map(|contender| {
        let ramps = runs(scenario, population, &contender.rule, extent, done);
        let of_policy = |policy: &Policy| beyond_margins(scenario, population, policy);
        let (policy_digest, truly_beyond, harm_budget) = match &contender.rule {
            Rule::Judge(policy) => (Some(policy.digest()), of_policy(policy), Some(policy.weight.harm_budget_requests)),
            Rule::Naive(_) => {
                let first = contenders.iter().find_map(|other| match &other.rule {
                    Rule::Judge(policy) => Some(policy),
                    Rule::Naive(_) => None,
                });
                // What is harm is the policy's to say, whoever decides.
                (None, first.and_then(of_policy), first.map(|policy| policy.weight.harm_budget_requests))
            }
        };
        let about = summary::About { name: contender.name.clone(), policy_digest, truly_beyond, harm_budget };
        summary::contended(about, scenario, &ramps)
    });
    let recorded = match population {
        Population::Synthetic => None,
        Population::Resampled(pairs) => Some(pairs.len() as u64),
    };
    Simulation {
        schema: SCHEMA,
        contenders: contended.collect(),
        scenario: scenario.clone(),
        population: if recorded.is_some() { "resampled" } else { "synthetic" },
        recorded_pairs: recorded.unwrap_or(0),
        seed: extent.seed,
        runs: extent.runs,
    }
}

/// The runs of one contender, in order. Threads take the next number each, and lay the result at its place.
fn runs(
    scenario: &Scenario,
    population: &Population,
    rule: &Rule,
    extent: Extent,
    done: &(dyn Fn() + Sync),
) -> Vec<Ramp> {
    let next = AtomicU64::new(0);
    let finished: Mutex<Vec<(u64, Ramp)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..extent.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= extent.runs {
                        return;
                    }
                    let ramp = ramp(scenario, population, rule, extent.seed, run);
                    let mut all = finished.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    all.push((run, ramp));
                    drop(all);
                    done();
                }
            });
        }
    });
    let mut all = finished.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    all.sort_by_key(|(run, _)| *run);
    all.into_iter().map(|(_, ramp)| ramp).collect()
}

#[cfg(test)]
mod tests;
