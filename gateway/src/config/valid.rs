//! The configuration after checking: every value usable as it stands.

use super::raw;
use crate::routing::WeightBp;
use datasets::Redaction;
use http::{HeaderName, HeaderValue};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use wire::provider::Provider;

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Data plane address.
    pub listen: SocketAddr,
    /// Admin plane address.
    pub admin_listen: SocketAddr,
    /// `Bearer TOKEN` of the admin plane, sensitive.
    pub admin_token: HeaderValue,
    /// Header by which clients name their conversation.
    pub conversation_header: HeaderName,
    /// Answers carry `x-weighbridge-arm`.
    pub reveal_arm: bool,
    /// Bounds.
    pub limits: Limits,
    /// The migration.
    pub migration: Migration,
    /// The baseline's provider.
    pub baseline: ProviderConfig,
    /// The candidate's provider.
    pub candidate: ProviderConfig,
    /// Where evidence goes; `None` keeps none.
    pub records: Option<Records>,
    /// SHA-256 of the configuration's text.
    pub digest: String,
}

/// Every bound of the data plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests served at once; one more gets 503 with `retry-after`.
    pub requests_in_flight: usize,
    /// Bytes of one request body; more gets 413.
    pub request_bytes: usize,
    /// After a stop signal, how long open answers may go on.
    pub drain: Duration,
    /// Mirror workers, so copies under way at once.
    pub shadow_workers: usize,
    /// Copies that wait; one more is dropped and counted.
    pub shadow_queue_jobs: usize,
    /// Bytes of the copies that wait; beyond it a copy is dropped and counted.
    pub shadow_queue_bytes: usize,
}

/// What moves from where to where.
#[derive(Debug, Clone)]
pub struct Migration {
    /// Its name.
    pub name: String,
    /// Candidate weight at start.
    pub weight: WeightBp,
    /// Share that is mirrored.
    pub shadow: WeightBp,
    /// Salt of the coin.
    pub salt: String,
    /// Baseline model to candidate model; a model that is not here stays on the baseline.
    pub models: BTreeMap<String, String>,
}

/// One provider.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Which adapter.
    pub kind: Provider,
    /// Address of chat completions.
    pub chat_url: reqwest::Url,
    /// `Bearer KEY`, sensitive.
    pub authorization: HeaderValue,
    /// To an open connection.
    pub connect_timeout: Duration,
    /// From sending to the answer's headers.
    pub first_byte_timeout: Duration,
    /// Between two pieces of the answer.
    pub idle_timeout: Duration,
    /// From sending to the last byte.
    pub total_timeout: Duration,
}

/// Where evidence goes.
#[derive(Debug, Clone)]
pub struct Records {
    /// File.
    pub path: PathBuf,
    /// How content is kept.
    pub redaction: Redaction,
    /// Salt of content digests.
    pub salt: String,
    /// Records that wait for the disk.
    pub queue_lines_max: usize,
    /// Bytes of an answer that are kept for judging its form (and recorded under `full`).
    pub answer_bytes_max: usize,
}

/// Largest value of any limit: what a semaphore and a queue can hold on every platform.
const LIMIT_MAX: usize = 1 << 29;

/// Collects problems, so that all are reported at once.
struct Checker<'a> {
    problems: Vec<String>,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

pub(super) fn check(
    raw: raw::Raw,
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Vec<String>> {
    let mut checker = Checker { problems: Vec::new(), environment };
    let config = checker.config(raw, text);
    match config {
        Some(config) if checker.problems.is_empty() => Ok(config),
        _ => Err(checker.problems),
    }
}

impl Checker<'_> {
    fn problem<T>(&mut self, text: String) -> Option<T> {
        self.problems.push(text);
        None
    }

    fn config(&mut self, raw: raw::Raw, text: &str) -> Option<Config> {
        let server = raw.server;
        let listen = self.address("server.listen", server.listen.as_deref().unwrap_or("127.0.0.1:8080"));
        if listen.is_some_and(|listen| !listen.ip().is_loopback()) && server.allow_open_listener != Some(true) {
            self.problems.push(
                "server.listen is not a loopback address: clients are not authenticated yet, so anyone who reaches it \
                 spends your provider keys; put it behind something that authenticates and set \
                 server.allow_open_listener = true"
                    .to_owned(),
            );
        }
        let admin_listen = self.address("admin.listen", raw.admin.listen.as_deref().unwrap_or("127.0.0.1:8081"));
        let admin_token =
            self.bearer("admin.token_env", raw.admin.token_env.as_deref().or(Some("WEIGHBRIDGE_ADMIN_TOKEN")), None);
        let limits = self.limits(&raw.shadow, &server);
        let header = server.conversation_header.as_deref().unwrap_or("x-weighbridge-conversation");
        let conversation_header = match header.parse() {
            Ok(name) => Some(name),
            Err(_) => self.problem(format!("server.conversation_header is `{header}`: expected a header name")),
        };
        let providers: BTreeMap<String, Option<ProviderConfig>> =
            raw.providers.iter().map(|(name, provider)| (name.clone(), self.provider(name, provider))).collect();
        let migration = self.one_migration(raw.migrations, &providers);
        let records = match raw.records {
            Some(records) => Some(self.records(records)?),
            None => None,
        };
        let (migration, baseline, candidate) = migration?;
        Some(Config {
            listen: listen?,
            admin_listen: admin_listen?,
            admin_token: admin_token?,
            conversation_header: conversation_header?,
            reveal_arm: server.reveal_arm.unwrap_or(true),
            limits: limits?,
            migration,
            baseline,
            candidate,
            records,
            digest: datasets::digest::of_bytes(text.as_bytes()),
        })
    }

    fn limits(&mut self, shadow: &raw::Shadow, server: &raw::Server) -> Option<Limits> {
        let limits = Limits {
            requests_in_flight: server.requests_in_flight_max.unwrap_or(4096),
            request_bytes: server.request_bytes_max.unwrap_or(50 * 1024 * 1024),
            drain: self.duration("server.drain_timeout", server.drain_timeout.as_deref(), 30)?,
            shadow_workers: shadow.workers.unwrap_or(256),
            shadow_queue_jobs: shadow.queue_jobs_max.unwrap_or(4096),
            shadow_queue_bytes: shadow.queue_bytes_max.unwrap_or(64 * 1024 * 1024),
        };
        for (key, value) in [
            ("server.requests_in_flight_max", limits.requests_in_flight),
            ("server.request_bytes_max", limits.request_bytes),
            ("shadow.workers", limits.shadow_workers),
            ("shadow.queue_jobs_max", limits.shadow_queue_jobs),
            ("shadow.queue_bytes_max", limits.shadow_queue_bytes),
        ] {
            if !(1..=LIMIT_MAX).contains(&value) {
                self.problems.push(format!("{key} is {value}: expected 1 to {LIMIT_MAX}"));
            }
        }
        Some(limits)
    }

    fn one_migration(
        &mut self,
        migrations: BTreeMap<String, raw::Migration>,
        providers: &BTreeMap<String, Option<ProviderConfig>>,
    ) -> Option<(Migration, ProviderConfig, ProviderConfig)> {
        if migrations.len() != 1 {
            let found = migrations.len();
            return self.problem(format!("migrations has {found} entries: this version runs exactly one"));
        }
        let (name, raw) = migrations.into_iter().next()?;
        let weight = self.weight(&format!("migrations.{name}.weight_percent"), raw.weight_percent);
        let shadow = self.weight(&format!("migrations.{name}.shadow_percent"), raw.shadow_percent);
        let baseline = self.arm(&name, "baseline", &raw.baseline, providers);
        let candidate = self.arm(&name, "candidate", &raw.candidate, providers);
        if raw.models.is_empty() {
            self.problems.push(format!(
                "migrations.{name}.models is empty: no request could ever reach the candidate; add lines such as \
                 \"gpt-4o-mini\" = \"deepseek-flash\""
            ));
        }
        let migration = Migration {
            weight: weight?,
            shadow: shadow?,
            salt: raw.salt.unwrap_or_else(|| name.clone()),
            models: raw.models,
            name,
        };
        Some((migration, baseline?, candidate?))
    }

    fn arm(
        &mut self,
        migration: &str,
        arm: &str,
        name: &str,
        providers: &BTreeMap<String, Option<ProviderConfig>>,
    ) -> Option<ProviderConfig> {
        match providers.get(name) {
            Some(provider) => provider.clone(),
            None => {
                let known = providers.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                self.problem(format!(
                    "migrations.{migration}.{arm} is `{name}`: expected one of the providers: {known}"
                ))
            }
        }
    }

    fn provider(&mut self, name: &str, raw: &raw::Provider) -> Option<ProviderConfig> {
        let kind = raw.kind;
        let url = format!("{}{}", raw.base_url.trim_end_matches('/'), kind.adapter().chat_path());
        let chat_url = match reqwest::Url::parse(&url) {
            Ok(url) if is_plain(&url) => Some(url),
            // Without the value: a slip may have put a key or a password into it.
            _ => self.problem(format!(
                "providers.{name}.base_url is no plain address: expected one such as https://api.openai.com/v1, without \
                 user, query and fragment"
            )),
        };
        let authorization = self.bearer(
            &format!("providers.{name}.api_key_env"),
            raw.api_key_env.as_deref(),
            raw.api_key_file.as_ref(),
        );
        let mut time = |key: &str, text: &Option<String>, default| {
            self.duration(&format!("providers.{name}.{key}"), text.as_deref(), default)
        };
        let connect_timeout = time("connect_timeout", &raw.connect_timeout, 5);
        let first_byte_timeout = time("first_byte_timeout", &raw.first_byte_timeout, 120);
        let idle_timeout = time("idle_timeout", &raw.idle_timeout, 120);
        let total_timeout = time("total_timeout", &raw.total_timeout, 600);
        Some(ProviderConfig {
            kind,
            chat_url: chat_url?,
            authorization: authorization?,
            connect_timeout: connect_timeout?,
            first_byte_timeout: first_byte_timeout?,
            idle_timeout: idle_timeout?,
            total_timeout: total_timeout?,
        })
    }

    fn records(&mut self, raw: raw::Records) -> Option<Records> {
        let records = Records {
            path: raw.path,
            redaction: raw.redaction.unwrap_or_default(),
            salt: raw.salt.unwrap_or_else(|| "weighbridge".to_owned()),
            queue_lines_max: raw.queue_lines_max.unwrap_or(16_384),
            answer_bytes_max: raw.answer_bytes_max.unwrap_or(256 * 1024),
        };
        if !(1..=LIMIT_MAX).contains(&records.queue_lines_max) {
            let value = records.queue_lines_max;
            return self.problem(format!("records.queue_lines_max is {value}: expected 1 to {LIMIT_MAX}"));
        }
        Some(records)
    }

    fn address(&mut self, key: &str, text: &str) -> Option<SocketAddr> {
        match text.parse() {
            Ok(address) => Some(address),
            Err(_) => self.problem(format!("{key} is `{text}`: expected an address and port such as 127.0.0.1:8080")),
        }
    }

    fn weight(&mut self, key: &str, percent: f64) -> Option<WeightBp> {
        match WeightBp::from_percent(percent) {
            Ok(weight) => Some(weight),
            Err(message) => self.problem(format!("{key}: {message}")),
        }
    }

    fn duration(&mut self, key: &str, text: Option<&str>, default_seconds: u64) -> Option<Duration> {
        let Some(text) = text else { return Some(Duration::from_secs(default_seconds)) };
        let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
        match parsed.filter(|span| !span.is_zero()) {
            Some(span) => Some(span),
            None => self.problem(format!("{key} is `{text}`: expected a time with its unit, such as 30s or 500ms")),
        }
    }

    /// A secret as the header value it is sent in; marked sensitive, so it never shows in debug output.
    fn bearer(&mut self, key: &str, variable: Option<&str>, file: Option<&PathBuf>) -> Option<HeaderValue> {
        let secret = match (variable, file) {
            (Some(variable), _) if !is_variable_name(variable) => {
                // Not repeated: it may be the secret itself.
                return self.problem(format!("{key} is no name of a variable: name the variable that holds the key"));
            }
            (Some(variable), _) => match (self.environment)(variable) {
                Some(secret) => secret,
                None => {
                    return self.problem(format!("{key} names the variable {variable}, which is not set: export it"));
                }
            },
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Ok(secret) => secret,
                Err(error) => return self.problem(format!("{key}: cannot read {}: {error}", path.display())),
            },
            (None, None) => {
                return self.problem(format!("{key} is missing: name an environment variable that holds the key"));
            }
        };
        match HeaderValue::from_str(&format!("Bearer {}", secret.trim())) {
            Ok(mut value) if !secret.trim().is_empty() => {
                value.set_sensitive(true);
                Some(value)
            }
            _ => self.problem(format!("{key}: the secret is empty or has characters that no header may carry")),
        }
    }
}

fn is_variable_name(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// An address of a server and nothing more.
fn is_plain(url: &reqwest::Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}
