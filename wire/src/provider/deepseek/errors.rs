//! DeepSeek's errors in OpenAI's meaning. Its `code` says next to nothing, so status and message decide.

use super::super::error::{ClientError, standard_error};
use crate::chat::ErrorBody;
use crate::error::ErrorKind;
use serde_json::value::RawValue;

/// Seconds to wait that a client is told: the API itself gives no advice.
const RETRY_AFTER_SECONDS: u32 = 1;
const INVALID: &str = "invalid_request_error";

pub(super) fn error(status: u16, body: &[u8]) -> ClientError {
    let mut error = standard_error(status, body);
    let message = &error.body.error.message;
    let replaced = match status {
        400 | 422 if message.contains("Content Exists Risk") => {
            Some((400, INVALID, "content_filter", ErrorKind::Moderation))
        }
        400 if message.contains("supported API model names") || message.contains("Model Not Exist") => {
            Some((404, INVALID, "model_not_found", ErrorKind::NotFound))
        }
        400 if message.contains("maximum context length") => {
            Some((400, INVALID, "context_length_exceeded", ErrorKind::BadRequest))
        }
        402 => Some((429, "insufficient_quota", "insufficient_quota", ErrorKind::Quota)),
        422 => Some((400, INVALID, INVALID, ErrorKind::BadRequest)),
        429 => Some((429, "requests", "rate_limit_exceeded", ErrorKind::RateLimit)),
        500 => Some((500, "server_error", "server_error", ErrorKind::Server)),
        503 => Some((503, "service_unavailable_error", "server_is_overloaded", ErrorKind::Overloaded)),
        _ => None,
    };
    if let Some((status, family, code, kind)) = replaced {
        let body = ErrorBody::new(family, Some(code), std::mem::take(&mut error.body.error.message));
        error = ClientError { status, body, kind, retry_after_seconds: None };
    }
    if matches!(error.kind, ErrorKind::RateLimit | ErrorKind::Overloaded) {
        error.retry_after_seconds = Some(RETRY_AFTER_SECONDS);
    }
    error
}

/// An error that came behind a good status, whole or as an event: its words are all there is to go by.
pub(super) fn hidden(raw: &RawValue) -> ClientError {
    let body = format!(r#"{{"error":{}}}"#, raw.get());
    let message = ErrorBody::from_json(body.as_bytes()).map(|body| body.error).unwrap_or_default();
    let says = |words: &[&str]| words.iter().any(|word| message.message.contains(word));
    let status = if says(&["Content Exists Risk", "maximum context length", "supported API model names"]) {
        400
    } else if says(&["Insufficient Balance"]) {
        402
    } else if message.kind == "authentication_error" {
        401
    } else if message.kind.starts_with("rate_limit") || says(&["Too many requests", "concurrency limit"]) {
        429
    } else if says(&["too busy", "overloaded"]) || message.kind == "service_unavailable_error" {
        503
    } else if message.kind == INVALID {
        400
    } else {
        500
    };
    error(status, body.as_bytes())
}
