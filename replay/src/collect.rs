//! Takes finished exchanges in, on a thread of its own: reading whole answers, digests, prices and the disk must delay
//! neither a send nor a measured instant.

use crate::board::Board;
use crate::budget::Budget;
use crate::drive::Done;
use crate::finished::Finished;
use crate::outcome::{Context, Outcome};
use crate::stop::Stop;
use crate::summary::Tally;
use datasets::{Appender, WriteError};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;

/// Pending bytes at which records are written even while more wait.
const BATCH_BYTES: usize = 256 * 1024;
/// Longest time that written records may stay unsynchronised while more come in.
const SYNC_PERIOD: Duration = Duration::from_secs(1);
/// Pause between two looks at an empty queue. A thread that slept until the next exchange would have to be woken by
/// those who send.
const NAP: Duration = Duration::from_millis(2);

/// What a collector works with.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) context: Context,
    pub(crate) finished: Arc<Finished>,
    pub(crate) writer: Writer,
    pub(crate) board: Arc<Board>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) stop: Stop,
}

/// Everything collected.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) tally: Tally,
    pub(crate) records: u64,
}

impl Collector {
    /// Collects until every sender is gone. Records are written when no other waits, so that a slow replay can be
    /// followed line by line and a fast one is written in batches.
    ///
    /// # Errors
    /// The records cannot be written; the run is stopped. Whole lines written before stay.
    pub(crate) fn run(mut self, mut done: Receiver<Done>) -> Result<Collected, WriteError> {
        let collected = self.collect(&mut done);
        if collected.is_err() {
            self.stop.now();
        }
        collected
    }

    fn collect(&mut self, done: &mut Receiver<Done>) -> Result<Collected, WriteError> {
        let warm_up_us = crate::micros(self.context.options.warm_up);
        let mut collected = Collected { tally: Tally::new(warm_up_us), records: 0 };
        loop {
            match done.try_recv() {
                Ok(done) => {
                    let estimate_nanos = done.job.estimate_nanos;
                    let outcome = self.outcome(done);
                    self.budget.settle(estimate_nanos, outcome.sample.cost_nanos);
                    self.board.ended(&outcome.sample);
                    collected.tally.record(&outcome.sample, &outcome.chunk_gaps_us);
                    self.writer.push(&outcome)?;
                }
                Err(TryRecvError::Empty) => {
                    self.writer.write()?;
                    std::thread::sleep(NAP);
                }
                Err(TryRecvError::Disconnected) => break,
            }
        }
        collected.records = self.writer.end()?;
        Ok(collected)
    }

    fn outcome(&self, Done { job, received }: Done) -> Outcome {
        let recorded = self.context.options.baseline_recorded;
        let with_baseline = recorded && !self.finished.baselines.contains(&job.item.id);
        self.context.outcome(&job.item, received, with_baseline)
    }
}

/// The result log: lines are appended and written in batches, and brought to the disk once in a while, so that at most
/// the requests of a second have to be sent again after a loss of power.
#[derive(Debug)]
pub(crate) struct Writer {
    out: Option<Appender>,
    synced: Instant,
    /// Something was written since then.
    dirty: bool,
}

impl Writer {
    pub(crate) fn new(out: Option<Appender>) -> Self {
        Self { out, synced: Instant::now(), dirty: false }
    }

    fn push(&mut self, outcome: &Outcome) -> Result<(), WriteError> {
        let Some(out) = self.out.as_mut() else { return Ok(()) };
        for record in &outcome.records {
            out.push(record)?;
        }
        if out.pending_bytes() >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), WriteError> {
        let Some(out) = self.out.as_mut() else { return Ok(()) };
        if out.pending_lines() > 0 {
            out.flush()?;
            self.dirty = true;
        }
        if self.dirty && self.synced.elapsed() >= SYNC_PERIOD {
            out.sync()?;
            self.dirty = false;
            self.synced = Instant::now();
        }
        Ok(())
    }

    /// Records written in all.
    fn end(&mut self) -> Result<u64, WriteError> {
        let Some(out) = self.out.as_mut() else { return Ok(0) };
        out.sync()?;
        Ok(out.written_lines())
    }
}
