//! The split: by conversation, sticky, and only ever growing.

use crate::harness::{PROVIDER_KEY, Plan, chat};
use datasets::{Arm, Role};
use serde_json::json;

#[tokio::test]
async fn a_raised_weight_only_adds_conversations() {
    let house = Plan { weight_percent: 20.0, ..Plan::default() }.build().await;
    let mut before = Vec::new();
    for user in 0..60 {
        before.push(arm(&house, user).await);
    }
    assert_eq!(house.set_weight(60.0, house.gateway.epoch()).await.status, 200);
    let mut added = 0;
    for (user, before) in before.iter().enumerate() {
        let now = arm(&house, user).await;
        assert!(before != "candidate" || now == "candidate", "conversation {user} went back");
        added += usize::from(*before != now);
    }
    let first = before.iter().filter(|arm| *arm == "candidate").count();
    assert!(first > 0 && added > 0, "{first} at 20%, {added} more at 60%");
}

async fn arm(house: &crate::harness::House, user: usize) -> String {
    let body = chat(&format!("hello {user}"), &json!({"user": format!("user-{user}")}));
    let answer = house.ask(&body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.header("x-weighbridge-arm").to_owned()
}

#[tokio::test]
async fn the_candidate_gets_its_own_model_and_key_and_none_of_the_clients() {
    let house = Plan { weight_percent: 100.0, ..Plan::default() }.build().await;
    let answer = house.ask_as(&chat("hi", &json!({"user": "anna"})), &[("openai-organization", "org-1")]).await;
    assert_eq!((answer.status, answer.header("x-weighbridge-arm")), (200, "candidate"));
    let asked = house.deepseek.requests().recent();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].headers["authorization"], format!("Bearer {PROVIDER_KEY}"));
    let seen = format!("{:?}", asked[0]);
    assert!(seen.contains("deepseek-flash"), "{seen}");
    for private in ["sk-old-key", "org-1", "anna"] {
        assert!(!seen.contains(private), "{private} reached the candidate: {seen}");
    }
    assert!(!format!("{:?}", answer.headers).contains("sk-"), "{:?}", answer.headers);
}

#[tokio::test]
async fn what_the_candidate_cannot_do_stays_on_the_baseline() {
    let house = Plan { weight_percent: 100.0, shadow_percent: 100.0, ..Plan::default() }.build().await;
    for body in [
        chat("a", &json!({"n": 2})),
        chat(
            "b",
            &json!({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}}),
        ),
    ] {
        let answer = house.ask(&body).await;
        assert_eq!((answer.status, answer.header("x-weighbridge-arm")), (200, "baseline"), "{body}");
    }
    assert!(house.deepseek.requests().recent().is_empty());
    let records = house.records().await;
    assert!(records.iter().all(|record| record.shadow == Some(datasets::ShadowFate::Unfit)));
}

#[tokio::test]
async fn a_model_that_no_migration_names_is_plain_traffic_of_the_baseline() {
    let house = Plan { weight_percent: 100.0, shadow_percent: 100.0, ..Plan::default() }.build().await;
    let answer = house.ask(&chat("c", &json!({"model": "gpt-4.1"}))).await;
    assert_eq!((answer.status, answer.header("x-weighbridge-arm")), (200, "baseline"));
    let records = house.records().await;
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.migration.as_str(), record.assigned_by), ("none", Some(datasets::AssignedBy::None)));
    assert!(record.shadow.is_none() && house.deepseek.requests().recent().is_empty());
}

#[tokio::test]
async fn a_record_holds_what_happened() {
    let house = Plan::default().build().await;
    let body = chat("hello", &json!({"stream": true, "user": "u"}));
    let answer = house.ask_as(&body, &[("x-request-id", "my-id-1")]).await;
    let records = house.records().await;
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(record.pair, answer.header("x-request-id"));
    assert_eq!(record.request.as_deref(), Some("my-id-1"));
    assert_eq!((record.arm, record.role, record.status, record.error), (Arm::Baseline, Role::Served, 200, None));
    assert_eq!(record.finish_reason.as_deref(), Some("stop"));
    assert_eq!(record.epoch.to_string(), answer.header("x-weighbridge-epoch"));
    let usage = record.usage.expect("usage");
    assert!(usage.prompt > 0 && usage.completion > 0);
    assert!(record.cost_nanos.unwrap() > 0);
    assert!(record.ttft_us.unwrap() <= record.duration_us);
    assert_eq!(record.answer_chars, record.answer.as_ref().unwrap().chars().count() as u64);
    assert_eq!(record.prompt_chars, 5);
}

#[tokio::test]
async fn while_nothing_goes_to_the_candidate_nothing_is_called_unfit() {
    let house = Plan::default().build().await;
    house.ask(&chat("hello", &json!({}))).await;
    assert_eq!(house.records().await[0].shadow, Some(datasets::ShadowFate::NotSampled));
}
