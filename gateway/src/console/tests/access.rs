use super::{House, MARK, TOKEN, told};
use serde_json::{Value, json};

const WEIGHT: &str = "/admin/v1/migrations/move/weight";
const ROLLBACK: &str = "/admin/v1/migrations/move/rollback";

#[tokio::test]
async fn the_token_buys_a_session_that_opens_everything_until_it_is_ended() {
    let house = House::build(5.0).await;
    let asked = house.plain("POST", "/console/session").header(MARK.0, MARK.1).json(&json!({"token": TOKEN}));
    let opened = told(asked).await;
    assert_eq!((opened.status, opened.text.as_str(), opened.header("cache-control")), (204, "", "no-store"));
    let cookie = opened.header("set-cookie").to_owned();
    let (value, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(attributes, " HttpOnly; SameSite=Strict; Path=/; Max-Age=43200");
    assert_eq!(value.len(), "weighbridge_session=".len() + 64);
    assert!(!cookie.contains(TOKEN));

    let session = told(house.page(value, "GET", "/console/session")).await.json();
    assert_eq!(session["schema"], "weighbridge.session/1");
    let expires_us = session["expires_at_us"].as_i64().unwrap();
    assert!((expires_us - crate::clock::now_us() - 12 * 3_600_000_000).abs() < 600_000_000);
    for path in ["/admin/v1/console", WEIGHT, "/admin/v1/migrations", "/admin/v1/audit", "/metrics"] {
        assert_eq!(told(house.plain("GET", path).header("cookie", value)).await.status, 200, "{path}");
    }

    assert_eq!(told(house.page(value, "DELETE", "/console/session")).await.status, 204);
    assert_eq!(told(house.page(value, "GET", "/console/session")).await.status, 401);
    assert_eq!(told(house.page(value, "GET", WEIGHT)).await.code(), "invalid_api_key");
}

#[tokio::test]
async fn behind_tls_the_cookie_stays_there() {
    let house = House::build(5.0).await;
    let asked = house.plain("POST", "/console/session").header(MARK.0, MARK.1).header("x-forwarded-proto", "https");
    let told = told(asked.json(&json!({"token": TOKEN}))).await;
    assert!(told.header("set-cookie").ends_with("; Secure"), "{}", told.header("set-cookie"));
}

#[tokio::test]
async fn a_wrong_login_is_refused_and_repeats_nothing() {
    let house = House::build(5.0).await;
    let post = |body: String| house.plain("POST", "/console/session").header(MARK.0, MARK.1).body(body);
    let wrong = told(post(json!({"token": "secret-guess"}).to_string())).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (401, "invalid_api_key"));
    assert_eq!(wrong.header("set-cookie"), "");
    for body in
        ["secret-guess", "{\"token\": \"secret-guess\"", "{}", "{\"token\":\"a\",\"more\":\"secret-guess\"}", ""]
    {
        let told = told(post(body.to_owned())).await;
        assert_eq!((told.status, told.text.contains("secret-guess")), (400, false), "{body}");
    }
    let huge = json!({"token": "x".repeat(20_000)}).to_string();
    assert_eq!(told(post(huge)).await.status, 400);
    let empty = told(post(json!({"token": ""}).to_string())).await;
    assert_eq!(empty.status, 401);
}

/// A token may be short: who guesses many at once and waits for no answer is not listened to, not even with the right one.
#[tokio::test]
async fn a_source_that_guesses_without_waiting_is_not_listened_to_and_sessions_go_on() {
    let house = House::build(5.0).await;
    let cookie = house.log_in().await;
    let guess = || house.plain("GET", WEIGHT).header("authorization", "Bearer guess");
    let mut guesses: Vec<_> = (0..12).map(|_| tokio::spawn(guess().send())).collect();
    let right = || house.plain("GET", WEIGHT).header("authorization", format!("Bearer {TOKEN}"));
    loop {
        let told = told(right()).await;
        if told.status == 429 {
            assert_eq!((told.code().as_str(), told.header("retry-after")), ("too_many_wrong_tokens", "10"));
            break;
        }
        assert_eq!(told.status, 200);
        // Those that were told by now make room for others.
        guesses.push(tokio::spawn(guess().send()));
    }
    let login = house.plain("POST", "/console/session").header(MARK.0, MARK.1).json(&json!({"token": TOKEN}));
    assert_eq!(told(login).await.status, 429);
    assert_eq!(told(house.page(&cookie, "GET", WEIGHT)).await.status, 200, "a session is no guess");
    guesses.iter().for_each(tokio::task::JoinHandle::abort);
}

/// A page of somebody else, in the same browser: the cookie may come along, but nothing else does.
#[tokio::test]
async fn another_page_cannot_use_the_session() {
    let house = House::build(5.0).await;
    let cookie = house.log_in().await;
    let epoch = house.running.epoch();
    let reason = json!({"reason": "test"});
    for (method, path) in [
        ("POST", ROLLBACK),
        ("PUT", "/admin/v1/migrations/move/shadow"),
        ("PUT", "/admin/v1/migrations/move/verdict"),
        ("PUT", WEIGHT),
        ("POST", "/admin/v1/config/reload"),
        ("DELETE", "/admin/v1/consumers/team-a"),
        ("DELETE", "/console/session"),
    ] {
        let plain = house.plain(method, path).header("cookie", &cookie).json(&reason);
        let told_plain = told(plain).await;
        assert_eq!((told_plain.status, told_plain.code().as_str()), (403, "not_the_console"), "{method} {path}");
        let foreign = house.page(&cookie, method, path).header("sec-fetch-site", "cross-site").json(&reason);
        assert_eq!(told(foreign).await.status, 403, "{method} {path}");
        let other = house.plain(method, path).header("cookie", &cookie).header(MARK.0, "0").json(&reason);
        assert_eq!(told(other).await.status, 403, "{method} {path}");
    }
    for path in ["/admin/v1/console", "/console/events"] {
        let foreign = house.page(&cookie, "GET", path).header("sec-fetch-site", "same-site");
        assert_eq!(told(foreign).await.status, 403, "{path}");
    }
    assert_eq!((house.running.weight_percent(), house.running.epoch()), (5.0, epoch));
    assert_eq!(told(house.page(&cookie, "GET", "/console/session")).await.status, 200, "not even logged out");
    // Nor may a page ask whether it may.
    let asked = house.plain("OPTIONS", ROLLBACK).header("origin", "https://evil.example");
    let told = told(asked.header("access-control-request-headers", MARK.0)).await;
    assert!(!told.headers.keys().any(|name| name.as_str().starts_with("access-control")), "{:?}", told.headers);
    assert!(told.status >= 400);
}

#[tokio::test]
async fn a_login_takes_the_mark_as_well() {
    let house = House::build(5.0).await;
    let plain = house.plain("POST", "/console/session").json(&json!({"token": TOKEN}));
    let refused = told(plain).await;
    assert_eq!((refused.status, refused.header("set-cookie")), (403, ""));
    let foreign = house.plain("POST", "/console/session").header(MARK.0, MARK.1).header("sec-fetch-site", "cross-site");
    assert_eq!(told(foreign.json(&json!({"token": TOKEN}))).await.status, 403);
}

#[tokio::test]
async fn a_wrong_cookie_opens_nothing_and_a_wrong_token_is_not_saved_by_a_right_cookie() {
    let house = House::build(5.0).await;
    let cookie = house.log_in().await;
    let almost = format!("{}0", &cookie[..cookie.len() - 1]);
    let almost = if almost == cookie { format!("{}1", &cookie[..cookie.len() - 1]) } else { almost };
    for wrong in [almost.as_str(), "weighbridge_session=", "weighbridge_session", "other=1", &cookie[..40]] {
        assert_eq!(told(house.page(wrong, "GET", WEIGHT)).await.status, 401, "{wrong}");
        assert_eq!(told(house.page(wrong, "GET", "/console/events")).await.status, 401, "{wrong}");
    }
    assert_eq!(told(house.plain("GET", "/console/events")).await.status, 401);
    let both = house.page(&cookie, "GET", WEIGHT).bearer_auth("wrong");
    assert_eq!(told(both).await.status, 401);
    let among = format!("theme=dark; {cookie}; other=1");
    assert_eq!(told(house.page(&among, "GET", WEIGHT)).await.status, 200);
}

/// The token itself is not a cookie, so nothing of this concerns it.
#[tokio::test]
async fn the_token_needs_no_mark() {
    let house = House::build(5.0).await;
    let told: Value = told(house.token("POST", ROLLBACK)).await.json();
    assert_eq!(told["weight_percent"], 0.0);
}
