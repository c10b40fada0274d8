//! The mirror: copies of requests on their way to a provider that nobody waits for. Nothing of it can reach the client.
//!
//! Copies wait in a queue that is bounded in jobs; those that wait and those under way together are bounded in bytes, and
//! all copies of a day in money. One that does not fit is dropped and counted by reason. A fixed number of workers send
//! them through connections, limits and a breaker of their own. What a copy's answer asks for (a tool call) is only read.

use crate::config::Shadow as Bounds;
use crate::exchange::{Context, Leg, Outcome};
use crate::ingress::{error_behind, is_event_stream};
use crate::lane::Link;
use crate::meter::{self, Meter};
use crate::routing::budget::day_of;
use crate::routing::{Budget, Reservation};
use crate::state::Shared;
use crate::ticket::settle;
use crate::upstream::{BreakerState, Refusal, Wish};
use bytes::Bytes;
use datasets::ShadowFate;
use http_body_util::BodyExt;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Instant;
use tokio::sync::{Mutex, mpsc};
use tokio_util::task::TaskTracker;
use wire::ErrorKind;

/// One copy.
pub(crate) struct Job {
    pub path: &'static str,
    pub body: Bytes,
    pub link: Arc<Link>,
    pub context: Arc<Context>,
    pub leg: Leg,
}

/// What became of the copies.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct ShadowCounts {
    /// Handed to the mirror. Each of them is finished, dropped (the candidate was busy, or its breaker had opened by then),
    /// held or abandoned.
    pub accepted: u64,
    /// Sent and recorded, whatever the outcome.
    pub finished: u64,
    /// Never sent, all reasons together.
    pub dropped: u64,
    /// The same by reason.
    pub dropped_by_reason: BTreeMap<&'static str, u64>,
    /// Dropped because the gateway stopped.
    pub abandoned: u64,
    /// Copies that wait or are under way.
    pub held: u64,
    /// Their bytes.
    pub held_bytes: u64,
    /// Spent today, nano-dollars (UTC).
    pub spent_today_nanos: i64,
}

/// Reasons for which [`Mirror::offer`] drops.
const REASONS: [(ShadowFate, &str); 6] = [
    (ShadowFate::QueueFull, "queue_full"),
    (ShadowFate::BytesFull, "bytes_full"),
    (ShadowFate::BudgetSpent, "budget_spent"),
    (ShadowFate::ShuttingDown, "shutting_down"),
    (ShadowFate::BreakerOpen, "breaker_open"),
    (ShadowFate::CandidateBusy, "candidate_busy"),
];

#[derive(Default)]
struct Tally {
    accepted: AtomicU64,
    finished: AtomicU64,
    /// Of the accepted: finished, or dropped by a worker.
    ended: AtomicU64,
    dropped: [AtomicU64; REASONS.len()],
    abandoned: AtomicU64,
}

/// The sending end.
pub(crate) struct Mirror {
    queue: mpsc::Sender<Waiting>,
    bytes_held: Arc<AtomicUsize>,
    bytes_max: usize,
    budget: SyncMutex<Budget>,
    tally: Tally,
}

/// A copy and the money set aside for it.
pub(crate) struct Waiting {
    job: Job,
    reserved: Reservation,
}

/// The receiving end, for [`start_workers`].
pub(crate) type Queue = mpsc::Receiver<Waiting>;

impl Mirror {
    pub(crate) fn new(config: &Bounds) -> (Self, Queue) {
        let (queue, waiting) = mpsc::channel(config.queue_jobs);
        let mirror = Self {
            queue,
            bytes_held: Arc::default(),
            bytes_max: config.queue_bytes,
            budget: SyncMutex::new(Budget::new(config.cost_per_day_max_nanos)),
            tally: Tally::default(),
        };
        (mirror, waiting)
    }

    /// Takes a copy or drops it; never waits. `estimate_nanos` is what it may cost.
    pub(crate) fn offer(&self, job: Job, estimate_nanos: i64) -> ShadowFate {
        let size = job.body.len();
        if job.link.mirror.breaker_state() == BreakerState::Open {
            return self.refuse(0, ShadowFate::BreakerOpen);
        }
        let day = day_of(job.context.at_us);
        let held = self.bytes_held.fetch_add(size, Ordering::Relaxed);
        if held + size > self.bytes_max {
            return self.refuse(size, ShadowFate::BytesFull);
        }
        let Some(reserved) = self.budget().reserve(day, estimate_nanos) else {
            return self.refuse(size, ShadowFate::BudgetSpent);
        };
        let refused = match self.queue.try_send(Waiting { job, reserved }) {
            Ok(()) => {
                self.tally.accepted.fetch_add(1, Ordering::Relaxed);
                return ShadowFate::Sent;
            }
            Err(mpsc::error::TrySendError::Full(_)) => ShadowFate::QueueFull,
            Err(mpsc::error::TrySendError::Closed(_)) => ShadowFate::ShuttingDown,
        };
        self.budget().settle(reserved, 0);
        self.refuse(size, refused)
    }

    fn refuse(&self, size: usize, fate: ShadowFate) -> ShadowFate {
        self.bytes_held.fetch_sub(size, Ordering::Relaxed);
        for ((reason, _), counter) in REASONS.iter().zip(&self.tally.dropped) {
            if *reason == fate {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
        fate
    }

    /// Held for a few instructions, never across a wait.
    fn budget(&self) -> std::sync::MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether every copy that was accepted has ended.
    pub(crate) fn is_idle(&self) -> bool {
        self.tally.ended.load(Ordering::Acquire) >= self.tally.accepted.load(Ordering::Acquire)
    }

    pub(crate) fn counts(&self, now_us: i64) -> ShadowCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let by_reason: BTreeMap<&'static str, u64> =
            REASONS.iter().zip(&self.tally.dropped).map(|((_, name), counter)| (*name, load(counter))).collect();
        let (accepted, ended) = (load(&self.tally.accepted), load(&self.tally.ended));
        ShadowCounts {
            accepted,
            finished: load(&self.tally.finished),
            dropped: by_reason.values().sum(),
            dropped_by_reason: by_reason,
            abandoned: load(&self.tally.abandoned),
            held: accepted.saturating_sub(ended),
            held_bytes: self.bytes_held.load(Ordering::Relaxed) as u64,
            spent_today_nanos: self.budget().spent_nanos(day_of(now_us)),
        }
    }

    /// The mirror is closed: what still waits is forgotten and counted.
    pub(crate) fn abandon(&self) {
        let open = self.tally.accepted.load(Ordering::Acquire).saturating_sub(self.tally.ended.load(Ordering::Acquire));
        self.tally.abandoned.store(open, Ordering::Relaxed);
    }
}

/// Starts the workers. They end when `cut_mirror` is cancelled.
pub(crate) fn start_workers(queue: Queue, workers: usize, shared: &Arc<Shared>, tasks: &TaskTracker) {
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..workers {
        let (queue, shared) = (Arc::clone(&queue), Arc::clone(shared));
        tasks.spawn(async move {
            loop {
                // The lock is held only while waiting for a copy; it hands out one at a time.
                let next = async { queue.lock().await.recv().await };
                let waiting = tokio::select! {
                    biased;
                    () = shared.cut_mirror.cancelled() => None,
                    waiting = next => waiting,
                };
                let Some(waiting) = waiting else { break };
                let size = waiting.job.body.len();
                run(waiting, &shared).await;
                shared.mirror.bytes_held.fetch_sub(size, Ordering::Relaxed);
            }
        });
    }
}

async fn run(waiting: Waiting, shared: &Shared) {
    let Waiting { job, reserved } = waiting;
    let Job { path, body, link, context, mut leg } = job;
    leg.sent_us = crate::clock::now_us();
    let work = call(path, body, &link, &context, &mut leg, shared);
    let outcome = tokio::select! {
        biased;
        () = shared.cut_mirror.cancelled() => return,
        outcome = work => outcome,
    };
    let cost_nanos = match outcome {
        Ok(outcome) => {
            shared.mirror.tally.finished.fetch_add(1, Ordering::Relaxed);
            settle(shared, &context, &leg, outcome)
        }
        // Our own bound, not the provider's failure: it leaves a missing copy, not a bad one.
        Err(refusal) => {
            let fate = match refusal {
                Refusal::Full => ShadowFate::CandidateBusy,
                Refusal::BreakerOpen => ShadowFate::BreakerOpen,
            };
            shared.mirror.refuse(0, fate);
            Some(0)
        }
    };
    if let Some(cost_nanos) = cost_nanos {
        shared.mirror.budget().settle(reserved, cost_nanos);
    }
    shared.mirror.tally.ended.fetch_add(1, Ordering::Release);
}

/// Sends the copy and reads its answer to the end; `Err` if the gateway itself did not send it.
async fn call(
    path: &'static str,
    body: Bytes,
    link: &Link,
    context: &Context,
    leg: &mut Leg,
    shared: &Shared,
) -> Result<Outcome, Refusal> {
    // One try: a copy is evidence of what a single call gives, and it must not add load to a provider in trouble.
    let wish = Wish { streamed: context.streamed, retries: false };
    let sent = match link.mirror.send(path, body, wish).await {
        Ok(sent) => sent,
        Err(failure) => {
            let outcome = meter::failed(failure.sent, Instant::now(), failure.status, failure.kind);
            return failure.refusal.map_or(Ok(outcome), Err);
        }
    };
    leg.attempts = sent.attempts;
    let (parts, mut pieces) = sent.response.into_parts();
    let framed = is_event_stream(&parts.headers);
    let mut meter = Meter::new(sent.sent, parts.status.as_u16(), framed, context.endpoint, shared.answer_bytes_max());
    let end = sent.deadline.min(tokio::time::Instant::from_std(sent.sent) + shared.shadow.total_timeout);
    let failure = loop {
        let silence = tokio::time::Instant::now() + link.config.timeouts.idle;
        match tokio::time::timeout_at(end.min(silence), pieces.frame()).await {
            Ok(Some(Ok(frame))) => {
                if let Ok(bytes) = frame.into_data()
                    && let Err(kind) = meter.bytes(bytes, Instant::now(), None)
                {
                    break Some(kind);
                }
            }
            Ok(Some(Err(_))) => break Some(ErrorKind::Truncated),
            Ok(None) => break None,
            Err(_) => break Some(ErrorKind::Timeout),
        }
    };
    meter.rest(Instant::now(), None);
    // What goes wrong behind the end mark is no failure, as for the clients.
    let failure = failure.filter(|_| !meter.is_over());
    let behind = if framed || failure.is_some() { None } else { error_behind(link, context.endpoint, &mut meter) };
    let outcome = meter.finish(failure.or(behind.map(|error| error.kind)), Instant::now());
    let mut slot = sent.slot;
    slot.settle(outcome.error);
    Ok(outcome)
}
