//! When each request is due. Pure: a rate, a seed and a row's place in, an instant out.
//!
//! Every instant is an offset from one origin. Nothing here adds up pauses, so a late request never makes the next
//! one later: a replay that sleeps each recorded gap in turn arrives late by the sum of all its delays, and then
//! measures a calmer load than it reports.

mod rate;
mod timetable;

pub use rate::{Rate, RateError};
pub use timetable::Timetable;

/// Seconds as whole microseconds, rounded.
fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}
