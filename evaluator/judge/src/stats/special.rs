//! Special functions: the distributions of `statrs`, and what has to stand around them.
//!
//! `statrs` 0.19.1 was measured over the counts that may occur here. Its normal distribution is good to 1e-10 and is
//! used as it is. Around its others:
//!
//! - `Beta::inverse_cdf` did not return in 20 s for shapes 1 and 1e7, and is wrong by 2e-4 at shapes 3 and 1e6.
//!   `StudentsT::inverse_cdf` is built on it and off by 6e-5 at 1e6 degrees. The quantiles here are therefore borders
//!   of the distribution functions.
//! - `Beta::cdf`, and `Binomial::cdf` on it, stop after 140 terms, unfinished where both shapes are large: 500 000 of
//!   1 000 000 at one half is off by 2e-3, 5e8 of 1e9 comes out as -3.7. There the normal distribution takes over.
//! - Their logarithms lose digits with the count (5e-6 at 1e9, everything at 1e16). There the limits of rare events
//!   take over: gamma for beta, Poisson for binomial.

mod beta;

use statrs::distribution::{Binomial, Continuous, ContinuousCDF, Discrete, Normal, Poisson, StudentsT};

pub(super) use self::beta::beta_cdf;
use super::border;

/// Above this count rare events have their limit: within 4e-9 of a gamma probability of 5 %.
const LARGE: f64 = 1e8;

/// Above this many degrees of freedom Student's t is expanded about the normal quantile: within 4e-10.
const MANY_DEGREES: f64 = 1e4;

/// Smallest share a beta quantile may have, as the negative of its logarithm.
const SMALLEST_LN: f64 = 100.0;

/// Quantile of the standard normal distribution; `share` above 0 and below 1, NaN otherwise.
#[must_use]
pub fn normal_quantile(share: f64) -> f64 {
    if share > 0.0 && share < 1.0 { Normal::standard().inverse_cdf(share) } else { f64::NAN }
}

/// Upper tail of the standard normal distribution.
#[must_use]
pub fn normal_upper_tail(z: f64) -> f64 {
    Normal::standard().sf(z)
}

/// Density of the standard normal distribution.
#[must_use]
pub fn normal_density(z: f64) -> f64 {
    Normal::standard().pdf(z)
}

/// Upper quantile of Student's t: the value exceeded with probability `alpha` (below 0.5). NaN without degrees of
/// freedom and beyond 1e150. Many degrees: Abramowitz & Stegun 1964, 26.7.5.
#[must_use]
pub fn t_upper_quantile(alpha: f64, degrees: f64) -> f64 {
    let Ok(distribution) = StudentsT::new(0.0, 1.0, degrees) else { return f64::NAN };
    if !(alpha > 0.0 && alpha < 0.5 && degrees >= f64::MIN_POSITIVE) {
        return f64::NAN;
    }
    if degrees > MANY_DEGREES {
        let z = -normal_quantile(alpha);
        let square = z * z;
        let second = (3.0 + square * (16.0 + square * 5.0)) / (96.0 * degrees);
        return z * (1.0 + ((1.0 + square) / 4.0 + second) / degrees);
    }
    let mut high = 1.0;
    while distribution.sf(high) > alpha {
        high *= 2.0;
        if high > 1e150 {
            return f64::NAN;
        }
    }
    border(0.0, high, |t| distribution.sf(t) > alpha)
}

/// Quantile of the beta distribution; the logarithm is searched, so that small shares keep their digits.
#[must_use]
pub fn beta_quantile(share: f64, a: f64, b: f64) -> f64 {
    (-border(SMALLEST_LN, 0.0, |ln| beta_cdf(a, b, (-ln).exp()) < share)).exp()
}

/// Probability of `successes` or fewer among `trials`; NaN for a share outside 0 to 1.
#[must_use]
pub fn binomial_at_most(successes: u64, trials: u64, p: f64) -> f64 {
    if successes >= trials {
        return 1.0;
    }
    beta_cdf((trials - successes) as f64, successes as f64 + 1.0, 1.0 - p)
}

/// Probability of exactly `successes` among `trials`; NaN for a share outside 0 to 1.
#[must_use]
pub fn binomial_probability(successes: u64, trials: u64, p: f64) -> f64 {
    let Ok(binomial) = Binomial::new(p, trials) else { return f64::NAN };
    let mean = trials as f64 * p;
    if trials as f64 <= LARGE {
        return binomial.pmf(successes);
    }
    match Poisson::new(mean) {
        Err(_) => binomial.pmf(successes),
        Ok(poisson) if mean < 10.0 => poisson.pmf(successes),
        Ok(_) => {
            let fewer = successes.checked_sub(1).map_or(0.0, |fewer| binomial_at_most(fewer, trials, p));
            binomial_at_most(successes, trials, p) - fewer
        }
    }
}

#[cfg(test)]
mod tests;
