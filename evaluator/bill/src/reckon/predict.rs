//! Ratios of pairs, applied to requests without a copy.

use super::t_quantile;
use crate::money::exact;
use crate::traffic::{Cell, GROUPS, Known, Rate, Rest, Taught, Traffic, WEEK_HOURS};
use datasets::Arm;
use judge::verdict::Stratum;
use std::collections::BTreeMap;

/// Fewer pairs than this teach nothing of a kind by themselves.
pub const PAIRS_MIN: u64 = 30;
/// Neither do pairs of fewer random groups of conversations.
const GROUPS_MIN: usize = 5;
/// Strata that are listed.
const STRATA_MAX: usize = 64;

/// What is predicted of one arm: the money it would have cost for the requests that the other one served alone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Side {
    /// Requests predicted.
    pub(super) requests: u64,
    /// Nano-dollars as sent.
    pub(super) value: f64,
    /// With a cold cache.
    pub(super) cold: f64,
    /// With a warm cache.
    pub(super) warm: f64,
    /// As sent, by random group of conversations and by hour of the week.
    pub(super) groups: Vec<f64>,
    pub(super) hours: Vec<f64>,
    /// The same at the times at which those that can wait would be sent.
    pub(super) groups_off_peak: Vec<f64>,
    pub(super) hours_off_peak: Vec<f64>,
    /// Linearised error of `value` by random group of the pairs.
    pub(super) errors: Vec<f64>,
    /// Pairs by random group.
    pub(super) pairs: Vec<f64>,
    /// Variance of the rest about its prediction.
    pub(super) noise: f64,
    /// Variance of pooled ratios about those of the kinds that they stand in for.
    pub(super) pooling: f64,
}

impl Default for Side {
    fn default() -> Self {
        Self {
            requests: 0,
            value: 0.0,
            cold: 0.0,
            warm: 0.0,
            groups: vec![0.0; GROUPS],
            hours: vec![0.0; WEEK_HOURS],
            groups_off_peak: vec![0.0; GROUPS],
            hours_off_peak: vec![0.0; WEEK_HOURS],
            errors: vec![0.0; GROUPS],
            pairs: vec![0.0; GROUPS],
            noise: 0.0,
            pooling: 0.0,
        }
    }
}

/// Both arms' predictions; `None` where a request would have to be predicted and no pair tells how.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Predicted {
    pub(super) baseline: Option<Side>,
    pub(super) candidate: Option<Side>,
    pub(super) strata: Vec<Stratum>,
}

impl Predicted {
    pub(super) fn of(traffic: &Traffic, model: &dyn Fn(Arm, u32) -> String) -> Self {
        let pooled = Pooled::of(traffic);
        let mut sides = [Some(Side::default()), Some(Side::default())];
        let mut strata = Vec::new();
        for (cell, known) in traffic.cells.iter().filter(|(_, known)| known.rest_requests > 0) {
            let source = pooled.source(cell, known);
            let ratio = Ratio::of(source.known);
            strata.push((rest_sum(known), stratum(cell, known, ratio.as_ref(), source.name, model)));
            // What the baseline served is predicted for the candidate, and the other way round.
            let side = match cell.served {
                Arm::Baseline => &mut sides[1],
                Arm::Candidate => &mut sides[0],
            };
            match (side.as_mut(), ratio) {
                (Some(side), Some(ratio)) => side.add(known, &source, &ratio),
                _ => *side = None,
            }
        }
        let pairs_of = |arm: Arm| pooled.arms.get(&arm).map(|pool| by_group(&pool.known.taught));
        let [mut baseline, mut candidate] = sides;
        for (side, teacher) in [(&mut baseline, Arm::Candidate), (&mut candidate, Arm::Baseline)] {
            if let (Some(side), Some(pairs)) = (side.as_mut().filter(|side| side.requests > 0), pairs_of(teacher)) {
                side.pairs = pairs;
            }
        }
        // Sorted by money; equal ones stay in the order of their names.
        strata.sort_by_key(|(money, _)| std::cmp::Reverse(*money));
        let strata = strata.into_iter().take(STRATA_MAX).map(|(_, stratum)| stratum).collect();
        Self { baseline, candidate, strata }
    }
}

/// Pairs of all kinds of one model, and of one arm.
struct Pooled {
    models: BTreeMap<(Arm, u32), Pool>,
    arms: BTreeMap<Arm, Pool>,
}

/// Pairs of several kinds.
#[derive(Default)]
struct Pool {
    known: Known,
    /// Money of the served and of the other side, of each kind.
    kinds: Vec<(f64, f64)>,
}

impl Pool {
    fn teach(&mut self, known: &Known) {
        self.known.teach(known);
        let sum = |side: fn(&Taught) -> i128| known.taught.iter().map(side).sum::<i128>() as f64;
        self.kinds.push((sum(|taught| taught.x), sum(|taught| taught.y)));
    }

    /// Variance of the kinds' ratios about the pooled one, by their money: what a kind without pairs of its own may be off by.
    fn spread(&self) -> f64 {
        let (x, y) = self.kinds.iter().fold((0.0, 0.0), |(x, y), kind| (x + kind.0, y + kind.1));
        if x <= 0.0 {
            return 0.0;
        }
        let kinds = self.kinds.iter().filter(|(x, _)| *x > 0.0);
        kinds.map(|(of_x, of_y)| of_x * (of_y / of_x - y / x).powi(2)).sum::<f64>() / x
    }
}

/// Pairs that teach about a kind.
struct Source<'a> {
    known: &'a Known,
    /// See [`Pool::spread`]; 0 where the pairs are of the kind itself.
    spread: f64,
    /// The name in documents.
    name: &'static str,
}

impl Pooled {
    fn of(traffic: &Traffic) -> Self {
        let mut pooled = Self { models: BTreeMap::new(), arms: BTreeMap::new() };
        if traffic.cells.values().all(|known| known.rest_requests == 0) {
            return pooled;
        }
        for (cell, known) in traffic.cells.iter().filter(|(_, known)| !known.taught.is_empty()) {
            pooled.models.entry((cell.served, cell.model)).or_default().teach(known);
            pooled.arms.entry(cell.served).or_default().teach(known);
        }
        pooled
    }

    /// The pairs that teach about a kind: its own if there are enough, else its model's, else its arm's.
    fn source<'a>(&'a self, cell: &Cell, known: &'a Known) -> Source<'a> {
        if enough(known) {
            return Source { known, spread: 0.0, name: "stratum" };
        }
        let of = |pool: &'a Pool, name| Source { known: &pool.known, spread: pool.spread(), name };
        match (self.models.get(&(cell.served, cell.model)), self.arms.get(&cell.served)) {
            (Some(pool), _) if enough(&pool.known) => of(pool, "model"),
            (_, Some(pool)) => of(pool, "arm"),
            (_, None) => Source { known, spread: 0.0, name: "arm" },
        }
    }
}

fn enough(known: &Known) -> bool {
    let taught = || known.taught.iter().filter(|taught| taught.pairs > 0);
    taught().map(|taught| taught.pairs).sum::<u64>() >= PAIRS_MIN && taught().count() >= GROUPS_MIN
}

fn by_group(taught: &[Taught]) -> Vec<f64> {
    taught.iter().map(|taught| taught.pairs as f64).collect()
}

/// The other arm's money over the serving arm's, by the pairs of a source.
struct Ratio {
    value: f64,
    /// Money of the pairs' served side.
    x: f64,
    /// `y_g - R x_g` by group.
    residuals: Vec<f64>,
    /// `G/(G-1) sum residual^2`; `None` with fewer than two groups.
    squares: Option<f64>,
    bounds: Option<(f64, f64)>,
}

impl Ratio {
    fn of(source: &Known) -> Option<Self> {
        let x: i128 = source.taught.iter().map(|taught| taught.x).sum();
        let y: i128 = source.taught.iter().map(|taught| taught.y).sum();
        if x <= 0 {
            return None;
        }
        let (x, value) = (x as f64, y as f64 / x as f64);
        let residuals: Vec<f64> =
            source.taught.iter().map(|taught| taught.y as f64 - value * taught.x as f64).collect();
        let pairs = by_group(&source.taught);
        let squares = squares(&residuals, &pairs);
        let half = squares.zip(t_quantile(kish(&pairs))).map(|(squares, t)| t * squares.sqrt() / x);
        Some(Self { value, x, residuals, squares, bounds: half.map(|half| ((value - half).max(0.0), value + half)) })
    }
}

/// `G/(G-1) sum e_g^2` over the groups that have pairs; `None` with fewer than two.
pub(super) fn squares(errors: &[f64], pairs: &[f64]) -> Option<f64> {
    let groups = pairs.iter().filter(|pairs| **pairs > 0.0).count() as f64;
    (groups >= 2.0).then(|| groups / (groups - 1.0) * errors.iter().map(|error| error * error).sum::<f64>())
}

/// Kish's effective number of groups.
pub(super) fn kish(pairs: &[f64]) -> f64 {
    let (sum, squares) = pairs.iter().fold((0.0, 0.0), |(sum, squares), n| (sum + n, squares + n * n));
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

impl Side {
    fn add(&mut self, known: &Known, source: &Source<'_>, ratio: &Ratio) {
        let Source { known: source, spread: off, .. } = source;
        self.requests += known.rest_requests;
        // What the source's tokens cost as they were billed, by price lists: for the clock.
        let billed: f64 = source.billed.iter().filter_map(|(rate, tokens)| Some(rate.as_ref()?.cost(tokens))).sum();
        let clock = |rate: Option<&Rate>| {
            let tokens = source.billed.iter().filter(|(billed_at, _)| billed_at.is_some());
            let at_rate: Option<f64> = rate.map(|rate| tokens.map(|(_, tokens)| rate.cost(tokens)).sum());
            at_rate.filter(|_| billed > 0.0).map_or(1.0, |at_rate| at_rate / billed)
        };
        let (mut rest_money, mut clocked) = (0.0, 0.0);
        for (rate, rest) in &known.rest {
            let (clock, money) = (clock(rate.as_ref()), sum_of(rest));
            rest_money += money;
            clocked += clock * money;
            spread(&mut self.groups, &rest.groups, clock * ratio.value);
            spread(&mut self.hours, &rest.hours, clock * ratio.value);
        }
        for (rate, rest) in &known.rest_off_peak {
            let clock = clock(rate.as_ref());
            spread(&mut self.groups_off_peak, &rest.groups, clock * ratio.value);
            spread(&mut self.hours_off_peak, &rest.hours, clock * ratio.value);
        }
        let value = clocked * ratio.value;
        let own = source.legs.own as f64;
        let scenario = |money: i128| if own > 0.0 { value * (money as f64 / own) } else { value };
        self.value += value;
        self.cold += scenario(source.legs.cold);
        self.warm += scenario(source.legs.warm);
        let weight = clocked / ratio.x;
        for (error, residual) in self.errors.iter_mut().zip(&ratio.residuals) {
            *error += weight * residual;
        }
        let clock = if rest_money > 0.0 { clocked / rest_money } else { 1.0 };
        self.noise += weight * clock * ratio.squares.unwrap_or(f64::INFINITY);
        self.pooling += clocked * clocked * off;
    }
}

fn spread(sums: &mut [f64], rest: &[i128], factor: f64) {
    for (sum, nanos) in sums.iter_mut().zip(rest) {
        *sum += factor * *nanos as f64;
    }
}

fn sum_of(rest: &Rest) -> f64 {
    rest.groups.iter().sum::<i128>() as f64
}

fn rest_sum(known: &Known) -> i128 {
    known.rest.values().flat_map(|rest| &rest.groups).sum()
}

fn stratum(
    cell: &Cell,
    known: &Known,
    ratio: Option<&Ratio>,
    taken_from: &str,
    model: &dyn Fn(Arm, u32) -> String,
) -> Stratum {
    let bounds = ratio.and_then(|ratio| ratio.bounds);
    Stratum {
        served: cell.served.name().to_owned(),
        model: model(cell.served, cell.model),
        language: cell.language.name().to_owned(),
        kind: cell.kind.name().to_owned(),
        pairs: known.taught.iter().map(|taught| taught.pairs).sum(),
        requests: known.rest_requests,
        amount: exact(rest_sum(known)),
        ratio: ratio.map(|ratio| ratio.value),
        ratio_lower: bounds.map(|(lower, _)| lower),
        ratio_upper: bounds.map(|(_, upper)| upper),
        taken_from: taken_from.to_owned(),
    }
}
