//! Differences of shares.

use super::{Measured, Piece, Planning, Trend, combined, conflict, half_width_at, newest, served_piece, start_levels};
use crate::counters::canary::{Asked, Hour, ServedArm};
use crate::counters::{Clusters, PairedCounts};
use crate::guardrail::LevelsInForce;
use crate::guardrail::independence::{self, Independence};
use crate::guardrail::questions::Question;
use crate::guardrail::views::{PairsView, ServedView, variance_of};
use crate::metric::Share;
use crate::policy::Looks;
use crate::stats::betting::{self, Differences, Hypothesis, Tally};
use crate::stats::randomisation::{self, UnitTotals};
use crate::stats::{Refusal, Side, cluster, paired, sequence, stratified, unpaired};

pub(super) fn measure(question: &Question<'_>, slot: usize, fewer: bool, levels: LevelsInForce) -> Measured {
    let pairs = question.pairs.map(|view| Pairs::new(view, slot, fewer, levels));
    // What is in a pair already must not be counted twice.
    let served =
        question.served.map(|view| Served::new(view, slot, fewer, question.pairs.is_some(), question.margin, levels));
    // A few consumers' traffic says little about the others; beside pairs it is left out, not their downfall.
    let paired = pairs.as_ref().is_some_and(|pairs| pairs.n > 0);
    let served = served.filter(|served| !paired || served.independence.too_few(levels.clusters).is_none());
    let n = pairs.as_ref().map_or(0, |pairs| pairs.n).saturating_add(served.as_ref().map_or(0, |served| served.n));
    let measured = Measured {
        n,
        events: Some(
            pairs
                .as_ref()
                .map_or(0, |pairs| pairs.events)
                .saturating_add(served.as_ref().map_or(0, |served| served.events)),
        ),
        ..own_values(question, slot, Measured::blank(method(levels, pairs.as_ref(), served.as_ref())))
    };
    if n == 0 {
        return measured.refused(Refusal::NoObservations);
    }
    let Ok(planned) = sequence::planned_information(question.margin, levels.go, levels.beta) else { return measured };
    let parts = Parts { pairs, served, planned, margin: question.margin, levels };
    let independence = parts.independence();
    let measured = parts.fill(measured).with_independence(independence, levels);
    below_noise(question, slot, measured)
}

/// A margin below the noise floor of the baseline against itself (A/A) cannot be proven, whatever the numbers say.
fn below_noise(question: &Question<'_>, slot: usize, measured: Measured) -> Measured {
    let net = [Share::ToolDisagreement, Share::AnswerDisagreement].map(Share::slot).contains(&slot);
    match measured.baseline_value.filter(|noise| net && *noise > question.margin) {
        Some(noise) => measured.refused(Refusal::BelowNoise { margin: question.margin, noise }),
        None => measured,
    }
}

/// The arms' own shares: of the pairs where there are any.
fn own_values(question: &Question<'_>, slot: usize, blank: Measured) -> Measured {
    let share = |bad: u64, n: u64| (n > 0).then(|| bad as f64 / n as f64);
    let table = question.pairs.map(|view| view.pooled.table(slot)).unwrap_or_default();
    let (baseline, candidate) = match question.served.filter(|_| table.pairs() == 0) {
        Some(served) => {
            let (b, c) = (served.totals.baseline.asked(slot), served.totals.candidate.asked(slot));
            (share(b.bad, b.n), share(c.bad, c.n))
        }
        None => (share(table.baseline_bad(), table.pairs()), share(table.candidate_bad(), table.pairs())),
    };
    Measured { baseline_value: baseline, candidate_value: candidate, ..blank }
}

fn method(levels: LevelsInForce, pairs: Option<&Pairs<'_>>, served: Option<&Served>) -> &'static str {
    let few = |events: u64| events < levels.events;
    match (levels.looks, pairs, served) {
        (Looks::One, Some(_), _) => "tango-score",
        (Looks::One, None, _) => "miettinen-nurminen",
        (Looks::Any, Some(pairs), None) if few(pairs.events) => "betting",
        (Looks::Any, None, Some(served)) if served.piece.is_none() => "betting-blocks",
        (Looks::Any, Some(pairs), Some(served)) if few(pairs.events) && served.piece.is_none() => "betting",
        (Looks::Any, Some(_), None) => "confidence-sequence",
        (Looks::Any, Some(_), Some(_)) => "confidence-sequence-combined",
        (Looks::Any, None, _) => "confidence-sequence-stratified",
    }
}

struct Parts<'a> {
    pairs: Option<Pairs<'a>>,
    served: Option<Served>,
    planned: f64,
    margin: f64,
    levels: LevelsInForce,
}

impl Parts<'_> {
    fn independence(&self) -> Independence {
        match (&self.pairs, &self.served) {
            (Some(pairs), Some(served)) if served.n > 0 && pairs.n == 0 => served.independence,
            (Some(pairs), _) => pairs.independence,
            (None, Some(served)) => served.independence,
            (None, None) => Independence::COMPLETE,
        }
    }

    fn fill(&self, measured: Measured) -> Measured {
        let enough = |events: u64| events >= self.levels.events;
        let pairs = self.pairs.as_ref().and_then(|pairs| pairs.piece);
        let served = self.served.as_ref().and_then(|served| served.piece);
        // A variance of three events contradicts nobody.
        let tellable = (
            pairs.filter(|_| self.pairs.as_ref().is_some_and(|pairs| enough(pairs.events))),
            served.filter(|_| self.served.as_ref().is_some_and(|served| enough(served.events))),
        );
        let all: Vec<Piece> = pairs.into_iter().chain(served).collect();
        let estimate = combined(&all).map(|piece| piece.estimate).or_else(|| self.estimate_without_variance());
        let (lower, upper) = (self.lower(), self.upper());
        let of_upper = upper.as_ref().ok().copied();
        let of_lower = lower.as_ref().ok().copied();
        let trend = combined(&all).map(|piece| Trend {
            estimate: piece.estimate,
            information: 1.0 / piece.variance,
            planned: self.planned,
            needed: self.planned,
            margin: self.margin,
            equal: None,
        });
        let plan = self.planning(measured.n, trend);
        Measured {
            estimate,
            lower: of_lower,
            upper: of_upper,
            within: of_upper.is_some_and(|upper| upper < self.margin),
            beyond: of_lower.is_some_and(|lower| lower > self.margin),
            regressed: of_lower.is_some_and(|lower| lower > 0.0),
            conflict: conflict(tellable.0, tellable.1, self.planned),
            problem: upper.err().or(lower.err()),
            trend,
            plan,
            ..measured
        }
    }

    fn estimate_without_variance(&self) -> Option<f64> {
        let pairs = self.pairs.as_ref().filter(|pairs| pairs.n > 0).map(Pairs::mean);
        pairs.or_else(|| self.served.as_ref().and_then(|served| served.difference))
    }

    fn planning(&self, n: u64, trend: Option<Trend>) -> Option<Planning> {
        let trend = trend.filter(|_| n > 0)?;
        Some(Planning {
            variance: n as f64 / trend.information,
            distance_equal: self.margin,
            distance_observed: self.margin - trend.estimate.max(0.0),
            planned: self.planned,
        })
    }

    /// Parts with enough events are combined in a confidence sequence; the others have exact bounds of their own. Where
    /// both kinds exist, each has half of the level, and the lower of their bounds holds.
    fn upper(&self) -> Result<f64, Refusal> {
        let alpha = self.levels.go;
        if self.levels.looks == Looks::One {
            return match (&self.pairs, &self.served) {
                (Some(pairs), _) if pairs.n > 0 => pairs.upper_one(alpha),
                (_, Some(served)) => served.upper_one(alpha),
                _ => Err(Refusal::NoObservations),
            };
        }
        let enough = |events: u64| events >= self.levels.events;
        let pairs = self.pairs.as_ref().filter(|pairs| pairs.n > 0);
        let served = self.served.as_ref().filter(|served| served.n > 0);
        let asymptotic: Vec<Piece> = pairs
            .filter(|pairs| enough(pairs.events))
            .and_then(|pairs| pairs.piece)
            .into_iter()
            .chain(served.and_then(|served| served.piece))
            .collect();
        let exact_pairs = pairs.filter(|pairs| !enough(pairs.events));
        let exact_served = served.filter(|served| served.piece.is_none() && served.tally.is_some());
        let kinds = usize::from(!asymptotic.is_empty())
            + usize::from(exact_pairs.is_some())
            + usize::from(exact_served.is_some());
        let alpha = alpha / kinds.max(1) as f64;
        let bounds = [
            combined(&asymptotic).and_then(|piece| {
                let half = half_width_at(1.0 / piece.variance, self.planned, alpha, Looks::Any)?;
                Some(Ok((piece.estimate + half).min(1.0)))
            }),
            exact_pairs.map(|pairs| betting::upper_scaled(pairs.differences, pairs.independence.factor(alpha), alpha)),
            exact_served.and_then(|served| {
                let tally = served.tally.as_ref()?.first()?;
                Some(tally.upper(alpha, served.independence.factor(alpha)))
            }),
        ];
        let lower_one = |a: Result<f64, Refusal>, b: Result<f64, Refusal>| match (a, b) {
            (Ok(a), Ok(b)) => Ok(f64::min(a, b)),
            (Ok(a), Err(_)) | (Err(_), Ok(a)) => Ok(a),
            (Err(a), Err(_)) => Err(a),
        };
        let bound = bounds.into_iter().flatten().reduce(lower_one).unwrap_or(Err(Refusal::NoObservations))?;
        // It holds for one look only; here it can but add caution.
        match served.filter(|_| pairs.is_none()).and_then(|served| served.upper_of_units(self.levels.go)) {
            Some(units) => Ok(bound.max(units?)),
            None => Ok(bound),
        }
    }

    fn lower(&self) -> Result<f64, Refusal> {
        match (&self.pairs, &self.served) {
            (Some(pairs), _) if pairs.n > 0 => pairs.lower(self.levels),
            (_, Some(served)) if served.n > 0 => served.lower(self.levels, self.planned),
            _ => Err(Refusal::NoObservations),
        }
    }
}

/// The pairs' side.
struct Pairs<'a> {
    view: &'a PairsView<'a>,
    slot: usize,
    fewer: bool,
    n: u64,
    events: u64,
    differences: Differences,
    independence: Independence,
    piece: Option<Piece>,
}

fn differences(table: PairedCounts) -> Differences {
    Differences {
        minus: table.only_baseline_bad,
        zero: table.both_bad.saturating_add(table.both_good),
        plus: table.only_candidate_bad,
    }
}

impl<'a> Pairs<'a> {
    fn new(view: &'a PairsView<'a>, slot: usize, fewer: bool, levels: LevelsInForce) -> Self {
        let turned = |table: PairedCounts| if fewer { table.swapped() } else { table };
        let table = turned(view.pooled.table(slot));
        let differences = differences(table);
        let variance = variance_of(differences);
        let events = table.discordant();
        let few = events < levels.events;
        let independence =
            independence::of_effect(view.clusters, slot, variance.unwrap_or(0.0), few, view.frequent_effect);
        let mean = (differences.plus as f64 - differences.minus as f64) / table.pairs().max(1) as f64;
        let piece =
            variance.map(|variance| Piece { estimate: mean, variance: variance * independence.factor(levels.go) });
        Self { view, slot, fewer, n: table.pairs(), events, differences, independence, piece }
    }

    fn mean(&self) -> f64 {
        (self.differences.plus as f64 - self.differences.minus as f64) / self.n.max(1) as f64
    }

    fn upper_one(&self, alpha: f64) -> Result<f64, Refusal> {
        bound_one(self.differences, self.independence.factor(alpha), alpha, Side::Upper)
    }

    fn lower(&self, levels: LevelsInForce) -> Result<f64, Refusal> {
        let factor = self.independence.factor(levels.alarm);
        if levels.looks == Looks::One {
            let score = bound_one(self.differences, factor, levels.alarm, Side::Lower)?;
            // A score bound alarms too easily where few pairs differ.
            let few = self.events < levels.events;
            let exact = betting::lower_scaled(self.differences, factor, levels.alarm)?;
            return Ok(if few { score.min(exact) } else { score });
        }
        let (first, later) = start_levels(levels);
        let mut lower = betting::lower_scaled(self.differences, factor, first)?;
        for restart in newest(&self.view.restarts, levels) {
            let table = restart.table(self.slot);
            let table = if self.fewer { table.swapped() } else { table };
            let counts = differences(table);
            // One look at the wealth tells whether this start's bound is the higher one at all.
            let higher =
                lower <= -1.0 || betting::log_wealth_scaled(counts, lower, Hypothesis::AtMost, factor)? >= -later.ln();
            if higher {
                lower = lower.max(betting::lower_scaled(counts, factor, later)?);
            }
        }
        Ok(lower)
    }
}

fn bound_one(counts: Differences, factor: f64, alpha: f64, side: Side) -> Result<f64, Refusal> {
    let pairs = counts.minus.saturating_add(counts.zero).saturating_add(counts.plus);
    let table = paired::Discordant::of(counts.plus, counts.minus, pairs);
    paired::bound_effective(table.over(factor), alpha, side)
}

/// The served side.
struct Served {
    n: u64,
    events: u64,
    independence: Independence,
    difference: Option<f64>,
    /// The difference, once there is enough for a limit theorem.
    piece: Option<Piece>,
    /// The same as if every request stood for itself.
    alone: Option<Piece>,
    /// Candidate and baseline over everything, turned.
    arms: [Asked; 2],
    /// Blocks from each start to the end; `None` where it cannot be asked (the turned direction is the negated tally).
    tally: Option<Vec<Tally>>,
    /// Totals of each assignment unit, where there are few of them and each is known by itself.
    units: Vec<UnitTotals>,
}

impl Served {
    fn new(view: &ServedView<'_>, slot: usize, fewer: bool, apart: bool, margin: f64, levels: LevelsInForce) -> Self {
        let hours = if apart { &view.strata_apart } else { &view.strata };
        let turn =
            |candidate: Asked, baseline: Asked| if fewer { [baseline, candidate] } else { [candidate, baseline] };
        let of = |hour: &Hour| turn(hour.candidate.asked(slot), hour.baseline.asked(slot));
        let strata: Vec<stratified::Stratum> = hours.iter().map(|hour| stratum(of(hour))).collect();
        let sum = |arm: usize| {
            hours.iter().map(|hour| of(hour)[arm]).fold(Asked::default(), |sum, asked| Asked {
                n: sum.n.saturating_add(asked.n),
                bad: sum.bad.saturating_add(asked.bad),
            })
        };
        let arms = [sum(0), sum(1)];
        let events = arms[0].bad.saturating_add(arms[1].bad);
        let independence = arm_independence(view, slot, events < levels.events);
        let estimated = stratified::risk_difference(&strata).ok();
        let alone = estimated
            .filter(|estimated| estimated.variance > 0.0)
            .map(|estimated| Piece { estimate: estimated.estimate, variance: estimated.variance });
        let piece = served_piece(&strata, margin, levels.events, independence.factor(levels.go));
        let tallies = view.tallies(slot);
        let tally = (!tallies.is_empty() && !apart)
            .then(|| tallies.iter().map(|tally| if fewer { tally.negated() } else { tally.clone() }).collect());
        Self {
            n: arms[0].n.min(arms[1].n),
            events,
            independence,
            difference: estimated.map(|estimated| estimated.estimate),
            piece,
            alone,
            arms,
            tally,
            units: if apart { Vec::new() } else { few_units(view, slot, fewer, independence) },
        }
    }

    /// The bound of the randomisation test, where there are few units: exact whatever their sizes and however alike their
    /// requests, and asked besides the other bound, which leans on a limit theorem over units.
    fn upper_of_units(&self, alpha: f64) -> Option<Result<f64, Refusal>> {
        (!self.units.is_empty()).then(|| randomisation::bound(&self.units, alpha, Side::Upper, PERMUTATIONS, SEED))
    }

    fn upper_one(&self, alpha: f64) -> Result<f64, Refusal> {
        let [candidate, baseline] = self.effective(alpha);
        let score = unpaired::bound_effective(candidate, baseline, alpha, Side::Upper)?;
        self.upper_of_units(alpha).map_or(Ok(score), |units| Ok(score.max(units?)))
    }

    fn effective(&self, alpha: f64) -> [unpaired::EffectiveArm; 2] {
        let factor = self.independence.factor(alpha);
        self.arms.map(|arm| unpaired::EffectiveArm { events: arm.bad as f64 / factor, n: arm.n as f64 / factor })
    }

    fn lower(&self, levels: LevelsInForce, planned: f64) -> Result<f64, Refusal> {
        let factor = self.independence.factor(levels.alarm);
        if levels.looks == Looks::One {
            let [candidate, baseline] = self.effective(levels.alarm);
            return unpaired::bound_effective(candidate, baseline, levels.alarm, Side::Lower);
        }
        if self.tally.is_none() {
            // Without blocks there is no bet; a bound for one look would raise false alarms look by look.
            let piece = self.alone.filter(|_| self.events >= levels.events);
            let bound = piece.and_then(|piece| {
                let half = half_width_at(1.0 / (piece.variance * factor), planned, levels.alarm, Looks::Any)?;
                Some((piece.estimate - half).max(-1.0))
            });
            return Ok(bound.unwrap_or(-1.0));
        }
        let (first, later) = start_levels(levels);
        let tallies = self.tally.as_deref().unwrap_or_default();
        let Some((whole, restarts)) = tallies.split_first() else { return Err(Refusal::NoObservations) };
        let mut lower = whole.lower(first, factor)?;
        for restart in newest(restarts, levels) {
            lower = lower.max(restart.lower(later, factor)?);
        }
        Ok(lower)
    }
}

/// Assignments that the randomisation test compares with, and the seed that draws them: fixed, so that the same evidence
/// gives the same verdict.
const PERMUTATIONS: u32 = 999;
const SEED: u64 = 1;

/// Totals of the assignment units where there are effectively fewer of them than linearisation needs.
fn few_units(view: &ServedView<'_>, slot: usize, fewer: bool, independence: Independence) -> Vec<UnitTotals> {
    let few = independence.effective.is_some_and(|effective| effective < cluster::LINEAR_FROM);
    let arms = [(&view.canary.clusters_baseline, false), (&view.canary.clusters_candidate, true)];
    if !few || arms.iter().any(|(clusters, _)| !clusters.all_open()) {
        return Vec::new();
    }
    let of = |(clusters, candidate): (&Clusters, bool)| -> Vec<UnitTotals> {
        let effects = clusters.open.values().filter_map(|sums| sums.effects.get(slot));
        let asked = effects.filter(|effect| effect.n > 0);
        asked
            .map(|effect| UnitTotals {
                candidate: candidate != fewer,
                sum: effect.sum as f64,
                size: f64::from(effect.n),
                before: None,
            })
            .collect()
    };
    arms.into_iter().flat_map(of).collect()
}

const fn stratum([candidate, baseline]: [Asked; 2]) -> stratified::Stratum {
    stratified::Stratum {
        candidate_n: candidate.n,
        candidate_x: candidate.bad,
        baseline_n: baseline.n,
        baseline_x: baseline.bad,
    }
}

/// The more cautious of the two arms'.
fn arm_independence(view: &ServedView<'_>, slot: usize, few: bool) -> Independence {
    let of = |arm: &ServedArm, clusters: &Clusters, frequent: Option<f64>| {
        let asked = arm.asked(slot);
        let share = asked.bad as f64 / asked.n.max(1) as f64;
        let variance = share * (1.0 - share) / asked.n.max(1) as f64;
        independence::of_effect(clusters, slot, variance, few || asked.bad == 0, frequent)
    };
    let [baseline, candidate] = view.frequent_effects;
    of(&view.totals.baseline, &view.canary.clusters_baseline, baseline).worse(of(
        &view.totals.candidate,
        &view.canary.clusters_candidate,
        candidate,
    ))
}
