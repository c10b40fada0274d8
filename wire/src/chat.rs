//! Answers: how they are folded into one outcome, and the error body that all endpoints share.

pub mod answer;
pub mod error;
pub mod firsts;
pub mod fold;
pub mod tools;

pub use answer::Answer;
pub use error::ErrorBody;
pub use firsts::Firsts;
pub use fold::{Fold, Seen};
pub use tools::ToolCalls;
