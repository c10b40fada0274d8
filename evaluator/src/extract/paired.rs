//! Evidence from complete pairs.

use crate::bill::PricedPairs;
use crate::labels::Labels;
use crate::pair::Pair;
use crate::rows::{Names, Row};
use datasets::Endpoint;
use judge::evidence::{PairedCounts, PairedEvidence, PairedLatency};
use std::collections::BTreeMap;

/// What single metrics had to leave out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PairCounts {
    /// Streamed pairs in which an answer came without a first token (only tool calls, or empty).
    pub without_first_token: u64,
    /// Those of them in which the other answer had one.
    pub one_first_token: u64,
    /// Streamed pairs.
    pub streamed: u64,
    /// Labels by metric.
    pub labels: BTreeMap<String, Unlabelled>,
    /// Served requests of all epochs that something else than the weight sent to their arm, by what did.
    pub not_drawn: BTreeMap<&'static str, u64>,
}

/// Whether the endpoint answers with text, which has a form, an end and a quality. Vectors and categories have none of
/// these in common with it.
pub(crate) const fn answers_in_text(exchange: &Row) -> bool {
    match exchange.endpoint {
        Endpoint::Chat | Endpoint::Completions | Endpoint::Responses => true,
        Endpoint::Embeddings | Endpoint::Moderations => false,
    }
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

/// Counts and vectors over the pairs, in their order.
pub(super) fn evidence(
    pairs: &[Pair<'_>],
    names: &Names,
    labels: &Labels,
    priced: &PricedPairs,
) -> (PairedEvidence, PairCounts) {
    let mut evidence = PairedEvidence { cost_nanos: priced.cost.clone(), ..PairedEvidence::default() };
    let mut counts = PairCounts::default();
    for pair in pairs {
        let bad = (pair.baseline.failed(), pair.candidate.failed());
        evidence.errors.add(bad.0, bad.1);
        if bad == (false, false) && answers_in_text(pair.baseline) {
            let unfit = |exchange: &Row| names.fails_form(exchange.ending);
            evidence.answer_failures.add(unfit(pair.baseline), unfit(pair.candidate));
        }
        evidence.duration_us.push(duration(pair.baseline), duration(pair.candidate));
        first_token(pair, &mut evidence.ttft_us, &mut counts);
    }
    for metric in labels.metrics() {
        let (table, unlabelled) = labelled(metric, pairs, labels);
        // Labels that match nothing are missing evidence, which must show.
        evidence.labels.insert(metric.to_owned(), table);
        counts.labels.insert(metric.to_owned(), unlabelled);
    }
    (evidence, counts)
}

/// Time to the last byte; a failure is infinitely slow.
pub(crate) fn duration(exchange: &Row) -> Option<u64> {
    (!exchange.failed()).then_some(exchange.duration_us())
}

/// Adds the first tokens of a streamed pair. If an answer came without one, the pair says nothing and is counted.
fn first_token(pair: &Pair<'_>, column: &mut PairedLatency, counts: &mut PairCounts) {
    if !pair.baseline.streamed && !pair.candidate.streamed {
        return;
    }
    counts.streamed += 1;
    let missing = |exchange: &Row| !exchange.failed() && exchange.ttft_us().is_none();
    match (missing(pair.baseline), missing(pair.candidate)) {
        (false, false) => column.push(ttft(pair.baseline), ttft(pair.candidate)),
        (baseline, candidate) => {
            counts.without_first_token += 1;
            counts.one_first_token += u64::from(baseline != candidate);
        }
    }
}

/// Time to the first token; a failure is infinitely slow, even if some text had come.
pub(crate) fn ttft(exchange: &Row) -> Option<u64> {
    exchange.ttft_us().filter(|_| !exchange.failed())
}

fn labelled(metric: &str, pairs: &[Pair<'_>], labels: &Labels) -> (PairedCounts, Unlabelled) {
    let mut table = PairedCounts::default();
    let mut unlabelled = Unlabelled::default();
    for pair in pairs.iter().filter(|pair| answers_in_text(pair.baseline)) {
        let good = |exchange: &Row| if exchange.failed() { None } else { labels.good(metric, exchange) };
        let labels_found = (good(pair.baseline), good(pair.candidate));
        if !pair.baseline.failed() && !pair.candidate.failed() {
            unlabelled.answered += 1;
            unlabelled.answered_labelled += u64::from(matches!(labels_found, (Some(_), Some(_))));
        }
        match labels_found {
            (Some(baseline), Some(candidate)) => table.add(!baseline, !candidate),
            (Some(baseline), None) if pair.candidate.failed() => table.add(!baseline, true),
            (None, Some(candidate)) if pair.baseline.failed() => table.add(true, !candidate),
            (Some(_), None) => unlabelled.candidate_only += 1,
            (None, Some(_)) => unlabelled.baseline_only += 1,
            (None, None) => unlabelled.neither += 1,
        }
    }
    unlabelled.pairs = table.pairs();
    (table, unlabelled)
}
