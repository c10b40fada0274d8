//! Documents that prompts quote from: a handbook, minutes, a source file, each in both languages.
//!
//! An application puts passages of the same few documents into its prompts again and again. That makes contexts of any
//! length, and it is why a log with megabytes of prompts packs into little.

use crate::synth::Language;
use crate::synth::dice::Dice;
use crate::synth::scenes::library::{HANDBOOK, MINUTES, SOURCE, Shelf};
use crate::synth::words::Facts;
use wire::usage::Characters;

/// All documents of one log.
#[derive(Debug)]
pub(super) struct Library {
    handbook: [Document; 2],
    minutes: [Document; 2],
    source: [Document; 2],
}

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Title {
    Handbook,
    Minutes,
    Source,
}

/// A document, line by line, each with what it takes up.
#[derive(Debug)]
pub(super) struct Document {
    lines: Vec<(String, u64)>,
}

impl Library {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let mut both =
            |shelf: &Shelf| [Language::English, Language::Chinese].map(|language| document(shelf, language, dice));
        Self { handbook: both(&HANDBOOK), minutes: both(&MINUTES), source: both(&SOURCE) }
    }

    pub(super) fn get(&self, title: Title, language: Language) -> &Document {
        let [english, chinese] = match title {
            Title::Handbook => &self.handbook,
            Title::Minutes => &self.minutes,
            Title::Source => &self.source,
        };
        if language == Language::English { english } else { chinese }
    }
}

/// Tokens of a text by the rule that all counts of these logs follow: four characters a token, one and a half where
/// the script is Chinese.
pub(super) fn tokens_of(text: &str) -> u64 {
    Characters::of(text).tokens()
}

/// What a text takes up, in twelfths of a token: so fractions of tokens add up.
pub(super) fn twelfths_of(text: &str) -> u64 {
    let Characters { wide, narrow } = Characters::of(text);
    wide * 8 + narrow * 3
}

fn document(shelf: &Shelf, language: Language, dice: &mut Dice) -> Document {
    let blocks = if language == Language::English { shelf.english } else { shelf.chinese };
    let mut lines = Vec::new();
    let mut number = 0;
    while lines.len() < shelf.lines {
        for block in dice.shuffled(blocks) {
            number += 1;
            let facts = Facts::of_conversation(dice).next_turn(dice);
            let text = facts.fill(block, language).replace("{number}", &number.to_string());
            lines.extend(text.split('\n').map(|line| (line.to_owned(), twelfths_of(line) + twelfths_of("\n"))));
        }
    }
    Document { lines }
}

impl Document {
    /// Number of lines.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Lines from `first` on of about `tokens` tokens; goes on at the beginning when it comes to the end.
    pub(super) fn after(&self, first: usize, tokens: u64) -> String {
        joined(self.lines.iter().cycle().skip(first).take(self.lines.len() * 4), tokens).join("\n")
    }

    /// Lines of about `tokens` tokens that end before `end`.
    pub(super) fn before(&self, end: usize, tokens: u64) -> String {
        let skipped = self.lines.len() - end.min(self.lines.len());
        let mut lines = joined(self.lines.iter().rev().cycle().skip(skipped).take(self.lines.len() * 4), tokens);
        lines.reverse();
        lines.join("\n")
    }
}

/// As many lines as come nearest to `tokens`.
fn joined<'a>(lines: impl Iterator<Item = &'a (String, u64)>, tokens: u64) -> Vec<&'a str> {
    let mut left = tokens * 12;
    let mut taken = Vec::new();
    for (line, size) in lines {
        if left < *size / 2 {
            break;
        }
        left = left.saturating_sub(*size);
        taken.push(line.as_str());
    }
    taken
}
