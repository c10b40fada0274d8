//! Money by the ratio of means, quality by the difference of means.
//!
//! "The bill is at most r times as large" is the statement that `c - r b` has a mean of at most zero; its bound in a
//! confidence sequence (E1) is solved for r. For a single look it is the log ratio with a t quantile (R1).

use super::{Measured, Piece, Planning, Trend, combined, half_width_at};
use crate::counters::canary::{Hour, ServedArm};
use crate::counters::cluster::Amount;
use crate::guardrail::LevelsInForce;
use crate::guardrail::independence::{self, Independence};
use crate::guardrail::questions::Question;
use crate::policy::Looks;
use crate::stats::ratio::{ArmSums, DifferenceCurve, MeanRatio, PairedSums};
use crate::stats::{Refusal, Side, sequence};

/// Below this many pairs no bound of a mean is named: it leans on the central limit.
const PAIRS_AT_LEAST: u64 = 30;
/// Below this many no bound alarms: means of money have heavy tails.
const PAIRS_FOR_ALARM: u64 = 100;
/// Pairs at which the confidence sequence of a mean is narrowest: a day of modest traffic.
const PLANNED_PAIRS: f64 = 5000.0;
/// Steps in which the bound on a ratio is searched.
const SEARCH_STEPS: u32 = 30;

pub(super) fn cost(question: &Question<'_>, levels: LevelsInForce) -> Measured {
    let pairs = question.pairs.map(|view| view.pooled.cost).unwrap_or_default();
    let apart = question.pairs.is_some();
    let strata: Vec<&Hour> = question
        .served
        .map_or_else(Vec::new, |view| if apart { view.strata_apart.clone() } else { view.strata.clone() });
    // Served traffic of a few consumers is left out beside pairs, as everywhere.
    let few = pairs.n > 0 && served_independence(question).is_some_and(|own| own.too_few(levels.clusters).is_some());
    let money = Money::new(pairs, if few { &[] } else { &strata });
    let blank = Measured {
        n: money.n(),
        ..Measured::blank(if levels.looks == Looks::One {
            "log-ratio-of-means-t"
        } else {
            "confidence-sequence-of-means"
        })
    };
    let Some([baseline, candidate]) = money.means() else { return blank.refused(Refusal::NoObservations) };
    let described = Measured { baseline_value: Some(baseline), candidate_value: Some(candidate), ..blank };
    if baseline <= 0.0 {
        return described.refused(Refusal::MeanNotPositive);
    }
    let estimate = candidate / baseline;
    let independence = independence_of(question, &money, estimate);
    let described = Measured { estimate: Some(estimate), ..described };
    if money.n() < PAIRS_AT_LEAST {
        return described.refused(Refusal::TooFew { n: money.n(), needed: PAIRS_AT_LEAST });
    }
    if levels.looks == Looks::One && pairs.n > 0 {
        return one_look(question, &pairs, described, independence, levels);
    }
    let bounds = Bounds { money: &money, independence, levels, estimate };
    let upper = bounds.search(levels.go, Side::Upper);
    let lower = (money.n() >= PAIRS_FOR_ALARM).then(|| bounds.search(levels.alarm / 2.0, Side::Lower)).flatten();
    let at_margin = money.piece(question.margin);
    let planned = at_margin.map_or(1.0, |piece| PLANNED_PAIRS / (piece.variance * money.n() as f64));
    let factor = independence.factor(levels.go);
    Measured {
        upper,
        lower,
        within: upper.is_some_and(|upper| upper < question.margin),
        beyond: lower.is_some_and(|lower| lower > question.margin),
        regressed: lower.is_some_and(|lower| lower > 1.0),
        plan: at_margin.map(|piece| Planning {
            variance: piece.variance * factor * money.n() as f64,
            // An equal bill never proves a saving; what was observed is all there is to plan with.
            distance_equal: -piece.estimate,
            distance_observed: -piece.estimate,
            planned,
        }),
        trend: at_margin.map(|piece| Trend {
            estimate: piece.estimate,
            information: 1.0 / (piece.variance * factor),
            planned,
            needed: planned,
            margin: 0.0,
            equal: None,
        }),
        ..described
    }
    .with_independence(independence, levels)
}

fn independence_of(question: &Question<'_>, money: &Money<'_>, estimate: f64) -> Independence {
    let served = served_independence(question).filter(|_| !money.strata.is_empty());
    let paired = question.pairs.filter(|view| view.pooled.cost.n > 0).map(|view| {
        let variance = money.pairs.difference_at(estimate).map_or(0.0, |(_, variance)| variance);
        independence::of_amount(view.clusters, Amount::Cost, estimate, variance)
    });
    match (paired, served) {
        (Some(paired), Some(served)) => paired.worse(served),
        (one, other) => one.or(other).unwrap_or(Independence::COMPLETE),
    }
}

fn served_independence(question: &Question<'_>) -> Option<Independence> {
    let view = question.served?;
    let of = |arm: &ServedArm, clusters: &crate::counters::Clusters| {
        independence::of_amount(
            clusters,
            Amount::Cost,
            0.0,
            mean_and_variance(&arm.cost).map_or(0.0, |(_, variance)| variance),
        )
    };
    let baseline = of(&view.totals.baseline, &view.canary.clusters_baseline);
    Some(baseline.worse(of(&view.totals.candidate, &view.canary.clusters_candidate)))
}

fn one_look(
    question: &Question<'_>,
    pairs: &PairedSums,
    described: Measured,
    independence: Independence,
    levels: LevelsInForce,
) -> Measured {
    let ratio = MeanRatio::from_sums(pairs).and_then(|ratio| {
        let degrees = independence.effective.map_or(ratio.degrees, |effective| (effective - 1.0).max(1.0));
        ratio.inflated(independence.design_effect, degrees)
    });
    let bound = |alpha: f64, side: Side| ratio.clone().and_then(|ratio| ratio.bound(alpha, side));
    let (upper, lower) = (bound(levels.go, Side::Upper), bound(levels.alarm, Side::Lower));
    // Bills of a few cents and of billions have a bound beyond all numbers: that is none.
    let (of_upper, of_lower) =
        (upper.as_ref().ok().copied().filter(|upper| upper.is_finite()), lower.as_ref().ok().copied());
    Measured {
        upper: of_upper,
        lower: of_lower,
        within: of_upper.is_some_and(|upper| upper < question.margin),
        beyond: of_lower.is_some_and(|lower| lower > question.margin),
        regressed: of_lower.is_some_and(|lower| lower > 1.0),
        problem: upper.err().or(lower.err()),
        ..described
    }
    .with_independence(independence, levels)
}

/// What both arms cost, in pairs and outside of them.
struct Money<'a> {
    pairs: PairedSums,
    curve: Option<DifferenceCurve>,
    strata: &'a [&'a Hour],
}

impl<'a> Money<'a> {
    fn new(pairs: PairedSums, strata: &'a [&'a Hour]) -> Self {
        Self { pairs, curve: DifferenceCurve::new(&pairs).ok(), strata }
    }

    fn n(&self) -> u64 {
        let count = |arm: fn(&Hour) -> &ServedArm| {
            self.strata.iter().fold(0_u64, |sum, hour| sum.saturating_add(arm(hour).cost.n))
        };
        self.pairs.n.saturating_add(count(|hour| &hour.baseline).min(count(|hour| &hour.candidate)))
    }

    /// Mean cost of the baseline and of the candidate: over the pairs where there are any.
    fn means(&self) -> Option<[f64; 2]> {
        if self.pairs.n > 0 {
            let n = self.pairs.n as f64;
            return Some([self.pairs.b as f64 / n, self.pairs.c as f64 / n]);
        }
        let total = |arm: fn(&Hour) -> &ServedArm| {
            let mut sums = ArmSums::default();
            self.strata.iter().for_each(|hour| sums.merge(&arm(hour).cost));
            (sums.n > 0).then(|| sums.sum as f64 / sums.n as f64)
        };
        Some([total(|hour| &hour.baseline)?, total(|hour| &hour.candidate)?])
    }

    /// Mean of `c - ratio b` with its variance over independent requests.
    fn piece(&self, ratio: f64) -> Option<Piece> {
        let pairs = self.curve.map(|curve| curve.at(ratio)).map(|(estimate, variance)| Piece { estimate, variance });
        // Bills that never vary leave nothing to estimate.
        if let Some(certain) = pairs.filter(|piece| piece.variance <= 0.0) {
            return Some(certain);
        }
        let pieces: Vec<Piece> = pairs.into_iter().chain(self.served(ratio)).collect();
        combined(&pieces).or_else(|| pieces.first().copied())
    }

    /// The same over served traffic: within each hour, weighted as Mantel and Haenszel do, `n_C n_B / N`.
    fn served(&self, ratio: f64) -> Option<Piece> {
        let (mut weights, mut estimate, mut variance) = (0.0, 0.0, 0.0);
        for hour in self.strata {
            let (Some((mean_c, var_c)), Some((mean_b, var_b))) =
                (mean_and_variance(&hour.candidate.cost), mean_and_variance(&hour.baseline.cost))
            else {
                continue;
            };
            let (n_c, n_b) = (hour.candidate.cost.n as f64, hour.baseline.cost.n as f64);
            let weight = n_c * n_b / (n_c + n_b);
            weights += weight;
            estimate += weight * (mean_c - ratio * mean_b);
            variance += weight * weight * (var_c + ratio * ratio * var_b);
        }
        (weights > 0.0).then(|| Piece { estimate: estimate / weights, variance: variance / (weights * weights) })
    }
}

/// Mean and variance of the mean; `None` with fewer than two values.
fn mean_and_variance(sums: &ArmSums) -> Option<(f64, f64)> {
    if sums.n < 2 {
        return None;
    }
    let n = sums.n as f64;
    let mean = sums.sum as f64 / n;
    let spread = (sums.squares as f64 / n - mean * mean).max(0.0);
    Some((mean, spread / (n - 1.0)))
}

struct Bounds<'a> {
    money: &'a Money<'a>,
    independence: Independence,
    levels: LevelsInForce,
    estimate: f64,
}

impl Bounds<'_> {
    /// Whether a ratio is ruled out on this side.
    fn ruled_out(&self, ratio: f64, alpha: f64, side: Side) -> bool {
        let Some(piece) = self.money.piece(ratio).filter(|piece| piece.estimate.is_finite()) else { return false };
        // Columns in exact proportion have no variance: the ratio is what it is.
        let variance = piece.variance * self.independence.factor(alpha);
        let half = if variance > 0.0 {
            let planned = PLANNED_PAIRS / (piece.variance * self.money.n() as f64);
            half_width_at(1.0 / variance, planned, alpha, self.levels.looks)
        } else {
            Some(0.0)
        };
        half.is_some_and(|half| match side {
            Side::Upper => piece.estimate + half < 0.0,
            Side::Lower => piece.estimate - half > 0.0,
        })
    }

    /// The border between ratios that are ruled out and those that are not, on the log scale; `None` if nothing within a
    /// factor of a thousand of the estimate is ruled out.
    fn search(&self, alpha: f64, side: Side) -> Option<f64> {
        let far = match side {
            Side::Upper => self.estimate * 1e3,
            Side::Lower => self.estimate * 1e-3,
        };
        let (mut inside, mut outside) = (self.estimate.ln(), far.ln());
        if !(inside.is_finite() && self.ruled_out(far, alpha, side)) {
            return None;
        }
        for _ in 0..SEARCH_STEPS {
            let middle = f64::midpoint(inside, outside);
            if self.ruled_out(middle.exp(), alpha, side) { outside = middle } else { inside = middle }
        }
        // Rounded to the side of caution.
        Some(outside.exp())
    }
}

/// Quality: how much worse the candidate's mean score is, on the scale of the score (0 to 1).
pub(super) fn quality(question: &Question<'_>, levels: LevelsInForce) -> Measured {
    const SCALE: f64 = 1e6;
    let sums = question.pairs.map(|view| view.pooled.quality).unwrap_or_default();
    let blank = Measured { n: sums.n, ..Measured::blank("confidence-sequence-of-means") };
    if sums.n == 0 {
        return blank.refused(Refusal::NoObservations);
    }
    let n = sums.n as f64;
    let described = Measured {
        // What is shown is the score's shortfall from the best, so that larger is worse here too.
        baseline_value: Some(1.0 - sums.b as f64 / n / SCALE),
        candidate_value: Some(1.0 - sums.c as f64 / n / SCALE),
        ..blank
    };
    if sums.n < PAIRS_AT_LEAST {
        return described.refused(Refusal::TooFew { n: sums.n, needed: PAIRS_AT_LEAST });
    }
    let (mean, variance) = match sums.difference_at(1.0) {
        Ok((mean, variance)) => (-mean / SCALE, variance / (SCALE * SCALE)),
        Err(problem) => return described.refused(problem),
    };
    let independence = question.pairs.map_or(Independence::COMPLETE, |view| {
        independence::of_amount(view.clusters, Amount::Quality, 1.0, variance * SCALE * SCALE)
    });
    let planned = sequence::planned_information(question.margin, levels.go, levels.beta).unwrap_or(1.0);
    let bound = |alpha: f64, sign: f64| {
        let variance = variance * independence.factor(alpha);
        let half = if variance > 0.0 { half_width_at(1.0 / variance, planned, alpha, levels.looks)? } else { 0.0 };
        Some(mean + sign * half)
    };
    let (upper, lower) = (bound(levels.go, 1.0), bound(levels.alarm / 2.0, -1.0));
    let lower = lower.filter(|_| sums.n >= PAIRS_FOR_ALARM);
    let information = 1.0 / (variance * independence.factor(levels.go));
    let known = information.is_finite();
    Measured {
        estimate: Some(mean),
        upper,
        lower,
        within: upper.is_some_and(|upper| upper < question.margin),
        beyond: lower.is_some_and(|lower| lower > question.margin),
        regressed: lower.is_some_and(|lower| lower > 0.0),
        trend: known.then_some(Trend {
            estimate: mean,
            information,
            planned,
            needed: planned,
            margin: question.margin,
            equal: None,
        }),
        plan: known.then(|| Planning {
            variance: n / information,
            distance_equal: question.margin,
            distance_observed: question.margin - mean.max(0.0),
            planned,
        }),
        ..described
    }
    .with_independence(independence, levels)
}
