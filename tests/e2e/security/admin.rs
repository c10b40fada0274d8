//! The admin plane without a token, with a wrong one, and by addresses that mean to get around it.

use super::*;
use crate::harness::read;

/// Method, address, and a body that would be taken with the token.
const GUARDED: &[(&str, &str)] = &[
    ("GET", "/metrics"),
    ("GET", "/admin/v1/migrations"),
    ("GET", "/admin/v1/migrations/move/weight"),
    ("PUT", "/admin/v1/migrations/move/weight"),
    ("POST", "/admin/v1/migrations/move/rollback"),
    ("PUT", "/admin/v1/migrations/move/shadow"),
    ("GET", "/admin/v1/migrations/move/verdict"),
    ("PUT", "/admin/v1/migrations/move/verdict"),
    ("GET", "/admin/v1/console"),
    ("GET", "/console/events"),
    ("GET", "/admin/v1/audit"),
    ("GET", "/admin/v1/providers"),
    ("POST", "/admin/v1/config/reload"),
    ("GET", "/admin/v1/consumers"),
    ("POST", "/admin/v1/consumers/somebody/keys"),
    ("POST", "/admin/v1/consumers/adopt"),
    ("GET", "/admin/v1/quotas"),
    ("POST", "/admin/v1/quotas/any/refresh"),
    ("GET", "/admin/v1/usage"),
    ("GET", "/admin/v1/replicas"),
];

#[tokio::test]
async fn every_route_but_health_wants_the_whole_token() {
    // Wrong tokens of one source are slowed down: each of these comes from another one.
    let house = Plan { extra: "server.trusted_proxies = [\"127.0.0.0/8\"]", ..Plan::default() }.build().await;
    let mut source = 0_u32;
    let wrong = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {}", &TOKEN[..TOKEN.len() - 1]),
        format!("Bearer {TOKEN}x"),
        format!("Bearer {TOKEN},{TOKEN}"),
        format!("Basic {TOKEN}"),
        TOKEN.to_owned(),
        format!("Bearer {}", TOKEN.to_uppercase()),
    ];
    for (method, path) in GUARDED {
        let url = format!("http://{}{path}", house.gateway.admin_address);
        for given in &wrong {
            let request = client().request(method.parse().unwrap(), &url).header("if-match", "\"1\"");
            source += 1;
            let request = request.header("x-forwarded-for", std::net::Ipv4Addr::from_bits(source).to_string());
            let request = if given.is_empty() { request } else { request.header("authorization", given) };
            let answer = read(request.json(&json!({"weight_percent": 100})).send().await.unwrap()).await;
            assert_eq!(answer.status, 401, "{method} {path} with {given:?}");
            assert_eq!(answer.json()["error"]["code"], "invalid_api_key");
            assert!(!answer.text.contains(TOKEN), "{}", answer.text);
        }
        let in_query = client().request(method.parse().unwrap(), format!("{url}?token={TOKEN}"));
        assert_eq!(in_query.send().await.unwrap().status(), 401, "{method} {path}");
    }
    assert_eq!(house.gateway.weight_percent().to_bits(), 0.0_f64.to_bits());
}

#[tokio::test]
async fn no_spelling_of_an_address_gets_around_the_token() {
    let house = Plan::default().build().await;
    for path in [
        "/healthz/../admin/v1/audit",
        "/healthz/%2e%2e/admin/v1/audit",
        "//admin/v1/audit",
        "/admin/v1//audit",
        "/admin/v1/audit/",
        "/ADMIN/v1/audit",
        "/admin%2Fv1%2Faudit",
        "/admin/v1/audit;healthz",
        "/admin/v1/migrations/..%2Fmove/weight",
        "/v1/chat/completions",
    ] {
        let bytes = format!("GET {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n");
        let mut client = Client::connect(house.gateway.admin_address).await;
        client.send(&bytes).await;
        let status = client.head().await.0;
        assert!(status == 401 || status == 404, "{path}: {status}");
    }
}

#[tokio::test]
async fn a_large_or_broken_body_is_refused_with_a_sentence() {
    let house = Plan::default().build().await;
    let url = format!("http://{}/admin/v1/migrations/move/weight", house.gateway.admin_address);
    let put = async |body: Vec<u8>| {
        let request =
            client().put(&url).bearer_auth(TOKEN).header("if-match", format!("\"{}\"", house.gateway.epoch()));
        read(request.body(body).send().await.unwrap()).await.status
    };
    assert_eq!(put(vec![b'['; 200_000]).await, 400);
    assert_eq!(put(vec![b' '; 10 << 20]).await, 413);
    assert_eq!(put(br#"{"weight_percent":1,"weight_percent":100}"#.to_vec()).await, 400);
    assert_eq!(put(br#"{"weight_percent":1e999}"#.to_vec()).await, 400);
    assert_eq!(house.gateway.weight_percent().to_bits(), 0.0_f64.to_bits());
}
