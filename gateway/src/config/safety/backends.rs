//! `[safety.backends.NAME]`: one who judges texts, how it is reached, and how much is asked of it.
//!
//! All kinds share one table in which every key stands once; a key that the kind has no use for is a mistake and is said to
//! be one, because whoever wrote it expects something of it.

mod fitting;
mod inline;
mod remote;
mod secrets;

pub use inline::Compiled;

use crate::config::check::{Checker, LIMIT_MAX};
use crate::config::transport::TlsRoots;
use guard::remote::{Action, Backend, Dialect};
use guard::{Level, Personal};
use http::Uri;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Verdicts kept in memory unless it is said otherwise.
const CACHE_BYTES: usize = 8 << 20;
/// Longest name of a back end: it is a label of metrics.
const NAME_BYTES_MAX: usize = 64;

/// Who judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[serde(rename = "openai")]
    OpenAi,
    Aliyun,
    Azure,
    GuardModel,
    Lists,
    Personal,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBackend {
    kind: Kind,
    timeout: Option<String>,
    calls_in_flight_max: Option<usize>,
    cache_bytes_max: Option<usize>,
    cache_for: Option<String>,
    piece_characters_max: Option<usize>,
    base_url: Option<String>,
    tls_roots: Option<String>,
    ca_file: Option<PathBuf>,
    api_key_env: Option<String>,
    api_key_file: Option<PathBuf>,
    model: Option<String>,
    thresholds: Option<BTreeMap<String, [f64; 3]>>,
    region: Option<String>,
    action: Option<RawAction>,
    access_key_id_env: Option<String>,
    access_key_id_file: Option<PathBuf>,
    access_key_secret_env: Option<String>,
    access_key_secret_file: Option<PathBuf>,
    security_token_env: Option<String>,
    security_token_file: Option<PathBuf>,
    request_service: Option<String>,
    response_service: Option<String>,
    api_version: Option<String>,
    check: Option<RawCheck>,
    categories: Option<Vec<String>>,
    blocklists: Option<Vec<String>>,
    halt_on_blocklist_hit: Option<bool>,
    severities: Option<Severities>,
    dialect: Option<RawDialect>,
    controversial: Option<Level>,
    lists: Option<Vec<String>>,
    files: Option<Vec<PathBuf>>,
    credentials: Option<bool>,
    persons: Option<bool>,
}

/// The names of the API itself, so that they can be copied from there.
#[derive(Debug, Clone, Copy, Deserialize)]
enum RawAction {
    TextModerationPlus,
    MultiModalGuard,
}

impl From<RawAction> for Action {
    fn from(raw: RawAction) -> Self {
        match raw {
            RawAction::TextModerationPlus => Self::TextModerationPlus,
            RawAction::MultiModalGuard => Self::MultiModalGuard,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawCheck {
    Content,
    Attacks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Severities {
    Four,
    Eight,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum RawDialect {
    #[serde(rename = "llama_guard")]
    LlamaGuard,
    #[serde(rename = "qwen3_guard")]
    Qwen3Guard,
}

impl From<RawDialect> for Dialect {
    fn from(raw: RawDialect) -> Self {
        match raw {
            RawDialect::LlamaGuard => Self::LlamaGuard,
            RawDialect::Qwen3Guard => Self::Qwen3Guard,
        }
    }
}

/// One who judges texts. Equal ones go on with their connections and their memory when the configuration is read again.
#[derive(Debug, Clone, PartialEq)]
pub struct BackendConfig {
    /// Name of its section.
    pub name: String,
    /// Who it is.
    pub judge: Judge,
    /// How long one check may take, all of a text's pieces and every wait included.
    pub timeout: Duration,
    /// Calls under way at once; whoever comes later waits, but not beyond `timeout`.
    pub calls_in_flight_max: usize,
    /// Bytes of verdicts kept for texts that come again; 0 keeps none.
    pub cache_bytes_max: usize,
    /// How long a verdict counts for the same text.
    pub cache_for: Duration,
}

/// Who judges.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one for each section of a file")]
pub enum Judge {
    /// A service.
    Remote {
        /// What it is asked.
        backend: Backend,
        /// Scheme, host and port.
        address: Uri,
        /// Whose certificates are believed.
        roots: TlsRoots,
    },
    /// Words and patterns.
    Lists(Compiled),
    /// Forms of personal data and secrets.
    Personal(Personal),
}

impl Checker<'_> {
    pub(super) fn safety_backend(&mut self, name: &str, raw: &RawBackend) -> Option<BackendConfig> {
        let at = format!("safety.backends.{name}");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(plain) {
            self.problems.push(format!(
                "{at}: expected a name of letters, digits, `.`, `_` and `-`, at most {NAME_BYTES_MAX} long"
            ));
        }
        self.fitting_keys(&at, raw);
        let judge = match raw.kind {
            Kind::OpenAi => self.openai(&at, raw),
            Kind::Aliyun => self.aliyun(&at, raw),
            Kind::Azure => self.azure(&at, raw),
            Kind::GuardModel => self.guard_model(&at, raw),
            Kind::Lists => self.lists(&at, raw),
            Kind::Personal => Some(personal(raw)),
        };
        let timeout = self.duration(&format!("{at}.timeout"), raw.timeout.as_deref(), 2);
        let cache_for = self.duration(&format!("{at}.cache_for"), raw.cache_for.as_deref(), 600);
        let calls_in_flight_max = match raw.calls_in_flight_max.unwrap_or(64) {
            calls if (1..=LIMIT_MAX).contains(&calls) => Some(calls),
            calls => self.problem(format!("{at}.calls_in_flight_max is {calls}: expected 1 to {LIMIT_MAX}")),
        };
        Some(BackendConfig {
            name: name.to_owned(),
            judge: judge?,
            timeout: timeout?,
            calls_in_flight_max: calls_in_flight_max?,
            cache_bytes_max: raw.cache_bytes_max.unwrap_or(CACHE_BYTES),
            cache_for: cache_for?,
        })
    }
}

fn personal(raw: &RawBackend) -> Judge {
    let all = Personal::default();
    Judge::Personal(Personal {
        credentials: raw.credentials.unwrap_or(all.credentials),
        persons: raw.persons.unwrap_or(all.persons),
    })
}

#[cfg(test)]
mod tests;
