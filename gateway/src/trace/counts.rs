//! What became of the spans: each is exported, or dropped for one reason.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a span was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The queue was full.
    QueueFull,
    /// The collector could not be reached, or refused the export.
    Export,
    /// The collector took the export without it.
    Rejected,
    /// The gateway stopped before it was exported.
    Stopped,
}

const REASONS: [(Lost, &str); 4] = [
    (Lost::QueueFull, "queue_full"),
    (Lost::Export, "export_failed"),
    (Lost::Rejected, "rejected"),
    (Lost::Stopped, "stopped"),
];

/// Counters that everybody writes to.
#[derive(Debug, Default)]
pub(super) struct Counts {
    exported: AtomicU64,
    dropped: [AtomicU64; REASONS.len()],
}

/// The numbers of a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SpanCounts {
    /// Taken by the collector.
    pub exported: u64,
    /// By reason.
    pub dropped: Vec<(&'static str, u64)>,
}

impl Counts {
    pub(super) fn lost(&self, why: Lost, spans: u64) {
        for ((reason, _), counter) in REASONS.iter().zip(&self.dropped) {
            if *reason == why {
                counter.fetch_add(spans, Ordering::Relaxed);
            }
        }
    }

    /// Spans of an export that is under way.
    pub(super) fn may_lose(self: &Arc<Self>, spans: u64) -> AtStake {
        AtStake { counts: Arc::clone(self), spans }
    }

    pub(super) fn read(&self) -> SpanCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SpanCounts {
            exported: load(&self.exported),
            dropped: REASONS.iter().zip(&self.dropped).map(|((_, name), counter)| (*name, load(counter))).collect(),
        }
    }
}

/// Spans of which nobody knows yet what becomes of them; they have stopped with the gateway if nobody ever says.
#[derive(Debug)]
pub(super) struct AtStake {
    counts: Arc<Counts>,
    spans: u64,
}

impl AtStake {
    /// So many were lost for this reason, the others were exported.
    pub(super) fn turned_out(&mut self, why: Lost, lost: u64) {
        let spans = std::mem::take(&mut self.spans);
        self.counts.lost(why, lost);
        self.counts.exported.fetch_add(spans.saturating_sub(lost), Ordering::Relaxed);
    }
}

impl Drop for AtStake {
    fn drop(&mut self) {
        self.counts.lost(Lost::Stopped, self.spans);
    }
}
