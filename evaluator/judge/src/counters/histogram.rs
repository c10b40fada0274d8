//! A histogram of microseconds with buckets that are at most 0.2 % wide.
//!
//! Buckets are log-linear and their edges are whole numbers, so that a value's bucket never depends on rounding:
//! values below 512 have a bucket each, and every octave above is cut into 512 equal buckets. Failed requests are
//! infinitely slow: they are counted apart and ranked last.

use serde::{Deserialize, Serialize};

/// Buckets an octave, as a power of two.
const BITS: u32 = 9;
/// Buckets a page: one octave's.
const PAGE: usize = 1 << BITS;

/// Counts by bucket; pages of one octave exist where something was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Sparse", into = "Sparse")]
pub struct Histogram {
    pages: Vec<Option<Box<[u64]>>>,
    finite: u64,
    infinite: u64,
}

/// The written form: bucket and count, ascending, empty ones left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sparse {
    buckets: Vec<(u32, u64)>,
    infinite: u64,
}

impl Histogram {
    /// Counts a value, microseconds; `None` is a failed request.
    pub fn add(&mut self, value_us: Option<u64>) {
        self.add_many(value_us, 1);
    }

    /// Counts a value `times` times.
    pub fn add_many(&mut self, value_us: Option<u64>, times: u64) {
        if times == 0 {
            return;
        }
        match value_us {
            None => self.infinite = self.infinite.saturating_add(times),
            Some(value) => {
                let bucket = bucket(value);
                self.add_bucket(bucket, times);
            }
        }
    }

    fn add_bucket(&mut self, bucket: usize, times: u64) {
        let (page, cell) = (bucket / PAGE, bucket % PAGE);
        if self.pages.len() <= page {
            self.pages.resize(page + 1, None);
        }
        if let Some(slot) = self.pages.get_mut(page) {
            let page = slot.get_or_insert_with(|| vec![0; PAGE].into_boxed_slice());
            if let Some(count) = page.get_mut(cell) {
                *count = count.saturating_add(times);
                self.finite = self.finite.saturating_add(times);
            }
        }
    }

    /// Adds another histogram.
    pub fn merge(&mut self, other: &Self) {
        if self.pages.len() < other.pages.len() {
            self.pages.resize(other.pages.len(), None);
        }
        for (own, others) in self.pages.iter_mut().zip(&other.pages) {
            match (own.as_deref_mut(), others) {
                (Some(own), Some(others)) => {
                    own.iter_mut().zip(others).for_each(|(count, more)| *count = count.saturating_add(*more));
                }
                (None, Some(others)) => *own = Some(others.clone()),
                (_, None) => {}
            }
        }
        self.finite = self.finite.saturating_add(other.finite);
        self.infinite = self.infinite.saturating_add(other.infinite);
    }

    /// Values, failed ones included.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.finite.saturating_add(self.infinite)
    }

    /// Failed ones.
    #[must_use]
    pub const fn infinite(&self) -> u64 {
        self.infinite
    }

    /// Values above a threshold, failed ones included. Values in the threshold's own bucket count as above it if
    /// `and_around`, else as not above.
    #[must_use]
    pub fn above(&self, threshold_us: u64, and_around: bool) -> u64 {
        let first = bucket(threshold_us) + usize::from(!and_around);
        let pages = self.pages.iter().enumerate().skip(first / PAGE);
        pages.fold(self.infinite, |sum, (index, page)| {
            let cells = page.as_deref().unwrap_or_default();
            let from = first.saturating_sub(index * PAGE);
            cells.iter().skip(from).fold(sum, |sum, count| sum.saturating_add(*count))
        })
    }

    /// Smallest and largest value of the bucket that holds the value of this rank (1 is the smallest), microseconds;
    /// `None` if the rank does not exist or the value is infinite.
    #[must_use]
    pub fn at_rank(&self, rank: u64) -> Option<(u64, u64)> {
        if rank == 0 || rank > self.finite {
            return None;
        }
        let mut seen = 0u64;
        for (index, page) in self.pages.iter().enumerate() {
            let cells = page.as_deref().unwrap_or_default();
            // A whole page that does not reach the rank is passed over at once.
            let after = seen.saturating_add(cells.iter().fold(0, |sum: u64, count| sum.wrapping_add(*count)));
            if after < rank {
                seen = after;
                continue;
            }
            for (cell, count) in cells.iter().enumerate() {
                seen = seen.saturating_add(*count);
                if seen >= rank {
                    return Some(edges(index * PAGE + cell));
                }
            }
        }
        None
    }

    /// The quantile of rank `ceil(n share)` to within the width of a bucket (its middle), microseconds; `None` if it
    /// is infinite or nothing was counted.
    #[must_use]
    pub fn quantile_us(&self, share: f64) -> Option<f64> {
        let n = self.n();
        if n == 0 || !(0.0..=1.0).contains(&share) {
            return None;
        }
        // The product of a count and a share such as 0.95 may lie a hair above the whole number it stands for.
        let rank = ((n as f64 * share - 1e-9).ceil() as u64).clamp(1, n);
        let (low, high) = self.at_rank(rank)?;
        Some((low as f64 + high as f64) / 2.0)
    }

    /// Order statistics at the shares 0, 1/steps, ..., 1, to within a bucket's width, microseconds; `None` where infinite.
    #[must_use]
    pub fn spread_us(&self, steps: usize) -> Vec<Option<u64>> {
        let n = self.n() as u128;
        let steps = steps.max(1) as u128;
        let mut buckets = self.buckets();
        let (mut seen, mut value) = (0u128, None);
        let mut at_rank = |rank: u128| {
            while seen < rank {
                match buckets.next() {
                    Some((low, high, count)) => {
                        seen += u128::from(count);
                        value = Some(low + (high - low) / 2);
                    }
                    None => {
                        (seen, value) = (u128::MAX, None);
                    }
                }
            }
            value
        };
        // Whole-number arithmetic, so that rank ceil(n step / steps) is exact.
        (0..=steps).map(|step| at_rank((n * step).div_ceil(steps).max(1))).collect()
    }

    /// Buckets with their counts, ascending, empty ones left out.
    fn counts(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.pages.iter().enumerate().flat_map(|(index, page)| {
            let cells = page.as_deref().unwrap_or_default();
            cells
                .iter()
                .enumerate()
                .filter(|(_, count)| **count > 0)
                .map(move |(cell, count)| (index * PAGE + cell, *count))
        })
    }

    /// Buckets as smallest value, largest value and count, ascending, empty ones left out.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.counts().map(|(bucket, count)| {
            let (low, high) = edges(bucket);
            (low, high, count)
        })
    }
}

impl From<Sparse> for Histogram {
    fn from(sparse: Sparse) -> Self {
        let mut histogram = Self { infinite: sparse.infinite, ..Self::default() };
        for (bucket, count) in sparse.buckets {
            // A number beyond the last octave cannot have been written by us.
            if (bucket as usize) < (65 - BITS as usize) * PAGE && count > 0 {
                histogram.add_bucket(bucket as usize, count);
            }
        }
        histogram
    }
}

impl From<Histogram> for Sparse {
    fn from(histogram: Histogram) -> Self {
        let buckets = histogram.counts().map(|(bucket, count)| (bucket as u32, count)).collect();
        Self { buckets, infinite: histogram.infinite }
    }
}

const fn bucket(value: u64) -> usize {
    if value < PAGE as u64 {
        return value as usize;
    }
    let shift = 63 - value.leading_zeros() - BITS;
    // Page 0 holds the small values; page k the octave from 2^(BITS + k - 1) on.
    (shift as usize + 1) * PAGE + ((value >> shift) as usize - PAGE)
}

const fn edges(bucket: usize) -> (u64, u64) {
    let (page, cell) = (bucket / PAGE, bucket % PAGE);
    if page == 0 {
        return (cell as u64, cell as u64);
    }
    let shift = page as u32 - 1;
    let low = ((PAGE + cell) as u64) << shift;
    (low, low + ((1u64 << shift) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_tile_the_numbers_and_are_narrow() {
        for value in
            (0..4_000u64).chain((1..63).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit, (1 << bit) + 1])).chain([u64::MAX])
        {
            let (low, high) = edges(bucket(value));
            assert!(low <= value && value <= high, "{value} {low} {high}");
            assert!((high - low) as f64 <= low as f64 * 0.002, "{value} {low} {high}");
        }
        for pair in (0..20_000u64).collect::<Vec<_>>().windows(2) {
            assert!(bucket(pair[1]) - bucket(pair[0]) <= 1);
        }
    }

    #[test]
    fn ranks_and_quantiles_count_failures_last() {
        let mut histogram = Histogram::default();
        (1..=95).for_each(|value| histogram.add(Some(value)));
        (0..5).for_each(|_| histogram.add(None));
        assert_eq!((histogram.n(), histogram.infinite()), (100, 5));
        assert_eq!(histogram.quantile_us(0.95), Some(95.0));
        assert_eq!(histogram.quantile_us(0.951), None);
        assert_eq!((histogram.above(50, false), histogram.above(50, true)), (50, 51));
        assert_eq!(Histogram::default().quantile_us(0.5), None);
        let mut wide = Histogram::default();
        [0, 511, 512, 1023, 1024, 5_000_000, u64::MAX].into_iter().for_each(|value| wide.add(Some(value)));
        for threshold in [0, 1, 510, 511, 512, 1023, 1024, 4_000_000, 5_000_000, u64::MAX - 1, u64::MAX] {
            for around in [false, true] {
                let (low, high) = edges(bucket(threshold));
                let expected = wide.buckets().filter(|(from, ..)| if around { *from >= low } else { *from > high });
                assert_eq!(
                    wide.above(threshold, around),
                    expected.map(|(_, _, count)| count).sum::<u64>(),
                    "{threshold}"
                );
            }
        }
    }

    #[test]
    fn merged_or_written_and_read_it_is_the_same() {
        let values: Vec<u64> = (0..2_000u64).map(|i| i * i * 37 % 9_000_000).collect();
        let (mut all, mut left, mut right) = (Histogram::default(), Histogram::default(), Histogram::default());
        for (index, value) in values.iter().enumerate() {
            all.add(Some(*value));
            if index % 3 == 0 { left.add(Some(*value)) } else { right.add(Some(*value)) }
        }
        all.add(None);
        right.add(None);
        right.merge(&left);
        assert_eq!(all, right);
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), all);
    }
}
