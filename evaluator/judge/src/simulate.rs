//! Whole migrations in virtual time, thousands of them, before a single request is spent.

mod grid;
mod law;
mod ledger;
mod population;
mod ramp;
mod random;
pub mod scenario;
mod tables;
mod tick;
mod valid;
mod world;

pub use population::Population;
pub use ramp::{End, Ramp};
pub use scenario::{Scenario, ScenarioError};

use crate::policy::Policy;
use world::World;

/// One migration under a policy: run number `run` of the stream of `seed`.
#[must_use]
pub fn ramp(scenario: &Scenario, population: &Population, policy: &Policy, seed: u64, run: u64) -> Ramp {
    ramp::judged(&mut World::new(scenario, population, policy, seed, run), policy)
}

#[cfg(test)]
mod tests;
