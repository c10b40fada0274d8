//! The admin plane: a token, and weights that change only under the epoch they were decided on.

use crate::harness::{Plan, chat, read};
use serde_json::json;

#[tokio::test]
async fn the_weight_changes_once_per_epoch_and_leaves_a_trace() {
    let house = Plan { weight_percent: 5.0, ..Plan::default() }.build().await;
    let shown = house.admin("/admin/v1/migrations/move/weight").await;
    let epoch = house.gateway.epoch();
    assert_eq!(shown.header("etag"), format!("\"{epoch}\""));
    assert_eq!(shown.json()["weight_percent"], 5.0);

    let changed = house.set_weight(12.34, epoch).await;
    assert_eq!((changed.status, &changed.json()["weight_percent"]), (200, &json!(12.34)));
    assert!(house.gateway.epoch() > epoch);
    assert_eq!(house.set_weight(50.0, epoch).await.status, 412, "somebody was faster");
    assert_eq!(house.set_weight(120.0, house.gateway.epoch()).await.status, 400);
    assert_eq!(house.admin("/admin/v1/migrations/move/weight").await.json()["weight_percent"], 12.34);

    let audit = house.admin("/admin/v1/audit").await.json();
    assert_eq!(audit["changes"].as_array().unwrap().len(), 1);
    assert_eq!((&audit["changes"][0]["from_percent"], &audit["changes"][0]["reason"]), (&json!(5.0), &json!("test")));
    assert_eq!(
        house.ask(&chat("hi", &json!({}))).await.header("x-weighbridge-epoch"),
        house.gateway.epoch().to_string()
    );
}

#[tokio::test]
async fn without_the_token_only_health_is_told() {
    let house = Plan::default().build().await;
    let get = async |path: &str, token: &str| {
        let url = format!("http://{}{path}", house.gateway.admin_address);
        read(house.client.get(url).bearer_auth(token).send().await.unwrap()).await
    };
    assert_eq!(get("/healthz", "").await.status, 200);
    assert_eq!(get("/readyz", "").await.status, 200);
    for path in ["/admin/v1/migrations", "/admin/v1/migrations/move/weight", "/admin/v1/audit"] {
        let answer = get(path, "wrong").await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (401, &json!("invalid_api_key")), "{path}");
    }
}

#[tokio::test]
async fn without_if_match_nothing_changes() {
    let house = Plan::default().build().await;
    let url = format!("http://{}/admin/v1/migrations/move/weight", house.gateway.admin_address);
    let put = house.client.put(url).bearer_auth(crate::harness::TOKEN).json(&json!({"weight_percent": 10}));
    assert_eq!(put.send().await.unwrap().status(), 428);
    assert_eq!(house.admin("/admin/v1/migrations/move/weight").await.json()["weight_percent"], 0.0);
}
