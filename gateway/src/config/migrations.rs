//! `[migrations.NAME]`: what moves from where to where.

use super::check::Checker;
use super::providers::ProviderConfig;
use crate::routing::WeightBp;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMigration {
    pub baseline: String,
    pub candidate: String,
    pub weight_percent: f64,
    #[serde(default)]
    pub shadow_percent: f64,
    pub salt: Option<String>,
    pub models: BTreeMap<String, String>,
}

/// What moves from where to where.
#[derive(Debug, Clone)]
pub struct Migration {
    /// Its name.
    pub name: String,
    /// Candidate weight at start.
    pub weight: WeightBp,
    /// Share that is mirrored.
    pub shadow: WeightBp,
    /// Salt of the coin.
    pub salt: String,
    /// Baseline model to candidate model; a model that is not here stays on the baseline.
    pub models: BTreeMap<String, String>,
}

impl Checker<'_> {
    pub(super) fn one_migration(
        &mut self,
        migrations: BTreeMap<String, RawMigration>,
        providers: &BTreeMap<String, Option<ProviderConfig>>,
    ) -> Option<(Migration, ProviderConfig, ProviderConfig)> {
        if migrations.len() != 1 {
            let found = migrations.len();
            return self.problem(format!("migrations has {found} entries: this version runs exactly one"));
        }
        let (name, raw) = migrations.into_iter().next()?;
        let weight = self.weight(&format!("migrations.{name}.weight_percent"), raw.weight_percent);
        let shadow = self.weight(&format!("migrations.{name}.shadow_percent"), raw.shadow_percent);
        let baseline = self.arm(&name, "baseline", &raw.baseline, providers);
        let candidate = self.arm(&name, "candidate", &raw.candidate, providers);
        if raw.models.is_empty() {
            self.problems.push(format!(
                "migrations.{name}.models is empty: no request could ever reach the candidate; add lines such as \
                 \"gpt-4o-mini\" = \"deepseek-flash\""
            ));
        }
        let migration = Migration {
            weight: weight?,
            shadow: shadow?,
            salt: raw.salt.unwrap_or_else(|| name.clone()),
            models: raw.models,
            name,
        };
        Some((migration, baseline?, candidate?))
    }

    fn arm(
        &mut self,
        migration: &str,
        arm: &str,
        name: &str,
        providers: &BTreeMap<String, Option<ProviderConfig>>,
    ) -> Option<ProviderConfig> {
        match providers.get(name) {
            Some(provider) => provider.clone(),
            None => {
                let known = providers.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                self.problem(format!(
                    "migrations.{migration}.{arm} is `{name}`: expected one of the providers: {known}"
                ))
            }
        }
    }

    fn weight(&mut self, key: &str, percent: f64) -> Option<WeightBp> {
        match WeightBp::from_percent(percent) {
            Ok(weight) => Some(weight),
            Err(message) => self.problem(format!("{key}: {message}")),
        }
    }
}
