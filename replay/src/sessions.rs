//! When a turn of a conversation may be sent: a pure state machine, told of arrivals and ends.
//!
//! A user sends the next turn after reading the last answer. A replay that sends by the clock alone would, against a
//! slow provider, ask the second question before the first is answered; that is a load no user makes. Three modes
//! differ in what sets the time of a turn:
//!
//! - *independent*: the schedule alone;
//! - *ordered*: the schedule, but not before the previous turn of the session has ended;
//! - *think*: the end of the previous turn and the pause that the user made in the log. Where the log does not say
//!   when the previous answer ended, that pause is unknown and the turn is sent as if ordered.
//!
//! Everything is bounded. Turns that wait are at most `held_max`; one more is dropped, never sent early. Sessions of
//! which nothing is under way are remembered in *think* only, the newest [`IDLE_MAX`] of them; the next turn of a
//! forgotten one is due as scheduled.

use crate::error::ReplayError;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;

/// Idle sessions that are remembered.
const IDLE_MAX: usize = 100_000;

/// How turns of one conversation depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionMode {
    /// Not at all.
    #[default]
    Independent,
    /// A turn waits for the previous answer.
    Ordered,
    /// A turn follows the previous answer after the recorded pause.
    Think,
}

impl FromStr for SessionMode {
    type Err = ReplayError;

    fn from_str(text: &str) -> Result<Self, ReplayError> {
        match text {
            "independent" => Ok(Self::Independent),
            "ordered" => Ok(Self::Ordered),
            "think" => Ok(Self::Think),
            _ => Err(ReplayError::Options(format!("sessions are `{text}`: expected independent, ordered or think"))),
        }
    }
}

impl fmt::Display for SessionMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Independent => "independent",
            Self::Ordered => "ordered",
            Self::Think => "think",
        })
    }
}

/// A row that has come up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Its session ([`crate::select::Chosen::session_key`]); `None` depends on nothing.
    pub(crate) session: Option<u64>,
    /// Its place on the log's time line, microseconds.
    pub(crate) at_us: u64,
    /// When the schedule wants it sent, microseconds from the origin.
    pub(crate) due_us: u64,
    /// How long its answer took in the log, microseconds.
    pub(crate) recorded_us: Option<u64>,
}

/// What to do with a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Send it at this instant, microseconds from the origin.
    Send {
        /// Its planned instant.
        due_us: u64,
    },
    /// Keep it: [`Sessions::finished`] will name it.
    Held,
    /// Too many wait already.
    Dropped,
}

/// The turns under way and waiting.
#[derive(Debug)]
pub(crate) struct Sessions {
    mode: SessionMode,
    held_max: usize,
    /// Log time passes so many times faster than real time.
    factor: f64,
    think_max_us: u64,
    sessions: HashMap<u64, Session>,
    /// Session of each ticket under way.
    tickets: HashMap<u64, u64>,
    /// Idle sessions by age, with the end that made them idle; outdated entries are passed over.
    idle: VecDeque<(u64, u64)>,
    held: usize,
    delayed: u64,
}

#[derive(Debug, Default)]
struct Session {
    busy: bool,
    /// The newest turn that was sent.
    newest: Option<Turn>,
    /// When it ended.
    ended_us: u64,
    waiting: VecDeque<(u64, Turn)>,
}

impl Sessions {
    /// At most `held_max` turns wait. `factor` is the speed against the log, `idle_cap_us` the longest pause on the
    /// log's time line.
    pub(crate) fn new(mode: SessionMode, held_max: usize, factor: f64, idle_cap_us: Option<u64>) -> Self {
        Self {
            mode,
            held_max,
            factor,
            think_max_us: idle_cap_us.unwrap_or(u64::MAX),
            sessions: HashMap::new(),
            tickets: HashMap::new(),
            idle: VecDeque::new(),
            held: 0,
            delayed: 0,
        }
    }

    /// A turn comes up, in the order of the log. `ticket` names it, and must be new.
    ///
    /// It may come up before it is due: a turn that follows a quick answer can only be sent in time if it is here by
    /// then. One that comes up later than its pause asks for is due `now_us`: a session that runs ahead of its log by
    /// more than the caller looks ahead waits for the log.
    pub(crate) fn arrive(&mut self, ticket: u64, turn: Turn, now_us: u64) -> Arrival {
        let Some(key) = turn.session.filter(|_| self.mode != SessionMode::Independent) else {
            return Arrival::Send { due_us: turn.due_us };
        };
        let session = self.sessions.entry(key).or_default();
        if session.busy {
            if self.held >= self.held_max {
                return Arrival::Dropped;
            }
            session.waiting.push_back((ticket, turn));
            self.held += 1;
            return Arrival::Held;
        }
        let due_us = match session.newest {
            None => turn.due_us,
            Some(previous) => self.due_us(previous, &turn, self.ended_us(key)).max(now_us.min(turn.due_us)),
        };
        self.begin(key, ticket, turn);
        Arrival::Send { due_us }
    }

    /// A turn that was to be sent has ended: answered, failed, or not sent after all. Names the turn that may follow
    /// and its planned instant.
    pub(crate) fn finished(&mut self, ticket: u64, now_us: u64) -> Option<(u64, u64)> {
        let key = self.tickets.remove(&ticket)?;
        let session = self.sessions.get_mut(&key)?;
        session.busy = false;
        session.ended_us = now_us;
        let Some((next, turn)) = session.waiting.pop_front() else {
            self.rest(key, now_us);
            return None;
        };
        self.held -= 1;
        let previous = session.newest;
        let due_us = previous.map_or(now_us, |previous| self.due_us(previous, &turn, now_us)).max(now_us);
        self.delayed += u64::from(due_us > turn.due_us);
        self.begin(key, next, turn);
        Some((next, due_us))
    }

    /// Turns that wait now.
    pub(crate) const fn held(&self) -> usize {
        self.held
    }

    /// Turns that were due later than the schedule wanted, because the previous answer was.
    pub(crate) const fn delayed(&self) -> u64 {
        self.delayed
    }

    fn ended_us(&self, key: u64) -> u64 {
        self.sessions.get(&key).map_or(0, |session| session.ended_us)
    }

    fn begin(&mut self, key: u64, ticket: u64, turn: Turn) {
        let session = self.sessions.entry(key).or_default();
        session.busy = true;
        session.newest = Some(turn);
        self.tickets.insert(ticket, key);
    }

    /// When a turn is due whose predecessor ended at `ended_us`.
    fn due_us(&self, previous: Turn, turn: &Turn, ended_us: u64) -> u64 {
        let recorded_us = previous.recorded_us.filter(|_| self.mode == SessionMode::Think);
        let Some(recorded_us) = recorded_us else { return turn.due_us.max(ended_us) };
        let answered_us = previous.at_us.saturating_add(recorded_us);
        let think_us = turn.at_us.saturating_sub(answered_us).min(self.think_max_us);
        ended_us.saturating_add((think_us as f64 / self.factor) as u64)
    }

    fn rest(&mut self, key: u64, ended_us: u64) {
        if self.mode != SessionMode::Think {
            self.sessions.remove(&key);
            return;
        }
        self.idle.push_back((key, ended_us));
        while self.idle.len() > IDLE_MAX {
            let Some((oldest, ended_us)) = self.idle.pop_front() else { return };
            if self.sessions.get(&oldest).is_some_and(|session| !session.busy && session.ended_us == ended_us) {
                self.sessions.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests;
