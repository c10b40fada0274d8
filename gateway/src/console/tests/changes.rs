use super::{Events, House, config, told};
use serde_json::{Value, json};

const WEIGHT: &str = "/admin/v1/migrations/move/weight";
const ROLLBACK: &str = "/admin/v1/migrations/move/rollback";
const SHADOW: &str = "/admin/v1/migrations/move/shadow";

async fn trail(house: &House) -> Vec<Value> {
    told(house.token("GET", "/admin/v1/audit")).await.json()["changes"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_rollback_needs_no_epoch_and_does_nothing_twice() {
    let house = House::build(25.0).await;
    let cookie = house.log_in().await;
    let before = house.running.epoch();
    let back = told(house.page(&cookie, "POST", ROLLBACK).json(&json!({"reason": "errors rise"}))).await;
    assert_eq!((back.status, &back.json()["weight_percent"]), (200, &json!(0.0)));
    let epoch = house.running.epoch();
    assert!(epoch > before);
    assert_eq!(back.header("etag"), format!("\"{epoch}\""));
    let again = told(house.page(&cookie, "POST", ROLLBACK).json(&json!({"reason": "again"}))).await;
    assert_eq!((again.status, again.json()["epoch"].as_u64()), (200, Some(epoch)));
    let trail = trail(&house).await;
    assert_eq!(trail.len(), 1);
    let said = |key: &str| trail[0][key].clone();
    assert_eq!(
        (said("what"), said("who"), said("reason")),
        (json!("rollback"), json!("console"), json!("errors rise"))
    );
    assert_eq!((said("from_percent"), said("to_percent"), said("epoch")), (json!(25.0), json!(0.0), json!(epoch)));
    let unknown = told(house.token("POST", "/admin/v1/migrations/none/rollback")).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "not_found"));
}

#[tokio::test]
async fn people_say_why() {
    let house = House::build(25.0).await;
    let cookie = house.log_in().await;
    let epoch = house.running.epoch();
    let long = "x".repeat(1001);
    for reason in ["", "   ", long.as_str()] {
        let weight = house.page(&cookie, "PUT", WEIGHT).header("if-match", format!("\"{epoch}\""));
        let asked = [
            weight.json(&json!({"weight_percent": 30.0, "reason": reason})),
            house.page(&cookie, "POST", ROLLBACK).json(&json!({"reason": reason})),
            house.page(&cookie, "PUT", SHADOW).json(&json!({"paused": true, "reason": reason})),
        ];
        for asked in asked {
            let told = told(asked).await;
            assert_eq!((told.status, told.code().as_str()), (400, "invalid_reason"), "{reason:?}");
        }
    }
    assert_eq!(told(house.page(&cookie, "POST", ROLLBACK)).await.code(), "invalid_reason");
    assert_eq!((house.running.epoch(), trail(&house).await.len()), (epoch, 0));
    // What runs by itself may say nothing, and is cut where it says too much.
    let cut = told(house.token("POST", ROLLBACK).json(&json!({"reason": long}))).await;
    assert_eq!(cut.status, 200);
    let trail = trail(&house).await;
    assert_eq!((trail[0]["reason"].as_str().unwrap().len(), &trail[0]["who"]), (1000, &json!("token")));
    for body in ["{\"reason\": 1}", "{\"why\": \"x\"}", "{"] {
        assert_eq!(told(house.token("POST", ROLLBACK).body(body)).await.code(), "invalid_body", "{body}");
        assert_eq!(told(house.token("PUT", SHADOW).body(body)).await.code(), "invalid_body", "{body}");
    }
}

#[tokio::test]
async fn a_paused_mirror_gets_nothing_until_it_goes_on() {
    let house = House::build(0.0).await;
    let cookie = house.log_in().await;
    let epoch = house.running.epoch();
    let set = async |paused: bool, reason: &str| {
        told(house.page(&cookie, "PUT", SHADOW).json(&json!({"paused": paused, "reason": reason}))).await
    };
    house.ask().await;
    house.running.settle().await;
    assert_eq!(house.running.shadow_counts().accepted, 1);
    let paused = set(true, "too dear").await;
    assert_eq!((paused.status, &paused.json()["shadow_paused"]["reason"]), (200, &json!("too dear")));
    set(true, "another reason").await;
    house.ask().await;
    assert_eq!(house.running.shadow_counts().accepted, 1);
    let shown = &house.document().await["migrations"][0];
    assert_eq!((&shown["shadow_paused"]["reason"], shown["epoch"].as_u64()), (&json!("too dear"), Some(epoch)));

    // It outlives another configuration.
    house.running.reload(config(0.0)).await.unwrap();
    let mut other = config(0.0);
    other.reveal_arm = false;
    house.running.reload(other).await.unwrap();
    house.ask().await;
    assert_eq!(house.running.shadow_counts().accepted, 1);

    let gone_on = set(false, "budget is back").await;
    assert_eq!((gone_on.status, gone_on.json().get("shadow_paused")), (200, None));
    house.ask().await;
    house.running.settle().await;
    assert_eq!((house.running.shadow_counts().accepted, house.running.epoch()), (2, epoch));
    let trail: Vec<String> = trail(&house)
        .await
        .iter()
        .map(|one| format!("{} {} {} {}", one["what"], one["from_percent"], one["to_percent"], one["reason"]))
        .collect();
    assert_eq!(trail, ["\"shadow\" 100.0 0.0 \"too dear\"", "\"shadow\" 0.0 100.0 \"budget is back\""]);
    assert_eq!(
        told(house.token("PUT", "/admin/v1/migrations/none/shadow").json(&json!({"paused": true}))).await.status,
        404
    );
}

#[tokio::test]
async fn a_click_in_one_browser_is_seen_in_another() {
    let house = House::build(5.0).await;
    let (first, second) = (house.log_in().await, house.log_in().await);
    let mut events = Events::open(house.page(&second, "GET", "/console/events")).await;
    let (name, hello) = events.next().await.unwrap();
    assert_eq!((name.as_str(), &hello["migrations"][0]["weight_percent"]), ("hello", &json!(5.0)));
    let epoch = house.running.epoch();
    let put = house.page(&first, "PUT", WEIGHT).header("if-match", format!("\"{epoch}\""));
    let changed = told(put.json(&json!({"weight_percent": 12.34, "reason": "evidence"}))).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let late = house.page(&second, "PUT", WEIGHT).header("if-match", format!("\"{epoch}\""));
    let late = told(late.json(&json!({"weight_percent": 50.0, "reason": "mine"}))).await;
    assert_eq!((late.status, late.code().as_str()), (412, "epoch_changed"));
    let (_, now) =
        events.find(|name, data| name == "now" && data["migrations"][0]["weight_percent"] == json!(12.34)).await;
    let entry = &now["audit"][0];
    assert_eq!(
        (&entry["what"], &entry["who"], &entry["reason"]),
        (&json!("weight"), &json!("console"), &json!("evidence"))
    );
}
