//! The queue between the thread that reads the log and those who send: full a moment ahead, never longer.
//!
//! Bounded by rows and by bytes; at either bound the reader waits. It is woken only when half of the room is free, so
//! that at full rate the two sides do not wake each other for every row.

use crate::plan::Job;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Rows read ahead: four seconds at 1,000/s.
const ROWS_MAX: usize = 4_096;
/// Bytes read ahead. One row may be larger; then it is alone.
const BYTES_MAX: usize = 24 * 1024 * 1024;

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Supply {
    state: Mutex<State>,
    room: Condvar,
    /// Told when rows come to an empty queue, and at the end.
    more: Notify,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Box<Job>>,
    bytes: usize,
    /// The reader waits for room.
    waiting: bool,
    /// No more will be put in.
    ended: bool,
    /// No more will be taken out.
    closed: bool,
    /// A thread that waits for rows outside a runtime.
    taker: Option<Thread>,
}

/// What a look at the queue finds.
#[derive(Debug)]
pub(crate) enum Taken {
    Job(Box<Job>),
    /// Nothing yet.
    Empty,
    /// Nothing ever.
    Ended,
}

impl Supply {
    /// Puts a row in, as soon as there is room. Gives it back once nobody takes rows any more.
    pub(crate) fn put(&self, job: Box<Job>) -> Result<(), Box<Job>> {
        let mut state = self.lock();
        while state.is_full() && !state.closed {
            state.waiting = true;
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return Err(job);
        }
        state.bytes += job.bytes();
        state.jobs.push_back(job);
        if state.jobs.len() == 1 {
            self.wake(&state);
        }
        Ok(())
    }

    /// Says that no more rows come.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        self.wake(&state);
    }

    /// Takes the next row.
    pub(crate) fn take(&self) -> Taken {
        let mut state = self.lock();
        let Some(job) = state.jobs.pop_front() else {
            return if state.ended || state.closed { Taken::Ended } else { Taken::Empty };
        };
        state.bytes -= job.bytes();
        if state.waiting && state.has_room() {
            state.waiting = false;
            self.room.notify_one();
        }
        Taken::Job(job)
    }

    /// Returns when rows may have come since it was called: look again.
    pub(crate) fn more(&self) -> Notified<'_> {
        self.more.notified()
    }

    /// Returns when the first row is here, or with `false` when it is clear that none will come.
    pub(crate) async fn begun(&self) -> bool {
        loop {
            // Asked for before the look, so that a row that comes in between is not missed.
            let more = self.more();
            {
                let state = self.lock();
                if !state.jobs.is_empty() || state.ended {
                    return !state.jobs.is_empty();
                }
            }
            more.await;
        }
    }

    /// The calling thread will be unparked when rows come.
    pub(crate) fn wake_this_thread(&self) {
        self.lock().taker = Some(std::thread::current());
    }

    /// Takes no more rows. Says how many were left.
    pub(crate) fn close(&self) -> u64 {
        let mut state = self.lock();
        state.closed = true;
        let left = std::mem::take(&mut state.jobs);
        state.bytes = 0;
        self.room.notify_one();
        self.wake(&state);
        left.len() as u64
    }

    fn wake(&self, state: &State) {
        self.more.notify_waiters();
        if let Some(taker) = &state.taker {
            taker.unpark();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.jobs.len() >= ROWS_MAX || (self.bytes >= BYTES_MAX && !self.jobs.is_empty())
    }

    fn has_room(&self) -> bool {
        self.jobs.len() <= ROWS_MAX / 2 && self.bytes <= BYTES_MAX / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::job;
    use std::sync::Arc;
    use std::time::Duration;

    fn number(taken: &Taken) -> Option<u64> {
        if let Taken::Job(job) = taken { Some(job.ticket) } else { None }
    }

    #[test]
    fn rows_come_out_in_order_and_the_reader_waits_for_room() {
        let supply = Arc::new(Supply::default());
        let reader = {
            let supply = Arc::clone(&supply);
            std::thread::spawn(move || {
                (0..10_000).for_each(|ticket| supply.put(job(ticket, 0)).unwrap());
                supply.end();
            })
        };
        let mut seen = 0;
        loop {
            assert!(supply.lock().jobs.len() <= ROWS_MAX);
            let taken = supply.take();
            match number(&taken) {
                Some(ticket) => {
                    assert_eq!(ticket, seen);
                    seen += 1;
                }
                None if matches!(taken, Taken::Ended) => break,
                None => std::thread::park_timeout(Duration::from_millis(1)),
            }
        }
        assert_eq!(seen, 10_000);
        reader.join().unwrap();
    }

    #[test]
    fn large_rows_are_few() {
        let supply = Arc::new(Supply::default());
        let reader = {
            let supply = Arc::clone(&supply);
            std::thread::spawn(move || (0..9).filter(|ticket| supply.put(job(*ticket, BYTES_MAX / 4)).is_ok()).count())
        };
        while !supply.lock().waiting {
            std::thread::yield_now();
        }
        let held = supply.lock().jobs.len();
        assert!(held <= 4, "{held}");
        assert_eq!(supply.close(), held as u64);
        assert_eq!(reader.join().unwrap(), held);
        assert!(matches!(supply.take(), Taken::Ended));
    }

    #[tokio::test]
    async fn the_first_row_is_waited_for_and_so_is_an_empty_log() {
        for rows in [0, 1] {
            let supply = Arc::new(Supply::default());
            let waiter = {
                let supply = Arc::clone(&supply);
                tokio::spawn(async move { supply.begun().await })
            };
            tokio::task::yield_now().await;
            assert!(!waiter.is_finished());
            (0..rows).for_each(|ticket| supply.put(job(ticket, 0)).unwrap());
            if rows == 0 {
                supply.end();
            }
            assert_eq!(waiter.await.unwrap(), rows == 1);
        }
    }
}
