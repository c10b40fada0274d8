//! The one place where a failure becomes what the client sees.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use wire::ErrorKind;
use wire::chat::{ErrorBody, RequestError};
use wire::provider::ClientError;

/// An answer in OpenAI's error shape.
#[derive(Debug)]
pub(crate) struct Problem {
    pub status: StatusCode,
    pub body: Box<ErrorBody>,
    pub retry_after: Option<HeaderValue>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, kind: &str, code: Option<&str>, message: impl Into<String>) -> Self {
        Self { status, body: Box::new(ErrorBody::new(kind, code, message)), retry_after: None }
    }

    fn retry_after_seconds(mut self, seconds: u16) -> Self {
        self.retry_after = Some(HeaderValue::from(seconds));
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
        let message =
            format!("unknown address {path}: this gateway serves POST /v1/chat/completions and GET /v1/models");
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", Some("unknown_url"), message)
    }

    pub(crate) fn wrong_method() -> Self {
        let message = "this address takes another method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request_error", Some("method_not_supported"), message)
    }

    /// The provider could not be reached, or went silent before its first byte.
    pub(crate) fn unreachable(provider: &str, kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Timeout => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "server_error",
                Some("upstream_timeout"),
                format!("{provider} did not answer in time"),
            ),
            _ => Self::new(
                StatusCode::BAD_GATEWAY,
                "server_error",
                Some("upstream_unreachable"),
                format!("{provider} cannot be reached; check providers.{provider}.base_url and the network"),
            ),
        }
    }

    /// A provider's error in the client's terms. A refusal of *our* key is our fault, not the client's: 502.
    pub(crate) fn from_provider(provider: &str, error: ClientError, retry_after: Option<HeaderValue>) -> Self {
        if error.kind == ErrorKind::Auth {
            let message = format!("{provider} refused the gateway's key");
            return Self::new(StatusCode::BAD_GATEWAY, "server_error", Some("upstream_auth"), message);
        }
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_GATEWAY);
        Self { status, body: Box::new(error.body), retry_after }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let mut response = (self.status, json, self.body.to_json()).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}
