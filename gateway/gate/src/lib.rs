//! The gate: whether a weight may move, and the record of every decision.
//!
//! Everything here is pure but [`audit`], which appends to one file, and [`Policy::read`] and [`Policy::killed`], which look
//! at the policy's own files: verdicts, states, policies and instants are arguments. Who carries a decision out (the gateway's
//! admin plane, other people's proxies) is not known here.
//!
//! * [`policy`]: what must hold before a weight rises, as a file says it.
//! * [`rule`]: the checks, one after another, and what follows from them.
//! * [`signature`]: that a verdict is the evaluator's, and nobody else's.
//! * [`state`]: the weight in force, and what the log knows about it.
//! * [`pilot`]: the next move of a migration that runs by itself.
//! * [`adjust`]: a weight that follows latencies, which proves nothing.
//! * [`answer`]: what other people's pipelines are told.
//! * [`audit`]: the append-only, hash-chained log.

pub mod adjust;
pub mod answer;
pub mod audit;
pub mod pilot;
pub mod policy;
pub mod rule;
pub mod signature;
pub mod state;

pub use policy::Policy;
pub use rule::{Check, Decision, Situation, Step, decide};
pub use state::{History, InForce};
