//! Pairs to counters.
//!
//! Each pair is reduced to an outcome and counted. Where clusters are few, their sums are kept open while the pairs are
//! walked as they lie in the memory. Where they are many, pairs are walked cluster by cluster, so that the sums of one
//! consumer or conversation are complete when the next begins and need not be kept. The counters do not depend on the
//! order. Two threads take half of the pairs each.
//!
//! Over everything, pairs are counted in stretches of time ([`super::stretches`]), whose sum is the evidence. The sums of
//! a cluster are handed over stretch by stretch, as far as it has grown in each.

use super::outcome::{self, Limits, answers_in_text, erred};
use super::segment::Segmenter;
use crate::bill::PricedPairs;
use crate::labels::Labels;
use crate::pair::Pair;
use crate::rows::{Names, PairKey, Row};
use crate::run::both;
use judge::counters::{ClusterSums, Clusters, PairOutcome, PairedEvidence, Plan};
use judge::metric::{FIRST_LABEL, Latency, Share};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What single metrics had to leave out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PairCounts {
    /// Streamed pairs in which an answer came without a first token (only tool calls, or empty).
    pub without_first_token: u64,
    /// Those of them in which the other answer had one.
    pub one_first_token: u64,
    /// Streamed pairs.
    pub streamed: u64,
    /// Pairs of which at least one answer was taken from a request log.
    pub recorded: u64,
    /// Those of them whose log did not tell how long it took.
    pub untimed: u64,
    /// Those of them that were streamed.
    pub untimed_streamed: u64,
    /// Streamed pairs in which only one of the two answers has a gap between tokens.
    pub one_gap: u64,
    /// Pairs in which both arms answered and at least one answer has a quality score.
    pub scored: u64,
    /// Those of them in which the other answer has none.
    pub one_score: u64,
    /// Served requests that were answered at prices that have changed since; their cost is not compared.
    pub outdated_served: u64,
    /// Labels by metric.
    pub labels: BTreeMap<String, Unlabelled>,
    /// Served requests of all epochs that something else than the weight sent to their arm, by what did.
    pub not_drawn: BTreeMap<&'static str, u64>,
}

/// Labels of one metric that were found and missed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unlabelled {
    /// Pairs that count.
    pub pairs: u64,
    /// Pairs in which neither answer is labelled: probably never meant to be.
    pub neither: u64,
    /// Pairs left out because the baseline's answer has no label although the candidate's has.
    pub baseline_only: u64,
    /// The other way round.
    pub candidate_only: u64,
    /// Pairs in which both arms answered.
    pub answered: u64,
    /// Those of them in which both answers are labelled.
    pub answered_labelled: u64,
}

impl Unlabelled {
    const fn merge(&mut self, other: &Self) {
        self.pairs += other.pairs;
        self.neither += other.neither;
        self.baseline_only += other.baseline_only;
        self.candidate_only += other.candidate_only;
        self.answered += other.answered;
        self.answered_labelled += other.answered_labelled;
    }
}

impl PairCounts {
    fn merge(&mut self, other: &Self) {
        self.without_first_token += other.without_first_token;
        self.one_first_token += other.one_first_token;
        self.streamed += other.streamed;
        self.recorded += other.recorded;
        self.untimed += other.untimed;
        self.untimed_streamed += other.untimed_streamed;
        self.one_gap += other.one_gap;
        self.scored += other.scored;
        self.one_score += other.one_score;
        for (metric, found) in &other.labels {
            self.labels.entry(metric.clone()).or_default().merge(found);
        }
    }
}

/// What a pair's outcome is made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) names: &'a Names,
    pub(super) labels: &'a Labels,
    pub(super) priced: &'a PricedPairs,
    pub(super) plan: &'a Plan,
    pub(super) limits: Limits,
    /// Pairs at the beginning that made the thresholds.
    pub(super) reference: usize,
    /// The baseline's repetitions by pair.
    pub(super) repeats: &'a HashMap<PairKey, &'a Row>,
    pub(super) segmenter: &'a Segmenter,
    /// Key of each pair's cluster, in the pairs' order; 0 for a pair that stands for itself.
    pub(super) clusters: &'a [u64],
    /// Stretch of time of each pair, in the pairs' order, and how many stretches there are.
    pub(super) stretch_of: &'a [u8],
    pub(super) stretches: usize,
}

impl Context<'_> {
    fn cluster(&self, index: u32) -> u64 {
        self.clusters.get(index as usize).copied().unwrap_or(0)
    }

    fn stretch(&self, index: u32) -> usize {
        self.stretch_of.get(index as usize).map_or(0, |stretch| usize::from(*stretch))
    }
}

/// Counted pairs: over everything by stretch of time, and by segment in the segmenter's order.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Clusters closed; see [`Clusters::close_in_steps`].
    pub(super) stretches: Vec<PairedEvidence>,
    pub(super) segments: Vec<PairedEvidence>,
    pub(super) counts: PairCounts,
}

/// Counts all pairs.
pub(super) fn count(pairs: &[Pair<'_>], context: Context<'_>) -> Counted {
    let mut counted = if are_few(context.clusters) { in_order(pairs, context) } else { by_cluster(pairs, context) };
    for metric in context.labels.metrics() {
        // Labels that match nothing are missing evidence, which must show.
        counted.counts.labels.entry(metric.to_owned()).or_default();
    }
    counted
}

/// Clusters that are kept open while the pairs are walked in their order, which is that of the memory.
const CLUSTERS_OPEN_MAX: usize = 2_000;

fn are_few(clusters: &[u64]) -> bool {
    let mut keys = HashSet::new();
    clusters.iter().all(|key| {
        keys.insert(*key);
        keys.len() <= CLUSTERS_OPEN_MAX
    })
}

/// Counts half of the pairs on a thread of its own.
fn on_two_threads<'a, T: Sync + ?Sized + 'a>(
    first: &'a T,
    second: &'a T,
    count: impl Fn(&'a T) -> Counted + Sync,
) -> Counted {
    let (mut counted, others) = both(|| count(first), || count(second));
    counted.merge(&others);
    counted
}

/// Counts all pairs in their order, all clusters staying open until the end.
fn in_order(pairs: &[Pair<'_>], context: Context<'_>) -> Counted {
    let order: Vec<u32> = (0..).take(pairs.len()).collect();
    let (first, second) = order.split_at(order.len() / 2);
    let mut counted = on_two_threads(first, second, |order| count_open(pairs, order, context));
    // Nobody needs them open any more.
    let _all = Clusters::close_in_steps(counted.stretches.iter_mut().map(|stretch| &mut stretch.clusters));
    counted.segments.iter_mut().for_each(|evidence| evidence.clusters.close());
    counted
}

fn count_open(pairs: &[Pair<'_>], order: &[u32], context: Context<'_>) -> Counted {
    let mut counted = Counted::new(context);
    for index in order {
        let Some(pair) = pairs.get(*index as usize) else { continue };
        let outcome = outcome(pair, *index as usize, context, &mut counted.counts);
        let epoch = pair.epoch();
        let cluster = Some(context.cluster(*index)).filter(|key| *key != 0);
        if let Some(stretch) = counted.stretches.get_mut(context.stretch(*index)) {
            stretch.add(context.plan, epoch, cluster, &outcome);
        }
        for segment in context.segmenter.of(pair.baseline, context.names) {
            if let Some(evidence) = counted.segments.get_mut(segment) {
                evidence.add(context.plan, epoch, cluster, &outcome);
            }
        }
    }
    counted
}

/// Counts all pairs cluster by cluster.
fn by_cluster(pairs: &[Pair<'_>], context: Context<'_>) -> Counted {
    let key = |index: &u32| context.cluster(*index);
    let mut order: Vec<u32> = (0..).take(pairs.len()).collect();
    order.sort_by_key(|index| (key(index), context.stretch(*index)));
    let middle = order.len() / 2;
    // The second half begins with a new cluster.
    let begin = |index: &u32| key(index) != order.get(middle).map_or(0, key);
    let split = middle + order.get(middle..).unwrap_or_default().iter().position(begin).unwrap_or(order.len() - middle);
    let (first, second) = order.split_at(split.min(order.len()));
    on_two_threads(first, second, |order| count_some(pairs, order, context))
}

impl Counted {
    fn new(context: Context<'_>) -> Self {
        Self {
            stretches: vec![PairedEvidence::default(); context.stretches],
            segments: vec![PairedEvidence::default(); context.segmenter.len()],
            ..Self::default()
        }
    }

    fn merge(&mut self, other: &Self) {
        for (own, others) in self.stretches.iter_mut().zip(&other.stretches) {
            own.merge(others);
        }
        for (own, others) in self.segments.iter_mut().zip(&other.segments) {
            own.merge(others);
        }
        self.counts.merge(&other.counts);
    }
}

/// Counts the pairs of complete clusters, which stand together, those of one stretch together within a cluster.
fn count_some(pairs: &[Pair<'_>], order: &[u32], context: Context<'_>) -> Counted {
    let mut counted = Counted::new(context);
    let (mut sums, mut before) = (ClusterSums::default(), ClusterSums::default());
    let mut of_segments: Vec<ClusterSums> = vec![ClusterSums::default(); context.segmenter.len()];
    for cluster in order.chunk_by(|a, b| context.cluster(*a) == context.cluster(*b)) {
        let own_cluster = cluster.first().is_some_and(|index| context.cluster(*index) != 0);
        for run in cluster.chunk_by(|a, b| context.stretch(*a) == context.stretch(*b)) {
            let at = run.first().map_or(0, |index| context.stretch(*index));
            for index in run {
                let Some(pair) = pairs.get(*index as usize) else { continue };
                let outcome = outcome(pair, *index as usize, context, &mut counted.counts);
                let epoch = pair.epoch();
                if let Some(stretch) = counted.stretches.get_mut(at) {
                    stretch.add_to(context.plan, epoch, &outcome, Some(&mut sums).filter(|_| own_cluster));
                }
                for segment in context.segmenter.of(pair.baseline, context.names) {
                    let of_segment = (counted.segments.get_mut(segment), of_segments.get_mut(segment));
                    let (Some(evidence), Some(sums)) = of_segment else { continue };
                    evidence.add_to(context.plan, epoch, &outcome, Some(sums).filter(|_| own_cluster));
                }
            }
            if let Some(stretch) = counted.stretches.get_mut(at).filter(|_| own_cluster) {
                stretch.clusters.grow(&before, &sums);
                before.clone_from(&sums);
            }
        }
        if own_cluster {
            sums.clear();
            before.clear();
            for (evidence, sums) in counted.segments.iter_mut().zip(&mut of_segments) {
                if !sums.is_empty() {
                    evidence.clusters.add_closed(sums);
                    sums.clear();
                }
            }
        }
    }
    counted
}

fn outcome(pair: &Pair<'_>, index: usize, context: Context<'_>, counts: &mut PairCounts) -> PairOutcome {
    let (baseline, candidate) = (pair.baseline, pair.candidate);
    let of = |row: &Row| outcome::shares(row, context.names, context.limits);
    let ((asked_b, bad_b), (asked_c, bad_c)) = (of(baseline), of(candidate));
    let mut made = PairOutcome { reference: index < context.reference, ..PairOutcome::default() };
    // A share is asked where both arms can be asked; 429 is for served traffic.
    for slot in asked_b.slots().filter(|slot| asked_c.contains(*slot) && *slot != Share::RateLimited.slot()) {
        ask(&mut made, slot, bad_b.contains(slot), bad_c.contains(slot));
    }
    if asked_b.contains(Share::Blocked.slot()) && asked_c.contains(Share::Blocked.slot()) {
        let missed = outcome::blocked(baseline) && !outcome::blocked(candidate);
        ask(&mut made, Share::Missed.slot(), false, missed);
    }
    disagreements(&mut made, pair, context.repeats.get(&baseline.pair).copied());
    labels(&mut made, pair, context.labels, counts);
    latencies(&mut made, pair, counts);
    made.cost_nanos = context.priced.judged(index);
    if !baseline.failed() && !candidate.failed() {
        // Not tokens: those of two tokenizers are no common unit. An answer without text, such as a call, has no length.
        let length = |row: &Row| (row.answer_chars > 0).then(|| i64::from(row.answer_chars));
        made.answer_chars = length(baseline).zip(length(candidate)).map(<[i64; 2]>::from);
        let quality = |row: &Row| row.quality_millionths().and_then(|score| i64::try_from(score).ok());
        let scores = (quality(baseline), quality(candidate));
        counts.scored += u64::from(scores != (None, None));
        counts.one_score += u64::from(scores.0.is_some() != scores.1.is_some());
        made.quality_millionths = scores.0.zip(scores.1).map(<[i64; 2]>::from);
    }
    made
}

fn ask(made: &mut PairOutcome, slot: usize, baseline_bad: bool, candidate_bad: bool) {
    made.asked.insert(slot);
    made.baseline.insert_if(slot, baseline_bad);
    made.candidate.insert_if(slot, candidate_bad);
}

/// How the candidate differs from the baseline, against how the baseline's repetition does. Asked where all three
/// answered; of tool calls, where any of them called a tool.
fn disagreements(made: &mut PairOutcome, pair: &Pair<'_>, repeat: Option<&Row>) {
    let Some(repeat) = repeat else { return };
    let rows = [pair.baseline, pair.candidate, repeat];
    if rows.iter().any(|row| row.failed() || row.cancelled() || !answers_in_text(row)) {
        return;
    }
    let [baseline, candidate, repeat] = rows;
    if rows.iter().any(|row| row.tools.is_some()) {
        ask(made, Share::ToolDisagreement.slot(), repeat.tools != baseline.tools, candidate.tools != baseline.tools);
    }
    if rows.iter().all(|row| row.answer.is_some()) {
        ask(
            made,
            Share::AnswerDisagreement.slot(),
            repeat.answer != baseline.answer,
            candidate.answer != baseline.answer,
        );
    }
}

/// Labels stick to answers; a failure is a miss where the partner's answer is labelled.
fn labels(made: &mut PairOutcome, pair: &Pair<'_>, labels: &Labels, counts: &mut PairCounts) {
    if !answers_in_text(pair.baseline) {
        return;
    }
    let failed = (pair.baseline.failed(), pair.candidate.failed());
    for (index, metric) in labels.metrics().enumerate() {
        let found = match counts.labels.get_mut(metric) {
            Some(found) => found,
            None => counts.labels.entry(metric.to_owned()).or_default(),
        };
        let good = |row: &Row| if row.failed() { None } else { labels.good(metric, row) };
        let both = (good(pair.baseline), good(pair.candidate));
        if failed == (false, false) {
            found.answered += 1;
            found.answered_labelled += u64::from(matches!(both, (Some(_), Some(_))));
        }
        let bad = match both {
            (Some(baseline), Some(candidate)) => (!baseline, !candidate),
            (Some(baseline), None) if failed.1 => (!baseline, true),
            (None, Some(candidate)) if failed.0 => (true, !candidate),
            (Some(_), None) => {
                found.candidate_only += 1;
                continue;
            }
            (None, Some(_)) => {
                found.baseline_only += 1;
                continue;
            }
            (None, None) => {
                found.neither += 1;
                continue;
            }
        };
        found.pairs += 1;
        ask(made, FIRST_LABEL + index, bad.0, bad.1);
    }
}

fn latencies(made: &mut PairOutcome, pair: &Pair<'_>, counts: &mut PairCounts) {
    let (baseline, candidate) = (pair.baseline, pair.candidate);
    counts.recorded += u64::from(baseline.recorded().is_some() || candidate.recorded().is_some());
    if baseline.untimed() || candidate.untimed() {
        counts.untimed += 1;
        counts.untimed_streamed += u64::from(baseline.streamed || candidate.streamed);
        return;
    }
    made.latency_us[Latency::Duration.slot()] = Some([baseline, candidate].map(outcome::duration));
    if !baseline.streamed && !candidate.streamed {
        return;
    }
    counts.streamed += 1;
    let missing = |row: &Row| !row.failed() && row.ttft_us().is_none();
    match (missing(baseline), missing(candidate)) {
        (false, false) => made.latency_us[Latency::Ttft.slot()] = Some([baseline, candidate].map(outcome::ttft)),
        (of_baseline, of_candidate) => {
            counts.without_first_token += 1;
            counts.one_first_token += u64::from(of_baseline != of_candidate);
        }
    }
    let gaps = [baseline, candidate].map(outcome::gap);
    match gaps {
        [Some(_), Some(_)] => made.latency_us[Latency::InterToken.slot()] = Some(gaps),
        // A failed answer has infinite gaps beside one that has some.
        [Some(_), None] if candidate.failed() => made.latency_us[Latency::InterToken.slot()] = Some(gaps),
        [None, Some(_)] if baseline.failed() => made.latency_us[Latency::InterToken.slot()] = Some(gaps),
        [Some(_), None] | [None, Some(_)] => counts.one_gap += 1,
        [None, None] => {}
    }
}

/// Latencies that can be asked of a pair, by [`Latency::slot`]; see [`PairOutcome::latency_us`].
pub(crate) fn latencies_of(pair: &Pair<'_>) -> [Option<[Option<u64>; 2]>; 3] {
    let mut made = PairOutcome::default();
    latencies(&mut made, pair, &mut PairCounts::default());
    made.latency_us
}

/// The baseline against its own repetition, as if the repetition were the candidate.
pub(super) fn repetition(baseline: &Row, repeat: &Row, names: &Names, limits: Limits) -> PairOutcome {
    let of = |row: &Row| outcome::shares(row, names, limits);
    let ((asked_b, bad_b), (asked_r, bad_r)) = (of(baseline), of(repeat));
    let mut made = PairOutcome::default();
    for slot in asked_b.slots().filter(|slot| asked_r.contains(*slot)) {
        ask(&mut made, slot, bad_b.contains(slot), bad_r.contains(slot));
    }
    if !erred(baseline) && !erred(repeat) {
        ask(&mut made, Share::Missed.slot(), false, outcome::blocked(baseline) && !outcome::blocked(repeat));
    }
    if !baseline.failed() && !repeat.failed() && answers_in_text(baseline) {
        if baseline.tools.is_some() || repeat.tools.is_some() {
            ask(&mut made, Share::ToolDisagreement.slot(), false, baseline.tools != repeat.tools);
        }
        if baseline.answer.is_some() && repeat.answer.is_some() {
            ask(&mut made, Share::AnswerDisagreement.slot(), false, baseline.answer != repeat.answer);
        }
    }
    let pair = Pair { baseline, candidate: repeat };
    latencies(&mut made, &pair, &mut PairCounts::default());
    made
}
