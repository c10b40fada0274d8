//! Pairs to the judge's evidence.
//!
//! Nothing is decided here; this is bookkeeping with stated rules about what counts as what:
//! - *bad* in `errors` is any failure that blames the provider, moderation refusals included;
//! - a failed exchange is infinitely slow (`None`), whatever its clock said, so failing fast never looks fast;
//! - `answer_failures` and money are counted over the pairs in which both arms answered;
//! - labels stick to answers, and a failure is a miss where the partner's answer is labelled.

pub(crate) mod canary;
mod health;
pub(crate) mod paired;

pub use paired::{PairCounts, Unlabelled};

use crate::bill::PricedPairs;
use crate::error::EvaluateError;
use crate::labels::Labels;
use crate::load::LoadCounts;
use crate::pair::Pairing;
use datasets::Exchange;
use judge::evidence::Evidence;
use judge::policy::Policy;
use judge::verdict::Window;

/// Microseconds of an hour.
const HOUR_US: f64 = 3_600.0 * 1e6;
/// 100 percent in hundredths of a percent.
const WEIGHT_BP_FULL: u32 = 10_000;

/// What the evidence is taken from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// All rows, sorted.
    pub exchanges: &'a [Exchange],
    /// The joined arms.
    pub pairing: &'a Pairing<'a>,
    /// The pairs' prices.
    pub priced: &'a PricedPairs,
    /// Labels.
    pub labels: &'a Labels,
    /// What was refused at loading.
    pub counts: &'a LoadCounts,
    /// The policy, for the limits of the instrument.
    pub policy: &'a Policy,
    /// The replay that drove the traffic could not keep its schedule.
    pub replay_degraded: bool,
    /// Weight to judge at, percent, if not that of the records.
    pub at_weight_percent: Option<f64>,
}

/// The evidence with where it stands.
#[derive(Debug)]
pub struct Extracted {
    /// For the judge.
    pub evidence: Evidence,
    /// Judged epoch.
    pub epoch: u64,
    /// Weight of that epoch on record, hundredths of a percent.
    pub weight_bp: u32,
    /// Time that the rows cover.
    pub window: Window,
    /// What was left out of single metrics.
    pub pair_counts: PairCounts,
}

/// Extracts everything.
///
/// # Errors
/// `at_weight_percent` is no percentage.
pub fn extract(sources: Sources<'_>) -> Result<Extracted, EvaluateError> {
    if let Some(found) = sources.at_weight_percent.filter(|percent| !(0.0..=100.0).contains(percent)) {
        return Err(EvaluateError::Weight { found });
    }
    let judged = newest_epoch(sources.exchanges);
    let on_record = f64::from(judged.weight_bp) / 100.0;
    let weight_percent = sources.at_weight_percent.unwrap_or(on_record);
    let window = window(sources.exchanges);
    let (paired, pair_counts) = paired::evidence(&sources.pairing.pairs, sources.labels, sources.priced);
    // Served traffic of one weight says nothing about the split at another.
    let as_recorded = (weight_percent - on_record).abs() < 1e-9;
    let canary = if as_recorded { canary::evidence(sources.exchanges, judged.epoch, judged.weight_bp) } else { None };
    let evidence = Evidence {
        weight_percent,
        paired,
        canary,
        instrument: health::instrument(&sources, &judged, &pair_counts),
        hard_stops: health::hard_stops(sources.exchanges),
        earlier_extra_failures: canary::earlier_extra_failures(sources.exchanges, judged.epoch),
        pairs_per_hour: per_hour(sources.pairing.pairs.len() as u64, &window),
    };
    Ok(Extracted { evidence, epoch: judged.epoch, weight_bp: judged.weight_bp, window, pair_counts })
}

/// The judged epoch.
#[derive(Debug, Clone, Copy)]
struct Judged {
    epoch: u64,
    weight_bp: u32,
    /// Rows of the epoch carry different weights.
    mixed: bool,
}

/// The newest epoch with the weight of its newest row.
fn newest_epoch(exchanges: &[Exchange]) -> Judged {
    let epoch = exchanges.iter().map(|exchange| exchange.epoch).max().unwrap_or(0);
    let mut weights = exchanges.iter().filter(|exchange| exchange.epoch == epoch).map(|exchange| exchange.weight_bp);
    let first = weights.next().unwrap_or(0);
    let (weight_bp, mixed) = weights.fold((first, false), |(last, mixed), next| (next, mixed || next != last));
    Judged { epoch, weight_bp, mixed }
}

fn window(exchanges: &[Exchange]) -> Window {
    let instants = || exchanges.iter().map(|exchange| exchange.at_us);
    Window { from_us: instants().min().unwrap_or(0), to_us: instants().max().unwrap_or(0) }
}

/// A rate, where the window is long enough to name one (a second).
fn per_hour(count: u64, window: &Window) -> Option<f64> {
    let span_us = (window.to_us - window.from_us) as f64;
    (count > 1 && span_us >= 1e6).then(|| count as f64 / span_us * HOUR_US)
}
