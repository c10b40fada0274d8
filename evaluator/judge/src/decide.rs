//! From evidence and policy to GO, HOLD or NO-GO.
//!
//! NO-GO if any guardrail fails or a hard stop holds, whatever the instrument says: a doubtful measurement does not
//! excuse proven harm. GO only if every guardrail passes and the instrument is sound. HOLD otherwise, which includes
//! every kind of missing evidence.
//!
//! Two failures are no harm by themselves and hold: a candidate that refuses for want of quota (it is asked for too much),
//! and one with fewer flags of the guard (a milder model, or one that the guard cannot read).

use serde::Serialize;

use crate::evidence::Evidence;
use crate::guardrail::{self, Answer, Doubts, JudgedEpoch, LevelsInForce, Views};
use crate::instrument;
use crate::metric::Share;
use crate::moderation::{self, Moderation};
use crate::policy::{HardStop, Policy};
use crate::verdict::{Decision, EvidenceKind, Guardrail, Instrument, Needed, State, WeightBounds};
use crate::watch::{self, SegmentReport, Watch};
use crate::weight::{NextWeight, Situation, next_weight};
use crate::words;

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
    /// What decided it: `risk`, `reaction`, `capacity`, `policy`, `ladder`, `verdict`.
    pub next_weight_bound: String,
    /// All bounds of the next weight.
    pub weight_bounds: WeightBounds,
    /// Who intervened how often, where a guard looked at the answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderation: Option<Moderation>,
    /// What is reported and not judged.
    pub watch: Vec<Watch>,
    /// Parts of the traffic.
    pub segments: Vec<SegmentReport>,
}

/// Judges. Pure: the same evidence and policy give the same result, and nothing is too odd to be answered.
#[must_use]
pub fn judge(evidence: &Evidence, policy: &Policy) -> Judged {
    let views = Views::new(evidence);
    let (questions, left_out) = guardrail::questions(&views, evidence, policy);
    let levels = LevelsInForce::new(policy, questions.len());
    let health = instrument::health(evidence, policy, levels);
    let epoch = JudgedEpoch::new(evidence, policy);
    let answers = guardrail::answers(
        &questions,
        levels,
        policy,
        |question| {
            let alarms = match question.evidence() {
                _ if question.is_of_guard() => &health.guard,
                EvidenceKind::Served => &health.canary,
                EvidenceKind::Paired => &health.paired,
                EvidenceKind::Combined => &health.combined,
            };
            Doubts { alarms, epoch }
        },
        |question| match question.evidence() {
            EvidenceKind::Served => evidence.rates.candidate_requests_per_hour,
            EvidenceKind::Paired | EvidenceKind::Combined => evidence.rates.pairs_per_hour,
        },
    );
    let mut stops = evidence.hard_stops.clone();
    stops.extend(hard_stops(evidence, &views, policy.hard_stop));
    let verdict = decide(&answers, &stops, &health.instrument);
    let next = next_weight(&situation(verdict, &answers, &health.instrument, policy), evidence, policy);
    let reasons = reasons(verdict, &answers, stops, &health.instrument, left_out, &next);
    let (guardrails, needed): (Vec<_>, Vec<_>) =
        answers.into_iter().map(|answer| (answer.guardrail, answer.needed)).unzip();
    Judged {
        moderation: moderation::judged(&evidence.moderation, &guardrails, policy),
        verdict,
        reasons,
        guardrails,
        needed: needed.into_iter().flatten().collect(),
        instrument: health.instrument,
        next_weight_percent: next.percent,
        next_weight_bound: next.bound.to_owned(),
        weight_bounds: next.bounds,
        watch: watch::watch(&views.pairs.pooled, policy),
        segments: watch::segments(evidence, policy),
    }
}

/// What the next weight depends on.
fn situation(decision: Decision, answers: &[Answer], instrument: &Instrument, policy: &Policy) -> Situation {
    let held = |state: State| answers.iter().any(|a| a.guardrail.decides && a.guardrail.state == state);
    let above = |guardrail: &Guardrail| guardrail.estimate.is_some_and(|estimate| estimate > guardrail.margin);
    let undecided = |guardrail: &Guardrail| guardrail.state == State::HoldInsufficient;
    let proven = |guardrail: &Guardrail| guardrail.metric == RATE_LIMITED && guardrail.state == State::Fail;
    Situation {
        decision,
        hold_for_want_of_evidence_only: instrument.alarms.is_empty()
            && !held(State::HoldInstrument)
            && !held(State::HoldConflict)
            && !answers.iter().any(|answer| is_ambiguous(&answer.guardrail)),
        // An estimate counts once there is enough to pass: before, it is noise, and the events may all be of one arm.
        estimate_above_margin: answers.iter().any(|a| {
            let enough = a.guardrail.n >= policy.floors.pairs && a.guardrail.events.is_none_or(|events| events >= 20);
            a.guardrail.decides && undecided(&a.guardrail) && above(&a.guardrail) && enough
        }),
        rate_limited_above_margin: answers.iter().any(|a| proven(&a.guardrail)),
    }
}

/// A provider that refuses for want of quota is no worse provider, it is asked for too much: the weight is halved.
const RATE_LIMITED: &str = "rate_limited";
/// Fewer flags are no harm that is proven, but nobody knows yet that they are none.
pub(crate) const FEWER_FLAGS: &str = "fewer_guard_flags";

/// More evidence of the same kind will not make it pass, and it is no harm either: somebody has to look.
fn is_ambiguous(guardrail: &Guardrail) -> bool {
    guardrail.metric == FEWER_FLAGS && matches!(guardrail.state, State::Fail | State::Futile)
}

fn decide(answers: &[Answer], stops: &[String], instrument: &Instrument) -> Decision {
    let failed = |answer: &Answer| match answer.guardrail.state {
        State::Fail => answer.guardrail.metric != RATE_LIMITED && answer.guardrail.metric != FEWER_FLAGS,
        State::Futile => answer.guardrail.metric != FEWER_FLAGS,
        _ => false,
    };
    if !stops.is_empty() || answers.iter().any(failed) {
        return Decision::NoGo;
    }
    let passes = |answer: &&Answer| matches!(answer.guardrail.state, State::Pass | State::PassRegressed);
    let mut deciding = answers.iter().filter(|answer| answer.guardrail.decides).peekable();
    if deciding.peek().is_some() && deciding.all(|answer| passes(&answer)) && instrument.alarms.is_empty() {
        return Decision::Go;
    }
    Decision::Hold
}

/// The candidate's own error share, over the pairs and over served traffic, against the absolute limit.
fn hard_stops(evidence: &Evidence, views: &Views<'_>, limit: HardStop) -> Vec<String> {
    let pairs = views.pairs.pooled.share(Share::Errors);
    let served = evidence.judged_canary().map_or((0, 0), |epoch| {
        let asked = epoch.totals().candidate.share(Share::Errors);
        (asked.bad, asked.n)
    });
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
    // What only watches is worth a reason if it fails or regressed, not while it is undecided.
    let whys = |states: &[State]| -> Vec<String> {
        let worth = |a: &&Answer| {
            let watched = matches!(a.guardrail.state, State::Fail | State::PassRegressed);
            states.contains(&a.guardrail.state) && (a.guardrail.decides || watched)
        };
        answers.iter().filter(worth).map(|a| a.guardrail.why.clone()).collect()
    };
    let mut reasons = stops;
    reasons.extend(whys(&[State::Fail]));
    reasons.extend(whys(&[State::Futile]));
    reasons.extend(instrument.alarms.iter().cloned());
    if verdict == Decision::Go {
        let deciding = answers.iter().filter(|answer| answer.guardrail.decides).count();
        reasons.push(format!("All {deciding} guardrails are proven within their margins."));
    }
    if answers.is_empty() {
        reasons.push("No guardrail is enabled, so nothing can be proven.".to_owned());
    }
    reasons.extend(whys(&[State::PassRegressed]));
    reasons.extend(whys(&[State::HoldConflict]));
    reasons.extend(whys(&[State::HoldInsufficient]));
    reasons.extend(left_out);
    reasons.extend(instrument::recorded_note(instrument));
    reasons.push(next.why.clone());
    reasons
}

#[cfg(test)]
mod tests;
