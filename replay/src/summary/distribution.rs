//! Percentiles of one quantity.

use super::times::Times;
use serde::{Deserialize, Serialize};

/// Microseconds of a day: longer times count as this long.
pub(super) const US_MAX: u64 = 86_400_000_000;

/// A distribution of times in microseconds. Percentiles are precise to one per mille over a whole run, and to one
/// percent in its phases and slices.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

impl Distribution {
    pub(super) fn at_most(self, us: u64) -> Self {
        Self {
            p50_us: self.p50_us.min(us),
            p90_us: self.p90_us.min(us),
            p95_us: self.p95_us.min(us),
            p99_us: self.p99_us.min(us),
            max_us: self.max_us.min(us),
            ..self
        }
    }
}

impl<const DIGITS: u8> Times<DIGITS> {
    /// Its percentiles; `None` of none.
    pub(crate) fn distribution(&self) -> Option<Distribution> {
        self.histogram().map(|histogram| Distribution {
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
        let mut times = Times::<3>::default();
        assert!(times.distribution().is_none());
        (1..=1000).for_each(|n| times.record(n * 1000));
        let ladder = times.distribution().unwrap();
        let near = |value: u64, expected: u64| value.abs_diff(expected) <= expected / 500;
        assert!(near(ladder.p50_us, 500_000) && near(ladder.p90_us, 900_000), "{ladder:?}");
        assert!(near(ladder.p99_us, 990_000) && near(ladder.max_us, 1_000_000), "{ladder:?}");
        assert_eq!(ladder.count, 1000);
    }
}
