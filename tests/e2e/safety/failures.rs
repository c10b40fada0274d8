//! A guard that is slow, dead or overrun: what its owner chose happens, everything is counted, and nobody else waits.

use super::{BAD, by_hand, guarded_by, of_answer, text, told};
use crate::harness::{House, Plan, chat};
use crate::raw::soon;
use datasets::GuardAction;
use serde_json::json;
use std::time::Duration;

/// A back end at an address where nobody listens, and one that is asked in vain.
fn dead() -> String {
    // Port 1 of loopback: nobody listens there.
    "[safety.backends.judge]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:1/v1\"\ntimeout = \"300ms\"\n".to_owned()
}

const BOTH: &str = "request = [\"judge\"]\nresponse = [\"judge\"]\n";

async fn unjudged(house: &House, phase: &str) -> f64 {
    let start = format!("weighbridge_guard_unjudged_total{{policy=\"guarded\",phase=\"{phase}\",backend=\"judge\"");
    house.sample(&start).await
}

#[tokio::test]
async fn a_dead_back_end_lets_pass_or_blocks_as_its_owner_chose() {
    for (on_failure, passes) in [("open", true), ("closed", false)] {
        for stream in [false, true] {
            let house = guarded_by(&dead(), &format!("{BOTH}on_failure = \"{on_failure}\"")).build().await;
            let answer = house.ask(&chat("hello", &json!({"stream": stream}))).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.text.contains("from-security-guard"), !passes, "{}", answer.text);
            assert!((unjudged(&house, "request").await - 1.0).abs() < 0.1);
            if passes {
                let record = house.records_of(1).await.remove(0);
                let guard = record.guard.clone().unwrap();
                assert_eq!(
                    (guard.request.unwrap().failed, of_answer(&record).action),
                    (vec!["judge:unreachable".to_owned()], GuardAction::None)
                );
                assert_eq!(of_answer(&record).failed, ["judge:unreachable"], "no verdict is no verdict");
                assert!((unjudged(&house, "response").await - 1.0).abs() < 0.1);
            }
        }
    }
}

#[tokio::test]
async fn a_dead_back_end_that_closes_cuts_streams_that_have_begun() {
    let (provider, house) = by_hand(guarded_by(
        &dead(),
        "response = [\"judge\"]\non_failure = \"closed\"\nwindow_characters = 20\noverlap_characters = 5",
    ))
    .await;
    let request = chat("tell", &json!({"stream": true}));
    let (answer, ()) = tokio::join!(house.ask(&request), async {
        let mut call = provider.call().await;
        call.begin_stream().await;
        call.send(text(0, "some twenty characters and more")).await;
        call.hung_up().await;
    });
    assert!(!told(&answer.text, 0, "content").contains("twenty") && answer.text.ends_with("data: [DONE]\n\n"));
    let record = house.records_of(1).await.remove(0);
    assert_eq!((of_answer(&record).action, of_answer(&record).categories.len()), (GuardAction::Blocked, 0));
    assert!(!of_answer(&record).failed.is_empty());
}

#[tokio::test]
async fn a_slow_back_end_costs_its_own_users_its_deadline_and_everybody_else_nothing() {
    // A judge that takes connections and never answers.
    let judge = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let backend = format!(
        "[safety.backends.judge]\nkind = \"openai\"\nbase_url = \"http://{}/v1\"\ntimeout = \"600ms\"\ncalls_in_flight_max = 2\n",
        judge.local_addr().unwrap()
    );
    let digest = datasets::digest::of_bytes(b"free");
    let free = format!(
        "[[safety.consumers]]\nname = \"free\"\npolicy = \"none\"\n[consumers.free]\nkeys_sha256 = [\"{digest}\"]\n"
    );
    let house = guarded_by(&backend, &format!("request = [\"judge\"]\n{free}")).build().await;
    let guarded: Vec<_> = (0..20)
        .map(|number| {
            let request = house.client.post(house.url()).bearer_auth("guarded");
            let request = request.json(&chat(&format!("question {number}"), &json!({})));
            tokio::spawn(async move { request.send().await.unwrap().status() })
        })
        .collect();
    let connected = soon("the judge is asked", judge.accept()).await.unwrap();
    // Nobody has had an answer from the judge, and everybody without a policy is served meanwhile.
    for number in 0..20 {
        let request =
            house.client.post(house.url()).bearer_auth("free").json(&chat(&format!("free {number}"), &json!({})));
        assert_eq!(soon("a free answer", request.send()).await.unwrap().status(), 200);
    }
    for one in guarded {
        assert_eq!(tokio::time::timeout(Duration::from_secs(10), one).await.unwrap().unwrap(), 200, "open");
    }
    drop(connected);
    let records = house.records_of(40).await;
    let failed = records.iter().filter(|record| {
        record.guard.as_ref().is_some_and(|guard| guard.request.as_ref().is_some_and(|check| !check.is_whole()))
    });
    assert_eq!(failed.count(), 20, "each is counted");
}

#[tokio::test]
async fn lists_spare_the_call_of_a_service_for_what_they_block() {
    let backends = format!("{}{}", super::BACKENDS, dead());
    let house = guarded_by(&backends, "request = [\"words\", \"judge\"]\non_failure = \"closed\"").build().await;
    let answer = house.ask(&chat(BAD, &json!({}))).await;
    assert!(answer.text.contains("from-security-guard"));
    assert!(unjudged(&house, "request").await < 0.1);
    // The order is the policy's.
    let house = Plan { ..guarded_by(&backends, "request = [\"judge\", \"words\"]") }.build().await;
    house.ask(&chat(BAD, &json!({}))).await;
    assert!((unjudged(&house, "request").await - 1.0).abs() < 0.1);
}
