//! Errors of providers, as a client of OpenAI understands them.

use crate::chat::ErrorBody;
use crate::error::ErrorKind;
use serde::Deserialize;
use serde_json::value::RawValue;

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

impl ClientError {
    /// A good status with a body that is no answer.
    #[must_use]
    pub fn unreadable() -> Self {
        let message = "the provider answered with something that is no answer; try again";
        Self {
            status: 502,
            body: ErrorBody::new("server_error", Some("unreadable_answer"), message),
            kind: ErrorKind::Malformed,
            retry_after_seconds: None,
        }
    }

    /// An answer that the provider gave up half way, with this finish reason.
    #[must_use]
    pub fn gave_up(reason: &str) -> Self {
        let message = format!("the provider gave the answer up half way ({reason}); try again");
        Self {
            status: 503,
            body: ErrorBody::new("service_unavailable_error", Some("server_is_overloaded"), message),
            kind: ErrorKind::Overloaded,
            retry_after_seconds: Some(1),
        }
    }
}

/// The error for a status and a body in OpenAI's shape, or in one that [`ErrorBody::from_json`] can read; other bodies
/// are replaced by a neutral sentence, because they may be an HTML page or tell about the inside. So is what is said
/// about a refused key, because that key is the gateway's and vendors repeat its last letters.
#[must_use]
pub fn standard_error(status: u16, body: &[u8]) -> ClientError {
    let kind = ErrorKind::of_status(status).unwrap_or(ErrorKind::Malformed);
    // A redirect is of no use to a client that does not know the provider's address.
    let shown = if (400..600).contains(&status) { status } else { 502 };
    let mut body = ErrorBody::from_json(body)
        .filter(|body| (400..600).contains(&status) && !body.error.message.is_empty())
        .unwrap_or_else(|| {
            let message = format!("the provider answered with status {status} and no readable error");
            ErrorBody::new(family(shown), None, message)
        });
    body.error.message = without_account(&body.error.message);
    if body.error.kind.is_empty() {
        body.error.kind = family(shown).to_owned();
    }
    if status == 401 {
        "the provider refused the gateway's key: its configuration has to be corrected"
            .clone_into(&mut body.error.message);
    }
    let is_quota = |text: &str| text == "insufficient_quota";
    let quota = is_quota(&body.error.kind) || body.error.code.as_deref().is_some_and(is_quota);
    let kind = if status == 429 && quota { ErrorKind::Quota } else { kind };
    ClientError { status: shown, body, kind, retry_after_seconds: None }
}

/// An error that came behind a good status, from a provider that gives no better clue than OpenAI's own words.
pub(super) fn hidden(raw: &RawValue) -> ClientError {
    let body = format!(r#"{{"error":{}}}"#, raw.get());
    let detail = ErrorBody::from_json(body.as_bytes()).map(|body| body.error).unwrap_or_default();
    let code = detail.code.as_deref().and_then(|code| code.parse().ok()).filter(|code| (400..600).contains(code));
    let status = match &*detail.kind {
        "invalid_request_error" => 400,
        "requests" | "tokens" | "insufficient_quota" => 429,
        "service_unavailable_error" => 503,
        _ => code.unwrap_or(500),
    };
    standard_error(status, body.as_bytes())
}

/// The error in the data of an event, `{"error": ...}` or the error itself.
pub(super) fn hidden_in(data: &[u8]) -> ClientError {
    let inner = serde_json::from_slice::<Hidden<'_>>(data).ok().and_then(|hidden| hidden.error);
    match inner.or_else(|| serde_json::from_slice(data).ok()) {
        Some(raw) => hidden(raw),
        None => ClientError::unreadable(),
    }
}

#[derive(Deserialize)]
struct Hidden<'a> {
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

/// Names of the gateway's own account at the provider are nobody else's business.
fn without_account(message: &str) -> String {
    let secret = |word: &str| {
        let word = word.trim_start_matches(['`', '\'', '"', '(']);
        ["org-", "proj_", "proj-", "sk-"].iter().any(|start| word.starts_with(start))
    };
    if !message.split(' ').any(secret) {
        return message.to_owned();
    }
    message.split(' ').map(|word| if secret(word) { "***" } else { word }).collect::<Vec<_>>().join(" ")
}

pub(super) const fn family(status: u16) -> &'static str {
    if status >= 500 { "server_error" } else { "invalid_request_error" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_key_is_never_repeated() {
        let body = br#"{"error":{"message":"Incorrect API key provided: sk-abc.","type":"invalid_request_error","code":"invalid_api_key"}}"#;
        let error = standard_error(401, body);
        assert!(!error.body.to_json().contains("sk-abc"));
        assert_eq!(
            (error.status, error.kind, error.body.error.code.as_deref()),
            (401, ErrorKind::Auth, Some("invalid_api_key"))
        );
    }

    #[test]
    fn names_of_the_gateways_account_are_left_out() {
        let body = r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-abc123 on requests: Limit 3","type":"requests"}}"#;
        let message = standard_error(429, body.as_bytes()).body.error.message;
        assert_eq!(message, "Rate limit reached for gpt-4o in organization *** on requests: Limit 3");
    }

    #[test]
    fn error_events_are_read_in_both_forms() {
        let kind = |data: &str| {
            let error = hidden_in(data.as_bytes());
            (error.status, error.kind)
        };
        let nested = r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#;
        assert_eq!(kind(nested), (429, ErrorKind::Quota));
        let bare = r#"{"type":"service_unavailable_error","message":"m","code":null}"#;
        assert_eq!(kind(bare), (503, ErrorKind::Overloaded));
        assert_eq!(kind("oops"), (502, ErrorKind::Malformed));
    }

    #[test]
    fn redirects_and_pages_are_the_providers_fault() {
        let moved = standard_error(302, br#"{"error":{"message":"go to inside.example"}}"#);
        assert_eq!((moved.status, moved.kind, &*moved.body.error.kind), (502, ErrorKind::Server, "server_error"));
        assert!(!moved.body.error.message.contains("inside"));
        let page = standard_error(500, b"<html>nginx/1.2</html>");
        assert_eq!((page.status, page.kind), (500, ErrorKind::Server));
        assert!(!page.body.error.message.contains("nginx"));
    }

    #[test]
    fn quota_is_told_from_rate() {
        let of = |kind: &str, code: &str| {
            let body = ErrorBody::new(kind, Some(code), "m").to_json();
            standard_error(429, body.as_bytes()).kind
        };
        assert_eq!(of("insufficient_quota", "credit_balance_exhausted"), ErrorKind::Quota);
        assert_eq!(of("x", "insufficient_quota"), ErrorKind::Quota);
        assert_eq!(of("requests", "rate_limit_exceeded"), ErrorKind::RateLimit);
    }
}
