//! Values in [-1, 1] with their counts: what the bets need to know about blocks of requests.
//!
//! A block's value is a fraction (so many of k baselines failed), and two blocks with the same value must meet in one
//! counter whatever way they came, or the last bits of the wealth would depend on the order of files. So the values
//! are kept as reduced fractions, sorted by value, and become floating point only in the sums.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::wealth::{self, Point};
use super::{Hypothesis, check_border, check_design_effect};
use crate::stats::{Refusal, check_level};

/// A fraction in lowest terms; the denominator is above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fraction {
    numerator: i64,
    denominator: i64,
}

impl Ord for Fraction {
    fn cmp(&self, other: &Self) -> Ordering {
        // Both factors fit into 33 bits at most, the product into 128 always.
        let left = i128::from(self.numerator) * i128::from(other.denominator);
        let right = i128::from(other.numerator) * i128::from(self.denominator);
        left.cmp(&right)
    }
}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Unique values in [-1, 1], ascending, and how often each was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    values: BTreeMap<Fraction, u64>,
}

impl Tally {
    /// Collects values `numerator / denominator` seen `count` times each, in any order; equal values are added up
    /// (counts saturate at the largest `u64`).
    ///
    /// # Errors
    ///
    /// Refuses a denominator of zero and values outside [-1, 1], whatever their count.
    pub fn new(values: impl IntoIterator<Item = (i32, u32, u64)>) -> Result<Self, Refusal> {
        let mut tally = Self::default();
        for (numerator, denominator, count) in values {
            if denominator == 0 || numerator.unsigned_abs() > denominator {
                let value = f64::from(numerator) / f64::from(denominator);
                return Err(Refusal::OutOfRange {
                    what: "a block's value",
                    value,
                    expected: "a fraction from -1 to 1",
                });
            }
            let shared = common_divisor(numerator.unsigned_abs(), denominator);
            let fraction = Fraction {
                numerator: i64::from(numerator) / i64::from(shared),
                denominator: i64::from(denominator / shared),
            };
            if count > 0 {
                let slot = tally.values.entry(fraction).or_insert(0);
                *slot = slot.saturating_add(count);
            }
        }
        Ok(tally)
    }

    /// Number of values.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.values.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Mean value; none without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let points = self.points(Hypothesis::AtLeast, 1.0);
        let n: f64 = points.iter().map(|point| point.count).sum();
        let sum: f64 = points.iter().map(|point| point.count * point.x).sum();
        (n > 0.0).then(|| sum / n)
    }

    /// The same values with their signs exchanged: candidate and baseline have changed places.
    #[must_use]
    pub fn negated(&self) -> Self {
        let negate =
            |(fraction, count): (&Fraction, &u64)| (Fraction { numerator: -fraction.numerator, ..*fraction }, *count);
        Self { values: self.values.iter().map(negate).collect() }
    }

    /// Logarithm of the wealth against a hypothesis about the mean, as [`super::log_wealth`] has it for three values:
    /// the mean over the bets of the product of `1 + l (x - m)` (at most) or `1 + l (m - x)` (at least). Every count
    /// is divided by the design effect; see [`super::log_wealth_scaled`] for what that is worth.
    ///
    /// # Errors
    ///
    /// Refuses a border outside -1 to 1 (both excluded), and a design effect that is not a number from 1 on.
    pub fn log_wealth(&self, m: f64, against: Hypothesis, design_effect: f64) -> Result<f64, Refusal> {
        check_border(m)?;
        check_design_effect(design_effect)?;
        let border = if against == Hypothesis::AtLeast { m } else { -m };
        Ok(wealth::log_wealth(&self.points(against, design_effect), border))
    }

    /// Upper bound of the mean, valid at every look; 1 without values.
    ///
    /// # Errors
    ///
    /// Refuses levels outside 0 to 0.5, and a design effect that is not a number from 1 on.
    pub fn upper(&self, alpha: f64, design_effect: f64) -> Result<f64, Refusal> {
        self.bound(Hypothesis::AtLeast, alpha, design_effect)
    }

    /// Lower bound of the mean, valid at every look; -1 without values.
    ///
    /// # Errors
    ///
    /// As [`Self::upper`].
    pub fn lower(&self, alpha: f64, design_effect: f64) -> Result<f64, Refusal> {
        self.bound(Hypothesis::AtMost, alpha, design_effect).map(|bound| -bound)
    }

    fn bound(&self, against: Hypothesis, alpha: f64, design_effect: f64) -> Result<f64, Refusal> {
        check_level(alpha)?;
        check_design_effect(design_effect)?;
        Ok(wealth::upper(&self.points(against, design_effect), alpha).bound)
    }

    /// Ascending as the hypothesis sees them, so that both directions add in mirrored order.
    fn points(&self, against: Hypothesis, design_effect: f64) -> Vec<Point> {
        let point = |(fraction, count): (&Fraction, &u64)| Point {
            x: fraction.numerator as f64 / fraction.denominator as f64,
            count: *count as f64 / design_effect,
        };
        match against {
            Hypothesis::AtLeast => self.values.iter().map(point).collect(),
            Hypothesis::AtMost => {
                self.values.iter().rev().map(point).map(|point| Point { x: -point.x, ..point }).collect()
            }
        }
    }
}

/// Euclid's greatest common divisor; `right` is above zero.
fn common_divisor(left: u32, right: u32) -> u32 {
    let (mut left, mut right) = (left, right);
    while left != 0 {
        (left, right) = (right % left, left);
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::betting::{self, Differences};

    #[test]
    fn three_values_are_the_differences_of_pairs() {
        let counts = Differences { minus: 15, zero: 1935, plus: 50 };
        let tally = Tally::new([(2, 2, 50), (0, 7, 1935), (-3, 3, 15)]).unwrap();
        for deff in [1.0, 3.7] {
            for against in [Hypothesis::AtMost, Hypothesis::AtLeast] {
                let one = tally.log_wealth(0.005, against, deff).unwrap();
                let other = betting::log_wealth_scaled(counts, 0.005, against, deff).unwrap();
                assert_eq!(one.to_bits(), other.to_bits());
            }
            let upper = betting::upper_scaled(counts, deff, 0.05).unwrap();
            assert_eq!(tally.upper(0.05, deff).unwrap().to_bits(), upper.to_bits());
        }
        assert_eq!((tally.n(), tally.mean()), (2000, Some(0.0175)));
    }

    #[test]
    fn nonsense_is_refused_and_nothing_is_answered() {
        for bad in [(1, 0, 1), (0, 0, 0), (3, 2, 1), (-3, 2, 0), (i32::MIN, 1, 1)] {
            assert_eq!(Tally::new([bad]).unwrap_err().reason(), "out-of-range", "{bad:?}");
        }
        let empty = Tally::new([]).unwrap();
        assert_eq!((empty.upper(0.05, 1.0), empty.lower(0.05, 1.0), empty.mean()), (Ok(1.0), Ok(-1.0), None));
        let extreme = Tally::new([(i32::MIN, 1 << 31, u64::MAX), (1, u32::MAX, u64::MAX)]).unwrap();
        assert!(extreme.upper(0.05, 1.0).unwrap() <= 1.0);
        assert_eq!(extreme.upper(0.05, 0.99).unwrap_err().reason(), "out-of-range");
        assert_eq!(extreme.upper(0.05, f64::NAN).unwrap_err().reason(), "out-of-range");
    }
}
