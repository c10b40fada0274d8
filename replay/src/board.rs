//! Live counters of a run, shared by the dispatcher, the tasks, the collector and the progress display.

use hdrhistogram::Histogram;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Microseconds of an hour: longer lags count as this long.
const LAG_US_MAX: u64 = 3_600_000_000;

/// The counters.
#[derive(Debug)]
pub(crate) struct Board {
    total: u64,
    sent: AtomicU64,
    ok: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    lag: Mutex<Option<Histogram<u64>>>,
}

/// A moment of a run, for display.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Live {
    /// Requests planned.
    pub total: u64,
    /// Requests sent.
    pub sent: u64,
    /// Answers in full.
    pub ok: u64,
    /// Failures.
    pub failed: u64,
    /// Requests that were not sent because too many were in flight.
    pub dropped: u64,
    /// Sent and not finished.
    pub in_flight: u64,
    /// 99th percentile of send lag so far, microseconds.
    pub lag_p99_us: u64,
    /// Requests sent a second, on average so far.
    pub rate_per_second: f64,
    /// Time since the start, microseconds.
    pub elapsed_us: u64,
}

/// Lateness of sends, microseconds, at a precision of one per mille.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Lag {
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Worst.
    pub max: u64,
}

impl Board {
    pub(crate) fn new(total: u64) -> Self {
        let lag = Histogram::new_with_bounds(1, LAG_US_MAX, 3).ok();
        let zero = AtomicU64::default;
        Self { total, sent: zero(), ok: zero(), failed: zero(), dropped: zero(), lag: Mutex::new(lag) }
    }

    pub(crate) fn sent(&self, lag_us: u64) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut lag) = self.lag.lock()
            && let Some(histogram) = lag.as_mut()
        {
            histogram.saturating_record(lag_us);
        }
    }

    pub(crate) fn finished(&self, ok: bool) {
        if ok { &self.ok } else { &self.failed }.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn lag(&self) -> Lag {
        let Ok(lag) = self.lag.lock() else { return Lag::default() };
        lag.as_ref().map_or_else(Lag::default, |histogram| Lag {
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            max: histogram.max(),
        })
    }

    pub(crate) fn live(&self, elapsed_us: u64) -> Live {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // Finished before sent: a request that ends in between must not make the difference negative.
        let (ok, failed) = (load(&self.ok), load(&self.failed));
        let sent = load(&self.sent);
        Live {
            total: self.total,
            sent,
            ok,
            failed,
            dropped: load(&self.dropped),
            in_flight: sent.saturating_sub(ok + failed),
            lag_p99_us: self.lag().p99,
            rate_per_second: if elapsed_us == 0 { 0.0 } else { sent as f64 * 1e6 / elapsed_us as f64 },
            elapsed_us,
        }
    }
}
