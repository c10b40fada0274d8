//! What would break, told from a log; and the gateway, which does what was told.

mod rule;

use crate::command::{Ran, root, run};
use serde_json::Value;
use std::path::{Path, PathBuf};

const NOW: &str = "2026-11-23T00:00:00Z";

fn bundled(name: &str) -> PathBuf {
    root().join("datasets/data").join(name)
}

/// The command on some logs, as of one day.
async fn preflight(logs: &[&Path], more: &[&str]) -> Ran {
    let mut args: Vec<String> = vec!["preflight".to_owned()];
    args.extend(logs.iter().map(|log| log.display().to_string()));
    args.extend(["--now", NOW].iter().chain(more).map(|text| (*text).to_owned()));
    run(args).await
}

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap()
}

fn sum(totals: &Value) -> u64 {
    let counts = totals.as_object().unwrap().iter().filter(|(name, _)| *name != "loses_harmless");
    counts.map(|(_, count)| count.as_u64().unwrap()).sum()
}

#[tokio::test]
async fn a_log_without_keys_says_what_would_break() {
    let log = bundled("calm.ndjson.zst");
    let told = preflight(&[&log], &[]).await;
    assert_eq!(told.code, 1, "requests with schemas would fail: {told:?}");
    let line = told.out.lines().find(|line| line.trim_start().starts_with("fails     json_schema")).unwrap();
    assert!(line.chars().count() <= 80, "{line}");
    assert!(told.out.lines().all(|line| line.chars().count() <= 80 || !line.contains(' ')), "{}", told.out);
    let flowing = told.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flowing.contains("line 5, calm-00003"), "an example can be found: {}", told.out);
    let document = document(&preflight(&[&log], &["--json", "--fail-on", "never"]).await);
    assert_eq!(document["schema"], "weighbridge.preflight/1");
    assert_eq!(document["log"]["requests"], 1200);
    assert_eq!(sum(&document["totals"]), 1200, "each request is counted once");
    let groups = document["groups"].as_array().unwrap();
    assert_eq!(groups.iter().map(|group| sum(&group["totals"])).sum::<u64>(), 1200);
    let failing: u64 = groups.iter().map(|group| group["totals"]["fails"].as_u64().unwrap()).sum();
    assert_eq!(Some(failing), document["totals"]["fails"].as_u64());
    let fails: Vec<u64> = groups.iter().map(|group| group["totals"]["fails"].as_u64().unwrap()).collect();
    assert!(fails.is_sorted_by(|a, b| a >= b), "worst first: {fails:?}");
}

#[tokio::test]
async fn the_exit_code_is_chosen_and_the_same_log_gives_the_same_bytes() {
    let log = bundled("demo.ndjson.zst");
    let plain = preflight(&[&log], &["--json"]).await;
    assert_eq!(plain.code, 0, "nothing of it fails");
    assert_eq!(preflight(&[&log], &["--fail-on", "never"]).await.code, 0);
    assert_eq!(plain.out, preflight(&[&log], &["--json"]).await.out);
    let calm = bundled("calm.ndjson.zst");
    assert_eq!(preflight(&[&calm], &["--fail-on", "never"]).await.code, 0);
    let both = document(&preflight(&[&log, &calm], &["--json"]).await);
    assert_eq!((&both["log"]["requests"], both["log"]["files"].as_array().unwrap().len()), (&3200.into(), 2));
    let few = document(&preflight(&[&log], &["--json", "--limit", "10"]).await);
    assert_eq!(few["log"]["requests"], 10);
}

#[tokio::test]
async fn a_folder_keeps_the_result_and_nothing_is_overwritten_that_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("preflight");
    let log = bundled("calm.ndjson.zst");
    let told = preflight(&[&log], &["--out", out.to_str().unwrap()]).await;
    assert_eq!(told.code, 1, "{told:?}");
    let kept: Value = serde_json::from_slice(&std::fs::read(out.join("preflight.json")).unwrap()).unwrap();
    let printed = document(&preflight(&[&log], &["--json"]).await);
    assert_eq!(kept, printed);
    let copy = folder.path().join("log.json");
    std::fs::copy(&log, &copy).unwrap();
    let refused = preflight(&[&copy], &["--out", copy.to_str().unwrap()]).await;
    assert!(refused.code == 2 && refused.err.contains("which is read"), "{refused:?}");
}

#[tokio::test]
async fn a_configuration_says_what_moves_and_needs_no_keys() {
    let log = bundled("calm.ndjson.zst");
    let config = root().join("gateway/examples/split.toml");
    let told = crate::command::finish({
        let mut command = crate::command::weighbridge(["preflight", log.to_str().unwrap(), "--json", "--config"]);
        command.arg(&config).env_remove("OPENAI_API_KEY").env_remove("DEEPSEEK_API_KEY");
        command.env_remove("WEIGHBRIDGE_ADMIN_TOKEN");
        command
    })
    .await;
    let document = document(&told);
    assert_eq!(
        (&document["migration"], &document["models"][0]["chosen"]),
        (&"openai-to-deepseek".into(), &"config".into())
    );
    let absent = preflight(&[&log], &["--config", config.to_str().unwrap(), "--migration", "nobody"]).await;
    assert!(absent.code == 2 && absent.err.contains("expected one of openai-to-deepseek"), "{absent:?}");
    let wrong = preflight(&[&log], &["--model", "gpt-4o"]).await;
    assert!(wrong.code == 2 && wrong.err.contains("expected FROM=TO"), "{wrong:?}");
    let back = preflight(&[&log], &["--candidate", "openai"]).await;
    assert!(back.code == 2 && back.err.contains("--model"), "no counterpart is guessed: {back:?}");
}

#[tokio::test]
async fn broken_rows_are_counted_and_a_log_without_a_request_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.ndjson");
    let header =
        serde_json::to_string(&datasets::Header::new(datasets::Format::Requests, datasets::Redaction::Full)).unwrap();
    let good = r#"{"id":"a","at_us":0,"body":{"model":"gpt-4o","messages":[{"role":"user","content":"a secret"}]}}"#;
    let bad = r#"{"id":"b","at_us":0,"body":{"model":7,"messages":"a secret"}}"#;
    std::fs::write(&log, format!("{header}\n{good}\n{{\"a secret\n{bad}\n")).unwrap();
    let told = document(&preflight(&[&log], &["--json"]).await);
    assert_eq!((&told["log"]["requests"], &told["log"]["broken"]["count"]), (&2.into(), &1.into()));
    assert_eq!(told["totals"]["not_requests"], 1);
    let where_it_stands = told["log"]["not_requests"]["examples"][0].as_str().unwrap();
    assert!(where_it_stands.ends_with("line 4: `model` is missing, doubled or of another type"), "{where_it_stands}");
    assert!(!told.to_string().contains("secret"), "{told}");
    std::fs::write(&log, format!("{header}\nnothing\n")).unwrap();
    let nothing = preflight(&[&log], &[]).await;
    assert!(nothing.code == 2 && nothing.err.contains("no request could be read") && nothing.err.contains("line 2"));
}
