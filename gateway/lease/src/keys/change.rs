//! What may be done to a document, as data: the admin plane takes it as JSON, the command makes it of its arguments.

use super::digest::Digest;
use super::document::DocumentError;
use super::instant::Instant;
use super::scopes::Scopes;
use serde::{Deserialize, Serialize};

/// One change. It is done as a whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
pub enum Change {
    /// Says what a consumer may do and where it belongs; makes the consumer if there is none. Replaces all three.
    Consumer {
        /// Its name.
        consumer: String,
        /// Its groups.
        #[serde(default)]
        groups: Vec<String>,
        /// For people.
        #[serde(default)]
        note: String,
        /// What it may do.
        #[serde(default)]
        scopes: Scopes,
    },
    /// Issues a key; makes the consumer if there is none.
    Create {
        /// Whose key it is.
        consumer: String,
        /// For people.
        #[serde(default)]
        note: String,
        /// What it may be used for.
        #[serde(default)]
        scopes: Scopes,
        /// Refused from then on.
        #[serde(default)]
        expires_at: Option<Instant>,
    },
    /// Takes over keys that clients have; makes their consumers. One that its consumer has already only gets the sunset.
    Adopt {
        /// The keys.
        keys: Vec<Old>,
        /// Sunset of those that name none.
        #[serde(default)]
        sunset_at: Option<Instant>,
    },
    /// Issues a key in the place of another one, which goes on working for a while.
    Rotate {
        /// The key that is replaced.
        id: String,
        /// For how long both work.
        overlap_seconds: u64,
        /// When the new one ends. Without it, it gets as long a time as the old one had.
        #[serde(default)]
        expires_at: Option<Instant>,
    },
    /// Takes keys back, at once.
    Revoke {
        /// Which ones.
        #[serde(default)]
        ids: Vec<String>,
        /// And all keys of this consumer.
        #[serde(default)]
        consumer: Option<String>,
    },
    /// Gives revoked keys back. What else has ended stays ended.
    Restore {
        /// Which ones.
        #[serde(default)]
        ids: Vec<String>,
        /// And all keys of this consumer.
        #[serde(default)]
        consumer: Option<String>,
    },
    /// Sets when keys end, earlier or later; a sunset that has passed is undone by a later one, or by none.
    Amend {
        /// Which ones.
        #[serde(default)]
        ids: Vec<String>,
        /// And all adopted keys of this consumer.
        #[serde(default)]
        consumer: Option<String>,
        /// New end.
        #[serde(default)]
        expires_at: Option<Until>,
        /// New sunset.
        #[serde(default)]
        sunset_at: Option<Until>,
    },
    /// Forgets keys for good. Only those that do not work any more.
    Remove {
        /// Which ones.
        ids: Vec<String>,
    },
}

/// A key that clients have, by value or by hash; the value is forgotten as soon as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawOld", into = "RawOld")]
pub struct Old {
    /// Whose key it is.
    pub consumer: String,
    /// What is kept of it.
    pub sha256: Digest,
    /// Refused from then on.
    pub sunset_at: Option<Instant>,
    /// For people.
    pub note: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOld {
    consumer: String,
    #[serde(default, skip_serializing)]
    key: Option<String>,
    #[serde(default)]
    sha256: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sunset_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    note: String,
}

impl TryFrom<RawOld> for Old {
    type Error = &'static str;

    fn try_from(raw: RawOld) -> Result<Self, Self::Error> {
        let sha256 = match (raw.key, raw.sha256) {
            (Some(key), None) if !key.trim().is_empty() => Digest::of(key.trim()),
            (None, Some(digest)) => digest,
            _ => return Err("expected either `key` or `sha256` for each key"),
        };
        Ok(Self { consumer: raw.consumer, sha256, sunset_at: raw.sunset_at, note: raw.note })
    }
}

impl From<Old> for RawOld {
    fn from(old: Old) -> Self {
        Self { consumer: old.consumer, key: None, sha256: Some(old.sha256), sunset_at: old.sunset_at, note: old.note }
    }
}

/// A new end, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Until {
    /// Then.
    At(Instant),
    /// It does not end.
    Never,
}

impl Until {
    pub(super) const fn end(self) -> Option<Instant> {
        match self {
            Self::At(instant) => Some(instant),
            Self::Never => None,
        }
    }
}

impl TryFrom<String> for Until {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "never" {
            return Ok(Self::Never);
        }
        match Instant::parse(&text, i64::MAX) {
            Some(instant) => Ok(Self::At(instant)),
            None => Err("expected an instant such as 2026-12-31T00:00:00Z, or never"),
        }
    }
}

impl From<Until> for String {
    fn from(until: Until) -> Self {
        until.end().map_or_else(|| "never".to_owned(), |instant| instant.to_string())
    }
}

/// Why a change is not made. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Somebody was faster.
    #[error("the generation is {now} by now, not {expected}: read the consumers again")]
    Generation {
        /// What the change was decided on.
        expected: u64,
        /// What it is.
        now: u64,
    },
    /// There is nothing of that name.
    #[error("there is no {what} {name}")]
    Unknown {
        /// `key` or `consumer`.
        what: &'static str,
        /// As given.
        name: String,
    },
    /// It makes no sense as things stand.
    #[error("{0}")]
    Refused(String),
    /// What is kept cannot be read, or would not be readable afterwards.
    #[error("the kept consumers cannot be used: {0}")]
    Document(#[from] DocumentError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_read_from_json_and_no_value_of_a_key_stays() {
        let text = r#"{"do": "adopt", "sunset_at": "2026-12-31T00:00:00Z", "keys": [
            {"consumer": "a", "key": "sk-secret"},
            {"consumer": "b", "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}]}"#;
        let change: Change = serde_json::from_str(text).unwrap();
        assert!(!format!("{change:?}").contains("secret"));
        let json = serde_json::to_string(&change).unwrap();
        assert!(!json.contains("secret") && json.contains(&Digest::of("sk-secret").to_hex()), "{json}");
        assert_eq!(serde_json::from_str::<Change>(&json).unwrap(), change);
        let amend: Change = serde_json::from_str(r#"{"do": "amend", "ids": ["x"], "sunset_at": "never"}"#).unwrap();
        let Change::Amend { sunset_at, expires_at, .. } = amend else { panic!("{amend:?}") };
        assert_eq!((sunset_at, expires_at), (Some(Until::Never), None));
    }

    #[test]
    fn slips_are_refused() {
        for text in [
            r#"{"do": "destroy"}"#,
            r#"{"do": "create"}"#,
            r#"{"do": "create", "consumer": "a", "expires": "2027-01-01T00:00:00Z"}"#,
            r#"{"do": "adopt", "keys": [{"consumer": "a"}]}"#,
            r#"{"do": "adopt", "keys": [{"consumer": "a", "key": " "}]}"#,
            r#"{"do": "amend", "sunset_at": "30d"}"#,
        ] {
            assert!(serde_json::from_str::<Change>(text).is_err(), "{text}");
        }
    }
}
