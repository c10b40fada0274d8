//! Mocks and a gateway in process, and a client that reads whole answers.

use datasets::{Exchange, Format, Lines};
use gateway::Config;
use mocks::{MockConfig, Profile, Provider};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The admin token of every gateway here.
pub(crate) const TOKEN: &str = "admin-token-of-the-tests";
/// The providers' keys; a test greps what leaves the process for them.
pub(crate) const PROVIDER_KEY: &str = "sk-provider-key-of-the-tests";

/// Any free port on loopback.
pub(crate) const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Mocks, a gateway before them, and its records.
pub(crate) struct House {
    pub openai: mocks::Running,
    pub deepseek: mocks::Running,
    pub gateway: gateway::Running,
    pub client: reqwest::Client,
    pub records: PathBuf,
    pub _folder: TempDir,
}

/// What a test changes of the usual house.
pub(crate) struct Plan {
    pub weight_percent: f64,
    pub shadow_percent: f64,
    pub openai: Profile,
    pub deepseek: Profile,
    /// More lines for the gateway's configuration, before its tables.
    pub extra: &'static str,
    /// More lines for the baseline's provider.
    pub openai_extra: &'static str,
    /// More lines for the candidate's provider.
    pub deepseek_extra: &'static str,
    /// The only key that the candidate takes.
    pub deepseek_key: Option<&'static str>,
    /// More lines for the migration.
    pub migration: &'static str,
    /// The live guard takes traffic from a candidate that fails: off where a test wants it to fail.
    pub live_guard: bool,
    /// Instead of the baseline's mock: another address.
    pub baseline_url: Option<String>,
    /// Instead of the candidate's mock: another address, or one where nothing listens.
    pub candidate_url: Option<String>,
    /// What the mocks answer to which prompt; anything else is made up.
    pub script: mocks::Script,
    /// Text of a file `words.toml` beside the configuration.
    pub words: &'static str,
    /// Text of a file `prices.toml` beside the configuration.
    pub prices: &'static str,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            weight_percent: 0.0,
            shadow_percent: 0.0,
            openai: Profile::instant(),
            deepseek: Profile::instant(),
            extra: "",
            openai_extra: "",
            deepseek_extra: "",
            deepseek_key: None,
            migration: "",
            live_guard: false,
            baseline_url: None,
            candidate_url: None,
            script: mocks::Script::new(),
            words: "",
            prices: "",
        }
    }
}

impl Plan {
    pub(crate) async fn build(self) -> House {
        let folder = tempfile::tempdir().unwrap();
        let records = folder.path().join("records.ndjson");
        let mock = async |provider, profile, key: Option<&str>| {
            let (accept_key, script) = (key.map(str::to_owned), std::sync::Arc::new(self.script.clone()));
            let config = MockConfig { profile, accept_key, script, ..MockConfig::instant(provider) };
            mocks::start(ANY, config).await.unwrap()
        };
        let openai = mock(Provider::OpenAi, self.openai.clone(), None).await;
        let deepseek = mock(Provider::DeepSeek, self.deepseek.clone(), self.deepseek_key).await;
        std::fs::write(folder.path().join("words.toml"), self.words).unwrap();
        std::fs::write(folder.path().join("prices.toml"), self.prices).unwrap();
        let config = folder.path().join("gateway.toml");
        std::fs::write(&config, self.config(&openai.base_url(), &deepseek.base_url(), &records)).unwrap();
        let path = config.clone();
        let read = move || Config::read(&path, &environment);
        let gateway = gateway::start(read().unwrap(), Some(Box::new(read))).await.unwrap();
        House { openai, deepseek, gateway, client: client(), records, _folder: folder }
    }

    /// The gateway's configuration before these mocks.
    pub(crate) fn config(&self, openai: &str, deepseek: &str, records: &Path) -> String {
        let Self { weight_percent, shadow_percent, extra, openai_extra, deepseek_extra, migration, live_guard, .. } =
            self;
        let openai = self.baseline_url.as_deref().unwrap_or(openai);
        let deepseek = self.candidate_url.as_deref().unwrap_or(deepseek);
        let extra = extra.replace("FOLDER", &records.parent().unwrap().display().to_string());
        format!(
            r#"
server.listen = "127.0.0.1:0"
admin.listen = "127.0.0.1:0"
{extra}
[providers.openai]
kind = "openai"
base_url = "{openai}"
api_key_env = "KEY"
{openai_extra}
[providers.deepseek]
kind = "deepseek"
base_url = "{deepseek}"
api_key_env = "KEY"
{deepseek_extra}
[migrations.move]
baseline = "openai"
candidate = "deepseek"
weight_percent = {weight_percent:?}
shadow_percent = {shadow_percent:?}
models = {{ "gpt-4o-mini" = "deepseek-flash" }}
live_guard.enabled = {live_guard}
{migration}
[records]
path = "{}"
redaction = "full"
"#,
            records.display()
        )
    }
}

pub(crate) fn environment(name: &str) -> Option<String> {
    match name {
        "KEY" => Some(PROVIDER_KEY.to_owned()),
        "WEIGHBRIDGE_ADMIN_TOKEN" => Some(TOKEN.to_owned()),
        _ => None,
    }
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(std::time::Duration::from_secs(30)).build().unwrap()
}

/// A chat request with one user message and more members.
pub(crate) fn chat(prompt: &str, more: &Value) -> Value {
    let mut body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": prompt}]});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

/// A whole answer.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Data of the events of a stream, the end mark included.
    pub(crate) fn events(&self) -> Vec<&str> {
        self.text.split("\n\n").filter_map(|frame| frame.strip_prefix("data: ")).collect()
    }
}

impl House {
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1/chat/completions", self.gateway.address)
    }

    pub(crate) async fn ask(&self, body: &Value) -> Answer {
        self.ask_as(body, &[]).await
    }

    pub(crate) async fn ask_as(&self, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.client.post(self.url()).bearer_auth("sk-old-key-of-the-client").json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send().await.unwrap()).await
    }

    pub(crate) async fn admin(&self, path: &str) -> Answer {
        let url = format!("http://{}{path}", self.gateway.admin_address);
        read(self.client.get(url).bearer_auth(TOKEN).send().await.unwrap()).await
    }

    /// The configuration, which the gateway reads again when it is told to.
    pub(crate) fn config(&self) -> PathBuf {
        self.records.with_file_name("gateway.toml")
    }

    /// Tells the gateway to read its configuration again.
    pub(crate) async fn reload(&self) -> Answer {
        let url = format!("http://{}/admin/v1/config/reload", self.gateway.admin_address);
        read(self.client.post(url).bearer_auth(TOKEN).send().await.unwrap()).await
    }

    pub(crate) async fn set_weight(&self, percent: f64, epoch: u64) -> Answer {
        let url = format!("http://{}/admin/v1/migrations/move/weight", self.gateway.admin_address);
        let request = self.client.put(url).bearer_auth(TOKEN).header("if-match", format!("\"{epoch}\""));
        read(request.json(&json!({"weight_percent": percent, "reason": "test"})).send().await.unwrap()).await
    }

    /// All records so far, once everything under way has ended.
    pub(crate) async fn records(&self) -> Vec<Exchange> {
        self.gateway.settle().await;
        Lines::open(&self.records, Format::Exchanges).unwrap().map(Result::unwrap).collect()
    }
}

pub(crate) async fn read(response: reqwest::Response) -> Answer {
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

/// Waits until a condition holds; a test that never gets there is ended by the deadline.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    assert!(tokio::time::timeout(std::time::Duration::from_secs(20), wait).await.is_ok(), "never came: {what}");
}
