//! Asymptotic confidence sequences: bounds of any estimate that hold at every look, once there is enough of it.
//!
//! Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024 (arXiv:2103.06476), in information time: the information of
//! an estimate with variance `V` is `I = 1 / V`, so that cluster-robust, stratified and paired variances all fit in,
//! and n observations with variance `v` each are `I = n / v`. The bounds are wide enough for all later looks together
//! and narrowest, relative to the bound of a single look, about the planned information.
//!
//! What this does not do: it is a limit theorem, not a finite-sample law. Do not ask before about 20 events (or
//! discordant pairs) and 5 effective clusters, and do not intersect the bounds of several looks. Where events are
//! rare, [`super::betting`] is exact.
//!
//! Every `alpha` is one-sided, here too: the two-sided form at 0.025 covers with 95 %.

use super::special::normal_quantile;
use super::{BISECTION_STEPS, Refusal, check_level};

/// Distance of the one-sided bound from the estimate:
/// `sqrt(2 (I k + 1) / (I^2 k) ln(1 + sqrt(I k + 1) / (2 alpha)))`, `k = (-2 ln a + ln(1 - 2 ln a)) / I*`,
/// `a = 2 alpha`, with `I*` the planned information. The upper (or the lower) bound alone misses with probability
/// `alpha` over all looks together.
///
/// # Errors
///
/// Refuses levels outside 0 to 0.5, and information that is not a finite number above 0.
pub fn half_width(information: f64, planned_information: f64, alpha: f64) -> Result<f64, Refusal> {
    let scaled = scaled_information(information, planned_information, alpha)?;
    width(information, scaled, ((scaled + 1.0).sqrt() / (2.0 * alpha)).ln_1p())
}

/// The same for both bounds at once: `sqrt(2 (I k + 1) / (I^2 k) ln(sqrt(I k + 1) / a))`, `a = 2 alpha`. Together
/// they miss with probability `2 alpha`.
///
/// # Errors
///
/// As [`half_width`].
pub fn half_width_two_sided(information: f64, planned_information: f64, alpha: f64) -> Result<f64, Refusal> {
    let scaled = scaled_information(information, planned_information, alpha)?;
    width(information, scaled, scaled.ln_1p() / 2.0 - (2.0 * alpha).ln())
}

/// `I k`.
fn scaled_information(information: f64, planned_information: f64, alpha: f64) -> Result<f64, Refusal> {
    check_level(alpha)?;
    check_positive("information", information)?;
    check_positive("planned information", planned_information)?;
    let double = -2.0 * (2.0 * alpha).ln();
    Ok(information / planned_information * (double + double.ln_1p()))
}

fn width(information: f64, scaled: f64, log: f64) -> Result<f64, Refusal> {
    let width = (2.0 * (1.0 + 1.0 / scaled) / information * log).sqrt();
    if width.is_finite() {
        Ok(width)
    } else {
        // Nothing that was measured has an information of 1e-300.
        Err(Refusal::OutOfRange { what: "information", value: information, expected: "of the order of the plan's" })
    }
}

fn check_positive(what: &'static str, value: f64) -> Result<(), Refusal> {
    if value > 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(Refusal::OutOfRange { what, value, expected: "a finite number above 0" })
    }
}

/// Information that a plan for one look would ask for: `(z_a + z_b)^2 / distance^2`, with `distance` from the true
/// effect to the margin and `beta` the accepted chance of missing the proof.
///
/// # Errors
///
/// Refuses levels outside 0 to 0.5 and a distance that is not a finite number above 0 (or so small that its square
/// is not).
pub fn planned_information(distance: f64, alpha: f64, beta: f64) -> Result<f64, Refusal> {
    check_level(alpha)?;
    check_level(beta)?;
    let z = normal_quantile(1.0 - alpha) + normal_quantile(1.0 - beta);
    let information = (z / distance) * (z / distance);
    if distance > 0.0 && information > 0.0 && information.is_finite() {
        Ok(information)
    } else {
        Err(Refusal::MarginOutOfRange { margin: distance, expected: "a distance above 0" })
    }
}

/// Observations after which the one-sided bound is closer than `distance` to the estimate: the smallest whole n with
/// `half_width(n / variance_per_observation) < distance`. Where the estimate is as likely to lie above as below the
/// truth, half of all experiments have proven a margin at this distance by then. None if an argument is out of range.
#[must_use]
pub fn reached_at(variance_per_observation: f64, distance: f64, planned_information: f64, alpha: f64) -> Option<f64> {
    if !(variance_per_observation > 0.0 && variance_per_observation.is_finite() && distance > 0.0) {
        return None;
    }
    let near =
        |n: f64| half_width(n / variance_per_observation, planned_information, alpha).map(|width| width < distance);
    // The logarithm in the formula is above ln 2: with this information the bound is still further away.
    let mut outside = 2.0 * std::f64::consts::LN_2 / (distance * distance) * variance_per_observation;
    let mut inside = outside * 2.0;
    while !near(inside).ok()? {
        outside = inside;
        inside *= 2.0;
    }
    for _ in 0..BISECTION_STEPS {
        let middle = outside + (inside - outside) / 2.0;
        if near(middle).ok()? {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    let whole = inside.ceil();
    if near(whole).ok()? { Some(whole) } else { Some(whole + 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let two_sided = half_width_two_sided(5000.0, 5000.0, 0.025).unwrap();
        assert!((two_sided - 0.042_924_3).abs() < 5e-8, "{two_sided}");
        let planned = planned_information(0.005, 0.05, 0.10).unwrap();
        assert!((planned * 2.0 * 0.01 * 0.99 - 6782.1).abs() < 1.0, "{planned}");
    }

    #[test]
    fn planning_meets_the_bound_exactly() {
        let variance = 2.0 * 0.01 * 0.99;
        let planned = planned_information(0.005, 0.05, 0.10).unwrap();
        let n = reached_at(variance, 0.005, planned, 0.05).unwrap();
        assert!(half_width(n / variance, planned, 0.05).unwrap() < 0.005);
        assert!(half_width((n - 1.0) / variance, planned, 0.05).unwrap() >= 0.005);
        assert!((5000.0..9000.0).contains(&n), "{n}");
        assert_eq!(reached_at(1.0, 1e9, 1.0, 0.05), Some(1.0));
    }

    #[test]
    fn senseless_questions_are_refused() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(half_width(bad, 1.0, 0.05).unwrap_err().reason(), "out-of-range");
            assert_eq!(half_width_two_sided(1.0, bad, 0.05).unwrap_err().reason(), "out-of-range");
            assert_eq!(planned_information(bad, 0.05, 0.1).unwrap_err().reason(), "margin-out-of-range");
            assert_eq!(reached_at(bad, 0.1, 1.0, 0.05), None);
            assert_eq!(reached_at(1.0, 0.1, bad, 0.05), None);
        }
        assert_eq!(half_width(1.0, 1.0, 0.5).unwrap_err().reason(), "level-out-of-range");
        assert_eq!(half_width(1e-300, 1e300, 0.05).unwrap_err().reason(), "out-of-range");
        assert_eq!(planned_information(1e-200, 0.05, 0.1).unwrap_err().reason(), "margin-out-of-range");
        assert_eq!(reached_at(1.0, f64::INFINITY, 1.0, 0.05), None);
        assert_eq!(reached_at(1.0, 1e-200, 1.0, 0.05), None);
    }
}
