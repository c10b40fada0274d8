//! The tasks that follow Redis: one listens for messages, one reads.
//!
//! A message carries nothing: it only says that reading is worth while now. So a lost message costs one interval, a forged
//! one costs one read, and many at once cost no more than the reads that fit one after another.

use super::Replicas;
use super::document::Stamp;
use super::pause::{self, SharedPause};
use super::store::{Function, StoreError};
use super::weight::{Fields, SharedWeight, Step, step};
use crate::admin::audit::Note;
use crate::plane::Plane;
use crate::state::Shared;
use futures_util::StreamExt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::task::TaskTracker;

/// How often Redis is tried before a gateway that starts serves without it.
const FIRST_TRIES: usize = 3;
/// How often a replica says that it lives.
const BEAT_INTERVAL: Duration = Duration::from_secs(2);
/// How long a replica is remembered that does not say so any more.
const BEAT_KEPT: Duration = Duration::from_secs(20);
/// How often metrics learn what is left of quotas.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// How often it is said that Redis answers with errors.
const TELL_INTERVAL: Duration = Duration::from_secs(10);
/// How often weights are kept from being forgotten.
const KEEP_INTERVAL: Duration = Duration::from_secs(600);

/// Joins the other replicas, waiting for Redis no longer than a few deadlines, and starts the tasks.
pub(crate) async fn start_tasks(shared: &Arc<Shared>, tasks: &TaskTracker) {
    let Some(replicas) = &shared.replicas else { return };
    replicas.assume(&shared.plane.load());
    let mut first = Round::default();
    for _ in 0..FIRST_TRIES {
        first.run(shared, replicas).await;
        if replicas.store.is_up() {
            break;
        }
    }
    if let Err(error) = shared.callers.refresh(crate::clock::now_us()).await {
        tracing::error!(%error, "of keys only those of the configuration are known");
    }
    if !replicas.store.is_up() {
        tracing::error!("Redis does not answer: weights are those of the file until it does");
    }
    let (shared, listening) = (Arc::clone(shared), Arc::clone(replicas));
    let gone = shared.gone.clone();
    tasks.spawn(async move { gone.run_until_cancelled_owned(listen(listening)).await });
    let (watching, gone) = (Arc::clone(replicas), shared.gone.clone());
    tasks.spawn(async move {
        let watch = async {
            loop {
                // Whichever comes first; a message that comes while reading is kept.
                drop(tokio::time::timeout(watching.config.poll_interval, watching.heard.notified()).await);
                first.run(&shared, &watching).await;
            }
        };
        gone.run_until_cancelled(watch).await;
    });
}

/// Listens for messages, and subscribes again whenever the connection ends or Redis has been away.
async fn listen(replicas: Arc<Replicas>) {
    let mut returns = replicas.store.returns();
    loop {
        returns.mark_unchanged();
        if let Ok(Ok(mut messages)) = tokio::time::timeout(2 * replicas.store.timeout(), subscribe(&replicas)).await {
            loop {
                tokio::select! {
                    message = messages.next() => match message {
                        Some(_) => replicas.heard.notify_one(),
                        None => break,
                    },
                    changed = returns.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    },
                }
            }
        }
        tokio::time::sleep(replicas.config.poll_interval).await;
    }
}

async fn subscribe(replicas: &Replicas) -> Result<redis::aio::PubSubStream, redis::RedisError> {
    let mut subscription = replicas.store.client().get_async_pubsub().await?;
    subscription.subscribe(replicas.store.channel()).await?;
    Ok(subscription.into_on_message())
}

/// A migration's weight as it stands in Redis; an error is what nobody understands.
type Read = Result<Option<SharedWeight>, ()>;

/// The same of its mirror's pause.
type ReadPause = Result<Option<SharedPause>, ()>;

/// Everything that is shared, of the migrations in the order of the plane.
struct Probed {
    weights: Vec<Read>,
    pauses: Vec<ReadPause>,
    keys: KeyStamp,
}

/// Which keys Redis has.
type KeyStamp = Result<Option<Stamp>, StoreError>;

/// What the watching task remembers between two reads.
#[derive(Default)]
struct Round {
    beaten: Option<Instant>,
    kept: Option<Instant>,
    looked: Option<Instant>,
    told: Option<Instant>,
}

/// Whether it is time again; if so, it is noted as done.
fn is_due(last: &mut Option<Instant>, interval: Duration, now: Instant) -> bool {
    let due = last.is_none_or(|last| now.saturating_duration_since(last) >= interval);
    if due {
        *last = Some(now);
    }
    due
}

impl Round {
    async fn run(&mut self, shared: &Shared, replicas: &Replicas) {
        let now = Instant::now();
        let plane = shared.plane.load_full();
        let read = replicas.probe(&plane, is_due(&mut self.kept, KEEP_INTERVAL, now)).await;
        replicas.heard_from(read.is_ok(), Instant::now());
        match read {
            Ok(Probed { weights, pauses, keys }) => {
                // A stamp that cannot be read is an error of whoever reads the keys.
                if keys.map_or(true, |keys| replicas.keys.differs(keys.as_ref())) {
                    replicas.other_keys.notify_one();
                }
                if let Err(error) = follow(shared, replicas, &plane, (&weights, pauses)).await {
                    tracing::warn!(%error, "weights are not yet those of the other replicas");
                }
                replicas.catch_up().await;
                let rules = &plane.config.quotas.rules;
                if !rules.is_empty() && is_due(&mut self.looked, LOOK_INTERVAL, now) {
                    let limits: Vec<_> = rules.iter().flat_map(|rule| &rule.limits).collect();
                    // Counted where it fails; metrics tell what was last known.
                    drop(shared.quotas.store().look(crate::clock::now_us(), &limits).await);
                }
                if is_due(&mut self.beaten, BEAT_INTERVAL, now) {
                    // Counted where it fails; a beat that is missed is not missed by anybody.
                    drop(replicas.beat().await);
                }
            }
            Err(error) => {
                match &error {
                    // A key of another type spoils the whole round trip, and nothing says which one it is.
                    StoreError::Refused(_) if is_due(&mut self.told, TELL_INTERVAL, now) => tracing::error!(
                        %error,
                        keys = replicas.store.key("*"),
                        "Redis holds something that this program did not write: the last weights stay; delete the key, \
                         and it is written back"
                    ),
                    _ => tracing::debug!(%error, "Redis was not read"),
                }
                self.kept = None;
                let _order = shared.changes.lock().await;
                replicas.stand_in(&shared.plane.load(), Instant::now(), crate::clock::now_us());
            }
        }
    }
}

/// Puts in force what was read, and gives Redis back what it has lost.
async fn follow(
    shared: &Shared,
    replicas: &Replicas,
    read_for: &Arc<Plane>,
    (stored, pauses): (&[Read], Vec<ReadPause>),
) -> Result<(), StoreError> {
    // Changes and reloads wait meanwhile, so what is put in force here is not older than what they do.
    let _order = shared.changes.lock().await;
    let plane = shared.plane.load_full();
    if !Arc::ptr_eq(&plane, read_for) {
        return Ok(()); // Replaced meanwhile: the next read is for the new one.
    }
    let now_us = crate::clock::now_us();
    let mut joins = false;
    for (lane, stored) in plane.lanes.iter().zip(stored) {
        if replicas.holds(lane.name()) {
            continue;
        }
        let Some(known) = replicas.known(lane.name()) else {
            joins = true;
            continue;
        };
        let Ok(stored) = stored else {
            replicas.store.failed(Function::Weights);
            tracing::error!(
                migration = lane.name(),
                key = replicas.weight_key(lane.name()),
                "Redis holds no weight that this program understands: delete the key, and it is written back"
            );
            continue;
        };
        match step(&known, stored.as_ref()) {
            Step::Keep => replicas.put(lane, &known.weight),
            Step::Take(weight) => replicas.put(lane, &weight),
            Step::Offer => {
                let note = Note::gateway("written back: Redis had lost it");
                let agreed = replicas.offer(lane.name(), &known.weight, note, now_us, false).await?;
                replicas.put(lane, &agreed);
            }
            Step::Join => joins = true,
        }
    }
    for (lane, stored) in plane.lanes.iter().zip(pauses) {
        match stored {
            Ok(stored) => replicas.follow_pause(lane, stored).await?,
            Err(()) => {
                replicas.store.failed(Function::Weights);
                tracing::error!(
                    migration = lane.name(),
                    key = replicas.pause_key(lane.name()),
                    "Redis holds no pause that this program understands: delete the key"
                );
            }
        }
    }
    if joins { replicas.join_late(&plane, now_us).await } else { Ok(()) }
}

impl Replicas {
    /// Reads everything that is shared, in one round trip, whether Redis counts as away or not.
    async fn probe(&self, plane: &Plane, keep: bool) -> Result<Probed, StoreError> {
        let mut commands = redis::pipe();
        for lane in &plane.lanes {
            commands.cmd("HMGET").arg(self.weight_key(lane.name())).arg(SharedWeight::FIELDS.as_slice());
        }
        for lane in &plane.lanes {
            commands.cmd("HMGET").arg(self.pause_key(lane.name())).arg(pause::FIELDS.as_slice());
        }
        if keep {
            self.keep(plane, &mut commands);
        }
        self.keys.ask(self, &mut commands);
        let mut values: Vec<Fields> = self.store.probe(Function::Watch, &commands).await?;
        let keys = values.pop().unwrap_or_default();
        let pauses = values.split_off(plane.lanes.len().min(values.len()));
        Ok(Probed {
            weights: values.iter().map(|fields| SharedWeight::read(fields)).collect(),
            pauses: pauses.iter().map(|fields| SharedPause::read(fields)).collect(),
            keys: Stamp::parse(&keys),
        })
    }

    /// Says that this replica lives; returns all that do, and how many milliseconds ago each was heard.
    pub(super) async fn beat(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut call = self.beat.prepare_invoke();
        call.key(self.store.key("replicas"))
            .arg(self.name.as_str())
            .arg(u64::try_from(BEAT_KEPT.as_millis()).unwrap_or(0));
        let alive: Vec<(String, u64)> = self.store.run(Function::Watch, &call).await?;
        let names = alive.iter().map(|(name, _)| name.clone()).collect();
        *self.alive.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = names;
        Ok(alive)
    }
}
