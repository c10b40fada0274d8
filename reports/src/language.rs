//! Languages of a report.
//!
//! Reports are made in English, and a finished page or summary is then translated text by text: one catalogue says for each
//! English text what it is in the other language. Templates, view models and charts know nothing of languages, and the judge's
//! sentences, which come with the verdict, are translated in the same way as our own. A text that the catalogue does not
//! know stays English: nothing is ever lost, and a test lists what is missing.
//!
//! Texts with figures or names in them are patterns: `"{n} of {all} pairs"` matches any text of this form. What stands in the
//! holes is translated in its turn, if the catalogue knows it, so that names of metrics need one entry each.

mod lines;
mod page;
mod pattern;

use crate::charts::scene::Scene;
use pattern::{Pattern, is_figure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Patterns within patterns: a reason holds a sentence, a sentence the name of a metric.
const DEPTH_MAX: usize = 8;

/// Signs at the end of a text, and what they are in Chinese.
const ENDS: [(&str, &str); 2] = [(".", "。"), (":", "：")];

/// What stands between a label and its text.
const LABEL: &str = ": ";

/// What stands between the items of a list, the outermost first, and what it is in Chinese. Of equals the first in the text is
/// the outer one: `Errors: 1; 2` has a label, `1; Errors: 2` two items.
const BETWEEN: [&[(&str, &str)]; 4] =
    [&[(" · ", " · ")], &[("; ", "；"), (LABEL, "：")], &[(" → ", " → ")], &[(", ", "，")]];

/// A language of reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese, simplified.
    Zh,
}

impl Language {
    /// The HTML page in this language.
    pub(crate) fn page(self, english: String) -> String {
        match self.catalogue() {
            None => english,
            Some(catalogue) => page::translated(&english, catalogue, "zh-CN"),
        }
    }

    /// The Markdown text in this language.
    pub(crate) fn markdown(self, english: String) -> String {
        match self.catalogue() {
            None => english,
            Some(catalogue) => lines::translated(&english, catalogue),
        }
    }

    /// The picture in this language.
    pub(crate) fn scene(self, english: Scene) -> Scene {
        match self.catalogue() {
            None => english,
            Some(catalogue) => english.said(|text| catalogue.say(text)),
        }
    }

    fn catalogue(self) -> Option<&'static Catalogue> {
        static CHINESE: OnceLock<Catalogue> = OnceLock::new();
        match self {
            Self::En => None,
            // The bundled catalogue is tested; if it could not be read, a report in English is better than none.
            Self::Zh => {
                Some(CHINESE.get_or_init(|| Catalogue::read(include_str!("language/zh.toml")).unwrap_or_default()))
            }
        }
    }
}

/// What texts are in another language.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    texts: BTreeMap<String, String>,
    patterns: Vec<Pattern>,
}

impl Catalogue {
    /// Reads a catalogue: one table of TOML, English texts to others. A full stop at an end counts for nothing on either side.
    ///
    /// # Errors
    /// It is no such table, or a pattern has a hole that its translation lacks, or the other way round.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let entries: BTreeMap<String, String> = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut catalogue = Self::default();
        for (english, other) in entries {
            for (english, other) in by_sentence(&english, &other) {
                let english = english.strip_suffix('.').unwrap_or(english);
                let other = other.strip_suffix('。').unwrap_or(other).to_owned();
                if english.contains('{') {
                    catalogue.patterns.push(Pattern::new(english, other)?);
                } else {
                    catalogue.texts.insert(english.to_owned(), other);
                }
            }
        }
        // Figures before words, then the most specific first; of equals the first by name, as they come.
        catalogue.patterns.sort_by_key(|pattern| (pattern.word_holes(), std::cmp::Reverse(pattern.literal_chars())));
        Ok(catalogue)
    }

    /// What a text is in the other language; itself where the catalogue knows neither it nor its sentences.
    pub(crate) fn say(&self, english: &str) -> String {
        let words: Vec<&str> = english.split_whitespace().collect();
        if words.is_empty() {
            return english.to_owned();
        }
        let said = self.known(&words.join(" "), DEPTH_MAX);
        let lead = english.len() - english.trim_start().len();
        let tail = english.trim_end().len();
        let (Some(before), Some(after)) = (english.get(..lead), english.get(tail..)) else { return english.to_owned() };
        said.map_or_else(|| english.to_owned(), |said| format!("{before}{}{after}", closed(&said)))
    }

    /// `None` where nothing in it is known.
    fn known(&self, english: &str, depth: usize) -> Option<String> {
        let deeper = depth.checked_sub(1)?;
        if is_figure(english) {
            return self.whole(english, deeper);
        }
        // A pattern of one sentence must not swallow the next one in its last hole, so whole sentences come first.
        let (by_sentence, all_known) = self.by_sentence(english, deeper);
        if all_known {
            return by_sentence;
        }
        self.with_its_end(english, deeper).or_else(|| self.listed(english, deeper)).or(by_sentence)
    }

    /// As a whole, with the sign at its end, which the catalogue's texts need not have.
    fn with_its_end(&self, english: &str, depth: usize) -> Option<String> {
        if let Some(other) = self.texts.get(english) {
            return Some(other.clone());
        }
        for (sign, other) in ENDS {
            let known = |text| self.whole(text, depth).or_else(|| self.listed(text, depth));
            if let Some(said) = english.strip_suffix(sign).and_then(known) {
                return Some(said + other);
            }
        }
        self.whole(english, depth)
    }

    /// As a whole; a capital at its beginning may be there or not.
    fn whole(&self, english: &str, depth: usize) -> Option<String> {
        if let Some(other) = self.texts.get(english) {
            return Some(other.clone());
        }
        let filled = |english: &str| {
            self.patterns.iter().find_map(|pattern| pattern.fill(english, |hole| self.known(hole, depth)))
        };
        let turned = other_case(english);
        turned
            .as_deref()
            .and_then(|turned| self.texts.get(turned))
            .cloned()
            .or_else(|| filled(english))
            .or_else(|| filled(&turned?))
    }

    /// Item by item, where it is a list and one of its items is known.
    fn listed(&self, english: &str, depth: usize) -> Option<String> {
        let in_brackets = english.strip_suffix(')').and_then(|text| text.split_once(" ("));
        if let Some((text, bracket)) = in_brackets.filter(|(_, bracket)| !bracket.contains('(')) {
            let (text, bracket) = self.any_known([text, bracket], depth)?;
            return Some(format!("{text}（{bracket}）"));
        }
        let first = |of: &[(&'static str, &'static str)]| {
            let found = of.iter().filter_map(|(between, other)| Some((english.find(between)?, *between, *other)));
            found.min_by_key(|(at, ..)| *at)
        };
        let (_, between, other) = BETWEEN.iter().find_map(|of| first(of))?;
        if between == LABEL {
            let (label, text) = english.split_once(LABEL)?;
            let (label, text) = self.any_known([label, text], depth)?;
            return Some(format!("{label}{other}{text}"));
        }
        let items: Vec<&str> = english.split(between).collect();
        let known: Vec<Option<String>> = items.iter().map(|item| self.known(item, depth)).collect();
        if known.iter().all(Option::is_none) {
            return None;
        }
        let said = items.iter().zip(known).map(|(item, known)| known.unwrap_or_else(|| (*item).to_owned()));
        Some(said.collect::<Vec<_>>().join(other))
    }

    /// Both texts, if one of them is known.
    fn any_known(&self, texts: [&str; 2], depth: usize) -> Option<(String, String)> {
        let [first, second] = texts.map(|text| self.known(text, depth));
        (first.is_some() || second.is_some())
            .then(|| (first.unwrap_or_else(|| texts[0].to_owned()), second.unwrap_or_else(|| texts[1].to_owned())))
    }

    /// Sentence by sentence, where there are several and one of them is known; and whether all are.
    fn by_sentence(&self, english: &str, depth: usize) -> (Option<String>, bool) {
        let sentences: Vec<&str> = sentences(english).collect();
        if sentences.len() < 2 {
            return (None, false);
        }
        let known: Vec<Option<String>> = sentences.iter().map(|sentence| self.known(sentence, depth)).collect();
        let mut said = String::new();
        for (sentence, known) in sentences.iter().zip(&known) {
            match known {
                Some(known) => said.push_str(known),
                None => {
                    let before = if said.is_empty() || said.ends_with(' ') { "" } else { " " };
                    said.push_str(before);
                    said.push_str(sentence);
                    said.push(' ');
                }
            }
        }
        let any = known.iter().any(Option::is_some);
        (any.then(|| said.trim_end().to_owned()), known.iter().all(Option::is_some))
    }
}

/// A text cut behind each `. ` that ends a sentence.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(". ").map(str::trim_end)
}

/// An entry cut into its sentences, so that each is known alone as well; whole where the other language has more or fewer.
fn by_sentence<'a>(english: &'a str, other: &'a str) -> Vec<(&'a str, &'a str)> {
    let (ours, theirs) = (sentences(english).collect::<Vec<_>>(), other.split_inclusive('。').collect::<Vec<_>>());
    if ours.len() == theirs.len() { ours.into_iter().zip(theirs).collect() } else { vec![(english, other)] }
}

/// The text without blanks between two characters that are as wide as they are high: what stood in a hole may be translated.
fn closed(text: &str) -> String {
    let is_wide = |c: Option<char>| c.is_some_and(|c| ('\u{3000}'..='\u{9fff}').contains(&c) || c >= '\u{ff00}');
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if c != ' ' || !is_wide(out.chars().next_back()) || !is_wide(characters.peek().copied()) {
            out.push(c);
        }
    }
    out
}

/// The text with its first letter the other way round; `None` where that changes nothing.
fn other_case(text: &str) -> Option<String> {
    let mut characters = text.chars();
    let first = characters.next().filter(char::is_ascii_alphabetic)?;
    let turned = if first.is_ascii_uppercase() { first.to_ascii_lowercase() } else { first.to_ascii_uppercase() };
    Some(std::iter::once(turned).chain(characters).collect())
}

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod tests;
