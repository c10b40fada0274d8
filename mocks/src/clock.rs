//! The time of day as a mock sees it.
//!
//! Prices, peak hours, withdrawn models and exchanged checkpoints depend on the date, and no test can wait for a Friday.
//! So the date is a setting: the system's, or one that starts where it is told to and runs as fast as it is told to.
//! Waits (first token, gaps, queues) do not follow it; `time_scale` is for them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A source of the date. Clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Kind);

#[derive(Clone, Copy, Debug, Default)]
enum Kind {
    #[default]
    System,
    Virtual {
        /// The real instant at which it showed `start_s`.
        origin: Instant,
        start_s: u64,
        speed: f64,
    },
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that shows `start_s` (Unix seconds) now, and runs `speed` times as fast as the real one: 1 shifts the date, 0
    /// stops it, 60 lets an hour pass in a minute. A negative or infinite speed stops it.
    #[must_use]
    pub fn starting_at(start_s: u64, speed: f64) -> Self {
        let speed = if speed.is_finite() { speed.max(0.0) } else { 0.0 };
        Self(Kind::Virtual { origin: Instant::now(), start_s, speed })
    }

    /// Unix seconds.
    #[must_use]
    pub fn unix_seconds(&self) -> u64 {
        match self.0 {
            Kind::System => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            // The cast saturates, and the product is finite and not negative.
            Kind::Virtual { origin, start_s, speed } => {
                start_s.saturating_add((origin.elapsed().as_secs_f64() * speed) as u64)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_stands_still_and_a_fast_one_runs() {
        let stopped = Clock::starting_at(1_000, 0.0);
        let fast = Clock::starting_at(1_000, 1e9);
        assert_eq!(Clock::starting_at(1_000, f64::NAN).unix_seconds(), 1_000);
        while fast.unix_seconds() == 1_000 {
            std::thread::yield_now();
        }
        assert_eq!(stopped.unix_seconds(), 1_000);
        assert!(Clock::system().unix_seconds() > 1_700_000_000);
    }
}
