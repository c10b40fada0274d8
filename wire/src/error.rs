//! What can go wrong with one exchange, as a closed list.

use serde::{Deserialize, Serialize};

/// Why an exchange failed. The names are part of the record format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// No connection: refused, reset before an answer, name not found.
    Connect,
    /// A deadline passed.
    Timeout,
    /// The stream broke off before its end.
    Truncated,
    /// The answer could not be read.
    Malformed,
    /// 429 because of rate or concurrency.
    RateLimit,
    /// No money or quota left.
    Quota,
    /// 401 or 403.
    Auth,
    /// The request was refused as wrong.
    BadRequest,
    /// Unknown model or address.
    NotFound,
    /// The provider refused the content.
    Moderation,
    /// 503: overloaded.
    Overloaded,
    /// Any other 5xx.
    Server,
    /// The client went away before the end.
    ClientCancelled,
    /// The gateway itself stopped before the end.
    GatewayStopped,
    /// The gateway itself did not send it: its own bound on requests under way at the provider was reached.
    GatewayBusy,
}

impl ErrorKind {
    /// The name in records, metrics and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::RateLimit => "rate_limit",
            Self::Quota => "quota",
            Self::Auth => "auth",
            Self::BadRequest => "bad_request",
            Self::NotFound => "not_found",
            Self::Moderation => "moderation",
            Self::Overloaded => "overloaded",
            Self::Server => "server",
            Self::ClientCancelled => "client_cancelled",
            Self::GatewayStopped => "gateway_stopped",
            Self::GatewayBusy => "gateway_busy",
        }
    }

    /// Whether the exchange says anything about the provider. A client that hangs up does not, nor does our own stop.
    #[must_use]
    pub const fn blames_provider(self) -> bool {
        !matches!(self, Self::ClientCancelled | Self::GatewayStopped | Self::GatewayBusy)
    }

    /// The kind that a bare HTTP status stands for; `None` for success.
    #[must_use]
    pub const fn of_status(status: u16) -> Option<Self> {
        match status {
            200..=299 => None,
            401 | 403 => Some(Self::Auth),
            402 => Some(Self::Quota),
            404 => Some(Self::NotFound),
            408 | 504 => Some(Self::Timeout),
            429 => Some(Self::RateLimit),
            503 => Some(Self::Overloaded),
            // A redirect of an API call is a provider that is set up wrongly.
            300..=399 | 500..=599 => Some(Self::Server),
            _ => Some(Self::BadRequest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorKind;

    #[test]
    fn the_name_is_the_serialised_form() {
        for kind in [ErrorKind::Connect, ErrorKind::RateLimit, ErrorKind::BadRequest, ErrorKind::ClientCancelled] {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.name()));
        }
    }
}
