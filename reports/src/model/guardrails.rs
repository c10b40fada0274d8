//! Guardrails in real units.

use judge::verdict::{Decision, EvidenceKind, Guardrail, Scale, State, Verdict};
use serde::Serialize;

use super::names;
use crate::charts::inputs::{effect, effect_or_nothing};
use crate::format;
use crate::states;

/// Guardrails of one part of the traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct GuardrailGroup {
    /// Which part.
    pub(crate) title: String,
    /// Its guardrails, in the policy's order.
    pub(crate) rows: Vec<GuardrailView>,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct GuardrailView {
    /// What it measures, with its part of the traffic.
    pub(crate) label: String,
    /// What it measures.
    pub(crate) metric: String,
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
    /// What the metric asks where its name may be misread, and what it stands on: `pairs · 141 events`.
    pub(crate) basis: String,
    /// What resemblance costs: `design effect 1.8, 43 clusters`; empty where it costs nothing.
    pub(crate) resemblance: String,
    /// Method, as the verdict spells it.
    pub(crate) method: String,
    /// One-sided levels of both bounds.
    pub(crate) levels: String,
}

/// Those that a GO needs, by part of the traffic, everything first.
pub(super) fn deciding(verdict: &Verdict) -> Vec<GuardrailGroup> {
    groups(verdict, |g| g.decides)
}

/// Those that are only watched.
pub(super) fn watched(verdict: &Verdict) -> Vec<GuardrailGroup> {
    groups(verdict, |g| !g.decides)
}

fn groups(verdict: &Verdict, pick: impl Fn(&Guardrail) -> bool) -> Vec<GuardrailGroup> {
    let currency = &verdict.bill.currency;
    by_segment(verdict.guardrails.iter().filter(|g| pick(g)))
        .into_iter()
        .map(|(segment, rows)| GuardrailGroup {
            title: names::segment(segment),
            rows: rows.into_iter().map(|g| view(g, currency)).collect(),
        })
        .collect()
}

/// Guardrails by part of the traffic: everything first, then in the order in which the parts appear.
pub(crate) fn by_segment<'a>(guardrails: impl Iterator<Item = &'a Guardrail>) -> Vec<(&'a str, Vec<&'a Guardrail>)> {
    let mut groups: Vec<(&str, Vec<&Guardrail>)> = Vec::new();
    for guardrail in guardrails {
        match groups.iter_mut().find(|(segment, _)| *segment == guardrail.segment) {
            Some((_, rows)) => rows.push(guardrail),
            None => groups.push((&guardrail.segment, vec![guardrail])),
        }
    }
    groups.sort_by_key(|(segment, _)| *segment != "all");
    groups
}

pub(crate) fn view(guardrail: &Guardrail, currency: &str) -> GuardrailView {
    let bound = |value: Option<f64>| value.map_or_else(|| "unbounded".to_owned(), |v| effect(guardrail.scale, v));
    let has_evidence = guardrail.estimate.is_some() || guardrail.lower.is_some() || guardrail.upper.is_some();
    let bound = |value| if has_evidence { bound(value) } else { format::NOTHING.to_owned() };
    GuardrailView {
        label: names::guardrail(&guardrail.metric, &guardrail.segment),
        metric: names::metric(&guardrail.metric),
        state: states::name(guardrail.state),
        word: states::word(guardrail.state),
        sign: states::sign(guardrail.state),
        // A pass needs no words: its figures stand beside it. Doubt has one cause for all, said by the alarms.
        why: match guardrail.state {
            State::Pass | State::HoldInstrument => String::new(),
            State::PassRegressed | State::Fail | State::Futile | State::HoldConflict | State::HoldInsufficient => {
                guardrail.why.clone()
            }
        },
        baseline: own_value(guardrail, guardrail.baseline_value, currency),
        candidate: own_value(guardrail, guardrail.candidate_value, currency),
        measured: effect_or_nothing(guardrail, guardrail.estimate),
        lower: bound(guardrail.lower),
        upper: bound(guardrail.upper),
        allowed: effect(guardrail.scale, guardrail.margin),
        n: format::count(guardrail.n),
        basis: basis(guardrail),
        resemblance: resemblance(guardrail),
        method: guardrail.method.clone(),
        levels: format!("{} / {}", format::level(guardrail.alpha_alarm), format::level(guardrail.alpha)),
    }
}

/// `only the baseline blocked it · pairs · 9 events · design effect 1.8, 43 clusters`.
fn basis(guardrail: &Guardrail) -> String {
    let evidence = match guardrail.evidence {
        EvidenceKind::Paired => "pairs",
        EvidenceKind::Served => "served requests, the smaller arm's",
        EvidenceKind::Combined => "pairs and served requests",
    };
    let events = guardrail.events.map_or_else(String::new, |events| format!("{} events", format::count(events)));
    let parts = [names::remark(&guardrail.metric).to_owned(), evidence.to_owned(), events, resemblance(guardrail)];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

/// `design effect 1.8, 43 clusters`, where requests of one consumer resemble each other.
fn resemblance(guardrail: &Guardrail) -> String {
    if guardrail.design_effect.is_nan() || guardrail.design_effect < NOTEWORTHY_DESIGN_EFFECT {
        return String::new();
    }
    let clusters = guardrail.clusters_effective.filter(|clusters| clusters.is_finite());
    let clusters = clusters.map_or_else(String::new, |clusters| format!(", {} clusters", format::few(clusters)));
    format!("design effect {}{clusters}", format::few(guardrail.design_effect))
}

/// What rounds to 1 is not worth a word.
const NOTEWORTHY_DESIGN_EFFECT: f64 = 1.05;

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

/// How many guardrails stand out at most: more is a list, which follows below.
const NOTABLE_AT_MOST: usize = 12;

/// The guardrails to know about before anything else, the gravest first, with how many more there are: worse than
/// allowed, without a chance, contradicted, worse than before, or undecided without a figure for what is still needed.
pub(super) fn notable(verdict: &Verdict) -> (Vec<GuardrailView>, usize) {
    let is_needed = |g: &Guardrail| verdict.needed.iter().any(|n| n.metric == g.metric && n.segment == g.segment);
    // After a NO-GO nothing is waited for.
    let waits = verdict.verdict != Decision::NoGo;
    let rank = |g: &Guardrail| match g.state {
        State::Fail => Some(0),
        State::Futile => Some(1),
        State::HoldConflict if g.decides => Some(2),
        State::PassRegressed => Some(3),
        State::HoldInsufficient if g.decides && waits && !is_needed(g) => Some(4),
        State::Pass | State::HoldInstrument | State::HoldConflict | State::HoldInsufficient => None,
    };
    let mut notable: Vec<(u8, &Guardrail)> =
        verdict.guardrails.iter().filter_map(|g| rank(g).map(|rank| (rank, g))).collect();
    notable.sort_by_key(|(rank, _)| *rank);
    let more = notable.len().saturating_sub(NOTABLE_AT_MOST);
    let shown = notable.into_iter().take(NOTABLE_AT_MOST);
    (shown.map(|(_, g)| view(g, &verdict.bill.currency)).collect(), more)
}

/// `6 within margin · 1 within, but worse · 2 not decided`, of those that decide; what is only watched is named where
/// it fails.
pub(super) fn summary(verdict: &Verdict) -> String {
    let count = |decides: bool, state: State| {
        verdict.guardrails.iter().filter(|g| g.decides == decides && g.state == state).count()
    };
    let mut parts: Vec<String> = states::ALL
        .into_iter()
        .map(|state| (count(true, state), state))
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{count} {}", states::word(state)))
        .collect();
    let failing = count(false, State::Fail);
    if failing > 0 {
        parts.push(format!("{failing} beyond margin of those only watched"));
    }
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
            evidence: EvidenceKind::Paired,
            decides: true,
            events: None,
            design_effect: 1.0,
            clusters_effective: Some(300.0),
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

    #[test]
    fn resemblance_is_shown_where_it_costs_something() {
        let mut g = guardrail("errors", Scale::Difference);
        assert_eq!(view(&g, "USD").resemblance, "");
        g.design_effect = 1.84;
        g.clusters_effective = Some(43.4);
        assert_eq!(view(&g, "USD").resemblance, "design effect 1.8, 43 clusters");
        g.clusters_effective = None;
        assert_eq!(view(&g, "USD").resemblance, "design effect 1.8");
        g.events = Some(12);
        assert_eq!(view(&g, "USD").basis, "pairs · 12 events · design effect 1.8");
    }

    #[test]
    fn parts_of_the_traffic_keep_together_and_everything_comes_first() {
        let of = |metric: &str, segment: &str| Guardrail {
            segment: segment.to_owned(),
            ..guardrail(metric, Scale::Difference)
        };
        let rows = [of("rate_limited", "canary"), of("errors", "all"), of("errors", "model=a"), of("cost", "all")];
        let groups = by_segment(rows.iter());
        let said: Vec<(&str, usize)> = groups.iter().map(|(segment, rows)| (*segment, rows.len())).collect();
        assert_eq!(said, [("all", 2), ("canary", 1), ("model=a", 1)]);
    }
}
