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
    // What an earlier demo concluded goes; what is not the demo's stays.
    let of_before = ["gateway.toml", "verdict-canary.json", "replay-canary.json", "report-canary/index.html", "my.txt"];
    std::fs::create_dir(folder.path().join("report-canary")).unwrap();
    of_before.iter().for_each(|name| std::fs::write(folder.path().join(name), "before").unwrap());
    let (ran, verdict) = demo(folder.path(), "regressed", &["--requests", "800", "--rate", "80"]).await;
    assert_eq!(verdict["verdict"], "no-go", "{}", ran.out);
    assert_eq!(guardrail(&verdict, "errors")["state"], "fail", "{}", ran.out);
    assert_eq!(verdict["next_weight_percent"], 0.0);
    assert!(ran.out.contains("left alone: the verdict is NO-GO"), "{}", ran.out);
    for gone in ["verdict-canary.json", "replay-canary.json", "report-canary"] {
        assert!(!folder.path().join(gone).exists(), "{gone} is of an earlier demo");
    }
    for file in [
        "report-shadow/index.html",
        "report-shadow/guardrails.png",
        "records.ndjson",
        "gateway.toml",
        "policy.toml",
        "my.txt",
    ] {
        assert!(folder.path().join(file).exists(), "{file}");
    }
    let summary = folder.path().join("replay-shadow.json");
    for option in ["--summary", "--replay-summary"] {
        assert!(ran.out.contains(&format!("{option} {}", summary.display())), "{}", ran.out);
    }
    // The mocks can be had again as they were.
    for (provider, played) in [
        (mocks::Provider::OpenAi, mocks::Profile::demo_openai()),
        (mocks::Provider::DeepSeek, mocks::Profile::regressed_deepseek()),
    ] {
        let profile = mocks::Profile::read(&folder.path().join(format!("{}.toml", provider.name()))).unwrap();
        assert_eq!(profile, played);
    }
    assert!(mocks::Script::read(&folder.path().join("script.ndjson")).unwrap().len() > 100);
    // Somebody's own folder is refused.
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("diary.txt"), "dear diary").unwrap();
    let refused = run(["demo", "--out", other.path().to_str().unwrap()]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("choose another --out"), "{}", refused.err);
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupted_demo_keeps_what_was_recorded_and_says_so() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let mut command = crate::command::weighbridge(["demo", "--requests", "5000", "--rate", "50", "--out"]);
    command.arg(folder.path()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.map(Result::unwrap).any(|line| line.contains("weighbridge replay")), "the replay begins");
    let records = folder.path().join("records.ndjson");
    crate::harness::until("a record", || std::fs::read_to_string(&records).is_ok_and(|text| text.lines().count() > 1))
        .await;
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let ran = Ran::from(ended);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.err.contains("stopped by a signal") && ran.err.contains("records.ndjson"), "{ran:?}");
    assert!(!folder.path().join("verdict-shadow.json").exists());
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
