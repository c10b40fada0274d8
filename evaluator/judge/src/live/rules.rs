//! What follows from the counts: an alarm, or how far it is to one.

use super::ASKED;
use super::counts::{Counts, Tallied};
use crate::metric::Share;
use crate::policy::{HardStop, Policy};
use crate::stats::betting::Hypothesis;
use crate::words;
use std::fmt;

/// Errors' part of the alarm level; the other shares have the rest, evenly.
pub const ERRORS_SHARE: f64 = 0.9;

/// Part of a share's level that belongs to the process which began with the epoch; later starts have the rest.
pub const FIRST_SHARE: f64 = 0.9;

/// Refusals in a row, for the key or for want of money, that stop at once. One may be a mistake of the provider; a
/// revoked key refuses everything.
const REFUSED_IN_A_ROW_MAX: u32 = 5;

/// One question: whether the candidate has too much of a share, or too little.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Question {
    share: Share,
    fewer: bool,
    /// A share, not points.
    margin: f64,
    level: f64,
}

impl Question {
    fn name(self) -> String {
        if self.fewer { format!("fewer_{}", self.share.name()) } else { self.share.name().to_owned() }
    }
}

/// The questions of a policy with their levels, and its hard stop.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    asked: Vec<Question>,
    hard_stop: HardStop,
    slow_ttft_us: Option<u64>,
    slow_duration_us: Option<u64>,
}

/// The alarm that is nearest, or was reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Hint {
    /// The guardrail.
    pub metric: String,
    /// Logarithm of its wealth.
    pub log_wealth: f64,
    /// What the logarithm must reach.
    pub needed: f64,
}

/// What was proven, or what stops at once.
#[derive(Debug, Clone, PartialEq)]
pub enum Alarm {
    /// A guardrail is proven to be beyond its margin.
    Fail {
        /// Its wealth.
        hint: Hint,
        /// Margin, percentage points.
        margin_points: f64,
        /// The candidate's requests, bad and all.
        candidate: (u64, u64),
        /// The baseline's.
        baseline: (u64, u64),
    },
    /// The candidate's own error share is above the policy's limit.
    Errors {
        /// Failed requests.
        failed: u64,
        /// Requests.
        requests: u64,
        /// Limit, percent.
        limit_percent: f64,
    },
    /// The candidate refuses everything for its key or for want of money.
    Refused {
        /// How many in a row.
        in_a_row: u32,
    },
}

impl Alarm {
    /// Short name: the guardrail, `hard_stop_errors` or `hard_stop_refused`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Fail { hint, .. } => &hint.metric,
            Self::Errors { .. } => "hard_stop_errors",
            Self::Refused { .. } => "hard_stop_refused",
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |(bad, n): (u64, u64)| bad as f64 / n.max(1) as f64 * 100.0;
        match self {
            Self::Fail { hint, margin_points, candidate, baseline } => write!(
                formatter,
                "`{}` is proven beyond its margin of {margin_points} points: {} of {} requests of the candidate ({:.1} %), \
                 {} of {} of the baseline ({:.1} %)",
                hint.metric,
                words::count(candidate.0),
                words::count(candidate.1),
                percent(*candidate),
                words::count(baseline.0),
                words::count(baseline.1),
                percent(*baseline),
            ),
            Self::Errors { failed, requests, limit_percent } => write!(
                formatter,
                "hard stop: {} of {} requests of the candidate failed ({:.1} %, limit {})",
                words::count(*failed),
                words::count(*requests),
                percent((*failed, *requests)),
                words::percent(*limit_percent),
            ),
            Self::Refused { in_a_row } => write!(
                formatter,
                "hard stop: the candidate refused {in_a_row} requests in a row for its key or for want of money (401, 402, \
                 403)"
            ),
        }
    }
}

/// How an epoch stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    /// What is nearest to its alarm; `None` while no block speaks against the candidate.
    pub nearest: Option<Hint>,
    /// The alarm. A hard stop comes before what was proven.
    pub alarm: Option<Alarm>,
}

impl Rules {
    /// The questions of this policy.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        let margin = |share: Share, fewer: bool| {
            let margin = if fewer { policy.fewer_margin(share) } else { policy.share_margin(share) };
            margin.enabled.then_some(margin.value)
        };
        let mut asked: Vec<Question> = ASKED
            .into_iter()
            .filter_map(|(share, fewer)| Some(Question { share, fewer, margin: margin(share, fewer)?, level: 0.0 }))
            .collect();
        let others = asked.iter().filter(|question| question.share != Share::Errors).count();
        let errors_asked = others < asked.len();
        let for_errors = if !errors_asked {
            0.0
        } else if others == 0 {
            1.0
        } else {
            ERRORS_SHARE
        };
        for question in &mut asked {
            let part =
                if question.share == Share::Errors { for_errors } else { (1.0 - for_errors) / others.max(1) as f64 };
            question.level = policy.levels.alpha_nogo * part;
        }
        let limit = |share: Share, limit: u64| asked.iter().any(|one| one.share == share).then_some(limit);
        Self {
            slow_ttft_us: limit(Share::SlowTtft, policy.guardrails.slow_ttft_us),
            slow_duration_us: limit(Share::SlowDuration, policy.guardrails.slow_duration_us),
            hard_stop: policy.hard_stop,
            asked,
        }
    }

    /// The levels of all guardrails.
    #[cfg(test)]
    pub(super) fn levels(&self) -> impl Iterator<Item = f64> {
        self.asked.iter().map(|question| question.level)
    }

    /// The limit from which on a first token is late, microseconds; `None` where the policy does not ask.
    #[must_use]
    pub const fn slow_ttft_us(&self) -> Option<u64> {
        self.slow_ttft_us
    }

    /// The same of the last byte.
    #[must_use]
    pub const fn slow_duration_us(&self) -> Option<u64> {
        self.slow_duration_us
    }

    /// The level of a guardrail's process that began with the epoch; 0 where it is not asked.
    #[must_use]
    pub fn first_level(&self, share: Share) -> f64 {
        let question = self.asked.iter().find(|question| question.share == share && !question.fewer);
        question.map_or(0.0, |question| question.level * FIRST_SHARE)
    }

    /// Judges a sum over replicas. `refused_in_a_row` is of one replica; `apart` is how many judge by themselves and not
    /// the sum, each with its part of the level (1 where all judge the sum).
    #[must_use]
    pub fn judge(&self, sum: &Tallied, refused_in_a_row: u32, apart: u32) -> Standing {
        let mut standing = Standing::default();
        let windows = sum.since_each_window();
        let mut farthest = f64::NEG_INFINITY;
        for question in &self.asked {
            for (counts, share) in starts(sum, &windows) {
                let needed = -(question.level * share / f64::from(apart.max(1))).ln();
                let Some(log_wealth) = log_wealth(counts, *question) else { continue };
                if log_wealth / needed > farthest {
                    farthest = log_wealth / needed;
                    let hint = Hint { metric: question.name(), log_wealth, needed };
                    standing.alarm = (log_wealth >= needed).then(|| fail(*question, &hint, sum));
                    standing.nearest = Some(hint);
                }
            }
        }
        standing.alarm = self.stopped(sum, refused_in_a_row).or(standing.alarm);
        standing
    }

    fn stopped(&self, sum: &Tallied, refused_in_a_row: u32) -> Option<Alarm> {
        if refused_in_a_row >= REFUSED_IN_A_ROW_MAX {
            return Some(Alarm::Refused { in_a_row: refused_in_a_row });
        }
        let (failed, requests) = (sum.candidate.errors(), sum.candidate.requests);
        let limit_percent = self.hard_stop.error_percent;
        let enough = requests >= self.hard_stop.min_requests.max(1);
        (enough && failed as f64 / requests as f64 * 100.0 > limit_percent).then_some(Alarm::Errors {
            failed,
            requests,
            limit_percent,
        })
    }
}

/// The processes and their parts of the level.
fn starts<'a>(sum: &'a Tallied, windows: &'a [(u64, Counts)]) -> impl Iterator<Item = (&'a Counts, f64)> {
    let later = windows.iter().filter(|(window, _)| *window > 0).map(|(window, counts)| {
        let window = *window as f64;
        (counts, (1.0 - FIRST_SHARE) / (window * (window + 1.0)))
    });
    std::iter::once((&sum.all, FIRST_SHARE)).chain(later)
}

/// `None` where no block speaks against the candidate: then no bet has won.
fn log_wealth(counts: &Counts, question: Question) -> Option<f64> {
    let against =
        if question.fewer { counts.baseline_bad(question.share) } else { counts.candidate_bad(question.share) };
    if against == 0 {
        return None;
    }
    let tally = counts.to_tally(question.share).ok()?;
    let tally = if question.fewer { tally.negated() } else { tally };
    tally.log_wealth(question.margin, Hypothesis::AtMost, 1.0).ok()
}

fn fail(question: Question, hint: &Hint, sum: &Tallied) -> Alarm {
    let of = |bad: &[u64; Share::COUNT], n: u64| (bad.get(question.share.slot()).copied().unwrap_or(0), n);
    Alarm::Fail {
        hint: hint.clone(),
        margin_points: (question.margin * 1e4).round() / 100.0,
        candidate: of(&sum.candidate.bad, sum.candidate.requests),
        baseline: of(&sum.baseline.bad, sum.baseline.requests),
    }
}
