//! The mirror: copies of requests on their way to the candidate. Nothing of it can reach the client.
//!
//! Copies wait in a queue that is bounded in jobs; those that wait and those under way together are bounded in bytes. One
//! that does not fit is dropped and counted. A fixed number of workers send them through a client of their own.

use crate::exchange::{Context, Leg, exchange};
use crate::meter::{self, Meter};
use crate::state::Shared;
use crate::upstream::{Upstream, Wish};
use bytes::Bytes;
use datasets::ShadowFate;
use http_body_util::BodyExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;
use tokio::sync::{Mutex, mpsc};
use tokio_util::task::TaskTracker;

/// One copy.
pub(crate) struct Job {
    pub body: Bytes,
    pub context: Arc<Context>,
    pub leg: Leg,
}

/// What became of the copies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct ShadowCounts {
    /// Handed to the mirror.
    pub accepted: u64,
    /// Sent and recorded, whatever the outcome.
    pub finished: u64,
    /// Dropped because the queue was full.
    pub dropped: u64,
    /// Dropped because the gateway stopped.
    pub abandoned: u64,
}

#[derive(Default)]
struct Tally {
    accepted: AtomicU64,
    finished: AtomicU64,
    dropped: AtomicU64,
    abandoned: AtomicU64,
}

/// The sending end.
pub(crate) struct Mirror {
    queue: mpsc::Sender<Job>,
    bytes_held: Arc<AtomicUsize>,
    bytes_max: usize,
    tally: Arc<Tally>,
}

/// The receiving end, for [`start_workers`].
pub(crate) struct Waiting(mpsc::Receiver<Job>);

impl Mirror {
    pub(crate) fn new(jobs_max: usize, bytes_max: usize) -> (Self, Waiting) {
        let (queue, waiting) = mpsc::channel(jobs_max);
        let mirror = Self { queue, bytes_held: Arc::default(), bytes_max, tally: Arc::default() };
        (mirror, Waiting(waiting))
    }

    /// Takes a copy or drops it; never waits.
    pub(crate) fn offer(&self, job: Job) -> ShadowFate {
        let size = job.body.len();
        let held = self.bytes_held.fetch_add(size, Ordering::Relaxed);
        let full = held + size > self.bytes_max;
        let refused = if full { Some(ShadowFate::QueueFull) } else { refusal(&self.queue.try_send(job)) };
        match refused {
            None => {
                self.tally.accepted.fetch_add(1, Ordering::Relaxed);
                ShadowFate::Sent
            }
            Some(fate) => {
                self.bytes_held.fetch_sub(size, Ordering::Relaxed);
                self.tally.dropped.fetch_add(1, Ordering::Relaxed);
                fate
            }
        }
    }

    pub(crate) fn counts(&self) -> ShadowCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ShadowCounts {
            accepted: load(&self.tally.accepted),
            finished: load(&self.tally.finished),
            dropped: load(&self.tally.dropped),
            abandoned: load(&self.tally.abandoned),
        }
    }
}

fn refusal(sent: &Result<(), mpsc::error::TrySendError<Job>>) -> Option<ShadowFate> {
    match sent {
        Ok(()) => None,
        Err(mpsc::error::TrySendError::Full(_)) => Some(ShadowFate::QueueFull),
        Err(mpsc::error::TrySendError::Closed(_)) => Some(ShadowFate::ShuttingDown),
    }
}

/// Starts the workers. They end when `cut_mirror` is cancelled.
pub(crate) fn start_workers(waiting: Waiting, upstream: Upstream, shared: &Arc<Shared>, tasks: &TaskTracker) {
    let waiting = Arc::new(Mutex::new(waiting.0));
    let upstream = Arc::new(upstream);
    for _ in 0..shared.config.limits.shadow_workers {
        let (waiting, upstream, shared) = (Arc::clone(&waiting), Arc::clone(&upstream), Arc::clone(shared));
        tasks.spawn(async move {
            loop {
                // The lock is held only while waiting for a job; it hands out one job at a time.
                let next = async { waiting.lock().await.recv().await };
                let job = tokio::select! {
                    biased;
                    () = shared.cut_mirror.cancelled() => None,
                    job = next => job,
                };
                let Some(job) = job else { break };
                let size = job.body.len();
                run(job, &upstream, &shared).await;
                shared.mirror.bytes_held.fetch_sub(size, Ordering::Relaxed);
            }
        });
    }
}

/// Closes the mirror: what still waits is forgotten and counted.
pub(crate) fn abandoned(shared: &Shared) {
    let counts = shared.mirror.counts();
    let open = counts.accepted.saturating_sub(counts.finished);
    shared.mirror.tally.abandoned.store(open, Ordering::Relaxed);
}

async fn run(job: Job, upstream: &Upstream, shared: &Shared) {
    let sent = Instant::now();
    let mut leg = job.leg;
    leg.sent_us = crate::clock::now_us();
    let records = shared.config.records.as_ref();
    let work = async {
        let wish = Wish { streamed: job.context.streamed, retries: false };
        let answer = match upstream.send(upstream.adapter().chat_path(), job.body, wish).await {
            Ok(answer) => answer,
            Err(failure) => return meter::failed(sent, Instant::now(), failure.status, failure.kind),
        };
        let mut slot = answer.slot;
        let status = answer.response.status().as_u16();
        let mut meter = Meter::new(sent, status, job.context.streamed, records);
        let mut body = answer.response.into_body();
        loop {
            let due = answer.deadline.min(tokio::time::Instant::now() + upstream.config.timeouts.idle);
            let failure = match tokio::time::timeout_at(due, body.frame()).await {
                Ok(Some(Ok(frame))) => meter.bytes(frame.into_data().unwrap_or_default(), Instant::now(), None).err(),
                Ok(Some(Err(_))) => Some(wire::ErrorKind::Truncated),
                Ok(None) => break,
                Err(_) => Some(wire::ErrorKind::Timeout),
            };
            if failure.is_some() {
                // What goes wrong behind the end mark is no failure, as for the clients.
                let failure = failure.filter(|_| !meter.is_over());
                slot.report(failure.is_none());
                return meter.finish(failure, Instant::now());
            }
        }
        slot.report(true);
        meter.rest(Instant::now(), None);
        meter.finish(None, Instant::now())
    };
    tokio::select! {
        biased;
        () = shared.cut_mirror.cancelled() => {}
        outcome = work => {
            shared.recorder.record(exchange(&job.context, &leg, outcome, &shared.tariffs, records));
            shared.mirror.tally.finished.fetch_add(1, Ordering::Relaxed);
        }
    }
}
