//! Lines that wait for the writer, in one buffer.
//!
//! Producers append under a lock that is held for the copy; the writer swaps the whole buffer for an empty one, so it
//! holds the lock for two pointers. Bounded in lines and bytes; the writer's own batch is bounded by the same numbers, so
//! at most twice as much is held.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How much may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub lines: usize,
    pub bytes: usize,
}

impl Bounds {
    /// So many quarters of it.
    const fn quarters(self, count: usize) -> Self {
        Self { lines: self.lines * count / 4, bytes: self.bytes * count / 4 }
    }

    const fn hold(self, lines: usize, bytes: usize) -> bool {
        lines <= self.lines && bytes <= self.bytes
    }
}

/// Who goes first where there is no room for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    Served,
    /// Nobody got the answer; refused at three quarters.
    Shadow,
}

/// The queue.
pub(super) struct Queue {
    state: Mutex<State>,
    called: Condvar,
    bounds: Bounds,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    lines: usize,
    /// The writer was called because half of the queue is taken.
    half_full: bool,
    closed: bool,
    waiting: Vec<oneshot::Sender<()>>,
}

/// Why the writer was called.
#[derive(Default)]
pub(super) struct Call {
    /// Whoever waits for a flush.
    pub waiting: Vec<oneshot::Sender<()>>,
    pub closed: bool,
}

impl Queue {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { state: Mutex::default(), called: Condvar::new(), bounds }
    }

    pub(super) const fn bounds(&self) -> Bounds {
        self.bounds
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a line with its end. `false`: there is no room, or the queue is closed.
    pub(super) fn offer(&self, line: &[u8], priority: Priority) -> bool {
        let bounds = match priority {
            Priority::Served => self.bounds,
            Priority::Shadow => self.bounds.quarters(3),
        };
        let mut state = self.lock();
        let (lines, bytes) = (state.lines + 1, state.bytes.len() + line.len());
        if state.closed || !bounds.hold(lines, bytes) {
            return false;
        }
        state.bytes.extend_from_slice(line);
        state.lines = lines;
        let call = !state.half_full && !self.bounds.quarters(2).hold(lines, bytes);
        state.half_full |= call;
        drop(state);
        if call {
            self.called.notify_one();
        }
        true
    }

    /// Lines that wait.
    pub(super) fn lines(&self) -> usize {
        self.lock().lines
    }

    /// Calls the writer; the receiver resolves when all lines that are in the queue now were given to the disk. `None` if
    /// the queue is closed.
    pub(super) fn flush(&self) -> Option<oneshot::Receiver<()>> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        let (done, wait) = oneshot::channel();
        state.waiting.push(done);
        drop(state);
        self.called.notify_one();
        Some(wait)
    }

    /// Takes no more lines; what is in the queue stays for the writer.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.called.notify_one();
    }

    /// Sleeps until somebody calls, at most so long. Where the disk takes nothing, a queue that fills up is no reason to
    /// wake.
    pub(super) fn wait(&self, at_most: Duration, healthy: bool) -> Call {
        let idle = |state: &mut State| !state.closed && state.waiting.is_empty() && !(healthy && state.half_full);
        let waited = self.called.wait_timeout_while(self.lock(), at_most, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Call { waiting: std::mem::take(&mut state.waiting), closed: state.closed }
    }

    /// Swaps the lines for an empty buffer.
    pub(super) fn take(&self, empty: &mut Vec<u8>) {
        let mut state = self.lock();
        std::mem::swap(&mut state.bytes, empty);
        state.lines = 0;
        state.half_full = false;
    }

    /// After the writer has ended, however it did: nothing is taken any more and nobody waits.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { lines: 8, bytes: 80 };

    fn taken(queue: &Queue) -> String {
        let mut buffer = Vec::new();
        queue.take(&mut buffer);
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn copies_are_refused_at_three_quarters_and_served_ones_when_it_is_full() {
        for line in ["1\n", "123456789\n"] {
            // Full by lines and by bytes at the same count.
            let queue = Queue::new(BOUNDS);
            let shadow = (0..8).filter(|_| queue.offer(line.as_bytes(), Priority::Shadow)).count();
            let served = (0..8).filter(|_| queue.offer(line.as_bytes(), Priority::Served)).count();
            assert_eq!((shadow, served, queue.lines()), (6, 2, 8));
            assert_eq!(taken(&queue), line.repeat(8));
            assert!(queue.offer(line.as_bytes(), Priority::Shadow), "there is room again");
        }
    }

    #[test]
    fn the_writer_is_called_by_half_a_queue_a_flush_and_the_end_only() {
        let queue = Queue::new(BOUNDS);
        let called = || {
            let before = std::time::Instant::now();
            let call = queue.wait(Duration::from_millis(1), true);
            (before.elapsed() < Duration::from_millis(1), call.waiting.len(), call.closed)
        };
        for _ in 0..4 {
            assert!(queue.offer(b"x\n", Priority::Served));
        }
        assert!(!called().0, "half is not more than half");
        assert!(queue.offer(b"x\n", Priority::Served));
        assert!(called().0);
        assert!(!queue.wait(Duration::from_millis(1), false).closed, "a sick disk sleeps on");
        taken(&queue);
        let wait = queue.flush();
        assert_eq!((wait.is_some(), called().1), (true, 1));
        queue.close();
        assert!(called().2 && queue.flush().is_none() && !queue.offer(b"x\n", Priority::Served));
    }
}
