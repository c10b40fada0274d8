//! Answers: how they are folded into one outcome, and the error body that all endpoints share.

pub mod error;
pub mod fold;

pub use error::ErrorBody;
pub use fold::{Answer, Fold, Seen};
