//! What is kept: consumers and their keys, as a JSON document. Normative text: the gateway's README.
//!
//! A reader refuses what it does not know, because a scope that is overlooked is a scope that does not hold. Errors name the
//! line and what is expected there, and never what was found: it may be a key.

use super::digest::Digest;
use super::instant::Instant;
use super::name::{is_name, rule};
use super::scopes::Scopes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What the first member of a document says.
const FORMAT: &str = "weighbridge.consumers";
/// The version that is written, and the newest one that is read.
const VERSION: u32 = 1;
/// Most keys of one document: a ring of as many takes some tens of megabytes.
pub(super) const KEYS_MAX: usize = 100_000;
/// Longest note.
pub(super) const NOTE_BYTES_MAX: usize = 500;
/// Most mistakes that one error names.
const MISTAKES_MAX: usize = 20;

/// Where a key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Made here.
    Issued,
    /// In use before, and taken over.
    Adopted,
}

/// What a key is worth at some instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It opens.
    Valid,
    /// Its time is over.
    Expired,
    /// An old key whose time is over.
    Sunset,
    /// Somebody took it back.
    Revoked,
}

/// One key of a consumer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Public name of the key: tells it from others and opens nothing.
    pub id: String,
    /// What is kept of it.
    pub sha256: Digest,
    /// First characters of an issued key, up to its secret; nothing of an adopted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
    /// When it was made or adopted.
    pub created_at: Instant,
    /// Refused from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// Refused from then on; until then every answer warns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sunset_at: Option<Instant>,
    /// Refused since; taking it away restores the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Instant>,
    /// The key that takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_to: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// What it may be used for, within what its consumer may.
    #[serde(default, skip_serializing_if = "Scopes::is_everything")]
    pub scopes: Scopes,
}

impl Key {
    /// An adopted key with nothing else to say about it.
    #[must_use]
    pub const fn adopted(id: String, sha256: Digest, created_at: Instant) -> Self {
        Self {
            id,
            sha256,
            shown: None,
            origin: Origin::Adopted,
            created_at,
            expires_at: None,
            sunset_at: None,
            revoked_at: None,
            rotated_to: None,
            note: String::new(),
            scopes: Scopes { models: None, migrations: None, endpoints: None, sources: None },
        }
    }

    /// What it is worth now.
    #[must_use]
    pub fn state(&self, now_us: i64) -> State {
        let is_over = |end: Option<Instant>| end.is_some_and(|end| end.us() <= now_us);
        if self.revoked_at.is_some() {
            State::Revoked
        } else if is_over(self.expires_at) {
            State::Expired
        } else if is_over(self.sunset_at) {
            State::Sunset
        } else {
            State::Valid
        }
    }

    /// When callers have to have another key, if they should be warned of it: of a sunset, and of the end of a key that
    /// another one replaces. A plain expiry was agreed on from the start.
    #[must_use]
    pub fn ends_at(&self) -> Option<Instant> {
        let replaced = self.expires_at.filter(|_| self.rotated_to.is_some());
        self.sunset_at.into_iter().chain(replaced).min()
    }
}

/// Somebody who may call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumer {
    /// Name in records, metrics and quotas.
    pub name: String,
    /// Groups it belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// What it may do.
    #[serde(default, skip_serializing_if = "Scopes::is_everything")]
    pub scopes: Scopes,
    /// Its keys, oldest first.
    #[serde(default)]
    pub keys: Vec<Key>,
}

/// All that is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// Grows by one with each change; 0 where nothing was ever kept.
    pub generation: u64,
    /// All consumers, in the order in which they came.
    pub consumers: Vec<Consumer>,
}

/// Why a document is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is not the JSON that was expected.
    #[error("line {line}, column {column}: {expected}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What should stand there.
        expected: String,
    },
    /// It is something else.
    #[error("it is no list of consumers: expected \"format\": \"{FORMAT}\"")]
    Format,
    /// A newer program wrote it.
    #[error(
        "it has version {version}, and this program knows none beyond {VERSION}: use the newer program that wrote it"
    )]
    Newer {
        /// Its version.
        version: u32,
    },
    /// It contradicts itself or its rules; one sentence each.
    #[error("{}", mistakes.join("; "))]
    Mistakes {
        /// Sentences.
        mistakes: Vec<String>,
    },
}

#[derive(Deserialize)]
struct Header {
    format: Option<String>,
    version: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "version")]
    _version: u32,
    generation: u64,
    consumers: Vec<Consumer>,
}

#[derive(Serialize)]
struct Written<'a> {
    format: &'a str,
    version: u32,
    generation: u64,
    consumers: &'a [Consumer],
}

impl Document {
    /// Reads one.
    ///
    /// # Errors
    /// See [`DocumentError`]; none repeats what was found.
    pub fn from_json(bytes: &[u8]) -> Result<Self, DocumentError> {
        let header: Header = serde_json::from_slice(bytes).map_err(|error| syntax(&error))?;
        if header.format.as_deref() != Some(FORMAT) {
            return Err(DocumentError::Format);
        }
        if let Some(version) = header.version.filter(|version| *version > VERSION) {
            return Err(DocumentError::Newer { version });
        }
        let read: Read = serde_json::from_slice(bytes).map_err(|error| syntax(&error))?;
        let document = Self { generation: read.generation, consumers: read.consumers };
        let mut mistakes = document.mistakes();
        if mistakes.is_empty() {
            return Ok(document);
        }
        let more = mistakes.len().saturating_sub(MISTAKES_MAX);
        mistakes.truncate(MISTAKES_MAX);
        if more > 0 {
            mistakes.push(format!("and {more} more"));
        }
        Err(DocumentError::Mistakes { mistakes })
    }

    /// As it is kept: with line breaks, because people look at it, and one at the end.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let written =
            Written { format: FORMAT, version: VERSION, generation: self.generation, consumers: &self.consumers };
        // Strings, numbers and lists only: nothing of this can fail.
        let mut bytes = serde_json::to_vec_pretty(&written).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The consumer of this name.
    #[must_use]
    pub fn consumer(&self, name: &str) -> Option<&Consumer> {
        self.consumers.iter().find(|consumer| consumer.name == name)
    }

    /// All keys with their consumers.
    pub fn keys(&self) -> impl Iterator<Item = (&Consumer, &Key)> {
        self.consumers.iter().flat_map(|consumer| consumer.keys.iter().map(move |key| (consumer, key)))
    }

    /// What contradicts the rules, one sentence each.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let (mut names, mut ids, mut digests) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        for consumer in &self.consumers {
            let mut say = |what: String| mistakes.push(what);
            // What is no name is not repeated: it may be a key.
            let number = (names.len() + 1).to_string();
            let name = if is_name(&consumer.name) { consumer.name.clone() } else { number };
            if name != consumer.name {
                say(format!("consumer {name} has no usable name: expected {}", rule()));
            }
            if !names.insert(consumer.name.as_str()) {
                say(format!("there are two consumers with the name {name}"));
            }
            if let Some(place) = consumer.groups.iter().position(|group| !is_name(group)) {
                say(format!("consumer {name}, group {}: expected {}", place + 1, rule()));
            }
            if consumer.note.len() > NOTE_BYTES_MAX {
                say(format!("consumer {name} has a note of more than {NOTE_BYTES_MAX} bytes"));
            }
            if let Some(list) = consumer.scopes.empty_list() {
                say(format!("consumer {name}: scopes.{list} is empty, which would forbid everything: leave it out"));
            }
            for key in &consumer.keys {
                if !is_id(&key.id) || !ids.insert(key.id.as_str()) {
                    say(format!("consumer {name} has a key whose id is no name of its own"));
                }
                if let Some(other) = digests.insert(key.sha256, name.clone()) {
                    say(format!("consumer {name} has a key that stands twice, also under {other}"));
                }
                if key.note.len() > NOTE_BYTES_MAX || key.shown.as_ref().is_some_and(|shown| shown.len() > 64) {
                    say(format!("key {} of {name} has a text that is too long", key.id));
                }
                if let Some(list) = key.scopes.empty_list() {
                    say(format!("key {} of {name}: scopes.{list} is empty: leave it out, or revoke the key", key.id));
                }
            }
        }
        if ids.len() > KEYS_MAX {
            mistakes.push(format!("there are {} keys: expected {KEYS_MAX} at most", ids.len()));
        }
        mistakes
    }
}

/// Ids are parts of addresses and columns, so they are plain. A dot is for keys of the configuration.
fn is_id(id: &str) -> bool {
    (1..=96).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Where a JSON text is not what it should be, and what is expected there; what was found is left out, for it may be a key.
#[must_use]
pub fn syntax(error: &serde_json::Error) -> DocumentError {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    let expected = if error.is_data() {
        let names_ours = message.starts_with("missing field") || message.starts_with("duplicate field");
        match message.find("expected ") {
            _ if names_ours => message.to_owned(),
            Some(start) => message.get(start..).unwrap_or_default().to_owned(),
            None => "something else was expected".to_owned(),
        }
    } else {
        "it is no JSON, or ends too early".to_owned()
    };
    DocumentError::Syntax { line: error.line(), column: error.column(), expected }
}

#[cfg(test)]
mod tests;
