//! The reader's thread and what it leaves behind.

use crate::error::ReplayError;
use crate::finished::Finished;
use crate::log::Log;
use crate::options::ReplayOptions;
use crate::plan::Planner;
use crate::reader::{Manner, Read, Reading};
use crate::run::{thread, wall_us};
use crate::schedule::Timetable;
use crate::select::{SelectCounts, Selected, Selection, count, select};
use crate::supply::Supply;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use wire::price::Tariffs;

/// How long the rest of a log that is not sent is counted, after all answers are in.
const COUNT_MAX: Duration = Duration::from_secs(2);

/// A log that is being read. Dropping it ends the reading.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) supply: Arc<Supply>,
    reading: Arc<Reading>,
    selected: Arc<SelectCounts>,
    /// Rows that were broken before they could be selected.
    broken: Arc<AtomicU64>,
    ended: oneshot::Receiver<()>,
}

/// What became of the rows of a log.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) read: Read,
    pub(crate) selected: Selected,
    /// Why the log ended before its end.
    pub(crate) error: Option<ReplayError>,
}

impl Feed {
    /// Starts to read.
    ///
    /// # Errors
    /// The rate does not fit the log, or the system gives no thread.
    pub(crate) fn start(
        log: &Log,
        options: &Arc<ReplayOptions>,
        finished: &Arc<Finished>,
        tariffs: &Arc<Tariffs>,
    ) -> Result<Self, ReplayError> {
        if log.is_untimed() && options.rate.follows_log() {
            return Err(ReplayError::untimed(options.rate));
        }
        let (ending, ended) = oneshot::channel();
        let feed = Self {
            supply: Arc::default(),
            reading: Arc::default(),
            selected: Arc::default(),
            broken: Arc::default(),
            ended,
        };
        let reader = Reader {
            log: log.clone(),
            selection: options.selection.clone(),
            options: Arc::clone(options),
            finished: Arc::clone(finished),
            tariffs: Arc::clone(tariffs),
            selected: Arc::clone(&feed.selected),
            broken: Arc::clone(&feed.broken),
        };
        let (reading, supply) = (Arc::clone(&feed.reading), Arc::clone(&feed.supply));
        thread("replay-read", move || {
            if let Err(error) = reader.run(&reading, &supply) {
                reading.fail(error);
                supply.end();
            }
            drop(ending);
        })?;
        Ok(feed)
    }

    /// Waits for the first row that is to be sent.
    ///
    /// # Errors
    /// There is none because the log is empty, or because what comes first is broken.
    pub(crate) async fn begun(&self) -> Result<(), ReplayError> {
        if self.supply.begun().await {
            return Ok(());
        }
        match self.reading.take_error() {
            Some(error) => Err(error),
            None if self.selected.selected().read == 0 => Err(ReplayError::Empty),
            None => Ok(()),
        }
    }

    /// Waits until the rest of the log is counted, for a moment at most, and not at all for somebody impatient.
    pub(crate) async fn rest(mut self, impatient: &CancellationToken) -> Rest {
        self.supply.close();
        tokio::select! {
            biased;
            _ = &mut self.ended => {}
            () = impatient.cancelled() => self.reading.halt(),
            () = tokio::time::sleep(COUNT_MAX) => self.reading.halt(),
        }
        let mut read = self.reading.read();
        read.broken += self.broken.load(Ordering::Relaxed);
        Rest { read, selected: self.selected.selected(), error: self.reading.take_error() }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.reading.halt();
        self.supply.close();
    }
}

/// What the reader's thread works with.
struct Reader {
    log: Log,
    selection: Selection,
    options: Arc<ReplayOptions>,
    finished: Arc<Finished>,
    tariffs: Arc<Tariffs>,
    selected: Arc<SelectCounts>,
    broken: Arc<AtomicU64>,
}

impl Reader {
    fn run(self, reading: &Reading, supply: &Supply) -> Result<(), ReplayError> {
        let Self { log, selection, options, finished, tariffs, selected, broken } = self;
        let seed = options.seed;
        let broken = options.skip_broken.then_some(broken);
        let open = {
            let broken = broken.clone();
            move || log.open(broken.as_ref())
        };
        let total = if options.rate.needs_total(options.duration) {
            let total = count(open.clone(), &selection, seed)?;
            // The pass was for the count alone; its broken rows will be met again.
            broken.iter().for_each(|broken| broken.store(0, Ordering::Relaxed));
            Some(total)
        } else {
            None
        };
        let timetable = Timetable::new(options.rate, seed, total, options.duration)?;
        let manner = Manner { skip_broken: options.skip_broken, endless: selection.laps.is_none() };
        let planner = Planner::new(options, finished, timetable, tariffs, wall_us());
        reading.run(select(open, &selection, seed, selected), planner, supply, manner);
        Ok(())
    }
}
