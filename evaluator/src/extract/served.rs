//! Evidence from served traffic: what only real load can show.

use super::outcome::{self, Limits};
use super::stretches::Stretches;
use crate::bill::CurrentPrices;
use crate::pair::Pairing;
use crate::rows::{Names, PairKey, Row, Rows};
use datasets::{Arm, AssignedBy, Role, ShadowFate};
use judge::counters::canary::{block_outcomes, block_slots};
use judge::counters::{Canary, CanaryEpoch, Clusters, Plan, ServedOutcome};
use judge::evidence::EarlierEpoch;
use judge::metric::Share;
use judge::stats::blocks::{Block, BlockFormer, Served};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::num::NonZeroU64;
use wire::ErrorKind;

/// Microseconds of a minute and of an hour.
const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
/// Hours of a day.
const DAY_HOURS: i64 = 24;

/// A served exchange whose arm was drawn. What the other arm cannot serve (`unfit`) never stood a choice, and what a rule
/// sent to its arm was chosen by somebody; counting either would compare different requests and break the sample-ratio
/// test. Where both arms answered the request, it is a pair all the same.
pub(crate) fn drawn(row: &Row) -> bool {
    row.role == Role::Served && row.shadow != Some(ShadowFate::Unfit) && by_weight(row)
}

/// Files before 1.1 do not say how; there the weight drew whatever was fit.
fn by_weight(row: &Row) -> bool {
    matches!(row.assigned_by, None | Some(AssignedBy::Weight))
}

/// Served exchanges that something else than the weight sent to their arm, by what did.
pub(super) fn not_drawn(rows: &[Row]) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for row in rows.iter().filter(|row| row.role == Role::Served && !by_weight(row)) {
        let what = match row.assigned_by {
            Some(AssignedBy::Header) => "a header",
            Some(AssignedBy::HeaderPattern) => "a pattern of a header",
            Some(AssignedBy::Cookie) => "a cookie",
            Some(AssignedBy::Unfit) => "what the candidate cannot serve",
            Some(AssignedBy::None) => "no migration",
            Some(AssignedBy::Weight) | None => continue,
        };
        *counts.entry(what).or_default() += 1;
    }
    counts
}

/// Served traffic of the judged epoch and of the last one before it in which the candidate served, in order of arrival;
/// empty where the candidate was to serve nothing in the judged one. What is too old, or was answered by a model that was
/// replaced since, is no evidence about today. At full weight the baseline serves nothing, and what the candidate does
/// there is evidence all the same.
pub(super) fn served<'a>(rows: &'a Rows, judged: u64, weight_bp: u16, pairing: &Pairing<'_>) -> Vec<&'a Row> {
    if weight_bp == 0 {
        return Vec::new();
    }
    let replaced = |row: &Row| {
        row.arm == Arm::Candidate
            && rows.names().model(row.route).is_some_and(|model| pairing.replaced.contains(&model))
    };
    let of_today = |row: &&Row| drawn(row) && row.at_us >= pairing.oldest_us;
    let before = rows.all().iter().filter(of_today).filter(|row| row.epoch < judged && row.arm == Arm::Candidate);
    let adjacent = before.map(|row| row.epoch).max();
    let of_epochs = |row: &&Row| row.epoch == judged || Some(row.epoch) == adjacent;
    rows.all().iter().filter(of_today).filter(of_epochs).filter(|row| !replaced(row)).collect()
}

/// What served traffic is counted with.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) names: &'a Names,
    pub(super) plan: &'a Plan,
    pub(super) limits: Limits,
    /// Costs of rows at their own clocks, as far as their prices still hold.
    pub(super) cost: &'a RefCell<CurrentPrices<'a>>,
    /// Key of a row's cluster.
    pub(super) cluster: &'a dyn Fn(&Row) -> u64,
    /// Up to this instant the baseline's requests made the thresholds. Latencies of neither arm are tested there: those
    /// of the candidate alone would stand against nothing.
    pub(super) reference_until_us: Option<i64>,
    pub(super) stretches: &'a Stretches,
}

/// Evidence from served traffic, and the same by stretch of time with its clusters closed in steps; `None` if nothing was
/// served.
pub(super) fn evidence(served: &[&Row], pairing: &Pairing<'_>, context: Context<'_>) -> Option<(Canary, Vec<Canary>)> {
    served.first()?;
    let in_pairs: HashSet<PairKey> = pairing.pairs.iter().map(|pair| pair.baseline.pair).collect();
    let epochs: BTreeSet<u64> = served.iter().map(|row| row.epoch).collect();
    let mut stretches = vec![Canary::default(); context.stretches.len()];
    for epoch in epochs {
        let rows: Vec<&Row> = served.iter().copied().filter(|row| row.epoch == epoch).collect();
        count_epoch(&mut stretches, epoch, &rows, &in_pairs, context);
    }
    let baselines = Clusters::close_in_steps(stretches.iter_mut().map(|canary| &mut canary.clusters_baseline));
    let candidates = Clusters::close_in_steps(stretches.iter_mut().map(|canary| &mut canary.clusters_candidate));
    let mut canary = Canary::default();
    stretches.iter().for_each(|stretch| canary.merge(stretch));
    // Few clusters stay known by themselves, so that they can be added to.
    for (clusters, open) in [(&mut canary.clusters_baseline, baselines), (&mut canary.clusters_candidate, candidates)] {
        if open.len() <= CLUSTERS_OPEN_MAX {
            *clusters = Clusters::default();
            clusters.open = open;
        }
    }
    Some((canary, stretches))
}

/// Clusters that are kept by themselves.
const CLUSTERS_OPEN_MAX: usize = 10_000;

fn count_epoch(stretches: &mut [Canary], epoch: u64, rows: &[&Row], in_pairs: &HashSet<PairKey>, context: Context<'_>) {
    let weight_bp = rows.last().map_or(0, |row| row.weight_bp);
    let mut units: [HashSet<Result<NonZeroU64, PairKey>>; 2] = Default::default();
    // Whether a request asks for a stream is known before it is answered; only what is alike in that is compared.
    let mut blocks = [false, true].map(|streamed| Blocks::new(weight_bp, streamed));
    for row in rows {
        let candidate = row.arm == Arm::Candidate;
        // A request without a unit is a unit of its own.
        units[usize::from(candidate)].insert(row.unit.ok_or(row.pair));
        let Some(mut outcome) = outcome(row, in_pairs.contains(&row.pair), context) else { continue };
        if context.reference_until_us.is_some_and(|until| row.at_us <= until) {
            outcome.latency_us = [None; 3];
        }
        let at = context.stretches.at(row.at_us);
        if let Some(stretch) = stretches.get_mut(at) {
            stretch.add(context.plan, epoch, &outcome);
        }
        blocks[usize::from(row.streamed)].push(stretches, (epoch, at), row, block_outcomes(context.plan, &outcome));
    }
    blocks.into_iter().for_each(|blocks| blocks.finish(stretches, epoch));
    let Some(last) = stretches.last_mut() else { return };
    let served = last.epochs.entry(epoch).or_default();
    served.weight_bp = u32::from(weight_bp);
    served.units_baseline = units[0].len() as u64;
    served.units_candidate = units[1].len() as u64;
}

/// Blocks of requests that were all streamed, or all not. None are formed where one arm serves nothing.
struct Blocks {
    former: Option<BlockFormer>,
    streamed: bool,
    /// Day and stretch of the newest request, which are those of what is closed next: a block closes with a request of its
    /// own minute, or with the first one of a later minute, and no stretch ends within a minute.
    day: i64,
    stretch: usize,
}

impl Blocks {
    fn new(weight_bp: u16, streamed: bool) -> Self {
        let former = BlockFormer::new(f64::from(weight_bp) / 10_000.0).ok();
        Self { former, streamed, day: 0, stretch: 0 }
    }

    fn push(&mut self, stretches: &mut [Canary], (epoch, stretch): (u64, usize), row: &Row, outcomes: u64) {
        let (day, streamed) = (self.day, self.streamed);
        if let (Some(former), Some(canary)) = (&mut self.former, stretches.get_mut(self.stretch)) {
            let minute = row.at_us.div_euclid(MINUTE_US);
            let request = Served { stratum: 0, minute, candidate: row.arm == Arm::Candidate, outcomes };
            former.push(request, |block| add_block(canary.epochs.entry(epoch).or_default(), day, streamed, block));
        }
        self.day = row.at_us.div_euclid(HOUR_US * DAY_HOURS);
        self.stretch = stretch;
    }

    fn finish(self, stretches: &mut [Canary], epoch: u64) {
        if let (Some(former), Some(canary)) = (self.former, stretches.get_mut(self.stretch)) {
            let add =
                |block: &Block| add_block(canary.epochs.entry(epoch).or_default(), self.day, self.streamed, block);
            former.finish(add);
        }
    }
}

fn add_block(served: &mut CanaryEpoch, day: i64, streamed: bool, block: &Block) {
    for slot in block_slots(streamed) {
        served.block(day, slot).add(block, slot);
    }
}

/// What is counted of a served row; `None` of what the gateway's own stop or bound cut off, which says nothing. A client
/// that went away is a cancellation and nothing else, because a single one says nothing about the provider; many more
/// than the other arm's do.
fn outcome(row: &Row, paired: bool, context: Context<'_>) -> Option<ServedOutcome> {
    let mut made = ServedOutcome {
        candidate: row.arm == Arm::Candidate,
        hour: row.at_us.div_euclid(HOUR_US),
        paired,
        unit: Some((context.cluster)(row)).filter(|key| *key != 0),
        ..ServedOutcome::default()
    };
    made.asked.insert(Share::Cancellations.slot());
    if row.cancelled() {
        made.bad.insert(Share::Cancellations.slot());
        return (row.error == Some(ErrorKind::ClientCancelled)).then_some(made);
    }
    let (asked, bad) = outcome::shares(row, context.names, context.limits);
    asked.slots().for_each(|slot| made.asked.insert(slot));
    bad.slots().for_each(|slot| made.bad.insert(slot));
    made.latency_us = outcome::latencies(row);
    if !row.failed() {
        made.cost_nanos = context.cost.borrow_mut().nanos(row);
        made.answer_chars = (row.answer_chars > 0).then(|| i64::from(row.answer_chars));
    }
    Some(made)
}

/// Requests and failures of one arm in one epoch.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    requests: u64,
    errors: u64,
}

impl Tally {
    fn add(&mut self, row: &Row) {
        self.requests += 1;
        self.errors += u64::from(outcome::erred(row));
    }

    fn share(self) -> Option<f64> {
        (self.requests > 0).then(|| self.errors as f64 / self.requests as f64)
    }
}

/// Failed requests that earlier epochs cost beyond what the baseline would have: for each epoch the candidate's
/// failures minus its requests times the baseline's error share of the same epoch (of all epochs, where it served
/// nothing), never below zero, summed.
pub(super) fn earlier_extra_failures(rows: &[Row], judged: u64) -> f64 {
    let mut epochs: BTreeMap<u64, [Tally; 2]> = BTreeMap::new();
    let mut baseline_ever = Tally::default();
    for row in rows.iter().filter(|row| !row.cancelled()) {
        if row.arm == Arm::Baseline {
            baseline_ever.add(row);
        }
        if row.epoch < judged && drawn(row) {
            epochs.entry(row.epoch).or_default()[usize::from(row.arm == Arm::Candidate)].add(row);
        }
    }
    epochs
        .values()
        .map(|[baseline, candidate]| {
            let expected = baseline.share().or(baseline_ever.share()).unwrap_or(0.0);
            (candidate.errors as f64 - candidate.requests as f64 * expected).max(0.0)
        })
        .sum()
}

/// What earlier epochs served, oldest first: rows that are not too old, and of the candidate only what today's models
/// answered. A change of the weight does not repair a candidate, a change of the model may.
pub(super) fn earlier_epochs(rows: &Rows, judged: u64, pairing: &Pairing<'_>) -> Vec<EarlierEpoch> {
    let mut epochs: BTreeMap<u64, EarlierEpoch> = BTreeMap::new();
    let counts = |row: &&Row| {
        let replaced = row.arm == Arm::Candidate
            && rows.names().model(row.route).is_some_and(|model| pairing.replaced.contains(&model));
        row.epoch < judged && row.at_us >= pairing.oldest_us && drawn(row) && !row.cancelled() && !replaced
    };
    for row in rows.all().iter().filter(counts) {
        let epoch = epochs.entry(row.epoch).or_insert(EarlierEpoch { epoch: row.epoch, ..EarlierEpoch::default() });
        let (requests, errors) = match row.arm {
            Arm::Baseline => (&mut epoch.baseline_requests, &mut epoch.baseline_errors),
            Arm::Candidate => (&mut epoch.candidate_requests, &mut epoch.candidate_errors),
        };
        *requests += 1;
        *errors += u64::from(outcome::erred(row));
    }
    epochs.into_values().filter(|epoch| epoch.candidate_requests > 0).collect()
}
