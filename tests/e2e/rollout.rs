//! The loop by its single commands: shadow, verdict, gate, canary, verdict.

use crate::command::{Ran, finish, run, weighbridge};
use crate::harness::{House, Plan};
use ::gate::signature::SecretKey;
use datasets::bundled;
use mocks::{Faults, Profile};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Latency of mocks that do not wait says nothing, and few of the log's requests demand a form, so these are not judged
/// here; everything else is, once for each act, with margins that some hundred served requests can prove. The traffic is as fast as this machine, a break undone as fast.
const POLICY: &str = "
[levels]
looks = \"one\"
[guardrails.ttft_p50]
enabled = false
[guardrails.ttft_p95]
enabled = false
[guardrails.ttft_p99]
enabled = false
[guardrails.duration_p50]
enabled = false
[guardrails.duration_p95]
enabled = false
[guardrails.duration_p99]
enabled = false
[guardrails.inter_token_p50]
enabled = false
[guardrails.inter_token_p95]
enabled = false
[guardrails.structured_failures]
enabled = false
[guardrails.rate_limited]
margin_points = 1.0
[guardrails.cancellations]
margin_points = 1.0
[guardrails.cost]
enabled = false
[weight]
ladder_percent = [50, 100]
harm_budget_requests = 200
reaction_minutes = 1
worst_excess = 0.01
";

pub(crate) struct Files {
    _folder: tempfile::TempDir,
    pub(crate) policy: PathBuf,
    pub(crate) verdict: PathBuf,
    /// What the gate asks for: the ladder of the verdicts' policy, signed by the key beside it.
    pub(crate) gate: PathBuf,
    pub(crate) sign_key: PathBuf,
    pub(crate) audit: PathBuf,
}

pub(crate) fn files() -> Files {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, POLICY).unwrap();
    let gate = folder.path().join("gate.toml");
    std::fs::write(&gate, "keys = [\"sign-key.pub.pem\"]\nladder_percent = [50, 100]\n").unwrap();
    let key = SecretKey::generate().unwrap();
    let sign_key = folder.path().join("sign-key.pem");
    std::fs::write(&sign_key, key.to_pem().unwrap()).unwrap();
    std::fs::write(folder.path().join("sign-key.pub.pem"), key.public().to_pem()).unwrap();
    let (verdict, audit) = (folder.path().join("verdict.json"), folder.path().join("audit.ndjson"));
    Files { policy, verdict, gate, sign_key, audit, _folder: folder }
}

/// Requests of the bundled log from `first` on, each with an end user of its own.
pub(crate) async fn play(house: &House, first: usize, count: usize) {
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

pub(crate) async fn evaluate(house: &House, files: &Files) -> (Ran, Value) {
    let paths = [house.records.as_path(), Path::new("--policy"), &files.policy, Path::new("--out"), &files.verdict];
    let key = [Path::new("--sign-key"), &files.sign_key];
    let ran = run([Path::new("evaluate")].into_iter().chain(paths).chain(key)).await;
    let verdict =
        serde_json::from_str(&std::fs::read_to_string(&files.verdict).unwrap_or_default()).unwrap_or_default();
    (ran, verdict)
}

/// The gate's command, with the test's own policy and log.
pub(crate) fn asked(target: &str, files: &Files, more: &[&str]) -> std::process::Command {
    let paths = [&files.verdict, Path::new("--policy"), &files.gate, Path::new("--audit"), &files.audit];
    let mut command = weighbridge([Path::new("gate")].into_iter().chain(paths));
    command.args(["--target", target]).args(more);
    command
}

async fn gate(house: &House, files: &Files) -> Ran {
    finish(asked(&format!("http://{}", house.gateway.admin_address), files, &["--apply"])).await
}

/// A fresh GO for epoch and weight of nobody's gateway, written to `path`.
pub(crate) fn small_verdict(path: &Path) -> PathBuf {
    go(path, "move", 1, 50.0)
}

/// A fresh GO at weight 0.
pub(crate) fn go(path: &Path, migration: &str, epoch: u64, next_weight_percent: f64) -> PathBuf {
    let verdict = serde_json::json!({
        "schema": judge::verdict::SCHEMA, "verdict": "go", "reasons": ["all guardrails passed"],
        "migration": migration, "epoch": epoch, "weight_percent": 0.0,
        "next_weight_percent": next_weight_percent, "next_weight_bound": "ladder",
        "needed": [], "guardrails": [{
            "metric": "errors", "segment": "all", "state": "pass", "scale": "difference", "estimate": 0.0, "lower": null,
            "upper": 0.003, "margin": 0.005, "alpha": 0.05, "alpha_alarm": 0.001, "n": 1000, "baseline_value": null,
            "candidate_value": null, "method": "tango-score", "direction": "lower-is-better", "why": "",
        }],
        "instrument": judge::verdict::Instrument::default(), "bill": judge::verdict::Bill::default(),
        "window": {"from_us": 0, "to_us": 0}, "inputs": [], "policy_digest": "p", "tariff_digest": "t", "seed": 0,
        "version": "0", "created_at": jiff::Timestamp::now().to_string(),
        "evidence": judge::verdict::Evidence::default(),
    });
    std::fs::write(path, verdict.to_string()).unwrap();
    path.to_owned()
}

#[tokio::test]
async fn what_is_no_admin_plane_is_not_taken_for_one() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let files = files();
    go(&files.verdict, "move", 1, 50.0);
    let gateway = format!("http://{}", house.gateway.address);
    let provider = house.openai.base_url();
    for target in [&gateway, &provider] {
        let ran = finish(asked(target, &files, &[])).await;
        assert_eq!(ran.code, 2, "{target}: {ran:?}");
        assert!(ran.out.is_empty(), "{ran:?}");
        assert!(ran.err.contains(target.as_str()) && ran.err.contains("--target"), "{ran:?}");
    }
    let ran = finish(asked(&gateway, &files, &[])).await;
    assert!(ran.err.contains("this is no admin plane") && ran.err.contains("8081"), "{ran:?}");

    // The admin plane's own word that it does not know a migration is a reason to leave it alone.
    for name in ["another", "move/weight", "../audit"] {
        go(&files.verdict, name, 1, 50.0);
        let ran = gate(&house, &files).await;
        let said = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(ran.code == 3 && said.contains("has no migration"), "{name}: {ran:?}");
    }
}

#[tokio::test]
async fn a_token_that_the_admin_plane_refuses_is_named_by_its_variable_and_never_shown() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let files = files();
    go(&files.verdict, "move", house.gateway.epoch(), 50.0);
    let mut command = asked(&format!("http://{}", house.gateway.admin_address), &files, &[]);
    command.env("WEIGHBRIDGE_ADMIN_TOKEN", "a-wrong-token");
    let ran = finish(command).await;
    assert!(ran.code == 2 && ran.err.contains("refused the token"), "{ran:?}");
    assert!(!ran.err.contains("a-wrong-token"), "{ran:?}");
}

#[tokio::test]
async fn a_dash_is_standard_output() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let files = files();
    play(&house, 0, 20).await;
    let folder = files.policy.parent().unwrap();
    let evaluate = |more: &[&str]| {
        let mut command = weighbridge(["evaluate".as_ref(), house.records.as_os_str()]);
        command.args(more).current_dir(folder);
        finish(command)
    };
    let ran = evaluate(&["--out", "-"]).await;
    let verdict: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(verdict["verdict"], "hold", "{ran:?}");
    assert!(!folder.join("verdict.json").exists() && !folder.join("-").exists());
    let ran = evaluate(&["--summary", "-"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.out.starts_with('#') && ran.out.contains("| "), "Markdown and nothing else: {}", ran.out);
    assert!(folder.join("verdict.json").exists() && !folder.join("-").exists());
    let ran = evaluate(&["--summary", "-", "--out", "-"]).await;
    assert!(ran.code == 2 && ran.err.contains("cannot both"), "{ran:?}");
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
    assert_eq!(again.code, 3, "the verdict is about an epoch that is over, and was used: {again:?}");
    assert!(again.out.contains("raised the weight at"), "{again:?}");
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
    let ran = finish(asked(&target, &files, &[])).await;
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
