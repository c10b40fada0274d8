//! Draws for the generator: whole numbers only, so that every platform draws the same.
//!
//! Logarithms and exponentials may differ in their last bit between platforms, and a rejection sampler turns such a
//! bit into another number of draws. Everything here is integer arithmetic on the stream of a fixed generator.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A seeded stream of draws.
#[derive(Debug)]
pub(crate) struct Dice(ChaCha8Rng);

/// A distribution given by its quantiles: (share in hundredths of a percent, value), both rising, from 0 to 10000.
pub(crate) type Quantiles = &'static [(u64, u64)];

/// The share that the last quantile of a table stands for.
const WHOLE: u64 = 10_000;
/// Steps in which a share is drawn: finer than any table.
const STEPS: u64 = 1 << 32;

/// `count` values of a distribution in rising order: the middles of as many equal shares of it. Shuffled, they stand
/// for draws that keep to the table far closer than independent ones do, which matters where the tail decides.
pub(crate) fn strata(table: Quantiles, count: usize) -> Vec<u64> {
    let count = count as u64;
    (0..count).map(|index| value_at(table, (2 * index + 1) * (WHOLE * STEPS / (2 * count)))).collect()
}

/// The value at a share of a distribution, in steps.
fn value_at(table: Quantiles, at: u64) -> u64 {
    for pair in table.windows(2) {
        let &[(low_share, low), (high_share, high)] = pair else { continue };
        if at < high_share * STEPS {
            let width = u128::from((high_share - low_share) * STEPS);
            let inside = u128::from(at - low_share * STEPS) * u128::from(high - low) / width.max(1);
            return low + u64::try_from(inside).unwrap_or(0);
        }
    }
    table.last().map_or(0, |(_, value)| *value)
}

impl Dice {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A whole number from 0 to `end` exclusive; 0 where `end` is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // The bias is at most `end` / 2^64. The product shifted by 64 bits is below `end`, so it fits.
        u64::try_from((u128::from(self.0.next_u64()) * u128::from(end)) >> 64).unwrap_or(0)
    }

    /// A whole number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in `percent` of 100 draws.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of the items; the default where there is none.
    pub(crate) fn pick<T: Copy + Default>(&mut self, items: &[T]) -> T {
        let index = usize::try_from(self.below(items.len() as u64)).unwrap_or(0);
        items.get(index).copied().unwrap_or_default()
    }

    /// Index of one of the weights, in proportion to them.
    pub(crate) fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if left < *weight {
                return index;
            }
            left -= weight;
        }
        0
    }

    /// A value of a distribution: linear between two quantiles.
    pub(crate) fn quantile(&mut self, table: Quantiles) -> u64 {
        value_at(table, self.below(WHOLE * STEPS))
    }

    /// The items in a drawn order.
    pub(crate) fn shuffled<T: Copy>(&mut self, items: &[T]) -> Vec<T> {
        let mut items = items.to_vec();
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.below(last as u64 + 1)).unwrap_or(0);
            items.swap(last, other);
        }
        items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_table_and_the_seed() {
        const TABLE: Quantiles = &[(0, 10), (5_000, 20), (10_000, 120)];
        let draw = |seed| {
            let mut dice = Dice::new(seed);
            (0..10_000).map(|_| dice.quantile(TABLE)).collect::<Vec<_>>()
        };
        let values = draw(1);
        assert_eq!(values, draw(1));
        assert_ne!(values, draw(2));
        let low = values.iter().filter(|value| **value < 20).count();
        assert!((4_800..5_200).contains(&low), "{low}");
        let mean = values.iter().sum::<u64>() / 10_000;
        assert!((40..46).contains(&mean), "expected (15 + 70) / 2, got {mean}");
        assert!(values.iter().all(|value| (10..120).contains(value)));
    }

    #[test]
    fn strata_rise_and_keep_to_the_table() {
        const TABLE: Quantiles = &[(0, 0), (9_000, 90), (10_000, 10_000)];
        let values = strata(TABLE, 100);
        assert!(values.is_sorted());
        assert_eq!(values.iter().filter(|value| **value <= 90).count(), 90, "{values:?}");
        assert!(strata(TABLE, 0).is_empty());
    }

    #[test]
    fn the_stream_is_the_same_on_every_platform() {
        let mut dice = Dice::new(7);
        let drawn: Vec<u64> = (0..4).map(|_| dice.below(1_000_000)).collect();
        assert_eq!(drawn, [157_796, 167_989, 704_276, 726_741]);
    }

    #[test]
    fn weights_and_shuffles_keep_what_they_are_given() {
        let mut dice = Dice::new(3);
        let mut counts = [0u32; 3];
        for _ in 0..3_000 {
            counts[dice.weighted(&[1, 0, 2])] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((850..1_150).contains(&counts[0]), "{counts:?}");
        let mut shuffled = dice.shuffled(&[1, 2, 3, 4, 5]);
        shuffled.sort_unstable();
        assert_eq!(shuffled, [1, 2, 3, 4, 5]);
        assert_eq!((dice.below(0), dice.between(4, 4), dice.pick::<u8>(&[])), (0, 4, 0));
    }
}
