//! `[redis]`: where several replicas share one weight, one ledger and one set of keys.
//!
//! What happens while Redis is away is chosen for each function by itself: money and routing do not fail alike.

use super::check::{Checker, LIMIT_MAX};
use super::transport::own_roots;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use serde::Deserialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest prefix of keys, longest name of a replica.
const NAME_BYTES_MAX: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRedis {
    url: Option<String>,
    url_env: Option<String>,
    ca_file: Option<PathBuf>,
    prefix: Option<String>,
    name: Option<String>,
    timeout: Option<String>,
    poll_interval: Option<String>,
    calls_in_flight_max: Option<usize>,
    lost_after: Option<String>,
    #[serde(default)]
    on_loss: OnLoss,
}

/// What each function does while Redis is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OnLoss {
    /// Quotas.
    pub quotas: QuotasOnLoss,
    /// Weights.
    pub weights: WeightsOnLoss,
    /// Keys.
    pub keys: KeysOnLoss,
}

/// Quotas without their ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotasOnLoss {
    /// A request that needs the ledger is refused: nobody spends what nobody counts.
    #[default]
    Refuse,
    /// Each replica counts for itself, from nothing: together they may let through as many times the limit as there are
    /// replicas.
    Local,
}

/// Weights without their home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightsOnLoss {
    /// The last known weight stays in force.
    #[default]
    LastKnown,
    /// After `lost_after`, the baseline serves everything until Redis is back: a rollback could not be heard.
    Baseline,
}

/// Keys without their home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeysOnLoss {
    /// The last known keys stay good.
    #[default]
    LastKnown,
    /// After `lost_after`, no key is good until Redis is back: a revocation could not be heard.
    Refuse,
}

/// Where Redis is; its text may hold a password and is never shown.
#[derive(Clone)]
pub struct RedisUrl {
    text: String,
    info: ConnectionInfo,
}

impl RedisUrl {
    /// Address, password and database.
    #[must_use]
    pub const fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self.info.addr(), ConnectionAddr::TcpTls { .. })
    }
}

impl PartialEq for RedisUrl {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for RedisUrl {}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RedisUrl").field("address", &self.info.addr().to_string()).finish_non_exhaustive()
    }
}

/// How Redis is reached and what depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redis {
    /// Where it is.
    pub url: RedisUrl,
    /// PEM of the authorities that are believed instead of the system's, where the address says TLS.
    pub authorities: Option<Vec<u8>>,
    /// Stands before every key and names the channel: replicas with the same prefix are one gateway.
    pub prefix: String,
    /// This replica's name in the audit; without one it is made of host and port.
    pub name: Option<String>,
    /// The host's name as the environment tells it.
    pub host: String,
    /// How long any call may take.
    pub timeout: Duration,
    /// How often shared state is read even if no message says that it changed.
    pub poll_interval: Duration,
    /// Calls under way at once; one more fails as if Redis were away.
    pub calls_in_flight_max: usize,
    /// How long Redis has to be away before weights and keys act on it.
    pub lost_after: Duration,
    /// What happens then.
    pub on_loss: OnLoss,
}

impl Checker<'_> {
    pub(super) fn redis(&mut self, raw: RawRedis) -> Option<Redis> {
        let url = self.redis_url(raw.url, raw.url_env.as_deref());
        let authorities = match &raw.ca_file {
            Some(path) => Some(self.redis_authorities(path, url.as_ref())?),
            None => None,
        };
        let prefix = self.redis_name("redis.prefix", raw.prefix.as_deref().unwrap_or("weighbridge:"));
        let name = match &raw.name {
            Some(name) => Some(self.redis_name("redis.name", name)?),
            None => None,
        };
        let timeout = self.milliseconds("redis.timeout", raw.timeout.as_deref(), 250);
        let poll_interval = self.milliseconds("redis.poll_interval", raw.poll_interval.as_deref(), 300);
        let lost_after = self.milliseconds("redis.lost_after", raw.lost_after.as_deref(), 3000);
        let calls_in_flight_max = raw.calls_in_flight_max.unwrap_or(1024);
        if !(1..=LIMIT_MAX).contains(&calls_in_flight_max) {
            self.problems
                .push(format!("redis.calls_in_flight_max is {calls_in_flight_max}: expected 1 to {LIMIT_MAX}"));
        }
        let host = (self.environment)("HOSTNAME").filter(|host| is_plain(host)).unwrap_or_else(|| "replica".to_owned());
        Some(Redis {
            url: url?,
            authorities,
            prefix: prefix?,
            name,
            host,
            timeout: timeout?,
            poll_interval: poll_interval?,
            calls_in_flight_max,
            lost_after: lost_after?,
            on_loss: raw.on_loss,
        })
    }

    /// The address. No sentence repeats it: it may hold a password.
    fn redis_url(&mut self, url: Option<String>, variable: Option<&str>) -> Option<RedisUrl> {
        let (key, text) = match (url, variable) {
            (Some(_), Some(_)) => {
                return self.problem("redis.url and redis.url_env both stand there: keep one".to_owned());
            }
            (None, None) => {
                return self.problem(
                    "redis.url is missing: give an address such as redis://127.0.0.1:6379, or name a variable with url_env"
                        .to_owned(),
                );
            }
            (Some(text), None) => ("redis.url", text),
            (None, Some(variable)) => ("redis.url_env", self.secret("redis.url_env", variable)?),
        };
        let Ok(info) = text.as_str().into_connection_info() else {
            return self.problem(format!(
                "{key} is no address of a Redis server: expected redis://HOST:PORT, rediss://HOST:PORT for TLS, or \
                 redis+unix:///PATH, with USER:PASSWORD@ before the host where one is needed"
            ));
        };
        let secret = info.redis_settings().password().is_some();
        if secret && key == "redis.url" {
            return self.problem(
                "redis.url holds a password: put the address into a variable and name it with redis.url_env".to_owned(),
            );
        }
        Some(RedisUrl { text, info })
    }

    fn redis_authorities(&mut self, path: &Path, url: Option<&RedisUrl>) -> Option<Vec<u8>> {
        if url.is_some_and(|url| !url.is_tls()) {
            return self.problem("redis.ca_file is of no use without TLS: begin the address with rediss://".to_owned());
        }
        match std::fs::read(path) {
            Ok(pem) if own_roots(path).is_ok() => Some(pem),
            Ok(_) => {
                self.problem(format!("redis.ca_file: {} is no PEM file of certificate authorities", path.display()))
            }
            Err(error) => self.problem(format!("redis.ca_file: cannot read {}: {error}", path.display())),
        }
    }

    fn redis_name(&mut self, key: &str, text: &str) -> Option<String> {
        if is_plain(text) {
            return Some(text.to_owned());
        }
        self.problem(format!(
            "{key} is `{text}`: expected letters, digits and `.`, `_`, `-`, `:`, `/`, at most {NAME_BYTES_MAX} long"
        ))
    }

    fn milliseconds(&mut self, key: &str, text: Option<&str>, default: u64) -> Option<Duration> {
        match text {
            None => Some(Duration::from_millis(default)),
            Some(_) => self.duration(key, text, 0),
        }
    }
}

fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:/".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> (Option<Redis>, Vec<String>) {
        let environment = |name: &str| match name {
            "URL" => Some("redis://:hunter2@10.0.0.7:6380/3".to_owned()),
            "HOSTNAME" => Some("pod-7".to_owned()),
            _ => None,
        };
        let mut checker = Checker { problems: Vec::new(), warnings: Vec::new(), environment: &environment };
        let redis = checker.redis(toml::from_str(text).unwrap());
        (redis, checker.problems)
    }

    #[test]
    fn an_address_is_enough_and_money_fails_closed() {
        let (redis, problems) = check("url = \"redis://127.0.0.1:6379\"");
        assert_eq!(problems, Vec::<String>::new());
        let redis = redis.unwrap();
        assert_eq!((redis.prefix.as_str(), redis.host.as_str(), redis.name), ("weighbridge:", "pod-7", None));
        assert_eq!((redis.timeout.as_millis(), redis.poll_interval.as_millis()), (250, 300));
        let expected =
            OnLoss { quotas: QuotasOnLoss::Refuse, weights: WeightsOnLoss::LastKnown, keys: KeysOnLoss::LastKnown };
        assert_eq!(redis.on_loss, expected);
    }

    #[test]
    fn a_password_comes_from_the_environment_and_is_never_shown() {
        let (redis, problems) = check("url_env = \"URL\"\non_loss = { quotas = \"local\", weights = \"baseline\" }");
        assert_eq!(problems, Vec::<String>::new());
        let redis = redis.unwrap();
        assert_eq!(redis.url.info().redis_settings().password(), Some("hunter2"));
        assert_eq!((redis.on_loss.quotas, redis.on_loss.weights), (QuotasOnLoss::Local, WeightsOnLoss::Baseline));
        let debug = format!("{redis:?}");
        assert!(debug.contains("10.0.0.7") && !debug.contains("hunter2"), "{debug}");
    }

    #[test]
    fn each_mistake_has_its_sentence() {
        for (text, part) in [
            ("", "redis.url is missing"),
            ("url = \"redis://h\"\nurl_env = \"URL\"", "both stand there"),
            ("url = \"redis://me:hunter2@h\"", "redis.url holds a password"),
            ("url = \"http://me:hunter2@h\"", "redis.url is no address"),
            ("url_env = \"NOT_SET\"", "redis.url_env names the variable NOT_SET"),
            ("url = \"redis://h\"\nca_file = \"a\"", "redis.ca_file is of no use without TLS"),
            ("url = \"rediss://h\"\nca_file = \"/no/such\"", "redis.ca_file: cannot read /no/such"),
            ("url = \"rediss://h\"\nca_file = \"Cargo.toml\"", "Cargo.toml is no PEM file"),
            ("url = \"redis://h\"\nprefix = \"a b\"", "redis.prefix is `a b`"),
            ("url = \"redis://h\"\nname = \"\"", "redis.name is ``"),
            ("url = \"redis://h\"\ntimeout = \"0s\"", "redis.timeout is `0s`"),
            ("url = \"redis://h\"\ncalls_in_flight_max = 0", "redis.calls_in_flight_max is 0"),
        ] {
            let (_, problems) = check(text);
            assert!(problems.len() == 1 && problems[0].contains(part), "{text}: {problems:?}");
            assert!(!problems[0].contains("hunter2"), "{problems:?}");
        }
        assert!(toml::from_str::<RawRedis>("url = \"redis://h\"\non_loss = { quotas = \"open\" }").is_err());
    }
}
