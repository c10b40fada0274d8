//! C1: rows that come in clusters (consumers, conversations) are not independent, and the cluster is the unit.
//!
//! The estimate stays the ratio of the totals; its variance is that of the linearised ratio over clusters (Deng,
//! Knoblich, Lu 2018). Six sums carry everything, so that evidence can be kept running and merged. The residual
//! `sum (S_g - R N_g)^2` is a small difference of large products when clusters agree with each other; it is therefore
//! computed from whole sums exactly, or from the clusters themselves in a second pass, and never from rounded sums.

use num_bigint::BigInt;

use super::exact::{quotient, unless_cancelled};
use super::special::{normal_quantile, t_upper_quantile};
use super::{Refusal, check_level};

/// Below this many effective clusters in an arm nothing is decided: too few independent consumers.
pub const FEWEST: f64 = 5.0;

/// From this many effective clusters on the linearised variance is trusted; below it the randomisation test decides
/// ([`super::randomisation`]).
pub const LINEAR_FROM: f64 = 40.0;

/// Sums over clusters `g` with numerator `s_g` and size `n_g`: all that the linearised variance needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// Clusters.
    pub clusters: u64,
    /// `sum s_g`.
    pub s: f64,
    /// `sum n_g`.
    pub n: f64,
    /// `sum s_g^2`.
    pub ss: f64,
    /// `sum s_g n_g`.
    pub sn: f64,
    /// `sum n_g^2`.
    pub nn: f64,
    /// `sum (s_g - R n_g)^2` without cancellation; NaN without size.
    residual: f64,
}

impl Moments {
    /// Sums over clusters given as `(numerator, size)`. Values that are not finite surface as refusals of the
    /// functions below.
    pub fn of(clusters: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let rows: Vec<(f64, f64)> = clusters.into_iter().collect();
        let mut moments =
            Self { clusters: rows.len() as u64, s: 0.0, n: 0.0, ss: 0.0, sn: 0.0, nn: 0.0, residual: 0.0 };
        for (s, n) in &rows {
            moments.s += s;
            moments.n += n;
            moments.ss += s * s;
            moments.sn += s * n;
            moments.nn += n * n;
        }
        let ratio = moments.s / moments.n;
        moments.residual = rows.iter().map(|(s, n)| (s - ratio * n).powi(2)).sum();
        moments
    }

    /// The same from whole sums, in any order and batching; exact whatever their size.
    #[must_use]
    pub fn from_sums(clusters: u64, s: i128, n: u128, ss: u128, sn: i128, nn: u128) -> Self {
        let ratio = s as f64 / n as f64;
        let (own, both) = (ss as f64, ratio * ratio * nn as f64);
        let residual = unless_cancelled(own - 2.0 * ratio * sn as f64 + both, own + both)
            .unwrap_or_else(|| exact_residual(s, n, ss, sn, nn));
        Self { clusters, s: s as f64, n: n as f64, ss: ss as f64, sn: sn as f64, nn: nn as f64, residual }
    }

    /// `R = sum s / sum n`.
    ///
    /// # Errors
    ///
    /// Refuses without clusters or size, and sums that are not finite.
    pub fn ratio(&self) -> Result<f64, Refusal> {
        if self.clusters == 0 || self.n <= 0.0 {
            return Err(Refusal::NoObservations);
        }
        let ratio = self.s / self.n;
        if ratio.is_finite() { Ok(ratio) } else { Err(Refusal::NotFinite { index: 0, value: ratio }) }
    }

    /// Variance of the ratio, `G/(G-1) sum (S_g - R N_g)^2 / (sum N)^2` (Deng, Knoblich, Lu 2018); that of ordinary
    /// least squares with cluster-robust errors on a constant, without its factor `(N-1)/(N-K)`, which is 1 there.
    ///
    /// # Errors
    ///
    /// As [`Moments::ratio`], and with fewer than two clusters. Sums that no clusters can have are refused with
    /// [`Refusal::SumsInconsistent`].
    pub fn variance(&self) -> Result<f64, Refusal> {
        self.ratio()?;
        if self.clusters < 2 {
            return Err(Refusal::TooFew { n: self.clusters, needed: 2 });
        }
        if !self.residual.is_finite() {
            return Err(Refusal::NotFinite { index: 0, value: self.residual });
        }
        if self.residual < 0.0 {
            return Err(Refusal::SumsInconsistent {
                what: "squares and products of the clusters contradict each other",
            });
        }
        let clusters = self.clusters as f64;
        Ok(clusters / (clusters - 1.0) * (self.residual / self.n / self.n))
    }

    /// Kish's effective number of clusters, `(sum n)^2 / sum n^2`: as many clusters of equal size carry as much. 0
    /// without size.
    #[must_use]
    pub fn kish(&self) -> f64 {
        let effective = self.n * self.n / self.nn;
        if effective.is_finite() { effective } else { 0.0 }
    }

    /// Design effect `max(1, variance / iid_variance)` (Rao & Scott 1992): counts divided by it carry as much as
    /// independent ones. `iid_variance` is the variance the ratio would have if rows were independent. Without any
    /// event both are zero and there is none; the caller takes it from history, or the number of clusters as the
    /// effective count.
    ///
    /// # Errors
    ///
    /// As [`Moments::variance`], and an `iid_variance` that is not above zero.
    pub fn design_effect(&self, iid_variance: f64) -> Result<f64, Refusal> {
        let variance = self.variance()?;
        if !(iid_variance > 0.0 && iid_variance.is_finite()) {
            let expected = "a design effect needs rows that vary";
            return Err(Refusal::VarianceOutOfRange { variance: iid_variance, expected });
        }
        Ok((variance / iid_variance).max(1.0))
    }
}

/// `sum (S_g - R N_g)^2 = (ss n^2 - 2 sn s n + nn s^2) / n^2` with `R = s / n`, in whole numbers.
fn exact_residual(s: i128, n: u128, ss: u128, sn: i128, nn: u128) -> f64 {
    let [s, sn] = [s, sn].map(BigInt::from);
    let [n, ss, nn] = [n, ss, nn].map(BigInt::from);
    let square = &n * &n;
    quotient(&(ss * &square - 2 * sn * &s * n + nn * &s * &s), &square)
}

/// Factor on a variance that makes a normal bound as wide as Student's t with `effective_clusters - 1` degrees of
/// freedom at one-sided level `alpha`: `(t / z)^2`, 1 or more (Cameron, Gelbach, Miller 2008 on few clusters).
///
/// # Errors
///
/// Refuses levels outside 0 to 0.5 and fewer than two effective clusters.
pub fn t_inflation(effective_clusters: f64, alpha: f64) -> Result<f64, Refusal> {
    check_level(alpha)?;
    let too_few = Refusal::TooFewClusters { effective: effective_clusters, needed: 2.0 };
    if effective_clusters.is_nan() || effective_clusters < 2.0 {
        return Err(too_few);
    }
    if effective_clusters.is_infinite() {
        return Ok(1.0);
    }
    let factor = (t_upper_quantile(alpha, effective_clusters - 1.0) / normal_quantile(1.0 - alpha)).powi(2);
    if factor.is_nan() { Err(too_few) } else { Ok(factor.max(1.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(clusters: &[(i64, u64)]) -> Moments {
        let mut totals = (0_i128, 0_u128, 0_u128, 0_i128, 0_u128);
        for (s, n) in clusters {
            let (s, n) = (i128::from(*s), u128::from(*n));
            totals.0 += s;
            totals.1 += n;
            totals.2 += (s * s).unsigned_abs();
            totals.3 += s * n as i128;
            totals.4 += n * n;
        }
        Moments::from_sums(clusters.len() as u64, totals.0, totals.1, totals.2, totals.3, totals.4)
    }

    #[test]
    fn sums_keep_a_variance_that_floating_point_would_lose() {
        // Twelve clusters of a million with nearly the same share: the residual is 1e-13 of the sums of squares.
        let rows: Vec<(i64, u64)> = (0..12).map(|g| (300_000 + (g % 2), 1_000_000)).collect();
        let exact = sums(&rows).variance().unwrap();
        let expected = 12.0 / 11.0 * (12.0 * 0.25) / 1.2e7_f64.powi(2);
        assert!((exact - expected).abs() <= 1e-14 * expected, "{exact:e} {expected:e}");
        let direct = Moments::of(rows.iter().map(|(s, n)| (*s as f64, *n as f64))).variance().unwrap();
        assert!((direct - expected).abs() <= 1e-9 * expected, "{direct:e} {expected:e}");
    }

    #[test]
    fn identical_clusters_vary_by_nothing() {
        let moments = sums(&[(7, 70); 5]);
        assert!(moments.variance().unwrap().abs() < f64::MIN_POSITIVE);
        assert!((moments.kish() - 5.0).abs() < 1e-12 && (moments.ratio().unwrap() - 0.1).abs() < 1e-15);
        assert!((moments.design_effect(1e-3).unwrap() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        let reason = |moments: Moments| moments.variance().unwrap_err().reason();
        assert_eq!(reason(Moments::of([])), "no-observations");
        assert_eq!(reason(sums(&[(0, 0), (0, 0)])), "no-observations");
        assert_eq!(reason(sums(&[(3, 10)])), "too-few-observations");
        assert_eq!(reason(Moments::of([(f64::NAN, 1.0), (1.0, 1.0)])), "not-finite");
        assert_eq!(reason(Moments::from_sums(2, 10, 10, 1, 50, 50)), "sums-inconsistent");
        assert_eq!(sums(&[(0, 5), (0, 7)]).design_effect(0.0).unwrap_err().reason(), "variance-out-of-range");
        assert!(Moments::of([]).kish().abs() < f64::MIN_POSITIVE);
        assert_eq!(t_inflation(1.99, 0.05).unwrap_err().reason(), "too-few-clusters");
        assert_eq!(t_inflation(f64::NAN, 0.05).unwrap_err().reason(), "too-few-clusters");
        assert_eq!(t_inflation(9.0, 0.7).unwrap_err().reason(), "level-out-of-range");
    }

    #[test]
    fn few_clusters_widen_and_many_do_not() {
        // t with 4 degrees of freedom at 5 %: 2.131847.
        let five = t_inflation(5.0, 0.05).unwrap();
        assert!((five - (2.131_846_786_326_65_f64 / 1.644_853_626_951_472_7).powi(2)).abs() < 1e-9, "{five}");
        assert!(t_inflation(1e9, 0.05).unwrap() < 1.000_001);
        assert!((t_inflation(f64::INFINITY, 0.05).unwrap() - 1.0).abs() < 1e-15);
    }
}
