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

use regex::Regex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Patterns within patterns: a reason holds a sentence, a sentence the name of a metric.
const DEPTH_MAX: usize = 4;

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

/// A text with holes.
#[derive(Debug)]
struct Pattern {
    /// The English text, holes as groups.
    english: Regex,
    /// The other one, holes as `{name}`.
    other: String,
    /// Characters outside of holes: the more, the less it matches by chance.
    literal_chars: usize,
}

impl Catalogue {
    /// Reads a catalogue: one table of TOML, English texts to others.
    ///
    /// # Errors
    /// It is no such table, or a pattern has a hole that its translation lacks, or the other way round.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let entries: BTreeMap<String, String> = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut catalogue = Self::default();
        for (english, other) in entries {
            if english.contains('{') {
                catalogue.patterns.push(Pattern::new(&english, other)?);
            } else {
                catalogue.texts.insert(english, other);
            }
        }
        // The most specific first; of equals the first by name, as they come.
        catalogue.patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.literal_chars));
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
        said.map_or_else(|| english.to_owned(), |said| format!("{before}{said}{after}"))
    }

    /// `None` where nothing in it is known.
    fn known(&self, english: &str, depth: usize) -> Option<String> {
        if let Some(other) = self.texts.get(english) {
            return Some(other.clone());
        }
        let deeper = depth.checked_sub(1)?;
        // A pattern of one sentence must not swallow the next one in its last hole, so whole sentences come first.
        let (by_sentence, all_known) = self.by_sentence(english, deeper);
        if all_known {
            return by_sentence;
        }
        let matched = self.patterns.iter().find_map(|pattern| pattern.fill(english, |hole| self.known(hole, deeper)));
        matched.or(by_sentence)
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

impl Pattern {
    fn new(english: &str, other: String) -> Result<Self, String> {
        let (mut expression, mut literal_chars, mut holes) = ("^".to_owned(), 0, Vec::new());
        let mut rest = english;
        while let Some((before, after)) = rest.split_once('{') {
            let (hole, after) = after.split_once('}').ok_or_else(|| format!("`{english}`: a hole without an end"))?;
            literal_chars += before.chars().count();
            expression.push_str(&regex::escape(before));
            expression.push_str(&format!("(?P<{hole}>.+?)"));
            if !other.contains(&format!("{{{hole}}}")) {
                return Err(format!("`{english}`: its translation lacks {{{hole}}}"));
            }
            holes.push(hole);
            rest = after;
        }
        literal_chars += rest.chars().count();
        expression.push_str(&regex::escape(rest));
        expression.push('$');
        if other.matches('{').count() < holes.len() {
            return Err(format!("`{english}`: its translation has other holes"));
        }
        let english = Regex::new(&expression).map_err(|error| format!("`{english}`: {error}"))?;
        Ok(Self { english, other, literal_chars })
    }

    /// The other text with what stands in the holes; `None` if the text has another form.
    fn fill(&self, english: &str, say: impl Fn(&str) -> Option<String>) -> Option<String> {
        let found = self.english.captures(english)?;
        let mut text = String::with_capacity(self.other.len() + 32);
        let mut rest = self.other.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (hole, after) = after.split_once('}')?;
            let value = found.name(hole)?.as_str();
            text.push_str(before);
            text.push_str(&say(value).unwrap_or_else(|| value.to_owned()));
            rest = after;
        }
        text.push_str(rest);
        Some(text)
    }
}

/// A text cut behind each `. ` that ends a sentence.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(". ").map(str::trim_end)
}

#[cfg(test)]
mod tests;
