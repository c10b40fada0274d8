//! What a mock was asked and what became of it: a bounded list of requests plus counters that never forget.
//!
//! Tests read it to see what a gateway really sent, and wait on it instead of on time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::Notify;

use crate::lanes::Seat;
use crate::profile::Fault;

/// Longer bodies are kept only up to here, so that the log's memory has a bound.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Headers whose values are kept but not shown.
const SECRETS: [&str; 5] = ["authorization", "cookie", "proxy-authorization", "x-api-key", "api-key"];

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// Counted from 0 in order of arrival.
    pub number: u64,
    /// When it arrived, microseconds since the mock started.
    pub arrived_us: u64,
    /// HTTP method.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// All headers; credentials and cookies are marked sensitive and so not shown by `Debug`.
    pub headers: HeaderMap,
    /// The body, or its first 64 KiB.
    pub body: Bytes,
    /// Size of the whole body, bytes.
    pub body_bytes: usize,
    /// Status of the answer; 0 until one is chosen, and for a reset connection.
    pub status: u16,
    /// The fault it met, if any.
    pub fault: Option<Fault>,
    /// What became of it.
    pub outcome: Outcome,
}

impl RecordedRequest {
    /// The value of a header; empty if it did not arrive or is not text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The names of all headers that arrived, in small letters and in order.
    #[must_use]
    pub fn header_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The body as JSON; null if it is not, or was too long to keep.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The answer is still on its way.
    InFlight,
    /// The whole answer, such as it was, has been handed over.
    Finished,
    /// The client went away before the answer was complete, or the mock shut down.
    Cancelled,
    /// The mock itself broke the connection, as the fault demanded.
    Broken,
}

/// Totals since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that arrived.
    pub received: u64,
    /// Of these, not yet ended.
    pub in_flight: u64,
    /// Of these, with their answer handed over.
    pub finished: u64,
    /// Of these, abandoned by the client or by the mock's shutdown.
    pub cancelled: u64,
    /// Of these, with a connection that the mock broke.
    pub broken: u64,
    /// Requests no longer in the list because newer ones took their place.
    pub forgotten: u64,
    /// Requests by status of the answer.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests by fault met.
    pub by_fault: BTreeMap<&'static str, u64>,
}

/// The log of one mock; clones share it.
#[derive(Clone, Debug)]
pub struct RequestLog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    capacity: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    recent: VecDeque<RecordedRequest>,
    counts: Counts,
}

impl RequestLog {
    pub(crate) fn new(capacity: usize, started: Instant) -> Self {
        let state = Mutex::new(State::default());
        Self { shared: Arc::new(Shared { started, capacity, state, changed: Notify::new() }) }
    }

    /// The most recent requests, oldest first.
    #[must_use]
    pub fn recent(&self) -> Vec<RecordedRequest> {
        self.lock().recent.iter().cloned().collect()
    }

    /// The totals.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    /// Waits until the totals satisfy a condition, and returns them. Wrap it in a deadline.
    pub async fn wait_until(&self, mut condition: impl FnMut(&Counts) -> bool) -> Counts {
        loop {
            // Registered before looking, so that a change in between is not missed.
            let changed = self.shared.changed.notified();
            let counts = self.counts();
            if condition(&counts) {
                return counts;
            }
            changed.await;
        }
    }

    /// Notes the arrival of a request.
    pub(crate) fn open(&self, method: &str, path: &str, headers: HeaderMap, body: &Bytes) -> Ticket {
        // A log that keeps nothing need not be told what arrived.
        let request = (self.shared.capacity > 0).then(|| self.recorded(method, path, headers, body));
        let mut state = self.lock();
        let number = state.counts.received;
        state.counts.received += 1;
        state.counts.in_flight += 1;
        let in_flight = state.counts.in_flight;
        match request {
            Some(request) => {
                state.recent.push_back(RecordedRequest { number, ..request });
                while state.recent.len() > self.shared.capacity {
                    state.recent.pop_front();
                    state.counts.forgotten += 1;
                }
            }
            None => state.counts.forgotten += 1,
        }
        drop(state);
        self.shared.changed.notify_waiters();
        Ticket { log: self.clone(), number, in_flight, outcome: Outcome::Cancelled, seat: None }
    }

    fn recorded(&self, method: &str, path: &str, mut headers: HeaderMap, body: &Bytes) -> RecordedRequest {
        for name in SECRETS {
            if let Some(secret) = headers.get_mut(name) {
                secret.set_sensitive(true);
            }
        }
        let arrived = Instant::now().saturating_duration_since(self.shared.started);
        RecordedRequest {
            number: 0,
            arrived_us: u64::try_from(arrived.as_micros()).unwrap_or(u64::MAX),
            method: method.to_owned(),
            path: path.to_owned(),
            headers,
            body: body.slice(..body.len().min(BODY_BYTES_MAX)),
            body_bytes: body.len(),
            status: 0,
            fault: None,
            outcome: Outcome::InFlight,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere cannot leave the state half changed in a way that matters to a log.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn find(&mut self, number: u64) -> Option<&mut RecordedRequest> {
        let first = self.recent.front()?.number;
        self.recent.get_mut(usize::try_from(number.checked_sub(first)?).ok()?)
    }
}

/// Follows one request to its end; dropped early, it counts as cancelled.
#[derive(Debug)]
pub(crate) struct Ticket {
    log: RequestLog,
    number: u64,
    /// Requests in flight when this one arrived, itself included.
    pub(crate) in_flight: u64,
    outcome: Outcome,
    seat: Option<Seat>,
}

impl Ticket {
    /// Keeps a seat until the request ends.
    pub(crate) fn hold(&mut self, seat: Option<Seat>) {
        self.seat = seat;
    }

    /// Notes the status chosen and the fault met.
    pub(crate) fn decided(&self, status: u16, fault: Option<Fault>) {
        let mut state = self.log.lock();
        if status != 0 {
            *state.counts.by_status.entry(status).or_default() += 1;
        }
        if let Some(fault) = fault {
            *state.counts.by_fault.entry(fault.name()).or_default() += 1;
        }
        if let Some(request) = state.find(self.number) {
            request.status = status;
            request.fault = fault;
        }
    }

    /// Says how the request will have ended once this ticket is dropped.
    pub(crate) fn ends(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // Whoever waits for this end finds the seat free.
        drop(self.seat.take());
        let mut state = self.log.lock();
        let counts = &mut state.counts;
        counts.in_flight -= 1;
        match self.outcome {
            Outcome::Finished => counts.finished += 1,
            Outcome::Broken => counts.broken += 1,
            Outcome::Cancelled | Outcome::InFlight => counts.cancelled += 1,
        }
        if let Some(request) = state.find(self.number) {
            request.outcome = self.outcome;
        }
        drop(state);
        self.log.shared.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(log: &RequestLog) -> Ticket {
        log.open("POST", "/x", HeaderMap::new(), &Bytes::from_static(b"{}"))
    }

    #[test]
    fn the_list_is_bounded_and_the_counters_are_not() {
        let log = RequestLog::new(2, Instant::now());
        let mut tickets: Vec<Ticket> = (0..5).map(|_| open(&log)).collect();
        assert_eq!(log.recent().iter().map(|request| request.number).collect::<Vec<_>>(), [3, 4]);
        let mut last = tickets.pop().unwrap();
        assert_eq!(last.in_flight, 5);
        last.decided(503, Some(Fault::Error503));
        last.ends(Outcome::Finished);
        drop(last);
        tickets[0].ends(Outcome::Finished);
        drop(tickets);
        let counts = log.counts();
        assert_eq!((counts.received, counts.in_flight, counts.forgotten), (5, 0, 3));
        assert_eq!((counts.finished, counts.cancelled), (2, 3));
        assert_eq!(counts.by_status[&503], 1);
        assert_eq!(counts.by_fault["error_503"], 1);
        let recent = log.recent();
        assert_eq!((recent[1].outcome, recent[1].status), (Outcome::Finished, 503));
        assert_eq!(recent[0].outcome, Outcome::Cancelled);
    }

    #[test]
    fn a_log_that_keeps_nothing_still_counts() {
        let log = RequestLog::new(0, Instant::now());
        let mut ticket = open(&log);
        ticket.decided(200, None);
        ticket.ends(Outcome::Finished);
        drop(ticket);
        let counts = log.counts();
        assert_eq!((counts.received, counts.finished, counts.forgotten, counts.in_flight), (1, 1, 1, 0));
        assert!(log.recent().is_empty());
    }

    #[test]
    fn keys_are_kept_but_not_shown() {
        let log = RequestLog::new(1, Instant::now());
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer sk-secret".parse().unwrap());
        drop(log.open("GET", "/x", headers, &Bytes::new()));
        let recent = log.recent();
        assert_eq!(recent[0].headers["authorization"], "Bearer sk-secret");
        assert!(!format!("{recent:?}").contains("sk-secret"));
    }
}
