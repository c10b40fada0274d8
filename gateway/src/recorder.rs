//! Evidence on its way to the disk: a bounded queue of lines and one thread that writes them.
//!
//! A record is turned into its line by whoever has it, because that thread has its memory at hand, and copied into the
//! queue under a lock that is held for the copy only. Nobody is woken for it: the writer comes by once every flush
//! interval and takes everything at once, and is called earlier only when the queue is half full or somebody waits for
//! a flush. So a record costs no system call of its own, and a killed process loses the last interval at most.
//!
//! At the bound, records of shadow copies go first: they are refused once the queue is three quarters full, records of
//! served requests only when it is full. Nothing ever waits for the disk. While the disk refuses, the lines that wait
//! stay where they are, what does not fit is lost and counted, and the writer tries again every second ([`writer`]).
//! Files are closed by size and age, and deleted only where a number to keep is configured ([`parts`]).

mod parts;
mod queue;
mod tally;
mod writer;

pub use tally::RecorderCounts;

use crate::config::Records;
use datasets::file::FileError;
use datasets::read::LINE_BYTES_MAX;
use datasets::{Appender, Exchange, Format, Header, Role, WriteError};
use parts::{Opener, Parts};
use queue::{Bounds, Priority, Queue};
use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use tally::Tally;
use writer::Writer;

/// A line buffer that one long answer has blown up beyond this is given back, in bytes.
const SCRATCH_BYTES_KEPT: usize = 64 * 1024;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The handle that everybody records through.
#[derive(Clone)]
pub(crate) struct Recorder {
    /// `None`: records go nowhere.
    queue: Option<Arc<Closing>>,
    tally: Arc<Tally>,
}

/// Closes the queue when the last handle goes, so that the writer never outlives everybody who could stop it.
struct Closing(Arc<Queue>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Recorder {
    /// Opens the file and starts the writer. Without a file, records go nowhere.
    ///
    /// # Errors
    /// The file cannot be opened, or is no record file, or another process writes to it.
    pub(crate) fn start(
        records: Option<&Records>,
        config_digest: &str,
    ) -> Result<(Self, Option<JoinHandle<()>>), WriteError> {
        let Some(records) = records else {
            return Ok((Self { queue: None, tally: Arc::default() }, None));
        };
        // A file of another version or redaction is taken over, to be closed first.
        let open = |path: &Path, header: &Header| Appender::open_on(path, header, |file| Box::new(file));
        Self::start_on(records, config_digest, Box::new(open)).map(|(recorder, writer)| (recorder, Some(writer)))
    }

    fn start_on(records: &Records, config_digest: &str, opener: Opener) -> Result<(Self, JoinHandle<()>), WriteError> {
        let mut header = Header::new(Format::Exchanges, records.redaction);
        header.config_digest = Some(config_digest.to_owned());
        let tally = Arc::<Tally>::default();
        let parts = Parts::open(records, header, opener, Arc::clone(&tally), writer::Now::read())?;
        let bounds = Bounds { lines: records.queue_lines_max, bytes: records.queue_bytes_max };
        let queue = Arc::new(Queue::new(bounds));
        let writer = Writer::new(parts, records, Arc::clone(&tally));
        let (writers_queue, interval) = (Arc::clone(&queue), records.flush_interval);
        let thread = std::thread::Builder::new()
            .name("records".to_owned())
            .spawn(move || writer.run(&writers_queue, interval))
            .map_err(|error| FileError::new(&records.path, error))?;
        Ok((Self { queue: Some(Arc::new(Closing(queue))), tally }, thread))
    }

    /// Hands a record over, or counts it as dropped. Costs about two microseconds and never waits.
    pub(crate) fn record(&self, exchange: &Exchange) {
        let Some(queue) = self.queue.as_deref().map(|closing| &closing.0) else { return };
        let priority = match exchange.role {
            Role::Shadow | Role::Repeat => Priority::Shadow,
            Role::Served | Role::Replayed | Role::Observed | Role::Fallback => Priority::Served,
        };
        SCRATCH.with_borrow_mut(|line| {
            line.clear();
            if serde_json::to_writer(&mut *line, exchange).is_err() {
                self.tally.not_serialised();
            } else {
                line.push(b'\n');
                self.offer(queue, line, priority);
            }
            if line.capacity() > SCRATCH_BYTES_KEPT {
                *line = Vec::new();
            }
        });
    }

    fn offer(&self, queue: &Queue, line: &[u8], priority: Priority) {
        if line.len() > queue.bounds().bytes.min(LINE_BYTES_MAX) {
            self.tally.too_long();
        } else if !queue.offer(line, priority) {
            self.tally.refused(priority);
        }
    }

    /// Waits until all that was recorded before is in the file, or the disk refused it.
    pub(crate) async fn flush(&self) {
        if let Some(flushed) = self.queue.as_ref().and_then(|closing| closing.0.flush()) {
            // An error means that the writer is gone, and with it the queue: there is nothing to wait for.
            drop(flushed.await);
        }
    }

    /// Empties the queue to disk and ends the writer. Handles that others still hold go nowhere from now on.
    pub(crate) async fn close(self, writer: Option<JoinHandle<()>>) -> RecorderCounts {
        if let Some(closing) = &self.queue {
            closing.0.close();
        }
        if let Some(writer) = writer {
            let joined = tokio::task::spawn_blocking(move || writer.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the record writer did not end properly");
            }
        }
        self.counts()
    }

    /// What became of the records so far.
    pub(crate) fn counts(&self) -> RecorderCounts {
        self.tally.counts(self.queue.as_ref().map_or(0, |closing| closing.0.lines()))
    }
}

#[cfg(test)]
mod tests;
