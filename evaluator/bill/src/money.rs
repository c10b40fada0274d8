//! Money as text, and amounts with their intervals.

use judge::verdict::Amount;
use wire::price::decimal;

/// Decimal places of exact sums: nano-dollars.
pub const PLACES: u32 = 9;

/// Nano-dollars as a decimal string with nine places. Sums beyond 9.2e9 dollars saturate.
#[must_use]
pub fn exact(nanos: i128) -> String {
    decimal(saturated(nanos), PLACES)
}

/// An estimate in nano-dollars as a decimal string with nine places.
#[must_use]
pub fn rounded(nanos: f64) -> String {
    // `as` saturates, and what is no number becomes 0; neither comes from sums of prices.
    decimal(nanos.round() as i64, PLACES)
}

/// The nearest sum that fits.
#[must_use]
pub fn saturated(nanos: i128) -> i64 {
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// An amount in nano-dollars with its two-sided 95 % interval; `None` where there is no finite one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Lower and upper bound.
    pub bounds: Option<(f64, f64)>,
}

impl Estimate {
    /// A sum of which nothing is estimated.
    #[must_use]
    pub const fn known(value: f64) -> Self {
        Self { value, bounds: Some((value, value)) }
    }

    /// `value` plus or minus `half`, where there is such a half.
    #[must_use]
    pub fn around(value: f64, half: Option<f64>) -> Self {
        Self { value, bounds: half.filter(|half| half.is_finite()).map(|half| (value - half, value + half)) }
    }

    /// Everything times a factor that is not below 0.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        let bounds = self.bounds.map(|(lower, upper)| (lower * factor, upper * factor));
        Self { value: self.value * factor, bounds }
    }

    /// As it is written.
    #[must_use]
    pub fn amount(self) -> Amount {
        Amount {
            value: rounded(self.value),
            lower: self.bounds.map(|(lower, _)| rounded(lower)),
            upper: self.bounds.map(|(_, upper)| rounded(upper)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_and_estimates_round_once() {
        assert_eq!(exact(1_234_567_890), "1.234567890");
        assert_eq!(exact(-1), "-0.000000001");
        assert_eq!(exact(i128::MAX), exact(i128::from(i64::MAX)));
        assert_eq!(rounded(0.5), "0.000000001");
        assert_eq!(rounded(f64::NAN), "0.000000000");
        let amount = Estimate::around(2e9, Some(5e8)).times(2.0).amount();
        assert_eq!((amount.value.as_str(), amount.lower.as_deref()), ("4.000000000", Some("3.000000000")));
        assert_eq!(Estimate::around(1.0, Some(f64::INFINITY)).bounds, None);
    }
}
