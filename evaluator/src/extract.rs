//! Rows to the judge's evidence.
//!
//! Nothing is decided here; this is bookkeeping with stated rules about what counts as what:
//! - *bad* in `errors` is any failure that blames the provider but a block by its moderation, which is a decision and
//!   counts as `blocked`;
//! - `guard_flags` are counted of answers that the guard judged whole, at both arms of a pair;
//! - a failed exchange is infinitely slow (`None`), whatever its clock said, so failing fast never looks fast;
//! - `answer_failures` and money are counted over the pairs in which both arms answered;
//! - labels stick to answers, and a failure is a miss where the partner's answer is labelled;
//! - the baseline's first requests make the thresholds of the latencies and are not tested against them.

mod health;
mod moderation;
pub(crate) mod outcome;
mod pairs;
mod plan;
mod rates;
mod segment;
pub(crate) mod served;
mod stretches;

pub(crate) use pairs::latencies_of;
pub use pairs::{PairCounts, Unlabelled};

use crate::bill::{CurrentPrices, PricedPairs};
use crate::error::EvaluateError;
use crate::labels::Labels;
use crate::load::LoadCounts;
use crate::pair::Pairing;
use crate::rows::{NameId, PairKey, Row, Rows, hash64, key::Domain};
use crate::run::both;
use datasets::{Arm, Role};
use judge::counters::{Canary, Paired, PairedEvidence, Plan};
use judge::course::Stretch;
use judge::evidence::{Evidence, SegmentEvidence};
use judge::policy::{ClusterBy, Policy};
use judge::verdict::Window;
use outcome::Limits;
use segment::Segmenter;
use std::cell::RefCell;
use std::collections::HashMap;
use stretches::Stretches;
use wire::price::Tariffs;

/// What the evidence is taken from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// All rows, sorted.
    pub rows: &'a Rows,
    /// Rows that only cost money: fallbacks and repetitions.
    pub aside: &'a [Row],
    /// Prices.
    pub tariffs: &'a Tariffs,
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
    /// The evidence's pairs and served traffic by stretch of time, in order.
    pub stretches: Vec<Stretch>,
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
    // Rows are sorted by time.
    let [from_us, to_us] = [rows.first(), rows.last()].map(|row| row.map_or(0, |row| row.at_us));
    let window = Window { from_us, to_us };
    let served = served::served(sources.rows, judged.epoch, judged.weight_bp, sources.pairing);
    let frozen = freeze(&sources, &served)?;
    let newest_evidence_us = evidence_rows(&sources, &served).map(|row| row.at_us).max().unwrap_or(window.to_us);
    let looks = sources.policy.levels.looks;
    let stretches = Stretches::of(&sources.pairing.pairs, &served, looks, newest_evidence_us);
    let counted = count_pairs(&sources, &frozen, &served, &stretches);
    let mut pair_counts = counted.counts;
    pair_counts.not_drawn = served::not_drawn(rows);
    let (canary, served_stretches, outdated_served) = count_served(&sources, &frozen, &served, &stretches);
    pair_counts.outdated_served = outdated_served;
    let (mut instrument, rates) = both(
        || health::instrument(&sources, &judged, &pair_counts, &served),
        || rates::rates(&sources, &served, judged.epoch),
    );
    let (moderation, guard) = moderation::moderation(&sources, &served);
    instrument.guard = guard;
    let evidence = Evidence {
        weight_percent,
        repeat: repeats(&sources, &frozen.plan),
        paired: counted.all,
        segments: counted.segments,
        canary: canary_at(weight_percent, canary, judged),
        served_weight_percent: ((weight_percent - on_record).abs() >= 1e-9).then_some(on_record),
        moderation,
        instrument,
        hard_stops: health::hard_stops(rows),
        earlier_extra_failures: served::earlier_extra_failures(rows, judged.epoch),
        earlier_epochs: served::earlier_epochs(sources.rows, judged.epoch, sources.pairing),
        judged_epoch_observations: Some(observations(&sources, judged.epoch)),
        rates,
        plan: frozen.plan,
    };
    Ok(Extracted {
        evidence,
        epoch: judged.epoch,
        weight_bp: u32::from(judged.weight_bp),
        window,
        newest_evidence_us,
        pair_counts,
        stretches: side_by_side(&stretches, counted.stretches, served_stretches),
    })
}

/// The judged epoch.
#[derive(Debug, Clone, Copy)]
struct Judged {
    epoch: u64,
    weight_bp: u16,
    /// Rows of the epoch carry different weights.
    mixed: bool,
}

/// The newest epoch with the weight of its newest row.
fn newest_epoch(rows: &[Row]) -> Judged {
    let mut newest: Option<Judged> = None;
    for row in rows {
        match &mut newest {
            Some(judged) if row.epoch < judged.epoch => {}
            Some(judged) if row.epoch == judged.epoch => {
                judged.mixed |= row.weight_bp != judged.weight_bp;
                judged.weight_bp = row.weight_bp;
            }
            _ => newest = Some(Judged { epoch: row.epoch, weight_bp: row.weight_bp, mixed: false }),
        }
    }
    newest.unwrap_or(Judged { epoch: 0, weight_bp: 0, mixed: false })
}

fn freeze(sources: &Sources<'_>, served: &[&Row]) -> Result<plan::Frozen, EvaluateError> {
    let baseline: Vec<&Row> =
        served.iter().copied().filter(|row| row.arm == Arm::Baseline && !row.cancelled()).collect();
    let labels = sources.labels.metrics().map(str::to_owned).collect();
    plan::freeze(&sources.pairing.pairs, &baseline, labels, sources.policy)
}

/// Pairs, over everything (by stretch too) and by segment.
struct CountedPairs {
    all: PairedEvidence,
    stretches: Vec<PairedEvidence>,
    segments: std::collections::BTreeMap<String, SegmentEvidence>,
    counts: PairCounts,
}

fn count_pairs(sources: &Sources<'_>, frozen: &plan::Frozen, served: &[&Row], stretches: &Stretches) -> CountedPairs {
    let pairs = &sources.pairing.pairs;
    let names = sources.rows.names();
    let segmenter = Segmenter::new(pairs, served, names, sources.policy);
    let repeats = repeats_by_pair(sources);
    let keys = ClusterKeys::new(sources);
    let clusters: Vec<u64> = pairs.iter().map(|pair| keys.of(pair.baseline)).collect();
    let counted = pairs::count(
        pairs,
        pairs::Context {
            names,
            labels: sources.labels,
            priced: sources.priced,
            plan: &frozen.plan,
            limits: Limits::of(sources.policy),
            reference: frozen.pairs,
            repeats: &repeats,
            segmenter: &segmenter,
            clusters: &clusters,
            stretch_of: &stretches.of_pairs(pairs),
            stretches: stretches.len(),
        },
    );
    let mut all = PairedEvidence::default();
    counted.stretches.iter().for_each(|stretch| all.merge(stretch));
    let segments = segmenter.names().map(str::to_owned).zip(counted.segments);
    CountedPairs {
        all,
        stretches: counted.stretches,
        segments: segments.map(|(name, paired)| (name, SegmentEvidence { paired, canary: None })).collect(),
        counts: counted.counts,
    }
}

/// The served traffic, the same by stretch, and how many of its requests were answered at prices that have changed since.
fn count_served(
    sources: &Sources<'_>,
    frozen: &plan::Frozen,
    served: &[&Row],
    stretches: &Stretches,
) -> (Option<Canary>, Vec<Canary>, u64) {
    if served.is_empty() {
        return (None, Vec::new(), 0);
    }
    let names = sources.rows.names();
    let keys = ClusterKeys::new(sources);
    let prices = RefCell::new(CurrentPrices::new(sources.rows, sources.tariffs));
    let context = served::Context {
        names,
        plan: &frozen.plan,
        limits: Limits::of(sources.policy),
        cost: &prices,
        cluster: &|row| keys.of(row),
        reference_until_us: frozen.served_until_us,
        stretches,
    };
    let (canary, by_stretch) = served::evidence(served, sources.pairing, context).unzip();
    let outdated = prices.borrow().outdated;
    (canary, by_stretch.unwrap_or_default(), outdated)
}

/// Pairs and served traffic of each stretch.
fn side_by_side(stretches: &Stretches, pairs: Vec<PairedEvidence>, served: Vec<Canary>) -> Vec<Stretch> {
    let served = served.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
    let evidence = pairs.into_iter().zip(served);
    stretches
        .newest_us()
        .iter()
        .zip(evidence)
        .map(|(at_us, (paired, canary))| Stretch { at_us: *at_us, paired, canary })
        .collect()
}

/// The baseline's repetitions that can be true and were answered to the end, by pair.
fn repeats_by_pair<'a>(sources: &Sources<'a>) -> HashMap<PairKey, &'a Row> {
    let usable = |row: &&Row| row.role == Role::Repeat && !row.cancelled() && row.fault().is_none();
    sources.aside.iter().filter(usable).map(|row| (row.pair, row)).collect()
}

/// The baseline against its own repetitions.
fn repeats(sources: &Sources<'_>, plan: &Plan) -> Paired {
    let mut counted = Paired::default();
    let repeats = repeats_by_pair(sources);
    if repeats.is_empty() {
        return counted;
    }
    let limits = Limits::of(sources.policy);
    let asked_twice = sources.rows.all().iter().filter(|row| {
        row.arm == Arm::Baseline
            && row.role == Role::Served
            && !row.cancelled()
            && row.at_us >= sources.pairing.oldest_us
    });
    for row in asked_twice {
        if let Some(repeat) = repeats.get(&row.pair) {
            counted.add(plan, &pairs::repetition(row, repeat, sources.rows.names(), limits));
        }
    }
    counted
}

/// Keys of clusters: the consumer's, else the conversation's; 0 where a request stands for itself. They depend on the
/// names alone, so that evidence of several files adds up.
struct ClusterKeys {
    by: ClusterBy,
    /// By number of the name.
    consumers: Vec<u64>,
}

impl ClusterKeys {
    fn new(sources: &Sources<'_>) -> Self {
        let by = sources.policy.evidence.cluster_by;
        let texts = if by == ClusterBy::Consumer { sources.rows.names().texts() } else { &[] };
        let consumers = texts.iter().map(|name| hash64(Domain::Consumer, name).get()).collect();
        Self { by, consumers }
    }

    fn of(&self, row: &Row) -> u64 {
        let conversation = || row.unit.map_or(0, std::num::NonZeroU64::get);
        match self.by {
            ClusterBy::Request => 0,
            ClusterBy::Conversation => conversation(),
            ClusterBy::Consumer => {
                let key = |name: NameId| self.consumers.get(name.position() as usize).copied();
                row.consumer.and_then(key).unwrap_or_else(conversation)
            }
        }
    }
}

/// Where the weight to judge at splits the traffic, the lack of served requests is missing evidence, and empty evidence
/// says so. At another weight than the one on record failures are failures all the same; only the split must be checked
/// against the weight it was made with.
fn canary_at(weight_percent: f64, canary: Option<Canary>, judged: Judged) -> Option<Canary> {
    let splits = weight_percent > 0.0 && weight_percent < 100.0;
    let mut canary = canary.or_else(|| splits.then(Canary::default))?;
    // The judged epoch is the newest one, even if it served nothing yet.
    let epoch = canary.epochs.entry(judged.epoch).or_default();
    epoch.weight_bp = u32::from(judged.weight_bp);
    Some(canary)
}

/// The rows that the verdict rests on: those of the pairs, and the served traffic of the judged epoch. Rows that are
/// both come twice.
fn evidence_rows<'a>(sources: &Sources<'a>, served: &[&'a Row]) -> impl Iterator<Item = &'a Row> {
    let of_pairs = sources.pairing.pairs.iter().flat_map(|pair| [pair.baseline, pair.candidate]);
    of_pairs.chain(served.to_vec())
}

/// What the judged epoch itself holds: its pairs, and the candidate's served requests outside of them.
fn observations(sources: &Sources<'_>, epoch: u64) -> u64 {
    let pairs = &sources.pairing.pairs;
    let mirrored = pairs.iter().filter(|pair| pair.epoch() == epoch && pair.candidate.role != Role::Served).count();
    let served = sources
        .rows
        .all()
        .iter()
        .filter(|row| row.epoch == epoch && row.arm == Arm::Candidate && served::drawn(row) && !row.cancelled());
    (mirrored + served.count()) as u64
}
