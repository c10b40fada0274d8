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
use crate::rows::{Row, Rows};
use datasets::{Arm, Role};
use judge::evidence::{CanaryEvidence, Evidence};
use judge::policy::Policy;
use judge::verdict::Window;

/// Microseconds of an hour.
const HOUR_US: f64 = 3_600.0 * 1e6;

/// What the evidence is taken from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// All rows, sorted.
    pub rows: &'a Rows,
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
    /// Time of the newest row that the verdict rests on, microseconds since the Unix epoch: of a pair, or of the judged
    /// epoch's served traffic. That of the newest row where there is neither.
    pub newest_evidence_us: i64,
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
    let rows = sources.rows.all();
    let judged = newest_epoch(rows);
    let on_record = f64::from(judged.weight_bp) / 100.0;
    let weight_percent = sources.at_weight_percent.unwrap_or(on_record);
    let window = window_of(rows.iter().map(|row| row.at_us));
    let (paired, mut pair_counts) =
        paired::evidence(&sources.pairing.pairs, sources.rows.names(), sources.labels, sources.priced);
    pair_counts.not_drawn = canary::not_drawn(rows);
    let served = canary::served(rows, judged.epoch, judged.weight_bp);
    let canary = canary_at(weight_percent, on_record, canary::evidence(&served));
    let pairs_window = window_of(sources.pairing.pairs.iter().map(|pair| pair.candidate.at_us));
    let newest_evidence_us = evidence_rows(&sources, &served).map(|row| row.at_us).max().unwrap_or(window.to_us);
    let evidence = Evidence {
        weight_percent,
        paired,
        canary,
        instrument: health::instrument(&sources, &judged, &pair_counts, &served),
        hard_stops: health::hard_stops(rows),
        earlier_extra_failures: canary::earlier_extra_failures(rows, judged.epoch),
        earlier_epochs: canary::earlier_epochs(sources.rows, judged.epoch, sources.pairing),
        judged_epoch_observations: Some(observations(&sources, judged.epoch)),
        pairs_per_hour: per_hour(sources.pairing.pairs.len() as u64, &pairs_window),
    };
    Ok(Extracted {
        evidence,
        epoch: u64::from(judged.epoch),
        weight_bp: u32::from(judged.weight_bp),
        window,
        newest_evidence_us,
        pair_counts,
    })
}

/// The judged epoch.
#[derive(Debug, Clone, Copy)]
struct Judged {
    epoch: u32,
    weight_bp: u16,
    /// Rows of the epoch carry different weights.
    mixed: bool,
}

/// The newest epoch with the weight of its newest row.
fn newest_epoch(rows: &[Row]) -> Judged {
    let epoch = rows.iter().map(|row| row.epoch).max().unwrap_or(0);
    let mut weights = rows.iter().filter(|row| row.epoch == epoch).map(|row| row.weight_bp);
    let first = weights.next().unwrap_or(0);
    let (weight_bp, mixed) = weights.fold((first, false), |(last, mixed), next| (next, mixed || next != last));
    Judged { epoch, weight_bp, mixed }
}

fn window_of(instants: impl Iterator<Item = i64> + Clone) -> Window {
    Window { from_us: instants.clone().min().unwrap_or(0), to_us: instants.max().unwrap_or(0) }
}

/// Served traffic as evidence at the weight to judge. Where that weight splits the traffic, the lack of served requests
/// is missing evidence, and empty evidence says so. At another weight than the one on record failures are failures all
/// the same; only the split must be checked against the weight it was made with.
fn canary_at(weight_percent: f64, on_record: f64, served: Option<CanaryEvidence>) -> Option<CanaryEvidence> {
    let splits = weight_percent > 0.0 && weight_percent < 100.0;
    let canary = served.or_else(|| splits.then(CanaryEvidence::default))?;
    let elsewhere = (weight_percent - on_record).abs() >= 1e-9;
    Some(CanaryEvidence { weight_percent: elsewhere.then_some(on_record), ..canary })
}

/// The rows that the verdict rests on: those of the pairs, and the served traffic of the judged epoch. Rows that are
/// both come twice.
fn evidence_rows<'a>(sources: &Sources<'a>, served: &[&'a Row]) -> impl Iterator<Item = &'a Row> {
    let of_pairs = sources.pairing.pairs.iter().flat_map(|pair| [pair.baseline, pair.candidate]);
    of_pairs.chain(served.to_vec())
}

/// What the judged epoch itself holds: its pairs, and the candidate's served requests outside of them.
fn observations(sources: &Sources<'_>, epoch: u32) -> u64 {
    let pairs = &sources.pairing.pairs;
    let mirrored = pairs.iter().filter(|pair| pair.epoch() == epoch && pair.candidate.role != Role::Served).count();
    let served = sources
        .rows
        .all()
        .iter()
        .filter(|row| row.epoch == epoch && row.arm == Arm::Candidate && canary::drawn(row) && !row.cancelled());
    (mirrored + served.count()) as u64
}

/// A rate, where the window is long enough to name one (a second).
fn per_hour(count: u64, window: &Window) -> Option<f64> {
    let span_us = (window.to_us - window.from_us) as f64;
    (count > 1 && span_us >= 1e6).then(|| count as f64 / span_us * HOUR_US)
}
