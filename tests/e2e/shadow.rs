//! The mirror: complete while it can be, bounded when it cannot, and never felt by the client.

use crate::harness::{Plan, chat, until};
use datasets::{Arm, Role, ShadowFate};
use mocks::{Faults, Latency, Profile};
use serde_json::json;

#[tokio::test]
async fn every_request_is_mirrored_and_joined_by_its_pair() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    for index in 0..20 {
        let answer = house.ask(&chat(&format!("question {index}"), &json!({"stream": index % 2 == 0}))).await;
        assert_eq!((answer.status, answer.header("x-weighbridge-arm")), (200, "baseline"));
    }
    let records = house.records().await;
    let served: Vec<_> = records.iter().filter(|record| record.role == Role::Served).collect();
    let shadow: Vec<_> = records.iter().filter(|record| record.role == Role::Shadow).collect();
    assert_eq!((served.len(), shadow.len()), (20, 20));
    for record in served {
        assert_eq!(record.shadow, Some(ShadowFate::Sent));
        let copy = shadow.iter().find(|copy| copy.pair == record.pair).expect("a copy");
        assert_eq!(
            (copy.arm, copy.provider.as_str(), copy.model.as_str()),
            (Arm::Candidate, "deepseek", "deepseek-flash")
        );
        assert_eq!((copy.at_us, copy.epoch, &copy.unit), (record.at_us, record.epoch, &record.unit));
        assert!(copy.usage.is_some() && copy.cost_nanos.is_some());
    }
}

#[tokio::test]
async fn a_candidate_that_hangs_is_never_felt_by_the_client() {
    // The candidate would take ten minutes for a first byte; the clients are all served while it hangs.
    let hangs =
        Profile { time_scale: 1.0, first_token: Latency { median_ms: 600_000.0, sigma: 0.0 }, ..Profile::instant() };
    let house = Plan {
        shadow_percent: 100.0,
        deepseek: hangs,
        extra: "shadow.workers = 2\nshadow.queue_jobs_max = 3\nserver.drain_timeout = \"1s\"\n",
        ..Plan::default()
    };
    let house = house.build().await;
    for index in 0..10 {
        assert_eq!(house.ask(&chat(&format!("q {index}"), &json!({}))).await.status, 200);
    }
    let counts = house.gateway.shadow_counts();
    assert_eq!(counts.accepted + counts.dropped, 10, "{counts:?}");
    // Two under way, three waiting; one more may have been taken up in between.
    assert!((3..=6).contains(&counts.accepted) && counts.finished == 0, "{counts:?}");
    let records = house.records.clone();
    let summary = house.gateway.shutdown().await;
    assert_eq!(summary.shadow.abandoned, counts.accepted);
    let lines: Vec<datasets::Exchange> =
        datasets::Lines::open(&records, datasets::Format::Exchanges).unwrap().map(Result::unwrap).collect();
    assert_eq!(lines.len(), 10, "every served request is on record");
    let full = lines.iter().filter(|record| record.shadow == Some(ShadowFate::QueueFull)).count();
    assert_eq!(full as u64, counts.dropped);
}

#[tokio::test]
async fn a_candidate_that_is_not_there_is_evidence_and_nothing_more() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let house = Plan { shadow_percent: 100.0, candidate_url: Some(format!("http://{address}")), ..Plan::default() };
    let house = house.build().await;
    assert_eq!(house.ask(&chat("hello", &json!({}))).await.status, 200);
    let records = house.records().await;
    let copy = records.iter().find(|record| record.role == Role::Shadow).expect("a record of the failure");
    assert_eq!(copy.error, Some(wire::ErrorKind::Connect));
}

#[tokio::test]
async fn failing_copies_are_recorded_by_kind() {
    let faults = Faults { error_429: 1.0, ..Faults::default() };
    let house = Plan { shadow_percent: 100.0, deepseek: Profile { faults, ..Profile::instant() }, ..Plan::default() };
    let house = house.build().await;
    assert_eq!(house.ask(&chat("hello", &json!({"stream": true}))).await.status, 200);
    until("the copy ends", || house.gateway.shadow_counts().finished == 1).await;
    let records = house.records().await;
    let copy = records.iter().find(|record| record.role == Role::Shadow).unwrap();
    assert_eq!((copy.status, copy.error), (429, Some(wire::ErrorKind::RateLimit)));
}
