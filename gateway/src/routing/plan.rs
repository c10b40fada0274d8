//! The plan for one request.
//!
//! Three coins with salts of their own, so that neither who is mirrored nor who is asked twice depends on who is served by
//! whom: `SALT`, `SALT/shadow` and `SALT/repeat`. Everything is decided before any answer is known.

use super::rules::{Assignment, Rules};
use super::sampling::Sampling;
use super::split::{Coin, WeightBp};
use datasets::{Arm, AssignedBy, ShadowFate};
use http::HeaderMap;

/// Shares in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    /// Share of the units that the candidate serves.
    pub candidate: WeightBp,
    /// Share of the units, among those that the baseline serves and that lie in no stratum, of which the candidate
    /// gets a copy.
    pub shadow: WeightBp,
}

/// What is decided about.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Bytes of the assignment unit.
    pub unit: &'a [u8],
    /// The client's headers.
    pub headers: &'a HeaderMap,
    /// Whether the candidate can serve the request without changing its meaning.
    pub fits: bool,
    /// Characters of the prompt.
    pub prompt_chars: u64,
    /// Who asks.
    pub consumer: Option<&'a str>,
    /// Model that the client named.
    pub model: &'a str,
    /// Somebody has paused the mirror: no copies, no second calls.
    pub paused: bool,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Who answers the client, and why.
    pub assignment: Assignment,
    /// Whether the candidate gets a copy. Decided before any answer is known.
    pub mirror: bool,
    /// Probability of that copy, hundredths of a percent; 0 where the candidate serves, or cannot.
    pub shadow_bp: u32,
    /// Why there is no copy; `None` where there is one, or where the candidate serves.
    pub no_mirror: Option<ShadowFate>,
    /// Whether the baseline is asked a second time.
    pub repeat: bool,
}

impl Plan {
    /// Plain traffic of a provider that takes part in no migration.
    pub const PLAIN: Self = Self {
        assignment: Assignment::forced(Arm::Baseline, AssignedBy::None),
        mirror: false,
        shadow_bp: 0,
        no_mirror: None,
        repeat: false,
    };
}

/// Decides.
#[must_use]
pub fn plan(salt: &str, rules: &Rules, sampling: &Sampling, weights: Weights, question: &Question<'_>) -> Plan {
    if !question.fits {
        let assignment = Assignment::forced(Arm::Baseline, AssignedBy::Unfit);
        return Plan { assignment, no_mirror: Some(ShadowFate::Unfit), ..Plan::PLAIN };
    }
    let drawn = || Assignment::drawn(Coin::toss(salt, question.unit), weights.candidate);
    let assignment = rules.forced(question.headers).unwrap_or_else(drawn);
    if assignment.arm == Arm::Candidate {
        return Plan { assignment, ..Plan::PLAIN };
    }
    let share = sampling.share(question.prompt_chars, question.consumer, question.model, weights.shadow);
    if question.paused {
        // Not `not_sampled`: no coin was tossed, and the probability of a copy is nothing.
        let fate = if share > WeightBp::ZERO { ShadowFate::Paused } else { ShadowFate::NotSampled };
        return Plan { assignment, no_mirror: Some(fate), ..Plan::PLAIN };
    }
    let mirror = hit(salt, "/shadow", question.unit, share);
    Plan {
        assignment,
        mirror,
        shadow_bp: share.bp(),
        no_mirror: (!mirror).then_some(ShadowFate::NotSampled),
        repeat: hit(salt, "/repeat", question.unit, sampling.repeat),
    }
}

/// A coin of its own; not even tossed where the share leaves no choice.
fn hit(salt: &str, purpose: &str, unit: &[u8], share: WeightBp) -> bool {
    match share {
        WeightBp::ZERO => false,
        WeightBp::ALL => true,
        _ => Coin::toss_for(salt, purpose, unit).under(share),
    }
}

#[cfg(test)]
mod tests;
