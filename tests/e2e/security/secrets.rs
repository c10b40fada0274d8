//! Everything that leaves a running gateway, read for what must never leave it: its log at its most talkative, its metrics,
//! its admin plane, its records, and every answer to every client, good and bad.

use crate::command::weighbridge;
use crate::harness::{ANY, PROVIDER_KEY, TOKEN, chat, client, read, until};
use crate::raw;
use mocks::{Faults, MockConfig, Profile, Provider};
use serde_json::json;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

const CONSUMER_KEY: &str = "sk-consumer-key-of-the-tests";
const SECOND_KEY: &str = "sk-second-provider-key-of-the-tests";
const JUDGE_KEY: &str = "sk-key-of-the-moderation-of-the-tests";
const WRONG_KEY: &str = "sk-wrong-key-that-somebody-typed";
const PROMPT: &str = "the-prompt-nobody-else-may-read";

/// It ends with the test.
struct Served {
    child: Child,
    data: String,
    admin: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ended = self.child.kill().and_then(|()| self.child.wait().map(drop));
    }
}

fn serve(folder: &Path, openai: &str, deepseek: &str, judge: &str) -> Served {
    let config = folder.join("gateway.toml");
    let records = folder.join("records.ndjson");
    let text = format!(
        r#"
server.listen = "127.0.0.1:0"
admin.listen = "127.0.0.1:0"
server.authenticate = "keys"
[consumers.team-a]
keys_env = "TEAM_A_KEYS"
[providers.openai]
kind = "openai"
base_url = "{openai}"
api_key_env = "OPENAI_API_KEY"
api_keys_env = ["OPENAI_API_KEY_2"]
[providers.deepseek]
kind = "deepseek"
base_url = "{deepseek}"
api_key_env = "DEEPSEEK_API_KEY"
[migrations.move]
baseline = "openai"
candidate = "deepseek"
weight_percent = 50
shadow_percent = 100
models = {{ "gpt-4o-mini" = "deepseek-flash" }}
[keys]
file = "{}"
[[quotas]]
name = "pace"
per = ["consumer"]
window = "1d"
requests = 9
tokens = 1000000
usd = "10"
[quota_store]
file = "{}"
[safety]
policy = "usual"
[safety.backends.words]
kind = "lists"
lists = ["en"]
[safety.backends.judge]
kind = "openai"
base_url = "{judge}"
api_key_env = "JUDGE_KEY"
[safety.policies.usual]
request = ["words", "judge"]
response = ["words"]
[records]
path = "{}"
redaction = "hashed"
"#,
        folder.join("consumers.json").display(),
        folder.join("quotas.ndjson").display(),
        records.display()
    );
    std::fs::write(&config, text).unwrap();
    let mut command = weighbridge([Path::new("serve"), Path::new("--config"), &config]);
    command
        .env("OPENAI_API_KEY_2", SECOND_KEY)
        .env("TEAM_A_KEYS", CONSUMER_KEY)
        .env("JUDGE_KEY", JUDGE_KEY)
        .env("WEIGHBRIDGE_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(File::create(folder.join("log")).unwrap());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut address = || {
        let line = lines.next().expect("it prints where it listens").unwrap();
        format!("http://{}", line.split("http://").nth(1).unwrap().split('/').next().unwrap())
    };
    let (data, admin) = (address(), address());
    Served { child, data, admin }
}

/// Logs in to the console, well and badly, and changes something; returns the cookie's value.
async fn log_in(served: &Served) -> String {
    let mark = ("x-weighbridge-console", "1");
    let post = |token: &str| {
        let url = format!("{}/console/session", served.admin);
        client().post(url).header(mark.0, mark.1).json(&json!({"token": token}))
    };
    assert_eq!(post(WRONG_KEY).send().await.unwrap().status(), 401);
    let told = read(post(TOKEN).send().await.unwrap()).await;
    let cookie = told.header("set-cookie").split(';').next().unwrap().to_owned();
    let rollback = format!("{}/admin/v1/migrations/move/rollback", served.admin);
    let changed = client().post(rollback).header(mark.0, mark.1).header("cookie", &cookie);
    assert_eq!(changed.json(&json!({"reason": "test"})).send().await.unwrap().status(), 200);
    cookie.split_once('=').unwrap().1.to_owned()
}

/// Asks as a client would, well and badly; returns all that came back, heads and bodies.
async fn traffic(served: &Served) -> String {
    let mut seen = String::new();
    let mut keep = async |request: reqwest::RequestBuilder| {
        let answer = read(request.send().await.unwrap()).await;
        seen += &format!("{} {:?}\n{}\n", answer.status, answer.headers, answer.text);
    };
    let url = format!("{}/v1/chat/completions", served.data);
    for round in 0..12 {
        let body = chat(&format!("{PROMPT} {round}"), &json!({"stream": round % 2 == 0, "user": PROMPT}));
        keep(client().post(&url).bearer_auth(CONSUMER_KEY).json(&body)).await;
    }
    let broken = format!("{{\"model\":\"gpt-4o-mini\",\"messages\":[{{\"content\":\"{PROMPT}\"");
    keep(client().post(&url).bearer_auth(CONSUMER_KEY).body(broken)).await;
    keep(client().post(&url).bearer_auth(CONSUMER_KEY).json(&json!({"model": PROMPT, "messages": PROMPT}))).await;
    keep(client().post(&url).bearer_auth(WRONG_KEY).json(&chat(PROMPT, &json!({})))).await;
    keep(client().post(&url).header("x-api-key", WRONG_KEY).json(&chat(PROMPT, &json!({})))).await;
    keep(client().get(format!("{}/v1/models", served.data)).bearer_auth(CONSUMER_KEY)).await;
    keep(client().get(format!("{}/v1/models/nothing", served.data)).bearer_auth(CONSUMER_KEY)).await;
    keep(client().get(format!("{}/v1/elsewhere?key={WRONG_KEY}", served.data))).await;
    for path in ["migrations", "console", "audit", "providers", "consumers", "quotas", "usage", "replicas", "nothing"] {
        keep(client().get(format!("{}/admin/v1/{path}", served.admin)).bearer_auth(TOKEN)).await;
        keep(client().get(format!("{}/admin/v1/{path}", served.admin)).bearer_auth(WRONG_KEY)).await;
    }
    let reload = format!("{}/admin/v1/config/reload", served.admin);
    keep(client().post(reload).bearer_auth(TOKEN)).await;
    keep(client().get(format!("{}/metrics", served.admin)).bearer_auth(TOKEN)).await;
    seen
}

#[tokio::test]
async fn no_key_no_token_and_no_prompt_leaves_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let mock = async |provider, key: Option<&str>, faults| {
        let profile = Profile { faults, ..Profile::instant() };
        let config = MockConfig { profile, accept_key: key.map(str::to_owned), ..MockConfig::instant(provider) };
        mocks::start(ANY, config).await.unwrap()
    };
    // The baseline refuses the first of its keys, the candidate fails every third time.
    let openai = mock(Provider::OpenAi, Some(SECOND_KEY), Faults::default()).await;
    let faults = Faults { error_500: 0.3, ..Faults::default() };
    let deepseek = mock(Provider::DeepSeek, None, faults).await;
    // Everybody who judges is told to go away: their key shows in no complaint about that.
    let judge = mock(Provider::OpenAi, Some("another"), Faults::default()).await;
    let mut served = serve(folder.path(), &openai.base_url(), &deepseek.base_url(), &judge.base_url());
    let mut seen = traffic(&served).await;
    let cookie = log_in(&served).await;
    assert!(seen.contains("\"finish_reason\":\"stop\""), "somebody was answered: {seen}");
    until("copies have ended", || deepseek.requests().counts().in_flight == 0).await;
    assert!(std::process::Command::new("kill").arg(served.child.id().to_string()).status().unwrap().success());
    let child = &mut served.child;
    raw::soon("the gateway stops", async {
        until("it has stopped", || child.try_wait().unwrap().is_some()).await;
    })
    .await;
    let answers = seen.clone();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        // The configuration names variables; it is the owner's and holds no secret either.
        seen += &format!("\n== {}\n", path.display());
        seen += &String::from_utf8_lossy(&std::fs::read(&path).unwrap());
    }
    assert!(seen.contains("\"consumer\":\"team-a\"") && seen.contains("gateway is up"), "records and log are here");
    assert!(seen.contains("Limit pace reached"), "a quota was reached");
    for secret in [PROVIDER_KEY, SECOND_KEY, JUDGE_KEY, TOKEN, CONSUMER_KEY, WRONG_KEY, &cookie] {
        for form in forms(secret) {
            let place = seen.find(&form).map(|at| &seen[at.saturating_sub(300)..(at + 100).min(seen.len())]);
            assert!(place.is_none(), "{secret} as {form} stands in ...{}...", place.unwrap_or_default());
        }
    }
    // The mocks' answers repeat prompts: clients may see what they asked, and nobody else anything.
    let elsewhere = &seen[answers.len()..];
    assert!(!elsewhere.contains(PROMPT), "{}", &elsewhere[elsewhere.find(PROMPT).unwrap_or(0).saturating_sub(300)..]);
}

/// A secret as it could have been written.
fn forms(secret: &str) -> [String; 3] {
    [secret.to_owned(), datasets::digest::of_bytes(secret.as_bytes()), base64(secret)]
}

/// The digits of base64, without what depends on where in a text it stands.
fn base64(secret: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let whole = secret.as_bytes().chunks_exact(3);
    let digits = whole.flat_map(|three| {
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[(bits >> shift) as usize & 63]))
    });
    digits.collect()
}

#[test]
fn base64_is_base64() {
    assert_eq!(base64("Man is"), "TWFuIGlz");
}
