//! The sequential estimators against independent tools: `fixtures/make_sequential.py` wrote the expectations.

#![expect(clippy::expect_used, reason = "helpers of a test; a broken fixture must fail it")]

use std::collections::BTreeMap;

use serde_json::Value;

/// Agreement asked for, absolute below 1 and relative above, where a case does not state its own (of a coarser tool).
const TOLERANCE: f64 = 1e-10;

/// Methods of `compute/sequential.rs`.
const METHODS: usize = 22;

fn cases() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("fixtures/sequential.json")).expect("fixture is JSON");
    file["cases"].as_array().expect("cases").clone()
}

/// The first disagreement, if there is one.
fn disagreement(ours: &Value, theirs: &Value, tolerance: f64) -> Option<String> {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().expect("number"), b.as_f64().expect("number"));
            let close = (a - b).abs() <= tolerance * b.abs().max(1.0);
            (!close).then(|| format!("ours {a:e}, theirs {b:e}"))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).find_map(|(a, b)| disagreement(a, b, tolerance))
        }
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => b.iter().find_map(|(key, want)| {
            let found = match a.get(key) {
                Some(ours) => disagreement(ours, want, tolerance),
                None => Some("missing".to_owned()),
            };
            found.map(|found| format!("{key}: {found}"))
        }),
        (a, b) => (a != b).then(|| format!("ours {a}, theirs {b}")),
    }
}

#[test]
fn every_sequential_estimator_agrees_with_an_independent_tool() {
    let mut failures = Vec::new();
    for case in cases() {
        let (method, inputs) = (case["method"].as_str().expect("method"), &case["inputs"]);
        let tolerance = case.get("tolerance").and_then(Value::as_f64).unwrap_or(TOLERANCE);
        let found = match (judge::compute::compute(method, inputs), case.get("refused")) {
            (Ok(ours), None) => disagreement(&ours, &case["result"], tolerance),
            (Ok(ours), Some(reason)) => Some(format!("answered {ours}, should refuse with {reason}")),
            (Err(error), None) => Some(format!("refused: {error}")),
            (Err(error), Some(reason)) => {
                let reason = reason.as_str().expect("reason");
                (!error.to_string().starts_with(reason)).then(|| format!("refused with {error}, expected {reason}"))
            }
        };
        if let Some(found) = found {
            let inputs = inputs.to_string().chars().take(200).collect::<String>();
            failures.push(format!("{method} {inputs}: {found}"));
        }
    }
    assert!(failures.is_empty(), "{} disagreements:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn no_sequential_method_goes_unchecked() {
    let mut counts = BTreeMap::<String, usize>::new();
    for case in cases() {
        *counts.entry(case["method"].as_str().expect("method").to_owned()).or_default() += 1;
    }
    assert_eq!(counts.len(), METHODS, "{counts:?}");
    assert!(counts.values().all(|count| *count >= 3), "{counts:?}");
}
