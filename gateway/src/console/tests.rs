//! The console as a browser meets it: a running gateway, its admin listener, and nothing in between.

mod access;
mod changes;
mod events;
mod page;
mod verdicts;

use crate::Config;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

pub(super) const TOKEN: &str = "admin-token-of-the-tests";
pub(super) const MARK: (&str, &str) = ("x-weighbridge-console", "1");

/// A gateway whose providers are not there.
pub(super) struct House {
    pub running: crate::Running,
    pub client: reqwest::Client,
}

/// An answer.
pub(super) struct Told {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Told {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(super) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

pub(super) fn config(weight_percent: f64) -> Config {
    let text = format!(
        r#"
server.listen = "127.0.0.1:0"
admin.listen = "127.0.0.1:0"
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
weight_percent = {weight_percent:?}
shadow_percent = 100.0
models = {{ "gpt-4o-mini" = "deepseek-flash" }}
"#
    );
    Config::parse(&text, Path::new("console.toml"), &|name| match name {
        "KEY" => Some("sk-provider".to_owned()),
        "WEIGHBRIDGE_ADMIN_TOKEN" => Some(TOKEN.to_owned()),
        _ => None,
    })
    .unwrap()
}

impl House {
    pub(super) async fn build(weight_percent: f64) -> Self {
        let running = crate::start(config(weight_percent), None).await.unwrap();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Self { running, client }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.admin_address)
    }

    /// A request without any right.
    pub(super) fn plain(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method.parse().unwrap(), self.url(path))
    }

    /// With the token.
    pub(super) fn token(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.plain(method, path).bearer_auth(TOKEN)
    }

    /// As the page sends it.
    pub(super) fn page(&self, cookie: &str, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.plain(method, path).header("cookie", cookie).header(MARK.0, MARK.1)
    }

    /// Logs in and returns the cookie.
    pub(super) async fn log_in(&self) -> String {
        let asked = self.plain("POST", "/console/session").header(MARK.0, MARK.1).json(&json!({"token": TOKEN}));
        let told = told(asked).await;
        assert_eq!(told.status, 204, "{}", told.text);
        told.header("set-cookie").split(';').next().unwrap().to_owned()
    }

    /// Asks for an answer, which no provider gives.
    pub(super) async fn ask(&self) -> u16 {
        let url = format!("http://{}/v1/chat/completions", self.running.address);
        let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]});
        told(self.client.post(url).json(&body)).await.status
    }

    /// The document.
    pub(super) async fn document(&self) -> Value {
        told(self.token("GET", "/admin/v1/console")).await.json()
    }
}

pub(super) async fn told(request: reqwest::RequestBuilder) -> Told {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Told { status, headers, text: response.text().await.unwrap() }
}

/// A stream of events.
pub(super) struct Events {
    response: reqwest::Response,
    pending: String,
}

impl Events {
    pub(super) async fn open(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, pending: String::new() }
    }

    /// The next event's name and data; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.pending.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.pending = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
                let data = serde_json::from_str(field("data: ")).unwrap_or_default();
                return Some((field("event: ").to_owned(), data));
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.pending.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The first event that is as wanted.
    pub(super) async fn find(&mut self, wanted: impl Fn(&str, &Value) -> bool) -> (String, Value) {
        loop {
            let (name, data) = self.next().await.expect("the stream ended");
            if wanted(&name, &data) {
                return (name, data);
            }
        }
    }
}
