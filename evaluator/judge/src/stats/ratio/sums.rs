//! The ratio from whole sums: six integers per metric, mergeable in any order and batching.
//!
//! Values of 1e12 (a thousand dollars in nano-dollars) fit 3e14 times before a sum of squares is full; a sum that is
//! full stays full ([`PairedSums::push`] saturates) and is refused instead of giving a wrong variance. What is computed
//! from the sums keeps twelve digits, also where a variance is 1e-30 of the squares ([`centred`]).

mod centred;

use num_bigint::BigInt;

use self::centred::Centred;
use super::super::Refusal;
use super::super::exact::{quotient, unless_cancelled};
use super::MeanRatio;

/// Sums over pairs with value `b` in the baseline and `c` in the candidate, in whole units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairedSums {
    /// Pairs.
    pub n: u64,
    /// `sum b`.
    #[serde(with = "crate::wide")]
    pub b: i128,
    /// `sum c`.
    #[serde(with = "crate::wide")]
    pub c: i128,
    /// `sum b^2`.
    #[serde(with = "crate::wide")]
    pub bb: u128,
    /// `sum c^2`.
    #[serde(with = "crate::wide")]
    pub cc: u128,
    /// `sum b c`.
    #[serde(with = "crate::wide")]
    pub bc: i128,
}

/// Sums over one arm of separate requests, in whole units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArmSums {
    /// Values.
    pub n: u64,
    /// Their sum.
    #[serde(with = "crate::wide")]
    pub sum: i128,
    /// Sum of their squares.
    #[serde(with = "crate::wide")]
    pub squares: u128,
}

impl PairedSums {
    /// Adds one pair.
    pub fn push(&mut self, baseline: i64, candidate: i64) {
        let (b, c) = (i128::from(baseline), i128::from(candidate));
        let one = Self { n: 1, b, c, bb: (b * b).unsigned_abs(), cc: (c * c).unsigned_abs(), bc: b * c };
        self.merge(&one);
    }

    /// Adds the sums of other pairs.
    pub fn merge(&mut self, other: &Self) {
        self.n = self.n.saturating_add(other.n);
        self.b = self.b.saturating_add(other.b);
        self.c = self.c.saturating_add(other.c);
        self.bb = self.bb.saturating_add(other.bb);
        self.cc = self.cc.saturating_add(other.cc);
        self.bc = self.bc.saturating_add(other.bc);
    }

    /// The baseline's side alone.
    #[must_use]
    pub const fn baseline(&self) -> ArmSums {
        ArmSums { n: self.n, sum: self.b, squares: self.bb }
    }

    /// The candidate's side alone.
    #[must_use]
    pub const fn candidate(&self) -> ArmSums {
        ArmSums { n: self.n, sum: self.c, squares: self.cc }
    }

    /// Mean of `c - r b` over the pairs and the variance of that mean, for a sequential bound of the claim "the ratio
    /// is at most r": with `S_xy = n sum xy - sum x sum y`,
    /// `variance = (S_cc - 2 r S_bc + r^2 S_bb) / (n^2 (n - 1))`, the usual one of a mean of differences.
    ///
    /// # Errors
    ///
    /// Refuses fewer than two pairs, an `r` that is not finite or below 0, and sums that no pairs can have.
    pub fn difference_at(&self, r: f64) -> Result<(f64, f64), Refusal> {
        check_size(self.n)?;
        self.check_room()?;
        if !(r >= 0.0 && r.is_finite()) {
            return Err(Refusal::MarginOutOfRange { margin: r, expected: "a ratio of 0 or more" });
        }
        let n = self.n as f64;
        let (up, down) = (self.c as f64, r * self.b as f64);
        let fast = unless_cancelled((up - down).abs(), up.abs() + down.abs()).map(|_| (up - down) / n);
        let spread = Centred::of(self).and_then(|of| {
            let (own, scaled) = (of.cc, r * r * of.bb);
            unless_cancelled(own - 2.0 * r * of.bc + scaled, own + scaled)
        });
        match (fast, spread) {
            (Some(mean), Some(spread)) => Ok((mean, consistent(spread / n / (n - 1.0))?)),
            _ => self.exact_difference_at(r),
        }
    }

    fn exact_difference_at(&self, r: f64) -> Result<(f64, f64), Refusal> {
        let (mantissa, bits) = as_fraction(r);
        let n = BigInt::from(self.n);
        let [b, c, bc] = [self.b, self.c, self.bc].map(BigInt::from);
        let [bb, cc] = [self.bb, self.cc].map(BigInt::from);
        let (s_bb, s_cc, s_bc) = (&n * bb - &b * &b, &n * cc - &c * &c, &n * bc - &b * &c);
        // Everything times 2^bits (squared: 2^(2 bits)), so that r enters exactly as the float it is.
        let mean = quotient(&((c << bits) - &mantissa * b), &(&n << bits));
        let spread = (s_cc << (2 * bits)) - ((2 * &mantissa * s_bc) << bits) + &mantissa * &mantissa * s_bb;
        let variance = quotient(&spread, &((&n * &n * (&n - 1)) << (2 * bits)));
        Ok((mean, consistent(variance)?))
    }

    fn check_room(&self) -> Result<(), Refusal> {
        check_room([self.bb, self.cc, self.b.unsigned_abs(), self.c.unsigned_abs(), self.bc.unsigned_abs()])
    }

    /// Variance of the log ratio in whole numbers.
    fn exact_log_variance(&self) -> f64 {
        let [b, c, bc] = [self.b, self.c, self.bc].map(BigInt::from);
        let [bb, cc] = [self.bb, self.cc].map(BigInt::from);
        let (bsquare, csquare) = (&b * &b, &c * &c);
        let spread = cc * &bsquare - 2 * bc * &b * &c + bb * &csquare;
        quotient(&(spread * self.n), &(bsquare * csquare * (self.n - 1)))
    }
}

/// [`PairedSums::difference_at`] for many ratios of the same sums: `(c - r b)` has the mean `(R - r) B / n` and the
/// variance of the mean `least + (r - s)^2 slope`, with R the ratio of the sums and s that of least variance. All are
/// rounded once from exact arithmetic, and nothing cancels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DifferenceCurve {
    mean_b: f64,
    ratio: f64,
    least: f64,
    least_at: f64,
    slope: f64,
}

impl DifferenceCurve {
    /// Refuses what [`PairedSums::difference_at`] refuses, and a baseline without a sum above zero.
    pub(crate) fn new(sums: &PairedSums) -> Result<Self, Refusal> {
        check_size(sums.n)?;
        if sums.b <= 0 {
            return Err(Refusal::MeanNotPositive);
        }
        let n = BigInt::from(sums.n);
        let [b, c, bc] = [sums.b, sums.c, sums.bc].map(BigInt::from);
        let [bb, cc] = [sums.bb, sums.cc].map(BigInt::from);
        let (s_bb, s_cc, s_bc) = (&n * bb - &b * &b, &n * cc - &c * &c, &n * bc - &b * &c);
        let scale = &n * &n * (&n - 1);
        let slope = consistent(quotient(&s_bb, &scale))?;
        let (least, least_at) = if slope > 0.0 {
            (quotient(&(s_cc * &s_bb - &s_bc * &s_bc), &(&scale * &s_bb)), quotient(&s_bc, &s_bb))
        } else {
            (quotient(&s_cc, &scale), 0.0)
        };
        let least = consistent(least)?;
        Ok(Self { mean_b: quotient(&b, &n), ratio: quotient(&c, &b), least, least_at, slope })
    }

    /// Mean of `c - r b`, and the variance of that mean.
    pub(crate) fn at(&self, r: f64) -> (f64, f64) {
        let away = r - self.least_at;
        ((self.ratio - r) * self.mean_b, self.least + away * away * self.slope)
    }
}

impl ArmSums {
    /// Adds one value.
    pub fn push(&mut self, value: i64) {
        let value = i128::from(value);
        self.merge(&Self { n: 1, sum: value, squares: (value * value).unsigned_abs() });
    }

    /// Adds the sums of other values.
    pub fn merge(&mut self, other: &Self) {
        self.n = self.n.saturating_add(other.n);
        self.sum = self.sum.saturating_add(other.sum);
        self.squares = self.squares.saturating_add(other.squares);
    }

    fn mean(&self) -> Result<f64, Refusal> {
        check_size(self.n)?;
        check_room([self.squares, self.sum.unsigned_abs()])?;
        if self.sum <= 0 {
            return Err(Refusal::MeanNotPositive);
        }
        Ok(self.sum as f64 / self.n as f64)
    }

    /// Variance of the mean over the squared mean: `(n sum x^2 - (sum x)^2) / ((n - 1) (sum x)^2)`.
    fn relative_variance(&self) -> Result<f64, Refusal> {
        if let Some(spread) = centred::spread(self) {
            let n = self.n as f64;
            return consistent(spread * n / (n - 1.0) / (self.sum as f64).powi(2));
        }
        let [sum, squares] = [BigInt::from(self.sum), BigInt::from(self.squares)];
        let square = &sum * &sum;
        consistent(quotient(&(squares * self.n - &square), &(square * (self.n - 1))))
    }
}

impl MeanRatio {
    /// The ratio of [`MeanRatio::paired`] from sums. The variance of the log ratio is
    /// `n (C'' B^2 - 2 X B C + B'' C^2) / ((n - 1) B^2 C^2)` with the sums `B`, `C`, of squares `B''`, `C''` and of
    /// products `X`, which is the same in exact arithmetic.
    ///
    /// # Errors
    ///
    /// Refuses fewer than two pairs, a sum that is not above zero, and with [`Refusal::SumsInconsistent`] sums that no
    /// pairs can have.
    pub fn from_sums(sums: &PairedSums) -> Result<Self, Refusal> {
        let (baseline, candidate) = (sums.baseline().mean()?, sums.candidate().mean()?);
        sums.check_room()?;
        let (of_baseline, of_candidate) = (sums.baseline().relative_variance()?, sums.candidate().relative_variance()?);
        let n = sums.n as f64;
        let variance = Centred::of(sums)
            .and_then(|of| {
                let shared = 2.0 * of.bc / (baseline * candidate) / (n * (n - 1.0));
                unless_cancelled(of_candidate - shared + of_baseline, of_candidate + of_baseline)
            })
            .unwrap_or_else(|| sums.exact_log_variance());
        Ok(Self {
            baseline,
            candidate,
            log_standard_error: consistent(variance)?.sqrt(),
            degrees: n - 1.0,
            baseline_relative_variance: of_baseline,
        })
    }

    /// The ratio of [`MeanRatio::unpaired`] from the sums of each arm.
    ///
    /// # Errors
    ///
    /// As [`MeanRatio::from_sums`].
    pub fn unpaired_from_sums(baseline: &ArmSums, candidate: &ArmSums) -> Result<Self, Refusal> {
        let (mean_b, mean_c) = (baseline.mean()?, candidate.mean()?);
        let (of_baseline, of_candidate) = (baseline.relative_variance()?, candidate.relative_variance()?);
        Ok(Self {
            baseline: mean_b,
            candidate: mean_c,
            log_standard_error: (of_baseline + of_candidate).sqrt(),
            degrees: baseline.n as f64 + candidate.n as f64 - 2.0,
            baseline_relative_variance: of_baseline,
        })
    }
}

const fn check_size(n: u64) -> Result<(), Refusal> {
    match n {
        0 => Err(Refusal::NoObservations),
        1 => Err(Refusal::TooFew { n, needed: 2 }),
        _ => Ok(()),
    }
}

/// A sum at the end of its range may have lost what did not fit.
fn check_room<const N: usize>(sizes: [u128; N]) -> Result<(), Refusal> {
    if sizes.iter().any(|size| *size == u128::MAX || *size == i128::MAX.unsigned_abs()) {
        return Err(Refusal::SumsInconsistent { what: "a sum is full; sum in coarser units" });
    }
    Ok(())
}

/// A variance is never below zero; only sums that were not counted together give such a one.
fn consistent(variance: f64) -> Result<f64, Refusal> {
    if variance >= 0.0 && variance.is_finite() {
        Ok(variance)
    } else {
        Err(Refusal::SumsInconsistent { what: "a sum of squares is too small for the sum it belongs to" })
    }
}

/// A finite number of 0 or more as `mantissa / 2^bits`, exactly.
fn as_fraction(value: f64) -> (BigInt, u32) {
    let stored = value.to_bits();
    let (exponent, fraction) = ((stored >> 52) as u32, stored & ((1 << 52) - 1));
    let (mantissa, exponent) = if exponent == 0 { (fraction, 1) } else { (fraction | (1 << 52), exponent) };
    // The value is mantissa * 2^(exponent - 1075).
    match exponent.checked_sub(1075) {
        Some(up) => (BigInt::from(mantissa) << up, 0),
        None => (BigInt::from(mantissa), 1075 - exponent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Side;

    fn pushed(rows: &[(i64, i64)]) -> PairedSums {
        let mut sums = PairedSums::default();
        for (b, c) in rows {
            sums.push(*b, *c);
        }
        sums
    }

    #[test]
    fn floats_are_fractions() {
        for value in [0.0, 1.0, 0.6, 1e-300, 5e-324, 1e300, 3.25] {
            let (mantissa, bits) = as_fraction(value);
            let back = quotient(&mantissa, &(BigInt::from(1) << bits));
            assert_eq!(back.to_bits(), f64::to_bits(value), "{value}");
        }
    }

    #[test]
    fn huge_bills_that_nearly_agree_keep_their_variance() {
        // Nano-dollars around 1e12 that differ by a few units: 1e-23 of the squares.
        let rows: Vec<(i64, i64)> =
            (0..1000).map(|i| (1_000_000_000_000 + i % 7, 2_000_000_000_000 + (i % 5) + 2 * (i % 7))).collect();
        let ratio = MeanRatio::from_sums(&pushed(&rows)).unwrap();
        // c - 2 b is i mod 5: sample variance 2000/999 over 1000 pairs.
        let expected = (2000.0_f64 / 999.0 / 1000.0).sqrt() / 2e12;
        assert!((ratio.log_standard_error - expected).abs() < 1e-8 * expected, "{:e}", ratio.log_standard_error);
        let (mean, variance) = pushed(&rows).difference_at(2.0).unwrap();
        assert!((mean - 2.0).abs() < 1e-15 && (variance - 2.0 / 999.0).abs() < 1e-15, "{mean} {variance}");
    }

    #[test]
    fn the_curve_is_the_difference_at_every_ratio() {
        let noisy: Vec<(i64, i64)> =
            (0..500_i64).map(|i| (1_000_000 + i * i % 7919, 300_000 + i * 37 % 50_000)).collect();
        let flat: Vec<(i64, i64)> = (0..50_i64).map(|i| (1_000_000, 300_000 + i % 3)).collect();
        let exact: Vec<(i64, i64)> = (1..50_i64).map(|i| (i * 1000, i * 250)).collect();
        for rows in [noisy, flat, exact] {
            let sums = pushed(&rows);
            let curve = DifferenceCurve::new(&sums).unwrap();
            for r in [0.0, 1e-3, 0.1, 0.25, 0.299, 0.3, 0.31, 1.0, 7.5, 1e4] {
                let ((mean, variance), (want, of_want)) = (curve.at(r), sums.difference_at(r).unwrap());
                assert!((mean - want).abs() <= 1e-12 * want.abs().max(1e4), "{r} {mean} {want}");
                assert!((variance - of_want).abs() <= 1e-9 * of_want, "{r} {variance} {of_want}");
            }
        }
        assert_eq!(DifferenceCurve::new(&pushed(&[(0, 1), (0, 2)])).unwrap_err().reason(), "mean-not-positive");
    }

    #[test]
    fn a_billion_pairs_are_answered() {
        let (b, c) = (1_000_000_000_000_i128, 600_000_000_000_i128);
        let n = 1_000_000_000_i128;
        let sums = PairedSums {
            n: 1_000_000_000,
            b: n * b,
            c: n * c,
            bb: (n * (b * b + 4)).unsigned_abs(),
            cc: (n * (c * c + 1)).unsigned_abs(),
            bc: n * b * c,
        };
        let ratio = MeanRatio::from_sums(&sums).unwrap();
        assert!((ratio.bound(0.05, Side::Upper).unwrap() - 0.6).abs() < 1e-12);
        assert!(ratio.log_standard_error > 0.0);
    }

    #[test]
    fn sums_of_no_data_are_refused() {
        let good = pushed(&[(1, 2), (3, 5), (4, 4)]);
        let reason = |sums: PairedSums| MeanRatio::from_sums(&sums).unwrap_err().reason();
        assert_eq!(reason(PairedSums { bb: 1, ..good }), "sums-inconsistent");
        assert_eq!(reason(PairedSums { cc: 1, ..good }), "sums-inconsistent");
        assert_eq!(reason(PairedSums { bc: 1 << 100, ..good }), "sums-inconsistent");
        assert_eq!(reason(PairedSums { b: 0, ..good }), "mean-not-positive");
        assert_eq!(reason(PairedSums::default()), "no-observations");
        assert_eq!(reason(pushed(&[(1, 1)])), "too-few-observations");
        assert_eq!(good.difference_at(f64::NAN).unwrap_err().reason(), "margin-out-of-range");
        let full = PairedSums { bb: u128::MAX, ..good };
        let mut merged = full;
        merged.merge(&full);
        assert_eq!(merged.bb, u128::MAX);
        let full = MeanRatio::from_sums(&PairedSums { bc: i128::MAX, ..good }).unwrap_err();
        assert!(full.to_string().contains("a sum is full"), "{full}");
        assert_eq!(merged.difference_at(1.0).unwrap_err().reason(), "sums-inconsistent");
    }
}
