//! When each request is due. Pure: rows and a seed in, instants out.
//!
//! Every instant is an offset from one origin. Nothing here adds up pauses, so a late request never makes the next
//! one later: a replay that sleeps each recorded gap in turn arrives late by the sum of all its delays, and then
//! measures a calmer load than it reports.

mod rate;
mod timetable;

pub use rate::{Rate, RateError};
pub use timetable::Timetable;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma};

/// The plan of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// Request `i` is due at the `i`-th offset from the origin, in microseconds, never falling.
    Open(Vec<u64>),
    /// No instants: so many requests are kept in flight.
    Closed {
        /// Requests in flight.
        connections: u32,
    },
}

impl Schedule {
    /// Plans rows whose recorded times, in any unit-consistent microseconds, are `at_us`, sorted. Times enter only as
    /// differences to the first row.
    #[must_use]
    pub fn plan(rate: Rate, at_us: &[i64], seed: u64) -> Self {
        let rows = at_us.len();
        let even = |per_second: f64| (0..rows).map(|row| micros(row as f64 / per_second)).collect();
        Self::Open(match rate {
            Rate::Closed { connections } => return Self::Closed { connections },
            Rate::Recorded { factor } => {
                let first = at_us.first().copied().unwrap_or(0);
                at_us.iter().map(|at| (at.saturating_sub(first).max(0) as f64 / factor) as u64).collect()
            }
            Rate::Constant { per_second } => even(per_second),
            Rate::Poisson { per_second } => random(rows, per_second, 1.0, seed).unwrap_or_else(|| even(per_second)),
            Rate::Gamma { per_second, shape } => {
                random(rows, per_second, shape, seed).unwrap_or_else(|| even(per_second))
            }
            Rate::Ramp { from_per_second, to_per_second, .. } => ramp(rows, from_per_second, to_per_second),
        })
    }

    /// Keeps only what is due before `duration_us`; a closed loop stays as it is. Says how many were left out.
    pub fn cut(&mut self, duration_us: u64) -> usize {
        match self {
            Self::Open(due) => {
                let before = due.len();
                due.truncate(due.partition_point(|due| *due < duration_us));
                before - due.len()
            }
            Self::Closed { .. } => 0,
        }
    }

    /// Offset of the last request in microseconds; `None` for a closed loop.
    #[must_use]
    pub fn span_us(&self) -> Option<u64> {
        match self {
            Self::Open(due) => Some(due.last().copied().unwrap_or(0)),
            Self::Closed { .. } => None,
        }
    }

    /// Most requests due within any one second; `None` for a closed loop.
    #[must_use]
    pub fn peak_per_second(&self) -> Option<u64> {
        let Self::Open(due) = self else { return None };
        let mut first = 0;
        let mut peak = 0;
        for (last, at) in due.iter().enumerate() {
            while due.get(first).is_some_and(|start| start + 1_000_000 <= *at) {
                first += 1;
            }
            peak = peak.max(last + 1 - first);
        }
        Some(peak as u64)
    }
}

/// How many of these times are earlier than one before them.
#[must_use]
pub fn out_of_order(at_us: impl IntoIterator<Item = i64>) -> u64 {
    let mut newest = i64::MIN;
    let mut late = 0;
    for at in at_us {
        late += u64::from(at < newest);
        newest = newest.max(at);
    }
    late
}

fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}

/// Renewal process: the arrival times themselves are the sums of the drawn gaps. The first request is due at once.
/// `None` only if the distribution refuses its parameters, which [`Rate`] does not let through.
fn random(rows: usize, per_second: f64, shape: f64, seed: u64) -> Option<Vec<u64>> {
    let gaps = Gamma::new(shape, 1.0 / (shape * per_second)).ok()?;
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut at = 0.0;
    let arrivals = (0..rows).map(|row| {
        if row > 0 {
            at += gaps.sample(&mut generator);
        }
        micros(at)
    });
    Some(arrivals.collect())
}

/// With a rate that goes evenly from `a` to `b` over `T` seconds, `n(t) = a t + (b - a) t^2 / 2T` requests are due by
/// `t`, and all `N` of them by `T = 2N / (a + b)`. Solved for `t` in the form that does not cancel where `a = b`.
fn ramp(rows: usize, a: f64, b: f64) -> Vec<u64> {
    let duration = 2.0 * rows as f64 / (a + b);
    let due = |row: usize| {
        let n = row as f64;
        let root = (a * a + 2.0 * (b - a) * n / duration).max(0.0).sqrt();
        micros(2.0 * n / (a + root))
    };
    (0..rows).map(due).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn open(rate: &str, at_us: &[i64], seed: u64) -> Vec<u64> {
        match Schedule::plan(rate.parse().unwrap(), at_us, seed) {
            Schedule::Open(due) => due,
            closed @ Schedule::Closed { .. } => panic!("{closed:?}"),
        }
    }

    #[test]
    fn recorded_times_count_from_the_first_row_and_scale() {
        let at = [1_700_000_000_000_000, 1_700_000_000_500_000, 1_700_000_003_000_000];
        assert_eq!(open("recorded", &at, 0), [0, 500_000, 3_000_000]);
        assert_eq!(open("x10", &at, 0), [0, 50_000, 300_000]);
        assert_eq!(open("x0.5", &at, 0), [0, 1_000_000, 6_000_000]);
        assert_eq!(open("recorded", &[i64::MIN, i64::MAX], 0)[0], 0);
        assert!(open("recorded", &[], 0).is_empty());
    }

    #[test]
    fn a_constant_rate_does_not_drift() {
        // A third of a second is no whole number of microseconds: added up it would be wrong by a third each time.
        let due = open("3/s", &[0; 300_001], 0);
        assert_eq!((due[1], due[3], due[300_000]), (333_333, 1_000_000, 100_000_000_000));
    }

    #[test]
    fn random_schedules_repeat_by_seed_and_keep_their_mean_and_spread() {
        let zeros = vec![0; 20_001];
        assert_eq!(open("poisson:200/s", &zeros, 7), open("poisson:200/s", &zeros, 7));
        assert_ne!(open("poisson:200/s", &zeros, 7), open("poisson:200/s", &zeros, 8));
        // Squared coefficient of variation of gaps: 1 for Poisson, 1 / shape for gamma. Tolerances are about four
        // standard errors at 20 000 gaps.
        for (rate, spread, tolerance) in
            [("poisson:200/s", 1.0, 0.08), ("gamma:200/s:0.5", 2.0, 0.25), ("gamma:200/s:4", 0.25, 0.02)]
        {
            let due = open(rate, &zeros, 11);
            let gaps: Vec<f64> = due.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
            assert!((mean - 5_000.0).abs() < 250.0, "{rate}: mean gap {mean}");
            assert!((variance / mean / mean - spread).abs() < tolerance, "{rate}: {}", variance / mean / mean);
        }
    }

    #[test]
    fn a_ramp_starts_and_ends_at_its_rates() {
        let due = open("ramp:10/s..190/s", &[0; 1001], 0);
        let gap = |at: usize| (due[at + 1] - due[at]) as f64;
        assert!((90_000.0..=100_000.0).contains(&gap(0)), "{}", gap(0));
        assert!((5_200.0..=5_400.0).contains(&gap(999)), "{}", gap(999));
        assert_eq!(open("ramp:4/s..4/s", &[0; 5], 0), [0, 250_000, 500_000, 750_000, 1_000_000]);
    }

    #[test]
    fn the_peak_counts_any_second_not_only_whole_ones() {
        let at = [0, 900_000, 1_000_000, 1_100_000, 1_899_999, 1_900_000, 5_000_000];
        assert_eq!(Schedule::plan(Rate::default(), &at, 0).peak_per_second(), Some(4));
        assert_eq!(Schedule::plan("max:3".parse().unwrap(), &at, 0).peak_per_second(), None);
    }

    #[test]
    fn a_cut_leaves_out_what_is_due_later() {
        let mut schedule = Schedule::plan("10/s".parse().unwrap(), &[0; 100], 0);
        assert_eq!(schedule.cut(1_000_000), 90);
        assert_eq!(schedule.span_us(), Some(900_000));
    }

    #[test]
    fn rows_out_of_order_are_counted_against_the_newest_before_them() {
        assert_eq!(out_of_order([1, 2, 2, 3]), 0);
        assert_eq!(out_of_order([5, 1, 2, 6]), 2);
        assert_eq!(out_of_order([]), 0);
    }

    proptest! {
        #[test]
        fn no_schedule_ever_falls_and_each_starts_at_its_origin(
            mut at in proptest::collection::vec(-1_000_000_000_000i64..1_000_000_000_000, 1..200),
            seed in any::<u64>(),
            rate in prop_oneof![
                Just("recorded"), Just("x3.7"), Just("x0.01"), Just("7/s"), Just("100000/s"), Just("poisson:50/s"),
                Just("gamma:50/s:0.1"), Just("ramp:1/s..90/s"), Just("ramp:90/s..1/s")
            ],
        ) {
            at.sort_unstable();
            let due = open(rate, &at, seed);
            prop_assert_eq!(due.len(), at.len());
            prop_assert_eq!(due[0], 0);
            prop_assert!(due.is_sorted());
        }

        #[test]
        fn a_factor_scales_every_instant_on_its_own(at in proptest::collection::vec(0i64..1_000_000_000, 1..100)) {
            let mut at = at;
            at.sort_unstable();
            for (fast, slow) in open("x4", &at, 0).iter().zip(open("recorded", &at, 0)) {
                prop_assert_eq!(*fast, slow / 4);
            }
        }
    }
}
