//! What a search found in a text, on its way to a verdict.

use super::Piece;
use super::compile::OPEN_END_MAX;
use super::rules::{Block, Hit, Role, judge, may_count};
use crate::normalise::is_word_letter;
use crate::verdict::{Finding, Verdict};
use std::ops::Range;

/// A folded text and whether its ends are ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edges<'a> {
    pub(super) piece: Piece,
    pub(super) text: &'a str,
}

impl Edges<'_> {
    /// The stretch of a word that is one: it does not go on where its entry says that it must not. With an open end it is
    /// the whole word.
    pub(super) fn word(&self, hit: Range<usize>, open_start: bool, open_end: bool) -> Option<Range<usize>> {
        let first = self.text.get(hit.clone())?.chars().next()?;
        let last = self.text.get(hit.clone())?.chars().next_back()?;
        let (mut start, mut end) = (hit.start, hit.end);
        if is_word_letter(first) {
            let before = self.text.get(..start)?;
            let letters = before.chars().rev().take(OPEN_END_MAX).take_while(|letter| is_word_letter(*letter));
            let width: usize = letters.map(char::len_utf8).sum();
            if !open_start && (width > 0 || (start == 0 && !self.piece.begins)) {
                return None;
            }
            start -= width;
        }
        if is_word_letter(last) {
            let behind = self.text.get(end..)?;
            let letters = behind.chars().take(OPEN_END_MAX).take_while(|letter| is_word_letter(*letter));
            let width: usize = letters.map(char::len_utf8).sum();
            if !open_end && (width > 0 || (end == self.text.len() && !self.piece.ends)) {
                return None;
            }
            end += width;
        }
        Some(start..end)
    }
}

/// Hits by the entry they count for.
#[derive(Debug)]
pub(super) struct Found {
    blocks: Vec<Vec<(Role, Range<usize>)>>,
    touched: Vec<usize>,
}

impl Found {
    pub(super) fn new(blocks: usize) -> Self {
        Self { blocks: vec![Vec::new(); blocks], touched: Vec::new() }
    }

    pub(super) fn word(&mut self, block: usize, role: Role, bytes: Range<usize>) {
        let Some(hits) = self.blocks.get_mut(block) else { return };
        if hits.is_empty() {
            self.touched.push(block);
        }
        hits.push((role, bytes));
    }

    pub(super) fn pattern(&mut self, block: usize, bytes: Range<usize>) {
        self.word(block, Role::Word, bytes);
    }

    /// What the hits come to.
    pub(super) fn verdict(mut self, text: &str, blocks: &[Block]) -> Verdict {
        let mut verdict = Verdict::default();
        self.touched.sort_unstable();
        for place in self.touched {
            let (Some(block), Some(found)) = (blocks.get(place), self.blocks.get_mut(place)) else { continue };
            if !may_count(block, found.iter().map(|(role, _)| *role)) {
                continue;
            }
            found.sort_unstable_by_key(|(role, bytes)| (bytes.start, bytes.end, *role));
            found.dedup();
            let Some((level, spans)) = judge(block, &measured(text, found)) else { continue };
            let (category, label) = (block.category, block.label.clone());
            add(&mut verdict, Finding { category, label, level, score: None, spans });
        }
        tidy(&mut verdict);
        verdict
    }
}

/// Adds a finding to those of its kind.
pub(super) fn add(verdict: &mut Verdict, finding: Finding) {
    let same = |other: &&mut Finding| {
        other.category == finding.category && other.label == finding.label && other.level == finding.level
    };
    match verdict.findings.iter_mut().find(same) {
        Some(other) => other.spans.extend(finding.spans),
        None => verdict.findings.push(finding),
    }
}

/// Brings the spans of each finding in order and apart.
pub(super) fn tidy(verdict: &mut Verdict) {
    for finding in &mut verdict.findings {
        finding.spans = merged(std::mem::take(&mut finding.spans));
    }
}

/// The hits with their places in characters.
fn measured(text: &str, found: &[(Role, Range<usize>)]) -> Vec<Hit> {
    let count = |bytes: Range<usize>| text.get(bytes).map_or(0, |part| part.chars().count());
    let (mut at, mut characters) = (0, 0);
    let hit = |(role, bytes): &(Role, Range<usize>)| {
        characters += count(at..bytes.start);
        at = bytes.start;
        let end = characters + count(bytes.clone());
        Hit { role: *role, bytes: bytes.clone(), characters: characters..end }
    };
    found.iter().map(hit).collect()
}

/// In order, and one for those that overlap.
fn merged(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_unstable_by_key(|span| (span.start, span.end));
    let mut all: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans {
        match all.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => all.push(span),
        }
    }
    all
}
