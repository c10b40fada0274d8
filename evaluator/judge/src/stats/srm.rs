//! Sample-ratio mismatch: did the split send units where it should?
//!
//! Counted on units of assignment (conversations or consumers), never on requests: one busy consumer is not a hundred
//! independent coins, and a test on requests would cry wolf nearly every time.
//!
//! [`p_value`] is for one look at the units of one weight, [`log_e_value`] for a look after every unit, and
//! [`homogeneity_p`] asks whether what is lost on the way is lost evenly.

mod homogeneity;
mod mixture;

pub use self::homogeneity::homogeneity_p;
pub use self::mixture::log_e_value;

use super::Refusal;
use super::special::{binomial_probability, normal_upper_tail};

/// From this many expected units in both arms on, the chi-square approximation is used.
const ENOUGH_EXPECTED: f64 = 5.0;

/// Slack in comparing probabilities that are equal on paper.
const EQUAL: f64 = 1.0 + 1e-7;

/// Two-sided p-value of "each unit went to the candidate with probability `share`". Pearson's chi-square with one
/// degree of freedom if both arms expect 5 units or more, else the exact binomial test (all outcomes that are no more
/// probable than the observed one).
///
/// # Errors
///
/// Refuses without units, shares outside 0 to 1, and with [`Refusal::RoutingFault`] if an arm of weight zero has units;
/// an arm of weight zero without units is fine and the p-value is 1.
pub fn p_value(units_baseline: u64, units_candidate: u64, share: f64) -> Result<f64, Refusal> {
    if !(0.0..=1.0).contains(&share) {
        return Err(Refusal::ShareOutOfRange { share });
    }
    let total = units_baseline.saturating_add(units_candidate);
    if total == 0 {
        return Err(Refusal::NoObservations);
    }
    let misplaced = if share <= 0.0 { units_candidate } else { units_baseline };
    if share <= 0.0 || share >= 1.0 {
        return if misplaced > 0 { Err(Refusal::RoutingFault { units: misplaced }) } else { Ok(1.0) };
    }
    let n = total as f64;
    if n * share.min(1.0 - share) >= ENOUGH_EXPECTED {
        let z = (units_candidate as f64 - n * share).abs() / (n * share * (1.0 - share)).sqrt();
        return Ok((2.0 * normal_upper_tail(z)).min(1.0));
    }
    // Count on the rarer arm: fewer than five units are expected there.
    Ok(if share <= 0.5 { exact(units_candidate, total, share) } else { exact(units_baseline, total, 1.0 - share) })
}

/// Exact two-sided binomial test for a small expectation.
fn exact(observed: u64, total: u64, share: f64) -> f64 {
    let n = total as f64;
    let probability = |k: u64| binomial_probability(k, total, share);
    let limit = probability(observed) * EQUAL;
    let mode = ((n + 1.0) * share).floor() as u64;
    let mut p = 0.0;
    // Below the mode there are a handful of outcomes.
    for k in 0..mode.min(total) {
        if probability(k) <= limit {
            p += probability(k);
        }
    }
    // From the mode on probabilities fall; the sum ends where they no longer change it.
    for k in mode..=total {
        let here = probability(k);
        if here <= limit {
            p += here;
            if here <= p * 1e-17 {
                break;
            }
        }
    }
    p.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_and_approximate_forms() {
        // 2 of 2 heads on a fair coin: half of all probability is as extreme.
        assert!((p_value(0, 2, 0.5).unwrap() - 0.5).abs() < 1e-12);
        // z = 2 exactly: 60 of 100 at one half.
        assert!((p_value(40, 60, 0.5).unwrap() - 0.045_500_263_896_358_4).abs() < 1e-10);
    }

    #[test]
    fn weight_zero_leaves_the_test_unless_units_are_there() {
        assert_eq!(p_value(100, 0, 0.0), Ok(1.0));
        assert_eq!(p_value(0, 100, 1.0), Ok(1.0));
        assert_eq!(p_value(100, 3, 0.0).unwrap_err().reason(), "routing-fault");
        assert_eq!(p_value(0, 0, 0.5).unwrap_err().reason(), "no-observations");
        assert_eq!(p_value(1, 1, f64::NAN).unwrap_err().reason(), "share-out-of-range");
    }

    #[test]
    fn huge_and_hopeless_counts_end() {
        assert!(p_value(1_000_000_000, 1_000_000_000, 0.01).unwrap() < 1e-12);
        assert!(p_value(1_000_000_000, 1_000, 1e-9).unwrap() < 1e-12);
        assert!(p_value(1_000_000_000, 1, 1e-9).unwrap() > 0.5);
        assert!(p_value(u64::MAX, 9, 1e-19).unwrap() < 1e-3);
    }
}
