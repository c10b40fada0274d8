//! DeepSeek's errors in OpenAI's meaning.

use super::*;
use crate::chat::ErrorBody;
use crate::error::ErrorKind;

#[test]
fn every_error_of_the_reference_has_its_meaning() {
    for (status, message, shown, code, kind, wait) in [
        (400, "Content Exists Risk", 400, "content_filter", ErrorKind::Moderation, None),
        (400, "The supported API model names are a or b", 404, "model_not_found", ErrorKind::NotFound, None),
        (400, "This model's maximum context length is 1", 400, "context_length_exceeded", ErrorKind::BadRequest, None),
        (400, "Invalid max_tokens value", 400, "invalid_request_error", ErrorKind::BadRequest, None),
        (401, "Authentication Fails, ****abcd", 401, "invalid_request_error", ErrorKind::Auth, None),
        (402, "Insufficient Balance", 429, "insufficient_quota", ErrorKind::Quota, None),
        (422, "Failed to deserialize", 400, "invalid_request_error", ErrorKind::BadRequest, None),
        (429, "slow down", 429, "rate_limit_exceeded", ErrorKind::RateLimit, Some(1)),
        (500, "oops", 500, "server_error", ErrorKind::Server, None),
        (503, "busy", 503, "server_is_overloaded", ErrorKind::Overloaded, Some(1)),
    ] {
        let body = ErrorBody::new("unknown_error", Some("invalid_request_error"), message).to_json();
        let error = DeepSeek.error(status, body.as_bytes());
        assert_eq!((error.status, error.kind, error.retry_after_seconds), (shown, kind, wait), "{status} {message}");
        assert_eq!(error.body.error.code.as_deref(), Some(code), "{status} {message}");
        assert!(!error.body.error.message.contains("abcd"));
    }
    assert_eq!(DeepSeek.error(504, b"<html>").body.error.kind, "server_error");
}

#[test]
fn an_error_behind_a_good_status_is_one() {
    for (body, status, kind) in [
        (
            "\n\n\n{\"error\":{\"message\":\"Content Exists Risk\",\"type\":\"invalid_request_error\"}}",
            400,
            ErrorKind::Moderation,
        ),
        (r#"{"error":{"message":"Insufficient Balance","type":"unknown_error"}}"#, 429, ErrorKind::Quota),
        (r#"{"error":{"message":"Service is too busy"}}"#, 503, ErrorKind::Overloaded),
        (r#"{"error":{"message":"x","type":"authentication_error"}}"#, 401, ErrorKind::Auth),
        (r#"{"error":{"message":"x","type":"rate_limit_reached_error"}}"#, 429, ErrorKind::RateLimit),
        (r#"{"error":{"message":"x"}}"#, 500, ErrorKind::Server),
        ("\n\n", 502, ErrorKind::Malformed),
        ("<html>", 502, ErrorKind::Malformed),
        (
            r#"{"choices":[{"index":0,"message":{"content":"x"},"finish_reason":"aborted"}]}"#,
            503,
            ErrorKind::Overloaded,
        ),
    ] {
        let error = DeepSeek.edit_whole(Endpoint::Chat, body.as_bytes(), &View::default()).unwrap_err();
        assert_eq!((error.status, error.kind), (status, kind), "{body}");
    }
}
