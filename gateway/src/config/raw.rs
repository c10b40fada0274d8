//! The configuration as text: every key, nothing checked but its type.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    #[serde(default)]
    pub server: Server,
    #[serde(default)]
    pub admin: Admin,
    pub providers: BTreeMap<String, Provider>,
    pub migrations: BTreeMap<String, Migration>,
    #[serde(default)]
    pub shadow: Shadow,
    pub records: Option<Records>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Server {
    pub listen: Option<String>,
    pub allow_open_listener: Option<bool>,
    pub conversation_header: Option<String>,
    pub reveal_arm: Option<bool>,
    pub requests_in_flight_max: Option<usize>,
    pub request_bytes_max: Option<usize>,
    pub drain_timeout: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    pub listen: Option<String>,
    pub token_env: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Provider {
    pub kind: wire::provider::Provider,
    pub base_url: String,
    pub api_key_env: Option<String>,
    pub api_key_file: Option<PathBuf>,
    pub connect_timeout: Option<String>,
    pub first_byte_timeout: Option<String>,
    pub idle_timeout: Option<String>,
    pub total_timeout: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Migration {
    pub baseline: String,
    pub candidate: String,
    pub weight_percent: f64,
    #[serde(default)]
    pub shadow_percent: f64,
    pub salt: Option<String>,
    pub models: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shadow {
    pub workers: Option<usize>,
    pub queue_jobs_max: Option<usize>,
    pub queue_bytes_max: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Records {
    pub path: PathBuf,
    pub redaction: Option<datasets::Redaction>,
    pub salt: Option<String>,
    pub queue_lines_max: Option<usize>,
    pub answer_bytes_max: Option<usize>,
}
