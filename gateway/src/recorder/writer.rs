//! The thread that writes.
//!
//! It takes everything that waits, writes it, and sleeps. If the disk refuses, the batch stays in its hands and the
//! queue fills up behind it; it tries again every second, and at once when somebody asks for a flush or the end. Nothing
//! that was accepted is given up before the end, so a disk that is full for a moment costs no record.

use super::parts::Parts;
use super::queue::Queue;
use super::tally::Tally;
use crate::config::Records;
use datasets::{WriteError, line_ends};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a disk that refuses is tried again.
pub(super) const DISK_RETRY: Duration = Duration::from_secs(1);
/// A buffer that a burst has blown up beyond this is given back, in bytes.
const BUFFER_BYTES_KEPT: usize = 2 * 1024 * 1024;

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub instant: Instant,
    /// Microseconds since the Unix epoch.
    pub wall_us: i64,
}

impl Now {
    pub(super) fn read() -> Self {
        Self { instant: Instant::now(), wall_us: crate::clock::now_us() }
    }
}

/// Writes batches.
pub(super) struct Writer {
    parts: Parts,
    /// Lines that were taken from the queue and are not in a file yet, from `done` on.
    batch: Vec<u8>,
    done: usize,
    retry_interval: Duration,
    /// The disk refused: not before this.
    retry: Option<Instant>,
    tally: Arc<Tally>,
}

/// Lets everybody go who waits for the writer, even if it panicked.
struct Ending<'a>(&'a Queue);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Writer {
    pub(super) fn new(parts: Parts, records: &Records, tally: Arc<Tally>) -> Self {
        let retry_interval = records.flush_interval.max(DISK_RETRY);
        Self { parts, batch: Vec::new(), done: 0, retry_interval, retry: None, tally }
    }

    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self, queue: &Queue, interval: Duration) {
        let _ending = Ending(queue);
        loop {
            let call = queue.wait(interval, self.retry.is_none());
            let now = Now::read();
            if call.closed || !call.waiting.is_empty() || self.retry.is_none_or(|retry| now.instant >= retry) {
                self.visit(queue, now);
            }
            for done in call.waiting {
                // Whoever asked may have gone away.
                let _gone = done.send(());
            }
            if call.closed {
                return self.end(queue);
            }
        }
    }

    /// Writes what it holds and what waits.
    pub(super) fn visit(&mut self, queue: &Queue, now: Now) {
        let written = self.write(now).and_then(|held| {
            queue.take(&mut self.batch);
            let wrote = !self.batch.is_empty() || held;
            self.write(now)?;
            self.parts.settle(wrote, now)
        });
        match written {
            Ok(()) => {
                self.retry = None;
                self.tally.recovered();
            }
            Err(error) => {
                self.retry = Some(now.instant + self.retry_interval);
                self.tally.sick(&error);
            }
        }
    }

    /// Writes what it holds; whether that was anything. On an error, what is not in a file stays.
    fn write(&mut self, now: Now) -> Result<bool, WriteError> {
        let any = self.done < self.batch.len();
        while let Some(lines) = self.batch.get(self.done..).filter(|lines| !lines.is_empty()) {
            let bytes = self.parts.append(lines, now)?;
            self.tally.written(line_ends(lines.get(..bytes).unwrap_or(lines)));
            self.done += bytes;
        }
        self.done = 0;
        self.batch.clear();
        if self.batch.capacity() > BUFFER_BYTES_KEPT {
            self.batch = Vec::new();
        }
        Ok(any)
    }

    /// What the last attempt could not write is lost now.
    fn end(mut self, queue: &Queue) {
        let held = line_ends(self.batch.get(self.done..).unwrap_or_default());
        self.batch.clear();
        queue.take(&mut self.batch);
        self.tally.lost(held + line_ends(&self.batch));
        if let Err(error) = self.parts.keep() {
            self.tally.sick(&error);
        }
    }
}
