//! The place that a request holds at a provider, from its first try to the last byte of the answer.

use super::blame;
use super::breaker::{Breaker, BreakerState, Outcome, Pass};
use super::counters::{Counters, UpstreamCounts};
use super::retry::Budget;
use crate::config::ProviderConfig;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wire::ErrorKind;

/// What all requests to a provider share.
#[derive(Debug)]
pub(super) struct Health {
    provider: String,
    in_flight: AtomicUsize,
    in_flight_max: usize,
    pub counters: Arc<Counters>,
    /// Held for a few instructions, never across a wait.
    judged: Mutex<Judged>,
}

#[derive(Debug)]
struct Judged {
    breaker: Option<Breaker>,
    budget: Budget,
    /// When a missing answer was last logged, and how many were not since.
    told: Option<Instant>,
    untold: u64,
}

impl Health {
    pub(super) fn new(config: &ProviderConfig, counters: Arc<Counters>) -> Self {
        let now = now();
        Self {
            provider: config.name.clone(),
            in_flight: AtomicUsize::new(0),
            in_flight_max: config.requests_in_flight_max,
            counters,
            judged: Mutex::new(Judged {
                breaker: config.breaker.map(|breaker| Breaker::new(breaker, now)),
                budget: Budget::new(config.retry.budget_percent, now),
                told: None,
                untold: 0,
            }),
        }
    }

    fn judged(&self) -> MutexGuard<'_, Judged> {
        self.judged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn spend_retry(&self) -> bool {
        self.judged().budget.spend(now())
    }

    /// Tells of an answer that did not come, at most once a second: an outage must not fill the disk.
    pub(super) fn tell(&self, why: &str) {
        let now = now();
        let mut judged = self.judged();
        if judged.told.is_some_and(|told| now.saturating_duration_since(told) < Duration::from_secs(1)) {
            judged.untold += 1;
            return;
        }
        judged.told = Some(now);
        let untold = std::mem::take(&mut judged.untold);
        drop(judged);
        tracing::warn!(provider = self.provider, why, untold, "no answer of the provider");
    }

    pub(super) fn is_full(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) >= self.in_flight_max
    }

    pub(super) fn breaker_state(&self) -> BreakerState {
        self.judged().breaker.as_ref().map_or(BreakerState::Closed, |breaker| breaker.view(now()).0)
    }

    pub(super) fn counts(&self, (keys, keys_resting): (usize, usize)) -> UpstreamCounts {
        let now = now();
        let view = self.judged().breaker.as_ref().map(|breaker| breaker.view(now));
        let (breaker, since, opened) = view.unwrap_or((BreakerState::Closed, now, 0));
        let counters = &self.counters;
        UpstreamCounts {
            attempts: counters.attempts.get(),
            retries: counters.retries.get(),
            resends: counters.resends.get(),
            retries_over_budget: counters.retries_over_budget.get(),
            shed: counters.shed.get(),
            breaker_refused: counters.breaker_refused.get(),
            connects: counters.connects.get(),
            connect_failures: counters.connect_failures.get(),
            key_failovers: counters.key_failovers.get(),
            keys,
            keys_resting,
            in_flight: self.in_flight.load(Ordering::Relaxed),
            breaker,
            breaker_for_ms: u64::try_from(now.saturating_duration_since(since).as_millis()).unwrap_or(u64::MAX),
            breaker_opened: opened,
        }
    }
}

/// One place. Given back when it is dropped, so it has to live as long as the answer's body.
#[derive(Debug)]
pub(crate) struct Slot {
    health: Arc<Health>,
    pass: Option<Pass>,
}

impl Slot {
    /// Takes a place, or none is left.
    pub(super) fn take(health: &Arc<Health>) -> Option<Self> {
        let before = health.in_flight.fetch_add(1, Ordering::Relaxed);
        let slot = Self { health: Arc::clone(health), pass: None };
        // Dropping the slot takes the one too many back.
        (before < slot.health.in_flight_max).then_some(slot)
    }

    /// Asks the breaker for the first try of a request, or for a further one; or how long to leave the provider alone.
    pub(super) fn admit(&mut self, first: bool) -> Result<(), Duration> {
        let now = now();
        let mut judged = self.health.judged();
        if first {
            judged.budget.earn(now);
        }
        self.pass = judged.breaker.as_mut().map(|breaker| breaker.admit(now)).transpose()?;
        Ok(())
    }

    /// The answer began as it should (a stream's first token): a breaker that is half-open waits for that. Costs nothing
    /// for a request that is no probe; the outcome is still to be reported.
    pub(crate) fn begun(&mut self) {
        let Some(pass) = self.pass.filter(|pass| pass.probe) else { return };
        if let Some(breaker) = self.health.judged().breaker.as_mut() {
            self.pass = Some(breaker.begun(pass, now()));
        }
    }

    /// How an answer with a good status ended; the first word counts, a later one is not heard. A client that left, or
    /// an error behind the good status that is about the request, says nothing about the provider.
    pub(crate) fn settle(&mut self, error: Option<ErrorKind>) {
        self.report_outcome(error.map_or(Outcome::Success, |kind| blame::outcome(kind, 200)));
    }

    pub(super) fn report_outcome(&mut self, outcome: Outcome) {
        let Some(pass) = self.pass.take() else { return };
        let changed = self.health.judged().breaker.as_mut().and_then(|breaker| breaker.report(pass, outcome, now()));
        if let Some(state) = changed {
            tracing::warn!(provider = self.health.provider, ?state, "the circuit breaker changed");
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.report_outcome(Outcome::Neutral);
        self.health.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Tokio's clock, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
