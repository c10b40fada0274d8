//! The next weight: a calculation of risk, not a constant of the ladder.
//!
//! What one more step may cost is bounded before it is taken, in four ways ([`bounds()`]): the harm budget, the time that
//! passes until a break is noticed and undone, the capacity of the candidate's provider, and the policy. The weight
//! climbs to the next rung of the ladder if that is within all of them, one rung at a time, and the verdict names the
//! bound that was in the way.
//!
//! Down is another matter than up. NO-GO takes the weight to 0. Proven rate limiting halves it, an estimate beyond the
//! margin takes a rung. A step that stays is a step as well: while the observed excess, times the requests of one more
//! step, is more than the step's share of what is left of the harm budget, the weight falls to where it is not. With
//! that the expected harm of all steps together is a geometric series within the budget. The *bound* of the excess takes
//! nothing back: it is wide at the start of every epoch, and the weight would bounce.
//!
//! At 100 % the migration is over, and its harm budget with it: what the candidate does from there on is the traffic's
//! ordinary error budget, and there is no baseline left to count an excess against.

mod bounds;

use std::fmt::Write as _;

pub use bounds::{bounds, excess_upper};

use crate::evidence::Evidence;
use crate::policy::Policy;
use crate::verdict::{Decision, WeightBounds};
use crate::words;

/// What was decided, as far as the weight depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// The verdict.
    pub decision: Decision,
    /// HOLD, and only because evidence is missing: no alarm of the instrument, no conflict.
    pub hold_for_want_of_evidence_only: bool,
    /// The estimate of a guardrail that decides lies above its margin, proven or not.
    pub estimate_above_margin: bool,
    /// The candidate's share of rate-limited requests (429) is proven above its margin.
    pub rate_limited_above_margin: bool,
}

impl Situation {
    /// A plain decision: nothing is known about why.
    #[must_use]
    pub const fn of(decision: Decision) -> Self {
        Self {
            decision,
            hold_for_want_of_evidence_only: false,
            estimate_above_margin: false,
            rate_limited_above_margin: false,
        }
    }
}

/// A recommendation.
#[derive(Debug, Clone, PartialEq)]
pub struct NextWeight {
    /// Recommended candidate weight, percent.
    pub percent: f64,
    /// What decided: `risk`, `reaction`, `capacity`, `policy`, `ladder` or `verdict`.
    pub bound: &'static str,
    /// All bounds.
    pub bounds: WeightBounds,
    /// For people: what decided, and what could not be bounded for want of a number.
    pub why: String,
}

/// Where to go, before it is explained.
struct Move {
    percent: f64,
    bound: &'static str,
    why: String,
}

/// Recommends the next weight. Never above the policy's maximum; never *raised* beyond any bound that is known.
#[must_use]
pub fn next_weight(situation: &Situation, evidence: &Evidence, policy: &Policy) -> NextWeight {
    let now = if (0.0..=100.0).contains(&evidence.weight_percent) { evidence.weight_percent } else { 0.0 };
    let (bounds, unknown) = bounds(evidence, policy);
    let mut next = decided(situation, now, &bounds, evidence, policy);
    if next.percent > policy.weight.max_percent {
        next = above_the_policy(policy);
    }
    if next.percent > 0.0 {
        soak_longer(&mut next, &bounds, policy);
    }
    if next.percent > now || next.bound == "risk" {
        for remark in unknown {
            // Writing to a string cannot fail.
            _ = write!(next.why, " {remark}");
        }
    }
    NextWeight { percent: next.percent, bound: next.bound, bounds, why: next.why }
}

fn decided(situation: &Situation, now: f64, bounds: &WeightBounds, evidence: &Evidence, policy: &Policy) -> Move {
    let here = words::percent(now);
    let stay = |why: String| Move { percent: now, bound: "verdict", why };
    if situation.decision == Decision::NoGo {
        return Move { percent: 0.0, bound: "verdict", why: "NO-GO takes the weight to 0 %.".to_owned() };
    }
    let go = situation.decision == Decision::Go;
    let doubtful = !go && !situation.hold_for_want_of_evidence_only;
    let downs = [
        rate_limited(situation, now, policy),
        above_the_margin(situation, now, policy),
        // What is in doubt decides nothing; neither does the count of what was spent.
        if doubtful { None } else { retreat(now, bounds, evidence, policy) },
    ];
    if let Some(lowest) = downs.into_iter().flatten().min_by(|a, b| a.percent.total_cmp(&b.percent)) {
        return lowest;
    }
    if doubtful {
        return stay(format!("HOLD leaves the weight at {here}: what is in doubt decides nothing."));
    }
    if go || policy.weight.hold_climbs_to_percent > now {
        climb(now, bounds, policy, go)
    } else {
        stay(format!("HOLD leaves the weight at {here}."))
    }
}

fn rate_limited(situation: &Situation, now: f64, policy: &Policy) -> Option<Move> {
    situation.rate_limited_above_margin.then(|| {
        let percent = rung_within(&policy.weight.ladder_percent, now / 2.0);
        let (here, there) = (words::percent(now), words::percent(percent));
        let why = format!(
            "The candidate is rate-limited beyond its margin, so the weight is halved, from {here} to {there}."
        );
        Move { percent, bound: "capacity", why }
    })
}

fn above_the_margin(situation: &Situation, now: f64, policy: &Policy) -> Option<Move> {
    (situation.decision == Decision::Hold && situation.estimate_above_margin).then(|| {
        let ladder = &policy.weight.ladder_percent;
        let percent = ladder.iter().copied().filter(|rung| *rung < now).fold(0.0, f64::max);
        let (here, there) = (words::percent(now), words::percent(percent));
        let why = if now > 0.0 {
            format!("HOLD with an estimate above its margin takes one rung, from {here} to {there}.")
        } else {
            format!("HOLD with an estimate above its margin stays at {here}.")
        };
        Move { percent, bound: "verdict", why }
    })
}

/// Largest rung within a limit; 0 if there is none.
fn rung_within(ladder: &[f64], limit_percent: f64) -> f64 {
    ladder.iter().copied().filter(|rung| *rung <= limit_percent).fold(0.0, f64::max)
}

fn above_the_policy(policy: &Policy) -> Move {
    let most = policy.weight.max_percent;
    let percent = rung_within(&policy.weight.ladder_percent, most);
    let why =
        format!("The policy's maximum of {} takes the weight to {}.", words::percent(most), words::percent(percent));
    Move { percent, bound: "policy", why }
}

/// Whether staying costs more than it may: of two reasons the one that goes further down.
fn retreat(now: f64, bounds: &WeightBounds, evidence: &Evidence, policy: &Policy) -> Option<Move> {
    let reasons = [beyond_capacity(now, bounds, policy), beyond_budget(now, bounds, evidence, policy)];
    reasons.into_iter().flatten().min_by(|a, b| a.percent.total_cmp(&b.percent))
}

fn beyond_capacity(now: f64, bounds: &WeightBounds, policy: &Policy) -> Option<Move> {
    let most = bounds.capacity_percent.filter(|most| now > *most)?;
    let percent = rung_within(&policy.weight.ladder_percent, most);
    let why = format!(
        "The capacity of the candidate's provider allows {}, so the weight falls from {} to {}.",
        words::percent(most),
        words::percent(now),
        words::percent(percent)
    );
    Some(Move { percent, bound: "capacity", why })
}

fn beyond_budget(now: f64, bounds: &WeightBounds, evidence: &Evidence, policy: &Policy) -> Option<Move> {
    let affordable = bounds::affordable_percent(evidence, policy);
    if now >= 100.0 || now <= affordable {
        return None;
    }
    let percent = rung_within(&policy.weight.ladder_percent, affordable);
    let left = bounds.left_requests.unwrap_or(0.0);
    let why = format!(
        "{left:.0} of {:.0} extra failures are left of the harm budget, which another step at {} would use up too fast, \
         so the weight falls to {}.",
        policy.weight.harm_budget_requests,
        words::percent(now),
        words::percent(percent)
    );
    Some(Move { percent, bound: "risk", why })
}

/// One rung up, if all bounds allow it.
fn climb(now: f64, bounds: &WeightBounds, policy: &Policy, go: bool) -> Move {
    let rules = &policy.weight;
    let here = words::percent(now);
    let stay = |bound: &'static str, why: String| Move { percent: now, bound, why };
    let Some(next) = rules.ladder_percent.iter().copied().find(|rung| *rung > now) else {
        return stay("ladder", format!("{here} is the top of the ladder."));
    };
    let there = words::percent(next);
    if !go && next > rules.hold_climbs_to_percent {
        let most = words::percent(rules.hold_climbs_to_percent);
        return stay("policy", format!("HOLD leaves the weight at {here}: without a GO it climbs to {most} at most."));
    }
    if next > rules.max_percent {
        let most = words::percent(rules.max_percent);
        return stay("policy", format!("The next rung is {there}, above the policy's maximum of {most}."));
    }
    if next >= 100.0 && now < rules.full_weight_needs_percent {
        let needs = words::percent(rules.full_weight_needs_percent);
        return stay("policy", format!("100 % needs a GO judged at {needs} or more; this one was judged at {here}."));
    }
    let limits = [
        (bounds.risk_percent, "risk", "The harm budget allows"),
        (bounds.reaction_percent, "reaction", "A break is noticed and undone within the harm budget up to a weight of"),
        (bounds.capacity_percent, "capacity", "The capacity of the candidate's provider allows"),
    ];
    let smallest = limits
        .into_iter()
        .filter_map(|(limit, bound, what)| Some((limit?, bound, what)))
        .min_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((limit, bound, what)) = smallest.filter(|(limit, ..)| next > *limit) {
        return stay(bound, format!("{what} {}, below the next rung of {there}.", words::percent(limit)));
    }
    let word = if go { "GO" } else { "HOLD for want of evidence only" };
    let why = format!("{word} raises the weight by one rung, from {here} to {there}.");
    Move { percent: next, bound: "ladder", why }
}

/// The statistical floor raises nothing: a weight that risk does not allow is not made safe by impatience.
fn soak_longer(next: &mut Move, bounds: &WeightBounds, policy: &Policy) {
    let Some(floor) = bounds.statistics_percent.filter(|floor| next.percent < *floor && next.percent < 100.0) else {
        return;
    };
    let hours = policy.weight.soak_hours * floor / next.percent;
    // Writing to a string cannot fail.
    _ = write!(
        next.why,
        " At {} served traffic alone needs about {hours:.0} hours to decide, more than the {:.0} planned: soak longer.",
        words::percent(next.percent),
        policy.weight.soak_hours
    );
}

#[cfg(test)]
mod tests;
