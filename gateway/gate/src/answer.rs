//! What other people's pipelines are told: from a verdict that was kept, what is in force, and now. Pure.
//!
//! There is one answer ([`told`]), and each pipeline has its own words for it: [`argo`], [`flagger`], [`kayenta`]. They never
//! raise anything of ours; they let something of theirs go on, wait or go back. So the rule is narrower than the gate's: a GO that
//! is fresh and about what is in force lets go, a NO-GO that is fresh and about what is in force stops, and everything else waits.
//!
//! Two cases are less plain than they look.
//!
//! * *A NO-GO on another epoch or weight* waits and does not stop. What it proves harmful is not in force any more: mostly it
//!   is the very verdict for which the weight was lowered. To stop for it would abort every later rollout until the next
//!   evaluation, for a cause that may be gone; to let go would be worse. Harm that is still there is found again at the
//!   weight that is in force, and by the gateway's own guard.
//! * *A rollback in force*, by whomever, stops although no verdict is about its epoch: somebody or something went back to safety,
//!   and a pipeline that moves traffic of its own must not stay where it was. A fresh GO on the epoch that the rollback began
//!   overtakes it.

pub mod argo;
pub mod flagger;
pub mod kayenta;

use crate::rule::CLOCK_SKEW_US;
use judge::verdict::{Decision, State, Verdict};
use std::sync::Arc;

/// Evidence that is older says nothing about today, microseconds.
pub const STALE_AFTER_US: i64 = 24 * 3_600_000_000;
/// Weights that are closer than this are the same one, percent: half of the gateway's smallest step.
const WEIGHT_TOLERANCE_PERCENT: f64 = 0.005;
/// Reasons that are told.
const REASONS_MAX: usize = 10;
/// Guardrails that are told.
const GUARDRAILS_MAX: usize = 100;
/// Characters of a reason.
const REASON_CHARS_MAX: usize = 300;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 96;

/// What is kept of a verdict for answers: bounded, whatever the verdict holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Migration.
    pub migration: String,
    /// What was decided.
    pub verdict: Decision,
    /// Why, the most important first; at most 10 of at most 300 characters.
    pub reasons: Vec<String>,
    /// Epoch judged.
    pub epoch: u64,
    /// Weight judged, percent.
    pub weight_percent: f64,
    /// Its newest evidence, as it says it.
    pub created_at: String,
    /// The same, microseconds since the Unix epoch; `None` if that is no instant.
    pub created_us: Option<i64>,
    /// First and last request, microseconds since the Unix epoch.
    pub window_us: [i64; 2],
    /// Guardrails that a GO needs.
    pub deciding: usize,
    /// Those of them that are proven.
    pub proven: usize,
    /// Those that decide first, else in the policy's order; at most 100.
    pub guardrails: Arc<[Rail]>,
}

/// One guardrail.
#[derive(Debug, Clone, PartialEq)]
pub struct Rail {
    /// Metric, such as `errors`.
    pub metric: String,
    /// Part of the traffic, such as `all`.
    pub segment: String,
    /// A GO needs it.
    pub decides: bool,
    /// What follows from its bounds.
    pub state: State,
    /// Observations.
    pub n: u64,
    /// The baseline's own value, in the metric's unit.
    pub baseline_value: Option<f64>,
    /// The candidate's.
    pub candidate_value: Option<f64>,
    /// Difference or ratio: estimate, lower and upper bound.
    pub estimate: [Option<f64>; 3],
    /// Margin on the same scale.
    pub margin: f64,
    /// Why this state, in a sentence.
    pub why: String,
}

/// What is in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Epoch of constant weight.
    pub epoch: u64,
    /// Candidate weight, percent.
    pub weight_percent: f64,
    /// The epoch began with a rollback; why.
    pub rolled_back: Option<String>,
}

/// The three things that a pipeline can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// Proven: go on.
    Go,
    /// Not proven, or nobody knows: do not go on, and do not go back.
    Wait,
    /// Harm is proven, or the migration was rolled back: go back.
    Stop,
}

impl Says {
    /// In one word, for logs and trails.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Wait => "wait",
            Self::Stop => "stop",
        }
    }
}

/// An answer, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What to do.
    pub says: Says,
    /// Why, the most important first. Never empty.
    pub why: Vec<String>,
    /// There is a verdict about what is in force, whatever it says.
    pub fits: bool,
}

impl Judged {
    /// Takes from a verdict what answers need.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Self {
        let deciding = verdict.guardrails.iter().filter(|rail| rail.decides);
        let mut guardrails: Vec<_> = verdict.guardrails.iter().collect();
        // Sorting is stable: within both halves the policy's order stays.
        guardrails.sort_by_key(|rail| !rail.decides);
        Self {
            migration: cut(&verdict.migration, NAME_CHARS_MAX),
            verdict: verdict.verdict,
            reasons: verdict.reasons.iter().take(REASONS_MAX).map(|reason| cut(reason, REASON_CHARS_MAX)).collect(),
            epoch: verdict.epoch,
            weight_percent: verdict.weight_percent,
            created_at: cut(&verdict.created_at, NAME_CHARS_MAX),
            created_us: verdict.created_at.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond),
            window_us: [verdict.window.from_us, verdict.window.to_us],
            deciding: deciding.clone().count(),
            proven: deciding.filter(|rail| is_proven(rail.state)).count(),
            guardrails: guardrails.into_iter().take(GUARDRAILS_MAX).map(Rail::of).collect(),
        }
    }

    /// Share of the guardrails that a GO needs which are proven, 0 to 100 with one decimal, rounded down; 0 if there are none.
    ///
    /// It is for people and dashboards and decides nothing: 99 can be a NO-GO, and without a sound instrument 100 a HOLD.
    #[must_use]
    pub fn score(&self) -> f64 {
        score(self.proven, self.deciding)
    }

    /// What keeps it from being about the weight in force, if anything does.
    fn unfit(&self, standing: &Standing, now_us: i64) -> Vec<String> {
        let mut why = Vec::new();
        if self.epoch != standing.epoch {
            why.push(format!("the verdict judges epoch {}; epoch {} is in force", self.epoch, standing.epoch));
        }
        // Asked this way round, a weight that is no number is another one, too.
        let is_same_weight = (self.weight_percent - standing.weight_percent).abs() < WEIGHT_TOLERANCE_PERCENT;
        if !is_same_weight {
            let (judged, now) = (self.weight_percent, standing.weight_percent);
            why.push(format!("the verdict judges a weight of {judged}%; {now}% is in force"));
        }
        match self.created_us.map(|created_us| now_us.saturating_sub(created_us)) {
            None => why.push("the age of the verdict's evidence is not known".to_owned()),
            Some(age_us) if age_us > STALE_AFTER_US => {
                why.push("the verdict's newest evidence is more than 24 hours old".to_owned());
            }
            Some(age_us) if age_us < -CLOCK_SKEW_US => {
                why.push("the verdict's newest evidence is of the future: check the clocks".to_owned());
            }
            Some(_) => {}
        }
        why
    }
}

impl Rail {
    fn of(rail: &judge::verdict::Guardrail) -> Self {
        Self {
            metric: cut(&rail.metric, NAME_CHARS_MAX),
            segment: cut(&rail.segment, NAME_CHARS_MAX),
            decides: rail.decides,
            state: rail.state,
            n: rail.n,
            baseline_value: rail.baseline_value,
            candidate_value: rail.candidate_value,
            estimate: [rail.estimate, rail.lower, rail.upper],
            margin: rail.margin,
            why: cut(&rail.why, REASON_CHARS_MAX),
        }
    }
}

/// The answer; `None` where there is nothing to answer from: no verdict was given, and nobody has rolled back.
#[must_use]
pub fn told(judged: Option<&Judged>, standing: &Standing, now_us: i64) -> Option<Answer> {
    let unfit = judged.map(|judged| judged.unfit(standing, now_us));
    let fits = unfit.as_ref().is_some_and(Vec::is_empty);
    let decision = judged.filter(|_| fits).map(|judged| judged.verdict);
    let mut why = unfit.unwrap_or_default();
    let says = match (decision, &standing.rolled_back) {
        (Some(Decision::Go), _) => Says::Go,
        (_, Some(reason)) => {
            why.insert(0, format!("epoch {} began with a rollback: {}", standing.epoch, cut(reason, REASON_CHARS_MAX)));
            Says::Stop
        }
        (Some(Decision::NoGo), None) => Says::Stop,
        (Some(Decision::Hold) | None, None) => Says::Wait,
    };
    if judged.is_none() && says == Says::Wait {
        return None;
    }
    // What was said of another time is no present fact.
    let of_then = |reason: String| if fits { reason } else { format!("that verdict said: {reason}") };
    why.extend(judged.into_iter().flat_map(reasons).map(of_then));
    Some(Answer { says, why, fits })
}

fn reasons(judged: &Judged) -> Vec<String> {
    let word = judged.verdict.word();
    if judged.reasons.is_empty() { vec![word.to_owned()] } else { judged.reasons.clone() }
}

const fn is_proven(state: State) -> bool {
    matches!(state, State::Pass | State::PassRegressed)
}

/// `proven` of `all` in percent, to one decimal, rounded down: 100 are all.
#[expect(clippy::cast_precision_loss, reason = "there are hundreds of guardrails, not quadrillions")]
fn score(proven: usize, all: usize) -> f64 {
    proven.saturating_mul(1000).checked_div(all).unwrap_or(0) as f64 / 10.0
}

/// At most this many characters, on one line: what ends in logs and events of others.
fn cut(text: &str, chars_max: usize) -> String {
    let clean = text.chars().map(|char| if char.is_control() { ' ' } else { char });
    clean.take(chars_max).collect()
}

#[cfg(test)]
pub(crate) mod tests;
