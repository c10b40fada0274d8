//! Lists of words and patterns: the back end that needs nobody.
//!
//! A word alone says little: "kill" is about processes as often as about people. So a list has four kinds of entries.
//! *Words* count wherever they stand. Words *together* count only beside each other: a group of people and a term of
//! contempt within so many characters. *Sums* add the weights of different words within so many characters, so that
//! many weak signs make a strong one. *Patterns* are regular expressions. Each has a category and a level, and exceptions:
//! phrases inside which a hit means nothing.
//!
//! Words are compared in the form that [`crate::normalise`] makes of both sides. A text is folded once and searched once
//! with all words of all lists, and once or twice more only where words look masked. The cost is in proportion to the
//! text and to what is found in it; patterns are matched in linear time. What the lists cannot do is understand: irony,
//! quotation and new words pass or are found wrongly, and the README says how often.
//!
//! [`Lists::reach`] is how far apart things can stand that are found together. A text that is read in pieces, each
//! overlapping the one before by that much, gives away nothing that the whole would show.

mod bundled;
mod compile;
mod error;
mod file;
mod found;
mod rules;

use crate::normalise::{Folded, Masked, unmask};
use crate::verdict::Verdict;
use aho_corasick::AhoCorasick;
use found::{Edges, Found};
use regex::{Regex, RegexSet};
use rules::Block;
use std::ops::Range;

pub use bundled::BUNDLED;
pub use error::ListError;

/// Bytes of a long text that are read at once, beside the overlap.
const PART_BYTES: usize = 1 << 16;
/// UTF-8's.
const LETTER_BYTES_MAX: usize = 4;

/// A list as it is written.
///
/// The README has the format; a name that ends in `.txt` means one word on each line instead.
#[derive(Debug, Clone, Copy)]
pub struct ListSource<'a> {
    /// The file's name, for errors and as the name of a list that gives itself none.
    pub file: &'a str,
    /// What is in it.
    pub text: &'a str,
}

/// Whether a text is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Nothing comes before it.
    pub begins: bool,
    /// Nothing comes after it.
    pub ends: bool,
}

impl Piece {
    /// A text that is whole.
    pub const WHOLE: Self = Self { begins: true, ends: true };
}

/// All lists of a policy, ready for searching; cheap to share, expensive to make.
#[derive(Debug)]
pub struct Lists {
    words: AhoCorasick,
    /// For each word what it counts for.
    uses: Vec<Vec<compile::Use>>,
    blocks: Vec<Block>,
    patterns: RegexSet,
    /// The expression and its block, in the order of the set.
    pattern_blocks: Vec<(Regex, usize)>,
    masked: Masked,
    reach: usize,
}

impl Lists {
    /// Reads lists and makes them ready. No list at all is one that finds nothing.
    ///
    /// # Errors
    /// What is wrong with a file, with its name and line.
    pub fn compile(sources: &[ListSource<'_>]) -> Result<Self, ListError> {
        compile::compile(sources)
    }

    /// What a whole text has of the lists. Spans are bytes of the text, on character boundaries.
    #[must_use]
    pub fn check(&self, text: &str) -> Verdict {
        self.check_piece(text, Piece::WHOLE)
    }

    /// What a piece of a text has of the lists. Where the text is cut, a word that ends at the cut is not counted, since
    /// it may be a part of a longer one; the next piece, which overlaps by [`Lists::reach`], has it in full.
    #[must_use]
    pub fn check_piece(&self, text: &str, piece: Piece) -> Verdict {
        self.in_parts(text, piece, PART_BYTES)
    }

    /// A long text is read in parts, so that what is found on the way takes no more memory than a part can hold.
    fn in_parts(&self, text: &str, piece: Piece, part_bytes: usize) -> Verdict {
        let overlap = self.reach * LETTER_BYTES_MAX;
        let mut all = Verdict::default();
        let (mut start, mut judged) = (0, 0);
        loop {
            let end = text.floor_char_boundary(start + overlap + part_bytes);
            let part = text.get(start..end).unwrap_or_default();
            let is = Piece { begins: piece.begins && start == 0, ends: piece.ends && end == text.len() };
            for mut finding in self.part(part, is).findings {
                for span in &mut finding.spans {
                    *span = span.start + start..span.end + start;
                }
                // What lies in the overlap altogether was judged with what stands before it.
                if finding.spans.last().is_some_and(|span| span.end >= judged) {
                    found::add(&mut all, finding);
                }
            }
            if end == text.len() {
                found::tidy(&mut all);
                return all;
            }
            judged = end;
            start = text.floor_char_boundary(end - overlap);
        }
    }

    fn part(&self, text: &str, piece: Piece) -> Verdict {
        let folded = Folded::of(text);
        let mut found = Found::new(self.blocks.len());
        let edges = Edges { piece, text: folded.text() };
        self.search(edges, &mut found, |range| folded.original(range));
        for reading in unmask(folded.text(), &self.masked) {
            let edges = Edges { piece, text: reading.text() };
            self.search(edges, &mut found, |range| folded.original(reading.original(range)));
        }
        if !self.pattern_blocks.is_empty() {
            self.match_patterns(&folded, &mut found);
        }
        found.verdict(text, &self.blocks)
    }

    /// How far apart, in characters of the text, the first and the last letter can be of what is found as one thing.
    ///
    /// Invisible characters and white space in any number can stretch a word beyond that; in a whole text it is found
    /// all the same.
    #[must_use]
    pub fn reach(&self) -> usize {
        self.reach
    }

    fn match_patterns(&self, folded: &Folded, found: &mut Found) {
        for index in self.patterns.matches(folded.text()) {
            let Some((pattern, block)) = self.pattern_blocks.get(index) else { continue };
            for hit in pattern.find_iter(folded.text()).filter(|hit| !hit.is_empty()) {
                found.pattern(*block, folded.original(hit.range()));
            }
        }
    }

    fn search(&self, edges: Edges<'_>, found: &mut Found, original: impl Fn(Range<usize>) -> Range<usize>) {
        for hit in self.words.find_overlapping_iter(edges.text) {
            let Some(uses) = self.uses.get(hit.pattern().as_usize()) else { continue };
            for one in uses {
                if let Some(range) = edges.word(hit.range(), one.open_start, one.open_end) {
                    found.word(one.block, one.role, original(range));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
