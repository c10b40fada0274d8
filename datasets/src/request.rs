//! One logged request: what replay plays.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wire::{ErrorKind, Usage};

/// A request as it was once sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoggedRequest {
    /// Unique in its log.
    pub id: String,
    /// When it was sent, microseconds since the start of the log or the Unix epoch; only differences count.
    pub at_us: i64,
    /// Conversation it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Body of `POST /v1/chat/completions`.
    pub body: Box<RawValue>,
    /// How it was answered then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Recorded>,
}

/// The recorded answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Provider that answered.
    pub provider: String,
    /// Model that answered.
    pub model: String,
    /// HTTP status.
    pub status: u16,
    /// To the first text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft_us: Option<u64>,
    /// To the last byte.
    pub duration_us: u64,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorKind>,
    /// Finish reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Text of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}
