//! How many observations a held guardrail still needs.
//!
//! First the plan for a candidate that is truly equal, with the variance that was observed: the median number at which
//! the bound falls below the margin. Where that many are there already, the plan is made for the observed effect. Where
//! the observed effect lies beyond the margin, more data will not help, and no number is named.

use super::LevelsInForce;
use super::measure::{Measured, Planning};
use super::questions::{Question, Subject};
use crate::metric::Quantile;
use crate::policy::Looks;
use crate::stats::betting::{self, Differences, Hypothesis};
use crate::stats::{power, sequence};

/// Log standard deviation of latencies that is assumed where the data do not give one.
const ASSUMED_LOG_SD: f64 = 0.5;

/// Observations still needed, or `None` if it cannot be said.
pub(super) fn missing(question: &Question<'_>, measured: &Measured, levels: LevelsInForce) -> Option<u64> {
    if question.nothing_to_compare_with().is_some() {
        return None;
    }
    let n = measured.n;
    if measured.within && n < question.floor {
        return Some(question.floor - n);
    }
    let enough_events = measured.events.is_none_or(|events| events >= levels.events);
    let plan = measured.plan.filter(|_| enough_events);
    let planned = match plan {
        Some(plan) => needed_for(plan, plan.distance_equal, levels),
        None => without_events(question, measured, levels),
    };
    let planned = planned.unwrap_or(0).max(question.floor);
    if planned > n {
        return Some(planned - n);
    }
    // As many as planned are there and it is still held: plan for the effect that was seen.
    let total = plan.and_then(|plan| needed_for(plan, plan.distance_observed, levels))?;
    Some(total.saturating_sub(n).max(1))
}

/// Observations at which the bound of an effect at this distance falls below the margin.
fn needed_for(plan: Planning, distance: f64, levels: LevelsInForce) -> Option<u64> {
    if !(distance > 0.0 && plan.variance > 0.0) {
        return None;
    }
    let n = match levels.looks {
        Looks::Any => sequence::reached_at(plan.variance, distance, plan.planned, levels.go)?,
        Looks::One => power::for_difference(plan.variance, distance, levels.go, levels.beta).ok()? as f64,
    };
    (n.is_finite() && n < 1e15).then_some(n.ceil() as u64)
}

/// Too few events to know a variance: what clean observations would prove.
fn without_events(question: &Question<'_>, measured: &Measured, levels: LevelsInForce) -> Option<u64> {
    match question.subject {
        Subject::Share { .. } => {
            let clean = match levels.looks {
                Looks::One => power::for_zero_events(question.margin, levels.go).ok()?,
                Looks::Any => clean_at_any_look(question.margin, levels.go)?,
            };
            Some((clean as f64 * measured.design_effect).ceil() as u64)
        }
        Subject::Quantile(_, quantile) => {
            let margin = question.margin;
            let tail = if quantile == Quantile::P99 { 2.0 } else { 1.0 };
            let n = power::for_quantile(ASSUMED_LOG_SD, quantile.share(), margin, levels.go, levels.beta).ok()?;
            Some((n as f64 * tail).ceil() as u64)
        }
        Subject::Cost | Subject::Quality => None,
    }
}

/// Smallest number of observations without an event whose bets prove a margin, within one in a thousand.
pub(crate) fn clean_at_any_look(margin: f64, alpha: f64) -> Option<u64> {
    let proves = |n: f64| {
        let clean = Differences { minus: 0, zero: n as u64, plus: 0 };
        betting::log_wealth(clean, margin, Hypothesis::AtLeast).is_ok_and(|wealth| wealth >= -alpha.ln())
    };
    let (mut low, mut high) = (1.0, 1.0);
    while !proves(high) {
        low = high;
        high *= 2.0;
        if high > 1e12 {
            return None;
        }
    }
    while high - low > (high * 1e-3).max(1.0) {
        let middle = f64::midpoint(low, high).floor();
        if proves(middle) { high = middle } else { low = middle }
    }
    Some(high as u64)
}
