//! Parts of binomial probabilities that keep their digits for counts of 1e9.
//!
//! Differences of log-gamma functions lose a digit for each digit of the count. Loader 2000 ("Fast and accurate
//! computation of binomial probabilities") takes the big parts off on paper: what Stirling's formula leaves over, and
//! a deviance that is computed from the distance between count and expectation.

use statrs::function::gamma::ln_gamma;

/// `ln Gamma(z)` less `(z - 1/2) ln z - z + ln(2 pi) / 2`, for z above 0; falls like `1 / (12 z)`.
pub(super) fn stirling_error(z: f64) -> f64 {
    if z < 20.0 {
        return ln_gamma(z) - ((z - 0.5) * z.ln() - z + std::f64::consts::TAU.ln() / 2.0);
    }
    let square = 1.0 / (z * z);
    // Abramowitz & Stegun 1964, 6.1.41; the next term is below 1e-17 here.
    let series = 1.0 / 1680.0 - square * (1.0 / 1188.0 - square * (691.0 / 360_360.0 - square / 156.0));
    (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * series))) / z
}

/// `(1 + t) ln(1 + t) - t`, for t from -1 on: what one cell with relative excess t adds to a deviance. About `t^2 / 2`.
pub(super) fn excess_deviance(t: f64) -> f64 {
    if t <= -1.0 {
        return 1.0;
    }
    if t.abs() > 0.1 {
        return (1.0 + t) * t.ln_1p() - t;
    }
    // t^2/2 - t^3/6 + t^4/12 - ..., smallest first.
    let series = (2..20).rev().fold(0.0, |sum, k| {
        let k = f64::from(k);
        1.0 / (k * (k - 1.0)) - t * sum
    });
    t * t * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_and_definition_meet() {
        for z in [19.999_999, 20.0, 25.0, 60.0] {
            let direct = ln_gamma(z) - ((z - 0.5) * z.ln() - z + std::f64::consts::TAU.ln() / 2.0);
            assert!((stirling_error(z) - direct).abs() < 2e-13, "{z}");
        }
        assert!((stirling_error(1.0) - 0.081_061_466_795_327_26).abs() < 1e-14);
        for t in [-0.1, -0.099_99, 0.099_99, 0.1, 0.05] {
            let direct = (1.0 + t) * f64::ln_1p(t) - t;
            assert!((excess_deviance(t) - direct).abs() < 1e-16, "{t}");
        }
        assert!((excess_deviance(1e-9) - 5e-19).abs() < 1e-27);
        assert!((excess_deviance(-1.0) - 1.0).abs() < 1e-15 && excess_deviance(0.0).abs() < 1e-300);
    }
}
