//! `retry` and `breaker` of a provider: what is tried again, and when the provider is left alone.

use super::check::Checker;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::time::Duration;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRetry {
    attempts_max: Option<u32>,
    budget_percent: Option<f64>,
    wait_max: Option<String>,
    after_timeout: Option<bool>,
}

/// What is tried again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryConfig {
    /// Tries of one request, the first included; 1 tries nothing again.
    pub attempts_max: u32,
    /// Retries per hundred requests, at most.
    pub budget_percent: f64,
    /// Longest wait before a try. A provider that asks for a longer one is not tried again.
    pub wait_max: Duration,
    /// Whether a request that was sent and not answered in time is tried again: it may be billed twice.
    pub after_timeout: bool,
}

/// `breaker = { ... }`, `breaker = false` or `breaker = "off"`.
#[derive(Debug)]
pub(super) enum RawBreaker {
    Table(RawBreakerTable),
    Switch(bool),
    Word(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBreakerTable {
    window: Option<String>,
    minimum: Option<u32>,
    failure_percent: Option<f64>,
    open_for: Option<String>,
    open_for_max: Option<String>,
    probes: Option<u32>,
}

/// When a provider is left alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerConfig {
    /// How far back outcomes count.
    pub window: Duration,
    /// Outcomes within the window below which nothing is decided.
    pub minimum: u32,
    /// Share of failures, 0 to 100, from which on the provider is left alone.
    pub failure_percent: f64,
    /// How long it is left alone the first time; doubled each time in a row.
    pub open_for: Duration,
    /// Longest time it is left alone.
    pub open_for_max: Duration,
    /// Requests that may try at once whether it works again.
    pub probes: u32,
}

impl<'de> Deserialize<'de> for RawBreaker {
    // Written out, because an untagged enum would lose the name of a misspelt key.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = RawBreaker;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a table such as { failure_percent = 50 }, or false")
            }

            fn visit_bool<E>(self, on: bool) -> Result<RawBreaker, E> {
                Ok(RawBreaker::Switch(on))
            }

            fn visit_str<E>(self, word: &str) -> Result<RawBreaker, E> {
                Ok(RawBreaker::Word(word.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawBreaker, A::Error> {
                RawBreakerTable::deserialize(MapAccessDeserializer::new(map)).map(RawBreaker::Table)
            }
        }
        deserializer.deserialize_any(Forms)
    }
}

impl Checker<'_> {
    pub(super) fn retry(&mut self, name: &str, raw: Option<&RawRetry>) -> Option<RetryConfig> {
        let none = RawRetry::default();
        let raw = raw.unwrap_or(&none);
        let at = format!("providers.{name}.retry");
        let attempts_max = match raw.attempts_max.unwrap_or(2) {
            attempts @ 1..=10 => Some(attempts),
            attempts => self.problem(format!("{at}.attempts_max is {attempts}: expected 1 (no retry) to 10")),
        };
        let budget_percent = self.percent(&format!("{at}.budget_percent"), raw.budget_percent, 10.0, 0.0);
        let wait_max = self.duration(&format!("{at}.wait_max"), raw.wait_max.as_deref(), 2);
        Some(RetryConfig {
            attempts_max: attempts_max?,
            budget_percent: budget_percent?,
            wait_max: wait_max?,
            after_timeout: raw.after_timeout.unwrap_or(false),
        })
    }

    pub(super) fn breaker(&mut self, name: &str, raw: Option<&RawBreaker>) -> Option<Option<BreakerConfig>> {
        let none = RawBreakerTable::default();
        let raw = match raw {
            None | Some(RawBreaker::Switch(true)) => &none,
            Some(RawBreaker::Table(table)) => table,
            Some(RawBreaker::Switch(false)) => return Some(None),
            Some(RawBreaker::Word(word)) if word == "off" => return Some(None),
            Some(RawBreaker::Word(word)) => {
                return self.problem(format!(
                    "providers.{name}.breaker is `{word}`: expected a table such as {{ failure_percent = 50 }}, or false"
                ));
            }
        };
        let at = format!("providers.{name}.breaker");
        let window = self.duration(&format!("{at}.window"), raw.window.as_deref(), 10);
        let failure_percent = self.percent(&format!("{at}.failure_percent"), raw.failure_percent, 50.0, 1.0);
        let open_for = self.duration(&format!("{at}.open_for"), raw.open_for.as_deref(), 5);
        let open_for_max = self.duration(&format!("{at}.open_for_max"), raw.open_for_max.as_deref(), 60);
        let minimum = self.at_least_one(&format!("{at}.minimum"), raw.minimum, 20);
        let probes = self.at_least_one(&format!("{at}.probes"), raw.probes, 3);
        let (open_for, open_for_max) = (open_for?, open_for_max?);
        Some(Some(BreakerConfig {
            window: window?,
            minimum: minimum?,
            failure_percent: failure_percent?,
            open_for,
            // A first time longer than the longest can only mean that the longest was left at its default.
            open_for_max: open_for_max.max(open_for),
            probes: probes?,
        }))
    }

    fn percent(&mut self, key: &str, value: Option<f64>, default: f64, least: f64) -> Option<f64> {
        match value.unwrap_or(default) {
            value if (least..=100.0).contains(&value) => Some(value),
            value => self.problem(format!("{key} is {value}: expected {least} to 100")),
        }
    }

    fn at_least_one(&mut self, key: &str, value: Option<u32>, default: u32) -> Option<u32> {
        match value.unwrap_or(default) {
            0 => self.problem(format!("{key} is 0: expected at least 1")),
            value => Some(value),
        }
    }
}
