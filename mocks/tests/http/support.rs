//! One mock and one client, and the few ways in which tests talk to them.

use std::sync::Arc;
use std::time::Duration;

use mocks::{MockConfig, Provider, Running, Script};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

/// Long enough for any machine; only reached by a test that fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Mock {
    pub(crate) running: Running,
    client: Client,
}

impl Mock {
    pub(crate) async fn start(config: MockConfig) -> Self {
        let running = mocks::start(([127, 0, 0, 1], 0).into(), config).await.unwrap();
        let client = Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        Self { running, client }
    }

    pub(crate) async fn instant(provider: Provider) -> Self {
        Self::start(MockConfig::instant(provider)).await
    }

    pub(crate) async fn scripted(provider: Provider, prompt: &str, content: &str) -> Self {
        let mut script = Script::new();
        script.say(provider, prompt, content);
        Self::start(MockConfig { script: Arc::new(script), ..MockConfig::instant(provider) }).await
    }

    pub(crate) fn request(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("http://{}{path}", self.running.addr)).bearer_auth("sk-test-1234")
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.running.addr)).bearer_auth("sk-test-1234")
    }

    pub(crate) fn chat(&self, body: &Value) -> RequestBuilder {
        self.client.post(format!("{}/chat/completions", self.running.base_url())).bearer_auth("sk-test-1234").json(body)
    }

    pub(crate) async fn send(&self, body: &Value) -> Response {
        self.chat(body).send().await.unwrap()
    }

    /// Sends and reads an answer that must be JSON.
    pub(crate) async fn json(&self, body: &Value) -> (u16, Value) {
        let response = self.send(body).await;
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Sends and reads a stream to its end: the data of each event, `[DONE]` included.
    pub(crate) async fn stream(&self, body: &Value) -> Vec<String> {
        let response = self.send(body).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        events(&response.text().await.unwrap())
    }
}

/// The data of each event; fails on anything but `data:` lines, comments and blank lines.
pub(crate) fn events(text: &str) -> Vec<String> {
    assert!(text.ends_with("\n\n"), "the last event is not closed");
    text.split("\n\n")
        .filter(|frame| !frame.is_empty() && !frame.starts_with(':'))
        .map(|frame| frame.strip_prefix("data: ").unwrap_or_else(|| panic!("not an event: {frame}")).to_owned())
        .collect()
}

pub(crate) fn parse(events: &[String]) -> Vec<Value> {
    events.iter().filter(|event| *event != "[DONE]").map(|event| serde_json::from_str(event).unwrap()).collect()
}

/// A request for `model` with one user message, plus more fields.
pub(crate) fn ask(model: &str, prompt: &str, extra: &Value) -> Value {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": prompt}]});
    for (key, value) in extra.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

/// The texts of a field of the deltas, put together.
pub(crate) fn joined(chunks: &[Value], field: &str) -> String {
    chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"][field].as_str()).collect()
}

/// A function to call, as both providers describe it.
pub(crate) fn weigh_tool() -> Value {
    json!([{"type": "function", "function": {"name": "weigh", "parameters": {
        "type": "object", "properties": {"lorry": {"type": "string"}, "axles": {"type": "integer"}}}}}])
}
