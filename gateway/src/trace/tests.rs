//! A gateway between recorded providers, before a recorded collector: what arrives there, decoded by the protocol's types.

mod collector;
mod export;
mod lines;
mod secrets;
mod tree;

use crate::{Config, Running};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const TOKEN: &str = "canary-admin-token";
const PROVIDER_KEY: &str = "sk-canary-provider-key";
const CONSUMER_KEY: &str = "sk-canary-consumer-key";
const COLLECTOR_KEY: &str = "canary-collector-key";
/// A client's context.
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Two providers and a gateway before them.
struct House {
    openai: MockServer,
    deepseek: MockServer,
    running: Running,
    client: reqwest::Client,
}

/// What of the configuration a test is about.
#[derive(Default)]
struct Wants<'a> {
    /// Lines of `[migrations.move]`.
    migration: &'a str,
    /// Lines of `[traces]` behind its address.
    traces: &'a str,
    /// More tables.
    more: &'a str,
}

fn answer(model: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "canary-answer"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }))
}

async fn provider(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(response).mount(&server).await;
    server
}

fn config(openai: &str, deepseek: &str, collector: &str, wants: &Wants<'_>) -> Config {
    let Wants { migration, traces, more } = wants;
    let interval = if traces.contains("interval") { "" } else { "interval = \"10ms\"" };
    let text = format!(
        r#"
server.listen = "127.0.0.1:0"
admin.listen = "127.0.0.1:0"
{more}
[providers.openai]
kind = "openai"
base_url = "{openai}/v1"
api_key_env = "KEY"
[providers.deepseek]
kind = "deepseek"
base_url = "{deepseek}"
api_key_env = "KEY"
retry = {{ attempts_max = 2, wait_max = "10ms" }}
[consumers.canary-team]
keys_env = "TEAM"
[migrations.move]
baseline = "openai"
candidate = "deepseek"
models = {{ "gpt-4o-mini" = "deepseek-flash" }}
{migration}
[traces]
endpoint = "{collector}/v1/traces"
{interval}
headers_env = {{ api-key = "COLLECTOR" }}
{traces}
"#
    );
    Config::parse(&text, Path::new("gateway.toml"), &|name| match name {
        "KEY" => Some(PROVIDER_KEY.to_owned()),
        "TEAM" => Some(CONSUMER_KEY.to_owned()),
        "COLLECTOR" => Some(COLLECTOR_KEY.to_owned()),
        "WEIGHBRIDGE_ADMIN_TOKEN" => Some(TOKEN.to_owned()),
        _ => None,
    })
    .unwrap()
}

impl House {
    async fn start(collector: &str, wants: Wants<'_>) -> Self {
        Self::start_with(answer("gpt-4o-mini-1"), answer("deepseek-flash"), collector, wants).await
    }

    async fn start_with(
        openai: ResponseTemplate,
        deepseek: ResponseTemplate,
        collector: &str,
        wants: Wants<'_>,
    ) -> Self {
        let (openai, deepseek) = (provider(openai).await, provider(deepseek).await);
        let config = config(&openai.uri(), &deepseek.uri(), collector, &wants);
        let running = crate::start(config, None).await.unwrap();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Self { openai, deepseek, running, client }
    }

    /// Asks, reads the answer to its end, and gives back its status and pair id.
    async fn ask(&self, headers: &[(&str, &str)]) -> (u16, String) {
        self.ask_with(&json!({"messages": [{"role": "user", "content": "canary-prompt"}]}), headers).await
    }

    async fn ask_with(&self, more: &serde_json::Value, headers: &[(&str, &str)]) -> (u16, String) {
        let mut body = json!({"model": "gpt-4o-mini", "user": "canary-user"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let url = format!("http://{}/v1/chat/completions", self.running.address);
        let mut request = self.client.post(url).bearer_auth(CONSUMER_KEY).json(&body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let pair = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        response.bytes().await.unwrap();
        (status, pair)
    }

    async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.running.admin_address);
        self.client.get(url).bearer_auth(TOKEN).send().await.unwrap().text().await.unwrap()
    }

    /// Ends the gateway once every copy is on record; whatever is exported has been then.
    async fn stop(self) -> (MockServer, MockServer) {
        self.running.settle().await;
        self.running.shutdown().await;
        (self.openai, self.deepseek)
    }
}

/// A header of each request that came.
async fn seen(server: &MockServer, header: &str) -> Vec<Option<String>> {
    let requests = server.received_requests().await.unwrap();
    let text = |request: &Request| request.headers.get(header).map(|value| value.to_str().unwrap().to_owned());
    requests.iter().map(text).collect()
}

fn hex(bytes: &[u8]) -> String {
    datasets::digest::hex(bytes)
}

/// An attribute as text: what a list holds is joined by commas.
fn attribute(span: &Span, key: &str) -> Option<String> {
    fn text(value: &Value) -> String {
        match value {
            Value::StringValue(text) => text.clone(),
            Value::BoolValue(flag) => flag.to_string(),
            Value::IntValue(number) => number.to_string(),
            Value::DoubleValue(number) => number.to_string(),
            Value::ArrayValue(list) => {
                let values = list.values.iter().filter_map(|value| value.value.as_ref());
                values.map(text).collect::<Vec<_>>().join(",")
            }
            other => panic!("no attribute has such a value: {other:?}"),
        }
    }
    let mut all = span.attributes.iter().filter(|attribute| attribute.key == key);
    let found = all.next()?;
    assert!(all.next().is_none(), "{key} stands twice");
    found.value.as_ref().and_then(|value| value.value.as_ref()).map(text)
}

fn role(spans: &[Span], role: &str) -> Span {
    let mut found = spans.iter().filter(|span| attribute(span, "weighbridge.role").as_deref() == Some(role));
    let span = found.next().unwrap_or_else(|| panic!("no span of role {role} in {spans:#?}")).clone();
    assert!(found.next().is_none(), "two spans of role {role}");
    span
}

/// The span of the client's request.
fn server(spans: &[Span]) -> Span {
    let mut found = spans.iter().filter(|span| attribute(span, "http.request.method").is_some());
    let span = found.next().unwrap_or_else(|| panic!("no server span in {spans:#?}")).clone();
    assert!(found.next().is_none(), "two server spans");
    span
}

/// Waits until a condition holds; a test that never gets there fails.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), wait).await.is_ok(), "never came: {what}");
}

/// A sample of the metrics page.
fn sample(page: &str, name: &str) -> u64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{page}")).parse::<f64>().unwrap() as u64
}

/// Whether a path is that of the protocol.
fn traces() -> impl wiremock::Match {
    path("/v1/traces")
}
