//! Fractions of whole numbers of any size, for what would cancel in floating point.
//!
//! A variance from sums is a small difference of two large products. The sums are whole numbers, so the products and
//! their difference are taken exactly, and only the last division is rounded.

use num_bigint::{BigInt, Sign};

/// A difference is taken from floats only where it is at least this share of its terms: that leaves twelve digits, and
/// whole numbers of any size, a hundred times slower, are kept for the rest.
const SAFE: f64 = 1e-4;

/// `difference` if it is safely above what cancels in it, given the sum of its terms' sizes.
pub(super) fn unless_cancelled(difference: f64, terms: f64) -> Option<f64> {
    (difference > SAFE * terms && difference.is_finite()).then_some(difference)
}

/// Bits of the whole-number quotient: enough that cutting the rest off changes the result by less than a rounding.
const QUOTIENT_BITS: i64 = 100;

/// `numerator / denominator`, rounded once; NaN when the denominator is zero. Infinity and zero where the quotient
/// is out of range of `f64`.
pub(super) fn quotient(numerator: &BigInt, denominator: &BigInt) -> f64 {
    if denominator.sign() == Sign::NoSign {
        return f64::NAN;
    }
    let shift = QUOTIENT_BITS - bits(numerator) + bits(denominator);
    let scaled = if shift >= 0 {
        (numerator << shift.unsigned_abs()) / denominator
    } else {
        numerator / (denominator << shift.unsigned_abs())
    };
    // At most 102 bits, so that the conversion cannot fail.
    let whole = i128::try_from(scaled).map_or(f64::NAN, |whole| whole as f64);
    // Two steps, because 2^-shift itself may be out of range where the product is not.
    let half = (-shift / 2) as i32;
    whole * 2.0_f64.powi(half) * 2.0_f64.powi((-shift) as i32 - half)
}

fn bits(value: &BigInt) -> i64 {
    i64::try_from(value.bits()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_those_of_the_whole_numbers() {
        let power = |bits: u32| BigInt::from(1) << bits;
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-15 * b.abs();
        assert!(close(quotient(&BigInt::from(1), &BigInt::from(3)), 1.0 / 3.0));
        assert!(close(quotient(&BigInt::from(-7), &BigInt::from(2)), -3.5));
        assert!(close(quotient(&(power(2000) * 3), &power(1999)), 6.0));
        assert!(close(quotient(&BigInt::from(3), &power(1000)), 3.0 * 2.0_f64.powi(-1000)));
        assert!(quotient(&BigInt::from(0), &BigInt::from(5)).abs() < f64::MIN_POSITIVE);
        assert!(quotient(&BigInt::from(5), &BigInt::from(0)).is_nan());
    }
}
