//! Several gateways as one: weight, audit, keys and quotas have one home, Redis, and every replica follows it.
//!
//! What changes seldom (weights, keys) is read by a task of each replica: at once when a message says that something
//! changed, and every `redis.poll_interval` in case the message was lost. The path of requests never asks Redis for it.
//! What is used with every request (quotas) is asked for there, by one script each, with a deadline.
//!
//! A weight is changed by a script that compares the epoch, so two replicas cannot undo each other unseen, and by nobody
//! while Redis is away: a change that others cannot hear of is none.

mod change;
mod document;
mod lease;
mod ledger;
mod live;
mod pause;
mod routes;
mod shape;
mod store;
mod watch;
mod weight;

pub(crate) use change::Changed;
pub(crate) use ledger::Spent;
pub(crate) use live::LiveShare;
pub(crate) use routes::routes;
pub(crate) use store::{FUNCTIONS, StoreCounts, StoreError};
pub(crate) use watch::start_tasks;

use crate::config::{KeysOnLoss, QuotasOnLoss, Redis, WeightsOnLoss};
use crate::lane::{Lane, next_epoch};
use crate::plane::Plane;
use crate::problem::Problem;
use crate::routing::{WeightBp, Weights};
use redis::{RedisError, Script};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use store::Store;
use tokio::sync::Notify;
use weight::{Known, Origin, SharedWeight};

/// What clients are told whose keys cannot be looked up.
const KEYS_UNKNOWN: &str = "cannot look keys up just now";

/// One replica's side of what is shared.
pub(crate) struct Replicas {
    config: Redis,
    /// This replica's name in the audit.
    name: String,
    store: Store,
    change: Script,
    offer: Script,
    pause: Script,
    lease: Script,
    beat: Script,
    ledger: Script,
    /// Consumers and their keys.
    keys: document::SharedDocument,
    /// Redis has others than were read.
    other_keys: Notify,
    /// Settlements that Redis could not be told of.
    backlog: ledger::Backlog,
    known: Mutex<BTreeMap<String, Known>>,
    /// Which mirrors are paused, as Redis has said.
    pauses: Mutex<BTreeMap<String, pause::SharedPause>>,
    /// Lanes that serve the baseline until an alarm's rollback is told.
    held: Mutex<std::collections::BTreeSet<String>>,
    /// This process, among those that share counts.
    process: String,
    /// Names of the replicas that lived at the last beat.
    alive: Mutex<Vec<String>>,
    /// Since when Redis has not answered.
    lost_since: Mutex<Option<Instant>>,
    /// Somebody said that something changed.
    heard: Notify,
}

impl std::fmt::Debug for Replicas {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Replicas").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Replicas {
    /// Sets up a replica; `port` tells replicas of one host apart that have no name of their own. Must be called inside
    /// the runtime; nothing is sent yet.
    ///
    /// # Errors
    /// The address is none that can be used.
    pub(crate) fn new(config: &Redis, port: u16, started: Instant) -> Result<Self, RedisError> {
        Ok(Self {
            name: config.name.clone().unwrap_or_else(|| format!("{}:{port}", config.host)),
            store: Store::new(config)?,
            config: config.clone(),
            change: Script::new(include_str!("replicas/lua/change.lua")),
            offer: Script::new(include_str!("replicas/lua/offer.lua")),
            pause: Script::new(include_str!("replicas/lua/pause.lua")),
            lease: Script::new(include_str!("replicas/lua/lease.lua")),
            beat: Script::new(include_str!("replicas/lua/beat.lua")),
            ledger: Script::new(include_str!("replicas/lua/quota.lua")),
            keys: document::SharedDocument::new("keys"),
            other_keys: Notify::new(),
            backlog: ledger::Backlog::default(),
            known: Mutex::default(),
            pauses: Mutex::default(),
            held: Mutex::default(),
            process: uuid::Uuid::now_v7().to_string(),
            alive: Mutex::default(),
            // Until the first answer it is lost.
            lost_since: Mutex::new(Some(started)),
            heard: Notify::new(),
        })
    }

    /// This replica's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn counts(&self) -> StoreCounts {
        self.store.counts()
    }

    /// Whether keys may be looked up.
    ///
    /// # Errors
    /// 503 while no key may be good, because a revocation could not be heard.
    pub(crate) fn may_look_keys_up(&self) -> Result<(), Problem> {
        if self.config.on_loss.keys == KeysOnLoss::Refuse && self.is_lost(Instant::now()) {
            return Err(Problem::busy(KEYS_UNKNOWN));
        }
        Ok(())
    }

    /// Whether the shared keys are known, be they of a while ago.
    ///
    /// # Errors
    /// 503 where Redis has never said what it has.
    pub(crate) fn knows_keys(&self) -> Result<(), Problem> {
        if self.keys.was_read() { Ok(()) } else { Err(Problem::busy(KEYS_UNKNOWN)) }
    }

    /// Whether each replica counts for itself while Redis is away.
    pub(crate) fn counts_quotas_locally(&self) -> bool {
        self.config.on_loss.quotas == QuotasOnLoss::Local
    }

    /// Waits until the watching task sees other keys than those that were read.
    pub(crate) async fn keys_changed(&self) {
        self.other_keys.notified().await;
    }

    /// Whether Redis has been away for longer than is borne.
    fn is_lost(&self, now: Instant) -> bool {
        let since = *self.lost_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| now.saturating_duration_since(since) >= self.config.lost_after)
    }

    fn heard_from(&self, answered: bool, now: Instant) {
        let mut since = self.lost_since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = if answered { None } else { since.or(Some(now)) };
    }

    /// The document of consumers and keys; `None` if there is none.
    ///
    /// # Errors
    /// Redis did not say.
    pub(crate) async fn read_keys(&self) -> Result<Option<Arc<[u8]>>, StoreError> {
        self.keys.read(self).await
    }

    /// Keeps `new` as the document of consumers and keys if it is still `expected`, and says whether it did.
    ///
    /// # Errors
    /// Redis did not do it, or did not say so.
    pub(crate) async fn swap_keys(&self, expected: Option<&[u8]>, new: &[u8]) -> Result<bool, StoreError> {
        self.keys.swap(self, expected, new).await
    }

    /// Gives Redis the consumers and keys of a file, if nobody has given it any yet.
    ///
    /// # Errors
    /// Redis did not do it, or did not say so.
    pub(crate) async fn seed_keys(&self, text: &[u8]) -> Result<(), StoreError> {
        self.keys.seed(self, text).await
    }

    /// Names of the replicas that live, as Redis said with the last beat.
    pub(crate) fn alive(&self) -> Vec<String> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn known(&self, migration: &str) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(migration).cloned()
    }

    fn learn(&self, migration: &str, weight: SharedWeight) {
        let known = Known { weight, is_settled: true };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(migration.to_owned(), known);
    }

    /// Takes the weights of the files for what they are: all that is known so far.
    fn assume(&self, plane: &Plane) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|name, _| plane.lane(name).is_some());
        for lane in &plane.lanes {
            known
                .entry(lane.name().to_owned())
                .or_insert_with(|| Known { weight: own(plane, lane, Origin::File), is_settled: false });
        }
    }

    /// Puts a shared weight in force.
    fn put(&self, lane: &Lane, weight: &SharedWeight) {
        let shadow = lane.snapshot().weights.shadow;
        let snapshot = weight.snapshot(shadow);
        if lane.snapshot() != snapshot {
            lane.put(snapshot);
            tracing::info!(
                migration = lane.name(),
                epoch = weight.epoch,
                to = weight.weight.percent(),
                "the shared weight is in force"
            );
        }
        self.learn(lane.name(), weight.clone());
    }

    /// While Redis is lost, where the configuration says so: the baseline serves everything, in an epoch of this replica's
    /// own, which is never offered to anybody.
    fn stand_in(&self, plane: &Plane, now: Instant, now_us: i64) {
        if self.config.on_loss.weights != WeightsOnLoss::Baseline || !self.is_lost(now) {
            return;
        }
        for lane in &plane.lanes {
            let old = lane.snapshot();
            if old.weights.candidate != WeightBp::ZERO {
                tracing::error!(migration = lane.name(), "Redis is lost: the baseline serves everything");
                let weights = Weights { candidate: WeightBp::ZERO, ..old.weights };
                lane.put(crate::lane::Snapshot { epoch: next_epoch(old.epoch, now_us), weights });
            }
        }
    }
}

/// The weight that a lane has by itself.
fn own(plane: &Plane, lane: &Lane, origin: Origin) -> SharedWeight {
    let snapshot = lane.snapshot();
    SharedWeight {
        epoch: snapshot.epoch,
        weight: snapshot.weights.candidate,
        file: lane.migration.as_ref().map_or(WeightBp::ZERO, |migration| migration.weight),
        shape: shape::of(plane, lane),
        origin,
    }
}

#[cfg(test)]
#[path = "../../tests/e2e/redis_server.rs"]
pub(crate) mod redis_server;

#[cfg(test)]
mod tests;
