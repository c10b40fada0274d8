//! The gateway's rule and preflight's prediction are the same code: what is told to fail is served by the baseline.

use crate::command::run;
use crate::harness::{House, Plan, chat};
use datasets::{Format, Header, LoggedRequest, Redaction};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One request for each kind of failure that OpenAI itself takes, and one that is fit.
fn requests() -> Vec<(&'static str, Value)> {
    let part = |part: Value| chat("x", &json!({"messages": [{"role": "user", "content": [part]}]}));
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
    vec![
        ("n>1", chat("x", &json!({"n": 2}))),
        ("logit_bias", chat("x", &json!({"logit_bias": {"50256": -100}}))),
        ("audio content", part(json!({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}))),
        ("file content", part(json!({"type": "file", "file": {"file_id": "file-1"}}))),
        ("moderation", chat("x", &json!({"moderation": {"model": "omni-moderation-latest"}}))),
        ("web_search_options", chat("x", &json!({"web_search_options": {}}))),
        (
            "json_schema",
            chat(
                "x",
                &json!({"response_format": {"type": "json_schema", "json_schema": {"name": "s",
                "schema": {"type": "object", "properties": {}, "additionalProperties": false}}}}),
            ),
        ),
        (
            "functions beside tools",
            chat("x", &json!({"tools": tools, "functions": [{"name": "g", "parameters": {"type": "object"}}]})),
        ),
        ("", chat("x", &json!({"temperature": 0.5}))),
    ]
}

/// Features that the gateway counted as reasons to stay.
async fn counted(house: &House) -> BTreeSet<String> {
    let metrics = house.admin("/metrics").await.text;
    let lines = metrics.lines().filter(|line| line.starts_with("weighbridge_unfit_total{"));
    let lines = lines.filter(|line| !line.ends_with(" 0"));
    lines.filter_map(|line| line.split("feature=\"").nth(1)?.split('"').next().map(str::to_owned)).collect()
}

#[tokio::test]
async fn what_is_told_to_fail_is_what_the_gateway_keeps_on_the_baseline() {
    let house = Plan { weight_percent: 100.0, ..Plan::default() }.build().await;
    let log = house.config().with_file_name("log.ndjson");
    let mut lines = serde_json::to_string(&Header::new(Format::Requests, Redaction::Full)).unwrap();
    let mut expected = BTreeSet::new();
    for (index, (feature, body)) in requests().into_iter().enumerate() {
        let answer = house.ask(&body).await;
        let arm = if feature.is_empty() { "candidate" } else { "baseline" };
        assert_eq!(answer.header("x-weighbridge-arm"), arm, "{feature}: {}", answer.text);
        let body = RawValue::from_string(body.to_string()).unwrap();
        let row = LoggedRequest::chat(format!("r{index}"), index as i64 * 1000, body);
        lines = format!("{lines}\n{}", serde_json::to_string(&row).unwrap());
        expected.extend((!feature.is_empty()).then(|| feature.to_owned()));
    }
    std::fs::write(&log, lines).unwrap();
    let config = house.config();
    let told = run(["preflight", log.to_str().unwrap(), "--json", "--config", config.to_str().unwrap()]).await;
    assert_eq!(told.code, 1, "{told:?}");
    let document: Value = serde_json::from_str(&told.out).unwrap();
    let features = document["features"].as_array().unwrap().iter();
    let fails: BTreeSet<String> = features
        .filter(|feature| feature["effect"] == "fails")
        .map(|feature| feature["feature"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(fails, expected, "told to fail, and what stayed on the baseline");
    assert_eq!(document["totals"]["fails"].as_u64(), Some(expected.len() as u64));
    assert_eq!(counted(&house).await, expected, "counted by the gateway, and told to fail");
}
