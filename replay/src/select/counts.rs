//! What became of the rows that were read.

use super::order::Placed;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};

/// The counts while rows are still read; shared with whoever shows them.
#[derive(Debug, Default)]
pub(crate) struct SelectCounts {
    read: AtomicU64,
    laps: AtomicU64,
    out_of_order: AtomicU64,
    displaced: AtomicU64,
    outside_window: AtomicU64,
    filtered: AtomicU64,
    not_sampled: AtomicU64,
    chosen: AtomicU64,
    other_shards: AtomicU64,
}

/// What became of the rows that were read, over all laps:
/// `read = outside_window + filtered + not_sampled + other_shards + chosen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Selected {
    /// Rows read.
    pub read: u64,
    /// Laps begun.
    pub laps: u64,
    /// Rows that stood behind a later one in the log.
    pub out_of_order: u64,
    /// Rows that came too late to be put in order, and were played late.
    pub displaced: u64,
    /// Rows outside the window. What follows the window's end is not read.
    pub outside_window: u64,
    /// Rows that a filter left out.
    pub filtered: u64,
    /// Rows of sessions that the sample left out.
    pub not_sampled: u64,
    /// Rows that another machine plays.
    pub other_shards: u64,
    /// Rows chosen.
    pub chosen: u64,
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl SelectCounts {
    pub(super) fn lap(&self) {
        add(&self.laps);
    }

    pub(super) fn read(&self, placed: &Placed) {
        add(&self.read);
        if placed.out_of_order {
            add(&self.out_of_order);
        }
        if placed.displaced {
            add(&self.displaced);
        }
    }

    pub(super) fn outside_window(&self) {
        add(&self.outside_window);
    }

    pub(super) fn filtered(&self) {
        add(&self.filtered);
    }

    pub(super) fn not_sampled(&self) {
        add(&self.not_sampled);
    }

    pub(super) fn chosen(&self, ours: bool) {
        add(if ours { &self.chosen } else { &self.other_shards });
    }

    /// The counts so far.
    pub(crate) fn selected(&self) -> Selected {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Selected {
            read: load(&self.read),
            laps: load(&self.laps),
            out_of_order: load(&self.out_of_order),
            displaced: load(&self.displaced),
            outside_window: load(&self.outside_window),
            filtered: load(&self.filtered),
            not_sampled: load(&self.not_sampled),
            other_shards: load(&self.other_shards),
            chosen: load(&self.chosen),
        }
    }
}

impl Selected {
    /// The counts of two shards together. Both have read the whole log, so that what was left out before the shards
    /// parted is the same in both and counts once.
    pub(crate) fn with(self, other: Self) -> Self {
        let all = self.chosen.saturating_add(self.other_shards).max(other.chosen.saturating_add(other.other_shards));
        let chosen = self.chosen.saturating_add(other.chosen);
        Self {
            read: self.read.max(other.read),
            laps: self.laps.max(other.laps),
            out_of_order: self.out_of_order.max(other.out_of_order),
            displaced: self.displaced.max(other.displaced),
            outside_window: self.outside_window.max(other.outside_window),
            filtered: self.filtered.max(other.filtered),
            not_sampled: self.not_sampled.max(other.not_sampled),
            other_shards: all.saturating_sub(chosen),
            chosen,
        }
    }
}
