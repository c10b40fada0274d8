//! Difference of two shares over separate requests: Miettinen and Nurminen's score bound.
//!
//! As with pairs, very few events make the score bound too short, and [`bound`] is the guarded version.

use std::f64::consts::PI;

use super::proportion::{check_counts, clopper_pearson};
use super::special::normal_quantile;
use super::{Refusal, Side, border, check_level};

/// Below this many events in both arms together the exact bound is asked as well for the upper side.
pub const FEW_EVENTS: u64 = 5;
/// Below this many events an alarm (the lower side) asks the exact bound as well.
pub const FEW_EVENTS_FOR_ALARM: u64 = 20;

/// At most this many Newton steps polish the closed root, which loses half its digits where two roots nearly
/// coincide (rare events); a handful suffices as a rule.
const POLISHING_STEPS: u32 = 80;

/// One arm: events among observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arm {
    /// Bad outcomes.
    pub events: u64,
    /// Observations.
    pub n: u64,
}

/// Miettinen and Nurminen's score bound of P(candidate bad) - P(baseline bad) at one-sided level `alpha`
/// (Miettinen & Nurminen 1985): it solves `(pC - pB - d) / sqrt(V(d) N / (N - 1)) = -+z`, where
/// `V(d) = qC(1-qC)/nC + qB(1-qB)/nB` has the restricted maximum-likelihood shares under the difference `d`.
///
/// # Errors
///
/// Refuses an empty arm, more events than observations, and levels outside 0 to 0.5.
pub fn miettinen_nurminen(candidate: Arm, baseline: Arm, alpha: f64, side: Side) -> Result<f64, Refusal> {
    check_level(alpha)?;
    check_counts(candidate.events, candidate.n)?;
    check_counts(baseline.events, baseline.n)?;
    if side == Side::Lower {
        return miettinen_nurminen(baseline, candidate, alpha, Side::Upper).map(|bound| -bound);
    }
    let z = normal_quantile(1.0 - alpha);
    let (xc, nc) = (candidate.events as f64, candidate.n as f64);
    let (xb, nb) = (baseline.events as f64, baseline.n as f64);
    let inflation = (nc + nb) / (nc + nb - 1.0);
    let estimate = xc / nc - xb / nb;
    let not_ruled_out = |difference: f64| {
        let (qc, qb) = restricted_shares(xc, nc, xb, nb, difference);
        let variance = (qc * (1.0 - qc) / nc + qb * (1.0 - qb) / nb) * inflation;
        estimate - difference > -z * variance.max(0.0).sqrt()
    };
    Ok(border(estimate, 1.0, not_ruled_out))
}

/// Restricted maximum-likelihood shares `(candidate, baseline)` under a given difference: the closed trigonometric
/// root of the cubic likelihood equation (Farrington & Manning 1990), polished by safeguarded Newton steps on the
/// likelihood's derivative, which falls strictly.
#[must_use]
pub fn restricted_shares(xc: f64, nc: f64, xb: f64, nb: f64, difference: f64) -> (f64, f64) {
    let (mut low, mut high) = ((-difference).max(0.0), (1.0 - difference).min(1.0));
    let mut share = closed_root(xc, nc, xb, nb, difference).clamp(low, high);
    for _ in 0..POLISHING_STEPS {
        let (slope, curvature) = likelihood_slope(xc, nc, xb, nb, share, difference);
        if slope > 0.0 {
            low = share;
        } else if slope < 0.0 {
            high = share;
        } else {
            break;
        }
        let newton = share - slope / curvature;
        // Written so that a NaN goes to the middle as well.
        let next = if newton > low && newton < high { newton } else { low + (high - low) / 2.0 };
        let settled = (next - share).abs() <= 1e-16 * share;
        share = next;
        if settled {
            break;
        }
    }
    // Where the likelihood falls over the whole range, its maximum is the lower end, and the other way round.
    ((share + difference).clamp(0.0, 1.0), share)
}

/// Slope and curvature of the log-likelihood in the baseline's share. Terms without observations vanish.
fn likelihood_slope(xc: f64, nc: f64, xb: f64, nb: f64, share: f64, difference: f64) -> (f64, f64) {
    let term = |count: f64, at: f64| if count > 0.0 { (count / at, count / (at * at)) } else { (0.0, 0.0) };
    let (a, a2) = term(xc, share + difference);
    let (b, b2) = term(nc - xc, 1.0 - share - difference);
    let (c, c2) = term(xb, share);
    let (d, d2) = term(nb - xb, 1.0 - share);
    (a - b + c - d, -(a2 + b2 + c2 + d2))
}

fn closed_root(xc: f64, nc: f64, xb: f64, nb: f64, difference: f64) -> f64 {
    let n = nc + nb;
    let l2 = ((nc + 2.0 * nb) * difference - n - (xc + xb)) / n;
    let l1 = ((nb * difference - n - 2.0 * xb) * difference + (xc + xb)) / n;
    let l0 = xb * difference * (1.0 - difference) / n;
    let third = l2 / 3.0;
    let q = third * third * third - l1 * l2 / 6.0 + l0 / 2.0;
    let radius = (third * third - l1 / 3.0).max(0.0).sqrt().copysign(q);
    let cosine = if radius.abs() > 0.0 { (q / (radius * radius * radius)).clamp(-1.0, 1.0) } else { 0.0 };
    2.0 * radius * ((PI + cosine.acos()) / 3.0).cos() - third
}

/// The bound that the judge uses. Upper side: with fewer than [`FEW_EVENTS`] events in both arms together, the larger
/// of the score bound and Clopper and Pearson's exact bound of the candidate's own share. Lower side, which raises
/// alarms: with fewer than [`FEW_EVENTS_FOR_ALARM`] events, the smaller of the score bound and the difference of two
/// exact bounds at half the level each, because the score bound alarms too easily there.
///
/// # Errors
///
/// As [`miettinen_nurminen`].
pub fn bound(candidate: Arm, baseline: Arm, alpha: f64, side: Side) -> Result<f64, Refusal> {
    let score = miettinen_nurminen(candidate, baseline, alpha, side)?;
    let events = candidate.events.saturating_add(baseline.events);
    Ok(match side {
        Side::Upper if events < FEW_EVENTS => {
            score.max(clopper_pearson(candidate.events, candidate.n, alpha, Side::Upper)?)
        }
        Side::Lower if events < FEW_EVENTS_FOR_ALARM => {
            let candidate_least = clopper_pearson(candidate.events, candidate.n, alpha / 2.0, Side::Lower)?;
            let baseline_most = clopper_pearson(baseline.events, baseline.n, alpha / 2.0, Side::Upper)?;
            score.min(candidate_least - baseline_most)
        }
        Side::Upper | Side::Lower => score,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn arm(events: u64, n: u64) -> Arm {
        Arm { events, n }
    }

    #[test]
    fn published_example() {
        // Newcombe 1998: 56/70 against 48/80, two-sided 95 %.
        let low = miettinen_nurminen(arm(56, 70), arm(48, 80), 0.025, Side::Lower).unwrap();
        let high = miettinen_nurminen(arm(56, 70), arm(48, 80), 0.025, Side::Upper).unwrap();
        assert!((low - 0.052_830).abs() < 1e-6 && (high - 0.338_173).abs() < 1e-6, "{low} {high}");
    }

    #[test]
    fn extreme_tables_are_answered_or_refused() {
        let tables = [
            (arm(0, 1), arm(0, 1)),
            (arm(1, 1), arm(0, 1)),
            (arm(0, 1), arm(1, 1)),
            (arm(9, 9), arm(7, 7)),
            (arm(0, 1_000_000_000), arm(0, 3)),
            (arm(2, 1_000_000_000), arm(1, 1_000_000_000)),
        ];
        for (candidate, baseline) in tables {
            let estimate = candidate.events as f64 / candidate.n as f64 - baseline.events as f64 / baseline.n as f64;
            for alpha in [0.05, 0.001] {
                let low = bound(candidate, baseline, alpha, Side::Lower).unwrap();
                let high = bound(candidate, baseline, alpha, Side::Upper).unwrap();
                assert!(
                    (-1.0..=estimate).contains(&low) && (estimate..=1.0).contains(&high),
                    "{candidate:?} {low} {high}"
                );
            }
        }
        assert_eq!(bound(arm(0, 0), arm(1, 2), 0.05, Side::Upper), Err(Refusal::NoObservations));
    }

    #[test]
    fn two_failures_of_thirty_are_no_alarm() {
        assert!(bound(arm(2, 30), arm(0, 2970), 0.00125, Side::Lower).unwrap() < 0.005);
    }

    #[test]
    fn restricted_shares_keep_their_digits_for_rare_events() {
        // At the optimum the slope changes its sign within a relative step of 1e-9.
        let (xc, nc, xb, nb, d) = (2.0, 1e9, 1.0, 1e9, 3e-9);
        let (_, share) = restricted_shares(xc, nc, xb, nb, d);
        let slope = |at: f64| likelihood_slope(xc, nc, xb, nb, at, d).0;
        assert!(slope(share * (1.0 - 1e-9)) > 0.0 && slope(share * (1.0 + 1e-9)) < 0.0, "{share}");
    }
}
