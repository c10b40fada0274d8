//! When each row is due, one row at a time. Pure: a rate, a seed and the row's place in, an instant out.
//!
//! A row's instant depends on nothing but its ordinal and its place on the time line of the whole selection. Where
//! several machines share a log, each asks for its own rows only, and together they send what one machine would have
//! sent: constant rates and ramps are formulas of the ordinal, and random arrivals are drawn for every row, also for
//! those that somebody else sends.

use super::{Rate, micros};
use crate::error::ReplayError;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma};
use std::time::Duration;

/// Due times of a run, in microseconds from its origin.
#[derive(Debug, Clone)]
pub struct Timetable {
    pace: Pace,
    /// The last instant given.
    newest_us: u64,
}

#[derive(Debug, Clone)]
enum Pace {
    Recorded { factor: f64 },
    Constant { per_second: f64 },
    Renewal(Box<Renewal>),
    Ramp(Ramp),
    Closed,
}

/// Arrivals whose gaps are drawn one by one. The first row is due at once.
#[derive(Debug, Clone)]
struct Renewal {
    gaps: Gamma<f64>,
    generator: ChaCha8Rng,
    /// Rows whose arrival has been drawn, and the newest arrival in seconds.
    drawn: u64,
    at_seconds: f64,
}

/// A rate that goes evenly from `from` to `to` within `seconds`, and stays there.
#[derive(Debug, Clone, Copy)]
struct Ramp {
    from: f64,
    to: f64,
    seconds: f64,
}

impl Timetable {
    /// A timetable. `total` counts the rows of all shards; only a ramp without a length of its own and without a
    /// `duration` needs it ([`Rate::needs_total`]).
    ///
    /// # Errors
    /// The length of a ramp is unknown, or the numbers of a random rate are out of range.
    pub fn new(rate: Rate, seed: u64, total: Option<u64>, duration: Option<Duration>) -> Result<Self, ReplayError> {
        let pace = match rate {
            Rate::Closed { .. } => Pace::Closed,
            Rate::Recorded { factor } => Pace::Recorded { factor },
            Rate::Constant { per_second } => Pace::Constant { per_second },
            Rate::Poisson { per_second } => Pace::Renewal(Box::new(Renewal::new(rate, per_second, 1.0, seed)?)),
            Rate::Gamma { per_second, shape } => Pace::Renewal(Box::new(Renewal::new(rate, per_second, shape, seed)?)),
            Rate::Ramp { from_per_second, to_per_second, seconds } => {
                let of_duration = duration.map(|duration| duration.as_secs_f64());
                let of_total = total.map(|rows| 2.0 * rows as f64 / (from_per_second + to_per_second));
                let Some(seconds) = seconds.or(of_duration).or(of_total) else {
                    return Err(ReplayError::Options(format!(
                        "the rate `{rate}` has no end: give it a length, such as `{rate}:60s`, or add `--duration`"
                    )));
                };
                Pace::Ramp(Ramp { from: from_per_second, to: to_per_second, seconds })
            }
        };
        Ok(Self { pace, newest_us: 0 })
    }

    /// When a row is due, microseconds from the origin; `None` where answers set the pace. `ordinal` counts the rows
    /// of the whole selection from 0 and must not fall from call to call; `at_us` is the row's place on the time line.
    /// Due times never fall.
    pub fn due_us(&mut self, ordinal: u64, at_us: u64) -> Option<u64> {
        let due_us = match &mut self.pace {
            Pace::Closed => return None,
            Pace::Recorded { factor } => (at_us as f64 / *factor) as u64,
            Pace::Constant { per_second } => micros(ordinal as f64 / *per_second),
            Pace::Renewal(renewal) => micros(renewal.at_seconds(ordinal)),
            Pace::Ramp(ramp) => micros(ramp.at_seconds(ordinal as f64)),
        };
        self.newest_us = self.newest_us.max(due_us);
        Some(self.newest_us)
    }
}

impl Renewal {
    fn new(rate: Rate, per_second: f64, shape: f64, seed: u64) -> Result<Self, ReplayError> {
        let gaps = Gamma::new(shape, 1.0 / (shape * per_second))
            .map_err(|error| ReplayError::Options(format!("the rate `{rate}` cannot be drawn: {error}")))?;
        Ok(Self { gaps, generator: ChaCha8Rng::seed_from_u64(seed), drawn: 0, at_seconds: 0.0 })
    }

    /// The sum of the gaps before the row. Only this sum is ever rounded to microseconds, so nothing drifts.
    fn at_seconds(&mut self, ordinal: u64) -> f64 {
        while self.drawn < ordinal {
            self.at_seconds += self.gaps.sample(&mut self.generator);
            self.drawn += 1;
        }
        self.at_seconds
    }
}

impl Ramp {
    /// With a rate that goes evenly from `a` to `b` over `T` seconds, `n(t) = a t + (b - a) t^2 / 2T` rows are due by
    /// `t`. Solved for `t` in the form that does not cancel where `a = b`; after `T` the rate stays at `b`.
    fn at_seconds(self, row: f64) -> f64 {
        let Self { from: a, to: b, seconds } = self;
        let in_ramp = (a + b) / 2.0 * seconds;
        if row >= in_ramp {
            return seconds + (row - in_ramp) / b;
        }
        let root = (a * a + 2.0 * (b - a) * row / seconds).max(0.0).sqrt();
        2.0 * row / (a + root)
    }
}

#[cfg(test)]
mod tests;
