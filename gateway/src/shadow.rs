//! The mirror: copies of requests on their way to a provider that nobody waits for. Nothing of it can reach the client.
//!
//! Copies wait in a queue that is bounded in jobs; those that wait and those under way together are bounded in bytes, and
//! all copies of a day in money. One that does not fit is dropped and counted by reason. A fixed number of workers send
//! them through connections, limits and a breaker of their own. What a copy's answer asks for (a tool call) is only read.

use crate::config::Shadow as Bounds;
use crate::deadline::Deadline;
use crate::exchange::{Context, Leg, Outcome};
use crate::lane::Link;
use crate::meter::{self, Meter};
use crate::receive::{Next, Receiving, is_event_stream};
use crate::routing::budget::day_of;
use crate::routing::{Budget, Reservation};
use crate::state::Shared;
use crate::ticket::{judged, settle};
use crate::upstream::BreakerState;
use bytes::Bytes;
use datasets::ShadowFate;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc};
use tokio_util::task::TaskTracker;
use wire::ErrorKind;

/// A copy that waited longer is not sent any more.
const WAIT_MAX: Duration = Duration::from_secs(60);

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
    /// Of those, the ones that wait for a worker.
    pub waiting: u64,
    /// Bytes of all that are held.
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
    cost_mean_nanos: AtomicI64,
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
            cost_mean_nanos: AtomicI64::new(0),
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
        if job.link.mirror.is_full() {
            return self.refuse(0, ShadowFate::CandidateBusy);
        }
        let day = day_of(job.context.at_us);
        let held = self.bytes_held.fetch_add(size, Ordering::Relaxed);
        if held + size > self.bytes_max {
            return self.refuse(size, ShadowFate::BytesFull);
        }
        // What copies have cost of late is a better guess than a prompt alone, and many may be under way at once.
        let estimate_nanos = estimate_nanos.max(self.cost_mean_nanos.load(Ordering::Relaxed));
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

    /// A copy has ended and is on record; `unsent` says why, if it was not sent after all. Without a known bill the estimate
    /// stays spent.
    fn ended(&self, reserved: Reservation, cost_nanos: Option<i64>, unsent: Option<ShadowFate>) {
        match (unsent, cost_nanos) {
            (Some(_), _) => self.budget().settle(reserved, 0),
            (None, Some(cost_nanos)) => {
                self.budget().settle(reserved, cost_nanos);
                self.learn(cost_nanos);
            }
            (None, None) => {}
        }
        match unsent {
            Some(fate) => {
                self.refuse(0, fate);
            }
            None => {
                self.tally.finished.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.tally.ended.fetch_add(1, Ordering::Release);
    }

    /// A running mean over some twenty copies.
    fn learn(&self, cost_nanos: i64) {
        if cost_nanos > 0 {
            let mean = self.cost_mean_nanos.load(Ordering::Relaxed);
            let mean = if mean == 0 { cost_nanos } else { mean + (cost_nanos - mean) / 20 };
            self.cost_mean_nanos.store(mean, Ordering::Relaxed);
        }
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
            waiting: self.queue.max_capacity().saturating_sub(self.queue.capacity()) as u64,
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
    let begun = Instant::now();
    let late = leg.sent_us - context.at_us > i64::try_from(WAIT_MAX.as_micros()).unwrap_or(i64::MAX);
    let outcome = if late {
        // A pair compares two providers at one time; this copy would compare two times.
        meter::failed(begun, begun, 0, ErrorKind::GatewayBusy)
    } else {
        call(path, body, &link, &context, &mut leg, shared).await
    };
    // Our own decision not to send it, not the provider's failure: it is on record, and blames nobody.
    let unsent = (outcome.error == Some(ErrorKind::GatewayBusy)).then(|| match link.mirror.breaker_state() {
        BreakerState::Open => ShadowFate::BreakerOpen,
        _ => ShadowFate::CandidateBusy,
    });
    let outcome = judged(&context, outcome).await;
    let cost_nanos = settle(shared, &context, &leg, outcome).cost_nanos;
    shared.mirror.ended(reserved, cost_nanos, unsent);
}

/// Sends the copy and reads its answer to the end, by the same rules as for clients: what is compared has to be alike.
async fn call(
    path: &'static str,
    body: Bytes,
    link: &Link,
    context: &Context,
    leg: &mut Leg,
    shared: &Shared,
) -> Outcome {
    let begun = Instant::now();
    let beside = shared.traces.headers(context, leg, link);
    let sending = tokio::select! {
        biased;
        () = shared.cut_mirror.cancelled() => {
            return meter::failed(begun, Instant::now(), 0, ErrorKind::GatewayStopped);
        }
        sending = link.mirror.send(path, body, context.streamed, beside.as_ref()) => sending,
    };
    let mut sent = match sending {
        Ok(sent) => sent,
        Err(failure) => {
            leg.attempts = failure.attempts.max(1);
            // A breaker that opened since the copy was taken: our own decision not to send, like a bound.
            let kind = if failure.refusal.is_some() { ErrorKind::GatewayBusy } else { failure.kind };
            return meter::failed(failure.sent, Instant::now(), failure.status, kind);
        }
    };
    leg.attempts = sent.attempts;
    let (parts, body) = sent.response.into_parts();
    let framed = is_event_stream(&parts.headers);
    let status = parts.status.as_u16();
    let (adapter, endpoint) = (link.adapter(), context.endpoint);
    let listener = context.watch.as_ref().and_then(|watch| watch.listener(link));
    let meter = Meter::new(sent.sent, status, framed, adapter, endpoint, shared.answer_bytes_max());
    let mut meter = meter.heard_by(listener);
    let start = tokio::time::Instant::from_std(sent.sent);
    let timeouts = link.config.timeouts;
    let first = framed.then(|| start + timeouts.first_token);
    let total = sent.deadline.min(start + shared.shadow.total_timeout);
    let mut receiving = Receiving::new(body, Deadline::new(first, timeouts.idle, total));
    let failure = loop {
        let next = tokio::select! {
            biased;
            // What came until now was written, and is billed.
            () = shared.cut_mirror.cancelled() => break Some(ErrorKind::GatewayStopped),
            next = receiving.next() => next,
        };
        match next {
            Next::Piece(bytes) => {
                if let Err(kind) = meter.bytes(bytes, Instant::now(), None) {
                    break Some(kind);
                }
                if meter.has_spoken() && receiving.begun() {
                    sent.slot.begun();
                }
            }
            Next::End => break None,
            Next::Broken(kind, _) => break Some(kind),
        }
    };
    meter.rest(Instant::now(), None);
    // What goes wrong behind the end mark is no failure, as for the clients.
    let failure = failure.filter(|_| !meter.is_over());
    let behind = if failure.is_some() { None } else { meter.error_behind().map(|error| error.kind) };
    let outcome = meter.finish(failure.or(behind), Instant::now());
    sent.slot.settle(outcome.error);
    outcome
}
