//! Difference of two shares over separate requests: Miettinen and Nurminen's score bound.
//!
//! As with pairs, very few events make the score bound too short, and [`bound`] is the guarded version. Rows that come in
//! clusters enter as effective counts, events and observations divided by the arm's design effect (Rao & Scott 1992).

use std::f64::consts::PI;

use super::proportion::{check_counts, check_effective, clopper_pearson_effective, wilson};
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

/// One arm's counts divided by its design effect; 1 leaves them as they are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EffectiveArm {
    /// Bad outcomes.
    pub events: f64,
    /// Observations.
    pub n: f64,
}

impl Arm {
    /// Counts divided by a design effect; effects below 1 count as 1, and what is not a number stays one, to be refused
    /// by the bounds.
    #[must_use]
    pub fn over(self, design_effect: f64) -> EffectiveArm {
        let effect = if design_effect < 1.0 { 1.0 } else { design_effect };
        EffectiveArm { events: self.events as f64 / effect, n: self.n as f64 / effect }
    }
}

/// Miettinen and Nurminen's score bound of P(candidate bad) - P(baseline bad) at one-sided level `alpha`
/// (Miettinen & Nurminen 1985): it solves `(pC - pB - d) / sqrt(V(d) N / (N - 1)) = -+z`, where
/// `V(d) = qC(1-qC)/nC + qB(1-qB)/nB` has the restricted maximum-likelihood shares under the difference `d`.
///
/// # Errors
///
/// Refuses an empty arm, more events than observations, and levels outside 0 to 0.5.
pub fn miettinen_nurminen(candidate: Arm, baseline: Arm, alpha: f64, side: Side) -> Result<f64, Refusal> {
    check_arms(candidate, baseline)?;
    score(candidate.over(1.0), baseline.over(1.0), alpha, side, Factor::Unbiased)
}

/// Farrington and Manning's bound (1990): the same without the factor `N / (N - 1)`.
///
/// # Errors
///
/// As [`miettinen_nurminen`].
pub fn farrington_manning(candidate: Arm, baseline: Arm, alpha: f64, side: Side) -> Result<f64, Refusal> {
    check_arms(candidate, baseline)?;
    score(candidate.over(1.0), baseline.over(1.0), alpha, side, Factor::None)
}

/// Newcombe's hybrid score limits (1998, method 10) of the difference, for display with few observations: with Wilson's
/// limits `l`, `u` of each share, lower `d - sqrt((pC - lC)^2 + (uB - pB)^2)` and upper likewise.
///
/// # Errors
///
/// As [`miettinen_nurminen`].
pub fn newcombe(candidate: Arm, baseline: Arm, alpha: f64, side: Side) -> Result<f64, Refusal> {
    check_arms(candidate, baseline)?;
    if side == Side::Lower {
        return newcombe(baseline, candidate, alpha, Side::Upper).map(|bound| -bound);
    }
    let share = |arm: Arm| arm.events as f64 / arm.n as f64;
    let above = wilson(candidate.events, candidate.n, alpha, Side::Upper)? - share(candidate);
    let below = share(baseline) - wilson(baseline.events, baseline.n, alpha, Side::Lower)?;
    Ok(share(candidate) - share(baseline) + above.hypot(below))
}

fn check_arms(candidate: Arm, baseline: Arm) -> Result<(), Refusal> {
    check_counts(candidate.events, candidate.n)?;
    check_counts(baseline.events, baseline.n)
}

/// What the variance of a score is multiplied by.
#[derive(Clone, Copy)]
enum Factor {
    /// `N / (N - 1)`.
    Unbiased,
    None,
}

/// The score bound from counts that need not be whole.
fn score(
    candidate: EffectiveArm,
    baseline: EffectiveArm,
    alpha: f64,
    side: Side,
    factor: Factor,
) -> Result<f64, Refusal> {
    check_level(alpha)?;
    check_effective(candidate.events, candidate.n)?;
    check_effective(baseline.events, baseline.n)?;
    if side == Side::Lower {
        return score(baseline, candidate, alpha, Side::Upper, factor).map(|bound| -bound);
    }
    let z = normal_quantile(1.0 - alpha);
    let (nc, nb) = (candidate.n, baseline.n);
    let (xc, xb) = (candidate.events.min(nc), baseline.events.min(nb));
    let inflation = match factor {
        Factor::Unbiased => (nc + nb) / (nc + nb - 1.0),
        Factor::None => 1.0,
    };
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
    check_arms(candidate, baseline)?;
    bound_effective(candidate.over(1.0), baseline.over(1.0), alpha, side)
}

/// The same for counts divided by design effects (see [`Arm::over`]): score, exact bounds and the thresholds for few
/// events all take effective counts.
///
/// # Errors
///
/// As [`miettinen_nurminen`], counts that are not finite, and less than one effective observation in an arm.
pub fn bound_effective(
    candidate: EffectiveArm,
    baseline: EffectiveArm,
    alpha: f64,
    side: Side,
) -> Result<f64, Refusal> {
    let score = score(candidate, baseline, alpha, side, Factor::Unbiased)?;
    let events = candidate.events + baseline.events;
    let exact = |arm: EffectiveArm, alpha, side| clopper_pearson_effective(arm.events, arm.n, alpha, side);
    Ok(match side {
        Side::Upper if events < FEW_EVENTS as f64 => score.max(exact(candidate, alpha, Side::Upper)?),
        Side::Lower if events < FEW_EVENTS_FOR_ALARM as f64 => {
            score.min(exact(candidate, alpha / 2.0, Side::Lower)? - exact(baseline, alpha / 2.0, Side::Upper)?)
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
    fn published_hybrid_score_limits() {
        let at = |side| newcombe(arm(56, 70), arm(48, 80), 0.025, side).unwrap();
        let (low, high) = (at(Side::Lower), at(Side::Upper));
        assert!((low - 0.052_431).abs() < 1e-6 && (high - 0.333_873).abs() < 1e-6, "{low} {high}");
    }

    #[test]
    fn a_design_effect_widens_and_one_changes_nothing() {
        let (candidate, baseline) = (arm(40, 1000), arm(30, 1000));
        for side in [Side::Lower, Side::Upper] {
            let plain = bound(candidate, baseline, 0.05, side).unwrap();
            let same = bound_effective(candidate.over(0.3), baseline.over(1.0), 0.05, side).unwrap();
            assert_eq!(plain.to_bits(), same.to_bits());
            let wide = bound_effective(candidate.over(4.0), baseline.over(4.0), 0.05, side).unwrap();
            assert!((wide - 0.01).abs() > 1.5 * (plain - 0.01).abs(), "{plain} {wide}");
        }
        let reason = |effect| bound_effective(candidate.over(effect), baseline.over(1.0), 0.05, Side::Upper);
        assert_eq!(reason(2000.0).unwrap_err().reason(), "too-few-clusters");
        assert_eq!(reason(f64::NAN).unwrap_err().reason(), "not-finite");
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
