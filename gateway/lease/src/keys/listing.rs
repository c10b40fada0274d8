//! What may be shown of consumers and their keys: everything but what opens something.

use super::document::{Consumer, Key, Origin, State};
use super::instant::Instant;
use super::scopes::Scopes;
use super::usage::{Day, Usage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a consumer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the configuration; changed there.
    Configuration,
    /// Among those that the admin plane and the command change.
    Kept,
}

/// A key as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// Public id.
    pub id: String,
    /// First characters of an issued key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
    /// What it is worth now.
    pub state: State,
    /// When it was made or adopted; nobody knows for those of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Instant>,
    /// Its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// Its sunset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sunset_at: Option<Instant>,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Instant>,
    /// The key in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_to: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// What it may be used for.
    #[serde(default, skip_serializing_if = "Scopes::is_everything")]
    pub scopes: Scopes,
    /// When it last opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Instant>,
    /// How often it opened, by day in UTC.
    pub uses_by_day: BTreeMap<Day, u64>,
}

/// A consumer as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerView {
    /// Name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// Its groups.
    pub groups: Vec<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// What it may do.
    #[serde(default, skip_serializing_if = "Scopes::is_everything")]
    pub scopes: Scopes,
    /// Its keys.
    pub keys: Vec<KeyView>,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Generation of the kept ones.
    pub generation: u64,
    /// When it was made.
    pub now: Instant,
    /// Consumers.
    pub consumers: Vec<ConsumerView>,
}

impl Listing {
    /// Makes it of what is there.
    #[must_use]
    pub fn new(generation: u64, now_us: i64, parts: &[(Place, &[Consumer])], usage: &Usage) -> Self {
        let view = |(place, consumers): &(Place, &[Consumer])| {
            let place = *place;
            consumers.iter().map(move |one| ConsumerView::new(place, one, usage, now_us)).collect::<Vec<_>>()
        };
        Self { generation, now: Instant::from_us(now_us), consumers: parts.iter().flat_map(view).collect() }
    }
}

impl ConsumerView {
    fn new(place: Place, consumer: &Consumer, usage: &Usage, now_us: i64) -> Self {
        Self {
            name: consumer.name.clone(),
            place,
            groups: consumer.groups.clone(),
            note: consumer.note.clone(),
            scopes: consumer.scopes.clone(),
            keys: consumer.keys.iter().map(|key| KeyView::new(place, key, usage, now_us)).collect(),
        }
    }
}

impl KeyView {
    fn new(place: Place, key: &Key, usage: &Usage, now_us: i64) -> Self {
        let used = usage.of(&key.id).cloned().unwrap_or_default();
        Self {
            id: key.id.clone(),
            shown: key.shown.clone(),
            origin: key.origin,
            state: key.state(now_us),
            created_at: (place == Place::Kept).then_some(key.created_at),
            expires_at: key.expires_at,
            sunset_at: key.sunset_at,
            revoked_at: key.revoked_at,
            rotated_to: key.rotated_to.clone(),
            note: key.note.clone(),
            scopes: key.scopes.clone(),
            last_used_at: used.last_used_at,
            uses_by_day: used.uses_by_day,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Digest;

    #[test]
    fn everything_is_shown_but_the_digest() {
        let key = Key {
            shown: Some("wb-one-".to_owned()),
            sunset_at: Some(Instant::from_us(10)),
            ..Key::adopted("one".to_owned(), Digest::of("secret"), Instant::from_us(5))
        };
        let team = [Consumer { name: "a".to_owned(), keys: vec![key], ..Consumer::default() }];
        let mut usage = Usage::default();
        usage.add("one", Day::of(0), 3, 8);
        let listing = Listing::new(4, 10, &[(Place::Kept, &team), (Place::Configuration, &[])], &usage);
        let json = serde_json::to_string(&listing).unwrap();
        assert!(!json.contains(&Digest::of("secret").to_hex()[..8]) && !json.contains("sha256"), "{json}");
        assert_eq!(serde_json::from_str::<Listing>(&json).unwrap(), listing);
        let shown = &listing.consumers[0].keys[0];
        assert_eq!((shown.state, shown.last_used_at), (State::Sunset, Some(Instant::from_us(8))));
        assert_eq!(shown.uses_by_day.get(&Day::of(0)), Some(&3));
    }
}
