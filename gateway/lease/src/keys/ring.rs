//! What requests ask: which key this is, and whether it is worth something now.

use super::digest::Digest;
use super::document::{Consumer, Key, State};
use super::scopes::{Scopes, Wish};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

/// Consumers from one place.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The place, as errors name it.
    pub place: &'a str,
    /// Consumers that stand there.
    pub consumers: &'a [Consumer],
}

/// One key with what counts of its consumer.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The consumer's name.
    pub consumer: Arc<str>,
    /// Its groups.
    pub groups: Arc<[Arc<str>]>,
    /// What it may do.
    pub scopes: Arc<Scopes>,
    /// The key.
    pub key: Key,
}

impl Entry {
    /// Whether both the consumer and the key may do this.
    #[must_use]
    pub fn allows(&self, wish: &Wish<'_>) -> bool {
        self.both(|scopes| scopes.allow(wish))
    }

    /// Whether both may be asked for a model of a migration, at whatever endpoint.
    #[must_use]
    pub fn allows_model(&self, model: &str, migration: &str) -> bool {
        self.both(|scopes| scopes.allow_model(model) && scopes.allow_migration(migration))
    }

    /// Whether both may be used from there.
    #[must_use]
    pub fn allows_source(&self, source: IpAddr) -> bool {
        self.both(|scopes| scopes.allow_source(source))
    }

    fn both(&self, allow: impl Fn(&Scopes) -> bool) -> bool {
        allow(&self.scopes) && allow(&self.key.scopes)
    }
}

/// Why a key does not open. For metrics: callers are never told which it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody's key.
    Unknown,
    /// Its time is over.
    Expired,
    /// An old key whose time is over.
    Sunset,
    /// Taken back.
    Revoked,
}

/// Why lists of consumers do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// A name stands in two places.
    #[error("consumer {name} stands in {first} and in {second}: keep one of them, or rename one")]
    NameTwice {
        /// The consumer.
        name: String,
        /// Where it stands first.
        first: String,
        /// Where it stands again.
        second: String,
    },
    /// A key stands in two places.
    #[error("a key stands under {first} and under {second}: a key belongs to one consumer, once")]
    KeyTwice {
        /// Consumer and place.
        first: String,
        /// Consumer and place.
        second: String,
    },
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Ring {
    entries: Vec<Entry>,
    /// Entries by the first bytes of their digest: nearly always one.
    by_head: HashMap<u64, Vec<u32>>,
    names: BTreeMap<Arc<str>, Arc<str>>,
}

/// What a look-up found, and how many digests it compared for it.
struct Sought {
    entry: Option<usize>,
    compared: usize,
}

impl Ring {
    /// Puts lists together.
    ///
    /// # Errors
    /// A name or a key stands twice.
    pub fn new(parts: &[Part<'_>]) -> Result<Self, RingError> {
        let mut ring = Self::default();
        for part in parts {
            let place: Arc<str> = Arc::from(part.place);
            for consumer in part.consumers {
                ring.add(consumer, &place)?;
            }
        }
        Ok(ring)
    }

    fn add(&mut self, consumer: &Consumer, place: &Arc<str>) -> Result<(), RingError> {
        let name: Arc<str> = Arc::from(consumer.name.as_str());
        if let Some(first) = self.names.insert(Arc::clone(&name), Arc::clone(place)) {
            let (first, second) = (first.to_string(), place.to_string());
            return Err(RingError::NameTwice { name: consumer.name.clone(), first, second });
        }
        let groups: Arc<[Arc<str>]> = consumer.groups.iter().map(|group| Arc::from(group.as_str())).collect();
        let scopes = Arc::new(consumer.scopes.clone());
        for key in &consumer.keys {
            if let Some(other) = self.seek(&key.sha256).entry.and_then(|entry| self.entries.get(entry)) {
                let place_of = self.names.get(&other.consumer).map_or("", AsRef::as_ref);
                return Err(RingError::KeyTwice {
                    first: format!("{} in {place_of}", other.consumer),
                    second: format!("{name} in {place}"),
                });
            }
            let number = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
            self.by_head.entry(key.sha256.head()).or_default().push(number);
            let (consumer, groups, scopes) = (Arc::clone(&name), Arc::clone(&groups), Arc::clone(&scopes));
            self.entries.push(Entry { consumer, groups, scopes, key: key.clone() });
        }
        Ok(())
    }

    /// The number of the entry whose key this is, if it is worth something now.
    ///
    /// # Errors
    /// It is not; unknown, expired, sunset and revoked keys cost the same.
    pub fn admit(&self, key: &str, now_us: i64) -> Result<usize, Refusal> {
        let found = self.seek(&Digest::of(key)).entry;
        let Some((place, entry)) = found.and_then(|place| Some((place, self.entries.get(place)?))) else {
            return Err(Refusal::Unknown);
        };
        match entry.key.state(now_us) {
            State::Valid => Ok(place),
            State::Expired => Err(Refusal::Expired),
            State::Sunset => Err(Refusal::Sunset),
            State::Revoked => Err(Refusal::Revoked),
        }
    }

    fn seek(&self, digest: &Digest) -> Sought {
        let mut sought = Sought { entry: None, compared: 0 };
        for number in self.by_head.get(&digest.head()).map(Vec::as_slice).unwrap_or_default() {
            let place = *number as usize;
            sought.compared += 1;
            if self.entries.get(place).is_some_and(|entry| entry.key.sha256.matches(digest)) {
                sought.entry = Some(place);
            }
        }
        if sought.compared == 0 {
            // Nobody's digest, so that a wrong key takes as long as a right one. It matches nothing but itself.
            sought.compared = 1;
            std::hint::black_box(Digest::new([0; 32]).matches(digest));
        }
        sought
    }

    /// All keys, in a fixed order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether a consumer of this name exists.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Number of consumers.
    #[must_use]
    pub fn consumers(&self) -> usize {
        self.names.len()
    }
}

#[cfg(test)]
mod tests;
