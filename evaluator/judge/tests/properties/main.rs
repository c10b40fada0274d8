//! What must hold for any input.

mod estimators;
mod evidence;
mod verdict;
