//! A histogram with fixed bounds, of times in whole microseconds or of counts.
//!
//! The bounds are those of OpenTelemetry's GenAI conventions where there are some, so that one histogram serves under our
//! own name and under theirs, with more behind them: reasoning models take minutes, and a provider that queues may take ten
//! of them before its first token.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of whole answers: the conventions', doubled on.
pub(super) const DURATION_BOUNDS_US: [u64; 17] = [
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
    327_680_000,
    655_360_000,
];
/// Upper bounds of first tokens: the conventions', which end at ten seconds, and on as for whole answers.
pub(super) const FIRST_TOKEN_BOUNDS_US: [u64; 22] = [
    1_000,
    5_000,
    10_000,
    20_000,
    40_000,
    60_000,
    80_000,
    100_000,
    250_000,
    500_000,
    750_000,
    1_000_000,
    2_500_000,
    5_000_000,
    7_500_000,
    10_000_000,
    20_480_000,
    40_960_000,
    81_920_000,
    163_840_000,
    327_680_000,
    655_360_000,
];
/// Upper bounds of each token after the first: the conventions', which begin at ten milliseconds, and two before them.
pub(super) const OUTPUT_TOKEN_BOUNDS_US: [u64; 15] = [
    1_000, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 150_000, 200_000, 300_000, 400_000, 500_000, 750_000,
    1_000_000, 2_500_000,
];
/// Upper bounds of tokens of an exchange: the conventions'.
pub(super) const TOKEN_BOUNDS: [u64; 14] =
    [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864];
/// Upper bounds of the gateway's own time. The targets (0.3 ms and 1 ms) are among them.
pub(super) const OVERHEAD_BOUNDS_US: [u64; 13] =
    [25, 50, 100, 150, 200, 300, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 250_000];
/// Upper bounds of what copies cost the request that is served.
pub(super) const SHADOW_TAX_BOUNDS_US: [u64; 11] = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000, 50_000];

/// What values are, in parts of what is shown.
const MICROS_A_SECOND: u32 = 1_000_000;

/// Counts by bucket. Adding is two atomic additions and no lock; a page that is read meanwhile may miss the newest value.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: &'static [u64],
    /// What one of what is shown has of what is added.
    unit: u32,
    /// One more than there are bounds: the last is what lies above all of them.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    /// Of times: added in microseconds, shown in seconds.
    pub(crate) fn new(bounds_us: &'static [u64]) -> Self {
        Self::of(bounds_us, MICROS_A_SECOND)
    }

    /// Of counts, shown as they are.
    pub(super) fn of_counts(bounds: &'static [u64]) -> Self {
        Self::of(bounds, 1)
    }

    fn of(bounds: &'static [u64], unit: u32) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, unit, counts, sum: AtomicU64::new(0) }
    }

    pub(crate) fn add(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Reading {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        Reading { bounds: self.bounds, unit: self.unit, counts, sum: self.sum.load(Ordering::Relaxed) }
    }
}

/// What a histogram holds at one moment.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) bounds: &'static [u64],
    unit: u32,
    pub(super) counts: Vec<u64>,
    sum: u64,
}

impl Reading {
    /// Adds what another one of the same bounds holds.
    pub(super) fn merge(&mut self, other: &Self) {
        debug_assert_eq!((self.bounds, self.unit), (other.bounds, other.unit), "histograms of one family");
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// How many values.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().fold(0, |all, count| all.saturating_add(*count))
    }

    /// Their sum, as it was added: microseconds, or counts.
    pub(super) const fn raw_sum(&self) -> u64 {
        self.sum
    }

    /// Their sum, and the count of each bucket by its upper bound, in what is shown; the last bound is `f64::MAX`.
    pub(super) fn shown(&self) -> (f64, Vec<(f64, u64)>) {
        let bounds = self.bounds.iter().map(|bound| self.shown_as(*bound)).chain([f64::MAX]);
        (self.shown_as(self.sum), bounds.zip(self.counts.iter().copied()).collect())
    }

    #[expect(clippy::cast_precision_loss, reason = "exact up to 285 years, or nine quadrillion tokens")]
    fn shown_as(&self, value: u64) -> f64 {
        value as f64 / f64::from(self.unit)
    }
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
        let (_, buckets) = histogram.read().shown();
        let count = |bound: f64| buckets.iter().find(|(upper, _)| (upper - bound).abs() < 1e-12).unwrap().1;
        assert_eq!((count(0.000_025), count(0.000_05), count(0.25)), (2, 1, 1));
        assert_eq!(buckets.last().unwrap(), &(f64::MAX, 2));
    }

    proptest! {
        #[test]
        fn counts_and_sum_are_those_of_the_values(values in proptest::collection::vec(0u64..400_000_000, 0..100)) {
            let histogram = Histogram::new(&DURATION_BOUNDS_US);
            values.iter().for_each(|value| histogram.add(*value));
            let (sum, buckets) = histogram.read().shown();
            prop_assert!((sum - seconds(values.iter().sum())).abs() < 1e-9);
            let mut below = 0;
            for (bound, count) in buckets {
                below += count;
                let expected = values.iter().filter(|value| seconds(**value) <= bound).count();
                prop_assert_eq!(below, u64::try_from(expected).unwrap());
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "small values")]
    fn seconds(micros: u64) -> f64 {
        micros as f64 / 1e6
    }

    #[test]
    fn bounds_rise() {
        for bounds in [
            &DURATION_BOUNDS_US[..],
            &FIRST_TOKEN_BOUNDS_US,
            &OUTPUT_TOKEN_BOUNDS_US,
            &OVERHEAD_BOUNDS_US,
            &SHADOW_TAX_BOUNDS_US,
            &TOKEN_BOUNDS,
        ] {
            assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]), "{bounds:?}");
        }
    }

    #[test]
    fn counts_are_shown_as_they_are_and_histograms_add_up() {
        let (one, two) = (Histogram::of_counts(&TOKEN_BOUNDS), Histogram::of_counts(&TOKEN_BOUNDS));
        [1, 17, 64].iter().for_each(|tokens| one.add(*tokens));
        [u64::MAX / 2, 65].iter().for_each(|tokens| two.add(*tokens));
        let mut both = one.read();
        both.merge(&two.read());
        assert_eq!((both.count(), one.read().count(), one.read().raw_sum()), (5, 3, 82));
        let (_, buckets) = both.shown();
        let counts: Vec<u64> = buckets.iter().map(|bucket| bucket.1).collect();
        assert_eq!(counts, [1, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert!((buckets[3].0 - 64.0).abs() < 1e-12);
    }
}
