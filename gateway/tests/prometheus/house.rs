//! The gateway of the shipped compose file, on loopback, before mocks that fail now and then; and clients that do
//! everything that clients do.

use crate::redis_server::RedisServer;
use crate::server::{deploy, swap};
use futures_util::future::join_all;
use gateway::Config;
use mocks::{
    Faults, MockConfig, ModerationConfig, ModerationService, Profile, Provider, RunningModeration, Script, ScriptAnswer,
};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The admin token.
pub(crate) const TOKEN: &str = "admin-token-of-the-tests";
/// The token that only reads, for Prometheus.
pub(crate) const READ_TOKEN: &str = "read-token-of-the-tests";
/// The migration of the shipped configuration.
pub(crate) const MIGRATION: &str = "openai-to-deepseek";
const TEAM_A: &str = "key-of-team-a";
const TEAM_B: &str = "key-of-team-b";
/// What both providers think about.
const THOUGHT: &str = "What is it all about?";
/// What both providers answer with words that the guard blocks.
const TOLD: &str = "Tell me all.";
const WORDS: &str =
    "name = \"own\"\n[[words]]\ncategory = \"illicit\"\nlevel = \"high\"\nterms = \"forbidden fruit\"\n";
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
        "WEIGHBRIDGE_READ_TOKEN" => READ_TOKEN,
        _ => return None,
    };
    Some(value.to_owned())
}

impl House {
    /// Everything started; `None`, said aloud, where there is no Redis.
    pub(crate) async fn start() -> Option<Self> {
        let redis = RedisServer::start()?;
        let folder = tempfile::tempdir().unwrap();
        let script = Arc::new(script());
        let openai = mock(Provider::OpenAi, Faults { error_500: 0.05, ..faults() }, &script).await;
        let deepseek = mock(Provider::DeepSeek, Faults { error_500: 0.1, error_429: 0.05, ..faults() }, &script).await;
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
        asked.extend((0..6).map(|index| (TEAM_A, chat("gpt-5-mini", THOUGHT, index % 2 == 0))));
        asked.extend((0..4).map(|index| (TEAM_A, chat("gpt-4o", TOLD, index % 2 == 0))));
        asked.extend(odd(round).map(|body| (TEAM_A, body)));
        // More than the tight limit lets through.
        asked.extend((0..4).map(|index| (TEAM_B, chat("gpt-4o-mini", &format!("{index} of {round}"), false))));
        asked.push(("key-of-nobody", chat("gpt-4o-mini", "who am I?", false)));
        let asked = asked.iter().enumerate();
        join_all(asked.map(|(index, (key, body))| self.ask(key, body, format!("{round}-{index}")))).await;
        // In one round the verdict is about the epoch in force, in the next one about the epoch before.
        if round.is_multiple_of(2) {
            self.publish_verdict().await;
        } else {
            self.move_weight(if round % 4 == 1 { 49.0 } else { 51.0 }).await;
        }
    }

    async fn ask(&self, key: &str, body: &Value, conversation: String) {
        let url = format!("http://{}/v1/chat/completions", self.gateway.address);
        let request = self.client.post(url).bearer_auth(key).header("x-weighbridge-conversation", conversation);
        let answer = request.json(body).send().await.unwrap();
        // What went wrong is in the metrics; a cut answer is an error here as well.
        drop(answer.text().await);
    }

    async fn publish_verdict(&self) {
        let url = format!("http://{}/admin/v1/migrations/{MIGRATION}/verdict", self.gateway.admin_address);
        let answer = self.client.put(url).bearer_auth(TOKEN).json(&verdict(self.gateway.epoch())).send().await.unwrap();
        let status = answer.status();
        assert_eq!(status, 200, "{}", answer.text().await.unwrap());
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

async fn mock(provider: Provider, faults: Faults, script: &Arc<Script>) -> mocks::Running {
    let (profile, script) = (Profile { faults, ..Profile::instant() }, Arc::clone(script));
    mocks::start(ANY, MockConfig { profile, script, log_capacity: 0, ..MockConfig::instant(provider) }).await.unwrap()
}

/// An answer that was thought about, to a prompt that the provider had in its cache, and one that the guard blocks.
fn script() -> Script {
    let mut script = Script::new();
    for provider in [Provider::OpenAi, Provider::DeepSeek] {
        let answer = ScriptAnswer {
            content: Some("Forty-two, all things considered.".to_owned()),
            reasoning: Some("Let me think about that. ".repeat(8)),
            prompt_tokens: Some(2000),
            cached_tokens: Some(1024),
            completion_tokens: Some(60),
            reasoning_tokens: Some(48),
            ..ScriptAnswer::default()
        };
        script.insert(provider, THOUGHT, answer);
        script.say(provider, TOLD, "Well then: forbidden fruit, and more of it.");
    }
    script
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

/// What an evaluation would have said of an epoch just now.
fn verdict(epoch: u64) -> Value {
    let now = jiff::Timestamp::now();
    let errors = json!({"metric": "errors", "segment": "all", "decides": true, "state": "hold-insufficient",
        "scale": "difference", "estimate": 0.001, "lower": -0.001, "upper": 0.007, "margin": 0.005, "alpha": 0.05,
        "alpha_alarm": 0.01, "n": 500, "baseline_value": null, "candidate_value": null, "method": "tango-score",
        "direction": "lower-is-better", "why": "the bound crosses the margin"});
    json!({"schema": "weighbridge.verdict/1", "verdict": "hold", "reasons": ["too few pairs"], "migration": MIGRATION,
        "epoch": epoch, "weight_percent": 50.0, "next_weight_percent": 50.0, "next_weight_bound": "hold", "needed": [],
        "guardrails": [errors], "instrument": {}, "bill": judge::verdict::Bill::default(),
        "window": {"from_us": now.as_microsecond() - 1_000_000, "to_us": now.as_microsecond()}, "inputs": [],
        "policy_digest": "p", "tariff_digest": "t", "seed": 0, "version": "0.1.0", "created_at": now.to_string(),
        "evidence": {"latency": [], "tokens": [], "outcomes": []}})
}

/// The shipped configuration with the addresses, folders and shares of the test, a limit that is soon reached, and Redis.
fn configuration(folder: &Path, [openai, deepseek, moderation]: &[String; 3], redis: &str) -> String {
    let mut text = std::fs::read_to_string(deploy().join("gateway.toml")).unwrap();
    std::fs::write(folder.join("words.toml"), WORDS).unwrap();
    let folder = folder.display().to_string();
    for (from, to) in [
        ("0.0.0.0:8080", "127.0.0.1:0"),
        ("0.0.0.0:8081", "127.0.0.1:0"),
        ("http://openai:9101/v1", openai),
        ("http://deepseek:9102", deepseek),
        ("http://moderation:9103/v1", moderation),
        ("/var/lib/weighbridge/quotas.ndjson", &format!("{folder}/quotas.ndjson")),
        ("/var/lib/weighbridge/records/records.ndjson", &format!("{folder}/records.ndjson")),
        // Both arms fail on purpose, and go on.
        ("weight_percent = 10", "weight_percent = 50\nlive_guard.enabled = false"),
        ("shadow_percent = 25", "shadow_percent = 100"),
        ("repeat_percent = 2", "repeat_percent = 50"),
        ("lists = [\"en\", \"zh\"]", &format!("lists = [\"en\", \"zh\"]\nfiles = [\"{folder}/words.toml\"]")),
        ("requests = 1200", "requests = 1000000"),
        ("usd = \"100.00\"", "usd = \"100.00\"\nunpriced = \"free\""),
    ] {
        text = swap(&text, from, to);
    }
    format!(
        "{text}\n[[quotas]]\nname = \"tight\"\nconsumers = [\"team-b\"]\nwindow = \"1s\"\nrequests = 1\n\n\
         [keys]\nfile = \"{folder}/consumers.json\"\n\n[redis]\nurl = \"{redis}\"\n\n\
         [traces]\nendpoint = \"{moderation}/no-collector\"\n"
    )
}
