//! What an alarm does.

use super::Owed;
use super::watch::AlarmShown;
use crate::admin::audit::{self, Note, What, Who};
use crate::lane::{Lane, Snapshot, next_epoch};
use crate::routing::{WeightBp, Weights};
use crate::state::{NotChanged, Shared};
use judge::live::Alarm;
use std::time::Duration;

/// How long a rollback waits for its turn and for Redis before this replica serves the baseline itself.
const PATIENCE: Duration = Duration::from_millis(300);

/// Lowers the weight, and says why.
pub(super) async fn raise(shared: &Shared, lane: &Lane, judged: Snapshot, alarm: &Alarm) {
    let Some(migration) = &lane.migration else { return };
    let now_us = crate::clock::now_us();
    let why = alarm.to_string();
    let from = judged.weights.candidate;
    let target = {
        let mut beside = lane.watch.beside();
        if lane.snapshot().epoch != judged.epoch && lane.snapshot().weights.candidate <= WeightBp::ZERO {
            return; // Somebody has set it to nothing meanwhile.
        }
        beside.rungs.alarmed(from, migration.live_guard.back_to)
    };
    tracing::error!(
        migration = lane.name(),
        alarm = alarm.name(),
        from = from.percent(),
        to = target.percent(),
        epoch = judged.epoch,
        "live guard: {why}"
    );
    let shown = AlarmShown {
        at: audit::at(now_us),
        at_us: now_us,
        alarm: alarm.name().to_owned(),
        why: why.clone(),
        from_percent: from.percent(),
        to_percent: target.percent(),
        epoch: judged.epoch,
    };
    // Before what follows from it, as whoever reads the log expects.
    shared.audit.alarm(lane.name(), &shown);
    let told = lower(shared, lane, target, &why).await;
    {
        let mut beside = lane.watch.beside();
        beside.alarms += 1;
        beside.last = Some(shown.clone());
    }
    shared.messages.alarm(migration, &shown, lane.snapshot().epoch, told);
}

/// Lowers the weight everywhere; where that is not done at once, here, and everywhere as soon as it can be. Whether it is
/// done.
async fn lower(shared: &Shared, lane: &Lane, target: WeightBp, why: &str) -> bool {
    let note = Note { what: What::Rollback, who: Who::LiveGuard, reason: why };
    let lowered = shared.lower_to(lane.name(), target, note, crate::clock::now_us());
    match tokio::time::timeout(PATIENCE, lowered).await {
        Ok(Ok(_)) => return true,
        // A reload has taken the migration away.
        Ok(Err(NotChanged::Unknown)) => return true,
        Ok(Err(NotChanged::Epoch(_) | NotChanged::Home(_) | NotChanged::Fenced)) | Err(_) => {}
    }
    let Some(replicas) = &shared.replicas else {
        // Somebody holds changes up; the next look finds the same counts.
        lane.watch.beside().owed = Some(Owed { target, why: why.to_owned() });
        stand_in(shared, lane).await;
        return false;
    };
    replicas.hold(lane.name());
    lane.watch.beside().owed = Some(Owed { target, why: why.to_owned() });
    stand_in(shared, lane).await;
    tracing::error!(migration = lane.name(), "the other replicas cannot be told: this one serves the baseline");
    false
}

/// The baseline serves everything here, in an epoch of this replica's own.
async fn stand_in(shared: &Shared, lane: &Lane) {
    // In order with other changes where that does not take long; harm does not wait for it.
    let _order = tokio::time::timeout(PATIENCE, shared.changes.lock()).await.ok();
    let old = lane.snapshot();
    if old.weights.candidate != WeightBp::ZERO {
        let weights = Weights { candidate: WeightBp::ZERO, ..old.weights };
        lane.put(Snapshot { epoch: next_epoch(old.epoch, crate::clock::now_us()), weights });
    }
}

/// Tries again to lower the weight everywhere.
pub(super) async fn pay(shared: &Shared, lane: &Lane, owed: &Owed) {
    let note = Note { what: What::Rollback, who: Who::LiveGuard, reason: &owed.why };
    match shared.lower_to(lane.name(), owed.target, note, crate::clock::now_us()).await {
        Ok(_) | Err(NotChanged::Unknown) => {
            if let Some(replicas) = &shared.replicas {
                replicas.let_go(lane.name());
            }
            lane.watch.beside().owed = None;
            tracing::info!(migration = lane.name(), to = owed.target.percent(), "the weight is lowered everywhere");
        }
        Err(NotChanged::Epoch(_) | NotChanged::Home(_) | NotChanged::Fenced) => {}
    }
}
