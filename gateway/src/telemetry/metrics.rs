//! Counting exchanges: what each one adds to its cell.

use super::histogram::{Histogram, OVERHEAD_BOUNDS_US, SHADOW_TAX_BOUNDS_US};
use super::page::Page;
use super::process::Process;
use super::readings::Readings;
use super::sample::{self, ArmKey, Counts, Sample};
use super::series::{Labels, OTHER, SERIES_MAX, Series, Table};
use super::unfit::{Pair, Unfit};
use crate::config::{MetricViews, Migration};
use arc_swap::ArcSwap;
use datasets::{Exchange, Role};
use prometheus_client::registry::Registry;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Consumer label of callers without a name.
pub(super) const ANONYMOUS: &str = "anonymous";

/// All counters of the process. They live as long as it does: a new configuration goes on counting.
#[derive(Debug)]
pub(crate) struct Metrics(Arc<Inner>);

/// What a page is made of.
pub(super) struct Inner {
    table: Table,
    overhead: Histogram,
    shadow_tax: Histogram,
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
            shadow_tax: Histogram::new(&SHADOW_TAX_BOUNDS_US),
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
        self.0.table.with(&labels, is_known_model, |cell| cell.add(exchange));
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

    /// Counts the time that a served request spent on the copies made of it.
    pub(crate) fn copied(&self, time: Duration) {
        // Of a few microseconds half a one matters.
        let rounded = time.saturating_add(Duration::from_nanos(500));
        self.0.shadow_tax.add(u64::try_from(rounded.as_micros()).unwrap_or(u64::MAX));
    }

    /// What every arm of every migration did so far, all models, consumers and endpoints together.
    pub(crate) fn sample(&self) -> BTreeMap<ArmKey, Sample> {
        sample::fold(&self.0.series())
    }

    /// The gateway's own time so far.
    pub(crate) fn overhead(&self) -> Counts {
        Counts::of(&self.0.overhead)
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
    pub(super) fn render(&self, readings: Readings, views: MetricViews) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Page { metrics: Arc::clone(&self.0), readings, views }));
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

    pub(super) const fn shadow_tax(&self) -> &Histogram {
        &self.shadow_tax
    }

    pub(super) const fn process(&self) -> &Process {
        &self.process
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

#[cfg(test)]
mod tests;
