//! `[[quotas]]`, `[quota_store]` and `[quotas_higress]`: what consumers may use, and where it is kept.

mod rule;

pub use rule::{Beyond, Dimension, QuotaRule, Unpriced};

use super::check::{Checker, LIMIT_MAX};
use super::consumers::Consumers;
pub(super) use rule::RawRule;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// Smallest journal that is worth writing anew, bytes.
const COMPACT_BYTES_MIN: u64 = 64 * 1024;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStore {
    file: Option<PathBuf>,
    sync_interval: Option<String>,
    compact_bytes: Option<u64>,
    lease: Option<String>,
    output_tokens_default: Option<u64>,
    prompt_reserve: Option<PromptReserve>,
    usage: Option<bool>,
    usage_days: Option<u16>,
    usage_rows_max: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHigress {
    #[serde(default)]
    enabled: bool,
    admin_consumer: Option<String>,
    path: Option<String>,
    quota: Option<String>,
}

/// What is set aside for a prompt, whose tokens nobody but the provider can count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptReserve {
    /// One and a half times the usual number of tokens for so many characters.
    #[default]
    Likely,
    /// One token for each byte of the request: no tokeniser makes more of text.
    Certain,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QuotaConfig {
    /// Limits, in the order of the text.
    pub rules: Vec<QuotaRule>,
    /// Where they are kept.
    pub store: QuotaStore,
    /// Routes as Higress has them; `None` has none.
    pub higress: Option<Higress>,
}

impl QuotaConfig {
    /// Whether there is anything to count.
    #[must_use]
    pub const fn counts_anything(&self) -> bool {
        !self.rules.is_empty() || self.store.usage || self.store.file.is_some()
    }
}

/// Where limits and usage are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaStore {
    /// Journal; `None` keeps everything in memory only.
    pub file: Option<PathBuf>,
    /// How often the disk itself is asked to keep the journal.
    pub sync_interval: Duration,
    /// A journal that has grown by this many bytes is written anew.
    pub compact_bytes: u64,
    /// After this time what is set aside for a call counts as used, unless the call has ended.
    pub lease: Duration,
    /// Output tokens that are set aside where a request names no bound.
    pub output_tokens_default: u64,
    /// How a prompt is reckoned.
    pub prompt_reserve: PromptReserve,
    /// Whether usage by day is kept.
    pub usage: bool,
    /// Days for which it is.
    pub usage_days: u16,
    /// Rows of it; what comes beyond is counted under `other`.
    pub usage_rows_max: usize,
}

impl Default for QuotaStore {
    fn default() -> Self {
        Self {
            file: None,
            sync_interval: Duration::from_secs(1),
            compact_bytes: 16 << 20,
            lease: Duration::from_secs(3600),
            output_tokens_default: 4096,
            prompt_reserve: PromptReserve::Likely,
            usage: false,
            usage_days: 400,
            usage_rows_max: 50_000,
        }
    }
}

/// Routes as Higress' ai-quota has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Higress {
    /// The consumer whose key opens them.
    pub admin_consumer: String,
    /// What stands behind the path of the chat endpoint, such as `/quota`.
    pub path: String,
    /// Name of the rule whose balances they show and change: one of tokens, per consumer, for a lifetime.
    pub rule: String,
}

impl Checker<'_> {
    pub(super) fn quotas(
        &mut self,
        rules: Vec<RawRule>,
        store: Option<&RawStore>,
        higress: Option<RawHigress>,
        consumers: &Consumers,
        is_alone: bool,
    ) -> Option<QuotaConfig> {
        let count = rules.len();
        let rules: Vec<QuotaRule> = self.quota_rules(rules, consumers);
        let store = self.quota_store(store);
        let higress = match higress.filter(|higress| higress.enabled) {
            Some(raw) => Some(self.higress(raw, &rules, consumers)?),
            None => None,
        };
        // What replicas share outlives each of them.
        let long = rules.iter().find(|rule| is_alone && rule.outlives_a_restart());
        if let (Some(rule), Some(QuotaStore { file: None, .. })) = (long, &store) {
            self.warnings.push(format!(
                "quotas `{}` begins anew with every start of the gateway: set quota_store.file",
                rule.name
            ));
        }
        (rules.len() == count).then_some(QuotaConfig { rules, store: store?, higress })
    }

    fn quota_store(&mut self, raw: Option<&RawStore>) -> Option<QuotaStore> {
        let usual = QuotaStore::default();
        let Some(raw) = raw else { return Some(usual) };
        let sync_interval = self.duration("quota_store.sync_interval", raw.sync_interval.as_deref(), 1);
        let lease = self.duration("quota_store.lease", raw.lease.as_deref(), 3600);
        let compact_bytes = raw.compact_bytes.unwrap_or(usual.compact_bytes);
        if compact_bytes < COMPACT_BYTES_MIN {
            self.problems.push(format!(
                "quota_store.compact_bytes is {compact_bytes}: expected {COMPACT_BYTES_MIN} or more, in bytes"
            ));
        }
        let output_tokens_default = raw.output_tokens_default.unwrap_or(usual.output_tokens_default);
        if !(1..=1 << 32).contains(&output_tokens_default) {
            self.problems.push(format!(
                "quota_store.output_tokens_default is {output_tokens_default}: expected 1 to {}",
                1u64 << 32
            ));
        }
        let (usage_days, usage_rows_max) =
            (raw.usage_days.unwrap_or(usual.usage_days), raw.usage_rows_max.unwrap_or(usual.usage_rows_max));
        if usage_days == 0 {
            self.problems.push("quota_store.usage_days is 0: expected 1 or more, or usage = false".to_owned());
        }
        if !(100..=LIMIT_MAX).contains(&usage_rows_max) {
            self.problems.push(format!("quota_store.usage_rows_max is {usage_rows_max}: expected 100 to {LIMIT_MAX}"));
        }
        Some(QuotaStore {
            file: raw.file.clone(),
            sync_interval: sync_interval?,
            compact_bytes,
            lease: lease?,
            output_tokens_default,
            prompt_reserve: raw.prompt_reserve.unwrap_or_default(),
            usage: raw.usage.unwrap_or(true),
            usage_days,
            usage_rows_max,
        })
    }

    fn higress(&mut self, raw: RawHigress, rules: &[QuotaRule], consumers: &Consumers) -> Option<Higress> {
        let key = "quotas_higress";
        let path = raw.path.unwrap_or_else(|| "/quota".to_owned());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.');
        if !path.starts_with('/') || path.len() < 2 || path.ends_with('/') || !path.bytes().all(plain) {
            self.problems.push(format!("{key}.path is `{path}`: expected a path such as /quota"));
        }
        let admin_consumer = match raw.admin_consumer {
            Some(name) => self.known_consumer(&format!("{key}.admin_consumer"), &name, consumers).then_some(name),
            None => {
                self.problem(format!("{key}.admin_consumer is missing: name the consumer whose key may change quotas"))
            }
        };
        let fitting: Vec<&QuotaRule> = rules.iter().filter(|rule| rule.is_token_balance()).collect();
        let wanted = |rule: &&&QuotaRule| raw.quota.as_ref().is_none_or(|name| rule.name.as_ref() == name);
        let rule = match fitting.iter().filter(wanted).collect::<Vec<_>>().as_slice() {
            [rule] => Some(rule.name.as_ref().to_owned()),
            [] => self.problem(format!(
                "{key}: there is no [[quotas]] with tokens, window = \"lifetime\" and per = [\"consumer\"] to act on: add one"
            )),
            _ => self.problem(format!("{key}.quota is missing: several [[quotas]] are balances, name one of them")),
        };
        Some(Higress { admin_consumer: admin_consumer?, path, rule: rule? })
    }
}

#[cfg(test)]
mod tests;
