//! What an entry of a list asks for, and whether the words found in a text give it.
//!
//! All rules read the words in the order of the text and keep what they need of those behind them, so that the time is in
//! proportion to the words found, however many there are.

use crate::verdict::{Category, Level};
use std::collections::{HashMap, VecDeque};
use std::ops::Range;

/// An entry of a list.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) category: Category,
    /// Not used by a sum, which has a level for each of its bars.
    pub(super) level: Level,
    pub(super) label: String,
    pub(super) kind: Kind,
}

/// The kinds of entries. Distances are in characters of the text.
#[derive(Debug)]
pub(super) enum Kind {
    Words,
    Together { slots: usize, within: usize, ordered: bool, guarded: bool },
    Sum { within: usize, bars: Vec<(i32, Level)>, needs: bool },
    Pattern { within: usize },
}

impl Block {
    /// How far apart what it looks at can be.
    pub(super) fn reach(&self) -> usize {
        match &self.kind {
            Kind::Words => 0,
            Kind::Together { within, guarded: false, .. } | Kind::Sum { within, .. } | Kind::Pattern { within } => {
                *within
            }
            Kind::Together { within, guarded: true, .. } => 3 * within,
        }
    }
}

/// What a word is to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Role {
    /// Counts by itself.
    Word,
    /// Fills a place of words that must stand together.
    Slot(usize),
    /// Makes words that stand together harmless.
    Unless,
    /// Adds to a sum.
    Weight { term: usize, weight: i32 },
    /// Must be there for a sum to count.
    Needed,
    /// Makes what is inside it harmless.
    Except,
}

/// A word that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) role: Role,
    /// Bytes of the text.
    pub(super) bytes: Range<usize>,
    /// The same in characters.
    pub(super) characters: Range<usize>,
}

/// Whether a block can count at all with words in such roles: nearly always some are there and the rest is not, and then
/// nobody needs to know where they stand.
pub(super) fn may_count(block: &Block, roles: impl Iterator<Item = Role>) -> bool {
    match &block.kind {
        Kind::Words | Kind::Pattern { .. } => true,
        Kind::Together { slots, .. } => {
            let mut filled = vec![false; *slots];
            for role in roles {
                if let Role::Slot(slot) = role
                    && let Some(place) = filled.get_mut(slot)
                {
                    *place = true;
                }
            }
            filled.into_iter().all(|place| place)
        }
        Kind::Sum { bars, needs, .. } => {
            let mut weights: HashMap<usize, i32> = HashMap::new();
            let mut needed = !needs;
            for role in roles {
                match role {
                    Role::Weight { term, weight } if weight > 0 => {
                        weights.insert(term, weight);
                    }
                    Role::Needed => needed = true,
                    _ => {}
                }
            }
            let most = weights.into_values().fold(0_i32, i32::saturating_add);
            needed && bars.first().is_some_and(|(bar, _)| most >= *bar)
        }
    }
}

/// The level that a block's hits have, with the spans that count; `hits` are in the order of the text.
pub(super) fn judge(block: &Block, hits: &[Hit]) -> Option<(Level, Vec<Range<usize>>)> {
    let harmless = Harmless::of(hits);
    let hits: Vec<&Hit> = hits.iter().filter(|hit| hit.role != Role::Except && !harmless.covers(&hit.bytes)).collect();
    match &block.kind {
        Kind::Words => some(block.level, hits.iter().map(|hit| hit.bytes.clone()).collect()),
        Kind::Pattern { within } => {
            let short = hits.iter().filter(|hit| hit.characters.len() <= *within);
            some(block.level, short.map(|hit| hit.bytes.clone()).collect())
        }
        Kind::Together { slots, within, ordered, .. } => some(block.level, together(&hits, *slots, *within, *ordered)),
        Kind::Sum { within, bars, needs } => Sum::new(*within, *needs).level(&hits, bars),
    }
}

fn some(level: Level, spans: Vec<Range<usize>>) -> Option<(Level, Vec<Range<usize>>)> {
    (!spans.is_empty()).then_some((level, spans))
}

/// Phrases inside which nothing counts.
struct Harmless {
    /// Start, and the largest end of all up to this one.
    ends: Vec<(usize, usize)>,
}

impl Harmless {
    fn of(hits: &[Hit]) -> Self {
        let mut furthest = 0;
        let ends = hits.iter().filter(|hit| hit.role == Role::Except).map(|hit| {
            furthest = furthest.max(hit.bytes.end);
            (hit.bytes.start, furthest)
        });
        Self { ends: ends.collect() }
    }

    fn covers(&self, bytes: &Range<usize>) -> bool {
        let before = self.ends.partition_point(|(start, _)| *start <= bytes.start);
        before.checked_sub(1).and_then(|last| self.ends.get(last)).is_some_and(|(_, end)| *end >= bytes.end)
    }
}

/// For each place so many of the latest words that fill it are kept: one word may lie on another ("hidden" and "hidden
/// instructions"), and then the one before it counts.
const KEPT: usize = 4;

/// Spans of the words that fill all places within so many characters.
fn together(hits: &[&Hit], slots: usize, within: usize, ordered: bool) -> Vec<Range<usize>> {
    let guards: Vec<&Hit> = hits.iter().copied().filter(|hit| hit.role == Role::Unless).collect();
    let mut spans = Vec::new();
    // For each place the words that fill it, each behind the words that fill the places before it.
    let mut filled: Vec<VecDeque<Vec<&Hit>>> = vec![VecDeque::new(); slots];
    for hit in hits {
        let Role::Slot(slot) = hit.role else { continue };
        let chain = if ordered { behind(&filled, slot, hit) } else { Some(vec![*hit]) };
        let (Some(chain), Some(place)) = (chain, filled.get_mut(slot)) else { continue };
        if place.len() == KEPT {
            place.pop_front();
        }
        place.push_back(chain.clone());
        if !ordered {
            if let Some(words) = around(&filled, slot, hit) {
                add(&words, within, &guards, &mut spans);
            }
        } else if slot + 1 == slots {
            add(&chain, within, &guards, &mut spans);
        }
    }
    spans
}

/// A word behind the nearest words that fill the places before its own.
fn behind<'a>(filled: &[VecDeque<Vec<&'a Hit>>], slot: usize, hit: &'a Hit) -> Option<Vec<&'a Hit>> {
    let Some(before) = slot.checked_sub(1) else { return Some(vec![hit]) };
    let ends_before = |chain: &&Vec<&Hit>| chain.last().is_some_and(|last| last.bytes.end <= hit.bytes.start);
    let mut chain = filled.get(before)?.iter().rev().find(ends_before)?.clone();
    chain.push(hit);
    Some(chain)
}

/// A word and the nearest words before it that fill the other places, none on another.
fn around<'a>(filled: &[VecDeque<Vec<&'a Hit>>], slot: usize, hit: &'a Hit) -> Option<Vec<&'a Hit>> {
    let mut words = vec![hit];
    for (_, kept) in filled.iter().enumerate().filter(|(place, _)| *place != slot) {
        let apart = |one: &&Hit| words.iter().all(|other| are_apart(one, other));
        let word = kept.iter().rev().filter_map(|chain| chain.first().copied()).find(apart)?;
        words.push(word);
    }
    Some(words)
}

fn are_apart(one: &Hit, other: &Hit) -> bool {
    one.bytes.end <= other.bytes.start || other.bytes.end <= one.bytes.start
}

/// Adds the spans of words that fill all places, if they are near each other.
fn add(words: &[&Hit], within: usize, guards: &[&Hit], spans: &mut Vec<Range<usize>>) {
    let start = words.iter().map(|hit| hit.characters.start).min().unwrap_or_default();
    let end = words.iter().map(|hit| hit.characters.end).max().unwrap_or_default();
    if end - start > within {
        return;
    }
    // The first guard that is not too far before tells, since guards are in order.
    let near = guards.partition_point(|guard| guard.characters.start + within < start);
    if guards.get(near).is_some_and(|guard| guard.characters.start <= end + within) {
        return;
    }
    spans.extend(words.iter().map(|hit| hit.bytes.clone()));
}

/// The weights of the different words within so many characters, while a text is read.
struct Sum<'a> {
    within: usize,
    /// Nothing counts without a word that must be there.
    needs: bool,
    window: VecDeque<&'a Hit>,
    /// How often each word stands in the window.
    times: HashMap<usize, usize>,
    needed: usize,
    total: i32,
}

impl<'a> Sum<'a> {
    fn new(within: usize, needs: bool) -> Self {
        Self { within, needs, window: VecDeque::new(), times: HashMap::new(), needed: 0, total: 0 }
    }

    /// The level that the sum reaches, and the words that did it.
    fn level(mut self, hits: &[&'a Hit], bars: &[(i32, Level)]) -> Option<(Level, Vec<Range<usize>>)> {
        let lowest = bars.first()?.0;
        let mut best = 0;
        let mut spans: Vec<Range<usize>> = Vec::new();
        for hit in hits {
            self.add(hit);
            let total = if self.needs && self.needed == 0 { 0 } else { self.total };
            best = best.max(total);
            if total >= lowest {
                // Words before the end of the last span have been taken already.
                let taken = spans.last().map_or(0, |span| span.end);
                let new = self.window.iter().filter(|hit| hit.bytes.start >= taken && is_positive(hit.role));
                spans.extend(new.map(|hit| hit.bytes.clone()));
            }
        }
        let level = bars.iter().rev().find(|(bar, _)| best >= *bar)?.1;
        some(level, spans)
    }

    /// Takes in a word, and lets go of those that are too far behind.
    fn add(&mut self, hit: &'a Hit) {
        self.window.push_back(hit);
        match hit.role {
            Role::Weight { term, weight } => {
                let count = self.times.entry(term).or_default();
                *count += 1;
                if *count == 1 {
                    self.total = self.total.saturating_add(weight);
                }
            }
            _ => self.needed += 1,
        }
        while let Some(first) = self.window.front()
            && first.characters.start + self.within < hit.characters.end
        {
            self.forget(first.role);
            self.window.pop_front();
        }
    }

    fn forget(&mut self, role: Role) {
        let Role::Weight { term, weight } = role else {
            self.needed = self.needed.saturating_sub(1);
            return;
        };
        if let Some(count) = self.times.get_mut(&term) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.total = self.total.saturating_sub(weight);
            }
        }
    }
}

fn is_positive(role: Role) -> bool {
    matches!(role, Role::Weight { weight, .. } if weight > 0)
}
