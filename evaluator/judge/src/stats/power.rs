//! How many observations a guardrail needs before it can pass.
//!
//! Planning formulas for a candidate that is truly equal to the baseline; `alpha` is the level of the bound, `beta`
//! the accepted chance of not passing although equal. The plain forms are for one look; [`sequential`] says how long
//! it takes with a look at any time, and [`futility`] whether it is worth waiting on. For requests in clusters,
//! multiply by the [`design_effect`].

mod futility;
mod sequential;

pub use self::futility::{FUTILE_BELOW, FUTILITY_ASKED_FROM, FUTILITY_HORIZON, futility, futility_asked};
pub use self::sequential::{SequentialPlan, design_effect, sequential};

use super::special::{normal_density, normal_quantile};
use super::{Refusal, check_level};

/// Pairs for a difference of shares: `(z_a + z_b)^2 v / delta^2`, where `v` is the variance of one pair's difference
/// (for independent outcomes with share p: `2 p (1 - p)`) and `distance` how far the truth lies below the margin.
///
/// # Errors
///
/// Refuses levels outside 0 to 0.5, a distance that is not above 0, a variance that is negative or not finite.
pub fn for_difference(variance: f64, distance: f64, alpha: f64, beta: f64) -> Result<u64, Refusal> {
    check_level(alpha)?;
    check_level(beta)?;
    if !(variance >= 0.0 && variance.is_finite()) {
        return Err(Refusal::NotPositive { index: 0, value: variance });
    }
    if !(distance > 0.0 && distance.is_finite()) {
        return Err(Refusal::MarginOutOfRange { margin: distance, expected: "a distance above 0" });
    }
    let z = normal_quantile(1.0 - alpha) + normal_quantile(1.0 - beta);
    Ok((z * z * variance / (distance * distance)).ceil() as u64)
}

/// Pairs without a single event that prove a margin: `ln alpha / ln(1 - delta)`.
///
/// # Errors
///
/// Refuses levels outside 0 to 0.5 and margins outside 0 to 1.
pub fn for_zero_events(margin: f64, alpha: f64) -> Result<u64, Refusal> {
    check_level(alpha)?;
    if !(margin > 0.0 && margin < 1.0) {
        return Err(Refusal::MarginOutOfRange { margin, expected: "above 0 and below 1" });
    }
    Ok((alpha.ln() / (-margin).ln_1p()).ceil() as u64)
}

/// Observations per arm for a ratio of quantiles of log-normal latencies with log standard deviation `log_sd`:
/// `2 (s sqrt(p(1-p)) / phi(z_p))^2 ((z_a + z_b) / ln rho)^2`.
///
/// # Errors
///
/// Refuses levels outside 0 to 0.5, shares outside 0 to 1, and ratios that are not above 1.
pub fn for_quantile(log_sd: f64, share: f64, margin_ratio: f64, alpha: f64, beta: f64) -> Result<u64, Refusal> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Refusal::ShareOutOfRange { share });
    }
    if !(margin_ratio > 1.0 && margin_ratio.is_finite()) {
        return Err(Refusal::MarginOutOfRange { margin: margin_ratio, expected: "a ratio above 1" });
    }
    let spread = log_sd * (share * (1.0 - share)).sqrt() / normal_density(normal_quantile(share));
    for_difference(2.0 * spread * spread, margin_ratio.ln(), alpha, beta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planning_figures() {
        let variance = 2.0 * 0.01 * 0.99;
        assert_eq!(for_difference(variance, 0.005, 0.05, 0.10), Ok(6783));
        assert_eq!(for_difference(variance, 0.005, 0.05, 0.20), Ok(4897));
        assert_eq!(for_zero_events(0.005, 0.05), Ok(598));
        assert_eq!(for_quantile(0.5, 0.95, 1.15, 0.05, 0.10), Ok(979));
    }

    #[test]
    fn senseless_plans_are_refused() {
        assert_eq!(for_difference(0.02, 0.0, 0.05, 0.1).unwrap_err().reason(), "margin-out-of-range");
        assert_eq!(for_difference(f64::NAN, 0.1, 0.05, 0.1).unwrap_err().reason(), "not-positive");
        assert_eq!(for_quantile(0.5, 0.95, 1.0, 0.05, 0.1).unwrap_err().reason(), "margin-out-of-range");
        assert_eq!(for_zero_events(0.0, 0.05).unwrap_err().reason(), "margin-out-of-range");
    }
}
