//! A gateway whose providers are not there, with tokens, and verdicts on its migration.

use gateway::Config;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

pub(crate) const ADMIN: &str = "admin-token-of-the-tests";
/// What stands in the variable of tokens that read: two of them.
pub(crate) const READERS: [&str; 2] = ["read-token-of-argo", "read-token-of-flagger"];
pub(crate) const MIGRATION: &str = "openai-to-deepseek";

pub(crate) struct House {
    pub gateway: gateway::Running,
    pub client: reqwest::Client,
}

pub(crate) struct Told {
    pub status: u16,
    pub text: String,
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) fn parse(admin: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config, gateway::ConfigError> {
    let text = format!(
        r#"
server.listen = "127.0.0.1:0"
admin.listen = "127.0.0.1:0"
{admin}
[providers.openai]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
api_key_env = "KEY"
[providers.deepseek]
kind = "deepseek"
base_url = "http://127.0.0.1:9/v1"
api_key_env = "KEY"
[migrations.{MIGRATION}]
baseline = "openai"
candidate = "deepseek"
weight_percent = 5.0
shadow_percent = 100.0
models = {{ "gpt-4o-mini" = "deepseek-flash" }}
"#
    );
    Config::parse(&text, Path::new("gateway.toml"), environment)
}

pub(crate) fn environment(name: &str) -> Option<String> {
    match name {
        "KEY" => Some("sk-provider".to_owned()),
        "WEIGHBRIDGE_ADMIN_TOKEN" => Some(ADMIN.to_owned()),
        "WEIGHBRIDGE_READ_TOKEN" => Some(READERS.join(" ")),
        _ => None,
    }
}

pub(crate) async fn told(request: reqwest::RequestBuilder) -> Told {
    let response = request.send().await.unwrap();
    Told { status: response.status().as_u16(), text: response.text().await.unwrap() }
}

impl House {
    pub(crate) async fn build() -> Self {
        let config = parse("admin.read_token_env = \"WEIGHBRIDGE_READ_TOKEN\"", &environment).unwrap();
        let gateway = gateway::start(config, None).await.unwrap();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Self { gateway, client }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.admin_address)
    }

    pub(crate) fn plain(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method.parse().unwrap(), self.url(path))
    }

    pub(crate) async fn admin(&self, method: &str, path: &str, body: &Value) -> Told {
        told(self.plain(method, path).bearer_auth(ADMIN).json(body)).await
    }

    pub(crate) async fn read(&self, path: &str) -> Told {
        told(self.plain("GET", path).bearer_auth(READERS[0])).await
    }

    /// Gives a verdict on the epoch and weight in force, of this moment.
    pub(crate) async fn judge(&self, decision: &str) {
        let now = jiff::Timestamp::now().to_string();
        self.give(&verdict(decision, (self.gateway.epoch(), self.gateway.weight_percent()), &now)).await;
    }

    pub(crate) async fn give(&self, verdict: &Value) {
        let told = self.admin("PUT", &format!("/admin/v1/migrations/{MIGRATION}/verdict"), verdict).await;
        assert_eq!(told.status, 200, "{}", told.text);
    }

    pub(crate) async fn roll_back(&self, reason: &str) {
        let path = format!("/admin/v1/migrations/{MIGRATION}/rollback");
        let told = self.admin("POST", &path, &json!({"reason": reason})).await;
        assert_eq!(told.status, 200, "{}", told.text);
    }

    /// Reasons of the trail's entries that are answers.
    pub(crate) async fn answers_noted(&self) -> Vec<String> {
        let all = self.admin("GET", "/admin/v1/audit", &Value::Null).await.json();
        let answers = all["changes"].as_array().unwrap().iter().filter(|change| change["what"] == "answer");
        answers.map(|change| change["reason"].as_str().unwrap().to_owned()).collect()
    }
}

/// A verdict on an epoch and a weight, with one guardrail that decides.
pub(crate) fn verdict(decision: &str, (epoch, weight_percent): (u64, f64), created_at: &str) -> Value {
    let state = match decision {
        "go" => "pass",
        "no-go" => "fail",
        _ => "hold-insufficient",
    };
    json!({"schema": "weighbridge.verdict/1", "verdict": decision, "reasons": [format!("errors: {state}")],
        "migration": MIGRATION, "epoch": epoch, "weight_percent": weight_percent, "next_weight_percent": 10.0,
        "next_weight_bound": "ladder", "needed": [],
        "guardrails": [{"metric": "errors", "segment": "all", "decides": true, "state": state, "scale": "difference",
            "estimate": 0.001, "lower": -0.001, "upper": 0.003, "margin": 0.005, "alpha": 0.05, "alpha_alarm": 0.01,
            "n": 5000, "baseline_value": null, "candidate_value": null, "method": "tango-score",
            "direction": "lower-is-better", "why": "the bound lies below the margin"}],
        "instrument": {}, "bill": judge::verdict::Bill::default(), "window": {"from_us": 1, "to_us": 2}, "inputs": [],
        "policy_digest": "p", "tariff_digest": "t", "seed": 0, "version": "0.1.0", "created_at": created_at,
        "evidence": {"latency": [], "tokens": [], "outcomes": []}})
}
