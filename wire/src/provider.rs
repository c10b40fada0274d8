//! What each provider does differently. One file a provider; a difference that shows anywhere else is a defect.
//!
//! An [`Adapter`] is pure: it turns the client's request into the provider's, and the provider's frames and errors
//! into what the client expects of an OpenAI-compatible server.

pub mod deepseek;
pub mod openai;

use crate::chat::{ErrorBody, Request};
use crate::error::ErrorKind;
use serde::{Deserialize, Serialize};

/// The providers that have an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// OpenAI.
    OpenAi,
    /// DeepSeek.
    DeepSeek,
    /// Any OpenAI-compatible server, such as vLLM or Ollama.
    Compatible,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OpenAi, Self::DeepSeek, Self::Compatible];

    /// The name in configuration, records and price tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::DeepSeek => "deepseek",
            Self::Compatible => "compatible",
        }
    }

    /// Its adapter.
    #[must_use]
    pub fn adapter(self) -> &'static dyn Adapter {
        match self {
            Self::OpenAi | Self::Compatible => &openai::OpenAi,
            Self::DeepSeek => &deepseek::DeepSeek,
        }
    }
}

/// A request in the provider's own terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// Body to send.
    pub body: Vec<u8>,
    /// Members of the client's request that the provider would ignore or refuse and that were left out.
    pub dropped: Vec<&'static str>,
}

/// Why a request cannot be sent to a provider without changing its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit {
    /// Feature that stands in the way, for example `n>1`.
    pub feature: &'static str,
}

/// What to do with one frame of a provider's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Pass its bytes on untouched.
    Keep,
    /// The client must not see it.
    Drop,
    /// Send these events instead.
    Replace(Vec<String>),
}

/// An error as the client shall see it, and what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientError {
    /// HTTP status.
    pub status: u16,
    /// Body in OpenAI's shape.
    pub body: ErrorBody,
    /// What it was.
    pub kind: ErrorKind,
}

/// A provider's differences.
pub trait Adapter: Sync + Send {
    /// Path of chat completions below the base URL.
    fn chat_path(&self) -> &'static str {
        "/chat/completions"
    }

    /// The request in the provider's terms, addressed to `model`.
    ///
    /// # Errors
    /// The provider cannot serve it; the other arm has to.
    fn rewrite(&self, request: &Request<'_>, model: &str) -> Result<Rewritten, Unfit>;

    /// What to do with a frame that carries `data`, for a client that did or did not ask for a usage chunk.
    fn edit(&self, data: &str, client_wants_usage: bool) -> Edit;

    /// The client's view of an error answer.
    fn error(&self, status: u16, body: &[u8]) -> ClientError;
}

/// The error for a status and a body in OpenAI's shape; other bodies are replaced by a neutral sentence, because
/// they may be an HTML page or tell about the inside.
#[must_use]
pub fn standard_error(status: u16, body: &[u8]) -> ClientError {
    let kind = ErrorKind::of_status(status).unwrap_or(ErrorKind::Malformed);
    let body = ErrorBody::from_json(body).filter(|body| !body.error.message.is_empty()).unwrap_or_else(|| {
        let family = if status >= 500 { "server_error" } else { "invalid_request_error" };
        ErrorBody::new(family, None, format!("the provider answered with status {status} and no readable error"))
    });
    let quota = |text: Option<&str>| text.is_some_and(|text| text == "insufficient_quota");
    let kind = if status == 429 && (quota(Some(&body.error.kind)) || quota(body.error.code.as_deref())) {
        ErrorKind::Quota
    } else {
        kind
    };
    ClientError { status, body, kind }
}
