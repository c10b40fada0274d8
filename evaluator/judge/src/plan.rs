//! What a decision will take: requests, hours and money, for the shadow and for each weight, before they are spent.
//!
//! The judge already says how many pairs each undecided guardrail still needs if the candidate is truly equal
//! ([`Judged::needed`]): the median number at which the bound of a confidence sequence with the *observed* variance falls
//! below the margin. A plan turns that into time and money. Pairs cancel the difficulty of a request, served traffic does
//! not, and its arms are unequally large; so at a weight w the same information takes
//!
//! ```text
//! requests = pairs * (v_C / w + v_B / (1 - w)) / v_pair
//! ```
//!
//! with the variances of one observation in each arm and of the difference in a pair. All guardrails have to pass, so the
//! slowest decides. Numbers of a plan are medians: half of the migrations take longer.
//!
//! Where nothing was recorded yet, the pairs of the default scenario stand in ([`assumed`]), and the plan says so.

mod variance;

use serde::Serialize;

use crate::counters::Paired;
use crate::evidence::Evidence;
use crate::guardrail::clean_at_any_look;
use crate::metric::Share;
use crate::policy::{Looks, Policy};
use crate::simulate::{Scenario, shadowed};
use crate::verdict::{Decision, Guardrail, State};
use crate::{Judged, judge};
use variance::PerRequest;

/// Name of the form in which a plan is written.
pub const SCHEMA: &str = "weighbridge.plan/1";

/// Pairs that stand in where nothing was recorded. What passes with the many is planned with fewer.
const ASSUMED_PAIRS: [u64; 5] = [5000, 2000, 1000, 500, 250];

/// Traffic to plan for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Traffic {
    /// Requests of both arms an hour.
    pub requests_per_hour: f64,
    /// Mirrored share of the requests, percent.
    pub shadow_percent: f64,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Pairs whose variances it rests on.
    pub pairs: u64,
    /// Those pairs were assumed, not recorded.
    pub assumed: bool,
    /// Traffic it is for.
    pub traffic: Traffic,
    /// NO-GO already: nothing is left to plan but a repair.
    pub failed: Vec<String>,
    /// The shadow first, then each weight of the policy's ladder below 100 %.
    pub stages: Vec<Stage>,
}

/// What deciding takes in one stage, from what is there already.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stage {
    /// Candidate weight, percent; 0 is the shadow.
    pub weight_percent: f64,
    /// The guardrails that decide, in the judge's order.
    pub guardrails: Vec<GuardrailPlan>,
    /// All of them together: the slowest; `None` where one of them cannot be said.
    pub requests: Option<f64>,
    /// Hours for it.
    pub hours: Option<f64>,
    /// Money for it beyond the baseline's bill, units of the currency; below 0 where serving saves. `None` without prices.
    pub cost: Option<f64>,
    /// The slowest guardrail.
    pub slowest: Option<String>,
}

/// What one guardrail takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GuardrailPlan {
    /// Metric.
    pub metric: String,
    /// Observations that are there.
    pub have: u64,
    /// Further pairs, or further requests of the candidate; 0 where it passes already, `None` where it cannot be said.
    pub observations: Option<f64>,
    /// Requests of the whole traffic for them.
    pub requests: Option<f64>,
    /// Hours for them.
    pub hours: Option<f64>,
}

/// So many pairs of the default scenario, which stand in where nothing was recorded; the same ones always.
#[must_use]
pub fn assumed(policy: &Policy, pairs: u64) -> Evidence {
    Scenario::parse("").map_or_else(|_| Evidence::default(), |scenario| shadowed(&scenario, policy, pairs, 1, 0))
}

/// Plans from first records; without a pair in them from [`assumed`] ones, of which nothing counts as there already.
#[must_use]
pub fn plan(evidence: &Evidence, policy: &Policy, traffic: Traffic) -> Plan {
    let nothing = evidence.paired.epochs.values().all(|epoch| epoch.pairs == 0);
    let stand_ins = if nothing { ASSUMED_PAIRS.map(|pairs| assumed(policy, pairs)).to_vec() } else { Vec::new() };
    let evidence = stand_ins.first().unwrap_or(evidence);
    let judged = judge(evidence, policy);
    let fewer = stand_ins.iter().skip(1).map(|fewer| judge(fewer, policy)).collect();
    let pooled = evidence.paired.pooled();
    let parts = Parts { judged: &judged, fewer, pooled: &pooled, evidence, policy, traffic, assumed: nothing };
    let weights = policy.weight.ladder_percent.iter().copied().filter(|weight| *weight > 0.0 && *weight < 100.0);
    Plan {
        schema: SCHEMA,
        pairs: pooled.pairs,
        assumed: nothing,
        traffic,
        failed: failed(&judged),
        stages: std::iter::once(0.0).chain(weights).map(|weight| parts.stage(weight)).collect(),
    }
}

fn failed(judged: &Judged) -> Vec<String> {
    if judged.verdict != Decision::NoGo {
        return Vec::new();
    }
    let against = |guardrail: &&Guardrail| matches!(guardrail.state, State::Fail | State::Futile);
    judged.guardrails.iter().filter(against).map(|guardrail| guardrail.metric.clone()).collect()
}

struct Parts<'a> {
    judged: &'a Judged,
    /// The same with fewer and fewer pairs, where they are assumed.
    fewer: Vec<Judged>,
    pooled: &'a Paired,
    evidence: &'a Evidence,
    policy: &'a Policy,
    traffic: Traffic,
    assumed: bool,
}

impl Parts<'_> {
    fn stage(&self, weight_percent: f64) -> Stage {
        let weight = weight_percent / 100.0;
        let mut guardrails: Vec<GuardrailPlan> = self
            .judged
            .guardrails
            .iter()
            .filter(|guardrail| guardrail.decides && !served_only(&guardrail.metric))
            .map(|guardrail| self.guardrail(guardrail, weight))
            .collect();
        if weight > 0.0 {
            guardrails.extend(
                [Share::RateLimited, Share::Cancellations].into_iter().filter_map(|share| self.served(share, weight)),
            );
        }
        let slowest = guardrails.iter().max_by(|a, b| order(a).total_cmp(&order(b)));
        let known = guardrails.iter().all(|guardrail| guardrail.requests.is_some());
        let requests = slowest.filter(|_| known).and_then(|slowest| slowest.requests);
        Stage {
            weight_percent,
            requests,
            hours: requests.map(|requests| requests / self.traffic.requests_per_hour),
            cost: requests.and_then(|requests| self.cost(requests, weight)),
            slowest: slowest.filter(|slowest| order(slowest) > 0.0).map(|slowest| slowest.metric.clone()),
            guardrails,
        }
    }

    /// Further pairs of a guardrail, everything there counted; all of its pairs where they are assumed.
    fn pairs(&self, guardrail: &Guardrail) -> Option<f64> {
        let further = further(self.judged, guardrail)?;
        if !self.assumed {
            return Some(further);
        }
        let all = std::iter::once(self.judged).chain(&self.fewer);
        // From as many pairs as are still too few: they know the variance best.
        let planned = all.filter_map(|judged| {
            let there = judged.guardrails.iter().find(|other| same(other, guardrail))?;
            further_if_held(judged, guardrail).map(|further| further + there.n as f64)
        });
        planned.into_iter().next().or_else(|| {
            self.fewer.last()?.guardrails.iter().find(|other| same(other, guardrail)).map(|fewest| fewest.n as f64)
        })
    }

    fn guardrail(&self, guardrail: &Guardrail, weight: f64) -> GuardrailPlan {
        let pairs = self.pairs(guardrail);
        let (observations, requests) = if weight > 0.0 {
            let factor = PerRequest::of(guardrail, self.pooled, &self.evidence.plan)
                .map(|variances| variances.requests_per_pair(weight));
            let requests = pairs.zip(factor).map(|(pairs, factor)| pairs * factor);
            // However much the pairs say, the rung has to show something itself.
            let least = self.policy.floors.pairs as f64 / weight;
            let requests = requests.map(|requests| requests.max(least));
            (requests.map(|requests| requests * weight), requests)
        } else {
            let mirrored = self.traffic.shadow_percent / 100.0;
            (pairs, pairs.filter(|_| mirrored > 0.0).map(|pairs| pairs / mirrored))
        };
        GuardrailPlan {
            metric: guardrail.metric.clone(),
            have: if self.assumed { 0 } else { guardrail.n },
            observations,
            requests,
            hours: requests.map(|requests| requests / self.traffic.requests_per_hour),
        }
    }

    /// What only served traffic shows, if it does not happen: clean observations up to the margin.
    fn served(&self, share: Share, weight: f64) -> Option<GuardrailPlan> {
        let margin = self.policy.share_margin(share);
        if !margin.enabled {
            return None;
        }
        let level = self.policy.levels.alpha_go;
        let clean = match self.policy.levels.looks {
            Looks::Any => clean_at_any_look(margin.value, level),
            Looks::One => crate::stats::power::for_zero_events(margin.value, level).ok(),
        };
        let observations = clean.map(|clean| clean.max(self.policy.floors.pairs) as f64);
        let requests = observations.map(|observations| observations / weight);
        Some(GuardrailPlan {
            metric: share.name().to_owned(),
            have: 0,
            observations,
            requests,
            hours: requests.map(|requests| requests / self.traffic.requests_per_hour),
        })
    }

    /// Money beyond the baseline's bill: mirrored requests are paid for twice, served ones once, by the candidate's price.
    fn cost(&self, requests: f64, weight: f64) -> Option<f64> {
        let sums = self.pooled.cost;
        if sums.n == 0 || self.assumed {
            return None;
        }
        let mean = |sum: i128| sum as f64 / sums.n as f64 / 1e9;
        let (baseline, candidate) = (mean(sums.b), mean(sums.c));
        Some(if weight > 0.0 {
            requests * weight * (candidate - baseline)
        } else {
            requests * self.traffic.shadow_percent / 100.0 * candidate
        })
    }
}

fn same(a: &Guardrail, b: &Guardrail) -> bool {
    a.metric == b.metric && a.segment == b.segment
}

/// Further pairs of a guardrail that is held for want of them.
fn further_if_held(judged: &Judged, guardrail: &Guardrail) -> Option<f64> {
    let mut needed = judged.needed.iter();
    let own = needed.find(|needed| needed.metric == guardrail.metric && needed.segment == guardrail.segment)?;
    own.pairs.map(|pairs| pairs as f64)
}

/// The same; 0 where it passes.
fn further(judged: &Judged, guardrail: &Guardrail) -> Option<f64> {
    let passes = matches!(guardrail.state, State::Pass | State::PassRegressed);
    if passes { Some(0.0) } else { further_if_held(judged, guardrail) }
}

fn served_only(metric: &str) -> bool {
    [Share::RateLimited, Share::Cancellations].into_iter().any(|share| share.name() == metric)
}

fn order(guardrail: &GuardrailPlan) -> f64 {
    guardrail.requests.unwrap_or(f64::INFINITY)
}
