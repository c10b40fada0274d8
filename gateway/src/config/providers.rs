//! `[providers.NAME]`: how a provider is reached.

use super::check::Checker;
use http::HeaderValue;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;
use wire::provider::Provider;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProvider {
    pub kind: Provider,
    pub base_url: String,
    pub api_key_env: Option<String>,
    pub api_key_file: Option<PathBuf>,
    pub connect_timeout: Option<String>,
    pub first_byte_timeout: Option<String>,
    pub idle_timeout: Option<String>,
    pub total_timeout: Option<String>,
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

impl Checker<'_> {
    pub(super) fn provider(&mut self, name: &str, raw: &RawProvider) -> Option<ProviderConfig> {
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
