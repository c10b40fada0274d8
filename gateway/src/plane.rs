//! One configuration at work. A new one is built whole beside the old one, and takes over in one step.
//!
//! What did not change is carried over: connections of a provider, and the weight that somebody set while running. The
//! file's weight counts again when the file's weight changes. Any other change of a migration begins a new epoch, because
//! what is measured is then no longer the same.

use crate::config::{Config, Migration, ProviderConfig};
use crate::lane::{Lane, Link, Snapshot, next_epoch};
use crate::routing::{Asked, Weights, select};
use crate::safety::{ModeratorError, Moderators};
use crate::upstream::UpstreamError;
use std::collections::BTreeMap;
use std::sync::Arc;

/// See the module's text.
pub(crate) struct Plane {
    pub config: Config,
    /// In the order of the configuration.
    pub lanes: Vec<Arc<Lane>>,
    /// For what no migration takes.
    pub plain: Arc<Lane>,
    pub links: BTreeMap<String, Arc<Link>>,
    pub moderators: Moderators,
}

/// Why a configuration cannot be put in force.
#[derive(Debug, thiserror::Error)]
pub enum PlaneError {
    /// Some keys are read only once.
    #[error("{} cannot be changed while the gateway runs: restart it, or take the change back", keys.join(", "))]
    NeedsRestart {
        /// Their names.
        keys: Vec<&'static str>,
    },
    /// A provider cannot be set up.
    #[error(transparent)]
    Provider(#[from] UpstreamError),
    /// A back end of the guard cannot be set up.
    #[error(transparent)]
    Moderator(#[from] ModeratorError),
    /// Its consumers do not fit with those that are kept elsewhere.
    #[error(transparent)]
    Consumers(#[from] lease::keys::RingError),
    /// A migration names a provider that is not there; the check of the configuration has failed to say so.
    #[error("provider `{0}` is not configured")]
    Unknown(String),
    /// It begins an epoch, and replicas share epochs.
    #[error(
        "the other replicas cannot be told of the new epoch, so nothing has changed: {0}; try again when Redis answers"
    )]
    Replicas(String),
}

impl Plane {
    /// The first one.
    pub(crate) fn first(config: Config, now_us: i64) -> Result<Self, PlaneError> {
        Self::build(config, None, now_us)
    }

    /// The one that follows `old`.
    pub(crate) fn next(old: &Self, config: Config, now_us: i64) -> Result<Self, PlaneError> {
        let keys = config.needs_restart(&old.config);
        if keys.is_empty() { Self::build(config, Some(old), now_us) } else { Err(PlaneError::NeedsRestart { keys }) }
    }

    fn build(config: Config, old: Option<&Self>, now_us: i64) -> Result<Self, PlaneError> {
        let mut links = BTreeMap::new();
        for (name, provider) in &config.providers {
            links.insert(name.clone(), link(provider, old.and_then(|old| old.links.get(name)))?);
        }
        let find = |name: &str| links.get(name).map(Arc::clone).ok_or_else(|| PlaneError::Unknown(name.to_owned()));
        let mut lanes = Vec::with_capacity(config.migrations.len());
        for migration in &config.migrations {
            let (baseline, candidate) = (find(&migration.baseline)?, find(&migration.candidate)?);
            let before = old.and_then(|old| old.lane(&migration.name));
            let alike = old.is_some_and(|old| divides_alike(&old.config, &config));
            let snapshot = snapshot(migration, before.map(Arc::as_ref), alike, &baseline, &candidate, now_us);
            lanes.push(Arc::new(Lane::new(migration.clone(), baseline, candidate, snapshot, before.map(Arc::as_ref))));
        }
        let epoch = next_epoch(old.map_or(0, |old| old.plain.snapshot().epoch), now_us);
        let plain = Arc::new(Lane::plain(find(&config.default_provider)?, epoch));
        let moderators = Moderators::new(&config.safety.backends, old.map(|old| &old.moderators))?;
        Ok(Self { config, lanes, plain, links, moderators })
    }

    /// The lane that takes a request.
    pub(crate) fn select(&self, asked: &Asked<'_>) -> &Arc<Lane> {
        let matchers = self.config.migrations.iter().map(|migration| &migration.matcher);
        select(matchers, asked).and_then(|place| self.lanes.get(place)).unwrap_or(&self.plain)
    }

    /// The lane of a migration.
    pub(crate) fn lane(&self, name: &str) -> Option<&Arc<Lane>> {
        self.lanes.iter().find(|lane| lane.name() == name)
    }
}

/// Tells in one line which prices of the configured models are missing or doubtful.
pub(crate) fn remark_prices(config: &Config, now_us: i64) {
    let remarks = config.price_remarks(now_us);
    if !remarks.is_empty() {
        tracing::warn!(models = remarks.len(), "prices to look at: {}", remarks.join(" "));
    }
}

/// Keeps the connections of a provider whose configuration is the same.
fn link(config: &ProviderConfig, old: Option<&Arc<Link>>) -> Result<Arc<Link>, UpstreamError> {
    match old.filter(|old| old.config == *config) {
        Some(old) => Ok(Arc::clone(old)),
        None => Ok(Arc::new(Link::new(config.clone())?)),
    }
}

/// Whether both configurations tell conversations and migrations apart in the same way.
fn divides_alike(old: &Config, new: &Config) -> bool {
    let matchers =
        |config: &Config| config.migrations.iter().map(|migration| migration.matcher.clone()).collect::<Vec<_>>();
    old.conversation_header == new.conversation_header && matchers(old) == matchers(new)
}

/// What a migration begins with: what it had before, if what is measured is still the same.
fn snapshot(
    migration: &Migration,
    before: Option<&Lane>,
    alike: bool,
    baseline: &Link,
    candidate: &Link,
    now_us: i64,
) -> Snapshot {
    let weights = Weights { candidate: migration.weight, shadow: migration.shadow };
    let Some((lane, old)) = before.and_then(|lane| Some((lane, lane.migration.as_ref()?))) else {
        return Snapshot { epoch: next_epoch(0, now_us), weights };
    };
    let last = lane.snapshot();
    let same_providers = lane.baseline.config == baseline.config
        && lane.candidate.as_ref().is_some_and(|link| link.config == candidate.config);
    if alike && old == migration && same_providers {
        return last;
    }
    // A weight that was set while running outlives a change elsewhere in the file.
    let candidate = if old.weight == migration.weight { last.weights.candidate } else { migration.weight };
    Snapshot { epoch: next_epoch(last.epoch, now_us), weights: Weights { candidate, ..weights } }
}
