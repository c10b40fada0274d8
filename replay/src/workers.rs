//! The threads that send and read: a few runtimes of one thread each.
//!
//! A request stays on the thread that sends it, with its connection and its timers, so that nothing is handed between
//! threads from the first byte to the last.

use crate::error::ReplayError;
use crate::worker::Sender;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

/// More threads than this have never been needed.
const THREADS_MAX: usize = 8;

/// The threads. They end with [`Workers::end`].
#[derive(Debug)]
pub(crate) struct Workers {
    workers: Vec<Worker>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    next: AtomicUsize,
    end: CancellationToken,
}

/// One thread.
#[derive(Debug)]
struct Worker {
    handle: Handle,
    sender: Arc<Sender>,
}

impl Workers {
    /// Starts the threads, each with a sender of its own.
    ///
    /// # Errors
    /// The system gives no thread or no way to wait for sockets.
    pub(crate) fn start(threads: usize, sender: impl Fn() -> Sender) -> Result<Self, ReplayError> {
        let failed = |error: std::io::Error| ReplayError::Client(error.to_string());
        let (mut workers, mut running, ending) = (Vec::new(), Vec::new(), CancellationToken::new());
        for number in 0..threads.clamp(1, THREADS_MAX) {
            let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
            let handle = runtime.handle().clone();
            let end = ending.clone();
            let thread = std::thread::Builder::new()
                .name(format!("replay-send-{number}"))
                .spawn(move || {
                    runtime.block_on(end.cancelled());
                    // Without waiting for a name that is still being looked up.
                    runtime.shutdown_background();
                })
                .map_err(failed)?;
            workers.push(Worker { handle, sender: Arc::new(sender()) });
            running.push(thread);
        }
        Ok(Self { workers, threads: Mutex::new(running), next: AtomicUsize::new(0), end: ending })
    }

    /// Runs a piece of work on the next thread in turn.
    pub(crate) fn spawn<F>(&self, work: impl FnOnce(Arc<Sender>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(worker) = self.workers.get(turn % self.workers.len().max(1)) {
            worker.handle.spawn(work(Arc::clone(&worker.sender)));
        }
    }

    /// Gives up what is under way and waits for the threads. Not to be called on one of them.
    pub(crate) fn end(&self) {
        self.end.cancel();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // A worker that panicked has lost its requests; they count as unfinished.
        threads.into_iter().for_each(|thread| drop(thread.join()));
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// As many threads as the machine has room for beside the one that dispatches.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1)).max(1)
}
