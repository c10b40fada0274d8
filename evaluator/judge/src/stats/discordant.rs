//! "Any harm at all": an e-value on discordant pairs, for the watch flag at margin 0.
//!
//! If a pair is discordant and neither arm is worse, the candidate is the bad one with probability 1/2 at most. The
//! e-value bets a uniform mixture of probabilities above 1/2 against that (a truncated beta-binomial, as in the
//! sequential tests of Turner, Ly and Grunwald 2024, arXiv:2106.02693), so it may be looked at after every pair.

use std::f64::consts::{LN_2, TAU};

use super::Refusal;
use super::special::binomial_at_most;
use super::stirling::{excess_deviance, stirling_error};

/// Above this many pairs the continued fraction near the middle takes too long; the normal form is then good to
/// 1e-11 there.
const LONG: f64 = 1e11;

/// Relative change at which a continued fraction has converged.
const CONVERGED: f64 = 3e-16;

/// Most terms of the continued fraction; it takes about the square root of the count.
const TERMS_MAX: u32 = 2_000_000;

/// Logarithm of `2^(n+1) B(s+1, n-s+1) P(Beta(s+1, n-s+1) > 1/2)`, `s` of `n` discordant pairs with the candidate the
/// bad one. Without pairs it is 0.
///
/// With `b(s)` the binomial probability of s of n at one half, that is `2 F / ((n + 1) b(s))`, F the probability of s
/// or fewer of n + 1: no term grows with n. F is taken from its smaller tail as a multiple of one probability.
///
/// # Errors
///
/// Refuses more bad candidates than pairs.
pub fn log_e_value(only_candidate_bad: u64, discordant: u64) -> Result<f64, Refusal> {
    let (s, n) = (only_candidate_bad, discordant);
    if s > n {
        return Err(Refusal::CountsInconsistent { part: s, whole: n });
    }
    let (successes, pairs) = (s as f64, n as f64);
    let failures = (n - s) as f64;
    if s <= n / 2 {
        return Ok(tail_multiple(s, n).ln() - (failures + 1.0).ln());
    }
    let log_probability = log_half_binomial(s, n);
    let other_tail = (log_probability + tail_multiple(n - s, n).ln()).exp() * (pairs + 1.0) / (2.0 * (successes + 1.0));
    Ok(LN_2 - (pairs + 1.0).ln() - log_probability + (-other_tail).ln_1p())
}

/// Logarithm of the binomial probability of `s` of `n` at one half (Loader 2000).
fn log_half_binomial(s: u64, n: u64) -> f64 {
    let (successes, failures, pairs) = (s as f64, (n - s) as f64, n as f64);
    if s == 0 || s == n {
        return -pairs * LN_2;
    }
    let excess = if s >= n - s { (s - (n - s)) as f64 / pairs } else { -((n - s - s) as f64) / pairs };
    let deviance = pairs / 2.0 * (excess_deviance(excess) + excess_deviance(-excess));
    // Stirling's leftover of a factorial: n! = n Gamma(n).
    let error = stirling_error(pairs) - stirling_error(successes) - stirling_error(failures);
    error - deviance + (pairs / (TAU * successes * failures)).ln() / 2.0
}

/// Probability of `s` or fewer of `n + 1` at one half, divided by the probability of `s` of them; `s` is half of `n`
/// at most. The continued fraction of the incomplete beta function (Abramowitz & Stegun 1964, 26.5.8) by Lentz's
/// method.
fn tail_multiple(s: u64, n: u64) -> f64 {
    let (a, b) = ((n - s) as f64 + 1.0, s as f64 + 1.0);
    let distance = (a - b) / (a + b).sqrt();
    if n as f64 > LONG && distance < 8.0 {
        let log_probability = log_half_binomial(s, n) + ((n as f64 + 1.0) / (2.0 * a)).ln();
        return binomial_at_most(s, n + u64::from(n < u64::MAX), 0.5) / log_probability.exp();
    }
    let guard = |value: f64| if value.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) / (a + 1.0) / 2.0);
    let mut fraction = d;
    for term in 1..=TERMS_MAX {
        let m = f64::from(term);
        let last = a + 2.0 * m;
        let even = m * (b - m) / ((last - 1.0) * last) / 2.0;
        let odd = -(a + m) * (a + b + m) / (last * (last + 1.0)) / 2.0;
        let mut change = 1.0;
        for coefficient in [even, odd] {
            d = 1.0 / guard(1.0 + coefficient * d);
            c = guard(1.0 + coefficient / c);
            change *= c * d;
        }
        fraction *= change;
        if (change - 1.0).abs() <= CONVERGED {
            break;
        }
    }
    fraction / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert!((log_e_value(40, 50).unwrap() - 8.365_959).abs() < 1e-6);
        assert_eq!(log_e_value(0, 0), Ok(0.0));
        // One pair, the candidate bad: 2^2 B(2, 1) P(Beta(2, 1) > 1/2) = 4 / 2 * 3 / 4.
        assert!((log_e_value(1, 1).unwrap() - 1.5_f64.ln()).abs() < 1e-15);
        assert!((log_e_value(0, 1).unwrap() - 0.5_f64.ln()).abs() < 1e-15);
        assert_eq!(log_e_value(2, 1).unwrap_err().reason(), "counts-inconsistent");
    }

    #[test]
    fn both_sides_of_the_middle_meet_for_large_counts() {
        // A step of one pair changes little: both forms must lie on one smooth line, and rise along it.
        for n in [10_001_u64, 1_000_000_000, 400_000_000_000, u64::MAX] {
            let step = ((n as f64).sqrt() / 50.0).ceil() as u64;
            let values: Vec<f64> = (0..9).map(|i| log_e_value(n / 2 - 4 * step + i * step, n).unwrap()).collect();
            let rises: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(rises.iter().all(|rise| *rise > 0.0), "{n}: {values:?}");
            assert!(rises.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.1 * pair[0]), "{n}: {rises:?}");
        }
    }

    #[test]
    fn far_tails_are_answered() {
        for n in [1_000_000_000_u64, u64::MAX] {
            let all = log_e_value(n, n).unwrap();
            assert!((all / (n as f64 * LN_2) - 1.0).abs() < 1e-6, "{all}");
            let none = log_e_value(0, n).unwrap();
            assert!((none + (n as f64).ln()).abs() < 1e-6, "{none}");
        }
    }
}
