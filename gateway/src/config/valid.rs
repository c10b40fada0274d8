//! The configuration after checking: every value usable as it stands.

use super::check::Checker;
use super::consumers::{Consumers, RawConsumer};
use super::keys::{Keys, RawKeys};
use super::live_guard::RawAudit;
use super::migrations::{Migration, RawMigration};
use super::ordered::Ordered;
use super::prices::{Prices, RawPrices};
use super::providers::{ProviderConfig, RawProvider};
use super::quotas::{QuotaConfig, RawHigress, RawRule, RawStore};
use super::records::{RawRecords, Records};
use super::redis::{RawRedis, Redis};
use super::safety::{RawSafety, Safety};
use super::server::{AnswerModel, Authenticate, Limits, RawAdmin, RawServer};
use super::shadow::{RawShadow, Shadow};
use super::telemetry::{MetricViews, RawMetrics};
use super::trace::{RawTraces, Traces};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The configuration as text: every key, nothing checked but its type.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    #[serde(default)]
    server: RawServer,
    #[serde(default)]
    admin: RawAdmin,
    providers: BTreeMap<String, RawProvider>,
    migrations: Ordered<RawMigration>,
    #[serde(default)]
    consumers: BTreeMap<String, RawConsumer>,
    #[serde(default)]
    keys: RawKeys,
    #[serde(default)]
    shadow: RawShadow,
    records: Option<RawRecords>,
    #[serde(default)]
    safety: RawSafety,
    redis: Option<RawRedis>,
    #[serde(default)]
    prices: RawPrices,
    #[serde(default)]
    quotas: Vec<RawRule>,
    quota_store: Option<RawStore>,
    quotas_higress: Option<RawHigress>,
    #[serde(default)]
    metrics: RawMetrics,
    traces: Option<RawTraces>,
    #[serde(default)]
    audit: RawAudit,
}

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Data plane address.
    pub listen: SocketAddr,
    /// Admin plane address.
    pub admin_listen: SocketAddr,
    /// `Bearer TOKEN` of the admin plane, sensitive.
    pub admin_token: HeaderValue,
    /// What `Authorization` has to be where only reading is allowed; any of them. Sensitive.
    pub read_tokens: Vec<HeaderValue>,
    /// Header by which clients name their conversation.
    pub conversation_header: HeaderName,
    /// Answers carry `x-weighbridge-arm`.
    pub reveal_arm: bool,
    /// Whether clients have to show a key.
    pub authenticate: Authenticate,
    /// Which model's name answers carry.
    pub answer_model: AnswerModel,
    /// Comments of a provider's stream (its queue's signs of life) pass on to the client.
    pub keep_alive_comments: bool,
    /// Bounds.
    pub limits: Limits,
    /// Bounds of the mirror.
    pub shadow: Shadow,
    /// All migrations, in the order in which they are asked.
    pub migrations: Vec<Migration>,
    /// All providers, by name.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// Name of the provider of requests that belong to no migration.
    pub default_provider: String,
    /// Who may call.
    pub consumers: Consumers,
    /// Where keys come from and where they are kept.
    pub keys: Keys,
    /// Our own proxies, whose `x-forwarded-for` is believed.
    pub trusted_proxies: Vec<lease::keys::Network>,
    /// What is valid but surely not meant, one sentence each.
    pub warnings: Vec<String>,
    /// Where evidence goes; `None` keeps none.
    pub records: Option<Records>,
    /// Who judges texts, and what is done about it.
    pub safety: Safety,
    /// Where replicas share their state; `None` for a gateway that is alone.
    pub redis: Option<Redis>,
    /// What tokens cost.
    pub prices: Prices,
    /// What consumers may use.
    pub quotas: QuotaConfig,
    /// Under which names metrics are shown.
    pub metrics: MetricViews,
    /// Where spans go; `None` makes none.
    pub traces: Option<Traces>,
    /// The log that changes of weights are written to.
    pub audit: Option<PathBuf>,
    /// SHA-256 of the configuration's text.
    pub digest: String,
}

pub(super) fn check(raw: Raw, text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config, Vec<String>> {
    let mut checker = Checker { problems: Vec::new(), warnings: Vec::new(), environment };
    let config = checker.config(raw, text);
    match config {
        Some(config) if checker.problems.is_empty() => Ok(Config { warnings: checker.warnings, ..config }),
        _ => Err(checker.problems),
    }
}

impl Checker<'_> {
    fn config(&mut self, raw: Raw, text: &str) -> Option<Config> {
        let server = raw.server;
        let listen = self.address("server.listen", server.listen.as_deref().unwrap_or("127.0.0.1:8080"));
        let authenticate = server.authenticate.unwrap_or_default();
        let open = listen.is_some_and(|listen| !listen.ip().is_loopback()) && authenticate == Authenticate::Off;
        if open && server.allow_open_listener != Some(true) {
            self.problems.push(
                "server.listen is not a loopback address and clients are not authenticated, so anyone who reaches it \
                 spends your provider keys: set server.authenticate = \"keys\", or put it behind something that \
                 authenticates and set server.allow_open_listener = true"
                    .to_owned(),
            );
        }
        let admin_listen = self.address("admin.listen", raw.admin.listen.as_deref().unwrap_or("127.0.0.1:8081"));
        let admin_token =
            self.bearer("admin.token_env", raw.admin.token_env.as_deref().or(Some("WEIGHBRIDGE_ADMIN_TOKEN")), None);
        let read_tokens = self.read_tokens(&raw.admin, admin_token.as_ref());
        let limits = self.limits(&server);
        let shadow = self.shadow(&raw.shadow);
        let header = server.conversation_header.as_deref().unwrap_or("x-weighbridge-conversation");
        let conversation_header = match header.parse() {
            Ok(name) => Some(name),
            Err(_) => self.problem(format!("server.conversation_header is `{header}`: expected a header name")),
        };
        let providers: BTreeMap<String, Option<ProviderConfig>> =
            raw.providers.iter().map(|(name, provider)| (name.clone(), self.provider(name, provider))).collect();
        let mut consumers = self.consumers(raw.consumers);
        let keys = self.keys(raw.keys);
        consumers.open = keys.file.is_some() || raw.redis.is_some();
        let trusted_proxies = self.trusted_proxies(server.trusted_proxies.as_deref());
        let migrations = self.migrations(raw.migrations, &providers, &consumers);
        let default_provider =
            migrations.as_ref().and_then(|all| self.default_provider(server.default_provider, all, &providers));
        if authenticate == Authenticate::Keys && consumers.is_empty() {
            self.problems.push(
                "server.authenticate is `keys`, but no consumer has one: nobody could call; add [consumers.NAME], or set \
                 keys.file"
                    .to_owned(),
            );
        }
        let safety = self.safety(&raw.safety);
        if let (Some(safety), Some(migrations)) = (&safety, &migrations) {
            self.migration_policies(migrations, safety);
        }
        let records = match raw.records {
            Some(records) => Some(self.records(records)?),
            None => None,
        };
        let is_alone = raw.redis.is_none();
        let redis = match raw.redis {
            Some(redis) => Some(self.redis(redis)?),
            None => None,
        };
        let quotas = self.quotas(raw.quotas, raw.quota_store.as_ref(), raw.quotas_higress, &consumers, is_alone);
        let prices = self.prices(&raw.prices);
        let traces = match raw.traces {
            Some(traces) => Some(self.traces(traces, &providers)?),
            None => None,
        };
        let migrations = migrations?;
        let providers: BTreeMap<String, ProviderConfig> =
            providers.into_iter().map(|(name, provider)| Some((name, provider?))).collect::<Option<_>>()?;
        Some(Config {
            listen: listen?,
            admin_listen: admin_listen?,
            admin_token: admin_token?,
            read_tokens,
            conversation_header: conversation_header?,
            reveal_arm: server.reveal_arm.unwrap_or(true),
            authenticate,
            answer_model: server.answer_model.unwrap_or_default(),
            keep_alive_comments: server.keep_alive_comments.unwrap_or(true),
            limits: limits?,
            shadow: shadow?,
            migrations,
            providers,
            default_provider: default_provider?,
            consumers,
            keys,
            trusted_proxies,
            warnings: Vec::new(),
            records,
            safety: safety?,
            redis,
            prices: prices?,
            quotas: quotas?,
            metrics: raw.metrics.views(),
            traces,
            audit: raw.audit.path(),
            digest: datasets::digest::of_bytes(text.as_bytes()),
        })
    }
}

impl Config {
    /// Keys that differ from `other` and are read only at the start.
    #[must_use]
    pub fn needs_restart(&self, other: &Self) -> Vec<&'static str> {
        let limits = (&self.limits, &other.limits);
        [
            ("server.listen", self.listen != other.listen),
            ("admin.listen", self.admin_listen != other.admin_listen),
            ("admin.token_env", self.admin_token != other.admin_token),
            ("server.requests_in_flight_max", limits.0.requests_in_flight != limits.1.requests_in_flight),
            ("server.connections_max", limits.0.connections != limits.1.connections),
            ("server.reasoning_bytes_max", limits.0.reasoning_bytes != limits.1.reasoning_bytes),
            ("keys.file", self.keys.file != other.keys.file),
            ("[shadow]", self.shadow != other.shadow),
            ("[quota_store]", self.quotas.store != other.quotas.store),
            ("[records]", self.records != other.records),
            ("[redis]", self.redis != other.redis),
            ("[traces]", self.traces != other.traces),
            ("[audit]", self.audit != other.audit),
        ]
        .into_iter()
        .filter_map(|(key, differs)| differs.then_some(key))
        .collect()
    }
}
