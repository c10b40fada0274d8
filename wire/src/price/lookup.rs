//! Which row is in force for a model at an instant, and until when.
//!
//! Rows and aliases of a name stand in the order in which they begin. The newest one that holds at the instant (it has begun, it has
//! not ended, the instant lies in its period) is in force; of two that begin together an alias goes before a row, and a row with a
//! period before one for all hours. So a price change is a new row, a promotion is a row with an end after which the older one
//! is back, and a retired name is an alias with an end.
//!
//! Where nothing holds any more, the newest row that ever did is in force and says that it has ended ([`Row::stale`]): the last
//! known price is worth more than none. After the end of an alias there is none, and no older row is back: its model was another.
//!
//! A dated snapshot (`gpt-4o-2024-08-06`) that the table does not name has the price of its model.

use super::period::Clock;
use super::row::Row;
use super::table::{Alias, Tariffs};
use std::collections::HashMap;
use std::sync::Arc;

/// The most aliases that follow each other in one table.
pub(super) const HOPS_MAX: usize = 4;

/// The most that are followed from a name: an own table's aliases may lead to those of the bundled one.
const HOPS_FOLLOWED_MAX: usize = 2 * HOPS_MAX;

/// A row or an alias in force for some time.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) from_us: i64,
    pub(super) until_us: Option<i64>,
    pub(super) clock: Option<Arc<Clock>>,
    pub(super) target: Target,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// Index of a row for all hours.
    Row(usize),
    /// Index of a row with a period.
    Timed(usize),
    /// Index of an alias.
    Alias(usize),
}

/// What is in force at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce<'a> {
    /// The price; `None` if the table has none.
    pub row: Option<&'a Row>,
    /// The last alias that was followed to it.
    pub alias: Option<&'a Alias>,
    /// The instant until which, exclusively, this answer holds at least; `i64::MAX` if the table knows of no change.
    pub until_us: i64,
}

impl Tariffs {
    /// The row in force.
    #[must_use]
    pub fn find(&self, provider: &str, model: &str, at_us: i64) -> Option<&Row> {
        self.of_name(provider, model, at_us, None).0
    }

    /// The row in force, and until when at least.
    #[must_use]
    pub fn in_force(&self, provider: &str, model: &str, at_us: i64) -> InForce<'_> {
        let mut until_us = i64::MAX;
        let (row, alias) = self.of_name(provider, model, at_us, Some(&mut until_us));
        InForce { row, alias, until_us }
    }

    /// Whether a row still stands at an instant, in its own hours: it has not ended, and no row for the same or for all
    /// hours, and no alias, has taken its place.
    #[must_use]
    pub fn stands(&self, row: &Row, at_us: i64) -> bool {
        let ended = row.valid_until_us.is_some_and(|until_us| until_us <= at_us);
        let entries = self.names.get(&row.provider).and_then(|names| names.get(&row.model));
        let replaced = entries.into_iter().flatten().any(|entry| {
            let newer = entry.from_us > row.valid_from_us && entry.from_us <= at_us;
            let still = entry.until_us.is_none_or(|until_us| at_us < until_us);
            let same_hours = match entry.target {
                Target::Row(_) | Target::Alias(_) => true,
                Target::Timed(index) => self.parts.rows.get(index).is_some_and(|other| other.period == row.period),
            };
            newer && still && same_hours
        });
        row.valid_from_us <= at_us && !ended && !replaced
    }

    /// The name itself, else the model of a dated snapshot.
    fn of_name(
        &self,
        provider: &str,
        model: &str,
        at_us: i64,
        mut until_us: Option<&mut i64>,
    ) -> (Option<&Row>, Option<&Alias>) {
        let Some(names) = self.names.get(provider) else { return (None, None) };
        let found = self.follow(names, model, at_us, until_us.as_deref_mut());
        match without_date(model) {
            Some(name) if found.0.is_none() => self.follow(names, name, at_us, until_us),
            _ => found,
        }
    }

    fn follow<'a>(
        &'a self,
        names: &'a HashMap<String, Vec<Entry>>,
        model: &str,
        at_us: i64,
        mut until_us: Option<&mut i64>,
    ) -> (Option<&'a Row>, Option<&'a Alias>) {
        let mut entries = names.get(model);
        let mut alias = None;
        for _ in 0..=HOPS_FOLLOWED_MAX {
            let target = entries.and_then(|entries| {
                if let Some(until_us) = until_us.as_deref_mut() {
                    *until_us = entries.iter().fold(*until_us, |until_us, entry| until_us.min(entry.until_us(at_us)));
                }
                in_force(entries, at_us)
            });
            match target {
                None => return (None, alias),
                Some(Target::Row(index) | Target::Timed(index)) => return (self.parts.rows.get(index), alias),
                Some(Target::Alias(index)) => {
                    alias = self.parts.aliases.get(index);
                    entries = alias.and_then(|alias| names.get(&alias.model));
                }
            }
        }
        (None, alias)
    }
}

/// The newest entry that holds; else the newest row that did. Nothing older than an alias comes back after it.
fn in_force(entries: &[Entry], at_us: i64) -> Option<Target> {
    let begun = || {
        let begun = entries.iter().rev().filter(|entry| entry.from_us <= at_us);
        begun.filter(|entry| entry.clock.as_ref().is_none_or(|clock| clock.contains(at_us)))
    };
    for entry in begun() {
        if entry.until_us.is_none_or(|until_us| at_us < until_us) {
            return Some(entry.target);
        }
        if matches!(entry.target, Target::Alias(_)) {
            break;
        }
    }
    begun().next().map(|entry| entry.target).filter(|target| !matches!(target, Target::Alias(_)))
}

impl Entry {
    /// An instant until which, exclusively, nothing about this entry changes.
    fn until_us(&self, at_us: i64) -> i64 {
        if at_us < self.from_us {
            return self.from_us;
        }
        let ends = self.until_us.filter(|until_us| at_us < *until_us).unwrap_or(i64::MAX);
        self.clock.as_ref().map_or(ends, |clock| ends.min(clock.until_us(at_us)))
    }
}

/// `name-2024-08-06` without its date.
fn without_date(model: &str) -> Option<&str> {
    let cut = model.len().checked_sub(11)?;
    let (name, date) = (model.get(..cut)?, model.get(cut..)?);
    let dated = date.bytes().enumerate().all(|(index, byte)| match index {
        0 | 5 | 8 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    dated.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_cut_off_names() {
        assert_eq!(without_date("gpt-4o-2024-08-06"), Some("gpt-4o"));
        assert_eq!(without_date("gpt-4o"), None);
        assert_eq!(without_date("gpt-4o-mini-preview"), None);
    }
}
