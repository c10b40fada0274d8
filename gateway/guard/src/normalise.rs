//! One form of a text for comparing words, with the way back.
//!
//! Whoever wants to pass a word list writes the word in other letters: full width, mathematical, with accents, with
//! invisible characters inside, with a Cyrillic "а". [`Folded`] undoes that letter by letter, and [`unmask`] undoes what
//! needs whole words: digits for letters, separators between letters, letters repeated. The words of a list go through
//! the same folding, so that both sides always agree.
//!
//! What is found is reported in bytes of the text as it came, for masking. The way back is kept as [`Run`]s: a stretch
//! whose letters keep their lengths is one run, so that a clean text has one run for all of it, and memory grows with
//! what was changed, never faster than with the text itself.
//!
//! The decomposition is Unicode's NFKD for each character, without the marks of the Latin, Greek and Cyrillic scripts; it
//! is not NFKC, because what NFKC would compose again is taken off here anyway.

mod alike;
mod runs;
mod simplified;
mod unmask;

use runs::Writer;
use std::ops::Range;

pub(crate) use unmask::{Masked, unmask};

/// A text in the form that words are compared in, and where each of its letters came from.
#[derive(Debug)]
pub struct Folded {
    text: String,
    runs: Vec<runs::Run>,
}

impl Folded {
    /// Folds a text: lower case, compatible forms, no marks, no invisible characters, look-alikes as Latin letters, white
    /// space as one space, traditional characters as simplified ones. Takes memory in proportion to the text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut writer = Writer::with_capacity(text.len());
        if text.is_ascii() {
            ascii(text, &mut writer);
        } else {
            letters(text, &mut writer);
        }
        writer.finish()
    }

    /// As it came, but for full-width and invisible characters: for what is told by its form, not by its word.
    #[must_use]
    pub(crate) fn keeping_case(text: &str) -> Self {
        let mut writer = Writer::with_capacity(text.len());
        for (at, letter) in text.char_indices() {
            match letter {
                '\u{ff01}'..='\u{ff5e}' => writer.put(at, letter, alike::half_width(letter)),
                _ if alike::is_ignorable(letter) => {}
                _ => writer.same(at, letter),
            }
        }
        writer.finish()
    }

    /// The folded text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the original that a stretch of the folded text came from: on character boundaries of the original if
    /// the stretch is on those of the folded text and not empty.
    #[must_use]
    pub fn original(&self, folded: Range<usize>) -> Range<usize> {
        runs::original(&self.runs, folded)
    }
}

/// Most texts: a pass over bytes that only has to look for white space beside white space.
fn ascii(text: &str, writer: &mut Writer) {
    let mut spaced = false;
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let space = byte <= b' ';
        if space && (spaced || byte != b' ') {
            writer.lower(from, text.get(from..at).unwrap_or_default());
            from = at + 1;
            if !spaced {
                writer.same(at, ' ');
            }
        }
        spaced = space;
    }
    writer.lower(from, text.get(from..).unwrap_or_default());
}

fn letters(text: &str, writer: &mut Writer) {
    for (at, letter) in text.char_indices() {
        let space = letter <= ' ' || letter.is_whitespace();
        match letter {
            _ if space && writer.ends_in_space() => {}
            _ if space => writer.put(at, letter, ' '),
            'a'..='z' | '0'..='9' => writer.same(at, letter),
            '\0'..='\x7f' => writer.same(at, letter.to_ascii_lowercase()),
            '\u{4e00}'..='\u{9fff}' => writer.same(at, simplified::simplified(letter)),
            '\u{ff01}'..='\u{ff5e}' => writer.put(at, letter, alike::half_width(letter).to_ascii_lowercase()),
            '\u{3041}'..='\u{30ff}' | '\u{ac00}'..='\u{d7a3}' => writer.same(at, letter),
            _ if alike::is_ignorable(letter) => {}
            _ => other(at, letter, writer),
        }
    }
}

/// A letter outside the common blocks: by its look-alike, or decomposed.
fn other(at: usize, letter: char, writer: &mut Writer) {
    if let Some(latin) = alike::alike(letter) {
        return writer.put(at, letter, latin);
    }
    let mut parts = String::new();
    unicode_normalization::char::decompose_compatible(letter, |part| {
        for part in part.to_lowercase() {
            // A mark that stands alone is decomposed into a space with the mark.
            if !alike::is_ignorable(part) && !part.is_whitespace() {
                parts.push(alike::alike(part).unwrap_or_else(|| simplified::simplified(part)));
            }
        }
    });
    writer.put_all(at, letter, &parts);
}

/// Whether a letter is a part of a word that is told from its neighbours by its ends: any but those of scripts that do
/// not put spaces between words.
#[must_use]
pub(crate) fn is_word_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || (!letter.is_ascii() && letter.is_alphanumeric() && !is_unspaced(letter))
}

/// Letters, not punctuation, of scripts without spaces between words.
#[must_use]
pub(crate) const fn is_unspaced(letter: char) -> bool {
    matches!(letter, '\u{2e80}'..='\u{2fff}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{31ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '\u{e00}'..='\u{eff}')
}

#[cfg(test)]
mod tests;
