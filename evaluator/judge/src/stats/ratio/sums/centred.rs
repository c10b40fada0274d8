//! Sums of squares and products about the mean, quickly, without cancellation.
//!
//! The sums are first moved, in whole numbers, to about the whole number nearest the mean. What is left to subtract there
//! is at most as large as what remains: deviations `d` are whole, so that `d^2 >= |d|`, and with a mean deviation `f` of at
//! most one half `mean d^2 - f^2 >= |f| - f^2 >= f^2`. Floats lose one digit by that. Where a step does not fit into 128
//! bits there is no answer, and the caller takes whole numbers of any size.

use super::{ArmSums, PairedSums};

/// `sum (b - mean b)^2`, `sum (c - mean c)^2`, `sum (b - mean b)(c - mean c)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Centred {
    pub(super) bb: f64,
    pub(super) cc: f64,
    pub(super) bc: f64,
}

impl Centred {
    pub(super) fn of(sums: &PairedSums) -> Option<Self> {
        let n = i128::from(sums.n);
        let (b, c) = (nearest(sums.b, n)?, nearest(sums.c, n)?);
        let product = sums
            .bc
            .checked_sub(b.checked_mul(sums.c)?)?
            .checked_sub(c.checked_mul(sums.b)?)?
            .checked_add(b.checked_mul(c)?.checked_mul(n)?)?;
        let (rest_b, rest_c) = (sums.b.checked_sub(b.checked_mul(n)?)?, sums.c.checked_sub(c.checked_mul(n)?)?);
        Some(Self {
            bb: spread(&sums.baseline())?,
            cc: spread(&sums.candidate())?,
            bc: product as f64 - rest_b as f64 * rest_c as f64 / n as f64,
        })
    }
}

/// `sum (x - mean x)^2`; `None` also where the sums belong to no data.
pub(super) fn spread(sums: &ArmSums) -> Option<f64> {
    let n = i128::from(sums.n);
    let centre = nearest(sums.sum, n)?;
    let squares = i128::try_from(sums.squares)
        .ok()?
        .checked_sub(centre.checked_mul(sums.sum)?.checked_mul(2)?)?
        .checked_add(centre.checked_mul(centre)?.checked_mul(n)?)?;
    let rest = sums.sum.checked_sub(centre.checked_mul(n)?)? as f64;
    let spread = squares as f64 - rest * rest / n as f64;
    (spread > 0.0 || squares == 0).then_some(spread)
}

/// The whole number nearest `sum / n`.
fn nearest(sum: i128, n: i128) -> Option<i128> {
    sum.checked_add(n / 2)?.checked_div_euclid(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_deviations_lose_nothing() {
        let mut sums = PairedSums::default();
        for i in 0..1001_i64 {
            sums.push(1_000_000_000_000 + i % 3, 7_000_000_000_000 - i % 2);
        }
        let centred = Centred::of(&sums).unwrap();
        // 334, 334, 333 values 0, 1, 2 and 501, 500 values 0, 1.
        let expected_b = (334.0 + 4.0 * 333.0) - (334.0_f64 + 666.0).powi(2) / 1001.0;
        assert!((centred.bb - expected_b).abs() < 1e-9, "{} {expected_b}", centred.bb);
        assert!((centred.cc - (500.0 - 250_000.0 / 1001.0)).abs() < 1e-9, "{}", centred.cc);
    }

    #[test]
    fn what_does_not_fit_is_left_to_others() {
        let huge = ArmSums { n: 2, sum: i128::MAX, squares: u128::MAX };
        assert!(spread(&huge).is_none());
        assert!(spread(&ArmSums { n: 3, sum: 30, squares: 5 }).is_none());
        assert!(spread(&ArmSums { n: 3, sum: 30, squares: 300 }).unwrap().abs() < f64::MIN_POSITIVE);
        assert!(Centred::of(&PairedSums::default()).is_none());
    }
}
