//! Who answers, and who gets a copy: pure functions of the request's conversation and the current weights.

pub mod plan;
pub mod split;

pub use plan::{Plan, Weights, plan};
pub use split::{Coin, WeightBp};
