//! Who answers, and who gets a copy: pure functions of the request, its assignment unit and the shares in force.
//!
//! The steps, in the order in which a request takes them:
//!
//! 1. [`select`]: which migration it belongs to, if any.
//! 2. [`assign`]: what its assignment sticks to.
//! 3. [`rules`]: whether a header or a cookie forces an arm.
//! 4. [`plan()`]: who serves it, whether it is mirrored and whether the baseline is asked twice.
//! 5. [`fallback`]: whether a failed candidate is replaced by the baseline.
//!
//! [`budget`] bounds what copies may cost a day. Time, header values and weights are arguments everywhere; patterns are
//! compiled when the configuration is read.

pub mod assign;
pub mod budget;
pub mod fallback;
pub mod models;
pub mod plan;
pub mod rules;
pub mod sampling;
pub mod select;
pub mod split;
pub mod stay;

pub use assign::AssignBy;
pub use budget::{Budget, Reservation};
pub use fallback::Fallback;
pub use models::{ModelMap, Patterns};
pub use plan::{Plan, Question, Weights, plan};
pub use rules::{Assignment, Rules};
pub use sampling::{Sampling, Stratum};
pub use select::{Asked, Matcher, select};
pub use split::{Coin, WeightBp};
