//! Who intervened how often, and what the guard looked at; nothing of it where no record has a guard.
//!
//! Verdicts of the guard are names of few different values, so each is read once and is from there on a bit for each
//! category. An answer is one to be judged if it came, is text, and has some; and only where the guard looked at another
//! answer of the same kind, because a policy may leave consumers alone (see [`judge::verdict::GuardHealth`]).

use super::Sources;
use super::outcome::{answers_in_text, blocked, erred};
use crate::pair::Pair;
use crate::rows::{GuardSight, NameId, PairKey, Row, guard_of_text};
use datasets::{Arm, GuardCheck, Guarded};
use judge::counters::PairedCounts;
use judge::moderation::{ALL, CATEGORIES_MAX, ModerationCounts, Side, Source};
use judge::verdict::{GuardArm, GuardHealth};
use std::collections::{BTreeMap, HashSet};

/// Microseconds of an hour.
const HOUR_US: i64 = 3_600_000_000;

/// Counts over the pairs and what was served outside of them.
pub(super) fn moderation(sources: &Sources<'_>, served: &[&Row]) -> (ModerationCounts, Option<GuardHealth>) {
    let Some(guard) = Guard::of(sources) else { return (ModerationCounts::default(), None) };
    let mut tables = Tables::new(guard.categories.len());
    let mut health = GuardHealth::default();
    for pair in &sources.pairing.pairs {
        tables.count(pair, &guard);
        guard.look_at_pair(pair, &mut health);
    }
    guard.look_at_served(sources, served, &mut health);
    (tables.finish(&guard), Some(health))
}

/// One verdict of the guard, read.
struct Said {
    guard: Guarded,
    sight: GuardSight,
    /// By side: whether the text was judged whole, and what was found in it.
    request: Option<Found>,
    response: Option<Found>,
}

/// What was found in a text that was judged whole.
#[derive(Clone, Copy)]
struct Found {
    flagged: bool,
    /// One bit for each category.
    categories: u32,
}

/// All verdicts of some rows.
struct Guard {
    /// By number of the ending.
    said: Vec<Option<Said>>,
    /// The most frequent categories, by name.
    categories: Vec<String>,
    left_out: u64,
}

impl Guard {
    /// Reads the verdicts; `None` where there is none.
    fn of(sources: &Sources<'_>) -> Option<Self> {
        let endings: Vec<Option<(GuardSight, Guarded)>> = sources
            .rows
            .names()
            .endings()
            .map(|(_, ending)| ending.guard.map(|note| (note.sight, guard_of_text(note.text))))
            .collect();
        if endings.iter().all(Option::is_none) {
            return None;
        }
        let (categories, left_out) = most_frequent(sources.rows.all(), &endings);
        let said = endings
            .into_iter()
            .map(|ending| {
                let (sight, guard) = ending?;
                let request = guard.request.as_ref().and_then(|check| Found::of(check, &categories));
                let response = guard.response.as_ref().and_then(|check| Found::of(check, &categories));
                Some(Said { guard, sight, request, response })
            })
            .collect();
        Some(Self { said, categories, left_out })
    }

    fn said(&self, row: &Row) -> Option<&Said> {
        self.said.get(row.ending.0 as usize)?.as_ref()
    }

    fn saw_answer(&self, row: &Row) -> bool {
        self.said(row).is_some_and(|said| said.sight != GuardSight::Unseen)
    }

    /// Whether there is an answer to be judged.
    fn has_answer(&self, row: &Row) -> bool {
        !row.failed() && answers_in_text(row) && (row.answer_chars > 0 || self.saw_answer(row))
    }

    fn look_at_pair(&self, pair: &Pair<'_>, health: &mut GuardHealth) {
        let (baseline, candidate) = (pair.baseline, pair.candidate);
        let (saw_baseline, saw_candidate) = (self.saw_answer(baseline), self.saw_answer(candidate));
        let in_use = saw_baseline || saw_candidate;
        if in_use && self.has_answer(baseline) && self.has_answer(candidate) {
            health.pairs += 1;
            health.pairs_only_baseline += u64::from(!saw_candidate);
            health.pairs_only_candidate += u64::from(!saw_baseline);
        }
        self.look_at(baseline, in_use, &mut health.baseline);
        self.look_at(candidate, in_use, &mut health.candidate);
    }

    /// Counts one exchange; `in_use`: the guard looks at answers of its kind.
    fn look_at(&self, row: &Row, in_use: bool, arm: &mut GuardArm) {
        let Some(said) = self.said(row) else {
            arm.exchanges += u64::from(in_use && self.has_answer(row));
            return;
        };
        arm.exchanges += 1;
        arm.judged += u64::from(said.sight.is_judged());
        arm.requests += u64::from(said.request.is_some());
        arm.requests_flagged += u64::from(said.request.is_some_and(|found| found.flagged));
        let checks = || [&said.guard.request, &said.guard.response].into_iter().flatten();
        if checks().any(|check| !check.is_whole()) {
            arm.failed += 1;
            let mut names: Vec<&String> = checks().flat_map(|check| &check.failed).collect();
            names.sort_unstable();
            names.dedup();
            names.into_iter().for_each(|name| arm.fail(name, 1));
        }
    }

    /// Served answers outside of pairs: the guard is in use for a consumer in an hour of an epoch if it saw any answer.
    fn look_at_served(&self, sources: &Sources<'_>, served: &[&Row], health: &mut GuardHealth) {
        let in_pairs: HashSet<PairKey> = sources.pairing.pairs.iter().map(|pair| pair.baseline.pair).collect();
        let kind = |row: &Row| (row.epoch, row.at_us.div_euclid(HOUR_US), row.consumer);
        let mut in_use: BTreeMap<(u64, i64, Option<NameId>), bool> = BTreeMap::new();
        let apart = || served.iter().filter(|row| !in_pairs.contains(&row.pair) && !row.cancelled());
        for row in apart() {
            *in_use.entry(kind(row)).or_default() |= self.saw_answer(row);
        }
        for row in apart() {
            let in_use = in_use.get(&kind(row)).copied().unwrap_or(false);
            let arm = if row.arm == Arm::Baseline { &mut health.baseline } else { &mut health.candidate };
            self.look_at(row, in_use, arm);
            if in_use && self.has_answer(row) {
                arm.served += 1;
                arm.served_unseen += u64::from(!self.saw_answer(row));
            }
        }
    }
}

impl Found {
    /// `None` of a text that was not judged whole.
    fn of(check: &GuardCheck, categories: &[String]) -> Option<Self> {
        check.is_whole().then(|| {
            let bits = check.categories.iter().filter_map(|name| categories.iter().position(|known| known == name));
            Self { flagged: check.is_flag(), categories: bits.fold(0, |bits, place| bits | 1 << place) }
        })
    }
}

/// The categories that were found most often, by name, and how many others there are. A tie goes to the first by name.
fn most_frequent(rows: &[Row], endings: &[Option<(GuardSight, Guarded)>]) -> (Vec<String>, u64) {
    let mut by_ending = vec![0_u64; endings.len()];
    for row in rows {
        if let Some(count) = by_ending.get_mut(row.ending.0 as usize) {
            *count += 1;
        }
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (ending, rows) in endings.iter().zip(by_ending) {
        let sides = ending.iter().flat_map(|(_, guard)| [&guard.request, &guard.response]).flatten();
        // One that is called like the table over all of them could not be told from it.
        for category in sides.flat_map(|check| &check.categories).filter(|category| *category != ALL) {
            *counts.entry(category).or_default() += rows;
        }
    }
    let mut order: Vec<(&str, u64)> = counts.into_iter().collect();
    order.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let left_out = order.len().saturating_sub(CATEGORIES_MAX) as u64;
    let mut names: Vec<String> = order.into_iter().take(CATEGORIES_MAX).map(|(name, _)| name.to_owned()).collect();
    names.sort_unstable();
    (names, left_out)
}

/// Tables of one side: over everything, and by category.
#[derive(Default)]
struct OfSide {
    all: PairedCounts,
    by_category: Vec<PairedCounts>,
}

impl OfSide {
    fn count(&mut self, baseline: Option<Found>, candidate: Option<Found>) {
        let (Some(baseline), Some(candidate)) = (baseline, candidate) else { return };
        self.all.add(baseline.flagged, candidate.flagged);
        for (place, table) in self.by_category.iter_mut().enumerate() {
            table.add(baseline.categories >> place & 1 == 1, candidate.categories >> place & 1 == 1);
        }
    }
}

struct Tables {
    blocked: PairedCounts,
    refused: PairedCounts,
    requests: OfSide,
    responses: OfSide,
}

impl Tables {
    fn new(categories: usize) -> Self {
        let side = || OfSide { by_category: vec![PairedCounts::default(); categories], ..OfSide::default() };
        Self { blocked: PairedCounts::default(), refused: PairedCounts::default(), requests: side(), responses: side() }
    }

    /// The same rules as those of the guardrails.
    fn count(&mut self, pair: &Pair<'_>, guard: &Guard) {
        let rows = [pair.baseline, pair.candidate];
        let [baseline, candidate] = rows;
        if rows.iter().all(|row| !erred(row)) {
            self.blocked.add(blocked(baseline), blocked(candidate));
        }
        let [said_b, said_c] = rows.map(|row| guard.said(row));
        let request = |said: Option<&Said>| said.and_then(|said| said.request);
        self.requests.count(request(said_b), request(said_c));
        if rows.iter().all(|row| !row.failed() && answers_in_text(row)) {
            self.refused.add(baseline.refused(), candidate.refused());
            let response = |said: Option<&Said>| said.and_then(|said| said.response);
            self.responses.count(response(said_b), response(said_c));
        }
    }

    fn finish(self, guard: &Guard) -> ModerationCounts {
        let mut counts = ModerationCounts::default();
        let mut add = |source, side, category: &str, table: PairedCounts| {
            if table.pairs() > 0 {
                counts.add(source, side, category, table);
            }
        };
        add(Source::ProviderBlock, Side::Response, ALL, self.blocked);
        add(Source::Refusal, Side::Response, ALL, self.refused);
        for (side, tables) in [(Side::Request, self.requests), (Side::Response, self.responses)] {
            add(Source::Guard, side, ALL, tables.all);
            for (category, table) in guard.categories.iter().zip(tables.by_category) {
                // A category of requests alone is none of answers, and the other way round.
                if table.pairs() > table.both_good {
                    add(Source::Guard, side, category, table);
                }
            }
        }
        counts.leave_out(guard.left_out);
        counts
    }
}
