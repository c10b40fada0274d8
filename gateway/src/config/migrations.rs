//! `[migrations.NAME]`: what moves from where to where. Their order is the order in which they are asked.

mod matching;
mod rules;
mod sampling;
mod stay;

use super::check::Checker;
use super::consumers::Consumers;
use super::live_guard::{LiveGuard, RawLiveGuard};
use super::ordered::Ordered;
use super::providers::ProviderConfig;
use crate::routing::fallback::Class;
use crate::routing::stay::Stay;
use crate::routing::{AssignBy, Fallback, Matcher, ModelMap, Rules, Sampling, WeightBp, Weights};
use datasets::NO_MIGRATION;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Longest name of a migration.
const NAME_BYTES_MAX: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMigration {
    baseline: String,
    candidate: String,
    weight_percent: f64,
    #[serde(default)]
    shadow_percent: f64,
    #[serde(default)]
    repeat_percent: f64,
    salt: Option<String>,
    #[serde(default)]
    assign_by: AssignBy,
    models: Ordered<String>,
    #[serde(default, rename = "match")]
    matching: matching::Raw,
    #[serde(default)]
    rules: rules::Raw,
    #[serde(default)]
    shadow: sampling::Raw,
    #[serde(default)]
    stay: Vec<stay::Raw>,
    #[serde(default)]
    fallback: RawFallback,
    #[serde(default)]
    live_guard: RawLiveGuard,
    safety: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFallback {
    on: Option<Vec<Class>>,
    hold: Option<String>,
}

/// What moves from where to where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its name, part of records, metrics and verdicts.
    pub name: String,
    /// Name of the provider in use today.
    pub baseline: String,
    /// Name of the provider that may take over.
    pub candidate: String,
    /// Candidate weight at start.
    pub weight: WeightBp,
    /// Share that is mirrored where no stratum says otherwise.
    pub shadow: WeightBp,
    /// Salt of the coins.
    pub salt: String,
    /// Baseline model to candidate model; a model that is not here stays on the baseline.
    pub models: ModelMap,
    /// Which requests belong to it.
    pub matcher: Matcher,
    /// What the assignment sticks to.
    pub assign_by: AssignBy,
    /// Headers and cookies that force an arm.
    pub rules: Rules,
    /// Strata of the mirror, and the A/A leg's share.
    pub sampling: Sampling,
    /// Requests that stay on the baseline although the candidate could serve them.
    pub stay: Vec<Stay>,
    /// When the baseline takes over from a failed candidate.
    pub fallback: Fallback,
    /// What takes traffic away from a candidate that is proven to harm.
    pub live_guard: LiveGuard,
    /// The policy by which its requests and answers are judged, `Some(None)` for none at all; `None` leaves it to
    /// `safety.policy`.
    pub safety: Option<Option<String>>,
}

impl Migration {
    /// Whether any request could reach the candidate under these shares: while none can, nobody has to ask whether the
    /// candidate could serve it.
    #[must_use]
    pub fn reaches_candidate(&self, weights: Weights) -> bool {
        weights.candidate > WeightBp::ZERO || !self.rules.is_empty() || self.sampling.mirrors(weights.shadow)
    }
}

/// The providers that the text names; `None` for one whose section is wrong, which is reported where it stands.
type Providers = BTreeMap<String, Option<ProviderConfig>>;

impl Checker<'_> {
    /// All migrations, in the text's order.
    pub(super) fn migrations(
        &mut self,
        raw: Ordered<RawMigration>,
        providers: &Providers,
        consumers: &Consumers,
    ) -> Option<Vec<Migration>> {
        if raw.0.is_empty() {
            return self
                .problem("migrations has no entry: add one, such as [migrations.openai-to-deepseek]".to_owned());
        }
        let checked: Vec<Option<Migration>> =
            raw.0.into_iter().map(|(name, raw)| self.migration(name, raw, providers, consumers)).collect();
        let migrations: Vec<Migration> = checked.into_iter().collect::<Option<_>>()?;
        self.warn_of_shadowed(&migrations);
        Some(migrations)
    }

    /// The provider of requests that belong to no migration: the one that is named, else the only baseline.
    pub(super) fn default_provider(
        &mut self,
        named: Option<String>,
        migrations: &[Migration],
        providers: &Providers,
    ) -> Option<String> {
        if let Some(name) = named {
            return self.known_provider("server.default_provider", &name, providers).then_some(name);
        }
        let baselines: BTreeSet<&str> = migrations.iter().map(|migration| migration.baseline.as_str()).collect();
        if let [only] = baselines.iter().collect::<Vec<_>>()[..] {
            return Some((*only).to_owned());
        }
        let names = baselines.into_iter().collect::<Vec<_>>().join(", ");
        self.problem(format!(
            "server.default_provider is missing: there are several baselines ({names}), so name the provider that gets \
             the requests of no migration"
        ))
    }

    fn migration(
        &mut self,
        name: String,
        raw: RawMigration,
        providers: &Providers,
        consumers: &Consumers,
    ) -> Option<Migration> {
        let key = format!("migrations.{name}");
        let named = self.migration_name(&name);
        let weight = self.weight(&format!("{key}.weight_percent"), raw.weight_percent);
        let shadow = self.weight(&format!("{key}.shadow_percent"), raw.shadow_percent);
        let baseline = self.known_provider(&format!("{key}.baseline"), &raw.baseline, providers);
        let candidate = self.known_provider(&format!("{key}.candidate"), &raw.candidate, providers);
        let models = self.models(&key, &raw.models);
        let matcher = self.matcher(&key, raw.matching, &raw.models, consumers);
        let rules = self.rules(&key, raw.rules);
        let sampling = self.sampling(&key, raw.shadow, raw.repeat_percent, consumers);
        let stay = self.stay(&key, raw.stay, consumers);
        let fallback = self.fallback(&key, raw.fallback);
        let live_guard = self.live_guard(&format!("{key}.live_guard"), &raw.live_guard);
        (named && baseline && candidate).then_some(())?;
        Some(Migration {
            baseline: raw.baseline,
            candidate: raw.candidate,
            weight: weight?,
            shadow: shadow?,
            salt: raw.salt.unwrap_or_else(|| name.clone()),
            models: models?,
            matcher: matcher?,
            assign_by: raw.assign_by,
            rules: rules?,
            sampling: sampling?,
            stay: stay?,
            fallback: fallback?,
            live_guard: live_guard?,
            safety: raw.safety.map(super::safety::policy_name),
            name,
        })
    }

    fn migration_name(&mut self, name: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let good = (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(plain) && name != NO_MIGRATION;
        if !good {
            self.problems.push(format!(
                "migrations.{name}: expected a name of letters, digits, `.`, `_` and `-`, at most {NAME_BYTES_MAX} long, \
                 and not `{NO_MIGRATION}`, which stands for requests of no migration"
            ));
        }
        good
    }

    fn models(&mut self, key: &str, raw: &Ordered<String>) -> Option<ModelMap> {
        if raw.0.is_empty() {
            self.problems.push(format!(
                "{key}.models is empty: no request could ever reach the candidate; add lines such as \"gpt-4o-mini\" = \
                 \"deepseek-flash\""
            ));
        }
        for (from, _) in raw.0.iter().filter(|(_, to)| to.is_empty()) {
            self.problems.push(format!("{key}.models.\"{from}\" is empty: expected the candidate's model"));
        }
        match ModelMap::new(raw.0.iter().map(|(from, to)| (from.as_str(), to.as_str()))) {
            Ok(models) => Some(models),
            Err(error) => self.problem(format!("{key}.models: {error}")),
        }
    }

    fn fallback(&mut self, key: &str, raw: RawFallback) -> Option<Fallback> {
        let hold = match raw.hold.as_deref() {
            None => Some(Fallback::DEFAULT_HOLD),
            text => self.duration_or_nothing(&format!("{key}.fallback.hold"), text),
        };
        Some(Fallback { on: raw.on.unwrap_or_else(|| Fallback::DEFAULT_ON.to_vec()), hold: hold? })
    }

    fn known_provider(&mut self, key: &str, name: &str, providers: &Providers) -> bool {
        if !providers.contains_key(name) {
            let known = providers.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            self.problems.push(format!("{key} is `{name}`: expected one of the providers: {known}"));
        }
        providers.contains_key(name)
    }

    fn weight(&mut self, key: &str, percent: f64) -> Option<WeightBp> {
        match WeightBp::from_percent(percent) {
            Ok(weight) => Some(weight),
            Err(message) => self.problem(format!("{key}: {message}")),
        }
    }
}

#[cfg(test)]
mod tests;
