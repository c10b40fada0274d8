//! Refused callers: counted by why, and slowed down if they keep trying.

use lease::keys::{Brake, BrakePolicy, Refusal};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Most refusals that wait at once, of all addresses together. Each holds a place among the requests in flight, so it is
/// a quarter of those at most.
const WAITING_MAX: usize = 256;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Refusals {
    brake: Mutex<Brake>,
    waiting: Semaphore,
    waiting_max: usize,
    counts: [AtomicU64; REASONS.len()],
    slowed: AtomicU64,
    unslowed: AtomicU64,
}

/// Why a caller is refused, as metrics say it.
const REASONS: [&str; 6] = ["missing", "unknown", "expired", "sunset", "revoked", "scope"];

/// Refusals so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct RefusalCounts {
    /// By reason.
    pub refused: Vec<(&'static str, u64)>,
    /// Answers that waited.
    pub slowed: u64,
    /// Answers that should have waited and could not, because as many waited already as may.
    pub unslowed: u64,
    /// Answers that wait now.
    pub waiting: u64,
}

impl Refusals {
    pub(crate) fn new(requests_in_flight_max: usize) -> Self {
        let waiting_max = (requests_in_flight_max / 4).clamp(1, WAITING_MAX);
        Self {
            brake: Mutex::new(Brake::new(BrakePolicy::default())),
            waiting: Semaphore::new(waiting_max),
            waiting_max,
            counts: Default::default(),
            slowed: AtomicU64::new(0),
            unslowed: AtomicU64::new(0),
        }
    }

    fn count(&self, reason: &str) {
        let counters = REASONS.iter().zip(&self.counts);
        if let Some((_, counter)) = counters.into_iter().find(|(name, _)| **name == reason) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// There was no key. That is no guess, and costs no time.
    pub(super) fn missing(&self) {
        self.count("missing");
    }

    /// A right key, for something that it is not for.
    pub(super) fn out_of_scope(&self) {
        self.count("scope");
    }

    /// Whether so many wrong keys of this address wait already that nothing more of it should be looked at.
    pub(crate) fn is_full(&self, source: IpAddr, now_us: i64) -> bool {
        self.brake.lock().unwrap_or_else(PoisonError::into_inner).is_full(source, now_us)
    }

    /// A wrong key: returns when it may be said.
    pub(crate) async fn wrong(&self, refusal: Refusal, source: IpAddr, now_us: i64) {
        self.count(match refusal {
            Refusal::Unknown => "unknown",
            Refusal::Expired => "expired",
            Refusal::Sunset => "sunset",
            Refusal::Revoked => "revoked",
        });
        let wait_us = self.brake.lock().unwrap_or_else(PoisonError::into_inner).wrong(source, now_us);
        let wait = match wait_us.map(u64::try_from) {
            Some(Ok(0)) => return,
            Some(Ok(wait_us)) => Duration::from_micros(wait_us),
            _ => {
                self.unslowed.fetch_add(1, Ordering::Relaxed);
                return;
            }
        };
        let Ok(_place) = self.waiting.try_acquire() else {
            self.unslowed.fetch_add(1, Ordering::Relaxed);
            return;
        };
        self.slowed.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(wait).await;
    }

    pub(super) fn counts(&self) -> RefusalCounts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let waiting = self.waiting_max.saturating_sub(self.waiting.available_permits());
        RefusalCounts {
            refused: REASONS.into_iter().zip(self.counts.iter().map(load)).collect(),
            slowed: load(&self.slowed),
            unslowed: load(&self.unslowed),
            waiting: u64::try_from(waiting).unwrap_or(u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn guesses_wait_longer_and_longer_and_only_so_many_wait() {
        let refusals = Refusals::new(8);
        let start = tokio::time::Instant::now();
        let guess = async |source: &str| refusals.wrong(Refusal::Unknown, source.parse().unwrap(), 0).await;
        for _ in 0..3 {
            guess("192.0.2.1").await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        guess("192.0.2.1").await;
        assert_eq!(start.elapsed(), Duration::from_millis(100));
        for source in ["192.0.2.2", "192.0.2.3", "192.0.2.4"] {
            for _ in 0..3 {
                guess(source).await;
            }
        }
        tokio::join!(guess("192.0.2.2"), guess("192.0.2.3"), guess("192.0.2.4"));
        let counts = refusals.counts();
        assert_eq!((counts.slowed, counts.unslowed, counts.waiting), (3, 1, 0), "two places of eight");
        assert_eq!(counts.refused[1], ("unknown", 16));
    }
}
