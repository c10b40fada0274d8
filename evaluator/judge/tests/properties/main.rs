//! What must hold for any input.

#![expect(clippy::unwrap_used, reason = "helpers of a test; evidence that cannot be made must fail it")]

mod estimators;
mod evidence;
mod verdict;
