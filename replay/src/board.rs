//! Live counters of a run, shared by the dispatcher, the tasks, the collector and the progress display.

use crate::measure::Sample;
use crate::summary::Times;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use wire::ErrorKind;

/// Shortest time over which the rate of now is taken, microseconds.
const RATE_PERIOD_US: u64 = 1_000_000;

/// The counters.
#[derive(Debug, Default)]
pub(crate) struct Board {
    total: Option<u64>,
    planned_rate: Option<f64>,
    budget_nanos: Option<i64>,
    sent: AtomicU64,
    ok: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    cost_nanos: AtomicI64,
    lag: Mutex<Times<3>>,
    ttft: Mutex<Times<3>>,
    errors: Mutex<BTreeMap<ErrorKind, u64>>,
    pace: Mutex<Pace>,
}

/// The sends at an earlier look, for the rate of now.
#[derive(Debug, Clone, Copy, Default)]
struct Pace {
    at_us: u64,
    sent: u64,
    per_second: f64,
}

/// A moment of a run, for display.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Live {
    /// Requests planned; `None` where the log's length is not known.
    pub total: Option<u64>,
    /// Requests sent.
    pub sent: u64,
    /// Answers in full.
    pub ok: u64,
    /// Failures.
    pub failed: u64,
    /// Failures by kind, the most frequent first.
    pub errors: Vec<(ErrorKind, u64)>,
    /// Requests that were due and not sent.
    pub dropped: u64,
    /// Sent and not finished.
    pub in_flight: u64,
    /// 99th percentile of send lag so far, microseconds.
    pub lag_p99_us: u64,
    /// Median time from sending to first text so far, microseconds; streamed answers only.
    pub ttft_p50_us: Option<u64>,
    /// Its 99th percentile.
    pub ttft_p99_us: Option<u64>,
    /// Requests sent a second, on average so far.
    pub rate_per_second: f64,
    /// Requests sent a second within the last second or so.
    pub rate_now_per_second: f64,
    /// The rate that was asked for, where it is one number.
    pub rate_planned_per_second: Option<f64>,
    /// Cost of the answers so far, nano-dollars.
    pub cost_nanos: i64,
    /// The cap on the cost, nano-dollars.
    pub budget_nanos: Option<i64>,
    /// Time since the start, microseconds.
    pub elapsed_us: u64,
}

/// Lateness of sends, microseconds, at a precision of one per mille.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Lag {
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Worst.
    pub max: u64,
}

impl Lag {
    pub(crate) fn of(times: &Times<3>) -> Self {
        times.histogram().map_or_else(Self::default, |histogram| Self {
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            max: histogram.max(),
        })
    }
}

impl Board {
    /// A board for a run of `total` rows, if that is known, at the given rate and cap.
    pub(crate) fn with(total: Option<u64>, rate: crate::Rate, budget_nanos: Option<i64>) -> Self {
        Self { total, planned_rate: rate.per_second(), budget_nanos, ..Self::default() }
    }

    /// A request goes out, so many microseconds late.
    pub(crate) fn sent(&self, lag_us: u64) {
        self.sent.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut lag) = self.lag.lock() {
            lag.record(lag_us);
        }
    }

    /// An exchange has ended.
    pub(crate) fn ended(&self, sample: &Sample) {
        match sample.error {
            None => {
                self.ok.fetch_add(1, Ordering::Relaxed);
                if let (Some(ttft_us), Ok(mut ttft)) = (sample.instants.ttft_us(), self.ttft.lock()) {
                    ttft.record(ttft_us);
                }
            }
            Some(kind) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                if let Ok(mut errors) = self.errors.lock() {
                    *errors.entry(kind).or_default() += 1;
                }
            }
        }
        if let Some(nanos) = sample.cost_nanos {
            self.cost_nanos.fetch_add(nanos, Ordering::Relaxed);
        }
    }

    /// A request was due and not sent.
    pub(crate) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Lateness of all sends.
    pub(crate) fn lag(&self) -> Times<3> {
        self.lag.lock().map(|lag| lag.clone()).unwrap_or_default()
    }

    pub(crate) fn live(&self, elapsed_us: u64) -> Live {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // Finished before sent: a request that ends in between must not make the difference negative.
        let (ok, failed) = (load(&self.ok), load(&self.failed));
        let sent = load(&self.sent);
        let ttft = |quantile| self.ttft.lock().ok().and_then(|ttft| ttft.quantile(quantile));
        let mut errors: Vec<_> = self
            .errors
            .lock()
            .map(|errors| errors.iter().map(|(kind, count)| (*kind, *count)).collect())
            .unwrap_or_default();
        errors.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Live {
            total: self.total,
            sent,
            ok,
            failed,
            errors,
            dropped: load(&self.dropped),
            in_flight: sent.saturating_sub(ok + failed),
            lag_p99_us: self.lag.lock().ok().and_then(|lag| lag.quantile(0.99)).unwrap_or(0),
            ttft_p50_us: ttft(0.5),
            ttft_p99_us: ttft(0.99),
            rate_per_second: if elapsed_us == 0 { 0.0 } else { sent as f64 * 1e6 / elapsed_us as f64 },
            rate_now_per_second: self.rate_now(sent, elapsed_us),
            rate_planned_per_second: self.planned_rate,
            cost_nanos: self.cost_nanos.load(Ordering::Relaxed),
            budget_nanos: self.budget_nanos,
            elapsed_us,
        }
    }

    fn rate_now(&self, sent: u64, elapsed_us: u64) -> f64 {
        let Ok(mut pace) = self.pace.lock() else { return 0.0 };
        let passed_us = elapsed_us.saturating_sub(pace.at_us);
        if passed_us >= RATE_PERIOD_US {
            let per_second = sent.saturating_sub(pace.sent) as f64 * 1e6 / passed_us as f64;
            *pace = Pace { at_us: elapsed_us, sent, per_second };
        }
        pace.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Instants;
    use wire::chat::Firsts;

    fn sample(error: Option<ErrorKind>, ttft_us: Option<u64>) -> Sample {
        let firsts = Firsts { text: ttft_us, ..Firsts::default() };
        let instants = Instants { planned_us: 0, sent_us: 0, firsts, done_us: 9_000 };
        Sample { instants, error, usage: None, cost_nanos: Some(7) }
    }

    #[test]
    fn a_moment_tells_rate_lag_errors_and_money() {
        let board = Board::with(None, "200/s".parse().unwrap(), Some(1_000));
        for _ in 0..100 {
            board.sent(2_000);
        }
        for _ in 0..3 {
            board.ended(&sample(Some(ErrorKind::Timeout), None));
        }
        board.ended(&sample(Some(ErrorKind::Connect), None));
        board.ended(&sample(None, Some(4_000)));
        board.dropped();
        let live = board.live(1_000_000);
        assert_eq!((live.sent, live.ok, live.failed, live.in_flight, live.dropped), (100, 1, 4, 95, 1));
        assert_eq!(live.errors, [(ErrorKind::Timeout, 3), (ErrorKind::Connect, 1)]);
        assert_eq!((live.cost_nanos, live.budget_nanos), (35, Some(1_000)));
        assert_eq!((live.rate_planned_per_second, live.total), (Some(200.0), None));
        assert!((live.rate_now_per_second - 100.0).abs() < 1e-9, "{live:?}");
        assert!(live.lag_p99_us.abs_diff(2_000) <= 2 && live.ttft_p50_us.unwrap().abs_diff(4_000) <= 4, "{live:?}");
    }

    #[test]
    fn the_rate_of_now_is_that_of_the_last_second() {
        let board = Board::with(None, crate::Rate::default(), None);
        board.sent(0);
        let _first = board.live(1_000_000);
        for _ in 0..50 {
            board.sent(0);
        }
        // A look in between does not shorten the period.
        assert!((board.live(1_500_000).rate_now_per_second - 1.0).abs() < 1e-9);
        assert!((board.live(2_000_000).rate_now_per_second - 50.0).abs() < 1e-9);
        assert!((board.live(2_000_000).rate_per_second - 25.5).abs() < 1e-9);
    }
}
