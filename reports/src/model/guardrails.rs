//! Guardrails in real units.

use judge::verdict::{Guardrail, Scale, State, Verdict};
use serde::Serialize;

use super::names;
use crate::charts::inputs::{effect, effect_or_nothing};
use crate::format;
use crate::states;

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct GuardrailView {
    /// What it measures.
    pub(crate) label: String,
    /// State in the verdict's spelling: the class name.
    pub(crate) state: &'static str,
    /// State in words.
    pub(crate) word: &'static str,
    /// State as a sign for plain text.
    pub(crate) sign: &'static str,
    /// Why this state; empty where its figures or the alarms say it already.
    pub(crate) why: String,
    /// The baseline's own value.
    pub(crate) baseline: String,
    /// The candidate's own value.
    pub(crate) candidate: String,
    /// Point estimate.
    pub(crate) measured: String,
    /// Lower bound.
    pub(crate) lower: String,
    /// Upper bound.
    pub(crate) upper: String,
    /// Margin.
    pub(crate) allowed: String,
    /// Observations.
    pub(crate) n: String,
    /// Method, as the verdict spells it.
    pub(crate) method: String,
    /// One-sided levels of both bounds.
    pub(crate) levels: String,
}

pub(super) fn views(verdict: &Verdict) -> Vec<GuardrailView> {
    verdict.guardrails.iter().map(|g| view(g, &verdict.bill.currency)).collect()
}

fn view(guardrail: &Guardrail, currency: &str) -> GuardrailView {
    let bound = |value: Option<f64>| value.map_or_else(|| "unbounded".to_owned(), |v| effect(guardrail.scale, v));
    let has_evidence = guardrail.estimate.is_some() || guardrail.lower.is_some() || guardrail.upper.is_some();
    let bound = |value| if has_evidence { bound(value) } else { format::NOTHING.to_owned() };
    GuardrailView {
        label: names::guardrail(&guardrail.metric, &guardrail.segment),
        state: states::name(guardrail.state),
        word: states::word(guardrail.state),
        sign: states::sign(guardrail.state),
        // A pass needs no words: its figures stand beside it. Doubt has one cause for all, said by the alarms.
        why: match guardrail.state {
            State::Pass | State::HoldInstrument => String::new(),
            State::PassRegressed | State::Fail | State::HoldInsufficient => guardrail.why.clone(),
        },
        baseline: own_value(guardrail, guardrail.baseline_value, currency),
        candidate: own_value(guardrail, guardrail.candidate_value, currency),
        measured: effect_or_nothing(guardrail, guardrail.estimate),
        lower: bound(guardrail.lower),
        upper: bound(guardrail.upper),
        allowed: effect(guardrail.scale, guardrail.margin),
        n: format::count(guardrail.n),
        method: guardrail.method.clone(),
        levels: format!("{} / {}", format::level(guardrail.alpha_alarm), format::level(guardrail.alpha)),
    }
}

/// An arm's own value. The verdict gives no unit; the scale and the metric's name say it.
fn own_value(guardrail: &Guardrail, value: Option<f64>, currency: &str) -> String {
    let Some(value) = value.filter(|v| !v.is_nan()) else { return format::NOTHING.to_owned() };
    match guardrail.scale {
        Scale::Difference => format::share(value),
        // Nano-units of the currency per request; people compare prices of a thousand.
        Scale::Ratio if guardrail.metric.starts_with("cost") => {
            format!("{}/1000", format::money_brief(&format!("{:.9}", value / 1e6), currency))
        }
        Scale::Ratio if is_time(&guardrail.metric) => format::micros(value),
        Scale::Ratio => format!("{value:.3}"),
    }
}

fn is_time(metric: &str) -> bool {
    ["ttft", "duration", "inter_token", "latency"].iter().any(|stem| metric.starts_with(stem))
}

/// The guardrails to know about before anything else: worse than allowed, worse than before, or undecided without a
/// figure for what is still needed.
pub(super) fn notable(verdict: &Verdict) -> Vec<GuardrailView> {
    let is_needed = |g: &Guardrail| verdict.needed.iter().any(|n| n.metric == g.metric && n.segment == g.segment);
    let is_notable = |g: &&Guardrail| match g.state {
        State::Fail | State::PassRegressed => true,
        State::HoldInsufficient => !is_needed(g),
        State::Pass | State::HoldInstrument => false,
    };
    let mut notable: Vec<&Guardrail> = verdict.guardrails.iter().filter(is_notable).collect();
    notable.sort_by_key(|g| g.state != State::Fail);
    notable.into_iter().map(|g| view(g, &verdict.bill.currency)).collect()
}

/// `6 within margin, 1 within, but worse, 2 not decided`.
pub(super) fn summary(verdict: &Verdict) -> String {
    let count = |state: State| verdict.guardrails.iter().filter(|g| g.state == state).count();
    let parts: Vec<String> = states::ALL
        .into_iter()
        .map(|state| (count(state), state))
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{count} {}", states::word(state)))
        .collect();
    if parts.is_empty() { "no guardrail was judged".to_owned() } else { parts.join(" · ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guardrail(metric: &str, scale: Scale) -> Guardrail {
        Guardrail {
            metric: metric.to_owned(),
            segment: "all".to_owned(),
            state: State::Pass,
            scale,
            estimate: None,
            lower: None,
            upper: None,
            margin: 1.15,
            alpha: 0.05,
            alpha_alarm: 0.00125,
            n: 6000,
            baseline_value: None,
            candidate_value: None,
            method: "tango-score".to_owned(),
            direction: "lower-is-better".to_owned(),
            why: String::new(),
        }
    }

    #[test]
    fn own_values_take_the_unit_of_their_metric() {
        let errors = guardrail("errors", Scale::Difference);
        assert_eq!(own_value(&errors, Some(0.0123), "USD"), "1.23%");
        assert_eq!(own_value(&guardrail("ttft_p95", Scale::Ratio), Some(1_240_000.0), "USD"), "1.24 s");
        // 1 847 213 nano-dollars a request are $1.85 per thousand.
        assert_eq!(own_value(&guardrail("cost", Scale::Ratio), Some(1_847_213.0), "USD"), "$1.85/1000");
        assert_eq!(own_value(&guardrail("words", Scale::Ratio), Some(80.25), "USD"), "80.250");
        assert_eq!(own_value(&guardrail("ttft_p95", Scale::Ratio), Some(f64::INFINITY), "USD"), "unbounded");
        assert_eq!(own_value(&errors, None, "USD"), format::NOTHING);
    }

    #[test]
    fn an_absent_bound_is_unbounded_only_where_there_is_evidence() {
        let mut g = guardrail("ttft_p95", Scale::Ratio);
        assert_eq!(view(&g, "USD").upper, format::NOTHING);
        g.estimate = Some(1.08);
        let view = view(&g, "USD");
        assert_eq!((view.upper.as_str(), view.measured.as_str()), ("unbounded", "+8.0%"));
        assert_eq!(view.levels, "0.125% / 5%");
    }
}
