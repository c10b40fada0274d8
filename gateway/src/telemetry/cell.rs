//! The counters of one label set, and what one exchange adds to them.
//!
//! Everything that any view of the page shows of exchanges comes from here, so that all views agree. The counters that only
//! OpenTelemetry's or Higress' names show are kept whether these are on or not: a handful of additions an exchange, and a
//! view that is turned on later does not begin at zero.

use super::histogram::{DURATION_BOUNDS_US, FIRST_TOKEN_BOUNDS_US, Histogram, OUTPUT_TOKEN_BOUNDS_US, TOKEN_BOUNDS};
use super::series::OTHER;
use datasets::{Exchange, GuardAction, Role};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use wire::usage::Loss;
use wire::{ErrorKind, Usage, UsageSource};

/// Outcomes: `ok` and every kind of error.
pub(super) const OUTCOMES: usize = 16;
/// Names of failed forms; one that is not here counts as the last.
pub(super) const FORM_FAILURES: [&str; 10] = [
    "length",
    "content_filter",
    "other_finish",
    "no_finish",
    "empty",
    "not_json",
    "tool_leak",
    "tool_not_json",
    "no_tool_call",
    OTHER,
];

/// The counters of one label set.
#[derive(Debug)]
pub(super) struct Cell {
    pub outcomes: [AtomicU64; OUTCOMES],
    pub form_failures: [AtomicU64; FORM_FAILURES.len()],
    pub prompt_tokens: AtomicU64,
    pub cached_tokens: AtomicU64,
    pub completion_tokens: AtomicU64,
    pub reasoning_tokens: AtomicU64,
    /// Exchanges with estimated tokens, by [`Loss::ALL`].
    pub usage_estimated: [AtomicU64; Loss::ALL.len()],
    pub cost_nanos: AtomicU64,
    pub unpriced: AtomicU64,
    pub fallbacks: AtomicU64,
    pub retries: AtomicU64,
    pub moderation_blocks: AtomicU64,
    /// Answers that the guard blocked or cut.
    pub guard_blocks: AtomicU64,
    /// Of exchanges without an error.
    pub duration: Histogram,
    /// Of those with one, by [`outcome`]; made when the first one comes, because most kinds never do.
    pub failed: [OnceLock<Box<Histogram>>; OUTCOMES],
    pub first_event: Histogram,
    pub first_token: Histogram,
    pub first_visible: Histogram,
    pub output_token: Histogram,
    pub reported: Reported,
}

/// Of exchanges whose provider reported its tokens: no estimate is among them.
#[derive(Debug)]
pub(super) struct Reported {
    pub prompt_tokens: Histogram,
    pub completion_tokens: Histogram,
    pub duration_us: AtomicU64,
    /// Those that were streamed and had a first token, and the time until then.
    pub streams: AtomicU64,
    pub first_token_us: AtomicU64,
}

impl Cell {
    pub(super) fn new() -> Self {
        Self {
            outcomes: Default::default(),
            form_failures: Default::default(),
            prompt_tokens: AtomicU64::new(0),
            cached_tokens: AtomicU64::new(0),
            completion_tokens: AtomicU64::new(0),
            reasoning_tokens: AtomicU64::new(0),
            usage_estimated: Default::default(),
            cost_nanos: AtomicU64::new(0),
            unpriced: AtomicU64::new(0),
            fallbacks: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            moderation_blocks: AtomicU64::new(0),
            guard_blocks: AtomicU64::new(0),
            duration: Histogram::new(&DURATION_BOUNDS_US),
            failed: Default::default(),
            first_event: Histogram::new(&DURATION_BOUNDS_US),
            first_token: Histogram::new(&FIRST_TOKEN_BOUNDS_US),
            first_visible: Histogram::new(&FIRST_TOKEN_BOUNDS_US),
            output_token: Histogram::new(&OUTPUT_TOKEN_BOUNDS_US),
            reported: Reported::new(),
        }
    }

    /// Counts an exchange.
    pub(super) fn add(&self, exchange: &Exchange) {
        let outcome = outcome(exchange.error);
        if let Some(count) = self.outcomes.get(outcome) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        more(&self.retries, u64::from(exchange.attempts.saturating_sub(1)));
        more(&self.fallbacks, u64::from(exchange.role == Role::Fallback));
        more(&self.moderation_blocks, u64::from(exchange.moderation.is_some()));
        more(&self.guard_blocks, u64::from(was_blocked(exchange)));
        if let Some(usage) = &exchange.usage {
            self.add_usage(usage, exchange);
        }
        if let Some(failure) = &exchange.form_failure {
            let place = FORM_FAILURES.iter().position(|name| name == failure).unwrap_or(FORM_FAILURES.len() - 1);
            if let Some(count) = self.form_failures.get(place) {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.add_times(exchange, outcome);
    }

    fn add_times(&self, exchange: &Exchange, outcome: usize) {
        // How fast an error came is no latency: it would make a failing provider look quick.
        if exchange.error.is_none() {
            self.duration.add(exchange.duration_us);
        } else if let Some(failed) = self.failed.get(outcome) {
            failed.get_or_init(|| Box::new(Histogram::new(&DURATION_BOUNDS_US))).add(exchange.duration_us);
        }
        for (histogram, time_us) in
            [(&self.first_event, exchange.first_event_us), (&self.first_visible, exchange.first_visible_us)]
        {
            if let Some(time_us) = time_us {
                histogram.add(time_us);
            }
        }
        let Some(ttft_us) = exchange.ttft_us else { return };
        self.first_token.add(ttft_us);
        let later_tokens = exchange.usage.map_or(0, |usage| usage.completion.saturating_sub(1));
        if exchange.error.is_none() && later_tokens > 0 {
            self.output_token.add(exchange.duration_us.saturating_sub(ttft_us) / later_tokens);
        }
    }

    fn add_usage(&self, usage: &Usage, exchange: &Exchange) {
        let cost_nanos = exchange.cost_nanos;
        more(&self.prompt_tokens, usage.prompt);
        more(&self.cached_tokens, usage.cached.unwrap_or(0));
        more(&self.completion_tokens, usage.completion);
        more(&self.reasoning_tokens, usage.reasoning.unwrap_or(0));
        if let Some(loss) = Loss::of(usage, exchange.error) {
            for (reason, count) in Loss::ALL.iter().zip(&self.usage_estimated) {
                more(count, u64::from(*reason == loss));
            }
        }
        more(&self.unpriced, u64::from(cost_nanos.is_none()));
        more(&self.cost_nanos, cost_nanos.and_then(|nanos| u64::try_from(nanos).ok()).unwrap_or(0));
        if usage.source == UsageSource::Provider {
            self.reported.add(usage, exchange);
        }
    }
}

impl Reported {
    fn new() -> Self {
        Self {
            prompt_tokens: Histogram::of_counts(&TOKEN_BOUNDS),
            completion_tokens: Histogram::of_counts(&TOKEN_BOUNDS),
            duration_us: AtomicU64::new(0),
            streams: AtomicU64::new(0),
            first_token_us: AtomicU64::new(0),
        }
    }

    fn add(&self, usage: &Usage, exchange: &Exchange) {
        self.prompt_tokens.add(usage.prompt);
        self.completion_tokens.add(usage.completion);
        more(&self.duration_us, exchange.duration_us);
        if let Some(ttft_us) = exchange.ttft_us {
            self.streams.fetch_add(1, Ordering::Relaxed);
            more(&self.first_token_us, ttft_us);
        }
    }
}

/// The guard kept the answer, or the rest of it, from the client.
fn was_blocked(exchange: &Exchange) -> bool {
    let answer = exchange.guard.as_ref().and_then(|guarded| guarded.response.as_ref());
    answer.is_some_and(|check| check.action == GuardAction::Blocked)
}

/// Adds; nothing is written for nothing.
fn more(counter: &AtomicU64, amount: u64) {
    if amount > 0 {
        counter.fetch_add(amount, Ordering::Relaxed);
    }
}

/// Names of the outcomes, by [`outcome`].
pub(super) const OUTCOME_NAMES: [&str; OUTCOMES] = [
    "ok",
    ErrorKind::Connect.name(),
    ErrorKind::Timeout.name(),
    ErrorKind::Truncated.name(),
    ErrorKind::Malformed.name(),
    ErrorKind::RateLimit.name(),
    ErrorKind::Quota.name(),
    ErrorKind::Auth.name(),
    ErrorKind::BadRequest.name(),
    ErrorKind::NotFound.name(),
    ErrorKind::Moderation.name(),
    ErrorKind::Overloaded.name(),
    ErrorKind::Server.name(),
    ErrorKind::ClientCancelled.name(),
    ErrorKind::GatewayStopped.name(),
    ErrorKind::GatewayBusy.name(),
];

const fn outcome(error: Option<ErrorKind>) -> usize {
    match error {
        None => 0,
        Some(ErrorKind::Connect) => 1,
        Some(ErrorKind::Timeout) => 2,
        Some(ErrorKind::Truncated) => 3,
        Some(ErrorKind::Malformed) => 4,
        Some(ErrorKind::RateLimit) => 5,
        Some(ErrorKind::Quota) => 6,
        Some(ErrorKind::Auth) => 7,
        Some(ErrorKind::BadRequest) => 8,
        Some(ErrorKind::NotFound) => 9,
        Some(ErrorKind::Moderation) => 10,
        Some(ErrorKind::Overloaded) => 11,
        Some(ErrorKind::Server) => 12,
        Some(ErrorKind::ClientCancelled) => 13,
        Some(ErrorKind::GatewayStopped) => 14,
        Some(ErrorKind::GatewayBusy) => 15,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_own_place() {
        for (place, name) in OUTCOME_NAMES.iter().enumerate().skip(1) {
            let kind: ErrorKind = serde_json::from_str(&format!("\"{name}\"")).unwrap();
            assert_eq!(outcome(Some(kind)), place, "{name}");
        }
        assert_eq!((outcome(None), OUTCOME_NAMES[0]), (0, "ok"));
    }
}
