//! Configuration in two types for each section: what the text says, and what was checked. One file a section.
//!
//! Secrets come from the environment or from files and are never part of the text. All mistakes are reported at
//! once; each names the key, what was found and what is expected.

mod check;
mod consumers;
mod keys;
mod live_guard;
mod migrations;
mod ordered;
mod policy;
mod prices;
mod providers;
mod quotas;
mod records;
mod redis;
mod resilience;
mod safety;
mod server;
mod shadow;
mod telemetry;
mod trace;
mod transport;
mod valid;

pub use crate::callers::presented::KeySource;
pub use consumers::Consumers;
pub use keys::Keys;
pub use live_guard::{BackTo, LiveGuard, Webhook};
pub use migrations::Migration;
pub use prices::{PriceFile, Prices};
pub use providers::{KeyUse, ProviderConfig, Timeouts};
pub use quotas::{Beyond, Dimension, Higress, PromptReserve, QuotaConfig, QuotaRule, QuotaStore, Unpriced};
pub use records::{Records, Salt, SyncPolicy};
pub use redis::{KeysOnLoss, OnLoss, QuotasOnLoss, Redis, RedisUrl, WeightsOnLoss};
pub use resilience::{BreakerConfig, RetryConfig};
pub use safety::{BackendConfig, Compiled, Judge, Safety};
pub use server::{AnswerModel, Authenticate, Limits};
pub use shadow::Shadow;
pub use telemetry::MetricViews;
pub use trace::{TraceClients, Traces};
pub use transport::{HttpVersion, TlsRoots};
pub use valid::Config;

use std::path::{Path, PathBuf};

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}; check the path given with --config")]
    File {
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The text is not the TOML that was expected.
    #[error("{path}, line {line}: {message}")]
    Syntax {
        /// File.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What was found and expected.
        message: String,
    },
    /// Values that cannot be used, one sentence each.
    #[error("{path}: {}", problems.join(&format!("\n{}: ", path.display())))]
    Values {
        /// File.
        path: PathBuf,
        /// Sentences.
        problems: Vec<String>,
    },
}

impl Config {
    /// Reads and checks a file. `environment` looks a variable up.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn read(path: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::File { path: path.to_owned(), source })?;
        Self::parse(&text, path, environment)
    }

    /// Checks a text; `path` is its name in errors.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn parse(text: &str, path: &Path, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let raw: valid::Raw = toml::from_str(text).map_err(|error| syntax(text, path, &error))?;
        valid::check(raw, text, environment).map_err(|problems| ConfigError::Values { path: path.to_owned(), problems })
    }
}

/// Line and message of a TOML error, with the nearest known key for a misspelt one.
fn syntax(text: &str, path: &Path, error: &toml::de::Error) -> ConfigError {
    let offset = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
    let mut message = error.message().to_owned();
    if let Some(nearest) = nearest_key(&message) {
        message = format!("{message}; did you mean `{nearest}`?");
    }
    ConfigError::Syntax { path: path.to_owned(), line, message }
}

/// The known key that is most like the unknown one: both stand in the message between backticks, the unknown first.
fn nearest_key(message: &str) -> Option<String> {
    message.starts_with("unknown field").then_some(())?;
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    names
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests;
