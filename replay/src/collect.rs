//! Takes finished exchanges in, on a thread of its own: writing to disk must not delay a send.

use crate::board::Board;
use crate::measure::Sample;
use crate::outcome::Outcome;
use crate::summary::new_histogram;
use datasets::{Appender, WriteError};
use hdrhistogram::Histogram;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Pending bytes at which records are written even while more wait.
const BATCH_BYTES: usize = 256 * 1024;
/// Longest time that written records may stay unsynchronised while more come in.
const SYNC_PERIOD: Duration = Duration::from_secs(1);

/// Everything collected.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) samples: Vec<Sample>,
    pub(crate) chunk_gaps: Option<Histogram<u64>>,
    pub(crate) records: u64,
}

/// Collects until every sender is gone. Records are written when no other waits, so that a slow replay can be
/// followed line by line and a fast one is written in batches.
///
/// # Errors
/// The records cannot be written; the run is halted. Whole lines written before stay.
pub(crate) fn collect(
    mut finished: Receiver<Outcome>,
    mut out: Option<Appender>,
    board: &Arc<Board>,
    halt: &CancellationToken,
) -> Result<Collected, WriteError> {
    let mut collected = Collected { samples: Vec::new(), chunk_gaps: new_histogram(), records: 0 };
    let mut synced = Instant::now();
    while let Some(outcome) = finished.blocking_recv() {
        board.finished(outcome.sample.error.is_none());
        collected.samples.push(outcome.sample);
        if let Some(histogram) = collected.chunk_gaps.as_mut() {
            outcome.chunk_gaps_us.iter().for_each(|gap| histogram.saturating_record(u64::from(*gap)));
        }
        let Some(out) = out.as_mut() else { continue };
        let written = write(out, &outcome, finished.is_empty(), &mut synced);
        if let Err(error) = written {
            halt.cancel();
            return Err(error);
        }
    }
    if let Some(out) = out.as_mut() {
        out.sync()?;
        collected.records = out.written_lines();
    }
    Ok(collected)
}

fn write(out: &mut Appender, outcome: &Outcome, idle: bool, synced: &mut Instant) -> Result<(), WriteError> {
    for record in &outcome.records {
        out.push(record)?;
    }
    if synced.elapsed() >= SYNC_PERIOD {
        out.sync()?;
        *synced = Instant::now();
    } else if idle || out.pending_bytes() >= BATCH_BYTES {
        out.flush()?;
    }
    Ok(())
}
