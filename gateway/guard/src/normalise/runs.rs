//! The way back from a folded text to the one it was made of.

use super::Folded;
use std::ops::Range;

/// A stretch of the folded text, up to the next run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// First byte in the folded text.
    folded: usize,
    /// First byte in the original.
    original: usize,
    /// Bytes of the original that the whole stretch stands for; `None` where every letter kept its length.
    whole: Option<usize>,
}

/// Builds a folded text.
#[derive(Debug)]
pub(super) struct Writer {
    text: String,
    runs: Vec<Run>,
}

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), runs: Vec::new() }
    }

    pub(super) fn finish(self) -> Folded {
        Folded { text: self.text, runs: self.runs }
    }

    /// Whether the last letter is a space; those that vanished do not part two spaces.
    pub(super) fn ends_in_space(&self) -> bool {
        self.text.ends_with(' ')
    }

    /// A letter as long as the one it stands for.
    pub(super) fn same(&mut self, at: usize, letter: char) {
        self.follow(at);
        self.text.push(letter);
    }

    /// A stretch of ASCII, in lower case.
    pub(super) fn lower(&mut self, at: usize, letters: &str) {
        if letters.is_empty() {
            return;
        }
        self.follow(at);
        let from = self.text.len();
        self.text.push_str(letters);
        if let Some(added) = self.text.get_mut(from..) {
            added.make_ascii_lowercase();
        }
    }

    /// A stretch taken over as it is.
    pub(super) fn keep(&mut self, at: usize, letters: &str) {
        if !letters.is_empty() {
            self.follow(at);
            self.text.push_str(letters);
        }
    }

    /// A letter for another one.
    pub(super) fn put(&mut self, at: usize, letter: char, folded: char) {
        if letter.len_utf8() == folded.len_utf8() {
            return self.same(at, folded);
        }
        self.replace(at..at + letter.len_utf8(), folded.encode_utf8(&mut [0; 4]));
    }

    /// Letters for one; none if it vanishes.
    pub(super) fn put_all(&mut self, at: usize, letter: char, folded: &str) {
        let mut letters = folded.chars();
        match (letters.next(), letters.next()) {
            (None, _) => {}
            (Some(one), None) => self.put(at, letter, one),
            _ => self.replace(at..at + letter.len_utf8(), folded),
        }
    }

    /// A text for a stretch of the original.
    pub(super) fn replace(&mut self, original: Range<usize>, folded: &str) {
        if !folded.is_empty() {
            let whole = Some(original.len());
            self.runs.push(Run { folded: self.text.len(), original: original.start, whole });
            self.text.push_str(folded);
        }
    }

    /// Goes on with the last run, or starts another one.
    fn follow(&mut self, at: usize) {
        let next = self.text.len();
        let goes_on = |run: &Run| run.whole.is_none() && run.original + (next - run.folded) == at;
        if !self.runs.last().is_some_and(goes_on) {
            self.runs.push(Run { folded: next, original: at, whole: None });
        }
    }
}

/// See [`Folded::original`].
pub(super) fn original(runs: &[Run], folded: Range<usize>) -> Range<usize> {
    let start = place(runs, folded.start).map_or(0, |(run, within)| match run.whole {
        None => run.original + within,
        Some(_) => run.original,
    });
    let end =
        folded.end.checked_sub(1).and_then(|last| place(runs, last)).map_or(start, |(run, within)| match run.whole {
            None => run.original + within + 1,
            Some(whole) => run.original + whole,
        });
    start..end.max(start)
}

/// The run that a byte of the folded text is in, and how far behind its start.
fn place(runs: &[Run], folded: usize) -> Option<(&Run, usize)> {
    let run = runs.get(runs.partition_point(|run| run.folded <= folded).checked_sub(1)?)?;
    Some((run, folded - run.folded))
}
