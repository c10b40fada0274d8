//! What happened on the way to a provider, in numbers.

use super::breaker::BreakerState;
use std::sync::atomic::{AtomicU64, Ordering};

/// The live counters. Relaxed: each is read on its own.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub attempts: Counter,
    pub retries: Counter,
    pub resends: Counter,
    pub retries_over_budget: Counter,
    pub shed: Counter,
    pub breaker_refused: Counter,
    pub connects: Counter,
    pub connect_failures: Counter,
    pub key_failovers: Counter,
}

/// One of them.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One look at a provider, for metrics and the admin plane. Counts since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct UpstreamCounts {
    /// Tries, retries included.
    pub attempts: u64,
    /// Tries after the first of a request.
    pub retries: u64,
    /// Requests sent once more at once, because the provider had just closed the connection that was kept open.
    pub resends: u64,
    /// Retries that were not made because the budget was spent.
    pub retries_over_budget: u64,
    /// Requests refused because too many were under way.
    pub shed: u64,
    /// Requests refused by the breaker.
    pub breaker_refused: u64,
    /// Connections made.
    pub connects: u64,
    /// Connections that could not be made.
    pub connect_failures: u64,
    /// Tries after a refused key, made with another one.
    pub key_failovers: u64,
    /// Keys.
    pub keys: usize,
    /// Keys that rest because the provider refused them.
    pub keys_resting: usize,
    /// Requests under way.
    pub in_flight: usize,
    /// The breaker's state; `closed` without a breaker.
    pub breaker: BreakerState,
    /// For how long it has been in this state, in milliseconds.
    pub breaker_for_ms: u64,
    /// How often it opened.
    pub breaker_opened: u64,
}
