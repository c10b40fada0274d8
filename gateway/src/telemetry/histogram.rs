//! A histogram with fixed bounds, in whole microseconds.

use super::sample::Counts;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of whole answers: those of OpenTelemetry's `gen_ai.client.operation.duration`, so that dashboards fit, with
/// one more at the end because reasoning models take minutes.
pub(super) const DURATION_BOUNDS_US: [u64; 15] = [
    10_000,
    20_000,
    40_000,
    80_000,
    160_000,
    320_000,
    640_000,
    1_280_000,
    2_560_000,
    5_120_000,
    10_240_000,
    20_480_000,
    40_960_000,
    81_920_000,
    163_840_000,
];
/// Upper bounds of first tokens.
pub(super) const FIRST_TOKEN_BOUNDS_US: [u64; 14] = [
    5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 1_280_000, 2_560_000, 5_120_000, 10_240_000,
    20_480_000, 40_960_000,
];
/// Upper bounds of each token after the first.
pub(super) const OUTPUT_TOKEN_BOUNDS_US: [u64; 13] =
    [1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 150_000, 200_000, 300_000, 500_000, 1_000_000];
/// Upper bounds of the gateway's own time. The targets (0.3 ms and 1 ms) are among them.
pub(super) const OVERHEAD_BOUNDS_US: [u64; 13] =
    [25, 50, 100, 150, 200, 300, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 250_000];

/// Counts by bucket. Adding is two atomic additions and no lock; a page that is read meanwhile may miss the newest value.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds_us: &'static [u64],
    /// One more than there are bounds: the last is what lies above all of them.
    counts: Box<[AtomicU64]>,
    sum_us: AtomicU64,
}

impl Histogram {
    pub(crate) fn new(bounds_us: &'static [u64]) -> Self {
        let counts = (0..=bounds_us.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds_us, counts, sum_us: AtomicU64::new(0) }
    }

    pub(crate) fn add(&self, value_us: u64) {
        let place = self.bounds_us.partition_point(|bound| *bound < value_us);
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(value_us, Ordering::Relaxed);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.counts.iter().all(|count| count.load(Ordering::Relaxed) == 0)
    }

    /// The counts as they stand, for windows of time.
    pub(super) fn counts(&self) -> Counts {
        Counts {
            bounds_us: self.bounds_us,
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
        }
    }

    /// Sum in seconds, and the count of each bucket by its upper bound in seconds; the last bound is `f64::MAX`.
    pub(crate) fn read(&self) -> (f64, Vec<(f64, u64)>) {
        let bounds = self.bounds_us.iter().map(|bound| seconds(*bound)).chain([f64::MAX]);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        (seconds(self.sum_us.load(Ordering::Relaxed)), bounds.zip(counts).collect())
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_value_on_a_bound_lies_below_it() {
        let histogram = Histogram::new(&OVERHEAD_BOUNDS_US);
        for value in [0, 25, 26, 250_000, 250_001, u64::MAX / 4] {
            histogram.add(value);
        }
        let (_, buckets) = histogram.read();
        let count = |bound: f64| buckets.iter().find(|(upper, _)| (upper - bound).abs() < 1e-12).unwrap().1;
        assert_eq!((count(0.000_025), count(0.000_05), count(0.25)), (2, 1, 1));
        assert_eq!(buckets.last().unwrap(), &(f64::MAX, 2));
    }

    proptest! {
        #[test]
        fn counts_and_sum_are_those_of_the_values(values in proptest::collection::vec(0u64..400_000_000, 0..100)) {
            let histogram = Histogram::new(&DURATION_BOUNDS_US);
            values.iter().for_each(|value| histogram.add(*value));
            let (sum, buckets) = histogram.read();
            prop_assert!((sum - seconds(values.iter().sum())).abs() < 1e-9);
            let mut below = 0;
            for (bound, count) in buckets {
                below += count;
                let expected = values.iter().filter(|value| seconds(**value) <= bound).count();
                prop_assert_eq!(below, u64::try_from(expected).unwrap());
            }
        }
    }

    #[test]
    fn bounds_rise() {
        for bounds in [&DURATION_BOUNDS_US[..], &FIRST_TOKEN_BOUNDS_US, &OUTPUT_TOKEN_BOUNDS_US, &OVERHEAD_BOUNDS_US] {
            assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]), "{bounds:?}");
        }
    }
}
