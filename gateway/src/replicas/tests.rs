//! Gateways side by side before a real Redis.
#![expect(clippy::float_cmp, reason = "weights are hundredths of a percent, metrics small counts: both are exact")]

mod documents;
mod keys;
mod leases;
mod ledger;
mod loss;
mod pauses;
mod quotas;
mod transport;
mod weights;

use super::redis_server::RedisServer;
use crate::Config;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const TOKEN: &str = "admin-token-of-the-tests";

/// A gateway whose providers nobody needs.
struct Replica {
    running: crate::Running,
    client: reqwest::Client,
}

/// An answer of the admin plane.
struct Told {
    status: u16,
    body: Value,
}

/// A loss is noticed soon; a deadline is only passed by a Redis that hangs, however busy the machine is.
const PATIENT: &str = "timeout = \"20s\"\npoll_interval = \"50ms\"\nlost_after = \"300ms\"";
/// For a Redis that hangs: its deadline is long enough for a busy machine as long as it does not.
const HASTY: &str = "timeout = \"400ms\"\npoll_interval = \"50ms\"\nlost_after = \"300ms\"";

/// The configuration of a replica; `more` stands in `[redis]`, `migration` in the migration.
fn config(url: &str, file_percent: f64, more: &str, migration: &str) -> Config {
    config_with(url, file_percent, more, migration, "")
}

/// The same with more lines for the tables before. Nobody is left alone: a provider that is not there must answer each call
/// with the same 502, however many were refused before.
fn config_with(url: &str, file_percent: f64, more: &str, migration: &str, server: &str) -> Config {
    // Keys of tables that stand elsewhere come first, tables of their own last.
    let timeout = if more.contains("timeout") { "" } else { "timeout = \"20s\"" };
    let (before, after) = if server.starts_with('[') { ("", server) } else { (server, "") };
    let text = format!(
        r#"
server.listen = "127.0.0.1:0"
admin.listen = "127.0.0.1:0"
{before}
[providers.openai]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
api_key_env = "KEY"
breaker = false
[providers.deepseek]
kind = "deepseek"
base_url = "http://127.0.0.1:9/v1"
api_key_env = "KEY"
breaker = false
[migrations.move]
baseline = "openai"
candidate = "deepseek"
weight_percent = {file_percent:?}
models = {{ "gpt-4o-mini" = "deepseek-flash" }}
{migration}
{after}
[redis]
url = "{url}"
{timeout}
{more}
"#
    );
    Config::parse(&text, Path::new("replica.toml"), &|name| match name {
        "KEY" => Some("sk-provider".to_owned()),
        "WEIGHBRIDGE_ADMIN_TOKEN" => Some(TOKEN.to_owned()),
        _ => None,
    })
    .unwrap()
}

impl Replica {
    async fn start(redis: &RedisServer, file_percent: f64, more: &str) -> Self {
        Self::start_at(&redis.url(), file_percent, more).await
    }

    async fn start_at(url: &str, file_percent: f64, more: &str) -> Self {
        Self::start_with(config(url, file_percent, more, "")).await
    }

    async fn start_with(config: Config) -> Self {
        let running = crate::start(config, None).await.unwrap();
        Self { running, client: client() }
    }

    async fn get(&self, path: &str) -> Told {
        let url = format!("http://{}{path}", self.running.admin_address);
        told(self.client.get(url).bearer_auth(TOKEN)).await
    }

    async fn post(&self, path: &str, body: &Value) -> Told {
        let url = format!("http://{}{path}", self.running.admin_address);
        told(self.client.post(url).bearer_auth(TOKEN).json(body)).await
    }

    /// Status of a request with this key. The provider is not there, so one that is let in gets 502.
    async fn knock(&self, key: &str) -> u16 {
        let url = format!("http://{}/v1/chat/completions", self.running.address);
        let body = json!({"model": "gpt-4o-mini", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]});
        told(self.client.post(url).bearer_auth(key).json(&body)).await.status
    }

    async fn set(&self, percent: f64, epoch: u64) -> Told {
        let url = format!("http://{}/admin/v1/migrations/move/weight", self.running.admin_address);
        let request = self.client.put(url).bearer_auth(TOKEN).header("if-match", format!("\"{epoch}\""));
        told(request.json(&json!({"weight_percent": percent, "reason": "test"}))).await
    }

    async fn put(&self, path: &str, body: &Value) -> Told {
        let url = format!("http://{}{path}", self.running.admin_address);
        told(self.client.put(url).bearer_auth(TOKEN).json(body)).await
    }

    fn weight(&self) -> f64 {
        self.running.weight_percent()
    }

    fn epoch(&self) -> u64 {
        self.running.epoch()
    }

    /// What is in force: weight and epoch.
    fn state(&self) -> (f64, u64) {
        (self.weight(), self.epoch())
    }

    /// One sample of the metrics page.
    async fn metric(&self, sample: &str) -> f64 {
        let url = format!("http://{}/metrics", self.running.admin_address);
        let page = self.client.get(url).bearer_auth(TOKEN).send().await.unwrap().text().await.unwrap();
        let line = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')).unwrap_or_default();
        line.parse().unwrap_or_else(|_| panic!("no {sample} in\n{page}"))
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap()
}

async fn told(request: reqwest::RequestBuilder) -> Told {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    Told { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

/// Waits until a condition holds; a test that never gets there fails.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "never came: {what}");
}
