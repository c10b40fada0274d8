//! Whether a failed candidate is replaced by the baseline.
//!
//! Only before the client has seen a byte, and only for failures that say something about the candidate: what the client
//! itself did wrong would fail again. The failure stays in the evidence; the fallback saves the answer, not the verdict.

use serde::Deserialize;
use std::time::Duration;
use wire::ErrorKind;

/// A class of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub enum Class {
    /// No connection, or one that broke before the first byte.
    #[serde(rename = "connect")]
    Connect,
    /// No answer in time.
    #[serde(rename = "timeout")]
    Timeout,
    /// 5xx, or an answer that nobody can read.
    #[serde(rename = "5xx")]
    Server,
    /// Rate or concurrency.
    #[serde(rename = "429")]
    RateLimit,
    /// No money or quota left.
    #[serde(rename = "quota")]
    Quota,
    /// The gateway's own key was refused.
    #[serde(rename = "auth")]
    Auth,
    /// Unknown model or address.
    #[serde(rename = "not_found")]
    NotFound,
    /// The candidate's own moderation refused the content.
    #[serde(rename = "moderation")]
    Moderation,
    /// The candidate refused the request as wrong.
    #[serde(rename = "bad_request")]
    BadRequest,
}

impl Class {
    /// The class of a failure; `None` for what no fallback can mend.
    const fn of(kind: ErrorKind) -> Option<Self> {
        Some(match kind {
            ErrorKind::Connect | ErrorKind::Truncated => Self::Connect,
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::Server | ErrorKind::Overloaded | ErrorKind::Malformed | ErrorKind::GatewayBusy => Self::Server,
            ErrorKind::RateLimit => Self::RateLimit,
            ErrorKind::Quota => Self::Quota,
            ErrorKind::Auth => Self::Auth,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Moderation => Self::Moderation,
            ErrorKind::BadRequest => Self::BadRequest,
            ErrorKind::ClientCancelled | ErrorKind::GatewayStopped => return None,
        })
    }
}

/// When the baseline takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// Classes that fall back; empty: none does.
    pub on: Vec<Class>,
    /// How long the beginning of the candidate's answer may be held back while its first frame is awaited, so that a
    /// failure right behind the headers can still fall back. Zero holds nothing back.
    pub hold: Duration,
}

impl Fallback {
    /// Classes that fall back unless the configuration says otherwise: those that are the provider's or the gateway's
    /// fault. A refused request or content is not: the candidate's answer to it is what the migration has to show.
    pub const DEFAULT_ON: [Class; 6] =
        [Class::Connect, Class::Timeout, Class::Server, Class::RateLimit, Class::Quota, Class::Auth];
    /// Default of `hold`.
    pub const DEFAULT_HOLD: Duration = Duration::from_secs(5);

    /// Whether the baseline is called after this failure. `status` is the provider's HTTP status, 0 without an answer;
    /// a class named by a status (`5xx`, `429`) also takes that status under another kind.
    #[must_use]
    pub fn falls_back(&self, kind: ErrorKind, status: u16) -> bool {
        let Some(class) = Class::of(kind) else { return false };
        let by_status = match status {
            429 => Some(Class::RateLimit),
            500..=599 => Some(Class::Server),
            _ => None,
        };
        self.on.contains(&class) || by_status.is_some_and(|class| self.on.contains(&class))
    }
}

impl Default for Fallback {
    fn default() -> Self {
        Self { on: Self::DEFAULT_ON.to_vec(), hold: Self::DEFAULT_HOLD }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_what_the_provider_or_the_gateway_did_falls_back() {
        let fallback = Fallback::default();
        for (kind, status, expected) in [
            (ErrorKind::Connect, 0, true),
            (ErrorKind::Truncated, 0, true),
            (ErrorKind::Timeout, 0, true),
            (ErrorKind::Malformed, 200, true),
            (ErrorKind::RateLimit, 429, true),
            (ErrorKind::Quota, 402, true),
            (ErrorKind::Auth, 401, true),
            (ErrorKind::Overloaded, 503, true),
            (ErrorKind::Server, 500, true),
            (ErrorKind::BadRequest, 400, false),
            (ErrorKind::NotFound, 404, false),
            (ErrorKind::Moderation, 400, false),
            (ErrorKind::ClientCancelled, 0, false),
            (ErrorKind::GatewayStopped, 503, false),
        ] {
            assert_eq!(fallback.falls_back(kind, status), expected, "{kind:?} {status}");
        }
    }

    #[test]
    fn each_class_falls_back_only_where_it_is_named() {
        let only = |class| Fallback { on: vec![class], hold: Duration::ZERO };
        assert!(only(Class::Quota).falls_back(ErrorKind::Quota, 429));
        assert!(only(Class::RateLimit).falls_back(ErrorKind::Quota, 429), "named by its status");
        assert!(only(Class::Server).falls_back(ErrorKind::Timeout, 504));
        assert!(!only(Class::Server).falls_back(ErrorKind::Timeout, 0));
        assert!(!only(Class::Connect).falls_back(ErrorKind::Server, 500));
        assert!(only(Class::Moderation).falls_back(ErrorKind::Moderation, 400));
        let none = Fallback { on: Vec::new(), hold: Duration::ZERO };
        assert!(!none.falls_back(ErrorKind::Connect, 0) && !none.falls_back(ErrorKind::Server, 500));
    }
}
