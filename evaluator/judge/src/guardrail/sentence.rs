//! One sentence per guardrail: why it stands where it stands.

use super::LevelsInForce;
use super::measure::Measured;
use super::questions::Question;
use crate::verdict::{Scale, State};
use crate::words;

pub(super) fn why(
    question: &Question<'_>,
    measured: &Measured,
    state: State,
    missing: Option<u64>,
    levels: LevelsInForce,
    alarms: &[String],
) -> String {
    let scale = question.scale();
    let metric = words::metric(&question.metric, question.segment);
    let margin = words::effect(question.margin, scale);
    let values = values(question, measured);
    let bound = |value: Option<f64>| value.map_or_else(|| "unbounded".to_owned(), |value| words::effect(value, scale));
    let (upper, lower) = (bound(measured.upper), bound(measured.lower));
    let (sure, surer) = (words::confidence(levels.go), words::confidence(levels.alarm));
    let verdict = match state {
        State::Pass => format!("with {sure} confidence no worse than {upper}, below the margin of {margin}"),
        State::PassRegressed => format!(
            "within the margin of {margin} (no worse than {upper}), yet proven worse than the baseline (at least {lower})"
        ),
        State::Fail => format!("with {surer} confidence worse by at least {lower}, beyond the margin of {margin}"),
        State::HoldInstrument => {
            let alarm = alarms.first().map_or("an alarm", String::as_str);
            format!("no worse than {upper}, below the margin of {margin}, but the measuring is in doubt: {alarm}")
        }
        State::HoldInsufficient => insufficient(question, measured, missing, &upper, &margin),
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
    let unit = words::observations(question.segment);
    let n = words::count(measured.n);
    let more = missing.map_or_else(String::new, |more| format!("; about {} more needed", words::count(more)));
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

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
