//! Keys of consumers: an unchanged client with its old key, a new key shown once, and what happens when either ends.

mod guess;
mod secrets;

use crate::command;
use crate::harness::{Answer, House, Plan, TOKEN, chat, read};
use http::Method;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// The key that the harness's client has always had.
const OLD_KEY: &str = "sk-old-key-of-the-client";
/// A consumer of the configuration beside the kept ones.
const FIXED: &str = "sk-key-of-the-configuration";

/// A house whose clients need keys, kept in a file of a folder of its own.
struct Leased {
    house: House,
    file: PathBuf,
    _folder: TempDir,
}

impl Leased {
    async fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("consumers.json");
        let text = format!(
            "server.authenticate = \"keys\"\nkeys.file = \"{}\"\n\
             keys.sources = [\"bearer\", {{ header = \"x-team-key\" }}, {{ query = \"api_key\" }}]\n\
             consumers.fixed.keys_sha256 = [\"{}\"]\n{more}\n",
            file.display(),
            datasets::digest::of_bytes(FIXED.as_bytes()),
        );
        let house = Plan { extra: String::leak(text), ..Plan::default() }.build().await;
        Self { house, file, _folder: folder }
    }

    /// A chat with this key.
    async fn ask(&self, key: &str) -> Answer {
        let request = self.house.client.post(self.house.url()).bearer_auth(key);
        read(request.json(&chat("hi", &json!({}))).send().await.unwrap()).await
    }

    /// A call of the admin plane below `/admin/v1/consumers`.
    async fn call(&self, method: Method, path: &str, body: &Value, tag: Option<&str>) -> Answer {
        let url = format!("http://{}/admin/v1/consumers{path}", self.house.gateway.admin_address);
        let mut request = self.house.client.request(method, url).bearer_auth(TOKEN).json(body);
        if let Some(tag) = tag {
            request = request.header("if-match", tag);
        }
        read(request.send().await.unwrap()).await
    }

    /// A new key of a consumer: its id and itself.
    async fn create(&self, consumer: &str, body: &Value) -> (String, String) {
        let made = self.call(Method::POST, &format!("/{consumer}/keys"), body, None).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let word = |name: &str| made.json()["issued"][name].as_str().unwrap().to_owned();
        (word("id"), word("key"))
    }

    /// The command against this gateway.
    async fn keys(&self, args: &[&str]) -> command::Ran {
        let target = format!("http://{}", self.house.gateway.admin_address);
        command::run(["keys"].iter().chain(args).copied().chain(["--target", &target])).await
    }

    /// Asks until the answer has this status; a test that never gets there is ended by the deadline.
    async fn until(&self, key: &str, status: u16) {
        let wait = async {
            while self.ask(key).await.status != status {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "never {status}");
    }
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn an_unchanged_client_goes_on_with_its_old_key_and_is_told_when_it_ends() {
    let leased = Leased::new("").await;
    assert_eq!(leased.ask(OLD_KEY).await.status, 401);
    let list = leased.file.with_file_name("old.csv");
    let hash = datasets::digest::of_bytes(b"sk-other");
    std::fs::write(&list, format!("consumer,key,sunset\nteam-a,{OLD_KEY},2099-12-31\nteam-b,{hash},\n")).unwrap();
    let adopted = leased.keys(&["adopt", list.to_str().unwrap(), "--sunset", "2098-01-01"]).await;
    assert_eq!((adopted.code, adopted.out.as_str()), (0, "2 keys changed\n"), "{}", adopted.err);

    let body = chat("hi", &json!({}));
    let stream = leased.house.ask(&chat("hi", &json!({"stream": true}))).await;
    let wrong = leased.house.ask(&json!({"model": 5})).await;
    let models = leased.house.client.get(format!("http://{}/v1/models", leased.house.gateway.address));
    let models = read(models.bearer_auth(OLD_KEY).send().await.unwrap()).await;
    let answers = [leased.house.ask(&body).await, stream, wrong, models];
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 200, 400, 200]);
    for answer in &answers {
        assert_eq!(answer.header("x-weighbridge-key-sunset"), "2099-12-31T00:00:00Z");
        assert_eq!(answer.header("sunset"), "Thu, 31 Dec 2099 00:00:00 GMT");
        assert!(answer.header("deprecation").starts_with('@'));
    }
    assert_eq!(leased.ask("sk-other").await.header("x-weighbridge-key-sunset"), "2098-01-01T00:00:00Z", "by its hash");
    let fixed = leased.ask(FIXED).await;
    assert_eq!((fixed.status, fixed.header("sunset")), (200, ""));
    let records = leased.house.records().await;
    let names: Vec<_> = records.iter().map(|record| record.consumer.as_deref().unwrap()).collect();
    assert_eq!(names, ["team-a", "team-a", "team-b", "fixed"]);

    let shown = leased.keys(&["list", "--old", "--consumer", "team-a"]).await;
    assert!(shown.out.contains("team-a") && shown.out.contains("1 of 1 old keys were used"), "{}", shown.out);
    let page = leased.house.admin("/metrics").await.text;
    assert!(page.contains("weighbridge_keys_old_uses_total 6"), "four of a, one of b, one of the configuration");
}

#[tokio::test]
async fn an_old_key_is_refused_to_the_second_and_can_be_brought_back() {
    let leased = Leased::new("").await;
    let now_us = || jiff::Timestamp::now().as_microsecond();
    let sunset_us = (now_us() / 1_000_000 + 3) * 1_000_000;
    let sunset = jiff::Timestamp::from_microsecond(sunset_us).unwrap().to_string();
    let keys = json!({"keys": [{"consumer": "team-a", "key": OLD_KEY}], "sunset_at": sunset});
    let adopted = leased.call(Method::POST, "/adopt", &keys, None).await;
    assert_eq!(adopted.status, 200, "{}", adopted.text);
    let mut served = 0;
    let refused = loop {
        let asked_us = now_us();
        let answer = leased.ask(OLD_KEY).await;
        if answer.status != 200 {
            assert!(now_us() >= sunset_us, "refused too early");
            break answer;
        }
        assert!(asked_us < sunset_us, "served too late");
        served += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(served > 0);
    assert_eq!((code(&refused), refused.header("sunset")), ((401, "invalid_api_key".to_owned()), ""));
    assert_eq!(refused.text, leased.ask("sk-of-nobody").await.text, "what is wrong with it is not told");
    let again = leased.keys(&["amend", "--consumer", "team-a", "--sunset", "30d"]).await;
    assert_eq!((again.code, again.out.as_str()), (0, "1 key changed\n"), "{}", again.err);
    assert_eq!(leased.ask(OLD_KEY).await.status, 200);
    leased.keys(&["amend", "--consumer", "team-a", "--sunset", "never"]).await;
    assert_eq!(leased.ask(OLD_KEY).await.header("sunset"), "");
}

#[tokio::test]
async fn a_key_is_shown_once_rotated_revoked_at_once_and_given_back() {
    let leased = Leased::new("").await;
    let (id, key) = leased.create("team-a", &json!({"note": "first"})).await;
    assert!(key.starts_with(&format!("wb-{id}-")));
    assert_eq!(leased.ask(&key).await.status, 200);
    let listed = leased.call(Method::GET, "", &json!({}), None).await;
    assert!(listed.text.contains(&id) && !listed.text.contains(&key[16..]), "only its beginning is shown");
    assert_eq!(listed.header("etag"), "\"1\"");

    let rotated = leased.call(Method::POST, &format!("/team-a/keys/{id}/rotate"), &json!({}), Some("\"1\"")).await;
    assert_eq!((rotated.status, rotated.header("cache-control")), (201, "no-store"), "{}", rotated.text);
    let next = rotated.json()["issued"]["key"].as_str().unwrap().to_owned();
    assert_eq!(leased.ask(&next).await.status, 200);
    let overlapping = leased.ask(&key).await;
    assert_eq!(overlapping.status, 200, "both work for a while");
    assert!(!overlapping.header("sunset").is_empty(), "and whoever has the old one is told");

    let late = leased.call(Method::DELETE, &format!("/team-a/keys/{id}"), &json!({}), Some("\"1\"")).await;
    assert_eq!(code(&late), (412, "generation_changed".to_owned()));
    assert_eq!(leased.call(Method::DELETE, &format!("/team-a/keys/{id}"), &json!({}), None).await.status, 200);
    assert_eq!(leased.ask(&key).await.status, 401, "in force when the answer comes");
    leased.call(Method::POST, &format!("/team-a/keys/{id}/restore"), &json!({}), None).await;
    assert_eq!(leased.ask(&key).await.status, 200);
    leased.call(Method::DELETE, "/team-a", &json!({}), None).await;
    assert_eq!((leased.ask(&key).await.status, leased.ask(&next).await.status), (401, 401), "all of a consumer's");
}

#[tokio::test]
async fn the_admin_plane_says_what_is_wrong_in_openais_shape_and_changes_nothing() {
    let leased = Leased::new("").await;
    let (id, key) = leased.create("team-a", &json!({})).await;
    let long = json!({"keys": [{"consumer": "a", "key": 5, "what": "sk-secret"}]});
    for (method, path, body, status, name) in [
        (Method::PUT, "/team-a", json!({}), 428, "precondition_required"),
        (Method::POST, "/team-b/keys", json!({"expires_at": "sk-secret"}), 400, "invalid_body"),
        (Method::POST, "/team-b/keys", json!({"sk-secret": 1}), 400, "invalid_body"),
        (Method::POST, "/team-b/keys", json!({"expires_at": "2001-01-01T00:00:00Z"}), 400, "invalid_change"),
        (Method::POST, "/team b/keys", json!({}), 400, "invalid_change"),
        (Method::POST, "/fixed/keys", json!({}), 409, "conflict"),
        (Method::DELETE, "/fixed/keys/fixed.1", json!({}), 409, "configured"),
        (Method::DELETE, &format!("/team-b/keys/{id}"), json!({}), 404, "not_found"),
        (Method::GET, "/team-b", json!({}), 404, "not_found"),
        (Method::POST, "/adopt", long, 400, "invalid_body"),
        (Method::POST, "", json!({"do": "remove", "ids": [id]}), 400, "invalid_change"),
        (Method::POST, "", json!({"do": "explode"}), 400, "invalid_body"),
    ] {
        let answer = leased.call(method.clone(), path, &body, None).await;
        assert_eq!(code(&answer), (status, name.to_owned()), "{method} {path}: {}", answer.text);
        assert!(!answer.text.contains("secret") && !answer.text.contains(&key), "{}", answer.text);
    }
    let put = leased.call(Method::PUT, "/team-a", &json!({"groups": ["research"]}), Some("\"1\"")).await;
    assert_eq!((put.status, put.header("etag")), (200, "\"2\""), "{}", put.text);
    let without = format!("http://{}/admin/v1/consumers", leased.house.gateway.admin_address);
    let without = read(leased.house.client.get(without).send().await.unwrap()).await;
    assert_eq!(code(&without), (401, "invalid_api_key".to_owned()));
    let listed = leased.house.admin("/admin/v1/consumers/team-a").await.json();
    assert_eq!(listed["groups"], json!(["research"]));
}

#[tokio::test]
async fn a_file_that_somebody_else_changes_is_taken_and_a_broken_one_is_not() {
    let leased = Leased::new("").await;
    let file = leased.file.to_str().unwrap();
    let made = command::run(["keys", "create", "team-a", "--file", file]).await;
    assert_eq!(made.code, 0, "{}", made.err);
    let key = made.out.trim().to_owned();
    assert!(key.starts_with("wb-") && made.err.contains("shown this once") && !made.err.contains(&key));
    leased.until(&key, 200).await;

    let good = std::fs::read_to_string(file).unwrap();
    assert!(!good.contains(&key[16..]));
    std::fs::write(file, good.replace("\"issued\"", "\"sk-secret\"")).unwrap();
    let healthy = async |wanted: &str| {
        let line = format!("weighbridge_keys_healthy {wanted}\n");
        while !leased.house.admin("/metrics").await.text.contains(&line) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), healthy("0")).await.expect("a broken file is seen");
    assert_eq!(leased.ask(&key).await.status, 200, "the last good one stays in force");
    let listed = command::run(["keys", "list", "--file", file]).await;
    assert_eq!(listed.code, 2);
    assert!(listed.err.contains("line 13") && listed.err.contains("`issued` or `adopted`"), "{}", listed.err);
    assert!(!listed.err.contains("secret"));
    std::fs::write(file, &good).unwrap();
    tokio::time::timeout(Duration::from_secs(20), healthy("1")).await.expect("a good one is taken again");

    let id = key.split('-').nth(1).unwrap();
    assert_eq!(command::run(["keys", "revoke", id, "--file", file]).await.code, 0);
    leased.until(&key, 401).await;
    let listed = command::run(["keys", "list", "--file", file]).await;
    assert!(listed.out.contains("team-a") && listed.out.contains("revoked"), "{}", listed.out);
    let mut used = serde_json::Value::Null;
    for _ in 0..500 {
        let listed = command::run(["keys", "list", "--file", file, "--json"]).await;
        used = serde_json::from_str::<Value>(&listed.out).unwrap()["consumers"][0]["keys"][0]["last_used_at"].clone();
        if used.is_string() {
            break;
        }
    }
    assert!(used.is_string(), "what was used is kept beside the file");
}

#[tokio::test]
async fn scopes_of_consumer_and_key_bound_what_may_be_asked() {
    let leased = Leased::new("server.trusted_proxies = [\"127.0.0.0/8\"]").await;
    let (_, chat_only) = leased.create("team-a", &json!({"scopes": {"endpoints": ["/v1/chat/*"]}})).await;
    let (_, other_model) = leased.create("team-a", &json!({"scopes": {"models": ["o3*"]}})).await;
    let (_, no_move) = leased.create("team-a", &json!({"scopes": {"migrations": ["none"]}})).await;
    let (_, at_home) = leased.create("team-a", &json!({"scopes": {"sources": ["203.0.113.0/24"]}})).await;
    assert_eq!(leased.ask(&chat_only).await.status, 200);
    let refused = leased.ask(&other_model).await;
    assert_eq!(code(&refused), (403, "permission_denied".to_owned()));
    let [migration, source] = [leased.ask(&no_move).await, leased.ask(&at_home).await];
    assert_eq!((&migration.text, &source.text), (&refused.text, &refused.text), "which scope it was is not told");

    let address = leased.house.gateway.address;
    let embed = leased.house.client.post(format!("http://{address}/v1/embeddings")).bearer_auth(&chat_only);
    let embed = embed.json(&json!({"model": "text-embedding-3-small", "input": "hi"})).send().await.unwrap();
    assert_eq!(embed.status(), 403);
    let from = async |addresses: &str| {
        let request = leased.house.client.post(leased.house.url()).bearer_auth(&at_home);
        let request = request.header("x-forwarded-for", addresses).json(&chat("hi", &json!({})));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(from("203.0.113.7").await, 200);
    assert_eq!(from("203.0.113.7, 198.51.100.1").await, 403, "the client wrote the first one itself");
    let models = async |key: &str| {
        let url = format!("http://{address}/v1/models");
        read(leased.house.client.get(url).bearer_auth(key).send().await.unwrap()).await.json()["data"].clone()
    };
    assert_eq!(models(&chat_only).await[0]["id"], "gpt-4o-mini");
    assert_eq!((models(&other_model).await, models(&no_move).await), (json!([]), json!([])));
}

#[tokio::test]
async fn a_key_stands_where_the_configuration_says_and_two_of_them_are_none() {
    let leased = Leased::new("").await;
    let url = leased.house.url();
    let body = chat("hi", &json!({}));
    let ask = async |query: &str, headers: &[(&str, &str)]| {
        let mut request = leased.house.client.post(format!("{url}{query}")).json(&body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask("", &[("x-team-key", FIXED)]).await, 200);
    assert_eq!(ask(&format!("?api_key={FIXED}"), &[]).await, 200);
    assert_eq!(ask(&format!("?api_key={FIXED}"), &[("x-team-key", FIXED)]).await, 200, "the same one twice");
    assert_eq!(ask("", &[("x-api-key", FIXED)]).await, 401, "no source of this gateway");
    assert_eq!(ask("?api_key=sk-other", &[("x-team-key", FIXED)]).await, 401, "two different ones");

    // Nobody is who he says he is, and no provider hears of it.
    let forged = [("x-mse-consumer", "fixed"), ("x-consumer", "fixed"), ("x-weighbridge-consumer", "fixed")];
    assert_eq!(ask("", &forged).await, 401);
    let with_key: Vec<_> = forged.into_iter().chain([("x-team-key", FIXED), ("cookie", "a=b")]).collect();
    assert_eq!(ask("", &with_key).await, 200);
    for seen in leased.house.openai.requests().recent() {
        let ours =
            ["accept", "accept-encoding", "authorization", "content-length", "content-type", "host", "user-agent"];
        assert!(seen.header_names().iter().all(|name| ours.contains(name)), "{:?}", seen.header_names());
        assert_eq!(seen.header("authorization"), format!("Bearer {}", crate::harness::PROVIDER_KEY));
        assert_eq!(seen.path, "/v1/chat/completions", "the query with the key stays here");
    }
}
