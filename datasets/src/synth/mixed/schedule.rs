//! Whose turn it is at an instant: a client that tries again, else the conversation that has been ready longest, else
//! a new one. So the rhythm stays as measured, turns and retries included, and no turn comes before the answer to the
//! one before it.

/// How long after its due time a retry still looks like one, in microseconds.
const RETRY_WINDOW_US: u64 = 8_000_000;

/// The conversations that will go on.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    waiting: Vec<Waiting>,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    conversation: usize,
    due_us: u64,
    retry: bool,
}

impl Schedule {
    /// The conversation that comes now; `None`: a new one.
    pub(super) fn next(&mut self, now_us: u64) -> Option<usize> {
        let due = self.waiting.iter().enumerate().filter(|(_, waiting)| waiting.due_us <= now_us);
        let (index, _) = due.min_by_key(|(_, waiting)| (!waiting.retry, waiting.due_us, waiting.conversation))?;
        Some(self.waiting.swap_remove(index).conversation)
    }

    /// A conversation goes on with its next turn from this instant on.
    pub(super) fn go_on(&mut self, conversation: usize, due_us: u64) {
        self.waiting.push(Waiting { conversation, due_us, retry: false });
    }

    /// A client tries again from this instant on.
    pub(super) fn try_again(&mut self, conversation: usize, due_us: u64) {
        self.waiting.push(Waiting { conversation, due_us, retry: true });
    }

    /// Whether a retry that is due at an instant finds an arrival soon after it. `times_us` are all arrivals.
    pub(super) fn has_room(&self, times_us: &[u64], due_us: u64) -> bool {
        let first = times_us.partition_point(|at_us| *at_us < due_us);
        let room = times_us.iter().skip(first).take_while(|at_us| **at_us <= due_us + RETRY_WINDOW_US).count();
        room > self.waiting.iter().filter(|waiting| waiting.retry).count()
    }
}
