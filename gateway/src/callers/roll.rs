//! All keys in force, with what the gateway needs of each beside what the ring knows.

use super::refuse::Refusals;
use super::tally::{Meter, Tally};
use http::{HeaderName, HeaderValue};
use lease::keys::{Consumer, Entry, Instant, Key, Part, Ring, RingError};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// When the key ends: the same instant as `sunset`, for people.
const KEY_SUNSET: HeaderName = HeaderName::from_static("x-weighbridge-key-sunset");
/// RFC 8594.
const SUNSET: HeaderName = HeaderName::from_static("sunset");
/// RFC 9745.
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");

/// See the module's text. `holders` stand in the order of the ring's entries.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    pub ring: Ring,
    pub holders: Vec<Arc<Holder>>,
}

/// One key at work.
pub(crate) struct Holder {
    pub entry: Entry,
    /// Some scope is bound.
    pub is_bound: bool,
    /// Some models, migrations, endpoints or paths are left out.
    pub is_narrowed: bool,
    /// Calls may not come from everywhere.
    pub is_bound_to_sources: bool,
    /// Headers of every answer.
    pub notices: Vec<(HeaderName, HeaderValue)>,
    /// Outlives the roll: the same key has the same one in the next.
    pub meter: Arc<Meter>,
    pub refusals: Arc<Refusals>,
}

impl fmt::Debug for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { consumer, key, .. } = &self.entry;
        formatter.debug_struct("Holder").field("consumer", consumer).field("key", &key.id).finish_non_exhaustive()
    }
}

impl Roll {
    /// Puts both places together.
    ///
    /// # Errors
    /// A name or a key stands twice.
    pub(crate) fn new(
        configured: &[Consumer],
        home: &str,
        kept: &[Consumer],
        tally: &Tally,
        refusals: &Arc<Refusals>,
    ) -> Result<Self, RingError> {
        let ring = Ring::new(&[
            Part { place: "[consumers] of the configuration", consumers: configured },
            Part { place: home, consumers: kept },
        ])?;
        let made: HashMap<&str, Instant> =
            ring.entries().iter().map(|entry| (entry.key.id.as_str(), entry.key.created_at)).collect();
        let holder = |entry: &Entry| {
            // A key is deprecated since its successor was made, or since it was adopted.
            let successor = entry.key.rotated_to.as_deref().and_then(|id| made.get(id));
            let since = successor.copied().unwrap_or(entry.key.created_at);
            let both = [&*entry.scopes, &entry.key.scopes];
            Arc::new(Holder {
                is_bound: both.iter().any(|scopes| !scopes.is_everything()),
                is_narrowed: both.iter().any(|scopes| scopes.is_narrowed()),
                is_bound_to_sources: both.iter().any(|scopes| scopes.sources.is_some()),
                notices: notices(&entry.key, since),
                meter: tally.meter(&entry.key),
                refusals: Arc::clone(refusals),
                entry: entry.clone(),
            })
        };
        let holders = ring.entries().iter().map(holder).collect();
        Ok(Self { ring, holders })
    }
}

/// What callers with this key have to know with every answer: that it ends, and when.
fn notices(key: &Key, since: Instant) -> Vec<(HeaderName, HeaderValue)> {
    let Some(end) = key.ends_at() else { return Vec::new() };
    let texts =
        [(KEY_SUNSET, end.to_string()), (SUNSET, end.http_date()), (DEPRECATION, format!("@{}", since.unix_seconds()))];
    texts.into_iter().filter_map(|(name, text)| Some((name, HeaderValue::try_from(text).ok()?))).collect()
}
