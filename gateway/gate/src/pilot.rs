//! The autopilot's rule, pure: from a verdict, the weight in force and the history of decisions to one move.
//!
//! **Up** only with the gate: whoever asks hands in what [`crate::rule::decide`] said of exactly this verdict and this
//! state, and the pilot only ever takes less of it. It looks again for itself that the verdict is a GO on the epoch and the
//! weight in force, so that a gate that was asked about something else raises nothing.
//!
//! **Down** needs no GO, and waits for nothing: a NO-GO takes the weight to 0, and any other verdict on the epoch in force
//! that recommends less is followed. Cool-down, freeze windows, the kill switch and the verdict's age are not asked. They
//! exist to keep a change from doing harm when nobody looks; a change back to what served well before is the one change
//! that such a time must never keep. Evidence of harm does not become evidence of safety by getting old, either.
//!
//! **Once.** A raise is decided on an epoch, and carried out by comparing that epoch. As soon as it is in force the epoch is
//! another one and the verdict is about the past; until then it may be tried again. So nothing is raised twice on one verdict,
//! whoever crashes between deciding, logging and doing, and of two pilots one loses.
//!
//! **Waiting is counted in evidence**, not on the host's clock: the hold-back has lasted seven days when records of seven days
//! of it are there, and a day after a rollback has passed when records of that day are there. Both ends are the
//! gateway's own clock (an epoch is the millisecond in which it began), so a host whose clock is set forward raises nothing
//! early, and a day without traffic proves nothing.
//!
//! **After a rollback** only what was recorded in epochs from it on counts as evidence ([`History::since_epoch`]): what was
//! known before it is what led into it.

mod history;
mod policy;

pub use history::{Beginning, History};
pub use policy::{Policy, Then};

use crate::rule;
use crate::state::InForce;
use judge::verdict::{Decision, Verdict};

/// Beginning of the reason of a pause that is the autopilot's own, and that it may end again.
pub const PAUSED_FOR_MONEY: &str = "autopilot: ";

/// One move.
#[derive(Debug, Clone, PartialEq)]
pub enum Move {
    /// Nothing, and why.
    Wait(String),
    /// Up to this rung, percent.
    Raise(f64),
    /// Down to this weight, percent, above 0 as a rule.
    Lower(f64),
    /// Down to nothing.
    RollBack,
    /// Offer copies to nobody any more, and why.
    PauseShadow(String),
    /// Offer copies again.
    ResumeShadow,
    /// Up to all but the hold-back, percent.
    HoldBack(f64),
    /// Up to everything: the migration is over.
    Finish,
}

impl Move {
    /// The weight that it sets, percent; `None` where it sets none.
    #[must_use]
    pub const fn to_percent(&self) -> Option<f64> {
        match self {
            Self::Raise(percent) | Self::Lower(percent) | Self::HoldBack(percent) => Some(*percent),
            Self::RollBack => Some(0.0),
            Self::Finish => Some(100.0),
            Self::Wait(_) | Self::PauseShadow(_) | Self::ResumeShadow => None,
        }
    }

    /// Whether it gives the candidate more traffic.
    #[must_use]
    pub const fn is_raise(&self) -> bool {
        matches!(self, Self::Raise(_) | Self::HoldBack(_) | Self::Finish)
    }

    /// A short name, for folders and lines: `raise-10`, `roll-back`, `wait`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Wait(_) => "wait".to_owned(),
            Self::Raise(percent) => format!("raise-{percent}"),
            Self::Lower(percent) => format!("lower-{percent}"),
            Self::RollBack => "roll-back".to_owned(),
            Self::PauseShadow(_) => "pause-shadow".to_owned(),
            Self::ResumeShadow => "resume-shadow".to_owned(),
            Self::HoldBack(percent) => format!("hold-back-{percent}"),
            Self::Finish => "finish".to_owned(),
        }
    }
}

/// A verdict, what the gate said of it, and where its evidence begins.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The verdict.
    pub verdict: &'a Verdict,
    /// What the gate's rule says of this verdict and the state in force.
    pub gate: &'a rule::Decision,
    /// The evaluation left out all rows of earlier epochs; 0 where it left out none.
    pub since_epoch: u64,
}

/// Money that copies have cost in the period that the budget is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// What could be priced, nano-dollars.
    pub nanos: i64,
    /// Copies that may have been billed and whose cost nobody knows.
    pub unknown: u64,
}

/// Everything that a move depends on beside the policy.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The migration.
    pub migration: &'a str,
    /// The newest verdict, or why there is none.
    pub judged: Result<Judged<'a>, &'a str>,
    /// The weight in force.
    pub in_force: &'a InForce,
    /// Why copies are paused, if they are.
    pub shadow_paused: Option<&'a str>,
    /// What was decided so far, by whomever.
    pub history: &'a History,
    /// What copies have cost; `None` where nobody counts.
    pub spent: Option<Spent>,
    /// Now, microseconds since the Unix epoch.
    pub now_us: i64,
}

/// Decides. What takes traffic away comes first, then money, then what gives traffic.
#[must_use]
pub fn decide(situation: &Situation<'_>, policy: &Policy) -> Move {
    if let Ok(judged) = situation.judged
        && let Some(down) = down(situation, judged.verdict)
    {
        return down;
    }
    if let Some(money) = money(situation, policy) {
        return money;
    }
    match situation.judged {
        Ok(judged) => up(situation, judged, policy),
        Err(why) => Move::Wait(format!("there is no verdict: {why}")),
    }
}

/// Percent as hundredths, which is how weights are kept everywhere; what is none is no weight.
fn hundredths(percent: f64) -> Option<i64> {
    // In range, so nothing is cut.
    (0.0..=100.0).contains(&percent).then(|| (percent * 100.0).round() as i64)
}

fn down(situation: &Situation<'_>, verdict: &Verdict) -> Option<Move> {
    let weight = hundredths(situation.in_force.weight_percent).unwrap_or(i64::MAX);
    if verdict.migration != situation.migration || weight == 0 {
        return None;
    }
    if verdict.verdict == Decision::NoGo {
        // Whatever epoch showed the harm, the candidate serves now.
        return Some(Move::RollBack);
    }
    let next = hundredths(verdict.next_weight_percent)?;
    if situation.in_force.epoch != Some(verdict.epoch) || next >= weight {
        return None;
    }
    Some(if next == 0 { Move::RollBack } else { Move::Lower(percent(next)) })
}

fn percent(hundredths: i64) -> f64 {
    hundredths as f64 / 100.0
}

fn money(situation: &Situation<'_>, policy: &Policy) -> Option<Move> {
    let (budget, spent) = (policy.copies_budget_nanos?, situation.spent?);
    let why = if spent.nanos >= budget {
        Some("the money for copies is spent".to_owned())
    } else if spent.unknown > 0 {
        Some(format!("what {} copies cost is not known, so their budget cannot be kept", spent.unknown))
    } else {
        None
    };
    match (why, situation.shadow_paused) {
        (Some(why), None) => Some(Move::PauseShadow(why)),
        // What somebody else has paused stays so.
        (None, Some(reason)) if reason.starts_with(PAUSED_FOR_MONEY) => Some(Move::ResumeShadow),
        _ => None,
    }
}

fn up(situation: &Situation<'_>, judged: Judged<'_>, policy: &Policy) -> Move {
    let (verdict, in_force) = (judged.verdict, situation.in_force);
    let (Some(weight), Some(epoch)) = (hundredths(in_force.weight_percent), in_force.epoch) else {
        return Move::Wait("the target does not say which weight and epoch are in force".to_owned());
    };
    let rule::Step::Raise { to_percent } = judged.gate.step else { return Move::Wait(judged.gate.why.clone()) };
    let next = hundredths(verdict.next_weight_percent);
    let to = hundredths(to_percent).zip(next).map(|(gate, judge)| gate.min(judge));
    let Some(to) = to.filter(|to| *to > weight) else { return Move::Wait(judged.gate.why.clone()) };
    let fits = verdict.verdict == Decision::Go
        && verdict.migration == situation.migration
        && verdict.epoch == epoch
        && hundredths(verdict.weight_percent) == Some(weight);
    if !fits {
        return Move::Wait("the verdict is no GO on the epoch and the weight in force".to_owned());
    }
    if let Some(why) = after_rollback(situation, judged, policy) {
        return Move::Wait(why);
    }
    if to < 10_000 {
        return Move::Raise(percent(to));
    }
    last_step(situation, verdict, (weight, epoch), policy)
}

/// Why nothing is raised yet after a rollback.
fn after_rollback(situation: &Situation<'_>, judged: Judged<'_>, policy: &Policy) -> Option<String> {
    let beginning = situation.history.rolled_back()?;
    if judged.since_epoch < beginning.epoch || judged.verdict.epoch < beginning.epoch {
        return Some(format!("the evidence goes back behind the rollback in epoch {}", beginning.epoch));
    }
    let rollbacks = situation.history.rollbacks();
    if rollbacks >= policy.rollbacks_max {
        return Some(format!(
            "it was rolled back {rollbacks} times: somebody has to look, and to set a weight by hand to go on"
        ));
    }
    let wait_us = i64::try_from(policy.after_rollback.as_micros()).unwrap_or(i64::MAX);
    let covered_us = covered_us(situation, judged.verdict, beginning.epoch);
    (covered_us < wait_us).then(|| {
        format!("rolled back in epoch {}: {} of evidence are missing", beginning.epoch, hours(wait_us - covered_us))
    })
}

/// From here to everything: by way of the hold-back, where there is one.
fn last_step(situation: &Situation<'_>, verdict: &Verdict, (weight, epoch): (i64, u64), policy: &Policy) -> Move {
    let held = 10_000 - i64::from(policy.hold_back_hundredths);
    if policy.hold_back_hundredths == 0 {
        return Move::Finish;
    }
    if weight < held {
        return Move::HoldBack(percent(held));
    }
    if policy.then == Then::Stay {
        return Move::Wait(format!("the baseline keeps {}% as a hold-back", percent(10_000 - weight)));
    }
    let wait_us = i64::try_from(policy.hold_back.as_micros()).unwrap_or(i64::MAX);
    let covered_us = covered_us(situation, verdict, epoch);
    if covered_us < wait_us {
        return Move::Wait(format!(
            "the baseline keeps {}% until there is evidence of {} more",
            percent(10_000 - weight),
            hours(wait_us - covered_us)
        ));
    }
    Move::Finish
}

/// How long evidence has been coming in since an epoch began, microseconds. A verdict from the future counts to now.
fn covered_us(situation: &Situation<'_>, verdict: &Verdict, epoch: u64) -> i64 {
    let begun_us = i64::try_from(epoch).unwrap_or(i64::MAX).saturating_mul(1000);
    let newest = verdict.created_at.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_microsecond);
    newest.map_or(0, |newest| newest.min(situation.now_us).saturating_sub(begun_us).max(0))
}

/// A length of time for people, rounded up, in the largest unit that keeps two digits.
fn hours(length_us: i64) -> String {
    let seconds = length_us.div_euclid(1_000_000) + i64::from(length_us.rem_euclid(1_000_000) > 0);
    let up = |unit: i64| seconds.div_euclid(unit) + i64::from(seconds.rem_euclid(unit) > 0);
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", up(60)),
        7200..172_800 => format!("{} h", up(3600)),
        _ => format!("{} d", up(86_400)),
    }
}

#[cfg(test)]
mod tests;
