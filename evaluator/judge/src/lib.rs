//! The judge: pure statistics and the rules that turn evidence into GO, HOLD or NO-GO.
//!
//! Nothing here reads a file, a clock or an unseeded number.

pub mod verdict;
