//! The plan for one request.

use super::split::{Coin, WeightBp};
use datasets::{Arm, ShadowFate};

/// Shares in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    /// Share of conversations that the candidate serves.
    pub candidate: WeightBp,
    /// Share of conversations, among those that the baseline serves, of which the candidate gets a copy.
    pub shadow: WeightBp,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Who answers the client.
    pub serve: Arm,
    /// Whether the candidate gets a copy. Decided before any answer is known.
    pub mirror: bool,
    /// Why there is no copy; `None` where there is one, or where the candidate serves.
    pub no_mirror: Option<ShadowFate>,
}

/// Decides. `unit` is the assignment unit's bytes; `candidate_fits` says whether the candidate can serve the request
/// without changing its meaning.
#[must_use]
pub fn plan(salt: &str, unit: &[u8], weights: Weights, candidate_fits: bool) -> Plan {
    let baseline = |mirror, no_mirror| Plan { serve: Arm::Baseline, mirror, no_mirror };
    if !candidate_fits {
        return baseline(false, Some(ShadowFate::Unfit));
    }
    if Coin::toss(salt, unit).under(weights.candidate) {
        return Plan { serve: Arm::Candidate, mirror: false, no_mirror: None };
    }
    // Another salt: who is mirrored must not depend on who is served next.
    if Coin::toss(&format!("{salt}/shadow"), unit).under(weights.shadow) {
        baseline(true, None)
    } else {
        baseline(false, Some(ShadowFate::NotSampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(candidate: f64, shadow: f64) -> Weights {
        Weights {
            candidate: WeightBp::from_percent(candidate).unwrap(),
            shadow: WeightBp::from_percent(shadow).unwrap(),
        }
    }

    #[test]
    fn an_unfit_request_stays_on_the_baseline_at_any_weight() {
        let plan = plan("s", b"u", weights(100.0, 100.0), false);
        assert_eq!(plan, Plan { serve: Arm::Baseline, mirror: false, no_mirror: Some(ShadowFate::Unfit) });
    }

    #[test]
    fn only_what_the_baseline_serves_is_mirrored() {
        assert_eq!(plan("s", b"u", weights(100.0, 100.0), true).serve, Arm::Candidate);
        assert!(!plan("s", b"u", weights(100.0, 100.0), true).mirror);
        assert!(plan("s", b"u", weights(0.0, 100.0), true).mirror);
        assert_eq!(plan("s", b"u", weights(0.0, 0.0), true).no_mirror, Some(ShadowFate::NotSampled));
    }

    #[test]
    fn shadow_and_split_are_independent_coins() {
        let plans: Vec<Plan> =
            (0..20_000u32).map(|unit| plan("s", &unit.to_le_bytes(), weights(50.0, 50.0), true)).collect();
        let baseline = plans.iter().filter(|plan| plan.serve == Arm::Baseline).count();
        let mirrored = plans.iter().filter(|plan| plan.mirror).count();
        assert!(baseline.abs_diff(10_000) < 360, "{baseline}");
        assert!(mirrored.abs_diff(baseline / 2) < 260, "{mirrored}");
    }
}
