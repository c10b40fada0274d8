//! `[migrations.NAME.live_guard]`: what takes traffic away from a candidate that is proven to harm, and whom it tells.
//! `[audit]`: the file that every change of a weight is written to.

use super::check::Checker;
use guard::remote::Secret;
use judge::live::Rules;
use judge::policy::Policy;
use reqwest::Url;
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLiveGuard {
    enabled: Option<bool>,
    policy: Option<PathBuf>,
    #[serde(default)]
    back_to: BackTo,
    webhook_url: Option<String>,
    webhook_secret_env: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAudit {
    path: Option<PathBuf>,
}

impl RawAudit {
    /// Nothing in it can be wrong before the first line is written.
    pub(super) fn path(self) -> Option<PathBuf> {
        self.path
    }
}

/// Where an alarm sets the weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackTo {
    /// To the highest weight below it that was raised further since it was last lowered; to nothing where none is known.
    #[default]
    LastSafe,
    /// To nothing.
    Baseline,
}

/// Who is told of an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Address.
    pub url: Url,
    /// What bodies are signed with.
    pub secret: Option<Secret>,
}

/// The guard of one migration.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveGuard {
    /// It watches.
    pub enabled: bool,
    /// Its questions, margins and levels.
    pub rules: Rules,
    /// Where an alarm sets the weight.
    pub back_to: BackTo,
    /// Who is told.
    pub webhook: Option<Webhook>,
}

// Numbers of a policy are checked to be finite, so that each equals itself.
impl Eq for LiveGuard {}

impl Default for LiveGuard {
    fn default() -> Self {
        Self { enabled: true, rules: Rules::new(&Policy::default()), back_to: BackTo::default(), webhook: None }
    }
}

impl Checker<'_> {
    pub(super) fn live_guard(&mut self, key: &str, raw: &RawLiveGuard) -> Option<LiveGuard> {
        let rules = match &raw.policy {
            None => Some(Rules::new(&Policy::default())),
            Some(path) => match std::fs::read_to_string(path) {
                Err(error) => self.problem(format!("{key}.policy: cannot read {}: {error}", path.display())),
                Ok(text) => match Policy::parse(&text) {
                    Ok(policy) => Some(Rules::new(&policy)),
                    Err(error) => self.problem(format!("{key}.policy: {}: {error}", path.display())),
                },
            },
        };
        let secret = match &raw.webhook_secret_env {
            None => Some(None),
            Some(variable) => {
                self.secret(&format!("{key}.webhook_secret_env"), variable).map(|text| Some(Secret::new(text)))
            }
        };
        if raw.webhook_url.is_none() && raw.webhook_secret_env.is_some() {
            self.problems
                .push(format!("{key}.webhook_secret_env is given without {key}.webhook_url: nobody would be told"));
        }
        let url = match raw.webhook_url.as_deref().map(Url::parse) {
            None => Some(None),
            Some(Ok(url)) if matches!(url.scheme(), "http" | "https") && url.password().is_none() => Some(Some(url)),
            // Not repeated: it may hold a secret.
            Some(_) => self.problem(format!(
                "{key}.webhook_url: expected an address such as https://hooks.example/weighbridge, without a password"
            )),
        };
        let (secret, url) = (secret?, url?);
        Some(LiveGuard {
            enabled: raw.enabled.unwrap_or(true),
            rules: rules?,
            back_to: raw.back_to,
            webhook: url.map(|url| Webhook { url, secret }),
        })
    }
}
