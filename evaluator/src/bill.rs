//! Money: every exchange priced on its own clock, both arms of a pair side by side.
//!
//! Costs are recomputed from the token counts and a dated price table at the instant the request was sent to the
//! provider, never taken from the records, so that a corrected table corrects the bill. The model that answered is
//! priced; if the table does not know it, the model that was asked for.

use crate::pair::Pair;
use crate::rows::{Names, RouteId, Row, Rows};
use datasets::Role;
use judge::stats::Side;
use judge::stats::ratio::{MeanRatio, PairedSums};
use judge::verdict::Bill;
use std::collections::BTreeMap;
use wire::price::{Priced, Tariffs, decimal};
use wire::{Usage, UsageSource};

/// Decimal places of money in the verdict.
const PLACES: u32 = 6;
/// One-sided level of either bound of the ratio's 95 % interval.
const ALPHA: f64 = 0.025;

/// The pairs' prices, in the pairs' order.
#[derive(Debug, Clone, Default)]
pub struct PricedPairs {
    /// Nano-dollars of each pair in which both arms answered and could be priced.
    costs: Vec<Option<Costs>>,
    /// Sums over all priced pairs, as paid.
    paid: PairedSums,
    /// Pairs in which both arms answered and at least one could not be priced.
    pub unpriced: u64,
    /// Priced pairs of which at least one side was priced by a table row that is no longer in force at the end of the
    /// evidence. They are paid, and say nothing about what the candidate costs now.
    pub outdated: u64,
    /// Priced exchanges whose usage is an estimate.
    estimated: u64,
    remarks: Remarks,
}

/// What a pair cost.
#[derive(Debug, Clone, Copy)]
struct Costs {
    nanos: [i64; 2],
    /// Every price is still in force.
    current: bool,
}

/// What is remarkable about the prices used.
#[derive(Debug, Clone, Default)]
struct Remarks {
    /// Provider and model without a price, with counts.
    unknown: BTreeMap<(String, String), u64>,
    /// Provider and model with the start of the newest price used, microseconds.
    newest_row: BTreeMap<(String, String), i64>,
    without_usage: u64,
    peak_hours: bool,
}

/// Prices the pairs in which both arms answered. The prices of today are those at the newest of all `rows`.
#[must_use]
pub fn price_pairs(pairs: &[Pair<'_>], rows: &Rows, tariffs: &Tariffs) -> PricedPairs {
    let names = rows.names();
    let mut priced = PricedPairs { costs: vec![None; pairs.len()], ..PricedPairs::default() };
    let mut in_force = InForce::new(rows);
    for (pair, slot) in pairs.iter().zip(&mut priced.costs) {
        if pair.baseline.failed() || pair.candidate.failed() {
            continue;
        }
        let baseline = priced.remarks.nanos(pair.baseline, names, tariffs);
        let candidate = priced.remarks.nanos(pair.candidate, names, tariffs);
        if let (Some((baseline, of_baseline)), Some((candidate, of_candidate))) = (baseline, candidate) {
            let current = in_force.still(pair.baseline, of_baseline, names, tariffs)
                && in_force.still(pair.candidate, of_candidate, names, tariffs);
            *slot = Some(Costs { nanos: [baseline, candidate], current });
            priced.outdated += u64::from(!current);
            priced.paid.push(baseline, candidate);
            priced.estimated += u64::from(pair.baseline.usage_is_estimate());
            priced.estimated += u64::from(pair.candidate.usage_is_estimate());
        } else {
            priced.unpriced += 1;
        }
    }
    priced
}

impl PricedPairs {
    /// What the pair of this place cost, if that is still what it would cost.
    #[must_use]
    pub fn judged(&self, index: usize) -> Option<[i64; 2]> {
        self.costs.get(index).copied().flatten().filter(|costs| costs.current).map(|costs| costs.nanos)
    }

    /// Pairs with a price.
    #[must_use]
    pub const fn priced(&self) -> u64 {
        self.paid.n
    }
}

/// Which rows of the table are in force at the end of the evidence, by route.
struct InForce {
    newest_us: i64,
    by_route: BTreeMap<RouteId, Option<i64>>,
}

impl InForce {
    fn new(rows: &Rows) -> Self {
        let newest_us = rows.all().iter().map(|row| row.sent_us).max().unwrap_or(0);
        Self { newest_us, by_route: BTreeMap::new() }
    }

    /// Whether a price that began at this instant is still in force; periods of the day are of one table.
    fn still(&mut self, row: &Row, valid_from_us: i64, names: &Names, tariffs: &Tariffs) -> bool {
        let newest_us = self.newest_us;
        let now = *self.by_route.entry(row.route).or_insert_with(|| {
            let route = names.route(row.route);
            let nothing =
                Usage { prompt: 0, completion: 0, cached: None, reasoning: None, source: UsageSource::Provider };
            let of = |model: &str| tariffs.price(route.provider, model, newest_us, &nothing);
            route.answered.and_then(of).or_else(|| of(route.model)).map(|priced| priced.row.valid_from_us)
        });
        now.is_none_or(|now| valid_from_us >= now)
    }
}

/// The price of one exchange at the instant it was sent.
fn price<'t>(row: &Row, usage: &Usage, names: &Names, tariffs: &'t Tariffs) -> Option<Priced<'t>> {
    let route = names.route(row.route);
    let of = |model: &str| tariffs.price(route.provider, model, row.sent_us, usage);
    route.answered.and_then(of).or_else(|| of(route.model))
}

/// Prices single exchanges at today's prices only: those in force at the newest row.
pub(crate) struct CurrentPrices<'a> {
    names: &'a Names,
    tariffs: &'a Tariffs,
    in_force: InForce,
    /// Exchanges at prices that have changed since.
    pub(crate) outdated: u64,
}

impl<'a> CurrentPrices<'a> {
    pub(crate) fn new(rows: &'a Rows, tariffs: &'a Tariffs) -> Self {
        Self { names: rows.names(), tariffs, in_force: InForce::new(rows), outdated: 0 }
    }

    /// The cost of one exchange at the instant it was sent, nano-dollars; `None` without usage or price, and at a price
    /// that is no longer in force, which says nothing about what is paid now.
    pub(crate) fn nanos(&mut self, row: &Row) -> Option<i64> {
        let priced = price(row, &row.usage()?, self.names, self.tariffs)?;
        if self.in_force.still(row, priced.row.valid_from_us, self.names, self.tariffs) {
            return Some(priced.nanos);
        }
        self.outdated += 1;
        None
    }
}

impl Remarks {
    /// Nano-dollars, and since when that price is in force.
    fn nanos(&mut self, row: &Row, names: &Names, tariffs: &Tariffs) -> Option<(i64, i64)> {
        let Some(usage) = row.usage() else {
            self.without_usage += 1;
            return None;
        };
        let Some(priced) = price(row, &usage, names, tariffs) else {
            let route = names.route(row.route);
            let model = route.answered.unwrap_or(route.model);
            *self.unknown.entry((route.provider.to_owned(), model.to_owned())).or_default() += 1;
            return None;
        };
        let valid_from_us = priced.row.valid_from_us;
        // Names are copied once a model, not once a request.
        let known = self
            .newest_row
            .iter_mut()
            .find(|((provider, model), _)| *provider == priced.row.provider && *model == priced.row.model);
        match known {
            Some((_, newest)) => *newest = (*newest).max(valid_from_us),
            None => {
                self.newest_row.insert((priced.row.provider.clone(), priced.row.model.clone()), valid_from_us);
            }
        }
        self.peak_hours |= priced.row.period == wire::price::Period::Peak;
        Some((priced.nanos, valid_from_us))
    }

    fn sentences(&self, estimated_share: f64) -> Vec<String> {
        let mut notes = Vec::new();
        for ((provider, model), count) in &self.unknown {
            notes.push(format!("No price for {model} at {provider}: {count} exchanges are left out."));
        }
        if self.without_usage > 0 {
            notes.push(format!("{} exchanges without token counts are left out.", self.without_usage));
        }
        if estimated_share > 0.0 {
            notes.push(format!(
                "{:.1} % of the token counts are estimated from characters, because no report came.",
                estimated_share * 100.0
            ));
        }
        if self.peak_hours {
            notes.push(
                "Chinese public holidays, which DeepSeek bills off-peak, are not known: the bill may be too high."
                    .to_owned(),
            );
        }
        for ((provider, model), valid_from_us) in &self.newest_row {
            notes.push(format!("Price of {model} at {provider}: in force since {}.", day(*valid_from_us)));
        }
        notes
    }
}

fn day(at_us: i64) -> String {
    let text = crate::run::rfc3339(at_us);
    text.split('T').next().unwrap_or_default().to_owned()
}

/// The bill over the priced pairs, and what the calls cost that nobody got an answer from: mirrored ones, and those of
/// `aside` in which the baseline was asked once more. Fallbacks cost what a failed candidate costs beyond itself, and are
/// named in the notes.
#[must_use]
pub fn bill(priced: &PricedPairs, rows: &Rows, aside: &[Row], tariffs: &Tariffs) -> Bill {
    let pairs = priced.paid.n;
    let (baseline, candidate) = (saturated(priced.paid.b), saturated(priced.paid.c));
    let ratio = MeanRatio::from_sums(&priced.paid).ok();
    let bound = |side| ratio.and_then(|ratio| ratio.bound(ALPHA, side).ok());
    let estimated_share = if pairs == 0 { 0.0 } else { priced.estimated as f64 / (2 * pairs) as f64 };
    let spent = |roles: &[Role]| {
        let spending = rows.all().iter().chain(aside).filter(|row| roles.contains(&row.role));
        spending
            .filter_map(|row| price(row, &row.usage()?, rows.names(), tariffs))
            .fold(0i64, |sum, priced| sum.saturating_add(priced.nanos))
    };
    let mut notes = priced.remarks.sentences(estimated_share);
    if priced.outdated > 0 {
        notes.push(format!(
            "{} pairs were answered at prices that have changed since; they are in the sums, and not in the judged ratio.",
            priced.outdated
        ));
    }
    let fallbacks = aside.iter().filter(|row| row.role == Role::Fallback).count();
    if fallbacks > 0 {
        notes.push(format!(
            "The baseline answered {fallbacks} requests in place of a failed candidate, for {} USD that are in neither sum.",
            decimal(spent(&[Role::Fallback]), PLACES)
        ));
    }
    Bill {
        currency: "USD".to_owned(),
        pairs_priced: pairs,
        pairs_unpriced: priced.unpriced,
        estimated_share,
        baseline: decimal(baseline, PLACES),
        candidate: decimal(candidate, PLACES),
        ratio: ratio.map(|ratio| ratio.estimate()),
        ratio_lower: bound(Side::Lower),
        ratio_upper: bound(Side::Upper),
        baseline_per_1000: decimal(per_1000(baseline, pairs), PLACES),
        candidate_per_1000: decimal(per_1000(candidate, pairs), PLACES),
        shadow: decimal(spent(&[Role::Shadow, Role::Repeat]), PLACES),
        notes,
    }
}

fn saturated(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}

/// Mean times 1000, rounded half up; 0 without pairs.
fn per_1000(nanos: i64, pairs: u64) -> i64 {
    let pairs = i128::from(pairs);
    if pairs == 0 {
        return 0;
    }
    i64::try_from((i128::from(nanos) * 1000 + pairs / 2).div_euclid(pairs)).unwrap_or(i64::MAX)
}
