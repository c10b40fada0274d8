//! Unsafe content: what the words of a request or an answer are, how bad that is, and what is done about it.
//!
//! Everything here is pure. A moderation service is a pair of functions, one that writes its request and one that reads
//! its answer; the gateway carries both. See [`Verdict`] for the one form in which every back end answers.

pub mod lists;
pub mod names;
pub mod normalise;
pub mod personal;
pub mod policy;
pub mod remote;
pub mod reply;
pub mod texts;
pub mod verdict;
pub mod window;

pub use lists::{ListError, ListSource, Lists, Piece};
pub use personal::{Personal, mask};
pub use policy::{Action, Decision, Policy, decide};
pub use verdict::{Category, Failure, Finding, Level, Phase, Verdict};
