//! A token that reads opens what it is for, and changes nothing.

use crate::house::{ADMIN, House, MIGRATION, READERS, environment, parse, told};
use serde_json::json;

const CALL: &str = r#"{"name": "chat", "namespace": "shop", "phase": "Progressing"}"#;

fn readable() -> Vec<(&'static str, String)> {
    let of = |rest: &str| format!("/admin/v1/migrations/{MIGRATION}/{rest}");
    vec![
        ("GET", "/metrics".to_owned()),
        ("GET", "/admin/v1/migrations".to_owned()),
        ("GET", of("weight")),
        ("GET", of("verdict")),
        ("GET", format!("/gate/{MIGRATION}")),
        ("GET", format!("/gate/{MIGRATION}/kayenta")),
        ("POST", format!("/gate/{MIGRATION}/flagger/event")),
    ]
}

#[tokio::test]
async fn it_opens_what_it_is_for_as_bearer_and_as_basic() {
    let house = House::build().await;
    house.judge("go").await;
    for (method, path) in readable() {
        let ask = || house.plain(method, &path).body(CALL);
        for token in [READERS[0], READERS[1], ADMIN] {
            assert_eq!(told(ask().bearer_auth(token)).await.status, 200, "{method} {path}");
        }
        assert_eq!(told(ask().basic_auth("flagger", Some(READERS[1]))).await.status, 200, "{method} {path}");
        assert_eq!(told(ask()).await.status, 401, "{method} {path}: nobody");
    }
    // What stands in an address is what Go's client sends as Basic; so does this one.
    let url = house
        .url(&format!("/gate/{MIGRATION}/flagger/event"))
        .replace("http://", "http://flagger:read-token-of-flagger@");
    assert_eq!(told(house.client.post(url).body(CALL)).await.status, 200);
}

#[tokio::test]
async fn wrong_tokens_open_nothing_and_the_admin_token_is_no_password() {
    let house = House::build().await;
    let path = format!("/gate/{MIGRATION}/flagger/event");
    let ask = || house.plain("POST", &path).body(CALL);
    assert_eq!(told(ask().basic_auth("admin", Some(ADMIN))).await.status, 401, "a browser would keep it");
    assert_eq!(told(ask().basic_auth(READERS[0], Some(""))).await.status, 401);
    let both = told(ask().bearer_auth(READERS.join(" "))).await;
    assert_eq!((both.status, both.text.contains(READERS[0])), (401, false), "{}", both.text);
}

#[tokio::test]
async fn broken_credentials_open_nothing() {
    let house = House::build().await;
    let path = format!("/gate/{MIGRATION}");
    for header in ["Basic", "Basic ", "Basic !!!"] {
        let told = told(house.plain("GET", &path).header("authorization", header)).await;
        assert_eq!(told.status, 401, "{header}");
    }
}

#[tokio::test]
async fn it_changes_nothing() {
    let house = House::build().await;
    let weight = house.read(&format!("/admin/v1/migrations/{MIGRATION}/weight")).await.text;
    let of = |rest: &str| format!("/admin/v1/migrations/{MIGRATION}/{rest}");
    let changes = [
        ("PUT", of("weight")),
        ("POST", of("rollback")),
        ("PUT", of("shadow")),
        ("PUT", of("verdict")),
        ("POST", "/admin/v1/config/reload".to_owned()),
        ("POST", "/admin/v1/consumers".to_owned()),
        ("GET", "/admin/v1/consumers".to_owned()),
        ("GET", "/admin/v1/audit".to_owned()),
        ("GET", "/admin/v1/usage".to_owned()),
        ("GET", "/admin/v1/console".to_owned()),
        ("GET", "/console/events".to_owned()),
    ];
    for (method, path) in changes {
        let body = json!({"weight_percent": 100.0, "reason": "r", "paused": true});
        let told = told(house.plain(method, &path).bearer_auth(READERS[0]).header("if-match", "*").json(&body)).await;
        assert_eq!((told.status, told.code().as_str()), (403, "read_only_token"), "{method} {path}: {}", told.text);
    }
    assert_eq!(house.read(&of("weight")).await.text, weight);
    let login = house.plain("POST", "/console/session").header("x-weighbridge-console", "1");
    assert_eq!(told(login.json(&json!({"token": READERS[0]}))).await.status, 401, "it opens no session");
}

#[test]
fn without_the_key_there_is_none_and_it_is_never_the_admin_token() {
    assert!(parse("", &environment).unwrap().read_tokens.is_empty());
    let key = "admin.read_token_env = \"WEIGHBRIDGE_ADMIN_TOKEN\"";
    let error = parse(key, &environment).unwrap_err().to_string();
    assert!(error.contains("make another one") && !error.contains(ADMIN), "{error}");
    let error = parse("admin.read_token_env = \"NOT_SET\"", &environment).unwrap_err().to_string();
    assert!(error.contains("NOT_SET, which is not set"), "{error}");
}
