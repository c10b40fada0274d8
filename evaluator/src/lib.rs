//! From record files to a verdict: reads exchanges, joins the two arms, prices them, and asks the judge.
//!
//! [`evaluate`] is the way through: [`load`] (files to rows), [`pair`] (rows to pairs), [`extract`] (pairs to the judge's
//! evidence), [`bill`] (money), then `judge`, and [`output`] turns the verdict into bytes. The same input gives the same
//! bytes: nothing here reads a clock or draws a number, and rows are sorted by content before anything is counted.

pub mod bill;
pub mod charts;
pub mod compact;
pub mod counts;
pub mod error;
mod examples;
pub mod extract;
pub mod labels;
pub mod load;
pub mod output;
pub mod pair;
pub mod paired_answers;
pub mod parquet;
mod quantiles;
pub mod rows;
pub mod run;

pub use counts::Counts;
pub use error::{ErrorKind, EvaluateError};
pub use run::{Options, Outcome, evaluate, evidence};

#[cfg(test)]
mod tests;
