//! Errors of providers, as a client of OpenAI understands them.

use crate::chat::ErrorBody;
use crate::error::ErrorKind;

/// An error as the client shall see it, and what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientError {
    /// HTTP status.
    pub status: u16,
    /// Body in OpenAI's shape.
    pub body: ErrorBody,
    /// What it was.
    pub kind: ErrorKind,
    /// Seconds to wait that the client should be told where the provider itself gave no `retry-after`.
    pub retry_after_seconds: Option<u32>,
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
    ClientError { status, body, kind, retry_after_seconds: None }
}
