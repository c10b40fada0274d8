//! The gateway of the shipped compose file, on loopback, before mocks that fail now and then; and clients that do
//! everything that clients do.

use crate::redis_server::RedisServer;
use crate::server::{deploy, swap};
use futures_util::future::join_all;
use gateway::Config;
use mocks::{Faults, MockConfig, ModerationConfig, ModerationService, Profile, Provider, RunningModeration};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// The admin token.
pub(crate) const TOKEN: &str = "admin-token-of-the-tests";
/// The migration of the shipped configuration.
pub(crate) const MIGRATION: &str = "openai-to-deepseek";
const TEAM_A: &str = "key-of-team-a";
const TEAM_B: &str = "key-of-team-b";
const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Mocks, a Redis, and the gateway.
pub(crate) struct House {
    pub gateway: gateway::Running,
    client: reqwest::Client,
    _openai: mocks::Running,
    _deepseek: mocks::Running,
    _moderation: RunningModeration,
    _redis: RedisServer,
    _folder: TempDir,
}

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "OPENAI_API_KEY" | "DEEPSEEK_API_KEY" => "sk-provider-key-of-the-tests",
        "TEAM_A_KEY" => TEAM_A,
        "TEAM_B_KEY" => TEAM_B,
        "WEIGHBRIDGE_ADMIN_TOKEN" => TOKEN,
        _ => return None,
    };
    Some(value.to_owned())
}

impl House {
    /// Everything started; `None`, said aloud, where there is no Redis.
    pub(crate) async fn start() -> Option<Self> {
        let redis = RedisServer::start()?;
        let folder = tempfile::tempdir().unwrap();
        let openai = mock(Provider::OpenAi, Faults { error_500: 0.05, ..faults() }).await;
        let deepseek = mock(Provider::DeepSeek, Faults { error_500: 0.1, error_429: 0.05, ..faults() }).await;
        let profile = Profile { faults: Faults { error_500: 0.3, ..Faults::default() }, ..Profile::instant() };
        let moderation = ModerationConfig { profile, ..ModerationConfig::instant(ModerationService::OpenAi) };
        let moderation = mocks::start_moderation(ANY, moderation).await.unwrap();
        let urls = [openai.base_url(), deepseek.base_url(), moderation.base_url()];
        let text = configuration(folder.path(), &urls, &redis.url());
        let config = Config::parse(&text, Path::new("gateway.toml"), &environment).unwrap();
        let gateway = gateway::start(config, None).await.unwrap();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Some(Self {
            gateway,
            client,
            _openai: openai,
            _deepseek: deepseek,
            _moderation: moderation,
            _redis: redis,
            _folder: folder,
        })
    }

    /// The page of metrics in the text format of old.
    pub(crate) async fn page(&self) -> String {
        let url = format!("http://{}/metrics", self.gateway.admin_address);
        let request = self.client.get(url).bearer_auth(TOKEN).header("accept", "text/plain;version=0.0.4");
        request.send().await.unwrap().text().await.unwrap()
    }

    /// A bit of everything: both arms, streams, thinking, tools, what cannot move, what is blocked, what is refused.
    pub(crate) async fn live(&self, round: usize) {
        let mut asked = Vec::new();
        for index in 0..24 {
            let model = ["gpt-4o-mini", "gpt-4o", "gpt-5-mini"][index % 3];
            asked.push((TEAM_A, chat(model, &format!("question {index} of round {round}"), index % 2 == 0)));
        }
        asked.extend(odd(round).map(|body| (TEAM_A, body)));
        // More than the tight limit lets through.
        asked.extend((0..4).map(|index| (TEAM_B, chat("gpt-4o-mini", &format!("{index} of {round}"), false))));
        asked.push(("key-of-nobody", chat("gpt-4o-mini", "who am I?", false)));
        join_all(asked.iter().map(|(key, body)| self.ask(key, body))).await;
        self.move_weight(if round.is_multiple_of(2) { 49.0 } else { 51.0 }).await;
    }

    async fn ask(&self, key: &str, body: &Value) {
        let url = format!("http://{}/v1/chat/completions", self.gateway.address);
        let answer = self.client.post(url).bearer_auth(key).json(body).send().await.unwrap();
        // What went wrong is in the metrics; a cut answer is an error here as well.
        drop(answer.text().await);
    }

    async fn move_weight(&self, percent: f64) {
        let url = format!("http://{}/admin/v1/migrations/{MIGRATION}/weight", self.gateway.admin_address);
        let request =
            self.client.put(url).bearer_auth(TOKEN).header("if-match", format!("\"{}\"", self.gateway.epoch()));
        let answer = request.json(&json!({"weight_percent": percent, "reason": "test"})).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

/// Of what both providers do wrong.
fn faults() -> Faults {
    Faults { truncate: 0.05, content_filter: 0.05, tool_leak: 0.5, length: 0.1, ..Faults::default() }
}

async fn mock(provider: Provider, faults: Faults) -> mocks::Running {
    let profile = Profile { faults, ..Profile::instant() };
    mocks::start(ANY, MockConfig { profile, log_capacity: 0, ..MockConfig::instant(provider) }).await.unwrap()
}

fn chat(model: &str, prompt: &str, stream: bool) -> Value {
    let mut body = json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": prompt}]});
    if model == "gpt-5-mini" {
        body["reasoning_effort"] = json!("low");
    }
    body
}

/// What is not an ordinary question.
fn odd(round: usize) -> [Value; 8] {
    let tools = json!([{"type": "function", "function": {"name": "look_up", "parameters":
        {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}}}]);
    let with = |prompt: &str, more: Value| {
        let mut body = chat("gpt-4o-mini", &format!("{prompt} ({round})"), false);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let picture = json!([{"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]);
    [
        with("call the tool", json!({"tools": tools, "tool_choice": "required"})),
        with("call the tool once more", json!({"tools": tools, "tool_choice": "required"})),
        with("say it as JSON", json!({"response_format": {"type": "json_object"}})),
        with("two answers", json!({"n": 2})),
        with("the moderator dislikes this: TEST-HATE", json!({})),
        with("", json!({"messages": [{"role": "user", "content": picture}]})),
        with("a model that nobody has a price for", json!({"model": "model-without-a-price"})),
        with("a setting that nobody takes", json!({"temperature": 9})),
    ]
}

/// The shipped configuration with the addresses, folders and shares of the test, a limit that is soon reached, and Redis.
fn configuration(folder: &Path, [openai, deepseek, moderation]: &[String; 3], redis: &str) -> String {
    let mut text = std::fs::read_to_string(deploy().join("gateway.toml")).unwrap();
    let folder = folder.display().to_string();
    for (from, to) in [
        ("0.0.0.0:8080", "127.0.0.1:0"),
        ("0.0.0.0:8081", "127.0.0.1:0"),
        ("http://openai:9101/v1", openai),
        ("http://deepseek:9102", deepseek),
        ("http://moderation:9103/v1", moderation),
        ("/var/lib/weighbridge/quotas.ndjson", &format!("{folder}/quotas.ndjson")),
        ("/var/lib/weighbridge/records/records.ndjson", &format!("{folder}/records.ndjson")),
        ("weight_percent = 10", "weight_percent = 50"),
        ("shadow_percent = 25", "shadow_percent = 100"),
        ("repeat_percent = 2", "repeat_percent = 50"),
        ("requests = 1200", "requests = 1000000"),
    ] {
        text = swap(&text, from, to);
    }
    format!(
        "{text}\n[[quotas]]\nname = \"tight\"\nconsumers = [\"team-b\"]\nwindow = \"1s\"\nrequests = 1\n\n\
         [keys]\nfile = \"{folder}/consumers.json\"\n\n[redis]\nurl = \"{redis}\"\n"
    )
}
