//! Betting on differences in {-1, 0, 1}: exact at every look (Waudby-Smith & Ramdas 2024).
//!
//! A gambler starts with 1 and bets a constant share of her wealth against a hypothesis, one pair after the other. If
//! the hypothesis is true she cannot expect to gain, so that wealth above `1/alpha` at *any* time has probability
//! alpha at most (Ville's inequality). The wealth averages 40 bet sizes and depends on three counters only: order,
//! batching and the number of looks do not matter.
//!
//! [`Tally`] is the same for values between, which blocks of requests have. The `_scaled` forms take a design effect
//! for requests that come in clusters; they are approximate, see [`log_wealth_scaled`].

mod tally;
mod wealth;

use self::wealth::Point;
use super::{Refusal, check_level};

pub use self::tally::Tally;

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

impl Differences {
    /// Ascending as the hypothesis sees them, every count divided by the design effect.
    fn points(self, against: Hypothesis, design_effect: f64) -> [Point; 3] {
        // Betting against "at most m" is betting against "at least -m" on the negated differences.
        let (low, high) = match against {
            Hypothesis::AtLeast => (self.minus, self.plus),
            Hypothesis::AtMost => (self.plus, self.minus),
        };
        let point = |x: f64, count: u64| Point { x, count: count as f64 / design_effect };
        [point(-1.0, low), point(0.0, self.zero), point(1.0, high)]
    }
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
    log_wealth_scaled(counts, m, against, 1.0)
}

/// [`log_wealth`] with every count divided by a design effect.
///
/// The products assume that each pair's difference, given all before it, has a mean on the hypothesis' side. Requests
/// of one busy consumer fail together and break that in fact if not on paper: the wealth then grows as if a hundred
/// copies of one event were a hundred events. Dividing the counts by the design effect (Rao & Scott 1992, for counts
/// of clustered survey data) gives the wealth that as many *independent* pairs would have earned. That is an
/// approximation, good for many clusters of moderate size, and not Ville's guarantee; the exact way through clusters
/// is a [`Tally`] of one mean per cluster. A design effect of 1 changes nothing.
///
/// # Errors
///
/// As [`log_wealth`]; refuses a design effect that is not a number from 1 on.
pub fn log_wealth_scaled(counts: Differences, m: f64, against: Hypothesis, design_effect: f64) -> Result<f64, Refusal> {
    check_border(m)?;
    check_design_effect(design_effect)?;
    let border = if against == Hypothesis::AtLeast { m } else { -m };
    Ok(wealth::log_wealth(&counts.points(against, design_effect), border))
}

/// Upper bound of the mean difference, valid at every look: the largest m that has not been bet away at level
/// `alpha`. Without observations it is 1.
///
/// # Errors
///
/// Refuses levels outside 0 to 0.5.
pub fn upper(counts: Differences, alpha: f64) -> Result<f64, Refusal> {
    upper_scaled(counts, 1.0, alpha)
}

/// Lower bound of the mean difference, valid at every look; -1 without observations.
///
/// # Errors
///
/// As [`upper`].
pub fn lower(counts: Differences, alpha: f64) -> Result<f64, Refusal> {
    lower_scaled(counts, 1.0, alpha)
}

/// [`upper`] with every count divided by a design effect; approximate, see [`log_wealth_scaled`].
///
/// # Errors
///
/// As [`upper`]; refuses a design effect that is not a number from 1 on.
pub fn upper_scaled(counts: Differences, design_effect: f64, alpha: f64) -> Result<f64, Refusal> {
    bound(counts, Hypothesis::AtLeast, design_effect, alpha)
}

/// [`lower`] with every count divided by a design effect; approximate, see [`log_wealth_scaled`].
///
/// # Errors
///
/// As [`upper_scaled`].
pub fn lower_scaled(counts: Differences, design_effect: f64, alpha: f64) -> Result<f64, Refusal> {
    bound(counts, Hypothesis::AtMost, design_effect, alpha).map(|bound| -bound)
}

fn bound(counts: Differences, against: Hypothesis, design_effect: f64, alpha: f64) -> Result<f64, Refusal> {
    check_level(alpha)?;
    check_design_effect(design_effect)?;
    Ok(wealth::upper(&counts.points(against, design_effect), alpha).bound)
}

fn check_border(m: f64) -> Result<(), Refusal> {
    if m > -1.0 && m < 1.0 {
        Ok(())
    } else {
        Err(Refusal::MarginOutOfRange { margin: m, expected: "above -1 and below 1" })
    }
}

fn check_design_effect(value: f64) -> Result<(), Refusal> {
    if value >= 1.0 && value.is_finite() {
        Ok(())
    } else {
        Err(Refusal::OutOfRange { what: "design effect", value, expected: "a finite number from 1 on" })
    }
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
        for deff in [1.0, 2.5] {
            let high = upper_scaled(COUNTS, deff, 0.05).unwrap();
            let low = lower_scaled(COUNTS, deff, 0.05).unwrap();
            let against = |m, side| log_wealth_scaled(COUNTS, m, side, deff).unwrap();
            assert!((against(high, Hypothesis::AtLeast) - threshold).abs() < 1e-9);
            assert!((against(low, Hypothesis::AtMost) - threshold).abs() < 1e-9);
            assert!(low < 0.0175 && 0.0175 < high);
        }
    }

    #[test]
    fn a_design_effect_is_a_smaller_sample() {
        let quarter = Differences { minus: 5, zero: 100, plus: 20 };
        let whole = Differences { minus: 20, zero: 400, plus: 80 };
        assert_eq!(upper_scaled(whole, 4.0, 0.05), upper(quarter, 0.05));
        assert_eq!(lower_scaled(whole, 4.0, 0.05), lower(quarter, 0.05));
        for deff in [0.5, f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(upper_scaled(whole, deff, 0.05).unwrap_err().reason(), "out-of-range");
        }
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
            Differences { minus: 0, zero: 1, plus: 1_000_000_000 },
        ] {
            let (low, high) = (lower(counts, 0.01).unwrap(), upper(counts, 0.01).unwrap());
            assert!((-1.0..=1.0).contains(&low) && low <= high && high <= 1.0, "{counts:?} {low} {high}");
            assert!(log_wealth(counts, 0.3, Hypothesis::AtMost).unwrap().is_finite());
        }
        assert_eq!(log_wealth(COUNTS, 1.0, Hypothesis::AtMost).unwrap_err().reason(), "margin-out-of-range");
        assert_eq!(log_wealth(COUNTS, f64::NAN, Hypothesis::AtMost).unwrap_err().reason(), "margin-out-of-range");
    }

    #[test]
    fn a_bound_takes_few_evaluations() {
        let sizes = [0_u64, 1, 3, 20, 500, 10_000, 3_000_000, 1_000_000_000];
        let (mut most, mut sum, mut bounds) = (0, 0, 0);
        for minus in sizes {
            for zero in sizes {
                for plus in sizes {
                    for alpha in [0.3, 0.05, 0.01 / 240.0, 1e-9] {
                        let points = Differences { minus, zero, plus }.points(Hypothesis::AtLeast, 1.0);
                        let found = wealth::upper(&points, alpha);
                        most = most.max(found.evaluations);
                        sum += found.evaluations;
                        bounds += 1;
                    }
                }
            }
        }
        assert!(most <= 7, "{most} evaluations");
        assert!(f64::from(sum) < 4.0 * f64::from(bounds), "{sum} evaluations for {bounds} bounds");
    }
}
