//! What the last verdicts say, as they were given to the admin plane.

use super::super::names;
use super::super::readings::VerdictReading;
use super::Page;
use super::writer::{Writer, escaped};
use judge::verdict::{Decision, State};
use std::fmt;

const DECISIONS: [(Decision, &str); 3] = [(Decision::Go, "go"), (Decision::Hold, "hold"), (Decision::NoGo, "no-go")];

impl Page {
    pub(super) fn verdicts(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let migrations = self.readings.migrations.iter();
        let given: Vec<(_, &VerdictReading)> =
            migrations.filter_map(|one| Some((escaped(&one.name), one.verdict.as_ref()?))).collect();
        let decisions = given.iter().flat_map(|(name, one)| {
            DECISIONS.map(|(decision, text)| (vec![name.as_ref(), text], i64::from(decision == one.decision)))
        });
        writer.gauge(names::VERDICT, decisions)?;
        let ages = given.iter().filter_map(|(name, one)| Some((vec![name.as_ref()], one.age_us? / 1_000_000)));
        writer.gauge(names::VERDICT_AGE, ages)?;
        let in_force = given.iter().map(|(name, one)| (vec![name.as_ref()], i64::from(one.in_force)));
        writer.gauge(names::VERDICT_IN_FORCE, in_force)?;
        let guardrails: Vec<_> = given
            .iter()
            .flat_map(|(name, one)| one.guardrails.iter().map(move |guardrail| (name, guardrail)))
            .map(|(name, (metric, segment, state))| (name.as_ref(), escaped(metric), escaped(segment), word(*state)))
            .collect();
        let samples = guardrails
            .iter()
            .map(|(name, metric, segment, state)| (vec![*name, metric.as_ref(), segment.as_ref(), *state], 1_i64));
        writer.gauge(names::GUARDRAIL, samples)
    }
}

/// A state as the verdict's format writes it.
const fn word(state: State) -> &'static str {
    match state {
        State::Pass => "pass",
        State::PassRegressed => "pass-regressed",
        State::Fail => "fail",
        State::Futile => "futile",
        State::HoldInsufficient => "hold-insufficient",
        State::HoldInstrument => "hold-instrument",
        State::HoldConflict => "hold-conflict",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_format() {
        for state in [
            State::Pass,
            State::PassRegressed,
            State::Fail,
            State::Futile,
            State::HoldInsufficient,
            State::HoldInstrument,
            State::HoldConflict,
        ] {
            assert_eq!(serde_json::to_value(state).unwrap(), word(state));
        }
        for (decision, text) in DECISIONS {
            assert_eq!(serde_json::to_value(decision).unwrap(), text);
        }
    }
}
