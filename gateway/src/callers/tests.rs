use super::*;
use http::Request;
use std::path::Path;
use tempfile::TempDir;

const CONFIG: &str = r#"
server.authenticate = "keys"
server.trusted_proxies = ["10.0.0.0/8"]
[providers.openai]
kind = "openai"
base_url = "http://127.0.0.1:9101/v1"
api_key_env = "KEY"
[providers.deepseek]
kind = "deepseek"
base_url = "http://127.0.0.1:9102"
api_key_env = "KEY"
[migrations.move]
baseline = "openai"
candidate = "deepseek"
weight_percent = 0
models = { "gpt-4o-mini" = "deepseek-flash" }
[consumers.fixed]
keys_env = "KEYS"
groups = ["research"]
"#;

fn config(more: &str) -> Config {
    let environment = |name: &str| match name {
        "KEYS" => Some("sk-fixed".to_owned()),
        _ => Some("secret".to_owned()),
    };
    Config::parse(&format!("{CONFIG}{more}"), Path::new("gateway.toml"), &environment).unwrap()
}

/// Callers with a key file in a folder of its own.
fn house() -> (TempDir, Config, Callers) {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&format!("[keys]\nfile = '{}'", folder.path().join("consumers.json").display()));
    let callers = Callers::start(&config, None, 1).unwrap();
    (folder, config, callers)
}

async fn admit(callers: &Callers, config: &Config, peer: &str, headers: &[(&str, &str)]) -> Result<Caller, Problem> {
    let mut request = Request::builder().uri("/v1/chat/completions");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    callers.admit(config, &parts, SocketAddr::new(peer.parse().unwrap(), 1)).await
}

async fn status(callers: &Callers, config: &Config, key: &str) -> u16 {
    let found = admit(callers, config, "192.0.2.1", &[("x-api-key", key)]).await;
    found.map_or_else(|problem| problem.status.as_u16(), |_| 200)
}

fn create(consumer: &str, scopes: &str) -> Change {
    let scopes = serde_json::from_str(scopes).unwrap();
    Change::Create { consumer: consumer.to_owned(), note: String::new(), scopes, expires_at: None }
}

#[tokio::test]
async fn consumers_of_both_places_call_side_by_side() {
    let (_folder, config, callers) = house();
    let issued = callers.change(&create("kept", "{}"), None, 2).await.unwrap().issued.unwrap();
    for (key, name, groups) in [("sk-fixed", "fixed", 1), (issued.key.as_str(), "kept", 0)] {
        let caller = admit(&callers, &config, "192.0.2.1", &[("x-api-key", key)]).await.unwrap();
        assert_eq!((caller.name.as_deref(), caller.groups.len(), caller.notices.len()), (Some(name), groups, 0));
    }
    let error = callers.change(&create("fixed", "{}"), None, 3).await.unwrap_err().to_string();
    assert!(error.contains("consumer fixed stands in [consumers] of the configuration and in"), "{error}");
    assert_eq!(callers.listing(3).generation, 1, "what does not fit is not kept");
    assert_eq!(status(&callers, &config, &issued.key).await, 200);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_key_the_answer_is_the_same() {
    let (_folder, config, callers) = house();
    let revoked = callers.change(&create("a", "{}"), None, 2).await.unwrap().issued.unwrap();
    let change = Change::Revoke { ids: vec![revoked.id], consumer: None };
    callers.change(&change, None, 3).await.unwrap();
    let mut bodies = std::collections::BTreeSet::new();
    for headers in [
        vec![],
        vec![("x-api-key", "sk-unknown")],
        vec![("x-api-key", revoked.key.as_str())],
        vec![("x-api-key", "sk-fixed"), ("authorization", "Bearer sk-other")],
    ] {
        let problem = admit(&callers, &config, "192.0.2.1", &headers).await.unwrap_err();
        bodies.insert((problem.status.as_u16(), problem.body.to_json(), format!("{:?}", problem.headers)));
    }
    assert_eq!((bodies.len(), bodies.first().unwrap().0), (1, 401), "{bodies:?}");
    let refused = callers.counts().refused;
    assert_eq!((refused[0], refused[1], refused[4]), (("missing", 1), ("unknown", 2), ("revoked", 1)));
}

#[tokio::test]
async fn scopes_are_held_and_only_they_answer_403() {
    let (_folder, config, callers) = house();
    let scopes = r#"{"models": ["gpt-4o*"], "endpoints": ["chat"], "sources": ["203.0.113.0/24"]}"#;
    let issued = callers.change(&create("a", scopes), None, 2).await.unwrap().issued.unwrap();
    let key = ("x-api-key", issued.key.as_str());
    let outside = admit(&callers, &config, "192.0.2.1", &[key, ("x-forwarded-for", "203.0.113.9")]).await.unwrap_err();
    assert_eq!(outside.status.as_u16(), 403, "anybody can write that header");
    let caller = admit(&callers, &config, "10.1.1.1", &[key, ("x-forwarded-for", "203.0.113.9")]).await.unwrap();
    let may = |endpoint, model| caller.may(&Errand { endpoint, model, migration: "none" });
    assert!(may(Endpoint::Chat, "gpt-4o-mini").is_ok());
    assert_eq!(may(Endpoint::Chat, "o3").unwrap_err().body.to_json(), outside.body.to_json(), "which one is not told");
    assert!(may(Endpoint::Embeddings, "gpt-4o-mini").is_err());
    assert!(caller.may_see("gpt-4o", "move") && !caller.may_see("o3", "move"));
    assert!(Caller::default().may_see("o3", "move"));
    assert_eq!(callers.counts().refused[5], ("scope", 3));
    assert!(caller.is_narrowed() && !Caller::default().is_narrowed());
}

#[tokio::test]
async fn a_changed_file_is_taken_a_broken_one_is_not_and_nothing_is_lost() {
    let (folder, config, callers) = house();
    assert_eq!(callers.refresh(2).await.unwrap(), Refreshed::Nothing);
    let file = file::KeyFile::new(&folder.path().join("consumers.json"));
    let issued = file.change(&create("a", "{}"), 3).unwrap().issued.unwrap();
    assert_eq!(status(&callers, &config, &issued.key).await, 401);
    assert_eq!(callers.refresh(4).await.unwrap(), Refreshed::Found { is_new: true });
    assert_eq!(status(&callers, &config, &issued.key).await, 200);
    let good = file.read().unwrap().unwrap();
    std::fs::write(file.path(), "{\"format\": \"sk-secret\"").unwrap();
    let error = callers.refresh(5).await.unwrap_err().to_string();
    assert!(error.contains("line 1") && !error.contains("secret"), "{error}");
    assert_eq!(status(&callers, &config, &issued.key).await, 200, "the last good one stays");
    assert!(callers.change(&create("b", "{}"), None, 6).await.is_err(), "nothing is written over what is broken");
    std::fs::write(file.path(), good).unwrap();
    assert_eq!(callers.refresh(7).await.unwrap(), Refreshed::Found { is_new: false });
    std::fs::rename(file.path(), folder.path().join("away")).unwrap();
    let gone = callers.change(&create("b", "{}"), None, 8).await.unwrap_err().to_string();
    assert!(gone.contains("is gone") && file.read().unwrap().is_none(), "{gone}");
    std::fs::rename(folder.path().join("away"), file.path()).unwrap();
    let other = callers.change(&create("b", "{}"), Some(1), 8).await.unwrap();
    assert_eq!(other.generation, 2);
    let late = callers.change(&create("c", "{}"), Some(1), 9).await.unwrap_err().to_string();
    assert!(late.contains("the generation is 2 by now, not 1"), "{late}");
}

#[tokio::test]
async fn without_keys_nothing_is_looked_at_and_with_some_they_name_their_callers() {
    let open = CONFIG.replace("server.authenticate = \"keys\"", "");
    let parse = |text: &str| Config::parse(text, Path::new("g"), &|_| Some("sk-fixed".to_owned())).unwrap();
    let config = parse(&open);
    let callers = Callers::start(&config, None, 1).unwrap();
    let name = async |key| admit(&callers, &config, "192.0.2.1", &[("x-api-key", key)]).await.unwrap().name;
    assert_eq!((name("sk-fixed").await.as_deref(), name("sk-unknown").await), (Some("fixed"), None));
    let change = callers.change(&create("a", "{}"), None, 2).await.unwrap_err().to_string();
    assert!(change.contains("set keys.file"), "{change}");
    assert_eq!(callers.counts().refused.iter().map(|(_, count)| count).sum::<u64>(), 0);
}

#[tokio::test]
async fn a_new_configuration_keeps_the_kept_ones_or_is_refused() {
    let (_folder, config, callers) = house();
    let issued = callers.change(&create("kept", "{}"), None, 2).await.unwrap().issued.unwrap();
    let mut next = config.clone();
    next.consumers = self::config("[consumers.kept]\nkeys_env = 'OTHER'").consumers;
    let error = callers.configure(&next, 3).unwrap_err().to_string();
    assert!(error.contains("consumer kept stands in"), "{error}");
    next.consumers = self::config("[consumers.more]\nkeys_env = 'OTHER'").consumers;
    callers.configure(&next, 3).unwrap();
    for key in ["sk-fixed", "secret", &issued.key] {
        assert_eq!(status(&callers, &next, key).await, 200, "{key}");
    }
}

#[tokio::test]
async fn a_key_that_ends_is_warned_of_with_every_answer() {
    let (_folder, config, callers) = house();
    let now_us = crate::clock::now_us();
    let sunset_at = lease::keys::Instant::parse("90d", now_us);
    let sha256 = lease::keys::Digest::of("sk-old");
    let keys = vec![lease::keys::Old { consumer: "a".to_owned(), sha256, sunset_at, note: String::new() }];
    callers.change(&Change::Adopt { keys, sunset_at: None }, None, now_us).await.unwrap();
    let caller = admit(&callers, &config, "192.0.2.1", &[("authorization", "Bearer sk-old")]).await.unwrap();
    let told: Vec<String> =
        caller.notices.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    assert_eq!(told[0], format!("x-weighbridge-key-sunset: {}", sunset_at.unwrap()));
    assert_eq!(told[1], format!("sunset: {}", sunset_at.unwrap().http_date()));
    assert_eq!(told[2], format!("deprecation: @{}", now_us / 1_000_000));
    let shown = callers.listing(now_us);
    let used = &shown.consumers[1].keys[0];
    assert_eq!((used.uses_by_day.values().sum::<u64>(), callers.tally().old_uses()), (1, 1));
}

#[test]
fn the_example_of_the_readme_can_be_read() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let document = lease::keys::Document::from_json(example.as_bytes()).unwrap();
    assert_eq!((document.generation, document.keys().count()), (3, 1));
}
