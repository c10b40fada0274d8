//! The demo: the whole loop in one process, on bundled data and on real answers.

use crate::command::{Ran, real_data, run};
use serde_json::Value;
use std::path::Path;

async fn demo(out: &Path, scenario: &str, more: &[&str]) -> (Ran, Value) {
    let args = ["demo", "--out", out.to_str().unwrap(), "--scenario", scenario];
    let ran = run(args.into_iter().chain(more.iter().copied())).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    (ran, read(&out.join("verdict-shadow.json")))
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn guardrail<'a>(verdict: &'a Value, metric: &str) -> &'a Value {
    verdict["guardrails"].as_array().unwrap().iter().find(|row| row["metric"] == metric).expect(metric)
}

#[tokio::test]
async fn a_regressed_candidate_is_a_no_go_and_no_client_meets_it() {
    let folder = tempfile::tempdir().unwrap();
    let (ran, verdict) = demo(folder.path(), "regressed", &["--requests", "800", "--rate", "80"]).await;
    assert_eq!(verdict["verdict"], "no-go", "{}", ran.out);
    assert_eq!(guardrail(&verdict, "errors")["state"], "fail", "{}", ran.out);
    assert_eq!(verdict["next_weight_percent"], 0.0);
    assert!(ran.out.contains("left alone: the verdict is NO-GO"), "{}", ran.out);
    assert!(!folder.path().join("verdict-canary.json").exists());
    for file in
        ["report-shadow/index.html", "report-shadow/guardrails.png", "records.ndjson", "gateway.toml", "policy.toml"]
    {
        assert!(folder.path().join(file).exists(), "{file}");
    }
    // Run again into the same folder: a fresh demo. Into somebody's folder: refused.
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("diary.txt"), "dear diary").unwrap();
    let refused = run(["demo", "--out", other.path().to_str().unwrap()]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("choose another --out"), "{}", refused.err);
}

/// Known answers, from exact McNemar tests on the same files: no proven loss on GSM8K, clear losses on the others.
#[tokio::test]
async fn real_answers_get_the_verdicts_that_are_known_to_be_right() {
    for (file, decision, state, only_candidate_wrong_more) in [
        ("pairs/zeroeval_gsm8k_500.jsonl", "hold", "hold-insufficient", (22 - 14) as f64 / 500.0),
        ("pairs/zeroeval_crux_250.jsonl", "no-go", "fail", (72 - 5) as f64 / 250.0),
        ("pairs/zeroeval_math_l5_200.jsonl", "no-go", "fail", (48 - 17) as f64 / 200.0),
    ] {
        let Some(path) = real_data(file) else { return };
        let folder = tempfile::tempdir().unwrap();
        let (ran, verdict) = demo(folder.path(), path.to_str().unwrap(), &[]).await;
        let exact = guardrail(&verdict, "exact");
        assert_eq!(verdict["verdict"], decision, "{file}: {}", ran.out);
        assert_eq!(exact["state"], state, "{file}: {exact}");
        let estimate = exact["estimate"].as_f64().unwrap();
        assert!((estimate - only_candidate_wrong_more).abs() < 1e-12, "{file}: {estimate}");
        assert!(ran.out.contains("left alone"), "{}", ran.out);
    }
}
