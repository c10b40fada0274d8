//! How many observations a held guardrail still needs.
//!
//! First the plan for a candidate that is truly equal (the formulas of [`crate::stats::power`] with the variance that
//! was observed). Where that many are there already, the plan is made for the observed effect. Where the observed
//! effect lies beyond the margin, more data will not help, and no number is named.

use super::LevelsInForce;
use super::measure::Measured;
use super::questions::{Data, Question};
use crate::stats::power;
use crate::stats::special::normal_quantile;
use crate::verdict::Scale;

/// Accepted chance that a candidate which is truly equal still does not pass with the planned number.
const BETA: f64 = 0.10;
/// Log standard deviation of latencies that is assumed where the data do not give one.
const ASSUMED_LOG_SD: f64 = 0.5;

/// Observations still needed, or `None` if it cannot be said.
pub(super) fn missing(question: &Question<'_>, measured: &Measured, levels: LevelsInForce) -> Option<u64> {
    if question.nothing_to_compare_with().is_some() {
        return None;
    }
    let n = measured.n;
    let planned = planned(question, measured, levels).unwrap_or(0).max(question.floor);
    if planned > n {
        return Some(planned - n);
    }
    // As many as planned are there and it is still held: plan for the effect that was seen.
    let total = scaled(measured, question, levels, Truth::AsObserved)?;
    Some(total.saturating_sub(n).max(1))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Truth {
    NoDifference,
    AsObserved,
}

fn planned(question: &Question<'_>, measured: &Measured, levels: LevelsInForce) -> Option<u64> {
    match &question.data {
        Data::PairedShare(counts) => {
            let exact = power::for_zero_events(question.margin, levels.go).ok()?;
            let (n, effect) = (measured.n as f64, measured.estimate.unwrap_or(0.0));
            if measured.n == 0 || counts.discordant() == 0 {
                return Some(exact);
            }
            let variance = (counts.discordant() as f64 / n - effect * effect).max(0.0);
            let score = power::for_difference(variance, question.margin, levels.go, BETA).ok()?;
            Some(score.max(exact))
        }
        Data::CanaryErrors(_) | Data::CanaryCancellations(_) => {
            let exact = power::for_zero_events(question.margin, levels.go).ok()?;
            let bad = |share: Option<f64>| share.is_some_and(|share| share > 0.0);
            if !bad(measured.baseline_value) && !bad(measured.candidate_value) {
                Some(exact)
            } else {
                Some(scaled(measured, question, levels, Truth::NoDifference)?.max(exact))
            }
        }
        Data::PairedQuantile { share, .. } | Data::CanaryTtft { share, .. } => {
            scaled(measured, question, levels, Truth::NoDifference)
                .or_else(|| power::for_quantile(ASSUMED_LOG_SD, *share, question.margin, levels.go, BETA).ok())
        }
        Data::PairedCost { .. } => scaled(measured, question, levels, Truth::NoDifference),
    }
}

/// `n ((1 + z_b / z_a) half / distance)^2`: the observed half-width carries the observed variance.
fn scaled(measured: &Measured, question: &Question<'_>, levels: LevelsInForce, truth: Truth) -> Option<u64> {
    let on_scale = |value: f64| match question.scale() {
        Scale::Difference => value,
        Scale::Ratio => value.ln(),
    };
    let estimate = on_scale(measured.estimate?);
    let half = on_scale(measured.upper?) - estimate;
    let effect = if truth == Truth::AsObserved { estimate.max(0.0) } else { 0.0 };
    // A margin that allows no increase (a cost ratio of 1 or below) can only be met by the saving that was seen.
    let margin = on_scale(question.margin);
    let effect = if margin <= 0.0 { estimate } else { effect };
    let distance = margin - effect;
    if !(distance > 0.0 && half.is_finite()) {
        return None;
    }
    let factor = (1.0 + normal_quantile(1.0 - BETA) / normal_quantile(1.0 - levels.go)) * half / distance;
    let total = measured.n as f64 * factor * factor;
    (total.is_finite() && total < 1e15).then_some(total.ceil() as u64)
}
