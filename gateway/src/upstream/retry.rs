//! What is tried again, when, and how often in all: pure, with time and chance as arguments.
//!
//! Only before the first byte of an answer reached the client; the caller sees to that. Tried again is what a second
//! try may well mend:
//!
//! * no connection, or one that broke before an answer; 408, 409 (a lock that was held) and 5xx, but not 501 and 505;
//! * 429 if the provider names a wait. One that names none is a limit of concurrency (DeepSeek's): coming back after
//!   a guess adds to the very load that was refused, and another arm may be free. 429 for lack of money never;
//! * a deadline that passed after the request was sent only where the configuration allows it: the provider may be at
//!   work on it, and bill both.
//!
//! `x-should-retry` of the provider overrules the status. A wait it asks for is honoured up to the configured bound;
//! a longer one ends the tries, and the client is told.
//!
//! The budget keeps retries from doubling the load on a provider that is down for everybody.

use super::window::Window;
use crate::config::RetryConfig;
use http::{HeaderMap, HeaderName, header};
use std::time::{Duration, Instant};
use wire::ErrorKind;

/// First wait without advice; doubled each time.
const WAIT_FIRST: Duration = Duration::from_millis(100);
/// What a retry needs at least of the time that is left; a wait into the deadline helps nobody.
const TIME_LEFT_MIN: Duration = Duration::from_millis(1);
/// The window of the budget.
const BUDGET_WINDOW: Duration = Duration::from_secs(10);
/// Retries a window that need no share of anything: with little traffic a share would be none at all.
const BUDGET_FLOOR: u64 = 3;

pub(super) const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
pub(super) const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// What a provider says about another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Advice {
    pub wait: Option<Duration>,
    pub should: Option<bool>,
}

impl Advice {
    /// Reads `retry-after-ms`, `retry-after` (seconds or a date) and `x-should-retry`.
    pub(super) fn of(headers: &HeaderMap, now: jiff::Timestamp) -> Self {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let number = |name: &HeaderName, unit: f64| {
            let number = text(name)?.parse::<f64>().ok()?;
            Duration::try_from_secs_f64(number * unit).ok()
        };
        let wait = number(&RETRY_AFTER_MS, 0.001)
            .or_else(|| number(&header::RETRY_AFTER, 1.0))
            .or_else(|| until(text(&header::RETRY_AFTER)?, now));
        let should = match text(&SHOULD_RETRY) {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
        Self { wait, should }
    }
}

/// Time until an HTTP date; one that has passed is no wait.
fn until(date: &str, now: jiff::Timestamp) -> Option<Duration> {
    let then = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
}

/// One try that failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tried {
    /// Its number, from 1.
    pub attempt: u32,
    pub kind: ErrorKind,
    /// 0: no answer.
    pub status: u16,
    /// What the provider said about another one.
    pub advice: Advice,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Wait(Duration),
    GiveUp,
}

/// Decides about one more try, with `left` of the total time and a `random` number in [0, 1).
pub(super) fn decide(config: &RetryConfig, tried: &Tried, left: Duration, random: f64) -> Decision {
    let helps = tried.advice.should.unwrap_or_else(|| may_help(config, tried));
    if tried.attempt >= config.attempts_max || !helps {
        return Decision::GiveUp;
    }
    let wait = match tried.advice.wait {
        Some(wait) if wait > config.wait_max => return Decision::GiveUp,
        Some(wait) => wait,
        None => {
            let doubled = WAIT_FIRST.saturating_mul(1 << (tried.attempt - 1).min(16));
            doubled.min(config.wait_max).mul_f64(random)
        }
    };
    if wait.saturating_add(TIME_LEFT_MIN) > left { Decision::GiveUp } else { Decision::Wait(wait) }
}

fn may_help(config: &RetryConfig, tried: &Tried) -> bool {
    match (tried.status, tried.kind) {
        (_, ErrorKind::Quota | ErrorKind::Auth | ErrorKind::Moderation) => false,
        (0, ErrorKind::Connect) => true,
        (0, ErrorKind::Timeout) => config.after_timeout,
        (429, _) => tried.advice.wait.is_some(),
        (501 | 505, _) => false,
        (408 | 409 | 500..=599, _) => true,
        _ => false,
    }
}

/// Retries over the recent past, against the requests they belong to.
#[derive(Debug)]
pub(super) struct Budget {
    percent: f64,
    /// First count: requests; second: retries.
    window: Window,
}

impl Budget {
    pub(super) fn new(percent: f64, now: Instant) -> Self {
        Self { percent, window: Window::new(BUDGET_WINDOW, now) }
    }

    /// A request begins.
    pub(super) fn earn(&mut self, now: Instant) {
        self.window.add(0, now);
    }

    /// Takes one retry, if there is one.
    pub(super) fn spend(&mut self, now: Instant) -> bool {
        let [requests, retries] = self.window.sums(now);
        // Counts of a window are far below 2^53.
        let within_share = (retries + 1) as f64 * 100.0 <= self.percent * requests as f64;
        let granted = self.percent > 0.0 && (within_share || retries < BUDGET_FLOOR);
        if granted {
            self.window.add(1, now);
        }
        granted
    }
}

#[cfg(test)]
mod tests;
