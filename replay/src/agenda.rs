//! What is to be sent next, and when: rows that have come up, in the order of their instants, and turns that wait for
//! the previous answer. Pure; the clock is an argument.
//!
//! Rows come up somewhat before they are due, since a turn that follows a quick answer may be due earlier than its
//! place in the log says. How far ahead is bounded, by rows and by bytes. What waits is bounded too: a turn that finds
//! no room when it is due is dropped and counted, never sent early and never held in silence.

use crate::plan::Job;
use crate::sessions::{Arrival, Sessions};
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};

/// Rows that come up before they are due.
const AHEAD_ROWS: usize = 1_024;
/// Bytes of rows that come up before they are due.
const AHEAD_BYTES: usize = 16 * 1024 * 1024;
/// Turns that may wait for an answer.
pub(crate) const HELD_ROWS_MAX: usize = 20_000;
/// Bytes of all rows here; at the bound a row that is due is dropped.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// The agenda.
#[derive(Debug)]
pub(crate) struct Agenda {
    ready: BinaryHeap<Reverse<Entry>>,
    held: HashMap<u64, Box<Job>>,
    sessions: Sessions,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    due_us: u64,
    job: Box<Job>,
}

/// A row whose instant has come.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) planned_us: u64,
    pub(crate) job: Box<Job>,
}

impl Agenda {
    pub(crate) fn new(sessions: Sessions) -> Self {
        Self { ready: BinaryHeap::new(), held: HashMap::new(), sessions, bytes: 0 }
    }

    /// Whether another row may come up before it is due.
    pub(crate) fn looks_ahead(&self) -> bool {
        self.ready.len() + self.held.len() < AHEAD_ROWS && self.bytes < AHEAD_BYTES
    }

    /// Whether another turn may wait.
    pub(crate) fn may_hold(&self) -> bool {
        self.sessions.held() < HELD_ROWS_MAX && self.bytes < BYTES_MAX
    }

    /// A row comes up. Gives it back if there is no room for it: it is not to be sent.
    pub(crate) fn arrive(&mut self, job: Box<Job>, now_us: u64) -> Result<(), Box<Job>> {
        if self.bytes >= BYTES_MAX {
            return Err(job);
        }
        let bytes = job.bytes();
        match self.sessions.arrive(job.ticket, job.turn, now_us) {
            Arrival::Send { due_us } => self.ready.push(Reverse(Entry { due_us, job })),
            Arrival::Held => drop(self.held.insert(job.ticket, job)),
            Arrival::Dropped => return Err(job),
        }
        self.bytes += bytes;
        Ok(())
    }

    /// A row that was taken has ended, or was not sent after all: the next turn of its session may follow.
    pub(crate) fn finished(&mut self, ticket: u64, now_us: u64) {
        let Some((next, due_us)) = self.sessions.finished(ticket, now_us) else { return };
        if let Some(job) = self.held.remove(&next) {
            self.ready.push(Reverse(Entry { due_us, job }));
        }
    }

    /// When the next row is due.
    pub(crate) fn due_us(&self) -> Option<u64> {
        self.ready.peek().map(|Reverse(entry)| entry.due_us)
    }

    /// Takes the next row, if it is due.
    pub(crate) fn take(&mut self, now_us: u64) -> Option<Due> {
        self.due_us().filter(|due_us| *due_us <= now_us)?;
        let Reverse(Entry { due_us, job }) = self.ready.pop()?;
        self.bytes -= job.bytes();
        Some(Due { planned_us: due_us, job })
    }

    /// Nothing is here, not even a turn that waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.held.is_empty()
    }

    /// Turns that were sent later than the schedule wanted, because the previous answer was.
    pub(crate) const fn delayed(&self) -> u64 {
        self.sessions.delayed()
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By instant; rows of one instant in the order of the log.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due_us, self.job.ticket).cmp(&(other.due_us, other.job.ticket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::job;
    use crate::sessions::{SessionMode, Turn};

    fn agenda(mode: SessionMode) -> Agenda {
        Agenda::new(Sessions::new(mode, HELD_ROWS_MAX, 1.0, None))
    }

    fn turn(ticket: u64, session: Option<u64>, due_us: u64) -> Box<Job> {
        let mut job = job(ticket, 10);
        job.turn = Turn { session, at_us: due_us, due_us, recorded_us: Some(0) };
        job
    }

    fn take(agenda: &mut Agenda, now_us: u64) -> Option<(u64, u64)> {
        agenda.take(now_us).map(|due| (due.job.ticket, due.planned_us))
    }

    #[test]
    fn rows_are_sent_at_their_instants_and_in_the_order_of_the_log() {
        let mut agenda = agenda(SessionMode::Independent);
        for (ticket, due_us) in [(0, 0), (1, 5), (2, 5), (3, 9)] {
            agenda.arrive(turn(ticket, Some(7), due_us), 0).unwrap();
        }
        assert_eq!((take(&mut agenda, 4), take(&mut agenda, 4), agenda.due_us()), (Some((0, 0)), None, Some(5)));
        assert_eq!(
            (take(&mut agenda, 8), take(&mut agenda, 8), take(&mut agenda, 8)),
            (Some((1, 5)), Some((2, 5)), None)
        );
        assert_eq!(take(&mut agenda, 90), Some((3, 9)));
        assert!(agenda.is_empty() && agenda.bytes == 0);
    }

    #[test]
    fn a_turn_waits_for_the_previous_answer_while_others_pass() {
        let mut agenda = agenda(SessionMode::Ordered);
        for (ticket, session, due_us) in [(0, 1, 0), (1, 1, 10), (2, 2, 20)] {
            agenda.arrive(turn(ticket, Some(session), due_us), 0).unwrap();
        }
        assert_eq!(take(&mut agenda, 30), Some((0, 0)));
        assert_eq!((take(&mut agenda, 30), take(&mut agenda, 30)), (Some((2, 20)), None));
        assert!(!agenda.is_empty());
        agenda.finished(0, 44);
        assert_eq!((take(&mut agenda, 44), agenda.delayed()), (Some((1, 44)), 1));
        assert!(agenda.is_empty());
    }

    #[test]
    fn what_waits_is_bounded_by_bytes_too() {
        let mut agenda = agenda(SessionMode::Ordered);
        let large = |ticket| {
            let mut job = job(ticket, BYTES_MAX / 4);
            job.turn.session = Some(1);
            job
        };
        let kept = (0..10).filter(|ticket| agenda.arrive(large(*ticket), 0).is_ok()).count();
        assert_eq!(kept, 4);
        assert!(!agenda.may_hold() && !agenda.looks_ahead());
    }
}
