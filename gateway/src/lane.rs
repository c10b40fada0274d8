//! One migration at work: its providers, and the weights in force.

use crate::admin::ShadowPause;
use crate::config::{Migration, ProviderConfig};
use crate::live_guard::Watch;
use crate::routing::{WeightBp, Weights};
use crate::upstream::{Upstream, UpstreamError};
use arc_swap::{ArcSwap, ArcSwapOption};
use datasets::NO_MIGRATION;
use std::sync::Arc;
use wire::provider::Adapter;

/// The part that changes while running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Number of the time of constant weight: the millisecond in which it began, or one more than the last.
    pub epoch: u64,
    pub weights: Weights,
}

/// A provider as the gateway reaches it. Serving and mirroring have connections and limits of their own, so that nothing
/// is shared between them.
pub(crate) struct Link {
    pub config: ProviderConfig,
    pub serve: Upstream,
    pub mirror: Upstream,
}

impl Link {
    pub(crate) fn new(config: ProviderConfig) -> Result<Self, UpstreamError> {
        let (serve, mirror) = (Upstream::new(config.clone())?, Upstream::new(config.clone())?);
        Ok(Self { config, serve, mirror })
    }

    pub(crate) fn adapter(&self) -> &'static dyn Adapter {
        self.config.kind.adapter()
    }

    /// The provider's name in records, prices and metrics.
    pub(crate) const fn provider(&self) -> &'static str {
        self.config.kind.name()
    }
}

/// See the module's text. Traffic that no migration takes has a lane without a candidate.
pub(crate) struct Lane {
    /// `None` for traffic that no migration takes.
    pub migration: Option<Migration>,
    pub baseline: Arc<Link>,
    pub candidate: Option<Arc<Link>>,
    snapshot: ArcSwap<Snapshot>,
    /// Shared with the lane that follows this one: what somebody has paused stays so.
    pause: Arc<ArcSwapOption<ShadowPause>>,
    /// The live guard, shared with the lane that follows this one, too.
    pub watch: Arc<Watch>,
}

impl Lane {
    /// `before` is the lane of the same migration that this one follows.
    pub(crate) fn new(
        migration: Migration,
        baseline: Arc<Link>,
        candidate: Arc<Link>,
        snapshot: Snapshot,
        before: Option<&Self>,
    ) -> Self {
        Self {
            migration: Some(migration),
            baseline,
            candidate: Some(candidate),
            snapshot: ArcSwap::from_pointee(snapshot),
            pause: before.map(|before| Arc::clone(&before.pause)).unwrap_or_default(),
            watch: before.map(|before| Arc::clone(&before.watch)).unwrap_or_default(),
        }
    }

    /// The lane of what no migration takes.
    pub(crate) fn plain(baseline: Arc<Link>, epoch: u64) -> Self {
        let weights = Weights { candidate: WeightBp::ZERO, shadow: WeightBp::ZERO };
        Self {
            migration: None,
            baseline,
            candidate: None,
            snapshot: ArcSwap::from_pointee(Snapshot { epoch, weights }),
            pause: Arc::default(),
            watch: Arc::default(),
        }
    }

    /// The migration's name, `none` for traffic that no migration takes.
    pub(crate) fn name(&self) -> &str {
        self.migration.as_ref().map_or(NO_MIGRATION, |migration| &migration.name)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        **self.snapshot.load()
    }

    /// Whether copies are offered to nobody at the moment. Takes no lock: it is asked with every request.
    pub(crate) fn is_paused(&self) -> bool {
        self.pause.load().is_some()
    }

    /// Since when and why copies are offered to nobody.
    pub(crate) fn pause(&self) -> Option<ShadowPause> {
        self.pause.load().as_deref().cloned()
    }

    /// Pauses copies, or offers them again. Callers hold the lock that orders changes.
    pub(crate) fn set_pause(&self, pause: Option<ShadowPause>) {
        self.pause.store(pause.map(Arc::new));
    }

    /// Puts weights in force that were decided elsewhere. Callers hold the lock that orders changes.
    pub(crate) fn put(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
    }

    /// Begins an epoch with another weight. Callers hold the lock that orders changes.
    pub(crate) fn set_weight(&self, candidate: WeightBp, now_us: i64) -> Snapshot {
        let old = self.snapshot();
        let weights = Weights { candidate, ..old.weights };
        let new = Snapshot { epoch: next_epoch(old.epoch, now_us), weights };
        self.snapshot.store(Arc::new(new));
        new
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
