//! Members that a type does not know: written by a newer version, or mistyped.

use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Names that are told apart; the file may be anybody's.
const NAMES_MAX: usize = 1000;
/// Characters of a name that are kept.
const NAME_CHARS_MAX: usize = 100;

/// Unknown members by name, with the way to them: `usage.cached_write`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unknown {
    counts: BTreeMap<String, u64>,
    other_names: u64,
    lines: u64,
}

impl Unknown {
    /// Reads a line and counts what its type ignores. Lines that are wrong count nothing.
    pub(super) fn read<T: DeserializeOwned>(&mut self, line: &[u8]) -> Result<T, serde_json::Error> {
        let mut names = Vec::new();
        let mut source = serde_json::Deserializer::from_slice(line);
        let value = serde_ignored::deserialize(&mut source, |path| names.push(path.to_string()))?;
        source.end()?;
        self.lines += u64::from(!names.is_empty());
        names.into_iter().for_each(|name| self.count(&name));
        Ok(value)
    }

    fn count(&mut self, way: &str) {
        // An optional object is a step of its own there.
        let way = way.replace("?.", "");
        let name: String = way.chars().take(NAME_CHARS_MAX).collect();
        if self.counts.len() < NAMES_MAX || self.counts.contains_key(&name) {
            *self.counts.entry(name).or_default() += 1;
        } else {
            self.other_names += 1;
        }
    }

    /// Names with their counts, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// Lines with such members.
    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// Members beyond the first thousand different names.
    #[must_use]
    pub const fn other_names(&self) -> u64 {
        self.other_names
    }

    /// Nothing was unknown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}
