//! The thread that reads the log: select, plan, hand over.
//!
//! It runs ahead of the sending as far as the supply has room. When nothing more is taken, because the duration or the
//! money is over or somebody asked to stop, it goes on to the end of the log to say how much was not sent.

use crate::error::ReplayError;
use crate::plan::{Planned, Planner};
use crate::select::Chosen;
use crate::supply::Supply;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What became of the rows that were chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Read {
    /// To be sent, sooner or later or never.
    pub(crate) planned: u64,
    /// Of these, due after the allowed duration.
    pub(crate) late: u64,
    /// The provider cannot serve them, by feature.
    pub(crate) skipped: BTreeMap<String, u64>,
    /// Recorded by an earlier run.
    pub(crate) already_done: u64,
    /// Broken and skipped.
    pub(crate) broken: u64,
    /// Ids that were not compared with all others.
    pub(crate) ids_unchecked: u64,
    /// The log was read to its end.
    pub(crate) whole: bool,
}

/// What the reader and those who wait for it share.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    read: Mutex<Read>,
    error: Mutex<Option<ReplayError>>,
    halted: AtomicBool,
}

/// How to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Broken rows are skipped and counted; else the first one ends the log.
    pub(crate) skip_broken: bool,
    /// The log is played again and again, so its rest cannot be counted.
    pub(crate) endless: bool,
}

impl Reading {
    pub(crate) fn read(&self) -> Read {
        self.lock().clone()
    }

    /// Why the log ended before its end.
    pub(crate) fn take_error(&self) -> Option<ReplayError> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Notes why the log ends before its end.
    pub(crate) fn fail(&self, error: ReplayError) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// Count no further.
    pub(crate) fn halt(&self) {
        self.halted.store(true, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads to the end of the log, to the first error that counts, or until halted.
    pub(crate) fn run(
        &self,
        rows: impl Iterator<Item = Result<Chosen, ReplayError>>,
        mut planner: Planner,
        supply: &Supply,
        manner: Manner,
    ) {
        let mut taken = true;
        for row in rows {
            let planned = match row.and_then(|chosen| planner.plan(chosen)) {
                Ok(planned) => planned,
                Err(error) if manner.skip_broken && error.is_of_a_row() => {
                    self.lock().broken += 1;
                    continue;
                }
                Err(error) => {
                    self.fail(error);
                    return supply.end();
                }
            };
            if taken {
                taken = self.hand_over(planned, supply);
            } else {
                self.count(&planned);
            }
            if !taken && (manner.endless || self.halted.load(Ordering::Relaxed)) {
                return;
            }
        }
        let mut read = self.lock();
        read.ids_unchecked = planner.ids_unchecked;
        read.whole = true;
        drop(read);
        supply.end();
    }

    /// Whether more rows are wanted.
    fn hand_over(&self, planned: Planned, supply: &Supply) -> bool {
        self.count(&planned);
        match planned {
            Planned::Job(job) => supply.put(job).is_ok(),
            Planned::Late => {
                supply.end();
                false
            }
            Planned::Unfit(_) | Planned::Done => true,
        }
    }

    fn count(&self, planned: &Planned) {
        let mut read = self.lock();
        match planned {
            Planned::Job(_) => read.planned += 1,
            Planned::Late => {
                read.planned += 1;
                read.late += 1;
            }
            Planned::Unfit(feature) => match read.skipped.get_mut(*feature) {
                Some(count) => *count += 1,
                None => drop(read.skipped.insert((*feature).to_owned(), 1)),
            },
            Planned::Done => read.already_done += 1,
        }
    }
}
