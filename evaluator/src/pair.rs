//! Joins the two arms by pair id.
//!
//! A pair is one request with both arms' outcomes: what the baseline served or was sent on purpose beside the
//! candidate's mirrored or replayed copy, or the other way round. Whatever makes no pair is counted by reason, never
//! dropped silently. What is too old, or was answered by another model than the candidate of today ([`selection`]), is
//! no evidence about today either. A request whose client went away is no pair either: its outcome says nothing about a provider.

mod selection;

use crate::columns::{self, CANDIDATE, PAIR, ROLE, ROW};
use datasets::{Exchange, Role, ShadowFate};
use judge::verdict::Count;
use polars::prelude::{
    DataFrame, IntoLazy, JoinArgs, JoinType, LazyFrame, PolarsResult, Selector, SortMultipleOptions,
    UniqueKeepStrategy, col, cols, when,
};
use std::collections::{BTreeMap, BTreeSet};
use wire::ErrorKind;

/// One request as both arms answered it.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The baseline's outcome.
    pub baseline: &'a Exchange,
    /// The candidate's outcome.
    pub candidate: &'a Exchange,
}

impl Pair<'_> {
    /// The epoch of the candidate's outcome, which is what is judged.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.candidate.epoch
    }
}

/// The joined arms.
#[derive(Debug, Default)]
pub struct Pairing<'a> {
    /// Complete pairs, sorted by time and pair id.
    pub pairs: Vec<Pair<'a>>,
    /// Requests that make no pair, by reason.
    pub unmatched: Vec<Count>,
    /// Requests whose second outcome was intended.
    pub mirror_intended: u64,
    /// Those of them whose second outcome is on record.
    pub mirror_observed: u64,
    /// Rows before this instant are too old to count, microseconds since the Unix epoch.
    pub oldest_us: i64,
    /// Candidate models of pairs that were left out because another model answers today.
    pub replaced: BTreeSet<String>,
}

/// Joins the arms. The exchanges come sorted by time and pair id, and this order is kept. Pairs more than
/// `max_age_hours` older than the newest exchange do not count.
///
/// # Errors
/// The join fails; a bug.
pub fn pair(exchanges: &[Exchange], max_age_hours: f64) -> PolarsResult<Pairing<'_>> {
    let frame = columns::frame(exchanges)?;
    let best = best_outcomes(&frame)?;
    let joined = join(&best)?;
    let mut sorting = Sorting::new(exchanges, selection::oldest_us(exchanges, max_age_hours));
    sorting.count("second outcome of the same arm", (frame.height() - best.height()) as u64);
    let (baseline, candidate) = (joined.column(ROW)?.u32()?, joined.column(CANDIDATE_ROW)?.u32()?);
    for (baseline, candidate) in baseline.iter().zip(candidate.iter()) {
        let at = |row: Option<u32>| row.and_then(|row| exchanges.get(row as usize));
        match (at(baseline), at(candidate)) {
            (Some(baseline), Some(candidate)) => sorting.both(Pair { baseline, candidate }),
            (Some(alone), None) => sorting.alone(alone, "candidate missing"),
            (None, Some(alone)) => sorting.alone(alone, "baseline missing"),
            (None, None) => {}
        }
    }
    let current = selection::of_current_models(&sorting.pairing.pairs, exchanges);
    sorting.count("another candidate model", current.left_out);
    sorting.pairing.pairs = current.pairs;
    sorting.pairing.replaced = current.replaced;
    Ok(sorting.finish())
}

/// Column of the candidate's row after the join.
const CANDIDATE_ROW: &str = "row_candidate";

fn keys(names: &[&str]) -> Option<Selector> {
    Some(cols(names.iter().copied()))
}

/// One outcome for each pair and arm: the one served, else the one replayed, else the mirrored one.
fn best_outcomes(rows: &DataFrame) -> PolarsResult<DataFrame> {
    rows.clone()
        .lazy()
        .sort([ROLE, ROW], SortMultipleOptions::default())
        .unique_stable(keys(&[PAIR, CANDIDATE]), UniqueKeepStrategy::First)
        .collect()
}

/// Full join of the arms, sorted by the row of whichever side is there.
fn join(best: &DataFrame) -> PolarsResult<DataFrame> {
    let side = |is_candidate: bool| -> LazyFrame {
        let flag = if is_candidate { col(CANDIDATE) } else { col(CANDIDATE).not() };
        best.clone().lazy().filter(flag).select([col(PAIR), col(ROW)])
    };
    let candidate = side(true).select([col(PAIR), col(ROW).alias(CANDIDATE_ROW)]);
    let args = JoinArgs::new(JoinType::Full);
    let first_row = when(col(ROW).is_null()).then(col(CANDIDATE_ROW)).otherwise(col(ROW));
    side(false)
        .join(candidate, [col(PAIR)], [col(PAIR)], args)
        .sort_by_exprs([first_row], SortMultipleOptions::default())
        .collect()
}

/// Sorts joined rows into pairs and reasons.
struct Sorting<'a> {
    pairing: Pairing<'a>,
    reasons: BTreeMap<&'static str, u64>,
    /// Both arms were replayed somewhere, so a request replayed on one arm only was meant for both.
    both_replayed: bool,
}

impl<'a> Sorting<'a> {
    fn new(exchanges: &[Exchange], oldest_us: i64) -> Self {
        let replayed = |arm| exchanges.iter().any(|exchange| exchange.role == Role::Replayed && exchange.arm == arm);
        Self {
            pairing: Pairing { oldest_us, ..Pairing::default() },
            reasons: BTreeMap::new(),
            both_replayed: replayed(datasets::Arm::Baseline) && replayed(datasets::Arm::Candidate),
        }
    }

    fn count(&mut self, reason: &'static str, count: u64) {
        if count > 0 {
            *self.reasons.entry(reason).or_default() += count;
        }
    }

    fn both(&mut self, pair: Pair<'a>) {
        let reason = match (pair.baseline.role, pair.candidate.role) {
            (Role::Served, Role::Served) => Some("served by both arms"),
            (Role::Shadow, Role::Shadow) => Some("served side missing"),
            _ if stopped(pair.baseline) || stopped(pair.candidate) => Some(GATEWAY_STOPPED),
            _ if cancelled(pair.baseline) || cancelled(pair.candidate) => Some(CLIENT_CANCELLED),
            _ if self.too_old(pair.baseline) || self.too_old(pair.candidate) => Some("too old"),
            _ => None,
        };
        if self.intended(pair.baseline) || self.intended(pair.candidate) {
            self.pairing.mirror_intended += 1;
            self.pairing.mirror_observed +=
                u64::from(reason.is_none_or(|reason| matches!(reason, CLIENT_CANCELLED | GATEWAY_STOPPED)));
        }
        match reason {
            Some(reason) => self.count(reason, 1),
            None => self.pairing.pairs.push(pair),
        }
    }

    fn alone(&mut self, exchange: &Exchange, partner_missing: &'static str) {
        if self.intended(exchange) {
            self.pairing.mirror_intended += 1;
        }
        let reason = match (exchange.role, exchange.shadow) {
            (Role::Served, Some(ShadowFate::NotSampled)) => "not sampled",
            (Role::Served, Some(ShadowFate::QueueFull)) => "queue full",
            (Role::Served, Some(ShadowFate::Unfit)) => "unfit",
            (Role::Served, Some(ShadowFate::ShuttingDown)) => "shutting down",
            (Role::Served, Some(ShadowFate::BytesFull)) => "queue full of bytes",
            (Role::Served, Some(ShadowFate::BudgetSpent)) => "budget spent",
            (Role::Served, Some(ShadowFate::CandidateBusy)) => "candidate busy",
            (Role::Served, Some(ShadowFate::BreakerOpen)) => "breaker open",
            (Role::Served, None) => "not mirrored",
            (Role::Shadow, _) => "served side missing",
            _ => partner_missing,
        };
        self.count(reason, 1);
    }

    /// Whether a second outcome of this request was intended. The sampling is decided before the answer is known, so
    /// what was not sampled is no loss; what was sampled and then lost is.
    /// A mirrored copy without its served row was intended too, and the pair is lost. What is too old to be a pair is
    /// too old to be a loss.
    const fn intended(&self, exchange: &Exchange) -> bool {
        if self.too_old(exchange) {
            return false;
        }
        match (exchange.role, exchange.shadow) {
            (Role::Served, Some(ShadowFate::NotSampled | ShadowFate::Unfit) | None)
            | (Role::Observed | Role::Fallback | Role::Repeat, _) => false,
            (Role::Served, Some(_)) | (Role::Shadow, _) => true,
            (Role::Replayed, _) => self.both_replayed,
        }
    }

    const fn too_old(&self, exchange: &Exchange) -> bool {
        exchange.at_us < self.pairing.oldest_us
    }

    fn finish(mut self) -> Pairing<'a> {
        self.pairing.unmatched =
            self.reasons.iter().map(|(name, count)| Count { name: (*name).to_owned(), count: *count }).collect();
        self.pairing
    }
}

/// Reasons of pairs that ran on both sides and yet say nothing.
const CLIENT_CANCELLED: &str = "client cancelled";
const GATEWAY_STOPPED: &str = "gateway stopped";

/// The gateway's own stop cut the exchange off, or its own bound kept it from being sent.
fn stopped(exchange: &Exchange) -> bool {
    matches!(exchange.error, Some(ErrorKind::GatewayStopped | ErrorKind::GatewayBusy))
}

/// The exchange ended early through no fault of the provider: the client went away, or the gateway stopped.
pub(crate) fn cancelled(exchange: &Exchange) -> bool {
    exchange.error.is_some_and(|error| !error.blames_provider())
}

/// The exchange failed, and the provider is to blame.
pub(crate) fn failed(exchange: &Exchange) -> bool {
    exchange.error.is_some_and(ErrorKind::blames_provider)
}
