//! Is it still worth waiting for a proof? The power that the trend so far predicts.

use crate::stats::special::normal_upper_tail;
use crate::stats::{Refusal, check_level, sequence};

/// Share of the fixed-sample information from which on futility may be asked: earlier trends are noise.
pub const FUTILITY_ASKED_FROM: f64 = 0.6;

/// The horizon, in multiples of the fixed-sample information. A shorter one stops good candidates: at 1.6 it was
/// 10-20 % of identical ones, at 4 it is 0.5 %.
pub const FUTILITY_HORIZON: f64 = 4.0;

/// Predicted power below which waiting is futile.
pub const FUTILE_BELOW: f64 = 0.01;

/// Chance that the upper bound will lie below the margin at the horizon, from the trend so far:
/// `Phi((margin - half_width_max - estimate) / sqrt(1/I - 1/I_max))`. At the horizon or beyond, it is 0 or 1.
///
/// The variance counts both what is still to come and that the truth may differ from today's estimate (a flat prior):
/// the *predictive* power of Spiegelhalter, Freedman & Blackburn 1986. Conditional power proper, with the estimate
/// taken for the truth, would have `sqrt(I_max - I) / I_max` there and give up sooner.
///
/// # Errors
///
/// Refuses an estimate, half-width or margin that is not finite, a negative half-width, and information that is not a
/// finite number above 0.
pub fn futility(
    estimate: f64,
    information: f64,
    information_max: f64,
    half_width_max: f64,
    margin: f64,
) -> Result<f64, Refusal> {
    for (index, value) in [estimate, half_width_max, margin].into_iter().enumerate() {
        if !value.is_finite() {
            return Err(Refusal::NotFinite { index, value });
        }
    }
    for (what, value) in [("information", information), ("largest information", information_max)] {
        if !(value > 0.0 && value.is_finite()) {
            return Err(Refusal::OutOfRange { what, value, expected: "a finite number above 0" });
        }
    }
    if half_width_max < 0.0 {
        let expected = "at least 0";
        return Err(Refusal::OutOfRange { what: "half-width", value: half_width_max, expected });
    }
    let room = margin - half_width_max - estimate;
    let variance = 1.0 / information - 1.0 / information_max;
    if variance > 0.0 {
        return Ok(normal_upper_tail(-room / variance.sqrt()));
    }
    Ok(if room > 0.0 { 1.0 } else { 0.0 })
}

/// The rule with its constants, for a guardrail that is proven by [`sequence::half_width`]: None before 60 % of the
/// fixed-sample information, then the predicted power at a horizon of four times that. Below [`FUTILE_BELOW`]
/// waiting is futile. The rule only ever stops, so it costs no level.
///
/// # Errors
///
/// As [`futility`]; refuses levels outside 0 to 0.5.
pub fn futility_asked(
    estimate: f64,
    information: f64,
    fixed_information: f64,
    alpha: f64,
    margin: f64,
) -> Result<Option<f64>, Refusal> {
    check_level(alpha)?;
    let horizon = FUTILITY_HORIZON * fixed_information;
    let half_width_max = sequence::half_width(horizon, fixed_information, alpha)?;
    let power = futility(estimate, information, horizon, half_width_max, margin)?;
    Ok((information >= FUTILITY_ASKED_FROM * fixed_information).then_some(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trend_decides() {
        let fixed = sequence::planned_information(0.005, 0.05, 0.10).unwrap();
        let asked = |estimate, share: f64| futility_asked(estimate, share * fixed, fixed, 0.05, 0.005).unwrap();
        assert_eq!(asked(0.01, 0.59), None);
        assert!(asked(0.01, 0.6).unwrap() < FUTILE_BELOW);
        assert!(asked(0.0, 0.6).unwrap() > 0.5);
        assert_eq!((asked(0.0, 4.0), asked(0.005, 4.0), asked(0.005, 9.0)), (Some(1.0), Some(0.0), Some(0.0)));
        assert!((futility(0.0, 1.0, 2.0, 0.0, 0.0).unwrap() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(futility(f64::NAN, 1.0, 2.0, 0.1, 0.1).unwrap_err().reason(), "not-finite");
        assert_eq!(futility(0.0, 0.0, 2.0, 0.1, 0.1).unwrap_err().reason(), "out-of-range");
        assert_eq!(futility(0.0, 1.0, f64::INFINITY, 0.1, 0.1).unwrap_err().reason(), "out-of-range");
        assert_eq!(futility(0.0, 1.0, 2.0, -0.1, 0.1).unwrap_err().reason(), "out-of-range");
        assert_eq!(futility_asked(0.0, 1.0, 0.0, 0.05, 0.1).unwrap_err().reason(), "out-of-range");
    }
}
