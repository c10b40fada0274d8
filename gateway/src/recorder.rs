//! Evidence on its way to the disk: a bounded queue and one writer.
//!
//! At the bound, records of shadow copies go first: they are refused once the queue is three quarters full, records
//! of served requests only when it is full. Both are counted. Nothing ever waits for the disk.

use crate::config::Records;
use datasets::{Appender, Exchange, Header, Role, WriteError};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// Lines are written when this many bytes have gathered, or when the queue is empty for a moment.
const BATCH_BYTES: usize = 256 * 1024;

enum Message {
    Record(Box<Exchange>),
    Flush(oneshot::Sender<()>),
    Close,
}

/// What became of the records.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct RecorderCounts {
    /// On disk.
    pub written: u64,
    /// Refused because the queue was full: served requests.
    pub dropped_served: u64,
    /// Refused because the queue was too full: shadow copies.
    pub dropped_shadow: u64,
    /// Lost because the disk refused them.
    pub lost: u64,
    /// What the disk said, last.
    pub disk_error: Option<String>,
}

#[derive(Default)]
struct Tally {
    written: AtomicU64,
    dropped_served: AtomicU64,
    dropped_shadow: AtomicU64,
    lost: AtomicU64,
    disk_error: Mutex<Option<String>>,
}

/// The handle that everybody records through.
#[derive(Clone)]
pub(crate) struct Recorder {
    queue: Option<mpsc::Sender<Message>>,
    shadow_reserve: usize,
    tally: Arc<Tally>,
}

impl Recorder {
    /// Opens the file and starts the writer. Without a file, records go nowhere.
    pub(crate) fn start(
        records: Option<&Records>,
        config_digest: &str,
    ) -> Result<(Self, Option<std::thread::JoinHandle<()>>), WriteError> {
        let tally = Arc::new(Tally::default());
        let Some(records) = records else {
            return Ok((Self { queue: None, shadow_reserve: 0, tally }, None));
        };
        let mut header = Header::new(datasets::Format::Exchanges, records.redaction);
        header.config_digest = Some(config_digest.to_owned());
        let appender = Appender::open(&records.path, &header)?;
        let (queue, receiver) = mpsc::channel(records.queue_lines_max);
        let writer_tally = Arc::clone(&tally);
        let writer = std::thread::spawn(move || write(receiver, appender, &writer_tally));
        Ok((Self { queue: Some(queue), shadow_reserve: records.queue_lines_max / 4, tally }, Some(writer)))
    }

    /// Hands a record over, or counts it as dropped.
    pub(crate) fn record(&self, exchange: Exchange) {
        let Some(queue) = &self.queue else { return };
        let shadow = exchange.role == Role::Shadow;
        let refused = shadow && queue.capacity() <= self.shadow_reserve;
        if refused || queue.try_send(Message::Record(Box::new(exchange))).is_err() {
            let counter = if shadow { &self.tally.dropped_shadow } else { &self.tally.dropped_served };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all that was recorded before is on disk.
    pub(crate) async fn flush(&self) {
        let Some(queue) = &self.queue else { return };
        let (done, wait) = oneshot::channel();
        if queue.send(Message::Flush(done)).await.is_ok() {
            // An error means that the writer is gone, and with it the queue: there is nothing to wait for.
            drop(wait.await);
        }
    }

    /// Empties the queue to disk and ends the writer. Handles that others still hold go nowhere from now on.
    pub(crate) async fn close(self, writer: Option<std::thread::JoinHandle<()>>) -> RecorderCounts {
        if let (Some(queue), Some(writer)) = (&self.queue, writer) {
            // Refused only if the writer has ended already.
            drop(queue.send(Message::Close).await);
            if tokio::task::spawn_blocking(move || writer.join()).await.is_err() {
                tracing::error!("the record writer did not end properly");
            }
        }
        self.counts()
    }

    pub(crate) fn counts(&self) -> RecorderCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RecorderCounts {
            written: load(&self.tally.written),
            dropped_served: load(&self.tally.dropped_served),
            dropped_shadow: load(&self.tally.dropped_shadow),
            lost: load(&self.tally.lost),
            disk_error: self.tally.disk_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

/// The writer: ends when the queue is closed and empty.
fn write(mut queue: mpsc::Receiver<Message>, mut appender: Appender, tally: &Tally) {
    let mut batch = Vec::with_capacity(256);
    while queue.blocking_recv_many(&mut batch, 256) > 0 {
        let mut waiting = Vec::new();
        for message in batch.drain(..) {
            match message {
                Message::Record(exchange) => {
                    if let Err(error) = appender.push(&exchange) {
                        failed(tally, 1, &error);
                    }
                }
                Message::Flush(done) => waiting.push(done),
                // What is in the queue already is still written.
                Message::Close => queue.close(),
            }
        }
        if queue.is_empty() || !waiting.is_empty() || appender.pending_bytes() > BATCH_BYTES {
            flush(&mut appender, tally);
        }
        for done in waiting {
            // Whoever asked may have gone away.
            let _gone = done.send(());
        }
    }
    flush(&mut appender, tally);
    if let Err(error) = appender.sync() {
        failed(tally, 0, &error);
    }
}

fn flush(appender: &mut Appender, tally: &Tally) {
    let lines = appender.pending_lines();
    match appender.flush() {
        Ok(()) => {
            tally.written.fetch_add(lines, Ordering::Relaxed);
        }
        Err(error) => failed(tally, lines, &error),
    }
}

fn failed(tally: &Tally, lines: u64, error: &WriteError) {
    let before = tally.lost.fetch_add(lines, Ordering::Relaxed);
    if before == 0 {
        tracing::error!(%error, "records are being lost; traffic goes on");
    }
    *tally.disk_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
}
