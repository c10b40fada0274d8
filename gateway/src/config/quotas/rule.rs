//! One rule of `[[quotas]]`: whom it is for, what is counted apart, and how much of what.

use super::super::check::Checker;
use super::super::consumers::Consumers;
use super::super::shadow::nanos;
use crate::routing::Patterns;
use lease::quota::{AMOUNT_MAX, Limit, NAME_BYTES_MAX, Period, Unit, Window};
use serde::Deserialize;
use std::sync::Arc;

/// Rules at most: every request is held against each of them.
const RULES_MAX: usize = 256;
/// Longest rolling window.
const SPAN_US_MAX: i64 = 366 * 86_400 * 1_000_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct RawRule {
    name: String,
    consumers: Option<Vec<String>>,
    groups: Option<Vec<String>>,
    models: Option<Vec<String>>,
    migrations: Option<Vec<String>>,
    #[serde(default)]
    per: Vec<Dimension>,
    window: String,
    requests: Option<u64>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    tokens: Option<u64>,
    usd: Option<String>,
    output_tokens_max: Option<u64>,
    output_tokens_beyond: Option<Beyond>,
    unpriced: Option<Unpriced>,
}

/// What has an account of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// Each consumer; callers without a name are one.
    Consumer,
    /// Each group; a consumer of several counts in each.
    Group,
    /// Each model that the configuration names; all others together are one.
    Model,
    /// Each migration, and what belongs to none.
    Migration,
}

/// What becomes of a request that asks for more output than it may, or names no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Beyond {
    /// It gets 400.
    Refuse,
    /// It goes on with the most that it may.
    #[default]
    Lower,
}

/// What becomes of a request under a limit of money whose price nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unpriced {
    /// It is refused.
    #[default]
    Refuse,
    /// It costs nothing.
    Free,
}

/// A checked rule. A list that is absent takes everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaRule {
    /// Name, told in refusals and metrics.
    pub name: Arc<str>,
    /// Consumers.
    pub consumers: Option<Patterns>,
    /// Groups of consumers.
    pub groups: Option<Patterns>,
    /// Models as clients name them.
    pub models: Option<Patterns>,
    /// Migrations; `none` is what belongs to none.
    pub migrations: Option<Patterns>,
    /// What has an account of its own; nothing: all share one.
    pub per: Vec<Dimension>,
    /// One limit for each unit that is bounded.
    pub limits: Vec<Limit>,
    /// The most output tokens that a request may ask for, all its choices together.
    pub output_tokens_max: Option<u64>,
    /// What becomes of one that asks for more.
    pub beyond: Beyond,
    /// What becomes of one without a price.
    pub unpriced: Unpriced,
}

impl QuotaRule {
    /// A balance of tokens per consumer, which Higress' routes can act on.
    #[must_use]
    pub fn is_token_balance(&self) -> bool {
        self.balance().is_some() && self.per == [Dimension::Consumer]
    }

    /// Its balance of tokens.
    #[must_use]
    pub fn balance(&self) -> Option<&Limit> {
        self.limits.iter().find(|limit| limit.unit == Unit::Tokens && limit.window == Window::Lifetime)
    }

    /// Whether its window is so long that a start of the gateway would usually fall into it.
    pub(super) fn outlives_a_restart(&self) -> bool {
        self.limits.iter().any(|limit| match limit.window {
            Window::Rolling { span_us } => span_us >= 3_600_000_000,
            Window::Calendar(period) => matches!(period, Period::Hour | Period::Day | Period::Month),
            Window::Lifetime => true,
        })
    }
}

impl Checker<'_> {
    /// All rules; those with mistakes are left out and reported.
    pub(super) fn quota_rules(&mut self, raw: Vec<RawRule>, consumers: &Consumers) -> Vec<QuotaRule> {
        if raw.len() > RULES_MAX {
            self.problems.push(format!("there are {} [[quotas]]: expected {RULES_MAX} at most", raw.len()));
        }
        let mut rules: Vec<QuotaRule> = Vec::with_capacity(raw.len());
        for (place, raw) in raw.into_iter().enumerate() {
            if rules.iter().any(|rule| *rule.name == *raw.name) {
                self.problems
                    .push(format!("quotas[{place}].name is `{}`, which stands twice: name it otherwise", raw.name));
            }
            rules.extend(self.quota_rule(place, raw, consumers));
        }
        rules
    }

    fn quota_rule(&mut self, place: usize, raw: RawRule, consumers: &Consumers) -> Option<QuotaRule> {
        let before = self.problems.len();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let is_name = !raw.name.is_empty() && raw.name.len() <= NAME_BYTES_MAX && raw.name.bytes().all(plain);
        let key = if is_name { format!("quotas `{}`", raw.name) } else { format!("quotas[{place}]") };
        if !is_name {
            self.problems.push(format!(
                "{key}.name is `{}`: expected letters, digits, `.`, `_` and `-`, at most {NAME_BYTES_MAX}",
                raw.name.chars().take(NAME_BYTES_MAX).collect::<String>()
            ));
        }
        let window = self.window(&key, &raw.window);
        for name in raw.consumers.iter().flatten() {
            self.known_consumer(&format!("{key}: consumers"), name, consumers);
        }
        let name: Arc<str> = raw.name.as_str().into();
        let usd = self.usd(&key, raw.usd.as_deref());
        let amounts = [
            (Unit::Requests, raw.requests),
            (Unit::InputTokens, raw.input_tokens),
            (Unit::OutputTokens, raw.output_tokens),
            (Unit::Tokens, raw.tokens),
            (Unit::NanoDollars, usd),
        ];
        for (unit, amount) in &amounts {
            if amount.is_some_and(|amount| amount > AMOUNT_MAX) {
                self.problems.push(format!("{key}: {} is too large: expected {AMOUNT_MAX} at most", unit.name()));
            }
        }
        if raw.output_tokens_max == Some(0) {
            self.problems.push(format!("{key}: output_tokens_max is 0: expected 1 or more"));
        }
        if amounts.iter().all(|(_, amount)| amount.is_none()) && raw.output_tokens_max.is_none() && raw.usd.is_none() {
            self.problems.push(format!(
                "{key} limits nothing: give it requests, input_tokens, output_tokens, tokens, usd or output_tokens_max"
            ));
        }
        let mut per = raw.per;
        per.sort_unstable();
        per.dedup();
        let consumers = self.patterns(&key, "consumers", raw.consumers.as_deref());
        let groups = self.patterns(&key, "groups", raw.groups.as_deref());
        let models = self.patterns(&key, "models", raw.models.as_deref());
        let migrations = self.patterns(&key, "migrations", raw.migrations.as_deref());
        let window = window?;
        let limit = |(unit, amount): (Unit, Option<u64>)| {
            amount.map(|amount| Limit { name: Arc::clone(&name), unit, window, amount })
        };
        let limits = amounts.into_iter().filter_map(limit).collect();
        (self.problems.len() == before).then_some(QuotaRule {
            consumers,
            groups,
            models,
            migrations,
            per,
            limits,
            output_tokens_max: raw.output_tokens_max,
            beyond: raw.output_tokens_beyond.unwrap_or_default(),
            unpriced: raw.unpriced.unwrap_or_default(),
            name,
        })
    }

    fn patterns(&mut self, key: &str, member: &str, texts: Option<&[String]>) -> Option<Patterns> {
        let texts = texts?;
        if texts.is_empty() {
            return self.problem(format!("{key}: {member} is empty, so nobody could match: leave it out or name some"));
        }
        match Patterns::new(texts.iter().map(String::as_str)) {
            Ok(patterns) => Some(patterns),
            Err(error) => self.problem(format!("{key}: {member}: {error}")),
        }
    }

    /// A name without a star has to be known: a limit for nobody is no limit.
    pub(super) fn known_consumer(&mut self, key: &str, name: &str, consumers: &Consumers) -> bool {
        if name.ends_with('*') || name == crate::quota::ANONYMOUS || consumers.has(name) {
            return true;
        }
        let known = consumers.names().collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() {
            "there is no [consumers.NAME]".to_owned()
        } else {
            format!("expected one of {known}")
        };
        self.problems.push(format!("{key} names `{name}`: {known}"));
        false
    }

    fn usd(&mut self, key: &str, text: Option<&str>) -> Option<u64> {
        let text = text?;
        match nanos(text).and_then(|nanos| u64::try_from(nanos).ok()) {
            Some(nanos) => Some(nanos),
            None => {
                self.problem(format!("{key}: usd is `{text}`: expected dollars as a decimal string, such as \"12.50\""))
            }
        }
    }

    fn window(&mut self, key: &str, text: &str) -> Option<Window> {
        if text == "lifetime" {
            return Some(Window::Lifetime);
        }
        if let Some(period) = Period::ALL.into_iter().find(|period| period.name() == text) {
            return Some(Window::Calendar(period));
        }
        let length = |span: jiff::Span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
        let span_us = text
            .parse::<jiff::Span>()
            .and_then(length)
            .ok()
            .and_then(|span| i64::try_from(span.as_micros()).ok())
            .filter(|span_us| (1_000_000..=SPAN_US_MAX).contains(span_us));
        match span_us {
            Some(span_us) => Some(Window::Rolling { span_us }),
            None => self.problem(format!(
                "{key}: window is `{text}`: expected a rolling time from 1s to 366d (such as 1h or 1d), a period of the \
                 calendar in UTC (second, minute, hour, day or month), or lifetime"
            )),
        }
    }
}
