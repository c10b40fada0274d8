//! AI routes of the Higress console.

use crate::fake::{Fake, Reply, Request};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use targets::{Applied, Because, Environment, Options, Plan, Target, TargetError, Wanted};

const AGENT: &str = concat!("user-agent: weighbridge/", env!("CARGO_PKG_VERSION"));
/// `admin:pass-word`.
const BASIC: &str = "authorization: Basic YWRtaW46cGFzcy13b3Jk";

fn route() -> Value {
    json!({
        "name": "chat", "version": "1207", "domains": ["chat.example"],
        "pathPredicate": {"matchType": "PRE", "matchValue": "/", "caseSensitive": true},
        "upstreams": [
            {"provider": "openai", "weight": 95, "modelMapping": {"*": "gpt-4o"}},
            {"provider": "deepseek", "weight": 5, "modelMapping": {"*": "deepseek-chat"}},
        ],
        "fallbackConfig": {"enabled": false, "upstreams": null, "somethingNew": 1.50},
    })
}

fn enveloped(route: &Value) -> String {
    json!({"success": true, "message": null, "data": route}).to_string()
}

fn options() -> Options {
    let environment = Environment::default();
    Options {
        baseline: Some("openai".into()),
        candidate: Some("deepseek".into()),
        environment: environment.with("HIGRESS_CONSOLE_USER", "admin").with("HIGRESS_CONSOLE_PASSWORD", "pass-word"),
        ..Options::default()
    }
}

/// A console with one route; `trouble` is what it does with a PUT instead of storing it, after storing if it says so.
fn console(trouble: Option<(bool, Reply)>) -> (Fake, Arc<Mutex<Value>>) {
    let stored = Arc::new(Mutex::new(route()));
    let memory = Arc::clone(&stored);
    let fake = Fake::start(move |request: &Request| {
        let mut route = memory.lock().unwrap();
        let store = |route: &mut Value| {
            *route = serde_json::from_str(&request.body).unwrap();
            route["version"] = "1208".into();
        };
        match (request.line.starts_with("PUT"), &trouble) {
            (false, _) => {}
            (true, None) => store(&mut route),
            (true, Some((stores, reply))) => {
                if *stores {
                    store(&mut route);
                }
                return reply.clone();
            }
        }
        Reply::Answer(200, enveloped(&route))
    });
    (fake, stored)
}

fn target(fake: &Fake) -> Target {
    Target::parse(&format!("higress+{}", fake.url("/console/chat")), &options()).unwrap()
}

async fn to(fake: &Fake, weight_percent: f64) -> Result<(Plan, Result<Applied, TargetError>), TargetError> {
    let target = target(fake);
    let found = target.read().await.unwrap();
    let because =
        Because { migration: "chat".into(), reason: "GO".into(), evidence: None, at: "2026-11-23T10:00:00Z".into() };
    let plan = target.plan(&found, Wanted { weight_percent, mirror_percent: None }, &because)?;
    let applied = target.apply(&plan).await;
    Ok((plan, applied))
}

#[tokio::test]
async fn the_whole_route_is_written_with_its_version() {
    let (fake, _) = console(None);
    let (plan, applied) = to(&fake, 10.0).await.unwrap();
    let applied = applied.unwrap();
    assert_eq!((applied.in_force.weight_percent, applied.in_force.generation.as_deref()), (10.0, Some("1208")));
    assert_eq!((applied.settled, applied.notes), (true, vec![]));
    let mut wanted = route();
    wanted["upstreams"][0]["weight"] = 90.into();
    wanted["upstreams"][1]["weight"] = 10.into();
    let body = serde_json::to_string_pretty(&wanted).unwrap() + "\n";
    let path = "/console/v1/ai/routes/chat";
    let expected = [
        format!("GET {path}\naccept: application/json\n{BASIC}\n{AGENT}\n\n"),
        format!("PUT {path}\naccept: application/json\n{BASIC}\ncontent-type: application/json\n{AGENT}\n\n{body}"),
    ];
    assert_eq!(fake.seen().iter().map(Request::told).collect::<Vec<_>>(), expected);
    assert!(plan.shown.contains("-      \"weight\": 95,\n+      \"weight\": 90,\n"), "{}", plan.shown);
    assert!(plan.shown.contains(&format!("PUT {}\n", fake.url(path))) && plan.shown.ends_with(&body), "{}", plan.shown);
}

#[tokio::test]
async fn between_two_percent_it_is_rounded_down_and_said() {
    let (fake, _) = console(None);
    let (plan, applied) = to(&fake, 12.5).await.unwrap();
    assert_eq!((plan.wanted.weight_percent, applied.unwrap().in_force.weight_percent), (12.0, 12.0));
    assert!(plan.shown.starts_with("note: 12.5% is rounded down to 12%"), "{}", plan.shown);
    let (fake, stored) = console(None);
    let error = to(&fake, 5.5).await.unwrap_err();
    assert!(error.to_string().contains("nothing would rise"), "{error}");
    assert_eq!(*stored.lock().unwrap(), route());
    // Downwards it always works.
    let (plan, applied) = to(&fake, 0.5).await.unwrap();
    assert_eq!((plan.wanted.weight_percent, applied.unwrap().settled), (0.0, true));
    let (fake, _) = console(None);
    assert!(to(&fake, 5.0).await.unwrap().1.unwrap().settled);
    assert_eq!(fake.seen().len(), 1, "nothing changes, nothing is sent");
}

#[tokio::test]
async fn who_was_faster_wins() {
    let answer = Reply::Answer(409, json!({"success": false, "message": "ResourceConflictException"}).to_string());
    let (fake, stored) = console(Some((false, answer)));
    let error = to(&fake, 10.0).await.unwrap().1.unwrap_err();
    assert!(matches!(error, TargetError::Changed(_)), "{error:?}");
    assert_eq!(*stored.lock().unwrap(), route());
}

#[tokio::test]
async fn an_error_is_followed_by_reading_again() {
    let failed = || Reply::Answer(500, json!({"success": false, "message": "no ingress"}).to_string());
    for (reply, word) in [(failed(), "no ingress"), (Reply::Drop, "nothing was changed")] {
        let (fake, _) = console(Some((false, reply)));
        let error = to(&fake, 10.0).await.unwrap().1.unwrap_err();
        let TargetError::World(text) = &error else { panic!("{error:?}") };
        assert!(text.contains(word) && text.contains("nothing was changed"), "{text}");
    }
    for reply in [failed(), Reply::Drop, Reply::Answer(200, "<html>".into())] {
        let (fake, _) = console(Some((true, reply)));
        let applied = to(&fake, 10.0).await.unwrap().1.unwrap();
        assert!(applied.settled && applied.notes[0].contains("read again"), "{applied:?}");
    }
}

#[tokio::test]
async fn what_is_no_route_is_told() {
    let with = |change: fn(&mut Value)| {
        let mut route = route();
        change(&mut route);
        enveloped(&route)
    };
    let cases: [(u16, String, &str); 12] = [
        (200, "<html>".into(), "no answer of a Higress console"),
        (200, json!({"success": true, "data": null}).to_string(), "no such AI route"),
        (200, json!({"success": false, "message": "odd\nthing"}).to_string(), "odd thing"),
        (401, json!({"success": false, "message": "Login required."}).to_string(), "HIGRESS_CONSOLE_PASSWORD"),
        (302, String::new(), "own address"),
        (502, String::new(), "try again"),
        (200, with(|route| route["version"] = Value::Null), "no version"),
        (200, with(|route| route["upstreams"][1]["provider"] = "qwen".into()), "providers are openai, qwen"),
        (
            200,
            with(|route| route["upstreams"][0]["provider"] = "deepseek".into()),
            "no upstream has the provider openai",
        ),
        (200, with(|route| route["upstreams"][1]["weight"] = 5.5.into()), "whole number"),
        (200, with(|route| route["upstreams"][1]["weight"] = Value::Null), "no weight"),
        (
            200,
            with(|route| {
                route["upstreams"] =
                    json!([{"provider": "openai", "weight": 0}, {"provider": "deepseek", "weight": 0}]);
            }),
            "both have weight 0",
        ),
    ];
    for (status, body, word) in cases {
        let fake = Fake::start(move |_| Reply::Answer(status, body.clone()));
        let error = target(&fake).read().await.unwrap_err().to_string();
        assert!(error.contains(word) && !error.contains("pass-word"), "{word}: {error}");
    }
}

#[test]
fn bad_addresses_and_credentials_are_refused() {
    let fails = |address: &str, options: &Options| {
        let error = Target::parse(address, options).unwrap_err().to_string();
        assert!(!error.contains("pass-word") && !error.contains("pass:word"), "{error}");
        error
    };
    for address in
        ["higress+https://console.example", "higress+https://console.example/", "higress+https://c.example/chat?x=1"]
    {
        assert!(fails(address, &options()).contains("expected higress+https://"), "{address}");
    }
    assert!(fails("higress+http://console.example/chat", &options()).contains("in clear"));
    assert!(fails("higress+https://c.example/chat", &Options { candidate: None, ..options() }).contains("--candidate"));
    let twice = Options { candidate: Some("openai".into()), ..options() };
    assert!(fails("higress+https://c.example/chat", &twice).contains("both openai"));
    let colon =
        Options { environment: options().environment.with("HIGRESS_CONSOLE_PASSWORD", "pass:word"), ..options() };
    assert!(fails("higress+https://c.example/chat", &colon).contains("colon"));
    let none = Options { environment: Environment::default(), ..options() };
    assert!(fails("higress+https://c.example/chat", &none).contains("HIGRESS_CONSOLE_USER is not set"));
    let target = Target::parse("higress+https://c.example/chat", &options()).unwrap();
    assert!(!format!("{target:?}").contains("YWRtaW46"), "{target:?}");
}

#[tokio::test]
async fn the_console_cannot_mirror() {
    let (fake, _) = console(None);
    let target = target(&fake);
    let found = target.read().await.unwrap();
    let because = Because { migration: "m".into(), reason: "r".into(), evidence: None, at: "t".into() };
    let wanted = Wanted { weight_percent: 10.0, mirror_percent: Some(5.0) };
    assert!(target.plan(&found, wanted, &because).unwrap_err().to_string().contains("cannot mirror"));
}
