//! The gateway's configuration under test, in one place: everything on that production would have on.

use crate::Trouble;
use gateway::Config;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What the load generator sends as its key.
pub(crate) const CLIENT_KEY: &str = "sk-bench-client-0123456789abcdef";

/// The variable that the gateway would read it from.
const CLIENT_KEYS: &str = "BENCH_CLIENT_KEYS";

/// What differs between the gateways that are measured.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Settings {
    pub baseline: SocketAddr,
    pub candidate: SocketAddr,
    pub weight_percent: f64,
    pub shadow_percent: f64,
    /// Where records go.
    pub folder: PathBuf,
}

impl Settings {
    pub(crate) fn config(&self) -> Result<Config, Trouble> {
        let Self { baseline, candidate, weight_percent, shadow_percent, folder } = self;
        let records = folder.join("records.ndjson");
        let records = records.display();
        let text = format!(
            r#"
[server]
listen = "127.0.0.1:0"

[admin]
listen = "127.0.0.1:0"

[providers.openai]
kind = "openai"
base_url = "http://{baseline}/v1"
api_key_env = "OPENAI_API_KEY"

[providers.deepseek]
kind = "deepseek"
base_url = "http://{candidate}"
api_key_env = "DEEPSEEK_API_KEY"

[consumers.bookshop]
keys_env = "{CLIENT_KEYS}"

[migrations.openai-to-deepseek]
baseline = "openai"
candidate = "deepseek"
weight_percent = {weight_percent:?}
shadow_percent = {shadow_percent:?}

[migrations.openai-to-deepseek.models]
"gpt-4o-mini" = "deepseek-flash"

[records]
path = "{records}"
redaction = "hashed"
"#
        );
        let environment = |name: &str| match name {
            CLIENT_KEYS => Some(CLIENT_KEY.to_owned()),
            _ => Some(format!("sk-{name}")),
        };
        Ok(Config::parse(&text, Path::new("bench.toml"), &environment)?)
    }
}
