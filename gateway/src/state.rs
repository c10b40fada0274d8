//! What handlers share. A handler loads the snapshot once; a weight change makes a new one.

use crate::config::Config;
use crate::recorder::Recorder;
use crate::routing::{WeightBp, Weights};
use crate::shadow::Mirror;
use crate::upstream::Upstream;
use arc_swap::ArcSwap;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use wire::price::Tariffs;

/// Weight changes that the audit remembers; the oldest is forgotten first.
const AUDIT_ENTRIES_MAX: usize = 1000;

/// The part that changes while running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Number of the time of constant weight: the millisecond in which it began, or one more than the last.
    pub epoch: u64,
    pub weights: Weights,
}

/// One weight change.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct AuditEntry {
    pub at: String,
    pub migration: String,
    pub from_percent: f64,
    pub to_percent: f64,
    pub epoch: u64,
    pub reason: String,
}

/// Everything that handlers share.
pub(crate) struct Shared {
    pub config: Config,
    pub tariffs: Tariffs,
    pub snapshot: ArcSwap<Snapshot>,
    pub audit: Mutex<VecDeque<AuditEntry>>,
    pub baseline: Upstream,
    pub candidate: Upstream,
    pub mirror: Mirror,
    pub recorder: Recorder,
    pub permits: Arc<Semaphore>,
    /// Cancelled when the gateway begins to stop: no longer ready.
    pub stopping: CancellationToken,
    /// Cancelled when open answers must end now.
    pub cut: CancellationToken,
    /// The same for mirrored copies.
    pub cut_mirror: CancellationToken,
    /// Cancelled last: the admin plane tells how the stop goes on.
    pub gone: CancellationToken,
}

impl Shared {
    /// Sets the weight if `expected` is still the epoch; returns the new snapshot, or the one in force.
    pub(crate) fn change_weight(
        &self,
        expected: u64,
        weight: WeightBp,
        reason: &str,
        now_us: i64,
    ) -> Result<Snapshot, Snapshot> {
        // The lock orders changes; readers of the snapshot never wait for it.
        let mut audit = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
        let old = **self.snapshot.load();
        if old.epoch != expected {
            return Err(old);
        }
        let new = Snapshot {
            epoch: next_epoch(old.epoch, now_us),
            weights: Weights { candidate: weight, shadow: old.weights.shadow },
        };
        self.snapshot.store(Arc::new(new));
        let entry = AuditEntry {
            at: jiff::Timestamp::from_microsecond(now_us).unwrap_or_default().to_string(),
            migration: self.config.migration.name.clone(),
            from_percent: old.weights.candidate.percent(),
            to_percent: weight.percent(),
            epoch: new.epoch,
            reason: reason.to_owned(),
        };
        tracing::info!(from = entry.from_percent, to = entry.to_percent, epoch = entry.epoch, reason, "weight changed");
        if audit.len() == AUDIT_ENTRIES_MAX {
            audit.pop_front();
        }
        audit.push_back(entry);
        Ok(new)
    }
}

/// The epoch that follows: the millisecond of its beginning, or one more than the last. So it grows over restarts too,
/// unless the clock was set back.
pub(crate) fn next_epoch(last: u64, now_us: i64) -> u64 {
    u64::try_from(now_us / 1000).unwrap_or(0).max(last + 1)
}

#[cfg(test)]
mod tests {
    use super::next_epoch;

    #[test]
    fn epochs_grow_even_within_a_millisecond_or_with_a_clock_set_back() {
        assert_eq!(next_epoch(0, 1_700_000_000_500_900), 1_700_000_000_500);
        assert_eq!(next_epoch(1_700_000_000_500, 1_700_000_000_500_950), 1_700_000_000_501);
        assert_eq!(next_epoch(1_700_000_000_501, -5), 1_700_000_000_502);
    }
}
