//! The one place where a failure becomes what the client sees.

use crate::lane::Link;
use crate::reply::Reply;
use crate::upstream::Failure;
use axum::response::IntoResponse;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use wire::chat::ErrorBody;
use wire::provider::ClientError;
use wire::{ErrorKind, RequestError};

const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// An answer in OpenAI's error shape.
#[derive(Debug)]
pub(crate) struct Problem {
    pub status: StatusCode,
    pub body: Box<ErrorBody>,
    /// When to try again, and whether.
    pub headers: HeaderMap,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, kind: &str, code: Option<&str>, message: impl Into<String>) -> Self {
        Self { status, body: Box::new(ErrorBody::new(kind, code, message)), headers: HeaderMap::new() }
    }

    fn retry_after_seconds(mut self, seconds: u16) -> Self {
        self.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        self
    }

    pub(crate) fn bad_request(error: &RequestError) -> Self {
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", None, &error.message);
        problem.body.error.param = error.param.map(str::to_owned);
        problem
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!("the request body is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request_error", Some("request_too_large"), message)
    }

    /// Compressed bodies are not unpacked: a few bytes could become any number of them.
    pub(crate) fn encoded() -> Self {
        let message = "compressed request bodies are not taken: send it without content-encoding";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "invalid_request_error",
            Some("unsupported_content_encoding"),
            message,
        )
    }

    pub(crate) fn unread(why: &str) -> Self {
        let message = format!("the request body {why}");
        Self::new(StatusCode::REQUEST_TIMEOUT, "invalid_request_error", Some("request_incomplete"), message)
    }

    pub(crate) fn busy(what: &str) -> Self {
        let message = format!("the gateway {what}; try again");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable_error", Some("server_is_overloaded"), message)
            .retry_after_seconds(1)
    }

    pub(crate) fn not_found(path: &str) -> Self {
        let known: Vec<&str> = wire::Endpoint::ALL.iter().map(|endpoint| endpoint.path()).collect();
        let message =
            format!("unknown address {path}: this gateway serves GET /v1/models and POST {}", known.join(", "));
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", Some("unknown_url"), message)
    }

    pub(crate) fn unknown_model(name: &str) -> Self {
        let message = format!("the model `{name}` does not exist here; GET /v1/models lists those that do");
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", Some("model_not_found"), message)
    }

    /// No key, or a wrong one: the answer does not say which.
    pub(crate) fn unauthorised() -> Self {
        let message = "a valid key of this gateway is required: send it as `Authorization: Bearer KEY`";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", Some("invalid_api_key"), message)
    }

    /// A right key, but not for this: the answer does not say which scope.
    pub(crate) fn forbidden() -> Self {
        let message = "this key may not be used for that; ask whoever runs this gateway";
        Self::new(StatusCode::FORBIDDEN, "invalid_request_error", Some("permission_denied"), message)
    }

    /// No provider of the migration can serve it.
    pub(crate) fn unfit(feature: &str) -> Self {
        let message = format!("no provider of this gateway can serve {feature}");
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", Some("unsupported_value"), message)
    }

    pub(crate) fn wrong_method() -> Self {
        let message = "this address takes another method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request_error", Some("method_not_supported"), message)
    }

    /// The provider could not be reached, or broke off before its first byte.
    pub(crate) fn unreachable(link: &Link, kind: ErrorKind) -> Self {
        let provider = &link.config.name;
        let (status, code, message) = match kind {
            ErrorKind::Timeout => {
                (StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", format!("{provider} did not answer in time"))
            }
            ErrorKind::Connect => (
                StatusCode::BAD_GATEWAY,
                "upstream_unreachable",
                format!("{provider} cannot be reached; check providers.{provider}.base_url and the network"),
            ),
            _ => (StatusCode::BAD_GATEWAY, "upstream_failed", format!("{provider} broke its answer off")),
        };
        Self::new(status, "server_error", Some(code), message)
    }

    /// A call that failed before its answer began, in the client's terms.
    pub(crate) fn from_failure(link: &Link, failure: Failure) -> Self {
        let mut problem = match (failure.refusal, failure.client) {
            (Some(_), _) => Self::busy(&format!("cannot send more to {} just now", link.config.name)),
            (None, Some(error)) => Self::from_provider(link, error),
            (None, None) => Self::unreachable(link, failure.kind),
        };
        let advice = [
            (header::RETRY_AFTER, failure.retry_after),
            (HeaderName::from_static("retry-after-ms"), failure.retry_after_ms),
            (SHOULD_RETRY, failure.should_retry),
        ];
        for (name, value) in advice {
            if let Some(value) = value {
                problem.headers.insert(name, value);
            }
        }
        problem
    }

    /// A provider's error in the client's terms. A refusal of *our* key is our fault, not the client's: 502.
    pub(crate) fn from_provider(link: &Link, error: ClientError) -> Self {
        if error.kind == ErrorKind::Auth {
            let message = format!("{} refused the gateway's key", link.config.name);
            return Self::new(StatusCode::BAD_GATEWAY, "server_error", Some("upstream_auth"), message);
        }
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut headers = HeaderMap::new();
        if let Some(seconds) = error.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if error.kind == ErrorKind::Quota {
            // Clients retry every 429 unless they are told that it is of no use.
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        Self { status, body: Box::new(error.body), headers }
    }

    /// The answer.
    pub(crate) fn respond(self) -> Response<Reply> {
        let mut response = Reply::json(self.status, self.body.to_json());
        response.headers_mut().extend(self.headers);
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (self.status, json, self.body.to_json()).into_response()
    }
}
