//! Special functions, written for counts up to 1e9.
//!
//! A gamma function of 1e9 has a logarithm near 2e10, so that differences of such logarithms lose six digits. The
//! binomial probability is therefore computed by Loader's saddle-point expansion, whose terms are small themselves,
//! and the incomplete beta function takes its prefactor from there.

use std::f64::consts::{PI, SQRT_2};

use statrs::function::{erf, gamma};

/// Steps of the continued fraction; it converges in some multiple of the root of the larger parameter.
const FRACTION_STEPS: u32 = 400_000;

/// Half of the logarithm of two pi.
const HALF_LN_TWO_PI: f64 = 0.918_938_533_204_672_8;

/// Quantile of the standard normal distribution; `share` above 0 and below 1, NaN otherwise. A rational approximation
/// gives the start and one step of Halley's method the last digits.
#[must_use]
pub fn normal_quantile(share: f64) -> f64 {
    if !(share > 0.0 && share < 1.0) {
        return f64::NAN;
    }
    let start = -SQRT_2 * erf::erfc_inv(2.0 * share);
    let density = normal_density(start);
    if density <= 0.0 {
        return start;
    }
    // The smaller tail keeps its digits.
    let excess = if share < 0.5 { normal_upper_tail(-start) - share } else { (1.0 - share) - normal_upper_tail(start) };
    let newton = excess / density;
    start - newton / (1.0 + 0.5 * start * newton)
}

/// Upper tail of the standard normal distribution: below 3 by the series
/// `1/2 - phi(z) (z + z^3/3 + z^5/(3 5) + ...)`, above by the continued fraction `phi(z) / (z + 1/(z + 2/(z + ...)))`.
#[must_use]
pub fn normal_upper_tail(z: f64) -> f64 {
    if z.is_nan() {
        return f64::NAN;
    }
    if z < 0.0 {
        return 1.0 - normal_upper_tail(-z);
    }
    if z < 3.0 {
        let (mut term, mut sum) = (z, z);
        for step in 1..100_u32 {
            term *= z * z / f64::from(2 * step + 1);
            sum += term;
        }
        return 0.5 - normal_density(z) * sum;
    }
    let fraction = (1..=100_u32).rev().fold(z, |tail, step| z + f64::from(step) / tail);
    normal_density(z) / fraction
}

/// Density of the standard normal distribution.
#[must_use]
pub fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z - HALF_LN_TWO_PI).exp()
}

/// Probability of exactly `successes` among `trials` (not necessarily whole numbers) with probability `p` and its
/// complement `q`. Loader 2000, "Fast and accurate computation of binomial probabilities":
/// `sqrt(n / (2 pi x (n-x))) exp(S(n) - S(x) - S(n-x) - D(x, n p) - D(n-x, n q))`, S the error of Stirling's formula
/// and D half the deviance.
#[must_use]
pub fn binomial_probability(successes: f64, trials: f64, p: f64, q: f64) -> f64 {
    if p <= 0.0 {
        return if successes <= 0.0 { 1.0 } else { 0.0 };
    }
    if q <= 0.0 {
        return if successes >= trials { 1.0 } else { 0.0 };
    }
    let failures = trials - successes;
    if successes < 0.0 || failures < 0.0 {
        return 0.0;
    }
    if successes <= 0.0 {
        return (trials * log_complement(p, q)).exp();
    }
    if failures <= 0.0 {
        return (trials * log_complement(q, p)).exp();
    }
    let exponent = stirling_error(trials)
        - stirling_error(successes)
        - stirling_error(failures)
        - half_deviance(successes, trials * p)
        - half_deviance(failures, trials * q);
    exponent.exp() * (trials / (2.0 * PI * successes * failures)).sqrt()
}

/// Logarithm of `1 - p`, from whichever of `p` and `1 - p` is known better.
fn log_complement(p: f64, q: f64) -> f64 {
    if p < 0.1 { (-p).ln_1p() } else { q.ln() }
}

/// `ln x! - ((x + 1/2) ln x - x + ln(2 pi) / 2)`.
fn stirling_error(x: f64) -> f64 {
    if x < 16.0 {
        return gamma::ln_gamma(x + 1.0) - ((x + 0.5) * x.ln() - x + HALF_LN_TWO_PI);
    }
    let square = x * x;
    let inner = 1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / (1188.0 * square)) / square;
    (1.0 / 12.0 - (1.0 / 360.0 - inner / square) / square) / x
}

/// `x ln(x / mean) + mean - x` without cancellation near `x = mean`.
fn half_deviance(x: f64, mean: f64) -> f64 {
    let difference = x - mean;
    if difference.abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() + mean - x;
    }
    // With v = (x - mean) / (x + mean): (x - mean) v + 2 x (v^3/3 + v^5/5 + ...).
    let v = difference / (x + mean);
    let mut sum = difference * v;
    let mut power = 2.0 * x * v;
    for step in 1..60_u32 {
        power *= v * v;
        let next = sum + power / f64::from(2 * step + 1);
        if (next - sum).abs() <= 0.0 {
            break;
        }
        sum = next;
    }
    sum
}

/// Regularised incomplete beta function at `x`, whose complement `y = 1 - x` is given as well so that neither end
/// loses digits; `a`, `b` above 0. Continued fraction by Lentz's method; NaN for arguments out of range.
#[must_use]
pub fn beta_regularised(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let valid = a > 0.0 && b > 0.0 && (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y);
    if !valid {
        return f64::NAN;
    }
    if x <= 0.0 || y >= 1.0 {
        return 0.0;
    }
    if y <= 0.0 || x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_fraction(b, a, y, x);
    }
    beta_fraction(a, b, x, y)
}

fn beta_fraction(a: f64, b: f64, x: f64, y: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..FRACTION_STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let factor = d * c;
        fraction *= factor;
        if (factor - 1.0).abs() < 1e-15 {
            break;
        }
    }
    // x^a y^b / (a B(a, b)) = b / (a + b) times a binomial probability.
    binomial_probability(a, a + b, x, y) * b / (a + b) * fraction
}

/// Quantile of the beta distribution, by bisection.
#[must_use]
pub fn beta_quantile(share: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..110 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if beta_regularised(a, b, middle, 1.0 - middle) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    low + (high - low) / 2.0
}

/// Probability of `successes` or fewer among `trials`.
#[must_use]
pub fn binomial_at_most(successes: u64, trials: u64, p: f64) -> f64 {
    if successes >= trials {
        return 1.0;
    }
    beta_regularised((trials - successes) as f64, successes as f64 + 1.0, 1.0 - p, p)
}

/// Upper quantile of Student's t: the value exceeded with probability `alpha` (below 0.5), by bisection on the tail
/// `I(df / (df + t^2); df/2, 1/2) / 2`. NaN without degrees of freedom.
#[must_use]
pub fn t_upper_quantile(alpha: f64, degrees: f64) -> f64 {
    let valid = alpha > 0.0 && alpha < 0.5 && degrees > 0.0;
    if !valid {
        return f64::NAN;
    }
    if degrees > 1e9 {
        return normal_quantile(1.0 - alpha);
    }
    let tail = |t: f64| {
        let whole = degrees + t * t;
        0.5 * beta_regularised(degrees / 2.0, 0.5, degrees / whole, t * t / whole)
    };
    let mut high = 1.0;
    while tail(high) > alpha && high < 1e150 {
        high *= 2.0;
    }
    let mut low = 0.0;
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if tail(middle) > alpha {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance * want.abs().max(1e-300), "got {got}, want {want}");
    }

    #[test]
    fn normal_quantiles_and_tails() {
        close(normal_quantile(0.975), 1.959_963_984_540_054, 1e-14);
        close(normal_quantile(1e-9), -5.997_807_015_007_687, 1e-12);
        close(normal_upper_tail(3.0), 0.001_349_898_031_630_094_5, 1e-13);
        assert!(normal_quantile(0.0).is_nan() && normal_quantile(1.5).is_nan());
    }

    #[test]
    fn t_quantiles_agree_with_the_tables() {
        close(t_upper_quantile(0.025, 1.0), 12.706_204_736_174_698, 1e-12);
        close(t_upper_quantile(0.05, 10.0), 1.812_461_122_811_676, 1e-12);
        close(t_upper_quantile(0.025, 1e12), 1.959_963_984_540_054, 1e-9);
    }

    #[test]
    fn binomial_probability_survives_a_thousand_million_trials() {
        // The normal approximation at the mode: 1 / sqrt(2 pi n p q), whose relative error is of order 1 / n.
        let n = 1e9;
        close(binomial_probability(5e8, n, 0.5, 0.5), 1.0 / (2.0 * PI * n * 0.25).sqrt(), 1e-8);
        close(binomial_at_most(500_000_000, 1_000_000_000, 0.5), 0.5 + 0.5 * 2.523_132_5e-5, 1e-8);
    }

    #[test]
    fn incomplete_beta_of_whole_parameters_is_a_binomial_sum() {
        let direct: f64 = (0..=3).map(|k| binomial_probability(f64::from(k), 10.0, 0.2, 0.8)).sum();
        close(binomial_at_most(3, 10, 0.2), direct, 1e-13);
        close(beta_quantile(binomial_upper(3, 10, 0.2), 4.0, 7.0), 0.2, 1e-12);
    }

    fn binomial_upper(successes: u64, trials: u64, p: f64) -> f64 {
        1.0 - binomial_at_most(successes, trials, p)
    }
}
