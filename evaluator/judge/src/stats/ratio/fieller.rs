//! Fieller's limits: the check beside the log-scale interval, and the reason why some ratios have none.

use super::super::special::t_upper_quantile;
use super::super::{Refusal, Side, check_level};

/// Two estimates with the variances of them and their covariance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimates {
    /// The baseline's.
    pub baseline: f64,
    /// Its variance.
    pub baseline_variance: f64,
    /// The candidate's.
    pub candidate: f64,
    /// Its variance.
    pub candidate_variance: f64,
    /// Covariance of the two; 0 for separate samples.
    pub covariance: f64,
    /// Degrees of freedom of the t quantile.
    pub degrees: f64,
}

impl Estimates {
    /// Fieller's limit of `candidate / baseline` at one-sided level `alpha` (Fieller 1954): the ratios `r` not ruled
    /// out by `(m_C - r m_B)^2 <= t^2 (v_C - 2 r cov + r^2 v_B)`.
    ///
    /// # Errors
    ///
    /// Refuses levels outside 0 to 0.5, variances below zero or a covariance too large for them, a baseline that is not
    /// above zero, and with [`Refusal::Unbounded`] `g = t^2 v_B / m_B^2` of 1 or more.
    pub fn fieller(&self, alpha: f64, side: Side) -> Result<f64, Refusal> {
        check_level(alpha)?;
        let (b, c) = (self.baseline, self.candidate);
        let (vb, vc, cov) = (self.baseline_variance, self.candidate_variance, self.covariance);
        for (index, value) in [b, vb, c, vc, cov].into_iter().enumerate() {
            if !value.is_finite() {
                return Err(Refusal::NotFinite { index, value });
            }
        }
        if vb < 0.0 || vc < 0.0 || cov * cov > vb * vc * (1.0 + 1e-12) {
            return Err(Refusal::SumsInconsistent { what: "the covariance is too large for its variances" });
        }
        if b <= 0.0 {
            return Err(Refusal::MeanNotPositive);
        }
        let t = t_upper_quantile(alpha, self.degrees);
        if t.is_nan() {
            return Err(Refusal::TooFew { n: 1, needed: 2 });
        }
        let square = t * t;
        let g = square * vb / (b * b);
        if g >= 1.0 {
            return Err(Refusal::Unbounded { g });
        }
        // (b^2 - t^2 vb) r^2 - 2 (b c - t^2 cov) r + (c^2 - t^2 vc) = 0.
        let (leading, middle) = (b * b - square * vb, b * c - square * cov);
        let variance = vc * b * b - 2.0 * cov * b * c + vb * c * c;
        let root = t * (variance - square * (vb * vc - cov * cov)).max(0.0).sqrt();
        Ok(match side {
            Side::Lower => (middle - root) / leading,
            Side::Upper => (middle + root) / leading,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Estimates = Estimates {
        baseline: 4.0,
        baseline_variance: 0.04,
        candidate: 3.0,
        candidate_variance: 0.03,
        covariance: 0.01,
        degrees: 30.0,
    };

    #[test]
    fn limits_solve_the_equation() {
        for side in [Side::Lower, Side::Upper] {
            let r = GOOD.fieller(0.05, side).unwrap();
            let t = t_upper_quantile(0.05, 30.0);
            let left = (3.0 - r * 4.0).powi(2);
            let right = t * t * (0.03 - 2.0 * r * 0.01 + r * r * 0.04);
            assert!((left - right).abs() < 1e-12, "{left} {right}");
        }
    }

    #[test]
    fn unbounded_and_impossible_inputs_are_refused() {
        let reason = |given: Estimates| given.fieller(0.05, Side::Upper).unwrap_err().reason();
        assert_eq!(reason(Estimates { baseline_variance: 9.0, ..GOOD }), "unbounded-ratio");
        assert_eq!(reason(Estimates { covariance: 1.0, ..GOOD }), "sums-inconsistent");
        assert_eq!(reason(Estimates { baseline: 0.0, ..GOOD }), "mean-not-positive");
        assert_eq!(reason(Estimates { candidate: f64::NAN, ..GOOD }), "not-finite");
        assert_eq!(reason(Estimates { degrees: 0.0, ..GOOD }), "too-few-observations");
    }
}
