//! The numbers of one guardrail.
//!
//! Two kinds of bound, for two purposes. To *pass*, the upper bound comes from an asymptotic confidence sequence (E1, the
//! fastest that may be looked at at any time) once there are enough events, and from bets (E2, E3, exact) before. To
//! *fail*, the lower bound comes from bets only, restarted at each epoch and day (E4), because a false alarm is what an
//! exact method is for. With `looks = "one"` both come from the bounds for a single look (Tango, Miettinen-Nurminen,
//! order statistics, log ratio of means).

mod mean;
mod quantile;
mod share;

pub(super) use quantile::{independence_of as served_independence, one_look_independence as paired_independence};

use super::LevelsInForce;
use super::questions::{Question, Subject};
use crate::policy::Looks;
use crate::stats::special::normal_quantile;
use crate::stats::stratified::{self, Stratum};
use crate::stats::{Refusal, sequence};

/// Confidence with which pairs and served traffic have to contradict each other to count as a conflict (one side).
const ALPHA_CONFLICT: f64 = 0.0005;

/// Estimate, bounds and arms' values; whatever could not be computed is absent and `problem` says why.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) n: u64,
    pub(super) events: Option<u64>,
    pub(super) estimate: Option<f64>,
    pub(super) lower: Option<f64>,
    pub(super) upper: Option<f64>,
    pub(super) baseline_value: Option<f64>,
    pub(super) candidate_value: Option<f64>,
    pub(super) method: String,
    pub(super) problem: Option<Refusal>,
    pub(super) design_effect: f64,
    pub(super) clusters_effective: Option<f64>,
    /// The upper bound is within the margin.
    pub(super) within: bool,
    /// The lower bound is beyond the margin.
    pub(super) beyond: bool,
    /// The lower bound is beyond "no difference".
    pub(super) regressed: bool,
    /// Pairs and served traffic contradict each other.
    pub(super) conflict: Option<String>,
    /// Where it is heading, for futility.
    pub(super) trend: Option<Trend>,
    /// Variance of one observation, and the distance to the margin that a truly equal candidate has, for planning.
    pub(super) plan: Option<Planning>,
}

/// Estimate against margin in information time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trend {
    pub(super) estimate: f64,
    pub(super) information: f64,
    /// Planned information that the confidence sequence is narrowest at; fixed before the data.
    pub(super) planned: f64,
    /// Information that one look at a truly equal candidate would need, as far as the data tell.
    pub(super) needed: f64,
    pub(super) margin: f64,
    /// The effect that a truly equal candidate would show, where that may be too close to the margin ever to be proven.
    pub(super) equal: Option<f64>,
}

/// What the number of missing observations is computed from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planning {
    /// Variance of one observation, design effect included.
    pub(super) variance: f64,
    /// Distance to the margin if the candidate is truly equal.
    pub(super) distance_equal: f64,
    /// The same if it is as observed.
    pub(super) distance_observed: f64,
    pub(super) planned: f64,
}

/// An estimate with its variance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) estimate: f64,
    pub(super) variance: f64,
}

impl Measured {
    pub(super) fn blank(method: &str) -> Self {
        Self {
            n: 0,
            events: None,
            estimate: None,
            lower: None,
            upper: None,
            baseline_value: None,
            candidate_value: None,
            method: method.to_owned(),
            problem: None,
            design_effect: 1.0,
            clusters_effective: None,
            within: false,
            beyond: false,
            regressed: false,
            conflict: None,
            trend: None,
            plan: None,
        }
    }

    fn refused(self, problem: Refusal) -> Self {
        Self { problem: Some(problem), ..self }
    }

    /// Too few independent consumers let nothing pass; an alarm stands.
    fn with_independence(self, independence: super::independence::Independence, levels: LevelsInForce) -> Self {
        let few = independence.too_few(levels.clusters);
        let problem =
            few.map(|effective| Refusal::TooFewClusters { effective, needed: levels.clusters as f64 }).or(self.problem);
        Self { design_effect: independence.design_effect, clusters_effective: independence.effective, problem, ..self }
    }
}

pub(super) fn measure(question: &Question<'_>, levels: LevelsInForce) -> Measured {
    match question.subject {
        Subject::Share { slot, fewer } => share::measure(question, slot, fewer, levels),
        Subject::Quantile(latency, quantile) => quantile::measure(question, latency, quantile, levels),
        Subject::Cost => mean::cost(question, levels),
        Subject::Quality => mean::quality(question, levels),
    }
}

/// Distance from an estimate of this information to its upper bound at the GO level.
pub(super) fn half_width(information: f64, planned: f64, levels: LevelsInForce) -> Option<f64> {
    half_width_at(information, planned, levels.go, levels.looks)
}

fn half_width_at(information: f64, planned: f64, alpha: f64, looks: Looks) -> Option<f64> {
    match looks {
        Looks::Any => sequence::half_width(information, planned, alpha).ok(),
        Looks::One => (information > 0.0).then(|| normal_quantile(1.0 - alpha) / information.sqrt()),
    }
}

/// Independent estimates of the same effect, weighted by their information; `None` without any.
pub(super) fn combined(pieces: &[Piece]) -> Option<Piece> {
    let usable = || pieces.iter().filter(|piece| piece.variance > 0.0 && piece.estimate.is_finite());
    let information: f64 = usable().map(|piece| 1.0 / piece.variance).sum();
    (information > 0.0 && information.is_finite()).then(|| Piece {
        estimate: usable().map(|piece| piece.estimate / piece.variance).sum::<f64>() / information,
        variance: 1.0 / information,
    })
}

/// The stratified difference of served traffic as a piece, if `events` or more are to be expected in each arm at the
/// `border` that is to be ruled out. Its variance is not below that at the border: a small arm without an event would
/// otherwise prove anything. `factor` is that of the clusters.
pub(super) fn served_piece(strata: &[Stratum], border: f64, events: u64, factor: f64) -> Option<Piece> {
    let difference = stratified::risk_difference(strata).ok()?;
    let expected = stratified::expected_under(strata, border).ok()?;
    let variance = difference.variance.max(expected.variance) * factor;
    (expected.events >= events as f64 && variance > 0.0).then_some(Piece { estimate: difference.estimate, variance })
}

/// A sentence if two independent estimates of the same effect cannot both be right.
pub(super) fn conflict(pairs: Option<Piece>, served: Option<Piece>, planned: f64) -> Option<String> {
    let (pairs, served) = (pairs?, served?);
    let information = 1.0 / (pairs.variance + served.variance);
    let half_width = sequence::half_width(information, planned, ALPHA_CONFLICT).ok()?;
    ((pairs.estimate - served.estimate).abs() > half_width)
        .then(|| format!("pairs say {:+.4}, served traffic says {:+.4}", pairs.estimate, served.estimate))
}

/// Levels of the alarm's starts: half of it for the start at the beginning, the other half evenly for the planned later
/// ones (a weighted average of wealths is wealth; Shin, Ramdas, Rinaldo 2024). Later starts beyond the plan are not used,
/// the oldest first.
pub(super) fn start_levels(levels: LevelsInForce) -> (f64, f64) {
    (levels.alarm / 2.0, levels.alarm / (2.0 * levels.planned_starts.max(1) as f64))
}

/// The newest starts that the plan has room for.
pub(super) fn newest<T>(starts: &[T], levels: LevelsInForce) -> &[T] {
    let room = usize::try_from(levels.planned_starts).unwrap_or(usize::MAX);
    starts.get(starts.len().saturating_sub(room)..).unwrap_or_default()
}
