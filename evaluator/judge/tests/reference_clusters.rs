//! Clusters, ratios, quantiles and ranks against independent tools: `fixtures/make_clusters.py` wrote the expectations.

#![expect(clippy::expect_used, reason = "helpers of a test; a broken fixture must fail it")]

use std::collections::BTreeMap;

use serde_json::Value;

/// Agreement asked for where a case states none: absolute below 1 and relative above.
const TOLERANCE: f64 = 1e-10;

/// Methods of `compute/clusters.rs`.
const METHODS: usize = 33;

fn cases() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("fixtures/clusters.json")).expect("fixture is JSON");
    file["cases"].as_array().expect("cases").clone()
}

/// How close two numbers have to be.
#[derive(Clone, Copy)]
struct Closeness {
    within: f64,
    /// Relative for any size, for results that are tiny by nature; with a hair for results of exactly zero.
    relative: bool,
}

fn disagreement(ours: &Value, theirs: &Value, asked: Closeness) -> Option<String> {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().expect("number"), b.as_f64().expect("number"));
            let scale = if asked.relative { b.abs().max(1e-300) } else { b.abs().max(1.0) };
            let close = (a - b).abs() <= asked.within * scale;
            (!close).then(|| format!("ours {a:e}, theirs {b:e}"))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).find_map(|(ours, theirs)| disagreement(ours, theirs, asked))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same_keys = a.len() == b.len() && b.keys().all(|key| a.contains_key(key));
            if !same_keys {
                return Some(format!("fields {ours} against {theirs}"));
            }
            b.iter().find_map(|(key, want)| disagreement(&a[key], want, asked).map(|found| format!("{key}: {found}")))
        }
        (a, b) => (a != b).then(|| format!("ours {a}, theirs {b}")),
    }
}

#[test]
fn every_estimator_agrees_with_an_independent_tool() {
    let mut failures = Vec::new();
    for case in cases() {
        let (method, inputs) = (case["method"].as_str().expect("method"), &case["inputs"]);
        let asked = Closeness {
            within: case.get("within").and_then(Value::as_f64).unwrap_or(TOLERANCE),
            relative: case.get("relative").is_some(),
        };
        let found = match (judge::compute::compute(method, inputs), case.get("refused").and_then(Value::as_str)) {
            (Ok(ours), None) => disagreement(&ours, &case["result"], asked),
            (Ok(ours), Some(reason)) => Some(format!("answered {ours}, should refuse with {reason}")),
            (Err(error), None) => Some(format!("refused: {error}")),
            (Err(error), Some(reason)) => {
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
fn no_method_goes_unchecked() {
    let mut counts = BTreeMap::<String, usize>::new();
    for case in cases() {
        if case.get("refused").is_none() {
            *counts.entry(case["method"].as_str().expect("method").to_owned()).or_default() += 1;
        }
    }
    assert_eq!(counts.len(), METHODS, "{counts:?}");
    assert!(counts.values().all(|count| *count >= 5), "{counts:?}");
}
