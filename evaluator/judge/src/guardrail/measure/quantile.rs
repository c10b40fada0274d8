//! Ratios of latency quantiles, as exceedances of frozen thresholds (Q3), or by order statistics for a single look (Q1).
//!
//! "The ratio is at most rho" is tested at every counted rho; the bounds are the smallest rho, from above, that is still
//! proven, and the largest one, from below, that is ruled out.

use super::{Measured, Piece, Planning, Trend, combined, conflict, half_width_at, newest, served_piece, start_levels};
use crate::counters::canary::{Hour, equality_slot};
use crate::counters::cluster::exceedance_slot;
use crate::counters::histogram::Histogram;
use crate::counters::{Paired, Thresholds};
use crate::guardrail::LevelsInForce;
use crate::guardrail::independence::{self, Independence};
use crate::guardrail::questions::Question;
use crate::guardrail::views::{PairsView, ServedView, variance_of};
use crate::metric::{Latency, Quantile};
use crate::policy::Looks;
use crate::stats::betting::{self, Differences, Hypothesis, Tally};
use crate::stats::quantile::{QuantileRatio, Ranked};
use crate::stats::special::{normal_quantile, normal_upper_tail};
use crate::stats::{Refusal, Side, sequence, stratified};

/// Log standard deviation of latencies that plans assume.
const PLANNED_LOG_SD: f64 = 0.5;

pub(super) fn measure(
    question: &Question<'_>,
    latency: Latency,
    quantile: Quantile,
    levels: LevelsInForce,
) -> Measured {
    let pairs = question.pairs.map(|view| &view.pooled.latency[latency.slot()]);
    let histograms = match (pairs, question.served) {
        (Some(pairs), _) if pairs.baseline.n() > 0 => Some([&pairs.baseline, &pairs.candidate]),
        (_, Some(served)) => {
            let slot = latency.slot();
            Some([&served.canary.latency_baseline[slot], &served.canary.latency_candidate[slot]])
        }
        _ => None,
    };
    let blank = Measured::blank(match (levels.looks, question.pairs, question.served) {
        (Looks::One, Some(_), _) => "order-statistics-mover-paired",
        (Looks::One, None, _) => "order-statistics-mover",
        (Looks::Any, Some(_), None) => "exceedances",
        (Looks::Any, Some(_), Some(_)) => "exceedances-combined",
        (Looks::Any, None, _) => "exceedances-stratified",
    });
    let Some([baseline, candidate]) = histograms.filter(|[b, c]| b.n() > 0 || c.n() > 0) else {
        return blank.refused(Refusal::NoObservations);
    };
    let values = [baseline, candidate].map(|histogram| histogram.quantile_us(quantile.share()));
    let described = Measured {
        estimate: values[1].zip(values[0]).map(|(candidate, baseline)| candidate / baseline.max(0.5)),
        baseline_value: values[0],
        candidate_value: values[1],
        ..blank
    };
    if levels.looks == Looks::One {
        return one_look(question, quantile, [baseline, candidate], latency, described, levels);
    }
    let plan = question.pairs.map(|view| view.plan).or(question.served.map(|view| view.plan));
    let Some(thresholds) = plan.and_then(|plan| plan.of(latency)) else {
        return described.refused(Refusal::NoObservations);
    };
    let question = Asked::new(question, thresholds, latency, quantile, levels);
    question.fill(described)
}

/// One question at every counted ratio.
struct Asked<'a> {
    thresholds: &'a Thresholds,
    latency: Latency,
    quantile: Quantile,
    levels: LevelsInForce,
    pairs: Option<(&'a PairsView<'a>, Independence)>,
    /// The pairs' differences at every counted ratio; empty where nothing was tested.
    differences: Vec<Differences>,
    served: Option<Served>,
    margin: f64,
    planned: f64,
}

struct Served {
    /// By counted ratio: the hours, with the candidate's exceedances of it and the baseline's of its own quantile.
    strata: Vec<Vec<stratified::Stratum>>,
    independence: Independence,
    /// Blocks at the margin and at equality, from each start to the end; empty where the pairs alarm already.
    at_margin: Vec<Tally>,
    at_equality: Vec<Tally>,
    n: u64,
    /// Mean exceedance below zero that the baseline itself would have at the margin.
    distance_if_equal: Option<f64>,
}

impl<'a> Asked<'a> {
    fn new(
        question: &Question<'a>,
        thresholds: &'a Thresholds,
        latency: Latency,
        quantile: Quantile,
        levels: LevelsInForce,
    ) -> Self {
        let slot = exceedance_slot(latency, quantile);
        let place = thresholds.margin_at[quantile.slot()];
        let pairs = question.pairs.map(|view| {
            let differences = view.pooled.latency[latency.slot()].differences(quantile, place);
            let few = discordant(differences) < levels.events;
            let variance = variance_of(differences).unwrap_or(0.0);
            (view, independence::of_effect(view.clusters, slot, variance, few, view.frequent_effect))
        });
        // Served traffic of a few consumers is left out beside pairs, as everywhere.
        let tested = question.pairs.is_some_and(|view| view.pooled.latency[latency.slot()].tested > 0);
        let apart = question.pairs.is_some();
        let served = question.served.map(|view| Served::new(view, thresholds, latency, quantile, apart));
        let served = served.filter(|own| !tested || own.independence.too_few(levels.clusters).is_none());
        let ratios = thresholds.ratios[quantile.slot()].len();
        let differences = question
            .pairs
            .filter(|_| tested)
            .map_or_else(Vec::new, |view| view.pooled.latency[latency.slot()].all_differences(quantile, ratios));
        let planned = planned_information(quantile, question.margin, levels);
        Self { thresholds, latency, quantile, levels, pairs, differences, served, margin: question.margin, planned }
    }

    fn ratio(&self, place: usize) -> f64 {
        self.thresholds.ratios[self.quantile.slot()].get(place).copied().unwrap_or(f64::NAN)
    }

    fn fill(&self, described: Measured) -> Measured {
        let [margin_at, equal_at] =
            [self.thresholds.margin_at, self.thresholds.equal_at].map(|at| at[self.quantile.slot()]);
        let tested = self.pairs.map_or(0, |(view, _)| view.pooled.latency[self.latency.slot()].tested);
        let n = tested.saturating_add(self.served.as_ref().map_or(0, |served| served.n));
        let independence = match (&self.pairs, &self.served) {
            (Some((_, independence)), _) if tested > 0 => *independence,
            (_, Some(served)) => served.independence,
            (Some((_, independence)), None) => *independence,
            (None, None) => Independence::COMPLETE,
        };
        if n == 0 {
            return described.refused(Refusal::NoObservations);
        }
        let pieces = self.pieces(margin_at);
        let at_margin = combined(&pieces);
        let last = self.thresholds.ratios[self.quantile.slot()].len();
        // From above: proven at this ratio and at every larger one.
        let proven_from = (0..last).rev().take_while(|place| self.proven(*place)).last();
        // From below: ruled out at this ratio and at every smaller one.
        // A larger ratio has fewer exceedances of the candidate and is harder to rule out, so that half of the grid is
        // decided by its middle.
        let ruled_out_to = leading(last, |place| self.ruled_out(place)).checked_sub(1);
        let (pairs, served) = self.pieces_apart(margin_at);
        let distance_if_equal = self.distance_if_equal(margin_at);
        Measured {
            n,
            events: Some(self.events(margin_at)),
            upper: proven_from.map(|place| self.ratio(place)),
            lower: ruled_out_to.map(|place| self.ratio(place)),
            within: proven_from.is_some_and(|place| place <= margin_at),
            beyond: ruled_out_to.is_some_and(|place| place >= margin_at),
            regressed: ruled_out_to.is_some_and(|place| place >= equal_at),
            conflict: conflict(pairs, served, self.planned),
            trend: at_margin.map(|piece| Trend {
                estimate: piece.estimate,
                information: 1.0 / piece.variance,
                planned: self.planned,
                needed: self.needed_information(distance_if_equal),
                margin: 0.0,
                equal: self.own_distance(margin_at).map(|distance| -distance),
            }),
            plan: at_margin.map(|piece| Planning {
                variance: piece.variance * n as f64,
                distance_equal: distance_if_equal,
                distance_observed: -piece.estimate,
                planned: self.planned,
            }),
            ..described
        }
        .with_independence(independence, self.levels)
    }

    fn differences(&self, place: usize) -> Option<(Differences, Independence)> {
        let (_, independence) = self.pairs?;
        self.differences.get(place).map(|differences| (*differences, independence))
    }

    fn events(&self, place: usize) -> u64 {
        let paired = self.differences(place).map_or(0, |(differences, _)| discordant(differences));
        let served = self.served.as_ref().map_or(0, |served| bad(served.at(place)));
        paired.saturating_add(served)
    }

    /// Estimates of the mean exceedance with enough events: of the pairs, and of served traffic.
    fn pieces_apart(&self, place: usize) -> (Option<Piece>, Option<Piece>) {
        let enough = |events: u64| events >= self.levels.events;
        let pairs = self.differences(place).filter(|(differences, _)| enough(discordant(*differences)));
        let pairs = pairs.and_then(|(differences, independence)| {
            let n = differences.plus as f64 + differences.minus as f64 + differences.zero as f64;
            let estimate = (differences.plus as f64 - differences.minus as f64) / n;
            Some(Piece { estimate, variance: variance_of(differences)? * independence.factor(self.levels.go) })
        });
        let served = self.served.as_ref().and_then(|served| {
            served_piece(served.at(place), 0.0, self.levels.events, served.independence.factor(self.levels.go))
        });
        (pairs, served)
    }

    fn pieces(&self, place: usize) -> Vec<Piece> {
        let (pairs, served) = self.pieces_apart(place);
        pairs.into_iter().chain(served).collect()
    }

    /// Whether "the ratio is this large or larger" is ruled out at the GO level.
    fn proven(&self, place: usize) -> bool {
        let alpha = self.levels.go;
        if let Some(piece) = combined(&self.pieces(place)) {
            let half = half_width_at(1.0 / piece.variance, self.planned, alpha, Looks::Any);
            return half.is_some_and(|half| piece.estimate + half < 0.0);
        }
        let Some((differences, independence)) = self.differences(place) else { return false };
        betting::log_wealth_scaled(differences, 0.0, Hypothesis::AtLeast, independence.factor(alpha))
            .is_ok_and(|wealth| wealth >= -alpha.ln())
    }

    /// Whether "the ratio is at most this" is ruled out at the alarm level, from any of the starts.
    fn ruled_out(&self, place: usize) -> bool {
        let (first, later) = start_levels(self.levels);
        let bets = |differences: Differences, independence: Independence, level: f64| {
            let factor = independence.factor(self.levels.alarm);
            betting::log_wealth_scaled(differences, 0.0, Hypothesis::AtMost, factor)
                .is_ok_and(|wealth| wealth >= -level.ln())
        };
        if let Some((view, independence)) = self.pairs.filter(|_| self.differences(place).is_some()) {
            let since = |start: &Paired| start.latency[self.latency.slot()].differences(self.quantile, place);
            let whole = self.differences.get(place).copied().unwrap_or_default();
            return bets(whole, independence, first)
                || newest(&view.restarts, self.levels).iter().any(|start| bets(since(start), independence, later));
        }
        self.served.as_ref().is_some_and(|served| self.ruled_out_by_blocks(served, place))
    }

    /// Blocks are counted at equality and at the margin only: what is ruled out there is ruled out below.
    fn ruled_out_by_blocks(&self, served: &Served, place: usize) -> bool {
        let [margin_at, equal_at] =
            [self.thresholds.margin_at, self.thresholds.equal_at].map(|at| at[self.quantile.slot()]);
        let tallies = [(margin_at, &served.at_margin), (equal_at, &served.at_equality)];
        tallies.into_iter().any(|(at, tallies)| place <= at && alarmed(tallies, served.independence, self.levels))
    }

    /// Information that one look needs with the baseline's own distribution: a tail that is heavier than the plan
    /// assumes asks for several times as much.
    fn needed_information(&self, distance: f64) -> f64 {
        sequence::planned_information(distance, self.levels.go, self.levels.beta).unwrap_or(self.planned)
    }

    /// Mean exceedance below zero that a truly equal candidate would have at the margin, from the baseline's own
    /// distribution: as far as the plan assumes where nothing was seen.
    fn distance_if_equal(&self, place: usize) -> f64 {
        let own = self.own_distance(place).filter(|distance| *distance > 0.0);
        own.unwrap_or_else(|| planned_distance(self.quantile, self.margin))
    }

    /// The same as the baseline of the pairs shows it; next to nothing where as many requests fail as the quantile leaves
    /// above it.
    fn own_distance(&self, place: usize) -> Option<f64> {
        let slot = self.quantile.slot();
        let edge = self.thresholds.edges_us[slot].get(place).copied().unwrap_or(u64::MAX);
        let own = self.pairs.and_then(|(view, _)| {
            let baseline = &view.pooled.latency[self.latency.slot()].baseline;
            let above = |threshold: u64| baseline.above(threshold, false) as f64 / baseline.n().max(1) as f64;
            (baseline.n() > 0).then(|| above(self.thresholds.tau_us[slot]) - above(edge))
        });
        own.or_else(|| self.served.as_ref()?.distance_if_equal)
    }
}

/// How many of the first `n` places hold, where no place holds after one that does not.
fn leading(n: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = usize::midpoint(low, high);
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// Pairs in which exactly one arm exceeds.
const fn discordant(differences: Differences) -> u64 {
    differences.plus.saturating_add(differences.minus)
}

/// Exceedances of both arms.
fn bad(strata: &[stratified::Stratum]) -> u64 {
    strata.iter().fold(0, |sum, stratum| sum.saturating_add(stratum.candidate_x).saturating_add(stratum.baseline_x))
}

fn alarmed(tallies: &[Tally], independence: Independence, levels: LevelsInForce) -> bool {
    let (first, later) = start_levels(levels);
    let factor = independence.factor(levels.alarm);
    let bets = |tally: &Tally, level: f64| {
        tally.log_wealth(0.0, Hypothesis::AtMost, factor).is_ok_and(|wealth| wealth >= -level.ln())
    };
    let Some((whole, restarts)) = tallies.split_first() else { return false };
    bets(whole, first) || newest(restarts, levels).iter().any(|start| bets(start, later))
}

impl Served {
    fn new(view: &ServedView<'_>, thresholds: &Thresholds, latency: Latency, quantile: Quantile, apart: bool) -> Self {
        let hours: &[&Hour] = if apart { &view.strata_apart } else { &view.strata };
        let count = |arm: fn(&Hour) -> &crate::counters::canary::ServedArm| -> u64 {
            hours.iter().fold(0, |sum, hour| sum.saturating_add(arm(hour).latency[latency.slot()].n))
        };
        let tallies = |slot| if apart { Vec::new() } else { view.tallies(slot) };
        let above = |place: usize| -> u64 {
            let of = |hour: &&Hour| hour.baseline.latency[latency.slot()].above(quantile, place);
            hours.iter().map(of).fold(0, u64::saturating_add)
        };
        let [equal_at, margin_at] = [thresholds.equal_at, thresholds.margin_at].map(|at| at[quantile.slot()]);
        let n_baseline = count(|hour| &hour.baseline);
        Self {
            distance_if_equal: (n_baseline > 0)
                .then(|| (above(equal_at) as f64 - above(margin_at) as f64) / n_baseline as f64),
            strata: strata(hours, thresholds, latency, quantile),
            independence: independence_of(view, latency, quantile),
            at_margin: tallies(exceedance_slot(latency, quantile)),
            at_equality: tallies(equality_slot(latency, quantile)),
            n: n_baseline.min(count(|hour| &hour.candidate)),
        }
    }

    fn at(&self, place: usize) -> &[stratified::Stratum] {
        self.strata.get(place).map_or(&[], Vec::as_slice)
    }
}

/// The hours at every counted ratio.
fn strata(
    hours: &[&Hour],
    thresholds: &Thresholds,
    latency: Latency,
    quantile: Quantile,
) -> Vec<Vec<stratified::Stratum>> {
    let ratios = thresholds.ratios[quantile.slot()].len();
    let equal_at = thresholds.equal_at[quantile.slot()];
    let mut by_ratio = vec![Vec::with_capacity(hours.len()); ratios];
    for hour in hours {
        let (candidate, baseline) = (&hour.candidate.latency[latency.slot()], &hour.baseline.latency[latency.slot()]);
        let baseline_x = baseline.above(quantile, equal_at);
        for (strata, candidate_x) in by_ratio.iter_mut().zip(candidate.all_above(quantile, ratios)) {
            let (candidate_n, baseline_n) = (candidate.n, baseline.n);
            strata.push(stratified::Stratum { candidate_n, candidate_x, baseline_n, baseline_x });
        }
    }
    by_ratio
}

/// Independence of the arms' exceedances in served traffic.
pub(in crate::guardrail) fn independence_of(
    view: &ServedView<'_>,
    latency: Latency,
    quantile: Quantile,
) -> Independence {
    let Some(thresholds) = view.plan.of(latency) else { return Independence::COMPLETE };
    let slot = exceedance_slot(latency, quantile);
    let arm = |candidate: bool| {
        let (arm, clusters, place) = if candidate {
            (&view.totals.candidate, &view.canary.clusters_candidate, thresholds.margin_at)
        } else {
            (&view.totals.baseline, &view.canary.clusters_baseline, thresholds.equal_at)
        };
        let counts = &arm.latency[latency.slot()];
        let above = counts.above(quantile, place[quantile.slot()]);
        let share = above as f64 / counts.n.max(1) as f64;
        let variance = share * (1.0 - share) / counts.n.max(1) as f64;
        let frequent = view.frequent_effects[usize::from(candidate)];
        independence::of_effect(clusters, slot, variance, above == 0, frequent)
    };
    arm(false).worse(arm(true))
}

/// Mean exceedance below zero that an equal candidate has at the margin, for log-normal latencies.
fn planned_distance(quantile: Quantile, margin: f64) -> f64 {
    let share = quantile.share();
    let beyond = normal_upper_tail(normal_quantile(share) + margin.ln() / PLANNED_LOG_SD);
    ((1.0 - share) - beyond).max(1e-6)
}

fn planned_information(quantile: Quantile, margin: f64, levels: LevelsInForce) -> f64 {
    sequence::planned_information(planned_distance(quantile, margin), levels.go, levels.beta).unwrap_or(1.0)
}

impl Ranked for Histogram {
    fn n(&self) -> u64 {
        Self::n(self)
    }

    fn at(&self, rank: u64) -> (f64, f64) {
        self.at_rank(rank).map_or((f64::INFINITY, f64::INFINITY), |(low, high)| (low as f64, high as f64))
    }
}

/// Order statistics and MOVER, for a single look.
fn one_look(
    question: &Question<'_>,
    quantile: Quantile,
    [baseline, candidate]: [&Histogram; 2],
    latency: Latency,
    described: Measured,
    levels: LevelsInForce,
) -> Measured {
    let paired = question.pairs.filter(|view| view.pooled.latency[latency.slot()].baseline.n() > 0);
    let independence = match (paired, question.served) {
        (Some(view), _) => one_look_independence(view, latency, quantile),
        (None, Some(served)) => independence_of(served, latency, quantile),
        (None, None) => Independence::COMPLETE,
    };
    let correlation = paired.map_or(0.0, |view| {
        let place = view.plan.of(latency).map_or(0, |thresholds| {
            let ratios = &thresholds.ratios[quantile.slot()];
            ratios.partition_point(|ratio| Some(*ratio) < described.estimate).min(ratios.len().saturating_sub(1))
        });
        view.pooled.latency[latency.slot()].correlation(quantile, place)
    });
    let bound = |alpha: f64, side: Side| {
        let factor = independence.factor(alpha);
        QuantileRatio {
            baseline,
            candidate,
            baseline_effective: baseline.n() as f64 / factor,
            candidate_effective: candidate.n() as f64 / factor,
            share: quantile.share(),
            correlation: correlation.clamp(-1.0, 1.0),
        }
        .bound(alpha, side)
    };
    let (upper, lower) = (bound(levels.go, Side::Upper), bound(levels.alarm, Side::Lower));
    let (of_upper, of_lower) = (upper.clone().ok().flatten(), lower.clone().ok().flatten());
    Measured {
        n: baseline.n().min(candidate.n()),
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

/// Independence of the pairs' exceedances at the margin.
pub(in crate::guardrail) fn one_look_independence(
    view: &PairsView<'_>,
    latency: Latency,
    quantile: Quantile,
) -> Independence {
    let Some(thresholds) = view.plan.of(latency) else { return Independence::COMPLETE };
    let place = thresholds.margin_at[quantile.slot()];
    let variance = variance_of(view.pooled.latency[latency.slot()].differences(quantile, place)).unwrap_or(0.0);
    let slot = exceedance_slot(latency, quantile);
    independence::of_effect(view.clusters, slot, variance, variance <= 0.0, view.frequent_effect)
}
