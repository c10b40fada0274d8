//! Percentiles of one quantity.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Microseconds of a day: longer times count as this long.
const US_MAX: u64 = 86_400_000_000;

/// A distribution of times in microseconds. Percentiles are precise to one per mille (three significant digits).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// How many.
    pub count: u64,
    /// Mean.
    pub mean_us: f64,
    /// Median.
    pub p50_us: u64,
    /// 90th percentile.
    pub p90_us: u64,
    /// 95th percentile.
    pub p95_us: u64,
    /// 99th percentile.
    pub p99_us: u64,
    /// Largest.
    pub max_us: u64,
}

/// An empty histogram; `None` cannot happen with these constants.
pub(crate) fn new_histogram() -> Option<Histogram<u64>> {
    Histogram::new_with_bounds(1, US_MAX, 3).ok()
}

impl Distribution {
    /// Of single values; `None` of none.
    pub(crate) fn of(values: impl IntoIterator<Item = u64>) -> Option<Self> {
        let mut histogram = new_histogram()?;
        values.into_iter().for_each(|value| histogram.saturating_record(value));
        Self::of_histogram(&histogram)
    }

    pub(crate) fn of_histogram(histogram: &Histogram<u64>) -> Option<Self> {
        (!histogram.is_empty()).then(|| Self {
            count: histogram.len(),
            mean_us: histogram.mean(),
            p50_us: histogram.value_at_quantile(0.5),
            p90_us: histogram.value_at_quantile(0.9),
            p95_us: histogram.value_at_quantile(0.95),
            p99_us: histogram.value_at_quantile(0.99),
            max_us: histogram.max(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_a_known_ladder() {
        let ladder = Distribution::of((1..=1000).map(|n| n * 1000)).unwrap();
        let near = |value: u64, expected: u64| value.abs_diff(expected) <= expected / 500;
        assert!(near(ladder.p50_us, 500_000) && near(ladder.p90_us, 900_000), "{ladder:?}");
        assert!(near(ladder.p99_us, 990_000) && near(ladder.max_us, 1_000_000), "{ladder:?}");
        assert_eq!(ladder.count, 1000);
        assert!(Distribution::of([]).is_none());
    }
}
