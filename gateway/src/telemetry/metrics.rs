//! Counting exchanges: what each one adds to its cell.

use super::histogram::{Histogram, OVERHEAD_BOUNDS_US};
use super::page::Page;
use super::process::Process;
use super::readings::Readings;
use super::series::{Cell, FORM_FAILURES, Labels, OUTCOMES, SERIES_MAX, Series, Table};
use datasets::{Exchange, Role};
use prometheus_client::registry::Registry;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use wire::usage::UsageSource;
use wire::{ErrorKind, Usage};

/// Consumer label of callers without a name.
const ANONYMOUS: &str = "anonymous";

/// An exchange that has ended, with what its record does not say.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The record.
    pub exchange: &'a Exchange,
    /// Name of the endpoint.
    pub endpoint: &'static str,
    /// The consumer's configured name; never a text that a client sent.
    pub consumer: Option<&'a str>,
    /// Calls of the provider that it took, at least 1.
    pub attempts: u32,
    /// The baseline took over.
    pub fell_back: bool,
}

/// All counters of the process. They live as long as it does: a new configuration goes on counting.
pub struct Metrics {
    table: Table,
    overhead: Histogram,
    /// Models of the configuration: labels from their first exchange on, even if it fails.
    models: HashSet<String>,
    process: Process,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Empty counters. `models` are the configured ones, of both arms; `started_us` is when the process started,
    /// microseconds since the Unix epoch.
    #[must_use]
    pub fn new(models: impl IntoIterator<Item = String>, started_us: i64) -> Self {
        Self {
            table: Table::new(SERIES_MAX),
            overhead: Histogram::new(&OVERHEAD_BOUNDS_US),
            models: models.into_iter().collect(),
            process: Process { started_us },
        }
    }

    /// Counts an exchange: one look-up, then a dozen atomic additions.
    pub fn observe(&self, seen: &Seen<'_>) {
        let exchange = seen.exchange;
        let labels = Labels {
            migration: &exchange.migration,
            arm: exchange.arm.name(),
            role: role_name(exchange.role),
            provider: &exchange.provider,
            model: &exchange.model,
            consumer: seen.consumer.unwrap_or(ANONYMOUS),
            endpoint: seen.endpoint,
        };
        let is_known_model = || exchange.error.is_none() || self.models.contains(&exchange.model);
        self.table.with(&labels, is_known_model, |cell| add(cell, seen));
    }

    /// Counts the gateway's own time in one served request: all of it, less the time in which a provider was waited
    /// for.
    pub fn observe_overhead(&self, own: Duration) {
        self.overhead.add(u64::try_from(own.as_micros()).unwrap_or(u64::MAX));
    }

    /// The page, in OpenMetrics text ([`super::CONTENT_TYPE`]).
    ///
    /// # Errors
    /// Never in practice: the text is written to memory.
    pub fn render(self: &Arc<Self>, readings: Readings) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Page { metrics: Arc::clone(self), readings }));
        let mut text = String::with_capacity(16 * 1024);
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }

    pub(super) fn series(&self) -> Vec<Arc<Series>> {
        self.table.all()
    }

    pub(super) fn folded(&self) -> u64 {
        self.table.folded()
    }

    pub(super) const fn overhead(&self) -> &Histogram {
        &self.overhead
    }

    pub(super) const fn process(&self) -> &Process {
        &self.process
    }
}

fn add(cell: &Cell, seen: &Seen<'_>) {
    let exchange = seen.exchange;
    if let Some(outcome) = cell.outcomes.get(outcome(exchange.error)) {
        outcome.fetch_add(1, Ordering::Relaxed);
    }
    more(&cell.retries, u64::from(seen.attempts.saturating_sub(1)));
    more(&cell.fallbacks, u64::from(seen.fell_back));
    more(&cell.moderation_blocks, u64::from(exchange.moderation.is_some()));
    if let Some(usage) = &exchange.usage {
        add_usage(cell, usage, exchange.cost_nanos);
    }
    if let Some(failure) = &exchange.form_failure {
        let place = FORM_FAILURES.iter().position(|name| name == failure).unwrap_or(FORM_FAILURES.len() - 1);
        if let Some(count) = cell.form_failures.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
    // How fast an error came is no latency: it would make a failing provider look quick.
    if exchange.error.is_none() {
        cell.duration.add(exchange.duration_us);
    }
    if let Some(ttft_us) = exchange.ttft_us {
        cell.first_token.add(ttft_us);
        let later_tokens = exchange.usage.map_or(0, |usage| usage.completion.saturating_sub(1));
        if exchange.error.is_none() && later_tokens > 0 {
            cell.output_token.add(exchange.duration_us.saturating_sub(ttft_us) / later_tokens);
        }
    }
}

fn add_usage(cell: &Cell, usage: &Usage, cost_nanos: Option<i64>) {
    more(&cell.prompt_tokens, usage.prompt);
    more(&cell.cached_tokens, usage.cached.unwrap_or(0));
    more(&cell.completion_tokens, usage.completion);
    more(&cell.reasoning_tokens, usage.reasoning.unwrap_or(0));
    more(&cell.usage_estimated, u64::from(usage.source == UsageSource::Estimate));
    more(&cell.unpriced, u64::from(cost_nanos.is_none()));
    more(&cell.cost_nanos, cost_nanos.and_then(|nanos| u64::try_from(nanos).ok()).unwrap_or(0));
}

/// Adds; nothing is written for nothing.
fn more(counter: &AtomicU64, amount: u64) {
    if amount > 0 {
        counter.fetch_add(amount, Ordering::Relaxed);
    }
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Served => "served",
        Role::Shadow => "shadow",
        Role::Replayed => "replayed",
        Role::Observed => "observed",
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
    }
}

#[cfg(test)]
mod tests;
