//! Bad input: an error that says what, where and what to do; the right exit code; nothing lost.

use crate::command::{Ran, finish, root, run, weighbridge};
use crate::harness::{ANY, environment};
use datasets::{Appender, Exchange, Format, Header, Lines, LoggedRequest, Redaction};
use mocks::{MockConfig, Provider};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn refused(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{ran:?}");
    for word in words {
        assert!(ran.err.contains(word), "`{word}` is not in:\n{}", ran.err);
    }
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
}

fn folder() -> (TempDir, impl Fn(&str) -> PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    (folder, move |name| path.join(name))
}

/// A request log of `count` requests.
fn log(path: &Path, count: usize) {
    let mut file = Appender::open(path, &Header::new(Format::Requests, Redaction::Full)).unwrap();
    for index in 0..count {
        let body = format!(r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"question {index}"}}]}}"#);
        let body = serde_json::value::RawValue::from_string(body).unwrap();
        let at_us = i64::try_from(index).unwrap() * 1000;
        file.push(&LoggedRequest::chat(format!("r{index}"), at_us, body)).unwrap();
    }
    file.sync().unwrap();
}

#[tokio::test]
async fn a_broken_log_line_is_named() {
    let (_keep, file) = folder();
    log(&file("log.ndjson"), 2);
    let text = std::fs::read_to_string(file("log.ndjson")).unwrap() + "{\"id\": \"r2\", oops\n";
    std::fs::write(file("log.ndjson"), text).unwrap();
    let ran = run([Path::new("replay"), &file("log.ndjson"), "--target".as_ref(), "http://127.0.0.1:9".as_ref()]).await;
    refused(&ran, 2, &["log.ndjson, line 4", "mend or remove the line"]);
}

#[tokio::test]
async fn a_broken_record_line_is_named_and_the_records_stay() {
    let (_keep, file) = folder();
    drop(Appender::open(&file("records.ndjson"), &Header::new(Format::Exchanges, Redaction::Hashed)).unwrap());
    let text = std::fs::read_to_string(file("records.ndjson")).unwrap() + "{\"pair\": 7}\n";
    std::fs::write(file("records.ndjson"), &text).unwrap();
    let ran =
        run(["evaluate".as_ref(), file("records.ndjson").as_os_str(), "--out".as_ref(), file("v.json").as_os_str()])
            .await;
    refused(&ran, 2, &["records.ndjson, line 2", "string"]);
    assert_eq!(std::fs::read_to_string(file("records.ndjson")).unwrap(), text);
    assert!(!file("v.json").exists());
}

#[tokio::test]
async fn a_wrong_configuration_key_is_named_with_the_nearest_one() {
    let (_keep, file) = folder();
    let text = std::fs::read_to_string(root().join("gateway/examples/split.toml")).unwrap();
    std::fs::write(file("gateway.toml"), text.replace("weight_percent", "wieght_percent")).unwrap();
    let ran = run(["serve".as_ref(), "--config".as_ref(), file("gateway.toml").as_os_str()]).await;
    refused(&ran, 2, &["gateway.toml, line 17", "`wieght_percent`", "did you mean `weight_percent`?"]);
}

#[tokio::test]
async fn a_wrong_policy_key_is_named_with_the_nearest_one() {
    let (_keep, file) = folder();
    std::fs::write(file("policy.toml"), "[guardrails.errors]\nmargin_point = 1.0\n").unwrap();
    drop(Appender::open(&file("r.ndjson"), &Header::new(Format::Exchanges, Redaction::Hashed)).unwrap());
    let ran =
        run(["evaluate".as_ref(), file("r.ndjson").as_os_str(), "--policy".as_ref(), file("policy.toml").as_os_str()])
            .await;
    refused(&ran, 2, &["policy.toml", "line 2", "margin_point", "margin_points"]);
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_named() {
    let (_keep, file) = folder();
    log(&file("log.ndjson"), 3);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let target = format!("http://{closed}");
    let ran = run([
        "replay".as_ref(),
        file("log.ndjson").as_os_str(),
        "--target".as_ref(),
        target.as_ref(),
        "--rate".as_ref(),
        "max:2".as_ref(),
        "--out".as_ref(),
        file("out.ndjson").as_os_str(),
    ])
    .await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.out.contains("connect"), "{}", ran.out);
    let records: Vec<Exchange> =
        Lines::open(&file("out.ndjson"), Format::Exchanges).unwrap().map(Result::unwrap).collect();
    assert_eq!(records.len(), 3, "failures are evidence too");
    assert!(records.iter().all(|record| record.error == Some(wire::ErrorKind::Connect)));
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_key() {
    let (_keep, file) = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let text = std::fs::read_to_string(root().join("gateway/examples/split.toml")).unwrap();
    let text = format!("server.listen = \"{address}\"\nadmin.listen = \"127.0.0.1:0\"\n{text}");
    std::fs::write(file("gateway.toml"), text).unwrap();
    let mut command = weighbridge(["serve".as_ref(), "--config".as_ref(), file("gateway.toml").as_os_str()]);
    command.current_dir(_keep.path());
    let ran = finish(command).await;
    refused(&ran, 4, &[&address.to_string(), "server.listen", "stop what uses the port"]);
    let ran = run(["mock", "openai", "--listen", &address.to_string()]).await;
    refused(&ran, 4, &[&address.to_string(), "already in use"]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_named_before_anything_is_sent() {
    let (_keep, file) = folder();
    log(&file("log.ndjson"), 3);
    let openai = mocks::start(ANY, MockConfig::instant(Provider::OpenAi)).await.unwrap();
    let target = openai.base_url();
    let ran = run([
        "replay".as_ref(),
        file("log.ndjson").as_os_str(),
        "--target".as_ref(),
        target.as_ref(),
        "--out".as_ref(),
        "/dev/full".as_ref(),
    ])
    .await;
    refused(&ran, 4, &["/dev/full", "free space"]);
    assert_eq!(openai.requests().counts().received, 0);

    let text = std::fs::read_to_string(root().join("gateway/examples/split.toml")).unwrap();
    let text = format!("server.listen = \"127.0.0.1:0\"\nadmin.listen = \"127.0.0.1:0\"\n{text}");
    std::fs::write(file("gateway.toml"), text.replace("records.ndjson", "/dev/full")).unwrap();
    let ran = run(["serve".as_ref(), "--config".as_ref(), file("gateway.toml").as_os_str()]).await;
    refused(&ran, 4, &["records.path", "/dev/full", "free space"]);
}

/// The disk fills up in the middle: a limit on file size stands for it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_that_fills_up_keeps_every_line_written_before() {
    let (_keep, file) = folder();
    log(&file("log.ndjson"), 400);
    let openai = mocks::start(ANY, MockConfig::instant(Provider::OpenAi)).await.unwrap();
    // 64 blocks of 512 or 1024 bytes, as the shell counts: 32 or 64 KiB, room for some tens of records.
    let script = format!(
        "trap '' XFSZ; ulimit -f 64; exec {} replay {} --target {} --rate max:4 --arm baseline --out {}",
        env!("CARGO_BIN_EXE_weighbridge"),
        file("log.ndjson").display(),
        openai.base_url(),
        file("out.ndjson").display()
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]).env("OPENAI_API_KEY", "k");
    let ran = finish(command).await;
    refused(&ran, 4, &["out.ndjson"]);
    let records: Vec<Exchange> =
        Lines::open(&file("out.ndjson"), Format::Exchanges).unwrap().map(Result::unwrap).collect();
    assert!(records.len() > 10 && records.len() < 400, "{} whole records", records.len());
}

#[tokio::test]
async fn an_unset_secret_is_named_and_no_secret_is_ever_printed() {
    let (_keep, file) = folder();
    let text = std::fs::read_to_string(root().join("gateway/examples/split.toml")).unwrap();
    std::fs::write(file("gateway.toml"), text).unwrap();
    let mut command = weighbridge(["serve".as_ref(), "--config".as_ref(), file("gateway.toml").as_os_str()]);
    command.env_remove("DEEPSEEK_API_KEY");
    let ran = finish(command).await;
    refused(&ran, 2, &["DEEPSEEK_API_KEY", "not set"]);
    for secret in ["KEY", "WEIGHBRIDGE_ADMIN_TOKEN"] {
        assert!(!ran.err.contains(&environment(secret).unwrap()), "{}", ran.err);
    }
}

#[tokio::test]
async fn a_verdict_that_is_none_is_refused() {
    let (_keep, file) = folder();
    std::fs::write(file("v.json"), "{\"schema\": \"weighbridge.verdict/9\"}").unwrap();
    let ran = run(["report".as_ref(), file("v.json").as_os_str(), "--out".as_ref(), file("out").as_os_str()]).await;
    refused(&ran, 2, &["weighbridge.verdict/9", "weighbridge.verdict/1"]);
    let ran = run(["gate", "/nowhere/verdict.json"]).await;
    refused(&ran, 2, &["/nowhere/verdict.json"]);
}

#[tokio::test]
async fn a_demo_of_nothing_is_refused_with_the_range() {
    let (_keep, file) = folder();
    let out = file("demo");
    for option in ["--requests", "--rate"] {
        let ran = run(["demo", option, "0", "--out", out.to_str().unwrap()]).await;
        refused(&ran, 2, &[option, "0 is not in 1.."]);
        assert!(!out.exists());
    }
}

#[tokio::test]
async fn an_age_names_its_units() {
    let (_keep, file) = folder();
    let verdict = crate::rollout::small_verdict(&file("verdict.json"));
    let ran = run(["gate".as_ref(), verdict.as_os_str(), "--max-age".as_ref(), "7".as_ref()]).await;
    refused(&ran, 2, &["--max-age", "30m", "7d"]);
}

#[tokio::test]
async fn a_report_needs_a_folder() {
    let (_keep, file) = folder();
    let verdict = crate::rollout::small_verdict(&file("verdict.json"));
    let before = std::fs::read(&verdict).unwrap();
    let out = |path: &Path| run(["report".into(), verdict.clone(), "--out".into(), path.to_owned()]);
    refused(&out(Path::new("-")).await, 2, &["--out is `-`", "name a folder"]);
    refused(&out(&verdict).await, 2, &["verdict.json", "which is a file", "name a folder"]);
    let records = file("records.ndjson");
    drop(Appender::open(&records, &Header::new(Format::Exchanges, Redaction::Hashed)).unwrap());
    let ran = run(["evaluate".as_ref(), records.as_path(), "--report".as_ref(), verdict.as_path()]).await;
    refused(&ran, 2, &["--report", "name a folder"]);
    assert_eq!(std::fs::read(&verdict).unwrap(), before);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_before_anything_is_sent() {
    let (_keep, file) = folder();
    let verdict = crate::rollout::small_verdict(&file("verdict.json"));
    let audit = file("audit.ndjson");
    for target in ["127.0.0.1:8081", "localhost:8081"] {
        let more = ["--target".as_ref(), target.as_ref(), "--audit".as_ref(), audit.as_os_str()];
        let ran = run(["gate".as_ref(), verdict.as_os_str()].into_iter().chain(more)).await;
        refused(&ran, 2, &[target, "such as http://127.0.0.1:8081"]);
    }
}

#[tokio::test]
async fn help_lists_what_exists_and_nothing_else() {
    let help = run(["--help"]).await;
    assert_eq!(help.code, 0);
    for name in [
        "demo",
        "serve",
        "mock",
        "import",
        "replay",
        "evaluate",
        "report",
        "gate",
        "autopilot",
        "sign",
        "audit",
        "records",
        "plan",
        "simulate",
        "keys",
        "usage",
        "preflight",
        "bill",
        "prices",
        "Exit codes",
    ] {
        assert!(help.out.contains(name), "{name}");
    }
}
