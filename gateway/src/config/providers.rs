//! `[providers.NAME]`: how a provider is reached, and how much is asked of it.

use super::check::{Checker, LIMIT_MAX};
use super::resilience::{BreakerConfig, RawBreaker, RawRetry, RetryConfig};
use super::transport::{HttpVersion, TlsRoots};
use http::{HeaderValue, Uri};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;
use wire::provider::{Policy, Provider};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProvider {
    pub kind: Provider,
    pub base_url: String,
    pub api_key_env: Option<String>,
    pub api_key_file: Option<PathBuf>,
    #[serde(default)]
    pub api_keys_env: Vec<String>,
    #[serde(default)]
    pub api_key_files: Vec<PathBuf>,
    #[serde(default)]
    pub key_use: KeyUse,
    pub connect_timeout: Option<String>,
    pub headers_timeout: Option<String>,
    pub first_token_timeout: Option<String>,
    pub idle_timeout: Option<String>,
    pub total_timeout: Option<String>,
    pub requests_in_flight_max: Option<usize>,
    pub idle_connections_max: Option<usize>,
    pub http: Option<String>,
    pub tls_roots: Option<String>,
    pub ca_file: Option<PathBuf>,
    pub retry: Option<RawRetry>,
    pub breaker: Option<RawBreaker>,
    pub thinking: Option<String>,
    pub json_schema: Option<String>,
    pub reasoning_to_client: Option<bool>,
    pub user_salt_env: Option<String>,
}

/// One provider. Equal ones can go on sharing connections when the configuration is read again.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderConfig {
    /// Name of its section.
    pub name: String,
    /// Which adapter.
    pub kind: Provider,
    /// Scheme, host, port and what stands before every path; without a slash at its end.
    pub base_url: Uri,
    /// `Bearer KEY` of every key, sensitive; none for a compatible server that wants none.
    pub keys: Vec<HeaderValue>,
    /// Which of them is used.
    pub key_use: KeyUse,
    /// Deadlines.
    pub timeouts: Timeouts,
    /// Requests under way at once, open streams included; one more is refused at once.
    pub requests_in_flight_max: usize,
    /// Connections that are kept open for the next request; one more is closed.
    pub idle_connections_max: usize,
    /// HTTP version to the provider.
    pub http: HttpVersion,
    /// Whose certificates are believed.
    pub roots: TlsRoots,
    /// What is tried again.
    pub retry: RetryConfig,
    /// When the provider is left alone; `None` never.
    pub breaker: Option<BreakerConfig>,
    /// What is done about features that the provider has in another form.
    pub policy: Policy,
}

/// Which of several keys a call is made with; either way one that rests is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyUse {
    /// The first: prompts stay in the cache of one account.
    #[default]
    First,
    /// Each in its turn: the limits of all accounts count together.
    InTurn,
}

/// How long each part of an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To an open connection, TLS included.
    pub connect: Duration,
    /// From sending to the answer's headers, for streams.
    pub headers: Duration,
    /// From sending to the first piece of text, reasoning or tool call of a stream.
    pub first_token: Duration,
    /// Between two pieces of the answer.
    pub idle: Duration,
    /// From the first try to the last byte, everything included.
    pub total: Duration,
}

impl Checker<'_> {
    pub(super) fn provider(&mut self, name: &str, raw: &RawProvider) -> Option<ProviderConfig> {
        let base_url = self.base_url(name, &raw.base_url);
        let keys = self.provider_keys(name, raw);
        let timeouts = self.timeouts(name, raw);
        let in_flight_default = if raw.kind == Provider::DeepSeek { 2500 } else { 4096 };
        let requests_in_flight_max =
            self.count(name, "requests_in_flight_max", raw.requests_in_flight_max, in_flight_default);
        let idle_connections_max = self.count(name, "idle_connections_max", raw.idle_connections_max, 1024);
        let http = self.http_version(name, raw.http.as_deref());
        let roots = self.tls_roots(&format!("providers.{name}"), raw.tls_roots.as_deref(), raw.ca_file.as_deref());
        let retry = self.retry(name, raw.retry.as_ref());
        let breaker = self.breaker(name, raw.breaker.as_ref());
        let policy = self.policy(name, raw);
        Some(ProviderConfig {
            name: name.to_owned(),
            kind: raw.kind,
            base_url: base_url?,
            keys: keys?,
            key_use: raw.key_use,
            timeouts: timeouts?,
            requests_in_flight_max: requests_in_flight_max?,
            idle_connections_max: idle_connections_max?,
            http: http?,
            roots: roots?,
            retry: retry?,
            breaker: breaker?,
            policy: policy?,
        })
    }

    fn base_url(&mut self, name: &str, text: &str) -> Option<Uri> {
        self.plain_address(&format!("providers.{name}.base_url"), text, "https://api.openai.com/v1")
    }

    /// An address of a server, such as `example`, without a slash at its end.
    pub(super) fn plain_address(&mut self, key: &str, text: &str, example: &str) -> Option<Uri> {
        let uri = text.trim_end_matches('/').parse::<Uri>().ok().filter(is_plain);
        // An address with a fragment is cut there when it is parsed, so the text itself is looked at too.
        match uri.filter(|_| !text.contains('#')) {
            Some(uri) => Some(uri),
            // Without the value: a slip may have put a key or a password into it.
            None => self.problem(format!(
                "{key} is no plain address: expected one such as {example}, without user, query and fragment"
            )),
        }
    }

    /// All keys, in the order of the text. Only a compatible server may do without one.
    fn provider_keys(&mut self, name: &str, raw: &RawProvider) -> Option<Vec<HeaderValue>> {
        let mut keys = Vec::new();
        let mut named = 0;
        let variables = raw.api_key_env.iter().map(|one| ("api_key_env", one));
        for (key, variable) in variables.chain(raw.api_keys_env.iter().map(|one| ("api_keys_env", one))) {
            named += 1;
            keys.extend(self.bearers(&format!("providers.{name}.{key}"), Some(variable), None));
        }
        let files = raw.api_key_file.iter().map(|one| ("api_key_file", one));
        for (key, file) in files.chain(raw.api_key_files.iter().map(|one| ("api_key_files", one))) {
            named += 1;
            keys.extend(self.bearers(&format!("providers.{name}.{key}"), None, Some(file)));
        }
        if named == 0 && raw.kind != Provider::Compatible {
            return self.problem(format!(
                "providers.{name}.api_key_env is missing: name an environment variable that holds the key"
            ));
        }
        for (place, key) in keys.iter().enumerate() {
            if keys.iter().take(place).any(|other| other == key) {
                return self.problem(format!("providers.{name} has the same key twice: name each once"));
            }
        }
        Some(keys)
    }

    fn timeouts(&mut self, name: &str, raw: &RawProvider) -> Option<Timeouts> {
        let mut time = |key: &str, text: &Option<String>, default| {
            self.duration(&format!("providers.{name}.{key}"), text.as_deref(), default)
        };
        let connect = time("connect_timeout", &raw.connect_timeout, 5);
        let headers = time("headers_timeout", &raw.headers_timeout, 120);
        let first_token = time("first_token_timeout", &raw.first_token_timeout, 300);
        let idle = time("idle_timeout", &raw.idle_timeout, 120);
        let total = time("total_timeout", &raw.total_timeout, 600);
        Some(Timeouts { connect: connect?, headers: headers?, first_token: first_token?, idle: idle?, total: total? })
    }

    fn count(&mut self, name: &str, key: &str, value: Option<usize>, default: usize) -> Option<usize> {
        match value.unwrap_or(default) {
            value if (1..=LIMIT_MAX).contains(&value) => Some(value),
            value => self.problem(format!("providers.{name}.{key} is {value}: expected 1 to {LIMIT_MAX}")),
        }
    }
}

/// An address of a server and nothing more.
fn is_plain(uri: &Uri) -> bool {
    let plain = |authority: &http::uri::Authority| !authority.as_str().contains('@') && !authority.host().is_empty();
    matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some_and(plain) && uri.query().is_none()
}

#[cfg(test)]
mod tests;
