//! A set of ids that does not keep them: a hash of 128 bits each, since a log may have more ids than memory has room
//! for their texts. Two different ids of ten million share a hash with a probability of 10^-25.

use std::collections::HashSet;
use xxhash_rust::xxh3::xxh3_128;

/// Most ids that are kept: what a table of 71 MB holds before it would have to grow.
pub(crate) const IDS_MAX: usize = 3_670_000;

/// The set.
#[derive(Debug, Default)]
pub(crate) struct Ids(HashSet<u128>);

/// What became of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Added {
    New,
    Known,
    /// The set is full, so nothing is known about this one.
    Full,
}

impl Ids {
    pub(crate) fn add(&mut self, id: &str) -> Added {
        let hash = xxh3_128(id.as_bytes());
        if self.0.contains(&hash) {
            return Added::Known;
        }
        if self.0.len() >= IDS_MAX {
            return Added::Full;
        }
        self.0.insert(hash);
        Added::New
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&xxh3_128(id.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once() {
        let mut ids = Ids::default();
        assert_eq!([ids.add("a"), ids.add("b"), ids.add("a")], [Added::New, Added::New, Added::Known]);
        assert!(ids.contains("b") && !ids.contains("c"));
    }
}
