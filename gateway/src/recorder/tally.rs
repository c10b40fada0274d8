//! What became of the records, in numbers.

use super::queue::Priority;
use datasets::WriteError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What became of the records. Every record is in exactly one of `written`, `waiting` and the five reasons of loss,
/// except for the batch that is being written at the moment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RecorderCounts {
    /// In the file.
    pub written: u64,
    /// In the queue.
    pub waiting: u64,
    /// Refused because the queue was full: served requests.
    pub dropped_served: u64,
    /// Refused because the queue was too full: shadow copies.
    pub dropped_shadow: u64,
    /// Lost because the disk refused them, or because the queue was full while it did.
    pub lost: u64,
    /// Longer than a line may be, or than the queue.
    pub too_long: u64,
    /// Not to be written as JSON; a bug.
    pub not_serialised: u64,
    /// The disk takes what it is given.
    pub healthy: bool,
    /// What the disk said, last; stays after it has recovered.
    pub disk_error: Option<String>,
    /// Files that were closed because of their size or age.
    pub parts_closed: u64,
    /// Closed files that were deleted because more were there than are to be kept.
    pub parts_deleted: u64,
}

/// The counters behind it.
#[derive(Default)]
pub(super) struct Tally {
    written: AtomicU64,
    dropped_served: AtomicU64,
    dropped_shadow: AtomicU64,
    lost: AtomicU64,
    too_long: AtomicU64,
    not_serialised: AtomicU64,
    sick: AtomicBool,
    parts_closed: AtomicU64,
    parts_deleted: AtomicU64,
    disk_error: Mutex<Option<String>>,
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

impl Tally {
    pub(super) fn written(&self, lines: u64) {
        add(&self.written, lines);
    }

    pub(super) fn lost(&self, lines: u64) {
        add(&self.lost, lines);
    }

    pub(super) fn too_long(&self) {
        add(&self.too_long, 1);
    }

    pub(super) fn not_serialised(&self) {
        add(&self.not_serialised, 1);
    }

    pub(super) fn part_closed(&self) {
        add(&self.parts_closed, 1);
    }

    pub(super) fn part_deleted(&self) {
        add(&self.parts_deleted, 1);
    }

    /// The queue had no room: for want of speed, or because the disk takes nothing.
    pub(super) fn refused(&self, priority: Priority) {
        let counter = match priority {
            _ if self.sick.load(Ordering::Relaxed) => &self.lost,
            Priority::Served => &self.dropped_served,
            Priority::Shadow => &self.dropped_shadow,
        };
        add(counter, 1);
    }

    /// The disk takes nothing. Said once, however often it is tried.
    pub(super) fn sick(&self, error: &WriteError) {
        self.disk_error(error);
        if !self.sick.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "records wait for the disk and are lost once the queue is full; traffic goes on");
        }
    }

    pub(super) fn recovered(&self) {
        if self.sick.swap(false, Ordering::Relaxed) {
            let lost = self.lost.load(Ordering::Relaxed);
            tracing::info!(lost, "the disk takes records again");
        }
    }

    pub(super) fn healthy(&self) -> bool {
        !self.sick.load(Ordering::Relaxed)
    }

    /// What the disk said.
    pub(super) fn disk_error(&self, error: &WriteError) {
        *self.disk_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
    }

    pub(super) fn counts(&self, waiting: usize) -> RecorderCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RecorderCounts {
            written: load(&self.written),
            waiting: waiting as u64,
            dropped_served: load(&self.dropped_served),
            dropped_shadow: load(&self.dropped_shadow),
            lost: load(&self.lost),
            too_long: load(&self.too_long),
            not_serialised: load(&self.not_serialised),
            healthy: self.healthy(),
            disk_error: self.disk_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            parts_closed: load(&self.parts_closed),
            parts_deleted: load(&self.parts_deleted),
        }
    }
}
