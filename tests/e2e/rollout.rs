//! The loop by its single commands: shadow, verdict, gate, canary, verdict.

use crate::command::{Ran, run};
use crate::harness::{House, Plan};
use datasets::bundled;
use mocks::{Faults, Profile};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Latency of mocks that do not wait says nothing, so it is not judged here; everything else is.
const POLICY: &str = "
[guardrails.ttft_p50]
enabled = false
[guardrails.ttft_p95]
enabled = false
[guardrails.duration_p50]
enabled = false
[guardrails.duration_p95]
enabled = false
[guardrails.cost]
enabled = false
[weight]
ladder_percent = [50, 100]
harm_budget_requests = 200
";

struct Files {
    _folder: tempfile::TempDir,
    policy: PathBuf,
    verdict: PathBuf,
}

fn files() -> Files {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, POLICY).unwrap();
    Files { policy, verdict: folder.path().join("verdict.json"), _folder: folder }
}

/// Requests of the bundled log from `first` on, each with an end user of its own.
async fn play(house: &House, first: usize, count: usize) {
    let log = bundled::repeat(&bundled::DEMO.requests().unwrap(), first + count).split_off(first);
    let options = replay::ReplayOptions {
        target: format!("http://{}", house.gateway.address),
        rate: "max:16".parse().unwrap(),
        ..replay::ReplayOptions::default()
    };
    let cancel = replay::CancellationToken::new();
    let summary = replay::run(log, options, &replay::progress::Silent, cancel).await.unwrap();
    assert_eq!(summary.sent, count as u64);
    house.gateway.settle().await;
}

async fn evaluate(house: &House, files: &Files) -> (Ran, Value) {
    let paths = [house.records.as_path(), Path::new("--policy"), &files.policy, Path::new("--out"), &files.verdict];
    let ran = run([Path::new("evaluate")].into_iter().chain(paths)).await;
    let verdict =
        serde_json::from_str(&std::fs::read_to_string(&files.verdict).unwrap_or_default()).unwrap_or_default();
    (ran, verdict)
}

async fn gate(house: &House, files: &Files) -> Ran {
    let target = format!("http://{}", house.gateway.admin_address);
    run(["gate".as_ref(), files.verdict.as_os_str(), "--apply".as_ref(), "--target".as_ref(), target.as_ref()]).await
}

#[tokio::test]
async fn a_good_candidate_rises_once_per_verdict() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let files = files();
    play(&house, 0, 1000).await;
    let (ran, verdict) = evaluate(&house, &files).await;
    assert_eq!((ran.code, &verdict["verdict"]), (0, &"go".into()), "{ran:?}");
    assert_eq!(verdict["next_weight_percent"], 50.0, "{ran:?}");

    let passed = gate(&house, &files).await;
    assert_eq!(passed.code, 0, "{passed:?}");
    assert!((house.gateway.weight_percent() - 50.0).abs() < 1e-9);
    let again = gate(&house, &files).await;
    assert_eq!(again.code, 3, "the verdict is about an epoch that is over: {again:?}");
    assert!((house.gateway.weight_percent() - 50.0).abs() < 1e-9);

    play(&house, 1000, 2000).await;
    let (ran, verdict) = evaluate(&house, &files).await;
    assert_eq!((ran.code, &verdict["verdict"]), (0, &"go".into()), "{ran:?}");
    assert_eq!(verdict["weight_percent"], 50.0);
    let canary = verdict["guardrails"].as_array().unwrap().iter().filter(|row| row["segment"] == "canary").count();
    assert!(canary > 0, "the second verdict stands on served traffic too: {ran:?}");
    let passed = gate(&house, &files).await;
    assert_eq!(passed.code, 0, "{passed:?}");
    assert!((house.gateway.weight_percent() - 100.0).abs() < 1e-9, "{passed:?}\n{}", ran.out);
}

#[tokio::test]
async fn a_bad_candidate_never_rises() {
    let faults = Faults { error_500: 0.08, ..Faults::default() };
    let house = Plan { shadow_percent: 100.0, deepseek: Profile { faults, ..Profile::instant() }, ..Plan::default() };
    let house = house.build().await;
    let files = files();
    play(&house, 0, 600).await;
    let (ran, verdict) = evaluate(&house, &files).await;
    assert_eq!((ran.code, &verdict["verdict"]), (1, &"no-go".into()), "{ran:?}");
    let passed = gate(&house, &files).await;
    assert_eq!(passed.code, 1, "{passed:?}");
    assert!(house.gateway.weight_percent().abs() < 1e-9);
}

#[tokio::test]
async fn too_little_evidence_never_rises() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let files = files();
    play(&house, 0, 60).await;
    let (ran, verdict) = evaluate(&house, &files).await;
    assert_eq!((ran.code, &verdict["verdict"]), (3, &"hold".into()), "{ran:?}");
    assert!(!verdict["needed"].as_array().unwrap().is_empty(), "HOLD says what is missing");
    assert_eq!(gate(&house, &files).await.code, 3);
    assert!(house.gateway.weight_percent().abs() < 1e-9);
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_a_failure_of_the_world() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let files = files();
    play(&house, 0, 20).await;
    evaluate(&house, &files).await;
    let House { gateway, .. } = house;
    let target = format!("http://{}", gateway.admin_address);
    gateway.shutdown().await;
    let ran = run(["gate".as_ref(), files.verdict.as_os_str(), "--target".as_ref(), target.as_ref()]).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.err.contains(&target), "{}", ran.err);
}

#[tokio::test]
async fn the_same_records_give_the_same_bytes() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let files = files();
    play(&house, 0, 50).await;
    evaluate(&house, &files).await;
    let first = std::fs::read(&files.verdict).unwrap();
    evaluate(&house, &files).await;
    assert_eq!(first, std::fs::read(&files.verdict).unwrap());
}
