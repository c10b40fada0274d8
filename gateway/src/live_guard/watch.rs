//! What one lane's guard holds: counts on the path of requests, and what was found out about them beside it.

use super::outcome;
use super::rungs::Rungs;
use crate::exchange::{Context, Leg};
use datasets::Exchange;
use judge::live::{Fresh, Live, Place, Standing, Tallied};
use serde::Serialize;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A request that the guard waits for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watched {
    epoch: u64,
    place: Place,
}

/// The guard of one lane. It outlives a changed configuration.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Held for some additions and never across anything else.
    epochs: Mutex<Epochs>,
    beside: Mutex<Beside>,
    /// Gateways that share the traffic; 0 counts as one.
    pub(super) replicas: AtomicU32,
}

/// Counts of the epoch that began last, and of the one before. Epochs of requests need not grow: while Redis is away this replica
/// may serve in an epoch of its own, whose number is larger than that of the shared one which it comes back to. That one goes on
/// where it was; begun anew it would have its level twice.
#[derive(Debug, Default)]
struct Epochs {
    newest: Option<Live>,
    before: Option<Live>,
}

impl Epochs {
    fn find(&mut self, epoch: u64) -> Option<&mut Live> {
        [self.newest.as_mut(), self.before.as_mut()].into_iter().flatten().find(|live| live.epoch() == epoch)
    }

    /// The counts of an epoch, which begin if it is the one in force.
    fn of(&mut self, epoch: u64, in_force: impl FnOnce() -> u64, begin: impl FnOnce() -> Live) -> Option<&mut Live> {
        if self.find(epoch).is_none() && in_force() == epoch {
            // Seldom: once an epoch.
            self.before = self.newest.replace(begin());
        }
        self.find(epoch)
    }
}

/// What only the guard's task changes.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) rungs: Rungs,
    /// Others' counts, as Redis had them last, by replica.
    pub(super) others: BTreeMap<String, Tallied>,
    pub(super) others_epoch: u64,
    /// Redis did not answer: this replica judges by itself.
    pub(super) apart: bool,
    pub(super) standing: Standing,
    pub(super) sum: Tallied,
    pub(super) judged_epoch: u64,
    /// An alarm whose rollback others have not been told yet.
    pub(super) owed: Option<super::Owed>,
    pub(super) alarms: u64,
    pub(super) last: Option<AlarmShown>,
}

impl Beside {
    /// Takes what another replica knows about safe weights; what cannot be read says nothing.
    pub(super) fn learn(&mut self, text: &str) {
        if let Ok(other) = serde_json::from_str::<Rungs>(text) {
            self.rungs.learn(&other);
        }
    }
}

/// An alarm, as it is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct AlarmShown {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// When, microseconds since the Unix epoch.
    pub at_us: i64,
    /// What raised it.
    pub alarm: String,
    /// Why, as a sentence.
    pub why: String,
    pub from_percent: f64,
    pub to_percent: f64,
    /// The epoch it is about.
    pub epoch: u64,
}

impl Watch {
    /// Takes a request that is about to be sent; `None` where the weight did not draw it, or its epoch is over.
    pub(crate) fn arrived(&self, context: &Context, leg: &Leg) -> Option<Watched> {
        let guard = &context.lane.migration.as_ref()?.live_guard;
        if !guard.enabled || !outcome::is_drawn(leg.role, leg.shadow, context.assignment.by) {
            return None;
        }
        let snapshot = context.snapshot;
        let mut unit = DefaultHasher::new();
        context.unit.hash(&mut unit);
        let fresh = Fresh {
            at_us: context.at_us,
            candidate: leg.arm == datasets::Arm::Candidate,
            streamed: context.streamed,
            unit: unit.finish(),
        };
        let weight = f64::from(snapshot.weights.candidate.bp()) / 10_000.0;
        let begin = || Live::new(snapshot.epoch, weight, self.replicas.load(Ordering::Relaxed).max(1));
        let mut epochs = self.epochs();
        let live = epochs.of(snapshot.epoch, || context.lane.snapshot().epoch, begin)?;
        Some(Watched { epoch: snapshot.epoch, place: live.arrived(fresh) })
    }

    /// Takes its end.
    pub(crate) fn ended(&self, watched: Watched, context: &Context, record: &Exchange) {
        let Some(migration) = &context.lane.migration else { return };
        let ending = outcome::ending(record, &migration.live_guard.rules);
        if let Some(live) = self.epochs().find(watched.epoch) {
            live.ended(watched.place, ending);
        }
    }

    /// Own counts of an epoch, and refusals in a row; nothing where no request of it came.
    pub(super) fn counted(&self, epoch: u64) -> (Tallied, u32) {
        let mut epochs = self.epochs();
        epochs.find(epoch).map_or_else(Default::default, |live| (live.tallied().clone(), live.refused_in_a_row()))
    }

    /// The sum has reached this window.
    pub(super) fn reach(&self, epoch: u64, window: u64) {
        if let Some(live) = self.epochs().find(epoch) {
            live.reach(window);
        }
    }

    fn epochs(&self) -> MutexGuard<'_, Epochs> {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn beside(&self) -> MutexGuard<'_, Beside> {
        self.beside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_that_comes_back_goes_on_where_it_was() {
        let mut epochs = Epochs::default();
        let mut arrive = |epoch: u64, in_force: u64| {
            let live = epochs.of(epoch, || in_force, || Live::new(epoch, 0.5, 1))?;
            let place = live.arrived(Fresh { at_us: 0, candidate: true, streamed: false, unit: 1 });
            live.ended(place, judge::live::Ending::default());
            Some(live.tallied().candidate.requests)
        };
        assert_eq!((arrive(5, 5), arrive(5, 5)), (Some(1), Some(2)));
        // Redis is away: an epoch of this replica's own, and what came before it ends.
        assert_eq!((arrive(9, 9), arrive(5, 9)), (Some(1), Some(3)));
        // It is back.
        assert_eq!((arrive(5, 5), arrive(9, 5)), (Some(4), Some(2)));
        assert_eq!((arrive(4, 5), arrive(10, 10), arrive(5, 10)), (None, Some(1), None), "two are kept");
    }
}
