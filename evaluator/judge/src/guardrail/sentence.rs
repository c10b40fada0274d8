//! One sentence per guardrail: why it stands where it stands.

use super::measure::Measured;
use super::questions::Question;
use super::{Doubts, JudgedEpoch, LevelsInForce};
use crate::decide::FEWER_FLAGS;
use crate::verdict::{Scale, State};
use crate::words;

pub(super) fn why(
    question: &Question<'_>,
    measured: &Measured,
    state: State,
    missing: Option<u64>,
    levels: LevelsInForce,
    doubts: Doubts<'_>,
) -> String {
    let scale = question.scale();
    let metric = words::metric(&question.metric, &question.segment);
    let margin = words::effect(question.margin, scale);
    let values = values(question, measured);
    let bound = |value: Option<f64>| value.map_or_else(|| "unbounded".to_owned(), |value| words::effect(value, scale));
    let (upper, lower) = (bound(measured.upper), bound(measured.lower));
    let estimate = bound(measured.estimate);
    let (sure, surer) = (words::confidence(levels.go), words::confidence(levels.alarm));
    let verdict = match state {
        State::Pass => format!("with {sure} confidence no worse than {upper}, below the margin of {margin}"),
        State::PassRegressed => format!(
            "within the margin of {margin} (no worse than {upper}), yet proven worse than the baseline (at least {lower})"
        ),
        State::Fail if question.metric == FEWER_FLAGS => format!(
            "with {surer} confidence fewer by at least {lower}, beyond the margin of {margin}; a milder model, or answers that \
             the guard cannot read: look at some before the weight moves, and raise `fewer_margin_points` if they are milder"
        ),
        State::Fail => format!("with {surer} confidence worse by at least {lower}, beyond the margin of {margin}"),
        State::Futile => format!(
            "the estimate is {estimate}, and there is next to no chance that more evidence brings it below the margin of \
             {margin}"
        ),
        State::HoldConflict => {
            let conflict = measured.conflict.as_deref().unwrap_or("pairs and served traffic disagree");
            format!("{conflict}; both cannot be right, so find out what differs before the weight moves")
        }
        State::HoldInstrument => {
            let alarm = doubts.alarms.first().map_or("an alarm", String::as_str);
            format!("no worse than {upper}, below the margin of {margin}, but the measuring is in doubt: {alarm}")
        }
        State::HoldInsufficient => match doubts.epoch.filter(|_| super::proven(question, measured)) {
            Some(epoch) => format!("no worse than {upper}, below the margin of {margin}, but {}", thin(epoch)),
            None => insufficient(question, measured, missing, &upper, &margin),
        },
    };
    let verdict = verdict.trim_end_matches('.');
    format!("{}{values}: {verdict}.", capitalised(&metric))
}

/// ` (candidate 1.20 %, baseline 1.00 %)`, as far as known.
fn values(question: &Question<'_>, measured: &Measured) -> String {
    let own = |value: Option<f64>| value.map(|value| words::own_value(&question.metric, value));
    match (own(measured.candidate_value), own(measured.baseline_value)) {
        (Some(candidate), Some(baseline)) => format!(" (candidate {candidate}, baseline {baseline})"),
        (Some(candidate), None) => format!(" (candidate {candidate}, no finite baseline value)"),
        (None, Some(baseline)) => format!(" (no finite candidate value, baseline {baseline})"),
        (None, None) => String::new(),
    }
}

fn insufficient(
    question: &Question<'_>,
    measured: &Measured,
    missing: Option<u64>,
    upper: &str,
    margin: &str,
) -> String {
    let unit = words::observations(question.evidence());
    let n = words::count(measured.n);
    let more = missing.map_or_else(String::new, |more| format!("; about {} more needed", words::count(more)));
    if let Some(served) = question.nothing_to_compare_with() {
        return format!(
            "the baseline served nothing, so there is no baseline to compare the candidate's {} requests with",
            words::count(served)
        );
    }
    if measured.n == 0 {
        return format!("no {unit} yet, and missing evidence is never a pass{more}");
    }
    if let Some(problem) = &measured.problem {
        return format!("cannot be judged over {n} {unit}: {problem}{more}");
    }
    if measured.n < question.floor {
        return format!("only {n} of at least {} {unit}{more}", words::count(question.floor));
    }
    if measured.upper.is_none() {
        return format!("no finite upper bound over {n} {unit}{more}");
    }
    let beyond = measured.estimate.is_some_and(|estimate| estimate >= question.margin);
    if beyond {
        let estimate = measured.estimate.map_or_else(String::new, |value| words::effect(value, question.scale()));
        return format!(
            "the estimate of {estimate} is not below the margin of {margin}, but not proven beyond it{more}"
        );
    }
    let worse = if question.scale() == Scale::Ratio { "may be as high as" } else { "may be worse by up to" };
    format!("{worse} {upper}, margin {margin}, over {n} {unit}{more}")
}

/// The judged epoch holds too little of its own.
fn thin(epoch: JudgedEpoch) -> String {
    format!(
        "the newest epoch itself holds only {} of at least {} observations; about {} more needed",
        words::count(epoch.observations),
        words::count(epoch.floor),
        words::count(epoch.missing())
    )
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
