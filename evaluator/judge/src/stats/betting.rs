//! Betting on differences in {-1, 0, 1}: exact at every look (Waudby-Smith & Ramdas 2024).
//!
//! A gambler starts with 1 and bets a constant share of her wealth against a hypothesis, one pair after the other. If
//! the hypothesis is true she cannot expect to gain, so that wealth above `1/alpha` at *any* time has probability
//! alpha at most (Ville's inequality). The wealth averages 40 bet sizes and depends on three counters only: order,
//! batching and the number of looks do not matter.

use super::{Refusal, border, check_level};

/// Bet sizes in the mixture.
const BETS: u32 = 40;
/// Smallest and largest bet, as a share of the largest admissible one; the others lie log-spaced between.
const SMALLEST_BET: f64 = 0.002;
const LARGEST_BET: f64 = 0.98;

/// How often each difference was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Differences {
    /// -1: only the baseline was bad.
    pub minus: u64,
    /// 0: no difference.
    pub zero: u64,
    /// +1: only the candidate was bad.
    pub plus: u64,
}

/// What the gambler bets against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hypothesis {
    /// "The mean difference is at most m." Wealth is evidence of harm beyond m.
    AtMost,
    /// "The mean difference is at least m." Wealth is evidence that the candidate is better than m.
    AtLeast,
}

/// Logarithm of the wealth (the e-value) against a hypothesis about the mean difference with border `m`.
///
/// `AtMost`: mean over j of `(1 + l(-1-m))^minus (1 - l m)^zero (1 + l(1-m))^plus`, `l = f_j / (1 + m)`; `AtLeast`:
/// the same with `m - x`, `l = f_j / (1 - m)`. Computed by log-sum-exp, so that counts of 1e9 stay finite.
///
/// # Errors
///
/// Refuses a border outside -1 to 1 (both excluded).
pub fn log_wealth(counts: Differences, m: f64, against: Hypothesis) -> Result<f64, Refusal> {
    if !(m > -1.0 && m < 1.0) {
        return Err(Refusal::MarginOutOfRange { margin: m, expected: "above -1 and below 1" });
    }
    Ok(wealth(counts, m, against))
}

fn wealth(counts: Differences, m: f64, against: Hypothesis) -> f64 {
    // Betting against "at least m" is betting against "at most -m" on the negated differences.
    let (minus, plus, m) = match against {
        Hypothesis::AtMost => (counts.minus as f64, counts.plus as f64, m),
        Hypothesis::AtLeast => (counts.plus as f64, counts.minus as f64, -m),
    };
    let zero = counts.zero as f64;
    let term = |factor: f64, count: f64| if count > 0.0 { count * factor.ln_1p() } else { 0.0 };
    let mut logs = [0.0_f64; BETS as usize];
    for (index, slot) in (0..BETS).zip(logs.iter_mut()) {
        let step = f64::from(index) / f64::from(BETS - 1);
        let bet = (SMALLEST_BET.ln() + step * (LARGEST_BET / SMALLEST_BET).ln()).exp() / (1.0 + m);
        *slot = term(bet * (-1.0 - m), minus) + term(-bet * m, zero) + term(bet * (1.0 - m), plus);
    }
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logs.iter().map(|log| (log - largest).exp()).sum();
    largest + sum.ln() - f64::from(BETS).ln()
}

/// Upper bound of the mean difference, valid at every look: the largest m that has not been bet away at level
/// `alpha`. Without observations it is 1.
///
/// # Errors
///
/// Refuses levels outside 0 to 0.5.
pub fn upper(counts: Differences, alpha: f64) -> Result<f64, Refusal> {
    check_level(alpha)?;
    let n = counts.minus as f64 + counts.zero as f64 + counts.plus as f64;
    if n <= 0.0 {
        return Ok(1.0);
    }
    let threshold = -alpha.ln();
    let estimate = (counts.plus as f64 - counts.minus as f64) / n;
    Ok(border(estimate, 1.0, |m| m >= 1.0 || wealth(counts, m, Hypothesis::AtLeast) < threshold))
}

/// Lower bound of the mean difference, valid at every look; -1 without observations.
///
/// # Errors
///
/// As [`upper`].
pub fn lower(counts: Differences, alpha: f64) -> Result<f64, Refusal> {
    upper(Differences { minus: counts.plus, zero: counts.zero, plus: counts.minus }, alpha).map(|bound| -bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: Differences = Differences { minus: 15, zero: 1935, plus: 50 };

    #[test]
    fn known_value() {
        let got = log_wealth(COUNTS, 0.005, Hypothesis::AtMost).unwrap();
        assert!((got - 3.178_042).abs() < 1e-6, "{got}");
    }

    #[test]
    fn bounds_are_where_the_wealth_reaches_the_threshold() {
        let threshold = 20.0_f64.ln();
        let high = upper(COUNTS, 0.05).unwrap();
        let low = lower(COUNTS, 0.05).unwrap();
        assert!((log_wealth(COUNTS, high, Hypothesis::AtLeast).unwrap() - threshold).abs() < 1e-9);
        assert!((log_wealth(COUNTS, low, Hypothesis::AtMost).unwrap() - threshold).abs() < 1e-9);
        assert!(low < 0.0175 && 0.0175 < high);
    }

    #[test]
    fn extremes_are_answered() {
        assert_eq!(upper(Differences::default(), 0.05), Ok(1.0));
        assert_eq!(lower(Differences::default(), 0.05), Ok(-1.0));
        for counts in [
            Differences { minus: 0, zero: 0, plus: 1_000_000_000 },
            Differences { minus: 1_000_000_000, zero: 0, plus: 0 },
            Differences { minus: 0, zero: 1_000_000_000, plus: 0 },
            Differences { minus: 1, zero: 0, plus: 0 },
        ] {
            let (low, high) = (lower(counts, 0.01).unwrap(), upper(counts, 0.01).unwrap());
            assert!((-1.0..=1.0).contains(&low) && low <= high && high <= 1.0, "{counts:?} {low} {high}");
            assert!(log_wealth(counts, 0.3, Hypothesis::AtMost).unwrap().is_finite());
        }
        assert_eq!(log_wealth(COUNTS, 1.0, Hypothesis::AtMost).unwrap_err().reason(), "margin-out-of-range");
        assert_eq!(log_wealth(COUNTS, f64::NAN, Hypothesis::AtMost).unwrap_err().reason(), "margin-out-of-range");
    }
}
