//! Difference of two shares over pairs: Tango's score bound, and McNemar's test for the p-value.
//!
//! Only the discordant pairs carry information: those in which just one arm was bad. With very few of them the score
//! bound is too short, so that [`bound`] falls back on an exact bound that dominates the difference.

use super::proportion::{check_counts, check_effective, clopper_pearson_effective, wilson};
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
    check_counts(only_candidate_bad.saturating_add(only_baseline_bad), pairs)?;
    tango_effective(Discordant::of(only_candidate_bad, only_baseline_bad, pairs), alpha, side)
}

/// Counts of pairs, divided by a design effect or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Discordant {
    /// Pairs in which only the candidate was bad.
    pub only_candidate_bad: f64,
    /// Pairs in which only the baseline was bad.
    pub only_baseline_bad: f64,
    /// All pairs.
    pub pairs: f64,
}

impl Discordant {
    /// Whole counts.
    #[must_use]
    pub const fn of(only_candidate_bad: u64, only_baseline_bad: u64, pairs: u64) -> Self {
        Self {
            only_candidate_bad: only_candidate_bad as f64,
            only_baseline_bad: only_baseline_bad as f64,
            pairs: pairs as f64,
        }
    }

    /// Counts divided by a design effect (Rao & Scott 1992); effects below 1 count as 1, and what is not a number stays
    /// one, to be refused by the bounds.
    #[must_use]
    pub fn over(self, design_effect: f64) -> Self {
        let effect = if design_effect < 1.0 { 1.0 } else { design_effect };
        Self {
            only_candidate_bad: self.only_candidate_bad / effect,
            only_baseline_bad: self.only_baseline_bad / effect,
            pairs: self.pairs / effect,
        }
    }

    const fn exchanged(self) -> Self {
        Self {
            only_candidate_bad: self.only_baseline_bad,
            only_baseline_bad: self.only_candidate_bad,
            pairs: self.pairs,
        }
    }
}

/// [`tango`] for counts that need not be whole.
///
/// # Errors
///
/// As [`tango`], counts that are not finite or negative, and less than one effective pair.
pub fn tango_effective(counts: Discordant, alpha: f64, side: Side) -> Result<f64, Refusal> {
    check_level(alpha)?;
    let (c01, c10, n) = (counts.only_candidate_bad, counts.only_baseline_bad, counts.pairs);
    check_effective(c01, n)?;
    check_effective(c10, n)?;
    check_effective(c01 + c10, n)?;
    if side == Side::Lower {
        // Exchanging the arms turns the upper bound into the negated lower one; one code path, exact symmetry.
        return tango_effective(counts.exchanged(), alpha, Side::Upper).map(|bound| -bound);
    }
    let z = normal_quantile(1.0 - alpha);
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
    check_counts(only_candidate_bad.saturating_add(only_baseline_bad), pairs)?;
    bound_effective(Discordant::of(only_candidate_bad, only_baseline_bad, pairs), alpha, side)
}

/// [`bound`] for counts divided by a design effect (see [`Discordant::over`]); score, exact bound and the threshold for
/// few discordant pairs all take effective counts.
///
/// # Errors
///
/// As [`tango_effective`].
pub fn bound_effective(counts: Discordant, alpha: f64, side: Side) -> Result<f64, Refusal> {
    if side == Side::Lower {
        return bound_effective(counts.exchanged(), alpha, Side::Upper).map(|bound| -bound);
    }
    let score = tango_effective(counts, alpha, Side::Upper)?;
    if counts.only_candidate_bad + counts.only_baseline_bad >= FEW_DISCORDANT as f64 {
        return Ok(score);
    }
    Ok(score.max(clopper_pearson_effective(counts.only_candidate_bad, counts.pairs, alpha, Side::Upper)?))
}

/// A whole paired table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Pairs in which both were bad.
    pub both_bad: u64,
    /// Pairs in which only the candidate was bad.
    pub only_candidate_bad: u64,
    /// Pairs in which only the baseline was bad.
    pub only_baseline_bad: u64,
    /// Pairs in which neither was bad.
    pub neither_bad: u64,
}

impl Table {
    /// Newcombe's limits of the difference of paired shares (1998b, method 10), for display with few pairs: Wilson's
    /// limits of each share combined with the table's correlation, which is corrected for continuity where positive.
    ///
    /// # Errors
    ///
    /// Refuses an empty table and levels outside 0 to 0.5.
    pub fn newcombe(self, alpha: f64, side: Side) -> Result<f64, Refusal> {
        if side == Side::Lower {
            let (only_candidate_bad, only_baseline_bad) = (self.only_baseline_bad, self.only_candidate_bad);
            let exchanged = Self { only_candidate_bad, only_baseline_bad, ..self };
            return exchanged.newcombe(alpha, Side::Upper).map(|bound| -bound);
        }
        let both = u128::from(self.both_bad);
        let (candidate, baseline) =
            (both + u128::from(self.only_candidate_bad), both + u128::from(self.only_baseline_bad));
        let all = candidate + u128::from(self.only_baseline_bad) + u128::from(self.neither_bad);
        let whole = |count: u128| u64::try_from(count).unwrap_or(u64::MAX);
        let (events_c, events_b, n) = (whole(candidate), whole(baseline), whole(all));
        let above = wilson(events_c, n, alpha, Side::Upper)? - events_c as f64 / n as f64;
        let below = events_b as f64 / n as f64 - wilson(events_b, n, alpha, Side::Lower)?;
        let square = above * above - 2.0 * self.correlation() * above * below + below * below;
        Ok((events_c as f64 - events_b as f64) / n as f64 + square.max(0.0).sqrt())
    }

    fn correlation(self) -> f64 {
        let [both, c, b, neither] =
            [self.both_bad, self.only_candidate_bad, self.only_baseline_bad, self.neither_bad].map(|n| n as f64);
        let n = both + c + b + neither;
        let spread = ((both + c) * (b + neither)).sqrt() * ((both + b) * (c + neither)).sqrt();
        let product = both * neither - c * b;
        let corrected = if product > 0.0 { (product - n / 2.0).max(0.0) } else { product };
        if spread > 0.0 { corrected / spread } else { 0.0 }
    }
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
    fn a_design_effect_widens_and_one_changes_nothing() {
        let counts = Discordant::of(40, 30, 2000);
        for side in [Side::Lower, Side::Upper] {
            let plain = bound(40, 30, 2000, 0.05, side).unwrap();
            assert_eq!(plain.to_bits(), bound_effective(counts.over(0.2), 0.05, side).unwrap().to_bits());
            let wide = bound_effective(counts.over(3.0), 0.05, side).unwrap();
            assert!((wide - 0.005).abs() > 1.5 * (plain - 0.005).abs());
        }
        let reason = |effect| bound_effective(counts.over(effect), 0.05, Side::Upper).unwrap_err().reason();
        assert_eq!((reason(1e5), reason(f64::NAN)), ("too-few-clusters", "not-finite"));
        // Without an event: as many clean pairs as are effective.
        let clean = bound_effective(Discordant::of(0, 0, 1196).over(2.0), 0.05, Side::Upper).unwrap();
        assert!((clean - (1.0 - 0.05_f64.powf(1.0 / 598.0))).abs() < 1e-12);
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
