//! What the log of decisions says about one migration, as far as the next move depends on it.

use crate::audit::{Entry, What};

/// An epoch that began with a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beginning {
    /// The epoch.
    pub epoch: u64,
    /// Line of the log's entries of this migration, from 0.
    pub place: usize,
}

/// See the module's text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    entries: Vec<Entry>,
}

impl History {
    /// The entries about one migration, in the log's order.
    #[must_use]
    pub fn of(migration: &str, entries: Vec<Entry>) -> Self {
        let mut entries = entries;
        entries.retain(|entry| entry.migration == migration);
        Self { entries }
    }

    /// All entries, the oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Adds a decision.
    pub fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Whether a change that began this epoch is known.
    #[must_use]
    pub fn knows_epoch(&self, epoch: u64) -> bool {
        self.entries.iter().any(|entry| entry.epoch == Some(epoch) && sets_weight(entry.what))
    }

    /// The last rollback, with the epoch that it began. Where the log does not say which, the time of the line stands for it:
    /// epochs are milliseconds.
    #[must_use]
    pub fn rolled_back(&self) -> Option<Beginning> {
        let all = self.entries.iter().enumerate().filter(|(_, entry)| is_rollback(entry));
        all.map(|(place, entry)| Beginning { epoch: epoch_of(entry), place }).max_by_key(|beginning| beginning.epoch)
    }

    /// The first epoch whose rows are evidence: that of the last rollback; 0 where there was none.
    #[must_use]
    pub fn since_epoch(&self) -> u64 {
        self.rolled_back().map_or(0, |beginning| beginning.epoch)
    }

    /// Rollbacks since somebody last set a weight above 0 by hand; one change that several have logged counts once.
    #[must_use]
    pub fn rollbacks(&self) -> u64 {
        let by_hand = |entry: &Entry| {
            entry.what == What::Set
                && matches!(entry.who.as_str(), "token" | "console" | "config")
                && entry.to_percent.is_some_and(|percent| percent > 0.0)
        };
        let since = self.entries.iter().rposition(by_hand).map_or(0, |place| place + 1);
        let mut epochs: Vec<u64> =
            self.entries.iter().skip(since).filter(|entry| is_rollback(entry)).map(epoch_of).collect();
        epochs.sort_unstable();
        epochs.dedup();
        epochs.len() as u64
    }

    /// The raise that was logged last and was not carried out: the epoch that it was decided on is in force still. A change
    /// compares the epoch, so this is proof, also where the log says that it was not known. Whoever finds one says so in the
    /// log, and may decide anew.
    #[must_use]
    pub fn unfinished(&self, epoch: u64) -> Option<&Entry> {
        let last = self.entries.iter().rfind(|entry| sets_weight(entry.what) || entry.what == What::Failure)?;
        let decided_on = last.evidence.as_ref().map(|evidence| evidence.epoch);
        let is_open = match last.what {
            What::Raise => last.epoch.is_none(),
            What::Failure => last.to_percent.is_none(),
            _ => false,
        };
        Some(last).filter(|_| is_open && decided_on == Some(epoch))
    }

    /// Whether the log has the line of an autopilot's change to this weight that the gateway tells of: one that was written before
    /// it was made, and so does not name the epoch that began with it. A raise names the one that it was decided on.
    #[must_use]
    pub fn announces(&self, to_percent: f64, epoch: u64) -> bool {
        let same = |percent: f64| (percent * 100.0).round().total_cmp(&(to_percent * 100.0).round()).is_eq();
        self.entries.iter().any(|entry| {
            let before = match entry.what {
                What::Raise => entry.evidence.as_ref().is_some_and(|evidence| evidence.epoch < epoch),
                What::Set => entry.who == "autopilot",
                _ => false,
            };
            before && entry.epoch.is_none() && entry.to_percent.is_some_and(same)
        })
    }

    /// When a raise was last decided, microseconds since the Unix epoch, for the gate's cool-down.
    #[must_use]
    pub fn raised_at_us(&self) -> Option<i64> {
        let raises = self.entries.iter().filter(|entry| entry.what == What::Raise);
        raises.filter_map(at_us).max()
    }
}

const fn sets_weight(what: What) -> bool {
    matches!(what, What::Raise | What::Lower | What::Rollback | What::Set)
}

/// A change of the weight to nothing, or one that says of itself that it is a rollback.
fn is_rollback(entry: &Entry) -> bool {
    let to_nothing = entry.to_percent.is_some_and(|percent| percent <= 0.0);
    let from_something = entry.from_percent.is_none_or(|percent| percent > 0.0);
    entry.what == What::Rollback || (matches!(entry.what, What::Lower | What::Set) && to_nothing && from_something)
}

fn epoch_of(entry: &Entry) -> u64 {
    let by_time = || at_us(entry).and_then(|at_us| u64::try_from(at_us / 1000).ok()).unwrap_or(0);
    entry.epoch.unwrap_or_else(by_time)
}

fn at_us(entry: &Entry) -> Option<i64> {
    entry.at.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond)
}
