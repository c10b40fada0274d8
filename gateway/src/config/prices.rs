//! `[prices]`: what tokens cost. A file of one's own is laid over the table that comes with this version.
//!
//! It is a part of the configuration: read with it, put in force with it, refused with it. So no request is ever priced
//! by half a table, and one that is under way ends with the prices that it began with.

use super::check::Checker;
use super::migrations::Migration;
use super::valid::Config;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wire::price::{STALE_AFTER_DAYS, Stale, Tariffs};

/// Longest time for which prices may be believed, days.
const DAYS_MAX: u32 = 3650;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPrices {
    file: Option<PathBuf>,
    stale_after: Option<String>,
}

/// A file of prices, as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceFile {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its text.
    pub digest: String,
}

/// Prices, and when they are too old to be believed.
#[derive(Clone)]
pub struct Prices {
    /// The table.
    pub tariffs: Arc<Tariffs>,
    /// The file that was laid over the bundled table.
    pub file: Option<PriceFile>,
    /// Prices that were compared with their sources more days ago are stale.
    pub stale_after_days: u32,
}

impl Prices {
    /// What is doubtful about the price in force at an instant, microseconds since the Unix epoch. `None` if nothing is, or
    /// if there is no price.
    #[must_use]
    pub fn doubt(&self, provider: &str, model: &str, at_us: i64) -> Option<Stale> {
        let row = self.tariffs.find(provider, model, at_us)?;
        row.stale(at_us).or_else(|| row.old(at_us, self.stale_after_days))
    }
}

impl Config {
    /// Models that the migrations name, with the provider that is asked for them, as prices name it.
    pub(crate) fn priced_models(&self) -> BTreeSet<(&'static str, &str)> {
        let kind = |name: &str| self.providers.get(name).map(|provider| provider.kind.name());
        let mut models = BTreeSet::new();
        for Migration { baseline, candidate, models: map, .. } in &self.migrations {
            models.extend(kind(baseline).into_iter().flat_map(|kind| map.names().map(move |name| (kind, name))));
            models.extend(kind(candidate).into_iter().flat_map(|kind| map.targets().map(move |name| (kind, name))));
        }
        models
    }

    /// What a person should know of these models' prices at an instant (microseconds since the Unix epoch), a sentence each:
    /// which are missing, which are doubtful, and which nobody ever meets.
    pub(crate) fn price_remarks(&self, at_us: i64) -> Vec<String> {
        let mut remarks: Vec<String> = self.prices.tariffs.strangers().into_iter().collect();
        for (provider, model) in self.priced_models() {
            let remark = if self.prices.tariffs.find(provider, model, at_us).is_none() {
                Some(format!("No price of {model} at {provider} is known: its cost is not counted."))
            } else {
                self.prices.doubt(provider, model, at_us).map(|stale| stale.sentence)
            };
            remarks.extend(remark.filter(|remark| !remarks.contains(remark)));
        }
        remarks
    }
}

/// A table has hundreds of rows; its digest says as much.
impl fmt::Debug for Prices {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tariffs, file, stale_after_days } = self;
        let mut text = formatter.debug_struct("Prices");
        text.field("digest", &tariffs.digest()).field("file", file).field("stale_after_days", stale_after_days).finish()
    }
}

impl Checker<'_> {
    pub(super) fn prices(&mut self, raw: &RawPrices) -> Option<Prices> {
        let stale_after_days = self.days("prices.stale_after", raw.stale_after.as_deref(), STALE_AFTER_DAYS);
        let bundled = match Tariffs::embedded() {
            Ok(tariffs) => Some(tariffs),
            Err(error) => self.problem(format!("the price table of this version is broken, which is a bug: {error}")),
        };
        let (tariffs, file) = match &raw.file {
            None => (bundled?, None),
            Some(path) => {
                let (own, file) = self.own(path, bundled)?;
                (own, Some(file))
            }
        };
        Some(Prices { tariffs: Arc::new(tariffs), file, stale_after_days: stale_after_days? })
    }

    /// The bundled table under a file's own.
    fn own(&mut self, path: &Path, bundled: Option<Tariffs>) -> Option<(Tariffs, PriceFile)> {
        let shown = path.display();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.problem(format!("prices.file: cannot read {shown}: {error}")),
        };
        match Tariffs::parse(&text) {
            Ok(own) => {
                let bundled = bundled?;
                let file = PriceFile { path: path.to_owned(), digest: datasets::digest::of_bytes(text.as_bytes()) };
                Some((bundled.overlaid_by(own), file))
            }
            Err(error) => self.problem(format!("prices.file: {shown}: {error}; `weighbridge prices check {shown}`")),
        }
    }

    /// Whole days, such as `45d`.
    fn days(&mut self, key: &str, text: Option<&str>, default: u32) -> Option<u32> {
        let Some(text) = text else { return Some(default) };
        let days = text.trim().strip_suffix('d').and_then(|days| days.parse().ok());
        match days.filter(|days| (1..=DAYS_MAX).contains(days)) {
            Some(days) => Some(days),
            None => self.problem(format!("{key} is `{text}`: expected days, 1d to {DAYS_MAX}d, such as 45d")),
        }
    }
}

#[cfg(test)]
mod tests;
