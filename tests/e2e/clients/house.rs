//! Two mocks and a gateway before them, as the clients' checks need it: recorded tool calls, limited lists of models.

use super::suite::{Arm, Suite};
use crate::harness::{ANY, House, client, environment};
use gateway::Config;
use mocks::{MockConfig, Profile, Provider, Script};
use std::path::Path;
use std::sync::Arc;

/// What differs between houses.
#[derive(Debug, Clone)]
pub(crate) struct Situation {
    pub weight_percent: f64,
    pub shadow_percent: f64,
    /// Manners of the mocks.
    pub openai: Profile,
    pub deepseek: Profile,
    /// Whose manners the candidate has, in the mocks and in the configuration.
    pub candidate: Provider,
    /// The only key that both providers accept; `None` takes any.
    pub accept_key: Option<String>,
}

impl Default for Situation {
    fn default() -> Self {
        Self {
            weight_percent: 0.0,
            shadow_percent: 0.0,
            openai: Profile::instant(),
            deepseek: Profile::instant(),
            candidate: Provider::DeepSeek,
            accept_key: None,
        }
    }
}

/// What the baseline sells.
const MODELS: [&str; 6] = [
    "gpt-4o-mini",
    "gpt-5-mini",
    "gpt-3.5-turbo-instruct",
    "text-embedding-3-small",
    "omni-moderation-latest",
    "omni-moderation-2024-09-26",
];

impl Situation {
    pub(crate) async fn build(self) -> House {
        let folder = tempfile::tempdir().unwrap();
        let records = folder.path().join("records.ndjson");
        let script = Script::read(&crate::command::root().join("tests/e2e/clients/script.ndjson")).unwrap();
        let common = MockConfig {
            script: Arc::new(script),
            accept_key: self.accept_key.clone(),
            ..MockConfig::instant(Provider::OpenAi)
        };
        let models = Some(MODELS.map(str::to_owned).to_vec());
        let openai = MockConfig { profile: self.openai.clone(), models, ..common.clone() };
        // DeepSeek knows what it sells; another server has to be told.
        let models = (self.candidate == Provider::Compatible).then(|| vec!["deepseek-flash".to_owned()]);
        let candidate = MockConfig { provider: self.candidate, profile: self.deepseek.clone(), models, ..common };
        let openai = mocks::start(ANY, openai).await.unwrap();
        let deepseek = mocks::start(ANY, candidate).await.unwrap();
        let text = self.config(&openai.base_url(), &deepseek.base_url(), &records);
        let config = Config::parse(&text, Path::new("clients.toml"), &environment).unwrap();
        let gateway = gateway::start(config, None).await.unwrap();
        House { openai, deepseek, gateway, client: client(), records, _folder: folder }
    }

    /// Every model is mapped, those included that the candidate has no endpoint for: the arm must be refused for what
    /// the request asks, not for its model's name. One is mapped to a name that nobody sells.
    fn config(&self, openai: &str, candidate: &str, records: &Path) -> String {
        let Self { weight_percent, shadow_percent, .. } = self;
        let kind = self.candidate.name();
        format!(
            r#"
server.listen = "127.0.0.1:0"
admin.listen = "127.0.0.1:0"
[providers.openai]
kind = "openai"
base_url = "{openai}"
api_key_env = "KEY"
breaker = false
[providers.other]
kind = "{kind}"
base_url = "{candidate}"
api_key_env = "KEY"
breaker = false
[migrations.move]
baseline = "openai"
candidate = "other"
weight_percent = {weight_percent:?}
shadow_percent = {shadow_percent:?}
live_guard.enabled = false
[migrations.move.models]
"gpt-4o-mini" = "deepseek-flash"
"gpt-5-mini" = "deepseek-flash"
"gpt-3.5-turbo-instruct" = "deepseek-flash"
"text-embedding-3-small" = "deepseek-flash"
"gpt-gone" = "deepseek-gone"
[records]
path = "{}"
"#,
            records.display()
        )
    }
}

impl House {
    /// A suite against the gateway of this house.
    pub(crate) fn suite(&self, name: &'static str, arm: Arm) -> Suite {
        Suite { name, arm, url: format!("http://{}/v1", self.gateway.address) }
    }
}
