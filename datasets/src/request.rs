//! One logged request: what replay plays.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use wire::price::Tier;
use wire::{Endpoint, ErrorKind, Usage};

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
    /// Who asked: a name, or a digest where the log had a key or an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// What was asked; files before 2.0 hold chat completions only.
    #[serde(default = "chat", skip_serializing_if = "is_chat")]
    pub endpoint: Endpoint,
    /// Body of the call, byte for byte.
    pub body: Box<RawValue>,
    /// How it was answered then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Recorded>,
}

impl LoggedRequest {
    /// A chat completion of which no more is known.
    #[must_use]
    pub fn chat(id: impl Into<String>, at_us: i64, body: Box<RawValue>) -> Self {
        Self { id: id.into(), at_us, session: None, consumer: None, endpoint: Endpoint::Chat, body, recorded: None }
    }
}

impl Recorded {
    /// An answer of which no more is known than who gave it and its HTTP status.
    #[must_use]
    pub fn new(provider: impl Into<String>, model: impl Into<String>, status: u16) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
            status,
            ttft_us: None,
            duration_us: None,
            error: None,
            finish_reason: None,
            refused: false,
            usage: None,
            tier: Tier::Standard,
            cost_nanos: None,
            answer: None,
            tools: Vec::new(),
        }
    }
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
    /// To the last byte; absent where the log did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<u64>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorKind>,
    /// Finish reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// The model itself refused, in the member that is made for it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub refused: bool,
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Service tier that it was answered in.
    #[serde(default, skip_serializing_if = "is_standard")]
    pub tier: Tier,
    /// What it cost by the log's own account, nano-dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_nanos: Option<i64>,
    /// Text of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Calls of tools, in the order in which they began: a list of `[name, arguments]`, arguments as JSON where they are
    /// JSON and else as text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<(String, Value)>,
}

/// What was asked before other endpoints could be.
const fn chat() -> Endpoint {
    Endpoint::Chat
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_chat(endpoint: &Endpoint) -> bool {
    *endpoint == Endpoint::Chat
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_standard(tier: &Tier) -> bool {
    *tier == Tier::Standard
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}
