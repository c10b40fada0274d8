//! Gateways with guards before providers that can be told to fail.
#![expect(clippy::float_cmp, reason = "weights are hundredths of a percent, which are exact")]

mod alone;
mod replicas;

use crate::Config;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const TOKEN: &str = "admin-token-of-the-tests";

/// A provider that answers, or fails with the status that it is told.
#[derive(Clone)]
struct Provider {
    address: SocketAddr,
    status: Arc<AtomicU16>,
}

impl Provider {
    async fn start() -> Self {
        let status = Arc::new(AtomicU16::new(200));
        let router = Router::new().fallback(post(answer)).with_state(Arc::clone(&status));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, status }
    }

    fn fail_with(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }
}

async fn answer(State(status): State<Arc<AtomicU16>>) -> Response {
    let status = status.load(Ordering::SeqCst);
    if status != 200 {
        let body = Json(json!({"error": {"message": "it fails", "type": "server_error"}}));
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    Json(json!({
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }))
    .into_response()
}

/// Both providers.
struct World {
    openai: Provider,
    deepseek: Provider,
    folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        Self {
            openai: Provider::start().await,
            deepseek: Provider::start().await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn config(&self, percent: f64, guard: &str, tables: &str) -> Config {
        let text = format!(
            r#"
server.listen = "127.0.0.1:0"
admin.listen = "127.0.0.1:0"
[providers.openai]
kind = "openai"
base_url = "http://{}/v1"
api_key_env = "KEY"
breaker = false
retry.attempts_max = 1
[providers.deepseek]
kind = "deepseek"
base_url = "http://{}/v1"
api_key_env = "KEY"
breaker = false
retry.attempts_max = 1
[migrations.move]
baseline = "openai"
candidate = "deepseek"
weight_percent = {percent:?}
assign_by = "request"
models = {{ "gpt-4o-mini" = "deepseek-flash" }}
[migrations.move.rules]
header = {{ name = "x-arm", value = "candidate" }}
[migrations.move.live_guard]
{guard}
{tables}
"#,
            self.openai.address, self.deepseek.address
        );
        Config::parse(&text, Path::new("guarded.toml"), &|name| match name {
            "KEY" => Some("sk-provider".to_owned()),
            "WEIGHBRIDGE_ADMIN_TOKEN" => Some(TOKEN.to_owned()),
            "HOOK" => Some("a secret".to_owned()),
            _ => None,
        })
        .unwrap()
    }

    async fn gateway(&self, percent: f64, guard: &str, tables: &str) -> Arc<Gateway> {
        let running = crate::start(self.config(percent, guard, tables), None).await.unwrap();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Arc::new(Gateway { running, client, asked: AtomicU64::new(0) })
    }
}

struct Gateway {
    running: crate::Running,
    client: reqwest::Client,
    asked: AtomicU64,
}

impl Gateway {
    async fn ask(&self, arm: Option<&str>) {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        let url = format!("http://{}/v1/chat/completions", self.running.address);
        let body = json!({"model": "gpt-4o-mini", "max_tokens": 1, "messages": [
            {"role": "user", "content": format!("question {number}")}]});
        let mut request = self.client.post(url).bearer_auth("sk-client").json(&body);
        if let Some(arm) = arm {
            request = request.header("x-arm", arm);
        }
        request.send().await.unwrap().bytes().await.unwrap();
    }

    async fn ask_many(&self, count: u64) {
        for _ in 0..count {
            self.ask(None).await;
        }
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("http://{}{path}", self.running.admin_address);
        let text = self.client.get(url).bearer_auth(TOKEN).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    async fn guard(&self) -> Value {
        self.get("/admin/v1/migrations/move/live-guard").await
    }

    async fn set(&self, percent: f64) -> u16 {
        let url = format!("http://{}/admin/v1/migrations/move/weight", self.running.admin_address);
        let request =
            self.client.put(url).bearer_auth(TOKEN).header("if-match", format!("\"{}\"", self.running.epoch()));
        request.json(&json!({"weight_percent": percent, "reason": "test"})).send().await.unwrap().status().as_u16()
    }

    fn weight(&self) -> f64 {
        self.running.weight_percent()
    }

    /// Waits until the guard has looked at all that have ended.
    async fn until_counted(&self, candidate: u64) {
        let wait = async {
            while self.guard().await["candidate_requests"].as_u64() < Some(candidate) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(30), wait).await.is_ok(), "{}", self.guard().await);
    }
}

/// Clients that ask all the time.
struct Load {
    over: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn start(gateways: &[&Arc<Gateway>]) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let client = |gateway: &Arc<Gateway>| {
            let (gateway, over) = (Arc::clone(gateway), Arc::clone(&over));
            tokio::spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    gateway.ask(None).await;
                }
            })
        };
        let clients = gateways.iter().flat_map(|gateway| [client(gateway), client(gateway)]).collect();
        Self { over, clients }
    }

    async fn stop(self) {
        self.over.store(true, Ordering::SeqCst);
        for client in self.clients {
            client.await.unwrap();
        }
    }
}

/// Waits until a condition holds, and says how long that took.
async fn until(what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), wait).await.is_ok(), "never came: {what}");
    begun.elapsed()
}
