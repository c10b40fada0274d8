//! Counting exchanges: what each one adds to its cell.

use super::histogram::{Histogram, OVERHEAD_BOUNDS_US};
use super::page::Page;
use super::process::Process;
use super::readings::Readings;
use super::sample::{self, ArmKey, Counts, Sample};
use super::series::{Cell, FORM_FAILURES, Labels, OTHER, OUTCOMES, SERIES_MAX, Series, Table};
use super::unfit::{Pair, Unfit};
use crate::config::Migration;
use arc_swap::ArcSwap;
use datasets::{Exchange, GuardAction, Role};
use prometheus_client::registry::Registry;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use wire::usage::Loss;
use wire::{ErrorKind, Usage};

/// Consumer label of callers without a name.
const ANONYMOUS: &str = "anonymous";

/// All counters of the process. They live as long as it does: a new configuration goes on counting.
#[derive(Debug)]
pub(crate) struct Metrics(Arc<Inner>);

/// What a page is made of.
pub(super) struct Inner {
    table: Table,
    overhead: Histogram,
    /// Requests refused because as many are served as may be.
    shed: AtomicU64,
    /// Requests that the candidate did not get.
    unfit: Unfit,
    /// Models of the configuration: labels from their first exchange on, even if it fails.
    models: ArcSwap<HashSet<String>>,
    process: Process,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Empty counters. `started_us` is when the process started, microseconds since the Unix epoch.
    pub(crate) fn new(started_us: i64) -> Self {
        Self(Arc::new(Inner {
            table: Table::new(SERIES_MAX),
            overhead: Histogram::new(&OVERHEAD_BOUNDS_US),
            shed: AtomicU64::new(0),
            unfit: Unfit::default(),
            models: ArcSwap::default(),
            process: Process { started_us },
        }))
    }

    /// Takes the models of a configuration as labels, those of both arms.
    pub(crate) fn learn_models<'a>(&self, migrations: impl IntoIterator<Item = &'a Migration>) {
        let both = |migration: &'a Migration| migration.models.names().chain(migration.models.targets());
        self.0.models.store(Arc::new(migrations.into_iter().flat_map(both).map(str::to_owned).collect()));
    }

    /// Counts an exchange: one look-up, then a dozen atomic additions.
    pub(crate) fn observe(&self, exchange: &Exchange) {
        let labels = Labels {
            migration: &exchange.migration,
            arm: exchange.arm.name(),
            role: role_name(exchange.role),
            provider: &exchange.provider,
            model: &exchange.model,
            consumer: exchange.consumer.as_deref().unwrap_or(ANONYMOUS),
            endpoint: exchange.endpoint.name(),
        };
        let is_known_model = || exchange.error.is_none() || self.0.models.load().contains(&exchange.model);
        self.0.table.with(&labels, is_known_model, |cell| add(cell, exchange));
    }

    /// Whether the configuration names a model.
    pub(crate) fn knows_model(&self, model: &str) -> bool {
        self.0.models.load().contains(model)
    }

    /// Provider and model of every label set; as many as there are series at most.
    pub(super) fn models_in_use(&self) -> BTreeSet<(String, String)> {
        let named = |series: Arc<Series>| {
            let Labels { provider, model, .. } = series.labels();
            (model != OTHER).then(|| (provider.to_owned(), model.to_owned()))
        };
        self.0.series().into_iter().filter_map(named).collect()
    }

    /// Counts a request that was refused because as many are served as may be.
    pub(crate) fn shed(&self) {
        self.0.shed.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that stays on the baseline because of a feature.
    pub(crate) fn unfit(&self, migration: &str, feature: &'static str) {
        self.0.unfit.add(migration, feature);
    }

    /// Counts the time from a request's arrival until it was sent to a provider.
    pub(crate) fn sent_after(&self, own: Duration) {
        self.0.overhead.add(u64::try_from(own.as_micros()).unwrap_or(u64::MAX));
    }

    /// What every arm of every migration did so far, all models, consumers and endpoints together.
    pub(crate) fn sample(&self) -> BTreeMap<ArmKey, Sample> {
        sample::fold(&self.0.series())
    }

    /// The gateway's own time so far.
    pub(crate) fn overhead(&self) -> Counts {
        self.0.overhead.counts()
    }

    /// Requests of a migration that stayed on the baseline so far, because the candidate cannot serve them.
    pub(crate) fn unfit_so_far(&self, migration: &str) -> u64 {
        self.0.unfit.of(migration)
    }

    /// Requests refused so far because as many are served as may be.
    pub(crate) fn shed_so_far(&self) -> u64 {
        self.0.shed()
    }

    /// The page, in OpenMetrics text.
    ///
    /// # Errors
    /// Never in practice: the text is written to memory.
    pub(super) fn render(&self, readings: Readings) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Page { metrics: Arc::clone(&self.0), readings }));
        let mut text = String::with_capacity(16 * 1024);
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

impl Inner {
    pub(super) fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }

    pub(super) fn unfit(&self) -> BTreeMap<Pair, u64> {
        self.unfit.all()
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

fn add(cell: &Cell, exchange: &Exchange) {
    if let Some(outcome) = cell.outcomes.get(outcome(exchange.error)) {
        outcome.fetch_add(1, Ordering::Relaxed);
    }
    more(&cell.retries, u64::from(exchange.attempts.saturating_sub(1)));
    more(&cell.fallbacks, u64::from(exchange.role == Role::Fallback));
    more(&cell.moderation_blocks, u64::from(exchange.moderation.is_some()));
    more(&cell.guard_blocks, u64::from(was_blocked(exchange)));
    if let Some(usage) = &exchange.usage {
        add_usage(cell, usage, exchange);
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

/// The guard kept the answer, or the rest of it, from the client.
fn was_blocked(exchange: &Exchange) -> bool {
    let answer = exchange.guard.as_ref().and_then(|guarded| guarded.response.as_ref());
    answer.is_some_and(|check| check.action == GuardAction::Blocked)
}

fn add_usage(cell: &Cell, usage: &Usage, exchange: &Exchange) {
    let cost_nanos = exchange.cost_nanos;
    more(&cell.prompt_tokens, usage.prompt);
    more(&cell.cached_tokens, usage.cached.unwrap_or(0));
    more(&cell.completion_tokens, usage.completion);
    more(&cell.reasoning_tokens, usage.reasoning.unwrap_or(0));
    if let Some(loss) = Loss::of(usage, exchange.error) {
        for (reason, count) in Loss::ALL.iter().zip(&cell.usage_estimated) {
            more(count, u64::from(*reason == loss));
        }
    }
    more(&cell.unpriced, u64::from(cost_nanos.is_none()));
    more(&cell.cost_nanos, cost_nanos.and_then(|nanos| u64::try_from(nanos).ok()).unwrap_or(0));
}

/// Adds; nothing is written for nothing.
fn more(counter: &AtomicU64, amount: u64) {
    if amount > 0 {
        counter.fetch_add(amount, Ordering::Relaxed);
    }
}

pub(crate) const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Served => "served",
        Role::Shadow => "shadow",
        Role::Replayed => "replayed",
        Role::Observed => "observed",
        Role::Fallback => "fallback",
        Role::Repeat => "repeat",
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
mod tests;
