//! Ratio of two means, candidate over baseline: what the bill grows or shrinks by.
//!
//! The interval is taken on the log scale, because a ratio's direct normal interval covers too little. Fieller's
//! theorem tells when no interval exists at all: when the baseline's mean is not distinguishable from zero.
//!
//! The same numbers come from columns ([`MeanRatio::paired`]), from whole sums that can be kept running
//! ([`MeanRatio::from_sums`]), and over clusters, where each mean is a ratio of two totals ([`RatioOfRatios`]).

mod fieller;
mod of_ratios;
mod sums;

pub use fieller::Estimates;
pub use of_ratios::RatioOfRatios;
pub(crate) use sums::DifferenceCurve;
pub use sums::{ArmSums, PairedSums};

use super::special::t_upper_quantile;
use super::{Refusal, Side, check_level};

/// A ratio of means with what its bounds need.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanRatio {
    /// Mean of the baseline.
    pub baseline: f64,
    /// Mean of the candidate.
    pub candidate: f64,
    /// Standard error of the log ratio.
    pub log_standard_error: f64,
    /// Degrees of freedom of the t quantile.
    pub degrees: f64,
    /// Squared relative standard error of the baseline's mean, `v_B / m_B^2`.
    baseline_relative_variance: f64,
}

impl MeanRatio {
    /// Two aligned columns of non-negative values: `var(log ratio) = v_C/m_C^2 + v_B/m_B^2 - 2 cov/(m_C m_B)`, v and cov
    /// of the means; n - 1 degrees of freedom.
    ///
    /// # Errors
    ///
    /// Refuses misaligned columns, fewer than two pairs, values that are not finite or are negative, and a mean of zero.
    pub fn paired(baseline: &[f64], candidate: &[f64]) -> Result<Self, Refusal> {
        if baseline.len() != candidate.len() {
            return Err(Refusal::NotAligned { baseline: baseline.len(), candidate: candidate.len() });
        }
        let (mean_b, mean_c) = (mean(baseline)?, mean(candidate)?);
        let n = baseline.len() as f64;
        // The residual of the ratio, so that perfectly proportional columns give exactly no variance.
        let residual: f64 = baseline.iter().zip(candidate).map(|(b, c)| (c / mean_c - b / mean_b).powi(2)).sum();
        let spread_b: f64 = baseline.iter().map(|b| (b / mean_b - 1.0).powi(2)).sum();
        let scale = n * (n - 1.0);
        Ok(Self {
            baseline: mean_b,
            candidate: mean_c,
            log_standard_error: (residual / scale).sqrt(),
            degrees: n - 1.0,
            baseline_relative_variance: spread_b / scale,
        })
    }

    /// Two separate samples: the same without covariance; nC + nB - 2 degrees of freedom.
    ///
    /// # Errors
    ///
    /// As [`MeanRatio::paired`]; lengths may differ.
    pub fn unpaired(baseline: &[f64], candidate: &[f64]) -> Result<Self, Refusal> {
        let (mean_b, mean_c) = (mean(baseline)?, mean(candidate)?);
        let relative_variance = |values: &[f64], mean: f64| {
            let n = values.len() as f64;
            values.iter().map(|value| (value / mean - 1.0).powi(2)).sum::<f64>() / (n * (n - 1.0))
        };
        let (of_baseline, of_candidate) = (relative_variance(baseline, mean_b), relative_variance(candidate, mean_c));
        Ok(Self {
            baseline: mean_b,
            candidate: mean_c,
            log_standard_error: (of_baseline + of_candidate).sqrt(),
            degrees: (baseline.len() + candidate.len() - 2) as f64,
            baseline_relative_variance: of_baseline,
        })
    }

    /// The same ratio when rows come in clusters: both variances times `factor` (a design effect of 1 or more), and
    /// `degrees` of freedom (Kish's effective clusters less one; less two for separate samples).
    ///
    /// # Errors
    ///
    /// Refuses a factor below 1, and degrees that are not above zero.
    pub fn inflated(self, factor: f64, degrees: f64) -> Result<Self, Refusal> {
        if !(factor >= 1.0 && factor.is_finite()) {
            return Err(Refusal::MarginOutOfRange { margin: factor, expected: "a design effect of 1 or more" });
        }
        if degrees.is_nan() || degrees <= 0.0 {
            return Err(Refusal::TooFewClusters { effective: degrees + 1.0, needed: 2.0 });
        }
        Ok(Self {
            log_standard_error: self.log_standard_error * factor.sqrt(),
            baseline_relative_variance: self.baseline_relative_variance * factor,
            degrees,
            ..self
        })
    }

    /// Mean of the candidate over mean of the baseline.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        self.candidate / self.baseline
    }

    /// Bound at one-sided level `alpha`: `ratio * exp(+- t se)`.
    ///
    /// # Errors
    ///
    /// Refuses levels outside 0 to 0.5, and with [`Refusal::Unbounded`] where Fieller's
    /// `g = t^2 v_B / m_B^2` is 1 or more (Fieller 1954).
    pub fn bound(&self, alpha: f64, side: Side) -> Result<f64, Refusal> {
        check_level(alpha)?;
        let t = t_upper_quantile(alpha, self.degrees);
        let g = t * t * self.baseline_relative_variance;
        if g.is_nan() || g >= 1.0 {
            return Err(Refusal::Unbounded { g });
        }
        let half = t * self.log_standard_error;
        Ok(match side {
            Side::Lower => self.estimate() * (-half).exp(),
            Side::Upper => self.estimate() * half.exp(),
        })
    }
}

fn mean(values: &[f64]) -> Result<f64, Refusal> {
    if values.is_empty() {
        return Err(Refusal::NoObservations);
    }
    for (index, value) in values.iter().enumerate() {
        if !value.is_finite() {
            return Err(Refusal::NotFinite { index, value: *value });
        }
        if *value < 0.0 {
            return Err(Refusal::NotPositive { index, value: *value });
        }
    }
    if values.len() < 2 {
        return Err(Refusal::TooFew { n: values.len() as u64, needed: 2 });
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    if mean > 0.0 && mean.is_finite() { Ok(mean) } else { Err(Refusal::MeanNotPositive) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proportional_columns_give_the_ratio_exactly() {
        let baseline: Vec<f64> = (1..=50).map(f64::from).collect();
        let candidate: Vec<f64> = baseline.iter().map(|value| value * 0.25).collect();
        let ratio = MeanRatio::paired(&baseline, &candidate).unwrap();
        assert!((ratio.bound(0.001, Side::Upper).unwrap() - 0.25).abs() < 1e-12);
        assert!((ratio.bound(0.001, Side::Lower).unwrap() - 0.25).abs() < 1e-12);
    }

    #[test]
    fn an_uncertain_baseline_is_refused() {
        let mut baseline = [0.0; 20];
        baseline[3] = 1.0;
        let ratio = MeanRatio::paired(&baseline, &[1.0; 20]).unwrap();
        assert_eq!(ratio.bound(0.025, Side::Upper).unwrap_err().reason(), "unbounded-ratio");
    }

    #[test]
    fn bad_columns_are_refused() {
        let reason = |b: &[f64], c: &[f64]| MeanRatio::paired(b, c).unwrap_err().reason();
        assert_eq!(reason(&[], &[]), "no-observations");
        assert_eq!(reason(&[1.0], &[1.0]), "too-few-observations");
        assert_eq!(reason(&[1.0, 2.0], &[1.0]), "not-aligned");
        assert_eq!(reason(&[1.0, f64::NAN], &[1.0, 1.0]), "not-finite");
        assert_eq!(reason(&[1.0, -1.0], &[1.0, 1.0]), "not-positive");
        assert_eq!(reason(&[0.0, 0.0], &[1.0, 1.0]), "mean-not-positive");
    }
}
