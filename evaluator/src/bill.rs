//! Money: every exchange priced on its own clock, both arms of a pair side by side.
//!
//! Costs are recomputed from the token counts and a dated price table at the instant the request was sent to the
//! provider, never taken from the records, so that a corrected table corrects the bill. The model that answered is
//! priced; if the table does not know it, the model that was asked for.

mod account;
mod models;
mod prices;
mod statement;
mod walk;

pub use account::{Account, AccountOptions, Column};
pub use statement::{StatementOptions, statement};

use crate::pair::Pair;
use crate::rows::{Names, RouteId, Row, Rows};
use crate::run::both;
use ::bill::money::saturated;
use ::bill::reckon::Reckoning;
use datasets::Role;
use judge::stats::Side;
use judge::stats::ratio::{MeanRatio, PairedSums};
use judge::verdict::Bill;
use prices::Prices;
use std::collections::BTreeMap;
use wire::price::{Priced, Row as TableRow, Tariffs, decimal};

/// Decimal places of money in the verdict.
const PLACES: u32 = 6;
/// One-sided level of either bound of the ratio's 95 % interval.
const ALPHA: f64 = 0.025;

/// The pairs' prices, in the pairs' order.
#[derive(Debug, Clone, Default)]
pub struct PricedPairs {
    /// Nano-dollars of each pair in which both arms answered and could be priced.
    costs: Vec<Option<Costs>>,
    sums: Sums,
}

/// What is added up over pairs, in any order and any batching.
#[derive(Debug, Clone, Default)]
struct Sums {
    /// Sums over all priced pairs, as paid.
    paid: PairedSums,
    /// Pairs in which both arms answered and at least one could not be priced.
    unpriced: u64,
    /// Priced pairs of which at least one side was priced by a table row that is no longer in force at the end of the
    /// evidence. They are paid, and say nothing about what the candidate costs now.
    outdated: u64,
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
    /// Some price was for some hours only.
    timed: bool,
}

/// Prices the pairs in which both arms answered; two threads take half of them each. The prices of today are those at the
/// newest of all `rows`.
#[must_use]
pub fn price_pairs(pairs: &[Pair<'_>], rows: &Rows, tariffs: &Tariffs) -> PricedPairs {
    price_pairs_at(pairs, rows, tariffs, None)
}

/// The same, with everything priced at one instant, if there is one.
fn price_pairs_at(pairs: &[Pair<'_>], rows: &Rows, tariffs: &Tariffs, at_us: Option<i64>) -> PricedPairs {
    let mut costs = vec![None; pairs.len()];
    let middle = pairs.len() / 2;
    let ((first, second), (of_first, of_second)) = (pairs.split_at(middle), costs.split_at_mut(middle));
    let newest_us = at_us.unwrap_or_else(|| newest_us(rows));
    let begin = || Pricing::new(rows.names(), tariffs, newest_us, at_us);
    let (sums, others) = both(|| begin().all(first, of_first), || begin().all(second, of_second));
    PricedPairs { costs, sums: sums.merged(others) }
}

fn newest_us(rows: &Rows) -> i64 {
    rows.all().iter().map(|row| row.sent_us).max().unwrap_or(0)
}

/// Which rows of the table stand at the end of the evidence.
struct InForce<'t> {
    tariffs: &'t Tariffs,
    newest_us: i64,
    /// Rows that were asked about, which are few.
    known: Vec<(&'t TableRow, bool)>,
}

impl<'t> InForce<'t> {
    const fn new(tariffs: &'t Tariffs, newest_us: i64) -> Self {
        Self { tariffs, newest_us, known: Vec::new() }
    }

    /// Whether a price still stands, in its own hours.
    fn still(&mut self, used: &'t TableRow) -> bool {
        if let Some((_, stands)) = self.known.iter().find(|(row, _)| std::ptr::eq(*row, used)) {
            return *stands;
        }
        let stands = self.tariffs.stands(used, self.newest_us);
        self.known.push((used, stands));
        stands
    }
}

/// Prices single exchanges at today's prices only: those in force at the newest row.
pub(crate) struct CurrentPrices<'t> {
    prices: Prices<'t>,
    in_force: InForce<'t>,
    /// Exchanges at prices that have changed since.
    pub(crate) outdated: u64,
}

impl<'t> CurrentPrices<'t> {
    pub(crate) fn new(rows: &'t Rows, tariffs: &'t Tariffs) -> Self {
        let names = rows.names();
        Self { prices: Prices::new(names, tariffs), in_force: InForce::new(tariffs, newest_us(rows)), outdated: 0 }
    }

    /// The cost of one exchange at the instant it was sent, nano-dollars; `None` without usage or price, and at a price
    /// that is no longer in force, which says nothing about what is paid now.
    pub(crate) fn nanos(&mut self, row: &Row) -> Option<i64> {
        let priced = self.prices.of(row, &row.usage()?)?;
        if self.in_force.still(priced.row) {
            return Some(priced.nanos);
        }
        self.outdated += 1;
        None
    }
}

/// Pairs being priced.
struct Pricing<'t> {
    names: &'t Names,
    prices: Prices<'t>,
    in_force: InForce<'t>,
    /// Rows of the table that were used, in the order of first use.
    used: Vec<&'t TableRow>,
    /// Exchanges without a price, by route.
    unknown: BTreeMap<RouteId, u64>,
    sums: Sums,
}

impl<'t> Pricing<'t> {
    fn new(names: &'t Names, tariffs: &'t Tariffs, newest_us: i64, at_us: Option<i64>) -> Self {
        Self {
            names,
            prices: Prices::at(names, tariffs, at_us),
            in_force: InForce::new(tariffs, newest_us),
            used: Vec::new(),
            unknown: BTreeMap::new(),
            sums: Sums::default(),
        }
    }

    fn all(mut self, pairs: &[Pair<'_>], costs: &mut [Option<Costs>]) -> Sums {
        for (pair, slot) in pairs.iter().zip(costs) {
            if !pair.baseline.failed() && !pair.candidate.failed() {
                *slot = self.pair(pair);
            }
        }
        let Self { names, used, unknown, mut sums, .. } = self;
        for (route, count) in unknown {
            let route = names.route(route);
            let model = (route.provider.to_owned(), route.answered.unwrap_or(route.model).to_owned());
            *sums.remarks.unknown.entry(model).or_default() += count;
        }
        for row in used {
            let newest = sums.remarks.newest_row.entry((row.provider.clone(), row.model.clone()));
            let newest = newest.or_insert(row.valid_from_us);
            *newest = (*newest).max(row.valid_from_us);
            sums.remarks.timed |= row.period.is_some();
        }
        sums
    }

    fn pair(&mut self, pair: &Pair<'_>) -> Option<Costs> {
        let (baseline, candidate) = (self.price(pair.baseline), self.price(pair.candidate));
        let (Some(baseline), Some(candidate)) = (baseline, candidate) else {
            self.sums.unpriced += 1;
            return None;
        };
        let current = self.in_force.still(baseline.row) && self.in_force.still(candidate.row);
        let sums = &mut self.sums;
        sums.outdated += u64::from(!current);
        sums.paid.push(baseline.nanos, candidate.nanos);
        sums.estimated += u64::from(pair.baseline.usage_is_estimate());
        sums.estimated += u64::from(pair.candidate.usage_is_estimate());
        Some(Costs { nanos: [baseline.nanos, candidate.nanos], current })
    }

    fn price(&mut self, row: &Row) -> Option<Priced<'t>> {
        let Some(usage) = row.usage() else {
            self.sums.remarks.without_usage += 1;
            return None;
        };
        let Some(priced) = self.prices.of(row, &usage) else {
            *self.unknown.entry(row.route).or_default() += 1;
            return None;
        };
        if !self.used.iter().any(|used| std::ptr::eq(*used, priced.row)) {
            self.used.push(priced.row);
        }
        Some(priced)
    }
}

impl Sums {
    fn merged(mut self, other: Self) -> Self {
        self.paid.merge(&other.paid);
        self.unpriced += other.unpriced;
        self.outdated += other.outdated;
        self.estimated += other.estimated;
        self.remarks.without_usage += other.remarks.without_usage;
        self.remarks.timed |= other.remarks.timed;
        for (model, count) in other.remarks.unknown {
            *self.remarks.unknown.entry(model).or_default() += count;
        }
        for (model, valid_from_us) in other.remarks.newest_row {
            let newest = self.remarks.newest_row.entry(model).or_insert(valid_from_us);
            *newest = (*newest).max(valid_from_us);
        }
        self
    }
}

impl PricedPairs {
    /// What the pair of this place cost, if that is still what it would cost.
    #[must_use]
    pub fn judged(&self, index: usize) -> Option<[i64; 2]> {
        self.costs.get(index).copied().flatten().filter(|costs| costs.current).map(|costs| costs.nanos)
    }

    /// What the pair of this place cost when it was answered.
    #[must_use]
    pub fn paid(&self, index: usize) -> Option<[i64; 2]> {
        self.costs.get(index).copied().flatten().map(|costs| costs.nanos)
    }

    /// Pairs with a price.
    #[must_use]
    pub const fn priced(&self) -> u64 {
        self.sums.paid.n
    }

    /// Pairs in which both arms answered and at least one could not be priced.
    #[must_use]
    pub const fn unpriced(&self) -> u64 {
        self.sums.unpriced
    }

    /// Priced pairs of which at least one side was priced by a table row that is no longer in force at the end of the
    /// evidence.
    #[must_use]
    pub const fn outdated(&self) -> u64 {
        self.sums.outdated
    }
}

impl Remarks {
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
        if self.timed {
            notes.push(
                "Some prices are for some hours only; holidays are those of the price table's calendar, which knows the \
                 days that are announced."
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

/// The bill over the priced pairs, and the account of everything that was paid. What the calls cost that nobody got an answer
/// from (mirrored ones, and those in which the baseline was asked once more) is the experiment's own cost. Fallbacks cost what
/// a failed candidate costs beyond itself, and are named in the notes.
#[must_use]
pub fn bill(priced: &PricedPairs, account: &Account<'_>, fallbacks: u64) -> Bill {
    let priced = &priced.sums;
    let pairs = priced.paid.n;
    let (baseline, candidate) = (saturated(priced.paid.b), saturated(priced.paid.c));
    let ratio = MeanRatio::from_sums(&priced.paid).ok();
    let bound = |side| ratio.and_then(|ratio| ratio.bound(ALPHA, side).ok());
    let estimated_share = if pairs == 0 { 0.0 } else { priced.estimated as f64 / (2 * pairs) as f64 };
    let mut notes = priced.remarks.sentences(estimated_share);
    if priced.outdated > 0 {
        notes.push(format!(
            "{} pairs were answered at prices that have changed since; they are in the sums, and not in the judged ratio.",
            priced.outdated
        ));
    }
    if fallbacks > 0 {
        notes.push(format!(
            "The baseline answered {fallbacks} requests in place of a failed candidate, for {} USD that are in neither sum.",
            decimal(account.spent(&[Role::Fallback]), PLACES)
        ));
    }
    let Reckoning { counterfactual, by_hour, saving_per_month, cache, notes: unsaid } = account.reckoning.clone();
    notes.extend(unsaid);
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
        shadow: decimal(account.spent(&[Role::Shadow, Role::Repeat]), PLACES),
        notes,
        by_arm: account.by_arm(),
        by_model: account.by_model(),
        by_consumer: account.by_consumer(),
        by_day: account.by_day(),
        by_hour,
        counterfactual: Some(counterfactual),
        saving_per_month,
        cache,
        stale: account.stale.clone(),
    }
}

/// Mean times 1000, rounded half up; 0 without pairs.
fn per_1000(nanos: i64, pairs: u64) -> i64 {
    let pairs = i128::from(pairs);
    if pairs == 0 {
        return 0;
    }
    i64::try_from((i128::from(nanos) * 1000 + pairs / 2).div_euclid(pairs)).unwrap_or(i64::MAX)
}
