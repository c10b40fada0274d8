//! The beta distribution function: that of `statrs`, and its limits where `statrs` fails.

use statrs::distribution::{Beta, ContinuousCDF, Gamma, Normal};

use super::LARGE;

/// Above this `a b / (a + b)` the beta distribution is computed by the normal one: within 1e-8 of the probability there
/// near the middle, 1e-6 at a probability of 1e-12.
const WIDE: f64 = 1e4;

/// Distribution function of the beta distribution; NaN for arguments out of range. Rare events: `x` corresponds to
/// `x (b + (a-1)/2) / (1 - x/2)` of the gamma distribution with shape `a`, which is right to the order `1 / b^2`.
pub(in crate::stats) fn beta_cdf(a: f64, b: f64, x: f64) -> f64 {
    let gamma = |shape: f64, large: f64, x: f64| {
        let scaled = x * (large + (shape - 1.0) / 2.0) / (1.0 - x / 2.0);
        Gamma::new(shape, 1.0).map_or((f64::NAN, f64::NAN), |gamma| (gamma.cdf(scaled), gamma.sf(scaled)))
    };
    match Beta::new(a, b) {
        Ok(_) if a * b / (a + b) > WIDE && x > 0.0 && x < 1.0 => wide_beta_cdf(a, b, x),
        Ok(_) if b > LARGE && x > 0.0 && x < 1.0 => gamma(a, b, x).0,
        Ok(_) if a > LARGE && x > 0.0 && x < 1.0 => gamma(b, a, 1.0 - x).1,
        Ok(beta) if (0.0..=1.0).contains(&x) => beta.cdf(x),
        _ => f64::NAN,
    }
}

/// The same by the normal distribution (Peizer & Pratt 1968, as the binomial probability of fewer than `b` failures
/// among `a + b - 1`).
fn wide_beta_cdf(a: f64, b: f64, x: f64) -> f64 {
    let (y, n) = (1.0 - x, a + b - 1.0);
    // Half the mean is fifty standard deviations away.
    if x < a / (a + b) / 2.0 {
        return 0.0;
    }
    if y < b / (a + b) / 2.0 {
        return 1.0;
    }
    let distance = b - 1.0 / 3.0 - (n + 1.0 / 3.0) * y + 0.02 * (x / b - y / a + (x - 0.5) / (n + 1.0));
    let spread = 1.0 + x * spread_correction((b - 0.5) / (n * y)) + y * spread_correction((a - 0.5) / (n * x));
    Normal::standard().cdf(distance * (spread / ((n + 1.0 / 6.0) * x * y)).sqrt())
}

/// `(1 - r^2 + 2 r ln r) / (1 - r)^2`, by its series where that cancels.
fn spread_correction(ratio: f64) -> f64 {
    let e = ratio - 1.0;
    if e.abs() < 1e-3 {
        return e * (-1.0 / 3.0 + e * (1.0 / 6.0 - e * (0.1 - e / 15.0)));
    }
    (1.0 - ratio * ratio + 2.0 * ratio * ratio.ln()) / (e * e)
}
