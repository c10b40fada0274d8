//! Several migrations side by side, and everything that decides about a request before any weight does.

use crate::command::run;
use crate::harness::{ANY, Answer, House, PROVIDER_KEY, Plan, chat, read};
use datasets::{Arm, AssignedBy, Exchange, Role, ShadowFate};
use mocks::{MockConfig, Provider};
use serde_json::{Value, json};

const ANNA: &str = "key-of-anna";
const BEN: &str = "key-of-ben";
/// SHA-256 of the two keys.
const CONSUMERS: &str = r#"
[consumers.anna]
keys_sha256 = ["4ec09e0f005569aa1e1f579f993d94d9a96b8c2d51fdb8f17cd711aaf2798398"]
[consumers.ben]
keys_sha256 = ["37f550767902f9edd26b5572672dfe734f26baa32a94f4fb26cef116e2ea636f"]
"#;
/// The same, and nobody else may call.
const KEYS: &str = r#"
server.authenticate = "keys"
[consumers.anna]
keys_sha256 = ["4ec09e0f005569aa1e1f579f993d94d9a96b8c2d51fdb8f17cd711aaf2798398"]
[consumers.ben]
keys_sha256 = ["37f550767902f9edd26b5572672dfe734f26baa32a94f4fb26cef116e2ea636f"]
"#;

/// Asks at `path` with this key and these headers, and nothing else that tells who asks.
async fn ask_at(house: &House, path: &str, key: Option<&str>, body: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut request = house.client.post(format!("http://{}{path}", house.gateway.address)).json(body);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    read(request.send().await.unwrap()).await
}

async fn ask(house: &House, key: &str, body: &Value) -> Answer {
    let answer = ask_at(house, "/v1/chat/completions", Some(key), body, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

/// The record of what a client got.
async fn record_of(house: &House, answer: &Answer) -> Exchange {
    let pair = answer.header("x-request-id");
    let mut records = house.records().await.into_iter();
    records.find(|record| record.pair == pair && record.role == Role::Served).expect("a record")
}

#[tokio::test]
async fn the_first_migration_that_takes_a_request_has_it_and_the_default_provider_the_rest() {
    let other = mocks::start(ANY, MockConfig::instant(Provider::Compatible)).await.unwrap();
    let extra = format!(
        "server.default_provider = \"other\"\n[providers.other]\nkind = \"compatible\"\nbase_url = \"{}\"\n",
        other.base_url()
    );
    let migration = r#"
match = { models = ["gpt-4o*"], endpoints = ["chat"] }
[migrations.later]
baseline = "openai"
candidate = "deepseek"
weight_percent = 100
models = { "gpt-4o-mini" = "deepseek-v4-pro", "gpt-4.1*" = "deepseek-v4-pro" }
"#;
    let house = Plan { weight_percent: 100.0, extra: extra.leak(), migration, ..Plan::default() }.build().await;
    let input = |model: &str| json!({"model": model, "input": "hello", "store": false});
    let message = |model: &str| chat("hello", &json!({"model": model}));
    for (path, body, expected) in [
        ("/v1/chat/completions", message("gpt-4o-mini"), ("move", "deepseek", "deepseek-flash")),
        ("/v1/chat/completions", message("gpt-4.1-nano"), ("later", "deepseek", "deepseek-v4-pro")),
        ("/v1/responses", input("gpt-4o-mini"), ("later", "deepseek", "deepseek-v4-pro")),
        ("/v1/chat/completions", message("o3"), ("none", "compatible", "o3")),
        ("/v1/embeddings", json!({"model": "gpt-4o", "input": "hello"}), ("none", "compatible", "gpt-4o")),
        // Taken by a pattern, but without a model to go to: it stays.
        ("/v1/chat/completions", message("gpt-4o"), ("move", "openai", "gpt-4o")),
    ] {
        let answer = ask_at(&house, path, Some("k"), &body, &[]).await;
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text);
        let record = record_of(&house, &answer).await;
        let found = (record.migration.as_str(), record.provider.as_str(), record.model.as_str());
        assert_eq!(found, expected, "{path} {body}");
        let by = match (found.0, found.1) {
            ("none", _) => AssignedBy::None,
            ("move", "openai") => AssignedBy::Unfit,
            _ => AssignedBy::Weight,
        };
        assert_eq!((record.assigned_by, record.assigned_bp), (Some(by), Some(10_000)), "{path} {body}");
    }
    assert_eq!(other.requests().counts().received, 2);
}

#[tokio::test]
async fn each_migration_has_a_weight_of_its_own() {
    let migration = r#"
[migrations.later]
baseline = "openai"
candidate = "deepseek"
weight_percent = 0
models = { "gpt-4.1" = "deepseek-v4-pro" }
"#;
    let house = Plan { weight_percent: 100.0, migration, ..Plan::default() }.build().await;
    let arm = async |model: &str| {
        house.ask(&chat("hi", &json!({"model": model}))).await.header("x-weighbridge-arm").to_owned()
    };
    assert_eq!((arm("gpt-4o-mini").await.as_str(), arm("gpt-4.1").await.as_str()), ("candidate", "baseline"));
    let all = house.admin("/admin/v1/migrations").await.json()["migrations"].clone();
    assert_eq!((&all[0]["name"], &all[1]["name"]), (&json!("move"), &json!("later")), "in the file's order");
    let epoch = all[0]["epoch"].as_u64().unwrap();
    assert_eq!(house.set_weight(0.0, epoch).await.status, 200);
    let now = house.admin("/admin/v1/migrations").await.json()["migrations"].clone();
    assert_eq!((&now[0]["weight_percent"], &now[1]), (&json!(0.0), &all[1]), "the other one is not touched");
    assert_eq!(arm("gpt-4o-mini").await, "baseline");
}

#[tokio::test]
async fn a_migration_can_be_one_consumers_and_nobody_can_pretend_to_be_him() {
    let migration = r#"
match = { consumers = ["anna"] }
[migrations.later]
baseline = "openai"
candidate = "deepseek"
weight_percent = 0
models = { "gpt-4o-mini" = "deepseek-v4-pro" }
"#;
    let house = Plan { weight_percent: 100.0, extra: CONSUMERS, migration, ..Plan::default() }.build().await;
    let body = chat("hello", &json!({}));
    let pretended: &[(&str, &str)] =
        &[("x-consumer", "anna"), ("x-mse-consumer", "anna"), ("x-weighbridge-consumer", "anna")];
    for (key, headers, migration, consumer) in [
        (Some(ANNA), [].as_slice(), "move", Some("anna")),
        (Some(BEN), &[], "later", Some("ben")),
        (Some("nobodys-key"), &[], "later", None),
        (None, &[], "later", None),
        (Some(BEN), pretended, "later", Some("ben")),
        (None, pretended, "later", None),
    ] {
        let answer = ask_at(&house, "/v1/chat/completions", key, &body, headers).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let record = record_of(&house, &answer).await;
        let found = (record.migration.as_str(), record.consumer.as_deref());
        assert_eq!(found, (migration, consumer), "{key:?} {headers:?}");
        assert_eq!(record.arm == Arm::Candidate, migration == "move");
    }
    let seen = [house.openai.requests().recent(), house.deepseek.requests().recent()].concat();
    assert_eq!(seen.len(), 6);
    for request in seen {
        for (name, _) in pretended {
            assert_eq!(request.header(name), "", "{name} left the house");
        }
    }
}

/// Headers, the arm that they force if they force one, and what decided.
type Case = (&'static [(&'static str, &'static str)], Option<Arm>, AssignedBy);

#[tokio::test]
async fn header_then_pattern_then_cookie_then_weight() {
    let migration = r#"
rules = { header = { name = "x-canary", value = "beta" }, header_pattern = { name = "x-team", pattern = "^red-" }, cookie = "canary" }
"#;
    let cases: &[Case] = {
        use Arm::{Baseline, Candidate};
        use AssignedBy::{Cookie, Header, HeaderPattern, Weight};
        &[
            (&[], None, Weight),
            (&[("x-canary", "beta")], Some(Candidate), Header),
            (&[("x-canary", "always")], Some(Candidate), Header),
            (&[("x-canary", "never")], Some(Baseline), Header),
            (&[("x-canary", "alpha")], Some(Baseline), Header),
            (&[("x-canary", "alpha"), ("x-team", "red-1"), ("cookie", "canary=always")], Some(Baseline), Header),
            (&[("x-team", "red-1")], Some(Candidate), HeaderPattern),
            (&[("x-team", "infrared-1")], Some(Baseline), HeaderPattern),
            (&[("x-team", "blue"), ("cookie", "canary=always")], Some(Baseline), HeaderPattern),
            (&[("cookie", "a=b; canary=always")], Some(Candidate), Cookie),
            (&[("cookie", "canary=never")], Some(Baseline), Cookie),
            (&[("cookie", "another=always")], None, Weight),
        ]
    };
    for weight_percent in [0.0, 100.0] {
        let house = Plan { weight_percent, migration, ..Plan::default() }.build().await;
        let drawn = if weight_percent > 50.0 { Arm::Candidate } else { Arm::Baseline };
        for (headers, arm, by) in cases {
            let answer = house.ask_as(&chat("hello", &json!({})), headers).await;
            let record = record_of(&house, &answer).await;
            assert_eq!(record.arm, arm.unwrap_or(drawn), "{headers:?} at {weight_percent}");
            assert_eq!((record.assigned_by, record.assigned_bp), (Some(*by), Some(10_000)), "{headers:?}");
            assert_eq!(answer.header("x-weighbridge-arm"), record.arm.name());
        }
        let seen = [house.openai.requests().recent(), house.deepseek.requests().recent()].concat();
        assert!(seen.iter().all(|request| request.header("cookie").is_empty()), "cookies are nobody's business");
    }
}

#[tokio::test]
async fn what_the_weight_cannot_draw_the_rules_do_not_force_either() {
    let migration = "rules.header = { name = \"x-canary\" }";
    let house = Plan { migration, ..Plan::default() }.build().await;
    let answer = house.ask_as(&chat("hello", &json!({"n": 2})), &[("x-canary", "always")]).await;
    let record = record_of(&house, &answer).await;
    assert_eq!((record.arm, record.assigned_by), (Arm::Baseline, Some(AssignedBy::Unfit)));
    assert_eq!((answer.status, house.deepseek.requests().counts().received), (200, 0));
}

#[tokio::test]
async fn forced_requests_are_no_evidence_of_the_split() {
    let migration = "rules.header = { name = \"x-canary\" }";
    let house = Plan { weight_percent: 50.0, migration, ..Plan::default() }.build().await;
    let mut drawn = [0_u64; 2];
    for user in 0..80 {
        let body = chat(&format!("question {user}"), &json!({"user": format!("u{user}")}));
        let arm = house.ask(&body).await.header("x-weighbridge-arm") == "candidate";
        drawn[usize::from(arm)] += 1;
        let answer = house.ask_as(&body, &[("x-canary", "always")]).await;
        assert_eq!(answer.header("x-weighbridge-arm"), "candidate");
    }
    let records = house.records().await;
    let probability = |by| {
        let mut all: Vec<_> =
            records.iter().filter(|record| record.assigned_by == Some(by)).map(|record| record.assigned_bp).collect();
        all.dedup();
        all
    };
    assert_eq!(probability(AssignedBy::Weight), [Some(5_000)]);
    assert_eq!(probability(AssignedBy::Header), [Some(10_000)]);
    let verdict = house.records.with_file_name("verdict.json");
    let ran = run(["evaluate".as_ref(), house.records.as_os_str(), "--out".as_ref(), verdict.as_os_str()]).await;
    let verdict: Value = serde_json::from_str(&std::fs::read_to_string(&verdict).unwrap()).unwrap();
    let rows = verdict["guardrails"].as_array().unwrap();
    let row = rows.iter().find(|row| row["metric"] == "errors" && row["segment"] == "canary").unwrap();
    assert_eq!(row["n"].as_u64(), drawn.into_iter().min(), "{row} of {drawn:?}");
    assert!(ran.err.contains("80 served requests that a header sent"), "{}", ran.err);
}

#[tokio::test]
async fn the_assignment_sticks_to_what_the_configuration_says() {
    // Ten conversations of each consumer.
    async fn arms(migration: &'static str, conversation: impl Fn(usize) -> String) -> Vec<Vec<bool>> {
        let house = Plan { weight_percent: 50.0, extra: CONSUMERS, migration, ..Plan::default() }.build().await;
        let mut all = Vec::new();
        for key in [ANNA, BEN] {
            let mut arms = Vec::new();
            for turn in 0..16 {
                let body = chat("hello", &json!({"user": conversation(turn)}));
                arms.push(ask(&house, key, &body).await.header("x-weighbridge-arm") == "candidate");
            }
            all.push(arms);
        }
        all
    }
    let mixed = |arms: &[bool]| arms.contains(&true) && arms.contains(&false);
    let by_conversation = arms("", |turn| format!("u{turn}")).await;
    assert!(mixed(&by_conversation[0]) && by_conversation[0] == by_conversation[1], "{by_conversation:?}");
    let by_consumer = arms("assign_by = \"consumer\"", |turn| format!("u{turn}")).await;
    assert!(by_consumer.iter().all(|arms| !mixed(arms)), "{by_consumer:?}");
    // One conversation: its requests are drawn one by one.
    let by_request = arms("assign_by = \"request\"", |_| "always the same".to_owned()).await;
    assert!(by_request.iter().all(|arms| mixed(arms)), "{by_request:?}");
    let by_conversation = arms("", |_| "always the same".to_owned()).await;
    assert!(by_conversation.iter().all(|arms| !mixed(arms)), "{by_conversation:?}");
}

#[tokio::test]
async fn where_keys_are_demanded_only_known_ones_pass() {
    let house = Plan { weight_percent: 100.0, extra: KEYS, ..Plan::default() }.build().await;
    let body = chat("hello", &json!({}));
    let pretended: &[(&str, &str)] = &[("x-consumer", "anna"), ("x-mse-consumer", "anna")];
    let mut refusals = Vec::new();
    for (key, headers) in [(None, [].as_slice()), (Some("key-of-nobody"), &[]), (None, pretended)] {
        let answer = ask_at(&house, "/v1/chat/completions", key, &body, headers).await;
        let error = answer.json()["error"].clone();
        assert_eq!((answer.status, &error["code"]), (401, &json!("invalid_api_key")), "{}", answer.text);
        assert_eq!((&error["type"], &error["param"]), (&json!("invalid_request_error"), &Value::Null));
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()));
        refusals.push(answer.text);
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "whether a key is missing or wrong is not told");
    let list = house.client.get(format!("http://{}/v1/models", house.gateway.address)).send().await.unwrap();
    assert_eq!(list.status(), 401);
    assert_eq!(house.deepseek.requests().counts().received + house.openai.requests().counts().received, 0);
    assert!(house.records().await.is_empty(), "nothing was sent, so there is nothing to record");

    let answer = ask(&house, ANNA, &body).await;
    assert_eq!(record_of(&house, &answer).await.consumer.as_deref(), Some("anna"));
    let answer = ask_at(&house, "/v1/chat/completions", None, &body, &[("x-api-key", BEN)]).await;
    assert_eq!((answer.status, record_of(&house, &answer).await.consumer.as_deref()), (200, Some("ben")));
    for request in house.deepseek.requests().recent() {
        let seen = format!("{:?} {:?}", request.headers.values().collect::<Vec<_>>(), request.body);
        assert!(!seen.contains(ANNA) && !seen.contains(BEN) && request.header("x-api-key").is_empty(), "{seen}");
        assert_eq!(request.header("authorization"), format!("Bearer {PROVIDER_KEY}"));
    }
    let records = std::fs::read_to_string(&house.records).unwrap();
    assert!(!records.contains(ANNA) && !records.contains(BEN));
}

#[tokio::test]
async fn the_mirror_takes_its_strata_by_length_consumer_and_model() {
    let migration = r#"
shadow = { strata = [{ prompt_chars_min = 1000, percent = 100 }, { consumer = "anna", percent = 100 }, { consumer = "ben", percent = 0 }, { model = "gpt-4o-mini", percent = 12.5 }] }
"#;
    let house = Plan { shadow_percent: 100.0, extra: CONSUMERS, migration, ..Plan::default() }.build().await;
    let long = "word ".repeat(300);
    for (key, prompt, shadow_bp) in [
        ("k", long.as_str(), 10_000),
        (BEN, &long, 10_000),
        (ANNA, "short", 10_000),
        (BEN, "short", 0),
        ("k", "short", 1_250),
    ] {
        let record = record_of(&house, &ask(&house, key, &chat(prompt, &json!({}))).await).await;
        assert_eq!(record.shadow_bp, Some(shadow_bp), "{key} with {} characters", prompt.len());
        let fate = match shadow_bp {
            10_000 => Some(ShadowFate::Sent),
            0 => Some(ShadowFate::NotSampled),
            // Drawn.
            _ => record.shadow,
        };
        assert_eq!(record.shadow, fate, "{key} with {} characters", prompt.len());
    }
    let records = house.records().await;
    let sent = records.iter().filter(|record| record.shadow == Some(ShadowFate::Sent)).count();
    let copies = records.iter().filter(|record| record.role == Role::Shadow).count();
    assert!(sent == copies && copies >= 3, "{sent} sent, {copies} on record");
}

#[tokio::test]
async fn weights_come_in_hundredths_of_a_percent() {
    let house = Plan { weight_percent: 0.01, ..Plan::default() }.build().await;
    let answer = house.ask(&chat("hello", &json!({}))).await;
    let record = record_of(&house, &answer).await;
    let expected = if record.arm == Arm::Candidate { 1 } else { 9_999 };
    assert_eq!((record.weight_bp, record.assigned_bp), (1, Some(expected)));
    for (percent, status) in [(0.02, 200), (99.99, 200), (0.001, 400), (33.333, 400), (100.01, 400), (-0.01, 400)] {
        let answer = house.set_weight(percent, house.gateway.epoch()).await;
        assert_eq!(answer.status, status, "{percent}: {}", answer.text);
        assert!(status == 200 || answer.text.contains("in steps of 0.01"), "{}", answer.text);
    }
    let text = std::fs::read_to_string(house.config()).unwrap();
    for (percent, status) in [("0.03", 200), ("0.001", 422)] {
        std::fs::write(house.config(), text.replace("weight_percent = 0.01", &format!("weight_percent = {percent}")))
            .unwrap();
        let answer = house.reload().await;
        assert_eq!(answer.status, status, "{percent}: {}", answer.text);
        assert!(status == 200 || answer.text.contains("migrations.move.weight_percent: 0.001 is no weight"));
    }
}
