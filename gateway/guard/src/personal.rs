//! Personal data and secrets in a text, and how they are masked.
//!
//! The detectors are those that keep such data out of records ([`datasets::redact`]), so that what the one finds the
//! other finds too: e-mail addresses, telephone numbers, cards, IBANs, numbers of residents and of social security, keys,
//! tokens, passwords and private keys. A number must pass its check digit. They run on the text itself and, if it has
//! full-width or invisible characters, on the text with those undone. Names and street addresses have no form and stay.

use crate::normalise::Folded;
use crate::verdict::{Category, Finding, Level, Verdict};
use datasets::redact::{Found, Redactor};
use std::collections::BTreeMap;
use std::ops::Range;

/// Which data are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Personal {
    /// Keys, tokens, passwords, private keys: level high.
    pub credentials: bool,
    /// Numbers of persons, cards and accounts: level high; addresses and telephone numbers: level medium.
    pub persons: bool,
}

impl Default for Personal {
    fn default() -> Self {
        Self { credentials: true, persons: true }
    }
}

impl Personal {
    /// What a text has of them: one finding for each kind, labelled with it (`email`, `phone`, `card`, `iban`,
    /// `id_number`, `api_key`, `jwt`, `bearer`, `secret`, `password`, `private_key`).
    #[must_use]
    pub fn check(&self, text: &str) -> Verdict {
        let mut kinds: BTreeMap<&'static str, (Level, Vec<Range<usize>>)> = BTreeMap::new();
        for found in self.find(text) {
            kinds.entry(found.kind).or_insert_with(|| (level(&found), Vec::new())).1.push(found.bytes);
        }
        let finding = |(kind, (level, spans)): (&str, (Level, Vec<Range<usize>>))| Finding {
            category: Category::SensitiveData,
            label: kind.to_owned(),
            level,
            score: None,
            spans,
        };
        Verdict { findings: kinds.into_iter().map(finding).collect() }
    }

    fn find(self, text: &str) -> Vec<Found> {
        let redactor = Redactor { credentials: self.credentials, personal: self.persons, salt: String::new() };
        let mut all = redactor.find(text);
        if text.is_ascii() {
            return all;
        }
        let plain = Folded::keeping_case(text);
        if plain.text() == text {
            return all;
        }
        for mut found in redactor.find(plain.text()) {
            found.bytes = plain.original(found.bytes);
            let apart = |other: &Found| other.bytes.end <= found.bytes.start || found.bytes.end <= other.bytes.start;
            let place = all.partition_point(|other| other.bytes.end <= found.bytes.start);
            if all.get(place).is_none_or(apart) {
                all.insert(place, found);
            }
        }
        all
    }
}

fn level(found: &Found) -> Level {
    if matches!(found.kind, "email" | "phone") { Level::Medium } else { Level::High }
}

/// A text with a mark in place of every span of the findings: `[email]` for personal data, `***` for anything else. Spans
/// that do not lie in the text are left out; of those that overlap, the first has the mark.
#[must_use]
pub fn mask(text: &str, findings: &[Finding]) -> String {
    let mut spans: Vec<(Range<usize>, Option<&str>)> = Vec::new();
    for finding in findings {
        let label = (finding.category == Category::SensitiveData).then_some(finding.label.as_str());
        spans.extend(finding.spans.iter().map(|span| (span.clone(), label)));
    }
    spans.sort_by_key(|(span, _)| (span.start, usize::MAX - span.end));
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (span, label) in spans {
        if text.get(span.clone()).is_none_or(str::is_empty) {
            continue;
        }
        if span.start >= copied {
            out.push_str(text.get(copied..span.start).unwrap_or_default());
            match label {
                Some(label) => out.extend(["[", label, "]"]),
                None => out.push_str("***"),
            }
        }
        copied = copied.max(span.end);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests;
