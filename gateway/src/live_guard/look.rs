//! One look at one lane.

use super::act;
use crate::lane::Lane;
use crate::replicas::{LiveShare, Replicas};
use crate::routing::WeightBp;
use crate::state::Shared;
use judge::live::{Tallied, WINDOW_BLOCKS};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Counts, judges, and acts on an alarm.
pub(super) async fn look(shared: &Shared, lane: &Arc<Lane>) {
    let Some(migration) = lane.migration.as_ref().filter(|migration| migration.live_guard.enabled) else { return };
    let owed = lane.watch.beside().owed.clone();
    if let Some(owed) = owed {
        act::pay(shared, lane, &owed).await;
        return;
    }
    let snapshot = lane.snapshot();
    let news = lane.watch.beside().rungs.observe(snapshot);
    if snapshot.weights.candidate == WeightBp::ZERO {
        return;
    }
    let (own, refused_in_a_row) = lane.watch.counted(snapshot.epoch);
    if let Some(replicas) = &shared.replicas {
        exchange(replicas, lane, snapshot.epoch, &own, news).await;
    }
    let alarm = {
        let mut beside = lane.watch.beside();
        let mut sum = own;
        beside.others.values().for_each(|other| sum.merge(other));
        let apart = if beside.apart { 1 + u32::try_from(beside.others.len()).unwrap_or(u32::MAX - 1) } else { 1 };
        lane.watch.reach(snapshot.epoch, sum.blocks() / WINDOW_BLOCKS);
        beside.judged_epoch = snapshot.epoch;
        beside.standing = migration.live_guard.rules.judge(&sum, refused_in_a_row, apart);
        beside.sum = sum;
        beside.standing.alarm.clone()
    };
    if let Some(alarm) = alarm {
        act::raise(shared, lane, snapshot, &alarm).await;
    }
}

/// Tells the other replicas what this one has counted, and takes what they have.
async fn exchange(replicas: &Replicas, lane: &Lane, epoch: u64, own: &Tallied, news: bool) {
    let rungs = {
        let beside = lane.watch.beside();
        (news || !beside.rungs.is_empty()).then(|| beside.rungs.to_text())
    };
    let told = replicas.share_live(lane.name(), epoch, LiveShare { counts: own, rungs }).await;
    let mut beside = lane.watch.beside();
    if beside.others_epoch != epoch {
        beside.others.clear();
        beside.others_epoch = epoch;
    }
    beside.apart = told.is_err();
    let Ok((others, rungs)) = told else { return };
    beside.others = others;
    if let Some(rungs) = rungs {
        beside.learn(&rungs);
    }
    let replicas = 1 + u32::try_from(beside.others.len()).unwrap_or(u32::MAX - 1);
    lane.watch.replicas.store(replicas, Ordering::Relaxed);
}
