//! `[prices]`: what tokens cost. A file of one's own is laid over the table that comes with this version.
//!
//! It is a part of the configuration: read with it, put in force with it, refused with it. So no request is ever priced
//! by half a table, and one that is under way ends with the prices that it began with.

use super::check::Checker;
use serde::Deserialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wire::price::Tariffs;

/// Prices that nobody has compared with the provider's page for this long are called stale.
const STALE_AFTER: Duration = Duration::from_secs(45 * 86_400);

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
    /// Age from which on a table is stale.
    pub stale_after: Duration,
}

/// A table has hundreds of rows; its digest says as much.
impl fmt::Debug for Prices {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tariffs, file, stale_after } = self;
        let mut text = formatter.debug_struct("Prices");
        text.field("digest", &tariffs.digest()).field("file", file).field("stale_after", stale_after).finish()
    }
}

impl Checker<'_> {
    pub(super) fn prices(&mut self, raw: &RawPrices) -> Option<Prices> {
        let stale_after = self.days("prices.stale_after", raw.stale_after.as_deref(), STALE_AFTER);
        let bundled = match Tariffs::embedded() {
            Ok(tariffs) => Some(tariffs),
            Err(error) => self.problem(format!("the price table of this version is broken, which is a bug: {error}")),
        };
        let (tariffs, file) = match &raw.file {
            None => (bundled?, None),
            Some(path) => {
                let (own, file) = self.own(path)?;
                (own, Some(file))
            }
        };
        Some(Prices { tariffs: Arc::new(tariffs), file, stale_after: stale_after? })
    }

    fn own(&mut self, path: &Path) -> Option<(Tariffs, PriceFile)> {
        let shown = path.display();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.problem(format!("prices.file: cannot read {shown}: {error}")),
        };
        match Tariffs::parse(&text) {
            Ok(own) => {
                let file = PriceFile { path: path.to_owned(), digest: datasets::digest::of_bytes(text.as_bytes()) };
                Some((own, file))
            }
            Err(error) => self.problem(format!("prices.file: {shown}: {error}; `weighbridge prices check {shown}`")),
        }
    }

    /// A time that may be days; a day has 24 hours.
    fn days(&mut self, key: &str, text: Option<&str>, default: Duration) -> Option<Duration> {
        let Some(text) = text else { return Some(default) };
        let length = |span: jiff::Span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
        let parsed = text.parse::<jiff::Span>().and_then(length).ok().and_then(|span| Duration::try_from(span).ok());
        match parsed.filter(|span| !span.is_zero()) {
            Some(span) => Some(span),
            None => self.problem(format!("{key} is `{text}`: expected a time with its unit, such as 45d or 12h")),
        }
    }
}
