//! What a decision will take: requests, hours and money, for the shadow and for each weight, before they are spent.
//!
//! A guardrail passes when its confidence sequence, as wide as the *observed* variance makes it, lies below the margin; the
//! plan says after how much more traffic that has happened with a chance of one half, if the candidate is truly equal
//! ([`chance`]). Pairs cancel the difficulty of a request, served traffic does not, and its arms are unequally large: one
//! request of it, at a weight w, is worth
//!
//! ```text
//! v_pair / (v_C / w + v_B / (1 - w))
//! ```
//!
//! pairs, with the variances of one request of each arm and of the difference in a pair. All guardrails have to pass; the
//! joint number is the median of the slowest of them, whichever that turns out to be.
//!
//! Where nothing was recorded yet, the pairs of the default scenario stand in ([`assumed`]), and the plan says so.

mod chance;
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
use chance::{Need, median};
use variance::Effect;

/// Name of the form in which a plan is written.
pub const SCHEMA: &str = "weighbridge.plan/1";

/// Pairs that stand in where nothing was recorded: enough to know the variance of one error in a hundred.
const ASSUMED_PAIRS: u64 = 20_000;

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
    /// Further pairs, or further requests of the candidate, by the median; 0 where it passes already, `None` where it
    /// cannot be said.
    pub observations: Option<f64>,
    /// Requests of the whole traffic for them.
    pub requests: Option<f64>,
    /// Hours for them.
    pub hours: Option<f64>,
}

/// Pairs of the default scenario, which stand in where nothing was recorded; the same ones always.
#[must_use]
pub fn assumed(policy: &Policy) -> Evidence {
    Scenario::parse("").map_or_else(|_| Evidence::default(), |scenario| assumed_of(&scenario, policy))
}

/// Pairs of another scenario to stand in; the same ones always.
#[must_use]
pub fn assumed_of(scenario: &Scenario, policy: &Policy) -> Evidence {
    shadowed(scenario, policy, ASSUMED_PAIRS, 1, 0)
}

/// Plans from first records; without a pair in them from [`assumed`] ones, of which nothing counts as there already.
#[must_use]
pub fn plan(evidence: &Evidence, policy: &Policy, traffic: Traffic) -> Plan {
    if evidence.paired.epochs.values().all(|epoch| epoch.pairs == 0) {
        return plan_assuming(&assumed(policy), policy, traffic);
    }
    drawn(evidence, policy, traffic, false)
}

/// Plans with pairs that stand in for those that nobody has recorded yet; nothing of them counts as there already.
#[must_use]
pub fn plan_assuming(stand_in: &Evidence, policy: &Policy, traffic: Traffic) -> Plan {
    drawn(stand_in, policy, traffic, true)
}

fn drawn(evidence: &Evidence, policy: &Policy, traffic: Traffic, assumed: bool) -> Plan {
    let judged = judge(evidence, policy);
    let pooled = evidence.paired.pooled();
    let parts = Parts { judged: &judged, pooled: &pooled, evidence, policy, traffic, assumed };
    let weights = policy.weight.ladder_percent.iter().copied().filter(|weight| *weight > 0.0 && *weight < 100.0);
    Plan {
        schema: SCHEMA,
        pairs: pooled.pairs,
        assumed,
        traffic,
        failed: if assumed { Vec::new() } else { failed(&judged) },
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
    pooled: &'a Paired,
    evidence: &'a Evidence,
    policy: &'a Policy,
    traffic: Traffic,
    assumed: bool,
}

impl Parts<'_> {
    fn stage(&self, weight_percent: f64) -> Stage {
        let weight = weight_percent / 100.0;
        let deciding = self.judged.guardrails.iter();
        let deciding = deciding.filter(|guardrail| guardrail.decides && !served_only(&guardrail.metric));
        let mut needs: Vec<(String, u64, Option<Need>)> = deciding
            .map(|guardrail| {
                let have = if self.assumed { 0 } else { guardrail.n };
                (guardrail.metric.clone(), have, self.need(guardrail, weight))
            })
            .collect();
        if weight > 0.0 {
            let shares = [Share::RateLimited, Share::Cancellations].into_iter();
            let asked = shares.filter(|share| self.policy.share_margin(*share).enabled);
            needs.extend(asked.map(|share| (share.name().to_owned(), 0, self.served(share, weight))));
        }
        let all: Option<Vec<Need>> = needs.iter().map(|(_, _, need)| *need).collect();
        let requests = all.and_then(|all| median(&all));
        let guardrails: Vec<GuardrailPlan> =
            needs.into_iter().map(|(metric, have, need)| self.guardrail(metric, have, need, weight)).collect();
        let slowest = guardrails.iter().max_by(|a, b| order(a).total_cmp(&order(b)));
        Stage {
            weight_percent,
            requests,
            hours: requests.map(|requests| self.hours(requests)),
            cost: requests.and_then(|requests| self.cost(requests, weight)),
            slowest: slowest.filter(|slowest| order(slowest) > 0.0).map(|slowest| slowest.metric.clone()),
            guardrails,
        }
    }

    fn hours(&self, requests: f64) -> f64 {
        requests / self.traffic.requests_per_hour
    }

    fn guardrail(&self, metric: String, have: u64, need: Option<Need>, weight: f64) -> GuardrailPlan {
        let requests = need.and_then(|need| median(&[need]));
        let observed = if weight > 0.0 { weight } else { self.traffic.shadow_percent / 100.0 };
        let observations = requests.map(|requests| requests * observed);
        GuardrailPlan { metric, have, observations, requests, hours: requests.map(|requests| self.hours(requests)) }
    }

    /// A guardrail that pairs show, against the traffic of a stage; `None` where the pairs do not show it.
    fn need(&self, guardrail: &Guardrail, weight: f64) -> Option<Need> {
        let passes = matches!(guardrail.state, State::Pass | State::PassRegressed) && !self.assumed;
        let mirrored = self.traffic.shadow_percent / 100.0;
        let per_request = if weight > 0.0 { weight } else { mirrored };
        let floor = |wanted: f64| if per_request > 0.0 { wanted / per_request } else { f64::INFINITY };
        let levels = self.policy.levels;
        // A rung has to show something itself, however much the pairs say.
        let own = if weight > 0.0 { self.policy.floors.pairs as f64 } else { 0.0 };
        let passed = Need {
            passed: passes,
            effect: None,
            pairs_per_request: 0.0,
            at_least: floor(own),
            levels: (levels.alpha_go, levels.beta),
            one_look: levels.looks == Looks::One,
        };
        if passes {
            return Some(passed);
        }
        let effect = Effect::of(guardrail, self.pooled, &self.evidence.plan, self.policy)?;
        let events = self.policy.floors.events as f64;
        let (there, observed) = if self.assumed { (1e-9, 0.0) } else { (effect.n, effect.observed) };
        let asked =
            floors_of(&guardrail.metric, self.policy) as f64 - if self.assumed { 0.0 } else { guardrail.n as f64 };
        // With few events there is no limit theorem: clean pairs decide, or so many requests that there are enough.
        let scarce = if weight > 0.0 { events / effect.events } else { self.clean(guardrail, &effect, there) };
        Some(Need {
            effect: Some(Effect { n: there, observed, ..effect }),
            pairs_per_request: if weight > 0.0 { effect.pair / effect.served.per_request(weight) } else { mirrored },
            at_least: floor(own.max(asked).max(scarce)),
            ..passed
        })
    }

    /// Clean pairs that would decide a share, where those needed for its variance hold too few events.
    fn clean(&self, guardrail: &Guardrail, effect: &Effect, there: f64) -> f64 {
        if guardrail.events.is_none_or(|events| events as f64 / effect.n * 1000.0 >= self.policy.floors.events as f64) {
            return 0.0;
        }
        self.clean_of(guardrail.margin).map_or(0.0, |clean| (clean - there).max(0.0))
    }

    fn clean_of(&self, margin: f64) -> Option<f64> {
        let level = self.policy.levels.alpha_go;
        let clean = match self.policy.levels.looks {
            Looks::Any => clean_at_any_look(margin, level),
            Looks::One => crate::stats::power::for_zero_events(margin, level).ok(),
        };
        clean.map(|clean| clean as f64)
    }

    /// What only served traffic shows, if it does not happen: clean observations up to the margin.
    fn served(&self, share: Share, weight: f64) -> Option<Need> {
        let clean = self.clean_of(self.policy.share_margin(share).value)?;
        let levels = self.policy.levels;
        Some(Need {
            passed: false,
            effect: None,
            pairs_per_request: 0.0,
            at_least: clean.max(self.policy.floors.pairs as f64) / weight,
            levels: (levels.alpha_go, levels.beta),
            one_look: levels.looks == Looks::One,
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

/// Observations without which a metric passes nothing.
fn floors_of(metric: &str, policy: &Policy) -> u64 {
    match metric.rsplit_once('_') {
        Some((_, "p95")) => policy.floors.pairs_p95,
        Some((_, "p99")) => policy.floors.pairs_p99,
        _ => policy.floors.pairs,
    }
}

fn served_only(metric: &str) -> bool {
    [Share::RateLimited, Share::Cancellations].into_iter().any(|share| share.name() == metric)
}

fn order(guardrail: &GuardrailPlan) -> f64 {
    guardrail.requests.unwrap_or(f64::INFINITY)
}
