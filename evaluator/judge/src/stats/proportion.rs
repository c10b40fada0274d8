//! One proportion: Wilson's score limits and Clopper and Pearson's exact limits.

use super::special::{beta_quantile, normal_quantile};
use super::{Refusal, Side, check_level};

/// Wilson's score limit of a share at one-sided level `alpha` (Wilson 1927):
/// `(p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)`.
///
/// # Errors
///
/// Refuses without observations, with more events than observations, and levels outside 0 to 0.5.
pub fn wilson(events: u64, n: u64, alpha: f64, side: Side) -> Result<f64, Refusal> {
    check_counts(events, n)?;
    wilson_share(events as f64 / n as f64, n as f64, alpha, side)
}

/// The same for a share that need not be a count: `share` of `n` (possibly effective) observations.
///
/// # Errors
///
/// Refuses shares outside 0 to 1, `n` of 0 or less, and levels outside 0 to 0.5.
pub fn wilson_share(share: f64, n: f64, alpha: f64, side: Side) -> Result<f64, Refusal> {
    check_level(alpha)?;
    if !(0.0..=1.0).contains(&share) {
        return Err(Refusal::ShareOutOfRange { share });
    }
    if !(n > 0.0 && n.is_finite()) {
        return Err(Refusal::NoObservations);
    }
    let z = normal_quantile(1.0 - alpha);
    let square = z * z;
    let scale = 1.0 + square / n;
    let middle = (share + square / (2.0 * n)) / scale;
    let half = z / scale * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    Ok(match side {
        Side::Lower if share <= 0.0 => 0.0,
        Side::Lower => (middle - half).max(0.0),
        Side::Upper if share >= 1.0 => 1.0,
        Side::Upper => (middle + half).min(1.0),
    })
}

/// Exact limit of a share at one-sided level `alpha` (Clopper & Pearson 1934), from quantiles of the beta
/// distribution. Without a single event the upper limit is `1 - alpha^(1/n)`.
///
/// # Errors
///
/// As [`wilson`].
pub fn clopper_pearson(events: u64, n: u64, alpha: f64, side: Side) -> Result<f64, Refusal> {
    check_counts(events, n)?;
    check_level(alpha)?;
    Ok(exact_limit(events as f64, (n - events) as f64, alpha, side))
}

/// The same for counts divided by a design effect, which need not be whole (Rao & Scott 1992): the beta distribution
/// has no need of whole shapes.
///
/// # Errors
///
/// As [`clopper_pearson`]; see [`check_effective`] for what counts are taken.
pub fn clopper_pearson_effective(events: f64, n: f64, alpha: f64, side: Side) -> Result<f64, Refusal> {
    check_effective(events, n)?;
    check_level(alpha)?;
    Ok(exact_limit(events, (n - events).max(0.0), alpha, side))
}

fn exact_limit(events: f64, others: f64, alpha: f64, side: Side) -> f64 {
    match side {
        Side::Lower if events <= 0.0 => 0.0,
        Side::Lower if others <= 0.0 => (alpha.ln() / events).exp(),
        Side::Lower => beta_quantile(alpha, events, others + 1.0),
        Side::Upper if others <= 0.0 => 1.0,
        Side::Upper if events <= 0.0 => -(alpha.ln() / others).exp_m1(),
        // The mirrored share keeps its digits when the limit is close to one.
        Side::Upper => 1.0 - beta_quantile(alpha, others, events + 1.0),
    }
}

/// Checks counts that were divided by a design effect: at least one effective observation, no more events than
/// observations.
///
/// # Errors
///
/// Refuses values that are not finite, negative events, less than one effective observation, and more events than
/// observations (beyond rounding).
pub fn check_effective(events: f64, n: f64) -> Result<(), Refusal> {
    for (index, value) in [events, n].into_iter().enumerate() {
        if !value.is_finite() {
            return Err(Refusal::NotFinite { index, value });
        }
        if value < 0.0 {
            return Err(Refusal::NotPositive { index, value });
        }
    }
    if n <= 0.0 {
        return Err(Refusal::NoObservations);
    }
    if n < 1.0 {
        return Err(Refusal::TooFewClusters { effective: n, needed: 1.0 });
    }
    if events > n * (1.0 + 1e-12) {
        return Err(Refusal::CountsInconsistent { part: events.ceil() as u64, whole: n.floor() as u64 });
    }
    Ok(())
}

/// Refuses an empty sample and a part larger than its whole.
pub(super) fn check_counts(events: u64, n: u64) -> Result<(), Refusal> {
    if n == 0 {
        return Err(Refusal::NoObservations);
    }
    if events > n {
        return Err(Refusal::CountsInconsistent { part: events, whole: n });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_event_in_598_trials_proves_half_a_point() {
        let proven = |n| clopper_pearson(0, n, 0.05, Side::Upper).unwrap();
        assert!(proven(598) < 0.005);
        assert!(proven(597) >= 0.005);
    }

    #[test]
    fn limits_bracket_the_share_and_stay_in_range() {
        for (events, n) in [(0, 1), (1, 1), (3, 7), (0, 1_000_000_000), (999_999_999, 1_000_000_000), (50, 1_000)] {
            let share = events as f64 / n as f64;
            for limit in [wilson, clopper_pearson] {
                let low = limit(events, n, 0.025, Side::Lower).unwrap();
                let high = limit(events, n, 0.025, Side::Upper).unwrap();
                assert!((0.0..=share).contains(&low) && (share..=1.0).contains(&high), "{events}/{n}: {low} {high}");
            }
        }
    }

    #[test]
    fn refusals_are_typed() {
        assert_eq!(wilson(0, 0, 0.05, Side::Upper), Err(Refusal::NoObservations));
        assert_eq!(clopper_pearson(2, 1, 0.05, Side::Upper).unwrap_err().reason(), "counts-inconsistent");
        assert_eq!(wilson(1, 2, f64::NAN, Side::Upper).unwrap_err().reason(), "level-out-of-range");
        assert_eq!(wilson(1, 2, 0.5, Side::Upper).unwrap_err().reason(), "level-out-of-range");
    }
}
