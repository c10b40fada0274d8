//! Ratio of two quantiles, candidate over baseline, without a density estimate and without resampling.
//!
//! Each arm's quantile gets an interval of order statistics (Wilson's limits of the distribution function, read as
//! ranks: Woodruff 1952), and the two are combined on the log scale by MOVER (Zou & Donner 2008). A failed request is
//! infinitely slow: it is ranked last and never dropped. Where the ranks an interval needs do not exist, or point at a
//! failed request, there is no finite limit, and the answer is `None` and not a number.

mod harrell_davis;
mod ranked;

pub use harrell_davis::harrell_davis;
pub use ranked::{QuantileRatio, Ranked, RankedInterval, Ranks, interval_ranked, ranks};

use super::{Refusal, Side};

/// Quantiles of two arms, ready to be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantilePair {
    baseline: Vec<f64>,
    candidate: Vec<f64>,
    share: f64,
    correlation: f64,
}

/// One arm's quantile with its limits; infinite values are failed requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantileInterval {
    /// The order statistic of rank `ceil(n share)`.
    pub point: f64,
    /// Lower limit; `None` where the rank does not exist.
    pub lower: Option<f64>,
    /// Upper limit; `None` where the rank does not exist or the value there is infinite.
    pub upper: Option<f64>,
}

impl QuantilePair {
    /// Two aligned columns. The correlation of "slower than one's own quantile" over the pairs enters the interval
    /// (0 where it is undefined).
    ///
    /// # Errors
    ///
    /// Refuses empty or misaligned columns, NaN, values of zero or less, and shares outside 0 to 1. Infinity is a
    /// value: a request that failed.
    pub fn paired(baseline: &[f64], candidate: &[f64], share: f64) -> Result<Self, Refusal> {
        if baseline.len() != candidate.len() {
            return Err(Refusal::NotAligned { baseline: baseline.len(), candidate: candidate.len() });
        }
        let mut pair = Self::unpaired(baseline, candidate, share)?;
        let slower_baseline = point(&pair.baseline, share);
        let slower_candidate = point(&pair.candidate, share);
        pair.correlation =
            correlation(baseline.iter().zip(candidate).map(|(b, c)| (*b > slower_baseline, *c > slower_candidate)));
        Ok(pair)
    }

    /// Two separate samples.
    ///
    /// # Errors
    ///
    /// As [`QuantilePair::paired`]; lengths may differ.
    pub fn unpaired(baseline: &[f64], candidate: &[f64], share: f64) -> Result<Self, Refusal> {
        if !(share > 0.0 && share < 1.0) {
            return Err(Refusal::ShareOutOfRange { share });
        }
        Ok(Self { baseline: sorted(baseline)?, candidate: sorted(candidate)?, share, correlation: 0.0 })
    }

    /// The baseline's quantile; `None` if it is a failed request.
    #[must_use]
    pub fn baseline(&self) -> Option<f64> {
        finite(point(&self.baseline, self.share))
    }

    /// The candidate's quantile; `None` if it is a failed request.
    #[must_use]
    pub fn candidate(&self) -> Option<f64> {
        finite(point(&self.candidate, self.share))
    }

    /// Correlation of the two indicators, 0 for separate samples.
    #[must_use]
    pub const fn correlation(&self) -> f64 {
        self.correlation
    }

    /// Candidate's quantile over the baseline's; `None` if either is infinite.
    #[must_use]
    pub fn estimate(&self) -> Option<f64> {
        Some(self.candidate()? / self.baseline()?)
    }

    /// A bound of the ratio at one-sided level `alpha`; `None` where no finite one exists.
    ///
    /// MOVER with `d = log(qC/qB)`: lower `d - sqrt(a^2 + b^2 - 2 r a b)`, `a = log(qC/lC)`, `b = log(uB/qB)`; upper
    /// `d + sqrt(...)`, `a = log(uC/qC)`, `b = log(qB/lB)`.
    ///
    /// # Errors
    ///
    /// Refuses levels outside 0 to 0.5.
    pub fn bound(&self, alpha: f64, side: Side) -> Result<Option<f64>, Refusal> {
        self.bound_effective(alpha, side, self.baseline.len() as f64, self.candidate.len() as f64)
    }

    /// The same with clusters: the bound for effective numbers of values (`n` over the design effect) per arm.
    ///
    /// # Errors
    ///
    /// As [`QuantilePair::bound`], and effective numbers that are not above zero.
    pub fn bound_effective(
        &self,
        alpha: f64,
        side: Side,
        baseline_effective: f64,
        candidate_effective: f64,
    ) -> Result<Option<f64>, Refusal> {
        QuantileRatio {
            baseline: &self.baseline,
            candidate: &self.candidate,
            baseline_effective,
            candidate_effective,
            share: self.share,
            correlation: self.correlation,
        }
        .bound(alpha, side)
    }
}

/// Interval of one quantile from ascending values, at one-sided level `alpha` on each side: with Wilson's limits
/// `[L, U]` of the distribution function at `share`, the values of rank `floor(n L)` and `ceil(n U) + 1`.
///
/// # Errors
///
/// Refuses an empty sample, shares outside 0 to 1 and levels outside 0 to 0.5.
pub fn interval(ascending: &[f64], share: f64, alpha: f64) -> Result<QuantileInterval, Refusal> {
    interval_effective(ascending, share, alpha, ascending.len() as f64)
}

/// The same when the values come in clusters: for `n_effective` independent ones (`n` over the design effect).
///
/// # Errors
///
/// As [`interval`], and an `n_effective` that is not above zero.
pub fn interval_effective(
    ascending: &[f64],
    share: f64,
    alpha: f64,
    n_effective: f64,
) -> Result<QuantileInterval, Refusal> {
    let interval = interval_ranked(ascending, share, alpha, n_effective)?;
    Ok(QuantileInterval { point: interval.point.0, lower: interval.lower, upper: interval.upper })
}

/// The value of rank `ceil(n share)` among ascending values, which must not be empty.
fn point(ascending: &[f64], share: f64) -> f64 {
    ranks(ascending.n(), share, 0.25, ascending.n() as f64).map_or(f64::NAN, |ranks| ascending.at(ranks.point).0)
}

fn sorted(values: &[f64]) -> Result<Vec<f64>, Refusal> {
    if values.is_empty() {
        return Err(Refusal::NoObservations);
    }
    for (index, value) in values.iter().enumerate() {
        if value.is_nan() {
            return Err(Refusal::NotFinite { index, value: *value });
        }
        if *value <= 0.0 {
            return Err(Refusal::NotPositive { index, value: *value });
        }
    }
    let mut ascending = values.to_vec();
    ascending.sort_unstable_by(f64::total_cmp);
    Ok(ascending)
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Correlation of two yes/no columns; 0 where one of them does not vary.
fn correlation(rows: impl Iterator<Item = (bool, bool)>) -> f64 {
    let (mut n, mut both, mut first, mut second) = (0_u64, 0_u64, 0_u64, 0_u64);
    for (a, b) in rows {
        n += 1;
        both += u64::from(a && b);
        first += u64::from(a);
        second += u64::from(b);
    }
    let (n, both, first, second) = (n as f64, both as f64, first as f64, second as f64);
    let spread = (first * (n - first)).sqrt() * (second * (n - second)).sqrt();
    if spread > 0.0 { ((n * both - first * second) / spread).clamp(-1.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upper_limit_exists_from_59_and_296_on() {
        // Two-sided 95 %: the smallest samples with a finite upper limit of p95 and p99.
        let exists = |n: u64, share| ranks(n, share, 0.025, n as f64).unwrap().high.is_some();
        let first = |share| (1..1000).find(|n| exists(*n, share)).unwrap();
        assert_eq!((first(0.95), first(0.99)), (59, 296));
    }

    #[test]
    fn failures_are_ranked_last() {
        let baseline: Vec<f64> = (1..=1000).map(f64::from).collect();
        let mut candidate = baseline.clone();
        candidate[970..].fill(f64::INFINITY);
        let pair = QuantilePair::unpaired(&baseline, &candidate, 0.95).unwrap();
        // Ties in rank: 3 % failed, so that p95 of the rest stays where it was, and p98 is a failure.
        assert_eq!(pair.estimate(), Some(1.0));
        let tail = QuantilePair::unpaired(&baseline, &candidate, 0.98).unwrap();
        assert_eq!((tail.candidate(), tail.estimate(), tail.bound(0.05, Side::Upper).unwrap()), (None, None, None));
    }

    #[test]
    fn constant_samples_give_a_sharp_ratio() {
        let pair = QuantilePair::paired(&[2.0; 500], &[3.0; 500], 0.5).unwrap();
        assert_eq!(pair.bound(0.05, Side::Lower).unwrap(), Some(1.5));
        assert_eq!(pair.bound(0.05, Side::Upper).unwrap(), Some(1.5));
    }

    #[test]
    fn bad_values_are_refused() {
        let reason = |values: &[f64]| QuantilePair::unpaired(values, &[1.0], 0.5).unwrap_err().reason();
        assert_eq!(reason(&[]), "no-observations");
        assert_eq!(reason(&[1.0, f64::NAN]), "not-finite");
        assert_eq!(reason(&[1.0, 0.0]), "not-positive");
        assert_eq!(QuantilePair::paired(&[1.0], &[], 0.5).unwrap_err().reason(), "not-aligned");
        assert_eq!(QuantilePair::paired(&[1.0], &[1.0], 1.0).unwrap_err().reason(), "share-out-of-range");
    }

    #[test]
    fn one_value_has_a_point_and_no_limits() {
        let pair = QuantilePair::paired(&[5.0], &[10.0], 0.5).unwrap();
        assert_eq!(pair.estimate(), Some(2.0));
        assert_eq!(pair.bound(0.05, Side::Upper).unwrap(), None);
        assert_eq!(pair.bound(0.05, Side::Lower).unwrap(), None);
    }
}
