//! Guardrails: one question each, its numbers, and the state that follows from them.
//!
//! The state comes from two bounds and nothing else. The upper bound at the GO level must be below the margin to
//! pass; the lower bound at the alarm level must be above it to fail; everything between, and everything that could
//! not be computed, holds. The alarm level is split evenly over all guardrails asked (Bonferroni), whereas the GO
//! level is not split, because *all* of them have to pass (intersection-union, Berger 1982).

mod measure;
mod needed;
mod questions;
mod sentence;

pub use questions::FIXED_GUARDRAILS;
pub(crate) use questions::{Question, questions};

use crate::evidence::Evidence;
use crate::policy::Policy;
use crate::verdict::{Guardrail, Needed, Scale, State};
use measure::Measured;

/// A guardrail with what it still needs.
pub(crate) struct Answer {
    pub(crate) guardrail: Guardrail,
    pub(crate) needed: Option<Needed>,
}

/// Levels at which every guardrail of one judgement is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LevelsInForce {
    /// One-sided level of the upper bound.
    pub(crate) go: f64,
    /// One-sided level of the lower bound, after the split.
    pub(crate) alarm: f64,
}

impl LevelsInForce {
    /// Splits the alarm level over `family` guardrails.
    pub(crate) fn new(policy: &Policy, family: usize) -> Self {
        Self { go: policy.levels.alpha_go, alarm: policy.levels.alpha_nogo / family.max(1) as f64 }
    }
}

/// What the judged epoch itself holds. Pairs of earlier epochs may count, but not alone: they say nothing about what
/// runs now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JudgedEpoch {
    pub(crate) observations: u64,
    pub(crate) floor: u64,
}

impl JudgedEpoch {
    /// An epoch that holds too little to pass anything; `None` if it holds enough, or is all there is.
    pub(crate) fn new(evidence: &Evidence, policy: &Policy) -> Option<Self> {
        let floor = policy.floors.pairs;
        let observations = evidence.judged_epoch_observations.filter(|observations| *observations < floor)?;
        Some(Self { observations, floor })
    }

    pub(crate) const fn missing(self) -> u64 {
        self.floor.saturating_sub(self.observations)
    }
}

/// What keeps a proven guardrail from passing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doubts<'a> {
    /// The instrument's alarms that concern the guardrail's segment.
    pub(crate) alarms: &'a [String],
    /// The judged epoch, if it holds too little.
    pub(crate) epoch: Option<JudgedEpoch>,
}

/// Asks one guardrail. `per_hour` is the rate at which its observations come in, if known.
pub(crate) fn answer(
    question: &Question<'_>,
    levels: LevelsInForce,
    doubts: Doubts<'_>,
    per_hour: Option<f64>,
) -> Answer {
    let measured = measure::measure(question, levels);
    let state = state(question, &measured, doubts);
    let missing = match (state, doubts.epoch) {
        (State::HoldInsufficient, Some(epoch)) if proven(question, &measured) => Some(epoch.missing()),
        (State::HoldInsufficient, _) => needed::missing(question, &measured, levels),
        _ => None,
    };
    let why = sentence::why(question, &measured, state, missing, levels, doubts);
    let needed = (state == State::HoldInsufficient).then(|| Needed {
        metric: question.metric.clone(),
        segment: question.segment.to_owned(),
        pairs: missing,
        hours: missing.zip(per_hour).filter(|(_, rate)| *rate > 0.0).map(|(pairs, rate)| pairs as f64 / rate),
    });
    let guardrail = Guardrail {
        metric: question.metric.clone(),
        segment: question.segment.to_owned(),
        state,
        scale: question.scale(),
        estimate: measured.estimate,
        lower: measured.lower,
        upper: measured.upper,
        margin: question.margin,
        alpha: levels.go,
        alpha_alarm: levels.alarm,
        n: measured.n,
        baseline_value: measured.baseline_value,
        candidate_value: measured.candidate_value,
        method: measured.method,
        direction: "lower-is-better".to_owned(),
        why,
    };
    Answer { guardrail, needed }
}

/// Enough observations, and the upper bound is below the margin.
fn proven(question: &Question<'_>, measured: &Measured) -> bool {
    measured.n >= question.floor && measured.upper.is_some_and(|upper| upper < question.margin)
}

fn state(question: &Question<'_>, measured: &Measured, doubts: Doubts<'_>) -> State {
    if measured.lower.is_some_and(|lower| lower > question.margin) {
        return State::Fail;
    }
    if !proven(question, measured) || doubts.epoch.is_some() {
        return State::HoldInsufficient;
    }
    if !doubts.alarms.is_empty() {
        return State::HoldInstrument;
    }
    let no_effect = match question.scale() {
        Scale::Difference => 0.0,
        Scale::Ratio => 1.0,
    };
    if measured.lower.is_some_and(|lower| lower > no_effect) { State::PassRegressed } else { State::Pass }
}
