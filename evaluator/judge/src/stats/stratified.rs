//! Differences between arms that serve different requests, under drift: compared within strata only.
//!
//! If the weight rises in the hour in which errors rise, the candidate gets more of the bad hour, and a comparison of
//! totals calls it worse (or, the other way round, better). Within a stratum of one epoch of constant weight and one
//! hour both arms see the same hour. Mantel & Haenszel's weights `n_C n_B / N` add the strata up in proportion to what
//! each can tell; a stratum without both arms tells nothing and is counted as unused. Which strata are used depends on
//! the numbers of requests alone, never on outcomes.

use super::Refusal;

/// Requests and events of one stratum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stratum {
    /// Requests of the candidate.
    pub candidate_n: u64,
    /// Events among them.
    pub candidate_x: u64,
    /// Requests of the baseline.
    pub baseline_n: u64,
    /// Events among them.
    pub baseline_x: u64,
}

/// Number, sum and sum of squares of one arm's values in a stratum. For values far from zero, subtract the same
/// constant from all values of both arms first: the variance is what the sums of squares leave over.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    /// Number of values.
    pub n: u64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub squares: f64,
}

/// A difference (candidate minus baseline) over strata.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StratifiedDifference {
    /// Weighted mean of the strata's differences.
    pub estimate: f64,
    /// Variance of the estimate, for independent observations; multiply by the design effect of clusters.
    pub variance: f64,
    /// Strata that were used.
    pub strata: u64,
    /// Strata that could not be, because an arm had too few values (none, or one where a variance is needed).
    pub unused_strata: u64,
    /// Observations in them.
    pub unused: u64,
}

/// Risk difference: `sum w d / sum w`, `w = n_C n_B / N`, with the variance of Sato 1989:
/// `(d sum P + sum Q) / (sum w)^2`, `P = (n_C^2 x_B - n_B^2 x_C + n_C n_B (n_B - n_C) / 2) / N^2`,
/// `Q = (x_C (n_B - x_B) + x_B (n_C - x_C)) / (2 N)`.
///
/// Sato's variance because it is right for few large strata and for many small ones alike; the plain sum of binomial
/// variances is zero in a stratum with one candidate, and a canary at 1 % has many of those. Symmetric in the arms.
/// Without any event it is 0, which proves nothing: use an exact bound then.
///
/// # Errors
///
/// Refuses more events than requests, and no stratum with both arms.
pub fn risk_difference(strata: &[Stratum]) -> Result<StratifiedDifference, Refusal> {
    let (mut weights, mut weighted, mut p_sum, mut q_sum) = (0.0, 0.0, 0.0, 0.0);
    let mut counted = Counted::default();
    for stratum in strata {
        let Stratum { candidate_n, candidate_x, baseline_n, baseline_x } = *stratum;
        for (part, whole) in [(candidate_x, candidate_n), (baseline_x, baseline_n)] {
            if part > whole {
                return Err(Refusal::CountsInconsistent { part, whole });
            }
        }
        if !counted.takes(candidate_n, baseline_n, 1) {
            continue;
        }
        let [n_c, x_c, n_b, x_b] = [candidate_n, candidate_x, baseline_n, baseline_x].map(|count| count as f64);
        let n = n_c + n_b;
        let weight = n_c * n_b / n;
        weights += weight;
        weighted += weight * (x_c / n_c - x_b / n_b);
        let (share_c, share_b) = (n_c / n, n_b / n);
        p_sum += share_c * share_c * x_b - share_b * share_b * x_c + weight * (share_b - share_c) / 2.0;
        q_sum += (x_c * (n_b - x_b) + x_b * (n_c - x_c)) / n / 2.0;
    }
    counted.difference(weighted, weights, |estimate| estimate * p_sum + q_sum)
}

/// What a risk difference of this size would look like in these strata.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// Variance of [`risk_difference`], for independent observations.
    pub variance: f64,
    /// Events to be expected in the arm that has fewer of them.
    pub events: f64,
}

/// The variance of the risk difference if it were exactly `difference`: `sum w^2 (p_C q_C / n_C + p_B q_B / n_B) /
/// (sum w)^2`, with `p_B` the baseline's share over all strata and `p_C = p_B + difference`, within 0 to 1. It is the
/// variance that a score test of that difference would use (Farrington & Manning 1990, with the baseline's own share).
///
/// A small arm without an event has no variance of its own, and an estimate with it proves anything. What rules a
/// difference out must be unlikely under that very difference, so its bound may not use a smaller variance than this, and
/// a limit theorem needs events that are expected under it, whether they were seen or not.
///
/// # Errors
///
/// Refuses more events than requests, and no stratum with both arms.
pub fn expected_under(strata: &[Stratum], difference: f64) -> Result<Expected, Refusal> {
    risk_difference(strata)?;
    let used = || strata.iter().filter(|stratum| stratum.candidate_n > 0 && stratum.baseline_n > 0);
    let total = |of: fn(&Stratum) -> u64| used().map(|stratum| of(stratum) as f64).sum::<f64>();
    let (n_c, n_b) = (total(|stratum| stratum.candidate_n), total(|stratum| stratum.baseline_n));
    let share_b = total(|stratum| stratum.baseline_x) / n_b;
    let share_c = (share_b + difference).clamp(0.0, 1.0);
    let (mut weights, mut spread) = (0.0, 0.0);
    for stratum in used() {
        let (n_c, n_b) = (stratum.candidate_n as f64, stratum.baseline_n as f64);
        let weight = n_c * n_b / (n_c + n_b);
        weights += weight;
        spread += weight * weight * (share_c * (1.0 - share_c) / n_c + share_b * (1.0 - share_b) / n_b);
    }
    Ok(Expected { variance: spread / (weights * weights), events: (n_c * share_c).min(n_b * share_b) })
}

/// Difference of means: `sum w d / sum w`, `w = n_C n_B / N`, with the variance
/// `sum w^2 (s_C^2 / n_C + s_B^2 / n_B) / (sum w)^2`, `s^2` the unbiased variance within arm and stratum (the usual
/// variance of a post-stratified mean, Cochran 1977, chapter 5A). Strata and arms are `(candidate, baseline)`; both
/// need two values.
///
/// # Errors
///
/// Refuses sums that are not finite, squares that cannot belong to their sum, and no stratum with two values in both
/// arms.
pub fn mean_difference(strata: &[(Sums, Sums)]) -> Result<StratifiedDifference, Refusal> {
    let (mut weights, mut weighted, mut spread) = (0.0, 0.0, 0.0);
    let mut counted = Counted::default();
    for (index, (candidate, baseline)) in strata.iter().enumerate() {
        candidate.check(2 * index)?;
        baseline.check(2 * index + 1)?;
        if !counted.takes(candidate.n, baseline.n, 2) {
            continue;
        }
        let (n_c, n_b) = (candidate.n as f64, baseline.n as f64);
        let weight = n_c * n_b / (n_c + n_b);
        weights += weight;
        weighted += weight * (candidate.sum / n_c - baseline.sum / n_b);
        spread += weight * weight * (candidate.variance_of_mean() + baseline.variance_of_mean());
    }
    counted.difference(weighted, weights, |_| spread)
}

impl Sums {
    fn check(&self, index: usize) -> Result<(), Refusal> {
        for value in [self.sum, self.squares] {
            if !value.is_finite() {
                return Err(Refusal::NotFinite { index, value });
            }
        }
        // Cauchy-Schwarz, with room for rounding.
        if self.squares < 0.0 || self.sum * self.sum > self.squares * self.n as f64 * (1.0 + 1e-9) {
            let expected = "at least the squared sum divided by the number of values";
            return Err(Refusal::OutOfRange { what: "a sum of squares", value: self.squares, expected });
        }
        Ok(())
    }

    fn variance_of_mean(&self) -> f64 {
        let n = self.n as f64;
        ((self.squares - self.sum / n * self.sum) / (n - 1.0)).max(0.0) / n
    }
}

/// Strata used and left.
#[derive(Debug, Default)]
struct Counted {
    strata: u64,
    unused_strata: u64,
    unused: u64,
}

impl Counted {
    fn takes(&mut self, candidate_n: u64, baseline_n: u64, needed: u64) -> bool {
        let takes = candidate_n.min(baseline_n) >= needed;
        let all = candidate_n.saturating_add(baseline_n);
        if takes {
            self.strata += 1;
        } else if all > 0 {
            self.unused_strata += 1;
            self.unused = self.unused.saturating_add(all);
        }
        takes
    }

    fn difference(
        self,
        weighted: f64,
        weights: f64,
        spread: impl Fn(f64) -> f64,
    ) -> Result<StratifiedDifference, Refusal> {
        if self.strata == 0 {
            return Err(Refusal::NoObservations);
        }
        let estimate = weighted / weights;
        // Dividing twice keeps the square of a sum of 1e200 out of the way.
        let variance = spread(estimate) / weights / weights;
        if !(estimate.is_finite() && variance.is_finite()) {
            return Err(Refusal::NotFinite { index: 0, value: estimate + variance });
        }
        let Self { strata, unused_strata, unused } = self;
        Ok(StratifiedDifference { estimate, variance: variance.max(0.0), strata, unused_strata, unused })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn stratum(candidate_n: u64, candidate_x: u64, baseline_n: u64, baseline_x: u64) -> Stratum {
        Stratum { candidate_n, candidate_x, baseline_n, baseline_x }
    }

    #[test]
    fn drift_with_a_rising_weight_does_not_look_like_harm() {
        // Both arms 1 % in the first hour and 5 % in the second; the weight goes from 10 % to 50 %.
        let strata = [stratum(1000, 10, 9000, 90), stratum(5000, 250, 5000, 250)];
        let found = risk_difference(&strata).unwrap();
        assert!(found.estimate.abs() < 1e-15 && found.variance > 0.0, "{found:?}");
        let naive = 260.0 / 6000.0 - 340.0 / 14_000.0;
        assert!(naive > 0.018 && naive / found.variance.sqrt() > 5.0, "{naive}");
    }

    #[test]
    fn one_large_stratum_has_the_binomial_variance() {
        let found = risk_difference(&[stratum(100_000, 1200, 200_000, 2000)]).unwrap();
        let plain = 0.012 * 0.988 / 100_000.0 + 0.01 * 0.99 / 200_000.0;
        assert!((found.estimate - 0.002).abs() < 1e-15);
        assert!((found.variance / plain - 1.0).abs() < 1e-4, "{} {plain}", found.variance);
    }

    #[test]
    fn strata_without_both_arms_are_counted() {
        let found = risk_difference(&[stratum(0, 0, 50, 1), stratum(10, 1, 90, 2), stratum(0, 0, 0, 0)]).unwrap();
        assert_eq!((found.strata, found.unused_strata, found.unused), (1, 1, 50));
        assert_eq!(risk_difference(&[stratum(0, 0, 5, 1)]).unwrap_err().reason(), "no-observations");
        assert_eq!(risk_difference(&[stratum(1, 2, 5, 1)]).unwrap_err().reason(), "counts-inconsistent");
        let one = Sums { n: 1, sum: 3.0, squares: 9.0 };
        let two = Sums { n: 2, sum: 3.0, squares: 5.0 };
        let found = mean_difference(&[(one, two), (two, two)]).unwrap();
        assert_eq!((found.strata, found.unused_strata, found.unused), (1, 1, 3));
        assert!(found.estimate.abs() < 1e-15 && (found.variance - 0.5).abs() < 1e-15, "{found:?}");
        assert_eq!(mean_difference(&[(one, two)]).unwrap_err().reason(), "no-observations");
        let wrong = Sums { n: 2, sum: 3.0, squares: 4.0 };
        assert_eq!(mean_difference(&[(two, wrong)]).unwrap_err().reason(), "out-of-range");
        let not = Sums { n: 2, sum: f64::NAN, squares: 4.0 };
        assert_eq!(mean_difference(&[(not, two)]).unwrap_err().reason(), "not-finite");
    }
}
