//! A plan from a request log: what a shadow takes and costs, before anybody is called and without a key.

use crate::command::run;
use serde_json::Value;
use std::path::{Path, PathBuf};

const NOW: &str = "2026-11-23T00:00:00Z";

fn bundled(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/data").join(name);
    path.to_str().unwrap().to_owned()
}

fn amount(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_bundled_log_tells_how_long_a_shadow_takes_and_what_it_costs() {
    let log = bundled("calm.ndjson.zst");
    let ran = run(["plan", &log, "--now", NOW]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    println!("{}", ran.out);
    for words in
        ["From a request log: 1200 requests", "can go to the candidate", "shadow", "as mapped", "deepseek-v4-pro"]
    {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "{}", ran.out);

    let ran = run(["plan", &log, "--now", NOW, "--json"]).await;
    let plan: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&plan["schema"], &plan["assumed"]), (&Value::from("weighbridge.plan/1"), &Value::from(true)));
    let (requests, movable) = (plan["log"]["requests"].as_u64().unwrap(), plan["log"]["movable"].as_u64().unwrap());
    assert!(requests == 1200 && movable > 600 && movable <= requests, "{movable}");
    // The rate is the log's, of what can be moved.
    let hours = plan["log"]["hours"].as_f64().unwrap();
    let rate = plan["traffic"]["requests_per_hour"].as_f64().unwrap();
    assert!((rate / (movable as f64 / hours) - 1.0).abs() < 0.001, "{rate}");
    // The shadow's money is its copies at the mean cost of what moves.
    let choice = &plan["projection"]["choices"][0];
    let mean = amount(&choice["moved_cost"]["value"]) / choice["moved"].as_f64().unwrap();
    let shadow = &plan["money"][0];
    let copies = shadow["candidate_requests"].as_f64().unwrap();
    let stage = plan["stages"][0]["requests"].as_f64().unwrap();
    assert!((copies - stage * 0.25).abs() < 1e-6 * stage);
    let money = &shadow["money"];
    assert!((amount(&money["value"]) / (copies * mean) - 1.0).abs() < 1e-6, "{money}");
    assert!(amount(&money["lower"]) < amount(&money["value"]) && amount(&money["value"]) < amount(&money["upper"]));
    // The log's own errors are those of the pairs that stand in.
    assert!((plan["log"]["errors_percent"].as_f64().unwrap() - 100.0 * 20.0 / 1200.0).abs() < 1e-9);
    assert_eq!(plan["projection"]["schema"], "weighbridge.projection/1");
}

#[tokio::test]
async fn a_named_rate_makes_a_month_and_goes_before_the_logs_own() {
    let ran = run(["plan", &bundled("demo.ndjson.zst"), "--now", NOW, "--rate", "10000/h", "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let plan: Value = serde_json::from_str(&ran.out).unwrap();
    let choice = &plan["projection"]["choices"][0];
    let month = &choice["month"];
    assert_eq!(month["scaled_by"], "stated");
    assert!((month["requests"].as_f64().unwrap() / 7_305_000.0 - 1.0).abs() < 1e-9, "{month}");
    let (against, cost) = (amount(&month["against"]), amount(&month["cost"]));
    let saving = &month["saving"];
    assert!((amount(&saving["value"]) - (against - cost)).abs() < 1e-6 * against);
    assert!(amount(&saving["lower"]) < amount(&saving["value"]) && amount(&saving["value"]) < amount(&saving["upper"]));
    let movable = plan["log"]["movable"].as_f64().unwrap() / 2000.0;
    assert!((plan["traffic"]["requests_per_hour"].as_f64().unwrap() - 10_000.0 * movable).abs() < 1e-6);
}

#[tokio::test]
async fn kinds_of_files_do_not_mix_and_a_log_without_times_needs_a_rate() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let records = file(
        "records.ndjson",
        "{\"format\":\"weighbridge.exchanges\",\"version\":\"1.4\",\"creator\":\"t\",\"redaction\":\"hashed\"}\n",
    );
    let ran = run(["plan", records.to_str().unwrap(), &bundled("calm.ndjson.zst")]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("calm.ndjson.zst is a request log") && ran.err.contains("one kind of file"), "{ran:?}");

    let row = r#"{"id":"a","at_us":0,"body":{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}}"#;
    let header = r#"{"format":"weighbridge.requests","version":"2.0","creator":"t","redaction":"full","untimed":true}"#;
    let untimed = file("untimed.ndjson", &format!("{header}\n{row}\n"));
    let ran = run(["plan", untimed.to_str().unwrap()]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("--rate"), "{ran:?}");
    let ran = run(["plan", untimed.to_str().unwrap(), "--rate", "100/h", "--now", NOW]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    // An answer that nobody counted is no number.
    assert!(ran.out.replace('\n', " ").contains("no saving is told"), "{}", ran.out);
}
