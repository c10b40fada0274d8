//! Logs of other tools: in without their secrets, and played.

use crate::command::{Ran, finish, run, weighbridge};
use datasets::{Exchange, Format, Lines, LoggedRequest};
use mocks::{MockConfig, Provider};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;

const KEY: &str = "sk-0123456789abcdef0123456789abcdef";
const ADDRESS: &str = "ann.berg@mail.example.org";

/// Rows of a gateway's spend log; in one of them somebody wrote an address and a key into the prompt.
fn spend_log(folder: &Path) -> PathBuf {
    let path = folder.join("spend.jsonl");
    let mut file = std::fs::File::create(&path).unwrap();
    for row in 0..40 {
        let text = match row {
            7 => format!("My address is {ADDRESS}, and the key is {KEY}."),
            _ => format!("Where is order 47-{row}?"),
        };
        let entry = json!({
            "request_id": format!("chatcmpl-{row}"), "call_type": "acompletion", "model": "gpt-4o-mini",
            "custom_llm_provider": "openai", "startTime": 1_763_800_000.0 + f64::from(row) / 4.0,
            "endTime": 1_763_800_001.0 + f64::from(row) / 4.0, "prompt_tokens": 20, "completion_tokens": 9,
            "total_tokens": 29, "response_cost": 0.000_008_4, "status": "success", "user_api_key": KEY,
            "messages": [{"role": "user", "content": text}],
            "response": {"id": "x", "model": "gpt-4o-mini-2024-07-18", "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": "It is on its way."}}],
                "usage": {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29}},
        });
        writeln!(file, "{entry}").unwrap();
    }
    path
}

async fn mock() -> mocks::Running {
    mocks::start("127.0.0.1:0".parse().unwrap(), MockConfig::new(Provider::OpenAi)).await.unwrap()
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    (folder, path)
}

fn ok(ran: &Ran) {
    assert_eq!(ran.code, 0, "{ran:?}");
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn an_imported_log_has_no_secrets_and_can_be_played_and_judged() {
    let (_keep, folder) = folder();
    let (log, requests) = (spend_log(&folder), folder.join("requests.ndjson"));
    let ran = run(["import", text(&log), "--out", text(&requests), "--json"]).await;
    ok(&ran);
    let account: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&account["schema"], &account["format"]), (&json!("weighbridge.import/1"), &json!("litellm")));
    assert_eq!(account["report"]["requests"], 40);
    assert_eq!(account["report"]["redacted"], json!({"api_key": 1, "email": 1}));
    let written = std::fs::read_to_string(&requests).unwrap();
    assert!(!written.contains(KEY) && !written.contains(ADDRESS) && written.contains("[email:"));

    let mock = mock().await;
    let (records, summary) = (folder.join("records.ndjson"), folder.join("replay.json"));
    let ran = run([
        "replay",
        text(&requests),
        "--target",
        &mock.base_url(),
        "--arm",
        "baseline",
        "--rate",
        "x20",
        "--api-key-env",
        "OPENAI_API_KEY",
        "--out",
        text(&records),
        "--summary",
        text(&summary),
    ])
    .await;
    ok(&ran);
    let played: Vec<Exchange> = Lines::open(&records, Format::Exchanges).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(played.len(), 40);
    assert!(played.iter().all(|exchange| exchange.error.is_none() && exchange.usage.is_some()), "{played:?}");
    let summary: Value = serde_json::from_slice(&std::fs::read(&summary).unwrap()).unwrap();
    assert_eq!((&summary["sent"], &summary["ok"]), (&json!(40), &json!(40)));
    mock.shutdown().await;
}

#[tokio::test]
async fn replay_reads_the_other_log_itself_and_a_dry_run_sends_nothing() {
    let (_keep, folder) = folder();
    let log = spend_log(&folder);
    let mock = mock().await;
    let base = mock.base_url();
    let arguments = |more: &[&str]| {
        let mut all =
            vec!["replay".to_owned(), text(&log).to_owned(), "--target".into(), base.clone(), "--json".into()];
        all.extend(more.iter().map(|more| (*more).to_owned()));
        all
    };
    let dry = run(arguments(&["--dry-run", "--arm", "candidate", "--model", "*=deepseek-flash"])).await;
    ok(&dry);
    let dry: Value = serde_json::from_str(&dry.out).unwrap();
    assert_eq!((&dry["schema"], &dry["rows"]), (&json!("weighbridge.dry-run/1"), &json!(40)), "{dry:#}");
    assert_eq!(mock.requests().counts().received, 0);
    let played = run(arguments(&["--rate", "max:4", "--api-key-env", "OPENAI_API_KEY"])).await;
    ok(&played);
    let played: Value = serde_json::from_str(&played.out).unwrap();
    assert_eq!(played["ok"], 40);
    mock.shutdown().await;
}

#[tokio::test]
async fn a_log_comes_through_pipes_and_the_account_does_not_mix_with_it() {
    let (_keep, folder) = folder();
    let log = std::fs::File::open(spend_log(&folder)).unwrap();
    let mut command = weighbridge(["import", "-", "--format", "litellm", "--out", "-"]);
    command.stdin(Stdio::from(log));
    let ran = finish(command).await;
    ok(&ran);
    assert!(ran.err.contains("requests         40") && ran.err.contains("1 email"), "{}", ran.err);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 41);
    assert!(lines[0].contains("weighbridge.requests") && lines[0].contains("import from litellm"), "{}", lines[0]);
    for line in &lines[1..] {
        serde_json::from_str::<LoggedRequest>(line).unwrap();
    }
}

#[tokio::test]
async fn broken_rows_are_skipped_and_named_or_stop_the_import() {
    let (_keep, folder) = folder();
    let log = spend_log(&folder);
    let rows = std::fs::read_to_string(&log).unwrap().replacen("\"messages\":[", "\"messages\":7,\"x\":[", 1);
    std::fs::write(&log, format!("{rows}{{\"request_id\": oops\n")).unwrap();
    let out = folder.join("requests.ndjson");
    let ran = run(["import", text(&log), "--out", text(&out)]).await;
    ok(&ran);
    assert!(ran.out.contains("skipped") && ran.out.contains("line 41"), "{}", ran.out);
    std::fs::remove_file(&out).unwrap();
    let ran = run(["import", text(&log), "--out", text(&out), "--strict"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("spend.jsonl, line ") && !out.exists(), "{}", ran.err);
}

#[tokio::test]
async fn a_mock_does_what_the_recorded_provider_did() {
    let (_keep, folder) = folder();
    let (log, requests) = (spend_log(&folder), folder.join("requests.ndjson"));
    ok(&run(["import", text(&log), "--out", text(&requests)]).await);
    let ran = run(["mock", "openai", "--profile", text(&requests), "--print-profile"]).await;
    ok(&ran);
    assert!(ran.out.contains("# Fitted from 40 records: 40 answered"), "{}", ran.out);
    let profile = folder.join("openai.toml");
    std::fs::write(&profile, &ran.out).unwrap();
    mocks::Profile::read(&profile).unwrap();
    let ran = run(["mock", "deepseek", "--profile", text(&requests), "--print-profile"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("deepseek") && ran.err.contains("at least 30"), "{}", ran.err);
}

#[tokio::test]
async fn the_bundled_logs_can_be_had_as_files() {
    let (_keep, folder) = folder();
    let list = run(["records", "bundled"]).await;
    assert!(["demo", "calm", "violent"].iter().all(|name| list.out.contains(name)), "{list:?}");
    ok(&run(["records", "bundled", "violent", "--out", text(&folder)]).await);
    let log = Lines::<LoggedRequest>::open(&folder.join("violent.ndjson.zst"), Format::Requests).unwrap();
    assert_eq!(log.count(), 1_200);
    mocks::Script::read(&folder.join("violent.script.ndjson")).unwrap();
    let ran = run(["records", "bundled", "storm"]).await;
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("demo, calm, violent"), "{}", ran.err);
}
