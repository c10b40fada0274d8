//! One channel of an answer: what was said, and how much of it is decided.

use crate::policy::Mask;
use crate::texts::Channel;
use sha2::{Digest, Sha256};
use std::ops::Range;

/// A channel's text. Positions count from its beginning; what is decided and no longer needed as context is forgotten.
#[derive(Debug)]
pub(super) struct Track {
    pub channel: Channel,
    /// The text from `base` on.
    text: String,
    base: usize,
    /// Up to here everything is decided.
    pub border: usize,
    /// Characters that came since the last look.
    pub fresh: usize,
    /// Nothing more is expected.
    pub finished: bool,
    /// Masks of what is held.
    pub masks: Vec<Mask>,
    /// SHA-256 of the whole text, where it may be repeated.
    digest: Option<Sha256>,
    looks: u32,
    /// The last look saw the end.
    saw_end: bool,
}

/// A text to be judged.
#[derive(Debug)]
pub(super) struct Part {
    pub track: usize,
    pub text: String,
    /// Where the undecided begins.
    pub begin: usize,
    /// Where the characters begin that stay undecided.
    pub tail: usize,
    /// Nothing more is expected behind it.
    last: bool,
}

impl Track {
    pub(super) const fn new(channel: Channel) -> Self {
        Self {
            channel,
            text: String::new(),
            base: 0,
            border: 0,
            fresh: 0,
            finished: false,
            masks: Vec::new(),
            digest: None,
            looks: 0,
            saw_end: false,
        }
    }

    pub(super) const fn end(&self) -> usize {
        self.base + self.text.len()
    }

    /// Whether something is undecided.
    pub(super) const fn is_open(&self) -> bool {
        self.border < self.end()
    }

    /// Appends; returns where the piece stands.
    pub(super) fn grow(&mut self, text: &str, digests: bool) -> Range<usize> {
        let start = self.end();
        self.text.push_str(text);
        self.fresh += text.chars().count();
        if digests {
            self.digest.get_or_insert_default().update(text.as_bytes());
        }
        start..self.end()
    }

    /// Whether this is what the channel says, whole.
    pub(super) fn says(&self, text: &str) -> bool {
        let digest = |digest: &Sha256| digest.clone().finalize() == Sha256::digest(text.as_bytes());
        self.end() == text.len() && self.digest.as_ref().is_some_and(digest)
    }

    /// The text that is to be judged now, with its context.
    pub(super) fn part(&self, track: usize, overlap: usize, last: bool) -> Part {
        let begin = self.border - self.base;
        let tail = back(&self.text, self.text.len(), overlap).max(begin);
        Part { track, text: self.text.clone(), begin, tail, last }
    }

    /// Takes a decision up to `end` of a part.
    pub(super) fn decided(&mut self, part: &Part, end: usize, masks: Vec<Mask>, context: usize) {
        let at = |place: usize| self.base + place;
        self.border = at(end);
        self.masks.extend(masks.into_iter().map(|mask| Mask {
            // What has gone out cannot be taken back.
            span: at(mask.span.start.max(part.begin))..at(mask.span.end),
            instead: mask.instead,
        }));
        self.fresh = self.text.get(part.text.len()..).unwrap_or_default().chars().count();
        self.looks += 1;
        self.saw_end = part.last && part.text.len() == self.text.len();
        let keep = back(&self.text, end, context);
        self.text.drain(..keep);
        self.base += keep;
    }

    pub(super) const fn was_judged_whole(&self) -> bool {
        self.looks <= 1 && self.saw_end
    }
}

/// Where the last `characters` before `end` begin.
fn back(text: &str, end: usize, characters: usize) -> usize {
    let before = text.get(..end).unwrap_or_default();
    match characters {
        0 => end,
        _ => before.char_indices().rev().nth(characters - 1).map_or(0, |(at, _)| at),
    }
}
