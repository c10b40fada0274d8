//! Counts of the requests that the candidate did not get, by migration and feature.
//!
//! Features are a closed list and migrations are few, so the table is small; a process that saw very many migrations come
//! and go counts later ones under one name.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Pairs told apart; later migrations count as [`OTHER`].
const PAIRS_MAX: usize = 4096;
const OTHER: &str = "other";

/// Migration and feature.
pub(super) type Pair = (String, &'static str);

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Unfit(Mutex<BTreeMap<Pair, u64>>);

impl Unfit {
    /// Counts one. Only requests that stay pay for the lock.
    pub(super) fn add(&self, migration: &str, feature: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pair = (migration.to_owned(), feature);
        if counts.len() >= PAIRS_MAX && !counts.contains_key(&pair) {
            OTHER.clone_into(&mut pair.0);
        }
        let count = counts.entry(pair).or_default();
        *count = count.saturating_add(1);
    }

    /// Those of one migration so far.
    pub(super) fn of(&self, migration: &str) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().filter(|((name, _), _)| name == migration).map(|(_, count)| count).sum()
    }

    /// All counts so far.
    pub(super) fn all(&self) -> BTreeMap<Pair, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_counts_on_under_one_name() {
        let unfit = Unfit::default();
        unfit.add("m", "n>1");
        unfit.add("m", "n>1");
        for index in 0..PAIRS_MAX {
            unfit.add(&format!("m{index}"), "n>1");
        }
        unfit.add("m", "n>1");
        let counts = unfit.all();
        assert_eq!(counts.len(), PAIRS_MAX + 1);
        assert_eq!(counts[&("m".to_owned(), "n>1")], 3);
        assert_eq!(counts[&(OTHER.to_owned(), "n>1")], 1);
    }
}
