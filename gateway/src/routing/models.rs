//! Model names: patterns that take them, and the map from the baseline's to the candidate's.
//!
//! A pattern is a name, a beginning followed by `*`, or `*` alone. That is what Higress' model map and most users' habits
//! know; anything more powerful would make "which rule takes this model" hard to see.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no model pattern: expected a name, or its beginning followed by one `*`, such as gpt-4o*")]
pub struct PatternError(String);

/// A set of model patterns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patterns {
    exact: BTreeSet<String>,
    /// What stands before the star, longest first.
    prefixes: Vec<String>,
}

impl Patterns {
    /// Reads patterns.
    ///
    /// # Errors
    /// One of them is empty, or has a star before its end.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, PatternError> {
        let mut patterns = Self::default();
        for text in texts {
            match split(text)? {
                (name, false) => drop(patterns.exact.insert(name.to_owned())),
                (prefix, true) => patterns.prefixes.push(prefix.to_owned()),
            }
        }
        patterns.prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.len()));
        patterns.prefixes.dedup();
        Ok(patterns)
    }

    /// Whether a pattern takes the model. Exact names are looked up first.
    #[must_use]
    pub fn take(&self, model: &str) -> bool {
        self.exact.contains(model) || self.prefixes.iter().any(|prefix| model.starts_with(prefix.as_str()))
    }

    /// Whether one of the patterns is this very name.
    #[must_use]
    pub fn names(&self, model: &str) -> bool {
        self.exact.contains(model)
    }

    /// Each pattern as a set of its own; exact names come first.
    pub fn each(&self) -> impl Iterator<Item = Self> {
        let exact = self.exact.iter().map(|name| Self { exact: BTreeSet::from([name.clone()]), prefixes: Vec::new() });
        exact.chain(self.prefixes.iter().map(|prefix| Self { exact: BTreeSet::new(), prefixes: vec![prefix.clone()] }))
    }

    /// Whether everything that `other` takes is taken here, too.
    #[must_use]
    pub fn cover(&self, other: &Self) -> bool {
        other.exact.iter().all(|model| self.take(model))
            && other
                .prefixes
                .iter()
                .all(|longer| self.prefixes.iter().any(|prefix| longer.starts_with(prefix.as_str())))
    }
}

impl fmt::Display for Patterns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefixes = self.prefixes.iter().map(|prefix| format!("{prefix}*"));
        let mut texts: Vec<String> = self.exact.iter().cloned().chain(prefixes).collect();
        texts.sort_unstable();
        formatter.write_str(&texts.join(", "))
    }
}

/// Baseline model to candidate model. The most specific entry decides: the exact name, then the longest beginning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelMap {
    exact: BTreeMap<String, Arc<str>>,
    /// What stands before the star, longest first.
    prefixes: Vec<(String, Arc<str>)>,
    /// The exact names, in the configuration's order.
    names: Vec<String>,
}

impl ModelMap {
    /// Reads the map.
    ///
    /// # Errors
    /// A key is no pattern.
    pub fn new<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, PatternError> {
        let mut map = Self::default();
        for (from, to) in entries {
            match split(from)? {
                (name, false) => {
                    if map.exact.insert(name.to_owned(), Arc::from(to)).is_none() {
                        map.names.push(name.to_owned());
                    }
                }
                (prefix, true) => map.prefixes.push((prefix.to_owned(), Arc::from(to))),
            }
        }
        map.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Ok(map)
    }

    /// The candidate's model; `None` if the model is not mapped, so stays on the baseline.
    #[must_use]
    pub fn get(&self, model: &str) -> Option<&Arc<str>> {
        let prefixed = || self.prefixes.iter().find(|(prefix, _)| model.starts_with(prefix.as_str())).map(|(_, to)| to);
        self.exact.get(model).or_else(prefixed)
    }

    /// The baseline's models that stand here by name, in the configuration's order: what `GET /v1/models` can list.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The candidate's models.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.exact.values().chain(self.prefixes.iter().map(|(_, to)| to)).map(AsRef::as_ref)
    }
}

/// The text without its star, and whether it had one.
fn split(text: &str) -> Result<(&str, bool), PatternError> {
    let (name, starred) = text.strip_suffix('*').map_or((text, false), |prefix| (prefix, true));
    if name.contains('*') || (name.is_empty() && !starred) {
        return Err(PatternError(text.to_owned()));
    }
    Ok((name, starred))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_entry_of_the_map_decides() {
        let map =
            ModelMap::new([("*", "any"), ("gpt-4o*", "big"), ("gpt-4o-mini", "small"), ("gpt-4o-m*", "m")]).unwrap();
        for (model, target) in
            [("gpt-4o-mini", "small"), ("gpt-4o-mini-2024", "m"), ("gpt-4o", "big"), ("o3", "any"), ("", "any")]
        {
            assert_eq!(map.get(model).map(AsRef::as_ref), Some(target), "{model}");
        }
        assert_eq!(map.names().collect::<Vec<_>>(), ["gpt-4o-mini"]);
        assert_eq!(ModelMap::new([("gpt-4o", "x")]).unwrap().get("gpt-4o-mini"), None);
    }

    #[test]
    fn stars_stand_at_the_end_only() {
        for wrong in ["", "a*b", "*a", "**", "a**"] {
            let error = Patterns::new([wrong]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{wrong}` is no model pattern")), "{error}");
        }
    }

    #[test]
    fn covering_is_taking_all_that_the_other_takes() {
        let set = |texts: &[&str]| Patterns::new(texts.iter().copied()).unwrap();
        assert!(set(&["gpt-4*"]).cover(&set(&["gpt-4o", "gpt-4o*"])));
        assert!(set(&["*"]).cover(&set(&["anything", "a*"])));
        assert!(!set(&["gpt-4o"]).cover(&set(&["gpt-4o*"])));
        assert!(!set(&["gpt-4o*"]).cover(&set(&["gpt-4*"])));
        assert!(!set(&["gpt-4o*"]).cover(&set(&["gpt-4o", "o3"])));
    }
}
