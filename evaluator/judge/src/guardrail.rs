//! Guardrails: one question each, its numbers, and the state that follows from them.
//!
//! The state comes from two bounds and nothing else. The upper bound at the GO level must be within the margin to
//! pass; the lower bound at the alarm level must be beyond it to fail; everything between, and everything that could
//! not be computed, holds. The alarm level is split evenly over all guardrails asked (Bonferroni), whereas the GO
//! level is not split, because *all* of them have to pass (intersection-union, Berger 1982).

mod independence;
mod measure;
mod needed;
pub mod quantiles;
mod questions;
mod sentence;
mod views;

pub(crate) use needed::clean_at_any_look;
pub(crate) use questions::{Question, questions};
pub(crate) use views::Views;

use crate::evidence::Evidence;
use crate::policy::{Looks, Policy};
use crate::stats::power;
use crate::verdict::{Guardrail, Needed, State};
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
    /// Accepted chance that an equal candidate does not pass with the planned evidence.
    pub(crate) beta: f64,
    /// How often one looks.
    pub(crate) looks: Looks,
    /// Starts that restarted alarms are averaged over.
    pub(crate) planned_starts: u64,
    /// Events below which the exact bound stands in for the asymptotic one.
    pub(crate) events: u64,
    /// Effective clusters without which nothing passes.
    pub(crate) clusters: u64,
}

impl LevelsInForce {
    /// Splits the alarm level over `family` guardrails.
    pub(crate) fn new(policy: &Policy, family: usize) -> Self {
        Self {
            go: policy.levels.alpha_go,
            alarm: policy.levels.alpha_nogo / family.max(1) as f64,
            beta: policy.levels.beta,
            looks: policy.levels.looks,
            planned_starts: policy.levels.planned_starts,
            events: policy.floors.events,
            clusters: policy.floors.clusters,
        }
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
    /// The instrument's alarms that concern the guardrail's evidence.
    pub(crate) alarms: &'a [String],
    /// The judged epoch, if it holds too little.
    pub(crate) epoch: Option<JudgedEpoch>,
}

/// Asks all guardrails. `doubts` names what concerns a guardrail's evidence, `per_hour` the rate at which its
/// observations come in, if known.
pub(crate) fn answers<'d>(
    questions: &[Question<'_>],
    levels: LevelsInForce,
    policy: &Policy,
    doubts: impl Fn(&Question<'_>) -> Doubts<'d>,
    per_hour: impl Fn(&Question<'_>) -> Option<f64>,
) -> Vec<Answer> {
    let measured: Vec<Measured> = questions.iter().map(|question| measure::measure(question, levels)).collect();
    let reach = reach(questions, &measured, policy);
    let asked = questions.iter().zip(measured);
    asked
        .map(|(question, measured)| {
            answer(question, &measured, reach, levels, policy, doubts(question), per_hour(question))
        })
        .collect()
}

/// What a guardrail's numbers say, and nothing about why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    pub(crate) n: u64,
    pub(crate) estimate: Option<f64>,
    pub(crate) lower: Option<f64>,
    pub(crate) upper: Option<f64>,
    pub(crate) state: State,
}

/// The numbers of all guardrails, with nothing that casts doubt on them.
pub(crate) fn numbers(questions: &[Question<'_>], levels: LevelsInForce, policy: &Policy) -> Vec<Numbers> {
    let measured: Vec<Measured> = questions.iter().map(|question| measure::measure(question, levels)).collect();
    let reach = reach(questions, &measured, policy);
    let doubts = Doubts { alarms: &[], epoch: None };
    let asked = questions.iter().zip(&measured);
    asked
        .map(|(question, measured)| Numbers {
            n: measured.n,
            estimate: measured.estimate,
            lower: measured.lower,
            upper: measured.upper,
            state: state(question, measured, reach, levels, policy, doubts),
        })
        .collect()
}

fn answer(
    question: &Question<'_>,
    measured: &Measured,
    reach: f64,
    levels: LevelsInForce,
    policy: &Policy,
    doubts: Doubts<'_>,
    per_hour: Option<f64>,
) -> Answer {
    let state = state(question, measured, reach, levels, policy, doubts);
    let missing = match (state, doubts.epoch) {
        (State::HoldInsufficient, Some(epoch)) if proven(question, measured) => Some(epoch.missing()),
        (State::HoldInsufficient, _) => needed::missing(question, measured, levels),
        _ => None,
    };
    let why = sentence::why(question, measured, state, missing, levels, doubts);
    let needed = (state == State::HoldInsufficient && question.decides).then(|| Needed {
        metric: question.metric.clone(),
        segment: question.segment.clone(),
        pairs: missing,
        hours: missing.zip(per_hour).filter(|(_, rate)| *rate > 0.0).map(|(pairs, rate)| pairs as f64 / rate),
    });
    let guardrail = Guardrail {
        metric: question.metric.clone(),
        segment: question.segment.clone(),
        evidence: question.evidence(),
        decides: question.decides,
        state,
        scale: question.scale(),
        estimate: measured.estimate,
        lower: measured.lower,
        upper: measured.upper,
        margin: question.margin,
        alpha: levels.go,
        alpha_alarm: levels.alarm,
        n: measured.n,
        events: measured.events,
        design_effect: measured.design_effect,
        clusters_effective: measured.clusters_effective,
        baseline_value: measured.baseline_value,
        candidate_value: measured.candidate_value,
        method: measured.method.clone(),
        direction: "lower-is-better".to_owned(),
        why,
    };
    Answer { guardrail, needed }
}

/// Enough observations, and the upper bound is within the margin.
fn proven(question: &Question<'_>, measured: &Measured) -> bool {
    measured.n >= question.floor && measured.within && measured.problem.is_none()
}

fn state(
    question: &Question<'_>,
    measured: &Measured,
    reach: f64,
    levels: LevelsInForce,
    policy: &Policy,
    doubts: Doubts<'_>,
) -> State {
    if measured.beyond {
        return State::Fail;
    }
    if measured.conflict.is_some() {
        return State::HoldConflict;
    }
    if !proven(question, measured) || doubts.epoch.is_some() {
        // What an estimator refuses to answer, or what is below its floor, is not hopeless: it is not known.
        let known = measured.problem.is_none() && measured.n >= question.floor;
        let futile = question.decides && known && doubts.alarms.is_empty() && futile(measured, reach, levels, policy);
        return if futile { State::Futile } else { State::HoldInsufficient };
    }
    if !doubts.alarms.is_empty() {
        return State::HoldInstrument;
    }
    if measured.regressed { State::PassRegressed } else { State::Pass }
}

/// How many times today's evidence there will be at the horizon. The horizon is one for all guardrails, that of the one
/// that needs longest: the migration waits for it anyhow, so that a guardrail which is planned to be quick is not
/// hopeless merely because its own plan is over. What has passed needs no more time.
fn reach(questions: &[Question<'_>], measured: &[Measured], policy: &Policy) -> f64 {
    let waiting = questions.iter().zip(measured).filter(|(question, measured)| question.decides && !measured.within);
    let trends = waiting.filter_map(|(_, measured)| measured.trend);
    trends
        .map(|trend| policy.futility.horizon * trend.needed / trend.information)
        .filter(|reach| reach.is_finite())
        .fold(0.0, f64::max)
}

/// Whether the chance to pass by the horizon, if things go on as they stand, is next to nothing (statistics of the plan:
/// see [`power::futility`]). Not asked before a good part of the planned information is there, nor after the horizon.
fn futile(measured: &Measured, reach: f64, levels: LevelsInForce, policy: &Policy) -> bool {
    let rules = policy.futility;
    let Some(trend) = measured.trend.filter(|_| rules.enabled && !measured.within) else { return false };
    if trend.information < rules.from_share * trend.needed || reach <= 1.0 {
        return false;
    }
    let horizon = trend.information * reach;
    let Some(half_width) = measure::half_width(horizon, trend.planned, levels) else { return false };
    // Where an equal candidate could not pass either, the question is hopeless and not the candidate.
    if trend.equal.is_some_and(|equal| equal + half_width >= trend.margin) {
        return false;
    }
    power::futility(trend.estimate, trend.information, horizon, half_width, trend.margin)
        .is_ok_and(|power| power < rules.power_below)
}
