//! `[[migrations.NAME.stay]]`: which requests are kept on the baseline.

use super::super::check::Checker;
use super::super::consumers::Consumers;
use crate::routing::Patterns;
use crate::routing::stay::Stay;
use serde::Deserialize;
use std::collections::BTreeSet;
use wire::provider;

/// Stands for all requests.
const ALL: &str = "*";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    consumers: Option<Vec<String>>,
    models: Option<Vec<String>>,
    endpoints: Option<Vec<String>>,
    features: Vec<String>,
    #[serde(default)]
    why: String,
}

impl Checker<'_> {
    pub(super) fn stay(&mut self, key: &str, raw: Vec<Raw>, consumers: &Consumers) -> Option<Vec<Stay>> {
        let checked: Vec<Option<Stay>> = raw
            .into_iter()
            .enumerate()
            .map(|(place, raw)| self.stay_rule(&format!("{key}.stay[{place}]"), raw, consumers))
            .collect();
        let rules: Vec<Stay> = checked.into_iter().collect::<Option<_>>()?;
        for (place, later) in rules.iter().enumerate() {
            if let Some(first) = rules.iter().take(place).position(|earlier| earlier.covers(later)) {
                self.warnings.push(format!(
                    "{key}.stay[{place}] is never used: stay[{first}], which stands before it, takes all that it would"
                ));
            }
        }
        Some(rules)
    }

    fn stay_rule(&mut self, key: &str, raw: Raw, consumers: &Consumers) -> Option<Stay> {
        let before = self.problems.len();
        if let Some(endpoints) = &raw.endpoints {
            self.endpoint_names(&format!("{key}.endpoints"), endpoints);
        }
        if let Some(names) = &raw.consumers {
            self.consumer_names(&format!("{key}.consumers"), names, consumers);
        }
        let models = match &raw.models {
            None => Some(None),
            Some(patterns) => match Patterns::new(patterns.iter().map(String::as_str)) {
                Ok(models) => {
                    self.list(&format!("{key}.models"), patterns, |_| true, "a model pattern");
                    Some(Some(models))
                }
                Err(error) => self.problem(format!("{key}.models: {error}")),
            },
        };
        let features = self.features(&format!("{key}.features"), &raw.features);
        (self.problems.len() == before).then_some(())?;
        Some(Stay { consumers: raw.consumers, models: models?, endpoints: raw.endpoints, features, why: raw.why })
    }

    /// `None` for the star.
    fn features(&mut self, key: &str, names: &[String]) -> Option<Vec<&'static str>> {
        let known = provider::features();
        if let [only] = names
            && only == ALL
        {
            return None;
        }
        if names.is_empty() {
            self.problems.push(format!("{key} is empty: expected names of features, or \"{ALL}\" for all requests"));
        }
        let mut features = Vec::with_capacity(names.len());
        for name in names {
            match known.get(name.as_str()) {
                Some(feature) if features.contains(feature) => {
                    self.problems.push(format!("{key} names `{name}` twice: leave one out"));
                }
                Some(feature) => features.push(*feature),
                None if name == ALL => {
                    self.problems.push(format!("{key} names \"{ALL}\" beside others: it stands for all requests"));
                }
                None => {
                    let nearest = nearest(name, &known).unwrap_or_default();
                    self.problems.push(format!(
                        "{key} names `{name}`: there is no such feature; the nearest is `{nearest}`, and wire/README.md \
                         lists all"
                    ));
                }
            }
        }
        Some(features)
    }
}

/// The known name with the fewest letters to change.
fn nearest<'k>(name: &str, known: &BTreeSet<&'k str>) -> Option<&'k str> {
    // A long text is no misspelt name, and must not cost the product of lengths.
    let name: String = name.chars().take(64).collect::<String>().to_lowercase();
    known.iter().min_by_key(|other| distance(&name, &other.to_lowercase())).copied()
}

/// Letters to insert, remove or replace (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        for (cell, theirs) in row.iter_mut().skip(1).zip(&other) {
            let replaced = diagonal + usize::from(letter != *theirs);
            diagonal = *cell;
            *cell = replaced.min(left + 1).min(diagonal + 1);
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_letters() {
        for (one, other, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("seed", "sed", 1)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
        assert_eq!(nearest("Sead", &provider::features()), Some("seed"));
    }
}
