//! The pairs whose outcomes differ most, so that people can look at cases and not only at numbers.
//!
//! A pair is an example of one kind at most, and each kind has a measure of its own, from 0 (no difference) to 1:
//! - `error`, `moderation`, `form`, `finish`: one arm failed, was intervened in, missed its form, or both ended in other
//!   ways. There is no "how much": the difference is 1. Of the guard and of the model's refusals only answers are compared
//!   that both were looked at, or both given;
//! - `text`: difference of the quality scores, where answers have them;
//! - `length`, `latency`, `cost`: how far the smaller value falls short of the larger one. Costs are compared with what the
//!   pair would cost if the candidate were as much cheaper as it is on the whole; otherwise the price list alone would make
//!   the examples. Pairs in which both values are below the typical one are left out: a ratio of trifles says nothing.
//!
//! The largest differences stay; among equal ones those in which the candidate is the worse arm come first, then those of
//! the smaller pair id. Nothing here depends on the order of files. There is no text in an example unless somebody asked.

mod texts;

use crate::bill::PricedPairs;
use crate::error::EvaluateError;
use crate::extract::outcome::{answers_in_text, blocked, erred};
use crate::pair::{Pair, Pairing};
use crate::rows::{Names, PairKey, Row, guard_of_text};
use judge::counters::Paired;
use judge::metric::Latency;
use judge::verdict::{Example, ExampleSide};
use std::cmp::Ordering;
use std::path::PathBuf;
use texts::{Texts, Wanted};
use wire::price::decimal;

/// Examples in a verdict, and of one kind.
const EXAMPLES_MAX: usize = 24;
const OF_A_KIND_MAX: usize = 6;
/// Characters of an answer in an example.
const ANSWER_CHARS_MAX: usize = 4_000;
/// Places of an amount of money.
const PLACES: u32 = 9;

/// Why a pair is an example, in the order in which they are shown.
const KINDS: [&str; 8] = ["error", "moderation", "finish", "form", "text", "length", "latency", "cost"];
const ERROR: usize = 0;
const MODERATION: usize = 1;
const FINISH: usize = 2;
const FORM: usize = 3;
const TEXT: usize = 4;
const LENGTH: usize = 5;
const LATENCY: usize = 6;
const COST: usize = 7;

/// What examples are taken from.
pub(crate) struct Sources<'a> {
    pub(crate) pairing: &'a Pairing<'a>,
    pub(crate) priced: &'a PricedPairs,
    pub(crate) names: &'a Names,
    /// The pairs' counters.
    pub(crate) pooled: &'a Paired,
    /// Where the records are, to be read once more for what rows do not keep.
    pub(crate) records: &'a [PathBuf],
    /// Add the answers themselves.
    pub(crate) with_answers: bool,
}

/// The examples, and how many of their answers are on record where answers were asked for.
///
/// # Errors
/// With answers: the records cannot be read once more.
pub(crate) fn examples(sources: &Sources<'_>) -> Result<Vec<Example>, EvaluateError> {
    let chosen = choose(sources);
    let pairs = &sources.pairing.pairs;
    let of = |found: &Found| pairs.get(found.index).copied();
    let wanted = chosen.iter().filter_map(|(_, found)| of(found)).map(|pair| Wanted { pair });
    let texts = Texts::read(sources.records, &wanted.collect::<Vec<_>>(), sources.with_answers)?;
    let made = chosen.iter().filter_map(|(kind, found)| {
        let pair = of(found)?;
        let costs = sources.priced.paid(found.index);
        let side = |row: &Row, cost: Option<i64>| side(row, cost, sources.names, &texts);
        Some(Example {
            pair: texts.id(pair.baseline.pair),
            at_us: pair.baseline.at_us,
            model: sources.names.route(pair.baseline.route).model.to_owned(),
            kind: (*kind).to_owned(),
            difference: (found.difference * 1e4).round() / 1e4,
            prompt_chars: u64::from(pair.baseline.prompt_chars),
            baseline: side(pair.baseline, costs.map(|costs| costs[0])),
            candidate: side(pair.candidate, costs.map(|costs| costs[1])),
        })
    });
    Ok(made.collect())
}

fn side(row: &Row, cost_nanos: Option<i64>, names: &Names, texts: &Texts) -> ExampleSide {
    let (route, ending) = (names.route(row.route), names.ending(row.ending));
    ExampleSide {
        model: route.answered.unwrap_or(route.model).to_owned(),
        status: row.status,
        error: row.error.map(|error| error.name().to_owned()),
        finish_reason: ending.finish_reason.map(str::to_owned),
        form_failure: ending.form_failure.map(str::to_owned),
        moderation: moderation(row, names),
        answer_chars: u64::from(row.answer_chars),
        duration_us: row.duration_us(),
        cost: cost_nanos.map(|nanos| decimal(nanos, PLACES)),
        answer: texts.answer(row).map(cut),
    }
}

/// The first characters of an answer; an ellipsis says that there were more.
fn cut(answer: &str) -> String {
    match answer.char_indices().nth(ANSWER_CHARS_MAX) {
        Some((end, _)) => format!("{}…", answer.get(..end).unwrap_or_default()),
        None => answer.to_owned(),
    }
}

/// Who intervened in one answer.
fn moderation(row: &Row, names: &Names) -> Option<String> {
    let mut who = Vec::new();
    if blocked(row) {
        who.push("provider".to_owned());
    }
    if flagged(row, names) == Some(true) {
        let note = names.ending(row.ending).guard.map(|note| guard_of_text(note.text));
        let categories = note.and_then(|guard| guard.response).map(|check| check.categories).unwrap_or_default();
        who.push(if categories.is_empty() { "guard".to_owned() } else { format!("guard: {}", categories.join(", ")) });
    }
    if row.refused() {
        who.push("model".to_owned());
    }
    (!who.is_empty()).then(|| who.join("; "))
}

/// Whether the guard flagged an answer; `None` where it did not judge it.
fn flagged(row: &Row, names: &Names) -> Option<bool> {
    let note = names.ending(row.ending).guard?;
    note.sight.is_judged().then_some(note.sight == crate::rows::GuardSight::Flagged)
}

/// A pair that may become an example.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Found {
    difference: f64,
    /// The candidate is the worse one.
    worse: bool,
    key: PairKey,
    /// Place among the pairs.
    index: usize,
}

impl Found {
    fn order(&self, other: &Self) -> Ordering {
        let by_difference = other.difference.total_cmp(&self.difference);
        by_difference.then_with(|| (other.worse, self.key).cmp(&(self.worse, other.key)))
    }
}

/// The first of one kind: as many as could be shown in all, because a pair that is an example already is passed over.
#[derive(Debug, Default)]
struct Best(Vec<Found>);

impl Best {
    fn push(&mut self, found: Found) {
        let full = self.0.len() >= EXAMPLES_MAX;
        // What differs by nothing is no example; differences are numbers from 0 to 1.
        if found.difference <= 0.0 {
            return;
        }
        if full && self.0.last().is_some_and(|last| last.order(&found).is_le()) {
            return;
        }
        let place = self.0.partition_point(|kept| kept.order(&found).is_lt());
        self.0.insert(place, found);
        self.0.truncate(EXAMPLES_MAX);
    }
}

/// The examples with their kinds, in the order in which they are shown.
fn choose(sources: &Sources<'_>) -> Vec<(&'static str, Found)> {
    let mut best: [Best; KINDS.len()] = Default::default();
    let typical = Typical::of(sources.pooled);
    for (index, pair) in sources.pairing.pairs.iter().enumerate() {
        let found = |difference: f64, worse: bool| Found { difference, worse, key: pair.baseline.pair, index };
        if let Some((kind, worse)) = one_sided(pair, sources.names) {
            best[kind].push(found(1.0, worse));
        } else if !pair.baseline.failed() && !pair.candidate.failed() {
            for (kind, difference, worse) in typical.differences(pair, sources.priced.judged(index)) {
                best[kind].push(found(difference, worse));
            }
        }
    }
    share_out(best)
}

/// Kinds take turns, so that a thousand errors do not hide a single answer that was blocked.
fn share_out(best: [Best; KINDS.len()]) -> Vec<(&'static str, Found)> {
    let mut waiting = best.map(|best| best.0.into_iter().peekable());
    let mut chosen: Vec<(usize, Found)> = Vec::new();
    for _ in 0..OF_A_KIND_MAX {
        for (kind, waiting) in waiting.iter_mut().enumerate() {
            let taken = |found: &Found| chosen.iter().any(|(_, other)| other.index == found.index);
            let next = std::iter::from_fn(|| waiting.next()).find(|found| !taken(found));
            if let Some(found) = next.filter(|_| chosen.len() < EXAMPLES_MAX) {
                chosen.push((kind, found));
            }
        }
    }
    chosen.sort_by(|(kind_a, a), (kind_b, b)| kind_a.cmp(kind_b).then_with(|| a.order(b)));
    chosen.into_iter().map(|(kind, found)| (KINDS[kind], found)).collect()
}

/// What only one of the answers is, or both in other ways, and whether the candidate is the worse one.
fn one_sided(pair: &Pair<'_>, names: &Names) -> Option<(usize, bool)> {
    let (baseline, candidate) = (pair.baseline, pair.candidate);
    let only = |kind: usize, of_baseline: bool, of_candidate: bool| {
        (of_baseline != of_candidate).then_some((kind, of_candidate))
    };
    if erred(baseline) || erred(candidate) {
        return only(ERROR, erred(baseline), erred(candidate));
    }
    let provider = only(MODERATION, blocked(baseline), blocked(candidate));
    if baseline.failed() || candidate.failed() || provider.is_some() {
        return provider;
    }
    if !answers_in_text(baseline) {
        return None;
    }
    let guard = flagged(baseline, names).zip(flagged(candidate, names));
    let endings = [baseline, candidate].map(|row| names.ending(row.ending));
    let forms = endings.map(|ending| ending.form_failure.is_some());
    let reasons = endings.map(|ending| ending.finish_reason);
    guard
        .and_then(|(of_baseline, of_candidate)| only(MODERATION, of_baseline, of_candidate))
        .or_else(|| only(MODERATION, baseline.refused(), candidate.refused()))
        .or_else(|| only(FORM, forms[0], forms[1]))
        .or_else(|| {
            let differ = matches!(reasons, [Some(of_baseline), Some(of_candidate)] if of_baseline != of_candidate);
            differ.then_some((FINISH, reasons[1] != Some("stop")))
        })
}

/// Values below which a ratio says nothing, and how much cheaper the candidate is on the whole.
struct Typical {
    chars: f64,
    duration_us: f64,
    cost_nanos: f64,
    cost_ratio: f64,
}

impl Typical {
    fn of(pooled: &Paired) -> Self {
        let mean = |sum: i128, n: u64| if n > 0 { sum as f64 / n as f64 } else { 0.0 };
        let duration = &pooled.latency[Latency::Duration.slot()];
        Self {
            chars: mean(pooled.answer_chars.b, pooled.answer_chars.n),
            duration_us: duration.baseline.quantile_us(0.5).unwrap_or(0.0),
            cost_nanos: mean(pooled.cost.c, pooled.cost.n),
            cost_ratio: if pooled.cost.b > 0 { pooled.cost.c as f64 / pooled.cost.b as f64 } else { 1.0 },
        }
    }

    /// By kind: how much two answers differ, and whether the candidate is the worse one.
    fn differences(&self, pair: &Pair<'_>, costs: Option<[i64; 2]>) -> impl Iterator<Item = (usize, f64, bool)> {
        let (baseline, candidate) = (pair.baseline, pair.candidate);
        let scores = baseline.quality().zip(candidate.quality());
        let text = scores.map(|(of_baseline, of_candidate)| {
            (TEXT, (of_baseline - of_candidate).abs().min(1.0), of_candidate < of_baseline)
        });
        let chars = [baseline, candidate].map(|row| f64::from(row.answer_chars));
        let length = (chars.iter().all(|chars| *chars > 0.0) && answers_in_text(baseline))
            .then(|| (LENGTH, shortfall(chars, self.chars), chars[1] > chars[0]));
        let timed = !baseline.untimed() && !candidate.untimed();
        let times = [baseline, candidate].map(|row| row.duration_us() as f64);
        let latency = timed.then(|| (LATENCY, shortfall(times, self.duration_us), times[1] > times[0]));
        let cost = costs.map(|costs| {
            let costs = [costs[0] as f64 * self.cost_ratio, costs[1] as f64];
            (COST, shortfall(costs, self.cost_nanos), costs[1] > costs[0])
        });
        [text, length, latency, cost].into_iter().flatten()
    }
}

/// How far the smaller value falls short of the larger one, as a share of it; 0 where the larger is below the typical one.
fn shortfall([a, b]: [f64; 2], typical: f64) -> f64 {
    let (small, large) = (a.min(b), a.max(b));
    if large > 0.0 && large >= typical { ((large - small) / large).clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests;
