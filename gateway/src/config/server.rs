//! `[server]` and `[admin]`: listeners and bounds of the data plane.

use super::check::{Checker, LIMIT_MAX};
use http::HeaderValue;
use serde::Deserialize;
use std::time::Duration;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawServer {
    pub listen: Option<String>,
    pub allow_open_listener: Option<bool>,
    pub conversation_header: Option<String>,
    pub reveal_arm: Option<bool>,
    pub requests_in_flight_max: Option<usize>,
    pub request_bytes_max: Option<usize>,
    pub drain_timeout: Option<String>,
    pub lame_duck: Option<String>,
    pub request_bytes_in_flight_max: Option<usize>,
    pub default_provider: Option<String>,
    pub authenticate: Option<Authenticate>,
    pub answer_model: Option<AnswerModel>,
    pub keep_alive_comments: Option<bool>,
    pub connections_max: Option<usize>,
    pub reasoning_bytes_max: Option<usize>,
    pub trusted_proxies: Option<Vec<String>>,
}

/// Whether clients have to show a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authenticate {
    /// Anybody may call; a known key still tells whose request it is.
    #[default]
    Off,
    /// Only with the key of a consumer.
    Keys,
}

/// Which model's name an answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnswerModel {
    /// The model that answered.
    #[default]
    Provider,
    /// The name that the client asked for.
    Asked,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAdmin {
    pub listen: Option<String>,
    pub token_env: Option<String>,
    pub read_token_env: Option<String>,
}

/// Every bound of the data plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests served at once; one more gets 503 with `retry-after`.
    pub requests_in_flight: usize,
    /// Bytes of one request body; more gets 413.
    pub request_bytes: usize,
    /// Connections of clients; while as many are open, new ones wait in the system's queue.
    pub connections: usize,
    /// Bytes of reasoning text that is remembered for later turns; the oldest is forgotten first.
    pub reasoning_bytes: usize,
    /// Bytes of all requests that are read or wait for their answer to begin; one more piece gets 503.
    pub request_bytes_in_flight: usize,
    /// After a stop signal, how long everything is still served while the admin plane says not ready.
    pub lame_duck: Duration,
    /// After that, how long open answers may go on.
    pub drain: Duration,
}

impl Checker<'_> {
    /// The tokens that only read; none unless a variable is named.
    pub(super) fn read_tokens(&mut self, admin: &RawAdmin, admin_token: Option<&HeaderValue>) -> Vec<HeaderValue> {
        let Some(variable) = admin.read_token_env.as_deref() else { return Vec::new() };
        let tokens = self.bearers("admin.read_token_env", Some(variable), None);
        if tokens.iter().any(|token| Some(token) == admin_token) {
            self.problems.push(
                "admin.read_token_env holds the admin token: whoever is to read could change everything; make another one"
                    .to_owned(),
            );
        }
        tokens
    }

    pub(super) fn limits(&mut self, server: &RawServer) -> Option<Limits> {
        let limits = Limits {
            requests_in_flight: server.requests_in_flight_max.unwrap_or(4096),
            request_bytes: server.request_bytes_max.unwrap_or(50 * 1024 * 1024),
            request_bytes_in_flight: server.request_bytes_in_flight_max.unwrap_or(1 << 29),
            lame_duck: self.duration_or_nothing("server.lame_duck", server.lame_duck.as_deref())?,
            connections: server.connections_max.unwrap_or(10_000),
            reasoning_bytes: server.reasoning_bytes_max.unwrap_or(64 * 1024 * 1024),
            drain: self.duration("server.drain_timeout", server.drain_timeout.as_deref(), 30)?,
        };
        for (key, value) in [
            ("server.requests_in_flight_max", limits.requests_in_flight),
            ("server.request_bytes_max", limits.request_bytes),
            ("server.request_bytes_in_flight_max", limits.request_bytes_in_flight),
            ("server.connections_max", limits.connections),
            ("server.reasoning_bytes_max", limits.reasoning_bytes),
        ] {
            if !(1..=LIMIT_MAX).contains(&value) {
                self.problems.push(format!("{key} is {value}: expected 1 to {LIMIT_MAX}"));
            }
        }
        Some(limits)
    }
}
