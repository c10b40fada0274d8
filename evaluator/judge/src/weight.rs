//! The next weight: a calculation of risk, not a constant of the ladder.
//!
//! What one more step may cost is bounded before it is taken: with confidence `1 - alpha` the candidate's excess of
//! failed requests is below `U`, so a step of `N` requests at weight `w` costs at most `w N U` extra failures on
//! average. That must not exceed a fixed share of the harm budget that is left:
//! `w <= share (budget - spent) / (N max(U, u0))`. `U` is the betting bound, which holds at every look, because the
//! question is asked at every step. On top of it, one rung of the ladder at most per GO.

use crate::evidence::{CanaryArm, CanaryEvidence, Evidence, PairedCounts};
use crate::policy::Policy;
use crate::stats::betting::{self, Differences};
use crate::verdict::Decision;
use crate::words;

/// A recommendation.
#[derive(Debug, Clone, PartialEq)]
pub struct NextWeight {
    /// Recommended candidate weight, percent.
    pub percent: f64,
    /// What decided: `risk`, `ladder`, `policy` or `verdict`.
    pub bound: &'static str,
    /// Largest weight the risk calculation allows, percent.
    pub risk_percent: f64,
    /// One sentence for people.
    pub why: String,
}

/// Recommends the next weight. GO raises by one rung at most, within the risk bound and the policy's maximum; it never
/// lowers. HOLD stays, whatever its reason: climbing while undecided would need a live watch that reacts faster than
/// verdicts are made. NO-GO is 0.
#[must_use]
pub fn next_weight(decision: Decision, evidence: &Evidence, policy: &Policy) -> NextWeight {
    let now = if (0.0..=100.0).contains(&evidence.weight_percent) { evidence.weight_percent } else { 0.0 };
    let risk_percent = risk_percent(evidence, policy);
    let to = |percent: f64, bound: &'static str, why: String| NextWeight { percent, bound, risk_percent, why };
    match decision {
        Decision::NoGo => to(0.0, "verdict", "NO-GO takes the weight to 0 %.".to_owned()),
        Decision::Hold => to(now, "verdict", format!("HOLD leaves the weight at {}.", words::percent(now))),
        Decision::Go => {
            let (percent, bound, why) = raise(now, risk_percent, policy);
            to(percent, bound, why)
        }
    }
}

fn raise(now: f64, risk: f64, policy: &Policy) -> (f64, &'static str, String) {
    let rules = &policy.weight;
    let here = words::percent(now);
    let Some(next) = rules.ladder_percent.iter().copied().find(|rung| *rung > now) else {
        return (now, "ladder", format!("{here} is the top of the ladder."));
    };
    let there = words::percent(next);
    if next > rules.max_percent {
        let most = words::percent(rules.max_percent);
        return (now, "policy", format!("The next rung is {there}, above the policy's maximum of {most}."));
    }
    if next >= 100.0 && now < rules.full_weight_needs_percent {
        let needs = words::percent(rules.full_weight_needs_percent);
        return (now, "policy", format!("100 % needs a GO judged at {needs} or more; this one was judged at {here}."));
    }
    if next > risk {
        let allowed = words::percent(risk);
        return (now, "risk", format!("The harm budget allows {allowed}, below the next rung of {there}."));
    }
    (next, "ladder", format!("GO raises the weight by one rung, from {here} to {there}."))
}

/// The largest weight that the harm budget allows, percent (0 to 100).
#[must_use]
pub fn risk_percent(evidence: &Evidence, policy: &Policy) -> f64 {
    let rules = &policy.weight;
    let left = rules.harm_budget_requests - spent(evidence);
    let excess = excess_upper(evidence, policy.levels.alpha_go).max(rules.smallest_excess);
    let share = rules.risk_share * left / (rules.requests_per_step * excess);
    if share.is_finite() { (share * 100.0).clamp(0.0, 100.0) } else { 0.0 }
}

/// Extra failures the migration has caused so far: those of earlier epochs, and the candidate's served requests times
/// the excess observed in this one.
fn spent(evidence: &Evidence) -> f64 {
    let earlier = evidence.earlier_extra_failures.max(0.0);
    let here = evidence.canary.as_ref().map_or(0.0, |canary| {
        let share = |arm: &CanaryArm| if arm.requests > 0 { arm.errors as f64 / arm.requests as f64 } else { 0.0 };
        canary.candidate.requests as f64 * (share(&canary.candidate) - share(&canary.baseline)).max(0.0)
    });
    earlier + here
}

/// Upper bound of the candidate's excess error share that holds at every look, at one-sided level `alpha`: from the
/// pairs, and where the candidate serves traffic the larger of that and the bound from served traffic (upper bound of
/// the candidate less lower bound of the baseline, each at half the level). 1 without evidence.
#[must_use]
pub fn excess_upper(evidence: &Evidence, alpha: f64) -> f64 {
    let paired = paired_upper(evidence.paired.errors, alpha);
    evidence.canary.as_ref().map_or(paired, |canary| paired.max(canary_upper(canary, alpha)))
}

fn paired_upper(counts: PairedCounts, alpha: f64) -> f64 {
    let differences = Differences {
        minus: counts.only_baseline_bad,
        zero: counts.both_bad.saturating_add(counts.both_good),
        plus: counts.only_candidate_bad,
    };
    betting::upper(differences, alpha).unwrap_or(1.0)
}

fn canary_upper(canary: &CanaryEvidence, alpha: f64) -> f64 {
    let outcomes =
        |arm: &CanaryArm| Differences { minus: 0, zero: arm.requests.saturating_sub(arm.errors), plus: arm.errors };
    let candidate = betting::upper(outcomes(&canary.candidate), alpha / 2.0).unwrap_or(1.0);
    let baseline = betting::lower(outcomes(&canary.baseline), alpha / 2.0).unwrap_or(0.0);
    candidate - baseline.max(0.0)
}

#[cfg(test)]
mod tests;
