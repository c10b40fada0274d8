//! What is said and heard: schema `weighbridge.weight/1`.

use crate::{Because, Wanted};
use gate::InForce;
use serde::{Deserialize, Serialize};

/// Name and version. Members may be added within version 1.
pub const SCHEMA: &str = "weighbridge.weight/1";

/// Body of the POST.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// [`SCHEMA`].
    pub schema: String,
    /// Migration.
    pub migration: String,
    /// Candidate weight that must still be in force, percent.
    pub from_percent: f64,
    /// Candidate weight wanted, percent in hundredths.
    pub to_percent: f64,
    /// Mirrored share wanted, percent in hundredths; left out: as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror_percent: Option<f64>,
    /// What the receiver said of what is in force ([`State::generation`]); it should refuse with 409 if that has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// Why, for people.
    pub reason: String,
    /// SHA-256 of the verdict's bytes, hexadecimal; left out where no verdict stands behind it, such as a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// When it was decided, RFC 3339 in UTC.
    pub decided_at: String,
    /// The same for every try of one decision, and for no other.
    pub idempotency_key: String,
}

impl Message {
    /// The key is the SHA-256 of all other members, hexadecimal, so it needs no chance and two decisions never share one.
    pub(super) fn new(found: &InForce, wanted: Wanted, because: &Because) -> Self {
        let mut message = Self {
            schema: SCHEMA.to_owned(),
            migration: because.migration.clone(),
            from_percent: found.weight_percent,
            to_percent: wanted.weight_percent,
            mirror_percent: wanted.mirror_percent,
            generation: found.generation.clone(),
            reason: because.reason.clone(),
            evidence: because.evidence.clone(),
            decided_at: because.at.clone(),
            idempotency_key: String::new(),
        };
        let text = serde_json::to_string(&message).unwrap_or_default();
        message.idempotency_key = datasets::digest::of_bytes(format!("{}\n{text}", found.target).as_bytes());
        message
    }
}

/// Answer to a GET: what is in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// [`SCHEMA`].
    pub schema: String,
    /// Migration, if the receiver knows names.
    #[serde(default)]
    pub migration: Option<String>,
    /// Candidate weight, percent.
    pub weight_percent: f64,
    /// Mirrored share, percent.
    #[serde(default)]
    pub mirror_percent: Option<f64>,
    /// Any text that changes whenever the weight does. It comes back in the POST.
    #[serde(default)]
    pub generation: Option<String>,
}

/// The idempotency key in a message's text.
pub(super) fn key_of(text: &str) -> Option<String> {
    serde_json::from_str::<Message>(text).ok().map(|message| message.idempotency_key)
}
