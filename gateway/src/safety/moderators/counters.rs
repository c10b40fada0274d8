//! What happened on the way to a judge, in numbers.

use crate::telemetry::Histogram;
use crate::upstream::BreakerState;
use guard::Failure;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of one call, microseconds: from lists, which need microseconds, to the slowest services.
const CALL_BOUNDS_US: [u64; 13] =
    [50, 250, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000];
/// In the order in which they are counted.
const FAILURES: [Failure; 5] =
    [Failure::Timeout, Failure::Busy, Failure::Unreachable, Failure::Refused, Failure::Malformed];

/// The live counters. Relaxed: each is read on its own.
#[derive(Debug)]
pub(super) struct Counters {
    checks: AtomicU64,
    calls: AtomicU64,
    cached: AtomicU64,
    failures: [AtomicU64; FAILURES.len()],
    latency: Histogram,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            checks: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            cached: AtomicU64::new(0),
            failures: Default::default(),
            latency: Histogram::new(&CALL_BOUNDS_US),
        }
    }
}

impl Counters {
    /// A text to judge.
    pub(super) fn checked(&self) {
        self.checks.fetch_add(1, Ordering::Relaxed);
    }

    /// A piece that somebody had had judged before.
    pub(super) fn cached(&self) {
        self.cached.fetch_add(1, Ordering::Relaxed);
    }

    /// A call that ended, well or not.
    pub(super) fn called(&self, took_us: u64) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.latency.add(took_us);
    }

    /// A piece that was not judged.
    pub(super) fn failed(&self, failure: Failure) {
        let place = FAILURES.iter().position(|one| *one == failure);
        if let Some(count) = place.and_then(|place| self.failures.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn reading(self: &Arc<Self>, name: &str, now: Now) -> ModeratorReading {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut failures = FAILURES.map(|failure| (failure.name(), 0));
        for (failure, counter) in failures.iter_mut().zip(&self.failures) {
            failure.1 = load(counter);
        }
        ModeratorReading {
            name: name.to_owned(),
            checks: load(&self.checks),
            calls: load(&self.calls),
            cached: load(&self.cached),
            failures,
            now,
            counters: Arc::clone(self),
        }
    }
}

/// What is not counted but is so at the moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub in_flight: usize,
    pub cache_bytes: u64,
    pub breaker: BreakerState,
}

/// One look at a back end, for metrics. Counts since the start.
#[derive(Debug)]
pub(crate) struct ModeratorReading {
    /// Its configured name.
    pub name: String,
    /// Texts to judge.
    pub checks: u64,
    /// Calls that ended. A long text takes several.
    pub calls: u64,
    /// Pieces whose verdict was known.
    pub cached: u64,
    /// Pieces that were not judged, by [`Failure::name`].
    pub failures: [(&'static str, u64); FAILURES.len()],
    now: Now,
    counters: Arc<Counters>,
}

impl ModeratorReading {
    /// One with something in everything.
    #[cfg(test)]
    pub(crate) fn sample(name: &str) -> Self {
        let counters = Arc::<Counters>::default();
        (0..5).for_each(|_| counters.checked());
        (0..4).for_each(|_| counters.cached());
        counters.called(20_000);
        counters.failed(Failure::Malformed);
        counters.reading(name, Now { in_flight: 2, cache_bytes: 3, breaker: BreakerState::Open })
    }

    /// Calls under way.
    pub(crate) const fn in_flight(&self) -> usize {
        self.now.in_flight
    }

    /// Bytes of verdicts in memory.
    pub(crate) const fn cache_bytes(&self) -> u64 {
        self.now.cache_bytes
    }

    /// Whether it is left alone.
    pub(crate) const fn breaker(&self) -> BreakerState {
        self.now.breaker
    }

    /// How long calls took.
    pub(crate) fn latency(&self) -> &Histogram {
        &self.counters.latency
    }
}
