//! Difference of two shares over pairs: Tango's score bound, and McNemar's test for the p-value.
//!
//! Only the discordant pairs carry information: those in which just one arm was bad. With very few of them the score
//! bound is too short, so that [`bound`] falls back on an exact bound that dominates the difference.

use super::proportion::{check_counts, clopper_pearson};
use super::special::{binomial_at_most, binomial_probability, normal_quantile};
use super::{Refusal, Side, border, check_level};

/// Below this many discordant pairs the exact bound is asked as well.
pub const FEW_DISCORDANT: u64 = 5;

/// Tango's score bound of P(candidate bad) - P(baseline bad) at one-sided level `alpha` (Tango 1998). With `n`
/// pairs, `c01` of them only the candidate bad and `c10` only the baseline bad, it solves
/// `(c01 - c10 - n d) / sqrt(n (2 q + d (1 - d))) = -+z`, where
/// `q = (sqrt(B^2 - 4 A C) - B) / (2 A)`, `A = 2n`, `B = -c01 - c10 + (2n - c01 + c10) d`, `C = -c10 d (1 - d)`
/// is the restricted estimate of P(only the baseline bad).
///
/// # Errors
///
/// Refuses without pairs, with more discordant pairs than pairs, and levels outside 0 to 0.5.
pub fn tango(
    only_candidate_bad: u64,
    only_baseline_bad: u64,
    pairs: u64,
    alpha: f64,
    side: Side,
) -> Result<f64, Refusal> {
    check_level(alpha)?;
    check_counts(only_candidate_bad.saturating_add(only_baseline_bad), pairs)?;
    if side == Side::Lower {
        // Exchanging the arms turns the upper bound into the negated lower one; one code path, exact symmetry.
        return tango(only_baseline_bad, only_candidate_bad, pairs, alpha, Side::Upper).map(|bound| -bound);
    }
    let z = normal_quantile(1.0 - alpha);
    let (c01, c10, n) = (only_candidate_bad as f64, only_baseline_bad as f64, pairs as f64);
    let not_ruled_out = |difference: f64| {
        let spread = n * (2.0 * restricted_share(c01, c10, n, difference) + difference * (1.0 - difference));
        c01 - c10 - n * difference > -z * spread.max(0.0).sqrt()
    };
    let estimate = (c01 - c10) / n;
    Ok(border(estimate, 1.0, not_ruled_out))
}

/// Restricted maximum-likelihood share of "only the baseline bad" given the difference.
fn restricted_share(c01: f64, c10: f64, n: f64, difference: f64) -> f64 {
    let a = 2.0 * n;
    let b = -c01 - c10 + (2.0 * n - c01 + c10) * difference;
    let c = -c10 * difference * (1.0 - difference);
    let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
    if b > 0.0 {
        // The same root of the quadratic, written so that nothing cancels.
        -2.0 * c / (root + b)
    } else {
        (root - b) / (2.0 * a)
    }
}

/// The bound that the judge uses: Tango's, and with fewer than [`FEW_DISCORDANT`] discordant pairs the more cautious
/// of it and Clopper and Pearson's exact bound of P(only the candidate bad), which is never below the difference
/// (for the lower bound: of P(only the baseline bad), negated). Without any event the upper bound is therefore
/// `1 - alpha^(1/n)`.
///
/// # Errors
///
/// As [`tango`].
pub fn bound(
    only_candidate_bad: u64,
    only_baseline_bad: u64,
    pairs: u64,
    alpha: f64,
    side: Side,
) -> Result<f64, Refusal> {
    if side == Side::Lower {
        return bound(only_baseline_bad, only_candidate_bad, pairs, alpha, Side::Upper).map(|bound| -bound);
    }
    let score = tango(only_candidate_bad, only_baseline_bad, pairs, alpha, Side::Upper)?;
    if only_candidate_bad.saturating_add(only_baseline_bad) >= FEW_DISCORDANT {
        return Ok(score);
    }
    Ok(score.max(clopper_pearson(only_candidate_bad, pairs, alpha, Side::Upper)?))
}

/// Two-sided p-value of "both arms are bad equally often" (McNemar 1947, exact): twice the smaller binomial tail of
/// the discordant pairs, 1 at most. Without discordant pairs it is 1.
#[must_use]
pub fn mcnemar_exact(only_candidate_bad: u64, only_baseline_bad: u64) -> f64 {
    let discordant = only_candidate_bad.saturating_add(only_baseline_bad);
    if discordant == 0 {
        return 1.0;
    }
    (2.0 * binomial_at_most(only_candidate_bad.min(only_baseline_bad), discordant, 0.5)).min(1.0)
}

/// The mid-p version, less conservative (Fagerland, Lydersen, Laake 2013): the exact one less the probability of the
/// observed table, counted half; with as many discordant pairs on either side, 1 less half that probability.
#[must_use]
pub fn mcnemar_mid_p(only_candidate_bad: u64, only_baseline_bad: u64) -> f64 {
    let discordant = only_candidate_bad.saturating_add(only_baseline_bad);
    if discordant == 0 {
        return 1.0;
    }
    let fewer = only_candidate_bad.min(only_baseline_bad);
    let observed = binomial_probability(fewer, discordant, 0.5);
    if only_candidate_bad == only_baseline_bad {
        return 1.0 - 0.5 * observed;
    }
    (2.0 * binomial_at_most(fewer, discordant, 0.5) - observed).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_example() {
        // Tango 1998: 21 pairs, 1 and 7 discordant, two-sided 95 %.
        let low = tango(1, 7, 21, 0.025, Side::Lower).unwrap();
        let high = tango(1, 7, 21, 0.025, Side::Upper).unwrap();
        assert!((low + 0.517_232).abs() < 1e-6 && (high + 0.026_003).abs() < 1e-6, "{low} {high}");
    }

    #[test]
    fn no_event_gives_the_exact_bound() {
        let got = bound(0, 0, 598, 0.05, Side::Upper).unwrap();
        assert!((got - (1.0 - 0.05_f64.powf(1.0 / 598.0))).abs() < 1e-12);
        assert!(got < 0.005);
    }

    #[test]
    fn extreme_tables_are_answered() {
        for (c01, c10, n) in [(0, 0, 1), (1, 0, 1), (0, 1, 1), (7, 0, 7), (0, 7, 7), (1_000_000_000, 3, 2_000_000_000)]
        {
            let low = bound(c01, c10, n, 0.05, Side::Lower).unwrap();
            let high = bound(c01, c10, n, 0.05, Side::Upper).unwrap();
            let estimate = (c01 as f64 - c10 as f64) / n as f64;
            assert!((-1.0..=estimate).contains(&low) && (estimate..=1.0).contains(&high), "{c01} {c10} {n}");
        }
        assert_eq!(bound(0, 0, 0, 0.05, Side::Upper), Err(Refusal::NoObservations));
        assert_eq!(tango(u64::MAX, 1, 5, 0.05, Side::Upper).unwrap_err().reason(), "counts-inconsistent");
        assert!((mcnemar_exact(0, 0) - 1.0).abs() < 1e-15 && (mcnemar_mid_p(0, 0) - 1.0).abs() < 1e-15);
        assert!(mcnemar_exact(500_000_000, 500_100_000) > 0.001);
    }
}
