//! How far the weight may go, by what limits it.
//!
//! ```text
//! risk        phi (budget - spent) / (N_step max(U, u0))
//! reaction    budget / (requests per hour * hours until undone * worst excess)
//! capacity    headroom * min(RPM limit / RPM peak, TPM limit / TPM peak, in-flight limit / (peak rate * duration p95))
//! statistics  requests needed / (requests per hour * soak)                                       (a floor)
//! ```
//!
//! Budget and excess are those of failed requests. `U` is an upper bound of the excess that holds at every look (betting),
//! because the question is asked at every step; so with confidence `1 - alpha_go` the next step costs on average no more
//! than a share phi of what is left, whenever it is taken. The provider's mean number of requests in flight is rate times
//! duration (Little's law). A bound that lacks a number is absent, and a sentence says which.

use crate::counters::canary::Asked;
use crate::counters::{Canary, CanaryEpoch, PairedCounts};
use crate::evidence::{Evidence, Rates};
use crate::metric::Share;
use crate::policy::{Capacity, Policy};
use crate::stats::betting::{self, Differences};
use crate::stats::power;
use crate::verdict::WeightBounds;

/// All bounds, and a sentence for each that could not be computed.
#[must_use]
pub fn bounds(evidence: &Evidence, policy: &Policy) -> (WeightBounds, Vec<String>) {
    let mut unknown = Vec::new();
    let excess = excess_upper(evidence, policy.levels.alpha_go);
    let spent = spent(evidence);
    let bounds = WeightBounds {
        risk_percent: Some(share_of_left(evidence, policy, excess)),
        reaction_percent: reaction(evidence, policy, &mut unknown),
        capacity_percent: capacity(evidence.rates, policy.capacity, &mut unknown),
        policy_percent: Some(policy.weight.max_percent),
        statistics_percent: statistics(evidence, policy),
        excess_upper: Some(excess),
        spent_requests: Some(spent),
        left_requests: Some((policy.weight.harm_budget_requests - spent).max(0.0)),
    };
    (bounds, unknown)
}

/// Largest weight at which the *observed* excess costs no more than the step's share of what is left, percent.
pub(super) fn affordable_percent(evidence: &Evidence, policy: &Policy) -> f64 {
    share_of_left(evidence, policy, observed_excess(evidence))
}

/// `phi left / (N_step max(excess, u0))`, percent, 0 to 100.
fn share_of_left(evidence: &Evidence, policy: &Policy, excess: f64) -> f64 {
    let rules = &policy.weight;
    let left = rules.harm_budget_requests - spent(evidence);
    let share = rules.risk_share * left / (rules.requests_per_step * excess.max(rules.smallest_excess));
    if share.is_finite() { (share * 100.0).clamp(0.0, 100.0) } else { 0.0 }
}

/// Upper bound of the candidate's excess error share that holds at every look, at one-sided level `alpha`: from the
/// served traffic of the judged epoch and the one beside it, or from the pairs of the same time, the larger of the two;
/// from all pairs where nothing was served yet; 1 where there is neither. Pairs of a shadow that ended before the
/// candidate served must not hold up what served traffic has shown since.
#[must_use]
pub fn excess_upper(evidence: &Evidence, alpha: f64) -> f64 {
    let served = evidence.canary.as_ref().and_then(|canary| served_upper(canary, alpha));
    let first_served = evidence.canary.as_ref().and_then(|canary| canary.epochs.keys().next().copied());
    let since = if served.is_some() { first_served.unwrap_or(0) } else { 0 };
    let paired = paired_upper(paired_errors_since(evidence, since), alpha);
    match (served, paired) {
        (Some(served), Some(paired)) => served.max(paired),
        (one, other) => one.or(other).unwrap_or(1.0),
    }
}

/// Errors over the pairs of all epochs.
fn paired_errors(evidence: &Evidence) -> PairedCounts {
    paired_errors_since(evidence, 0)
}

/// Errors over the pairs from an epoch on.
fn paired_errors_since(evidence: &Evidence, epoch: u64) -> PairedCounts {
    let tables = evidence.paired.epochs.range(epoch..).map(|(_, epoch)| epoch.share(Share::Errors));
    tables.fold(PairedCounts::default(), PairedCounts::merged)
}

fn paired_upper(table: PairedCounts, alpha: f64) -> Option<f64> {
    let differences = Differences {
        minus: table.only_baseline_bad,
        zero: table.both_bad.saturating_add(table.both_good),
        plus: table.only_candidate_bad,
    };
    (table.pairs() > 0).then(|| betting::upper(differences, alpha).unwrap_or(1.0))
}

/// From contemporaneous blocks where there are some; else upper bound of the candidate less lower bound of the baseline,
/// each at half the level. None where an arm served nothing.
fn served_upper(canary: &Canary, alpha: f64) -> Option<f64> {
    let mut blocks = crate::stats::blocks::BlockCounts::default();
    for outcomes in canary.epochs.values().flat_map(|epoch| epoch.blocks.values()) {
        outcomes.get(&Share::Errors.slot()).into_iter().for_each(|counts| blocks.merge(counts));
    }
    if blocks.blocks() > 0 {
        return Some(blocks.to_tally().and_then(|tally| tally.upper(alpha, 1.0)).unwrap_or(1.0));
    }
    let [baseline, candidate] = canary
        .epochs
        .values()
        .map(served_errors)
        .fold([Asked::default(); 2], |sum, more| [added(sum[0], more[0]), added(sum[1], more[1])]);
    if baseline.n == 0 || candidate.n == 0 {
        return None;
    }
    let outcomes = |asked: Asked| Differences { minus: 0, zero: asked.n.saturating_sub(asked.bad), plus: asked.bad };
    let most = betting::upper(outcomes(candidate), alpha / 2.0).unwrap_or(1.0);
    let least = betting::lower(outcomes(baseline), alpha / 2.0).unwrap_or(0.0);
    Some(most - least.max(0.0))
}

/// Errors of the baseline and of the candidate in an epoch.
fn served_errors(epoch: &CanaryEpoch) -> [Asked; 2] {
    let mut sums = [Asked::default(); 2];
    for hour in epoch.hours.values() {
        for (sum, arm) in sums.iter_mut().zip([&hour.baseline, &hour.candidate]) {
            *sum = added(*sum, arm.share(Share::Errors));
        }
    }
    sums
}

const fn added(a: Asked, b: Asked) -> Asked {
    Asked { n: a.n.saturating_add(b.n), bad: a.bad.saturating_add(b.bad) }
}

fn rate(asked: Asked) -> Option<f64> {
    (asked.n > 0).then(|| asked.bad as f64 / asked.n as f64)
}

/// The baseline's share of errors: of the judged epoch, or of all served traffic, or of the pairs.
fn baseline_share(evidence: &Evidence) -> Option<f64> {
    let judged = evidence.judged_canary().map(|epoch| served_errors(epoch)[0]).and_then(rate);
    let served = || {
        let epochs = evidence.canary.iter().flat_map(|canary| canary.epochs.values());
        rate(epochs.map(|epoch| served_errors(epoch)[0]).fold(Asked::default(), added))
    };
    let paired = || {
        let table = paired_errors(evidence);
        rate(Asked { n: table.pairs(), bad: table.baseline_bad() })
    };
    judged.or_else(served).or_else(paired)
}

/// Observed excess of the candidate's error share, not below 0: of served traffic and of the pairs, the larger one; 0
/// where nothing was compared.
fn observed_excess(evidence: &Evidence) -> f64 {
    let table = paired_errors(evidence);
    let pairs = table.pairs().max(1) as f64;
    let paired = (table.only_candidate_bad as f64 - table.only_baseline_bad as f64) / pairs;
    let epochs = || evidence.canary.iter().flat_map(|canary| canary.epochs.values()).map(served_errors);
    let baseline = epochs().map(|[baseline, _]| baseline).fold(Asked::default(), added);
    let candidate = epochs().map(|[_, candidate]| candidate).fold(Asked::default(), added);
    let served = rate(candidate).zip(rate(baseline)).map_or(0.0, |(candidate, baseline)| candidate - baseline);
    paired.max(served).max(0.0)
}

/// Extra failures the migration has caused so far: those of earlier epochs, and the candidate's served requests times
/// the excess observed in this one.
fn spent(evidence: &Evidence) -> f64 {
    let here = evidence.judged_canary().map_or(0.0, |epoch| {
        let [_, candidate] = served_errors(epoch);
        let excess = rate(candidate).unwrap_or(0.0) - baseline_share(evidence).unwrap_or(0.0);
        candidate.n as f64 * excess.max(0.0)
    });
    evidence.earlier_extra_failures.max(0.0) + here
}

/// A positive number, if it is one.
fn positive(value: Option<f64>) -> Option<f64> {
    value.filter(|value| *value > 0.0 && value.is_finite())
}

fn clamped_percent(share: f64) -> f64 {
    (share * 100.0).clamp(0.0, 100.0)
}

fn reaction(evidence: &Evidence, policy: &Policy, unknown: &mut Vec<String>) -> Option<f64> {
    let rules = &policy.weight;
    let Some(per_hour) = positive(evidence.rates.requests_per_hour) else {
        unknown
            .push("The harm until a break is undone could not be bounded: no rate of traffic is on record.".to_owned());
        return None;
    };
    let requests = per_hour * rules.reaction_minutes / 60.0;
    Some(clamped_percent(rules.harm_budget_requests / (requests * rules.worst_excess)))
}

fn capacity(rates: Rates, limits: Capacity, unknown: &mut Vec<String>) -> Option<f64> {
    let per_minute = positive(rates.requests_per_minute_peak);
    let in_flight = per_minute.zip(positive(rates.duration_p95_seconds)).map(|(rate, seconds)| rate / 60.0 * seconds);
    let questions = [
        ("requests a minute", limits.requests_per_minute, per_minute),
        ("tokens a minute", limits.tokens_per_minute, positive(rates.tokens_per_minute_peak)),
        ("requests in flight", limits.concurrency, positive(in_flight)),
    ];
    let mut least: Option<f64> = None;
    for (what, limit, peak) in questions {
        match (limit, peak) {
            (Some(limit), Some(peak)) => {
                let share = limits.headroom * limit / peak;
                least = Some(least.map_or(share, |least| least.min(share)));
            }
            (Some(limit), None) => unknown.push(format!(
                "The provider's limit of {limit} {what} could not be held against the traffic: its peak is not on record."
            )),
            (None, _) => {}
        }
    }
    least.map(clamped_percent)
}

/// The candidate's requests that the errors guardrail plans for, over those of the soak: `2 p (1 - p)` is the variance of
/// one request of each arm, and without an error the exact number stands in.
fn statistics(evidence: &Evidence, policy: &Policy) -> Option<f64> {
    let margin = policy.share_margin(Share::Errors);
    let per_hour = positive(evidence.rates.requests_per_hour).filter(|_| margin.enabled)?;
    let share = baseline_share(evidence)?;
    let levels = policy.levels;
    let planned =
        power::for_difference(2.0 * share * (1.0 - share), margin.value, levels.alpha_go, levels.beta).ok()?;
    let exact = power::for_zero_events(margin.value, levels.alpha_go).ok()?;
    Some(planned.max(exact) as f64 / (per_hour * policy.weight.soak_hours) * 100.0)
}
