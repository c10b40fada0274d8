//! The file format of lists; the README of this crate is its normative text.

use super::{ListError, ListSource};
use crate::verdict::{Category, Level};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// Words, separated by commas and line ends.
pub(super) type Terms = Spanned<String>;

/// A list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: Option<String>,
    pub(super) category: Option<Category>,
    #[serde(default)]
    pub(super) groups: BTreeMap<String, Terms>,
    #[serde(default)]
    pub(super) words: Vec<Words>,
    #[serde(default)]
    pub(super) together: Vec<Spanned<Together>>,
    #[serde(default)]
    pub(super) sums: Vec<Spanned<Sum>>,
    #[serde(default)]
    pub(super) patterns: Vec<Pattern>,
}

/// What all kinds of entries have.
#[derive(Debug, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub(super) category: Option<Category>,
    pub(super) level: Option<Level>,
    pub(super) label: Option<String>,
    pub(super) terms: Option<Terms>,
    pub(super) except: Option<Terms>,
}

/// Words that count beside each other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Together {
    pub(super) category: Option<Category>,
    pub(super) level: Option<Level>,
    pub(super) label: Option<String>,
    pub(super) all: Vec<Terms>,
    pub(super) within: usize,
    #[serde(default)]
    pub(super) ordered: bool,
    pub(super) unless: Option<Terms>,
    pub(super) except: Option<Terms>,
}

/// Words with weights that are added up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sum {
    pub(super) category: Option<Category>,
    pub(super) label: Option<String>,
    pub(super) within: usize,
    pub(super) low: Option<i32>,
    pub(super) medium: Option<i32>,
    pub(super) high: Option<i32>,
    pub(super) max: Option<i32>,
    pub(super) weights: BTreeMap<String, Terms>,
    pub(super) needs: Option<Terms>,
    pub(super) except: Option<Terms>,
}

/// A regular expression.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pattern {
    pub(super) category: Option<Category>,
    pub(super) level: Option<Level>,
    pub(super) label: Option<String>,
    pub(super) regex: Spanned<String>,
    pub(super) within: Option<usize>,
    pub(super) except: Option<Terms>,
}

/// Reads a list of either format.
pub(super) fn read(source: &ListSource<'_>) -> Result<File, ListError> {
    if has_ending(source.file, ".txt") {
        return Ok(plain(source.text));
    }
    toml::from_str(source.text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        entry(source, line_at(source.text, start), error.message().to_owned())
    })
}

/// One word on each line; what is behind `#` is a remark.
fn plain(text: &str) -> File {
    let words: Vec<&str> = text.split('\n').map(|line| line.split('#').next().unwrap_or_default().trim()).collect();
    let terms = Some(Spanned::new(0..0, words.join("\n")));
    File {
        name: None,
        category: None,
        groups: BTreeMap::new(),
        words: vec![Words { terms, ..Words::default() }],
        together: Vec::new(),
        sums: Vec::new(),
        patterns: Vec::new(),
    }
}

/// The single words of a field, each with its line.
pub(super) fn split<'a>(source: &ListSource<'_>, terms: &'a Terms) -> Vec<(&'a str, usize)> {
    let start = terms.span().start;
    // A text in three quotes begins behind the line end that follows them.
    let opening = source.text.get(start..).unwrap_or_default();
    let below = ["'''", "\"\"\""].iter().any(|quotes| {
        let rest = opening.strip_prefix(quotes).unwrap_or_default();
        rest.starts_with('\n') || rest.starts_with("\r\n")
    });
    let first = line_at(source.text, start) + usize::from(below);
    let lines = terms.get_ref().split('\n').enumerate();
    lines
        .flat_map(|(line, words)| words.split(',').map(move |word| (word.trim(), first + line)))
        .filter(|(word, _)| !word.is_empty())
        .collect()
}

/// The line of a byte, from 1.
pub(super) fn line_at(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|byte| *byte == b'\n').count()
}

pub(super) fn entry(source: &ListSource<'_>, line: usize, problem: String) -> ListError {
    ListError::Entry { file: source.file.to_owned(), line, problem }
}

/// The name of a file without folder and ending.
pub(super) fn stem(file: &str) -> &str {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn has_ending(file: &str, ending: &str) -> bool {
    file.len() >= ending.len()
        && file.get(file.len() - ending.len()..).is_some_and(|end| end.eq_ignore_ascii_case(ending))
}
