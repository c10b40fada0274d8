//! What the looks found: lanes below the weight, and the times in which nobody looked.

use judge::verdict::{Decision, State};
use std::collections::BTreeMap;

use super::look::Look;

/// Lanes of guardrails that are drawn; those that were worst come first.
const GUARDRAILS_MAX: usize = 14;
/// A time without a look is one that is so many times as long as the usual one.
const GAP_TIMES: i64 = 4;
/// Looks that are drawn; of more the newest.
const LOOKS_MAX: usize = 20_000;

/// What held from one look to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span<T> {
    pub(super) from_us: i64,
    pub(super) to_us: i64,
    pub(super) value: T,
}

/// One guardrail over time: its worst state at each look, whichever part of the traffic has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) metric: String,
    pub(super) spans: Vec<Span<State>>,
}

/// All that the looks say.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Lanes {
    pub(super) looks: usize,
    pub(super) verdicts: Vec<Span<Decision>>,
    pub(super) guardrails: Vec<Lane>,
    /// Guardrails that were within their margins or undecided throughout, for which there is no room.
    pub(super) left_out: usize,
    pub(super) extra_failures: Vec<(i64, f64)>,
    /// What copies cost: decimal numbers with their currency.
    pub(super) shadow: Vec<(i64, (String, String))>,
    /// Times in which nobody looked.
    pub(super) gaps: Vec<(i64, i64)>,
}

/// How bad a state is.
const fn severity(state: State) -> u8 {
    match state {
        State::Pass => 0,
        State::PassRegressed => 1,
        State::HoldInsufficient => 2,
        State::HoldInstrument => 3,
        State::HoldConflict => 4,
        State::Futile => 5,
        State::Fail => 6,
    }
}

/// The worse of two.
pub(super) const fn worse(a: State, b: State) -> State {
    if severity(b) > severity(a) { b } else { a }
}

/// Lanes of the looks, until `end_us`.
pub(super) fn lanes(looks: &[Look], end_us: i64) -> Lanes {
    let mut looks: Vec<&Look> = looks.iter().collect();
    looks.sort_by(|a, b| (a.at_us, &a.digest).cmp(&(b.at_us, &b.digest)));
    let looks = looks.split_off(looks.len().saturating_sub(LOOKS_MAX));
    let usual = usual_distance(&looks);
    let held = held(&looks, end_us, usual);
    let mut lanes = Lanes { looks: looks.len(), ..Lanes::default() };
    for ((look, until), next) in looks.iter().zip(&held).zip(looks.iter().skip(1).map(Some).chain([None])) {
        push(&mut lanes.verdicts, look.at_us, *until, look.decision);
        if let Some(next) = next.filter(|next| *until < next.at_us) {
            lanes.gaps.push((*until, next.at_us));
        }
        lanes.extra_failures.extend(look.extra_failures.map(|spent| (look.at_us, spent)));
        lanes.shadow.extend(look.shadow.clone().map(|sum| (look.at_us, sum)));
    }
    (lanes.guardrails, lanes.left_out) = guardrails(&looks, &held);
    lanes
}

/// The median time between two looks.
fn usual_distance(looks: &[&Look]) -> i64 {
    let mut distances: Vec<i64> =
        looks.iter().zip(looks.iter().skip(1)).map(|(a, b)| b.at_us.saturating_sub(a.at_us)).collect();
    distances.sort_unstable();
    distances.get(distances.len() / 2).copied().unwrap_or(0)
}

/// Until when each look speaks: until the next one, or a usual distance where that is far too late.
fn held(looks: &[&Look], end_us: i64, usual: i64) -> Vec<i64> {
    let until = |look: &Look, next: Option<&&Look>| match next {
        Some(next) if next.at_us.saturating_sub(look.at_us) > usual.saturating_mul(GAP_TIMES) && usual > 0 => {
            look.at_us.saturating_add(usual)
        }
        Some(next) => next.at_us,
        None => end_us.max(look.at_us).min(look.at_us.saturating_add(usual.max(1))),
    };
    looks.iter().enumerate().map(|(index, look)| until(look, looks.get(index + 1))).collect()
}

/// Adds what held, to the one before where that says the same and ends there.
fn push<T: PartialEq>(spans: &mut Vec<Span<T>>, from_us: i64, to_us: i64, value: T) {
    match spans.last_mut() {
        Some(last) if last.value == value && last.to_us >= from_us => last.to_us = to_us,
        _ => spans.push(Span { from_us, to_us, value }),
    }
}

/// A lane a metric, the worst first, then in the policy's order; and how many have no room.
fn guardrails(looks: &[&Look], held: &[i64]) -> (Vec<Lane>, usize) {
    let mut order: Vec<&str> = Vec::new();
    let mut worst: BTreeMap<&str, State> = BTreeMap::new();
    for look in looks {
        for (metric, state, _) in look.guardrails.iter().filter(is_shown) {
            if !worst.contains_key(metric.as_str()) {
                order.push(metric);
            }
            worst.entry(metric).and_modify(|known| *known = worse(*known, *state)).or_insert(*state);
        }
    }
    let badness = |metric: &&str| std::cmp::Reverse(worst.get(metric).map_or(0, |state| severity(*state).max(2)));
    order.sort_by_key(badness);
    let left_out = order.len().saturating_sub(GUARDRAILS_MAX);
    order.truncate(GUARDRAILS_MAX);
    let lane = |metric: &str| {
        let mut spans = Vec::new();
        for (look, until) in looks.iter().zip(held) {
            let of = look.guardrails.iter().filter(is_shown).filter(|(name, ..)| name == metric);
            if let Some(state) = of.map(|(_, state, _)| *state).reduce(worse) {
                push(&mut spans, look.at_us, *until, state);
            }
        }
        Lane { metric: metric.to_owned(), spans }
    };
    (order.into_iter().map(lane).collect(), left_out)
}

/// What a GO needs, and what fails.
const fn is_shown((_, state, decides): &&(String, State, bool)) -> bool {
    *decides || matches!(state, State::Fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn look(minute: i64, states: &[(&str, State)]) -> Look {
        Look {
            folder: None,
            digest: format!("{minute}"),
            at_us: minute * MINUTE,
            created_at: String::new(),
            epoch: 1,
            weight_percent: 1.0,
            decision: Decision::Hold,
            reason: String::new(),
            guardrails: states.iter().map(|(metric, state)| ((*metric).to_owned(), *state, true)).collect(),
            extra_failures: Some(minute as f64),
            shadow: None,
        }
    }

    #[test]
    fn equal_looks_are_one_span_and_a_pause_is_a_gap() {
        let waits = [("errors", State::HoldInsufficient), ("errors", State::Pass)];
        let fails = [("errors", State::Pass), ("errors", State::Fail)];
        let looks = [look(40, &fails), look(0, &waits), look(1, &waits), look(2, &waits), look(41, &fails)];
        let lanes = lanes(&looks, 60 * MINUTE);
        assert_eq!(lanes.gaps, [(3 * MINUTE, 40 * MINUTE)]);
        let span = |from: i64, to: i64, value| Span { from_us: from * MINUTE, to_us: to * MINUTE, value };
        assert_eq!(lanes.guardrails[0].spans, [span(0, 3, State::HoldInsufficient), span(40, 42, State::Fail)]);
        assert_eq!(lanes.verdicts.len(), 2);
        assert_eq!(lanes.extra_failures.last(), Some(&(41 * MINUTE, 41.0)));
    }

    #[test]
    fn the_worst_lanes_come_first_and_the_others_are_counted() {
        let names: Vec<String> = (0..20).map(|index| format!("m{index:02}")).collect();
        let mut states: Vec<(&str, State)> = names.iter().map(|name| (name.as_str(), State::Pass)).collect();
        states[17].1 = State::Fail;
        let lanes = lanes(&[look(0, &states)], MINUTE);
        assert_eq!((lanes.guardrails[0].metric.as_str(), lanes.guardrails[1].metric.as_str()), ("m17", "m00"));
        assert_eq!((lanes.guardrails.len(), lanes.left_out), (GUARDRAILS_MAX, 6));
    }
}
