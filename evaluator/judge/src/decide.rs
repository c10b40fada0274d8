//! From evidence and policy to GO, HOLD or NO-GO.
//!
//! NO-GO if any guardrail fails or a hard stop holds, whatever the instrument says: a doubtful measurement does not
//! excuse proven harm. GO only if every guardrail passes and the instrument is sound. HOLD otherwise, which includes
//! every kind of missing evidence.

use serde::Serialize;

use crate::evidence::Evidence;
use crate::guardrail::{self, Answer, Doubts, JudgedEpoch, LevelsInForce};
use crate::instrument;
use crate::policy::{HardStop, Policy};
use crate::verdict::{Decision, Guardrail, Instrument, Needed, State};
use crate::weight::{NextWeight, next_weight};
use crate::words::{self, CANARY};

/// What was decided; the evaluator adds where the evidence came from and makes it a [`crate::verdict::Verdict`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The answer.
    pub verdict: Decision,
    /// Why, most important first; full sentences.
    pub reasons: Vec<String>,
    /// All guardrails, in the policy's order.
    pub guardrails: Vec<Guardrail>,
    /// What is still missing, one entry per guardrail that lacks evidence.
    pub needed: Vec<Needed>,
    /// The given instrument, completed: mirror loss, sample-ratio test, alarms.
    pub instrument: Instrument,
    /// Recommended weight, percent.
    pub next_weight_percent: f64,
    /// What decided it: `risk`, `ladder`, `policy`, `verdict`.
    pub next_weight_bound: String,
}

/// Judges. Pure: the same evidence and policy give the same result, and nothing is too odd to be answered.
#[must_use]
pub fn judge(evidence: &Evidence, policy: &Policy) -> Judged {
    let (questions, left_out) = guardrail::questions(evidence, policy);
    let levels = LevelsInForce::new(policy, questions.len());
    let health = instrument::health(evidence, policy, levels);
    let epoch = JudgedEpoch::new(evidence, policy);
    let canary_rate = evidence.canary.as_ref().and_then(|canary| canary.candidate_requests_per_hour);
    let answers: Vec<Answer> = questions
        .iter()
        .map(|question| {
            let served = question.segment == CANARY;
            let alarms = if served { &health.canary } else { &health.paired };
            let rate = if served { canary_rate } else { evidence.pairs_per_hour };
            guardrail::answer(question, levels, Doubts { alarms, epoch }, rate)
        })
        .collect();

    let mut stops = evidence.hard_stops.clone();
    stops.extend(hard_stops(evidence, policy.hard_stop));
    let verdict = decide(&answers, &stops, &health.instrument);
    let next = next_weight(verdict, evidence, policy);
    let reasons = reasons(verdict, &answers, stops, &health.instrument, left_out, &next);
    let (guardrails, needed): (Vec<_>, Vec<_>) =
        answers.into_iter().map(|answer| (answer.guardrail, answer.needed)).unzip();
    Judged {
        verdict,
        reasons,
        guardrails,
        needed: needed.into_iter().flatten().collect(),
        instrument: health.instrument,
        next_weight_percent: next.percent,
        next_weight_bound: next.bound.to_owned(),
    }
}

fn decide(answers: &[Answer], stops: &[String], instrument: &Instrument) -> Decision {
    let any = |state: State| answers.iter().any(|answer| answer.guardrail.state == state);
    if !stops.is_empty() || any(State::Fail) {
        return Decision::NoGo;
    }
    let passes = |answer: &Answer| matches!(answer.guardrail.state, State::Pass | State::PassRegressed);
    if !answers.is_empty() && answers.iter().all(passes) && instrument.alarms.is_empty() {
        return Decision::Go;
    }
    Decision::Hold
}

/// The candidate's own error share, over the pairs and over served traffic, against the absolute limit.
fn hard_stops(evidence: &Evidence, limit: HardStop) -> Vec<String> {
    let pairs = &evidence.paired.errors;
    let served = evidence.canary.as_ref().map_or((0, 0), |canary| (canary.candidate.errors, canary.candidate.requests));
    [(pairs.candidate_bad(), pairs.pairs(), "paired"), (served.0, served.1, "served")]
        .into_iter()
        .filter(|(errors, n, _)| {
            *n >= limit.min_requests.max(1) && *errors as f64 / *n as f64 * 100.0 > limit.error_percent
        })
        .map(|(errors, n, kind)| {
            format!(
                "Hard stop: {} of {} {kind} candidate requests failed ({:.1} %, limit {}).",
                words::count(errors),
                words::count(n),
                errors as f64 / n as f64 * 100.0,
                words::percent(limit.error_percent)
            )
        })
        .collect()
}

fn reasons(
    verdict: Decision,
    answers: &[Answer],
    stops: Vec<String>,
    instrument: &Instrument,
    left_out: Vec<String>,
    next: &NextWeight,
) -> Vec<String> {
    let whys = |states: &[State]| -> Vec<String> {
        answers.iter().filter(|a| states.contains(&a.guardrail.state)).map(|a| a.guardrail.why.clone()).collect()
    };
    let mut reasons = stops;
    reasons.extend(whys(&[State::Fail]));
    reasons.extend(instrument.alarms.iter().cloned());
    if verdict == Decision::Go {
        reasons.push(format!("All {} guardrails are proven within their margins.", answers.len()));
    }
    if answers.is_empty() {
        reasons.push("No guardrail is enabled, so nothing can be proven.".to_owned());
    }
    reasons.extend(whys(&[State::PassRegressed]));
    reasons.extend(whys(&[State::HoldInsufficient]));
    reasons.extend(left_out);
    reasons.push(next.why.clone());
    reasons
}

#[cfg(test)]
mod tests;
