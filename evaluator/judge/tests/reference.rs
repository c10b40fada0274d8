//! Our estimators against independent tools: `fixtures/make.py` wrote the expectations with scipy and statsmodels.

#![expect(clippy::expect_used, reason = "helpers of a test; a broken fixture must fail it")]

use serde_json::Value;

/// Agreement asked for, absolute below 1 and relative above. The tightest any tool supports is not the point; a
/// formula that is wrong is off by far more.
const TOLERANCE: f64 = 1e-10;

/// Methods of `judge::compute` other than `judge` itself, which no other tool has.
const METHODS: usize = 21;

fn cases() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("fixtures/reference.json")).expect("fixture is JSON");
    file["cases"].as_array().expect("cases").clone()
}

/// The first disagreement, if there is one.
fn disagreement(ours: &Value, theirs: &Value) -> Option<String> {
    match (ours, theirs) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().expect("number"), b.as_f64().expect("number"));
            let close = (a - b).abs() <= TOLERANCE * b.abs().max(1.0);
            (!close).then(|| format!("ours {a:e}, theirs {b:e}"))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same_keys = a.len() == b.len() && b.keys().all(|key| a.contains_key(key));
            if !same_keys {
                return Some(format!(
                    "fields {:?} against {:?}",
                    a.keys().collect::<Vec<_>>(),
                    b.keys().collect::<Vec<_>>()
                ));
            }
            b.iter().find_map(|(key, want)| disagreement(&a[key], want).map(|found| format!("{key}: {found}")))
        }
        (a, b) => (a != b).then(|| format!("ours {a}, theirs {b}")),
    }
}

#[test]
fn every_estimator_agrees_with_an_independent_tool() {
    let mut failures = Vec::new();
    for case in cases() {
        let (method, inputs) = (case["method"].as_str().expect("method"), &case["inputs"]);
        let found = match (judge::compute::compute(method, inputs), case.get("refused")) {
            (Ok(ours), None) => disagreement(&ours, &case["result"]),
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
fn no_method_goes_unchecked() {
    // Closed one-line formulas need fewer.
    let few =
        ["quantile-interval", "srm", "power-difference", "power-zero-events", "power-quantile", "normal-quantile"];
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for case in cases() {
        *counts.entry(case["method"].as_str().expect("method").to_owned()).or_default() += 1;
    }
    assert_eq!(counts.len(), METHODS, "{counts:?}");
    for (method, count) in counts {
        let least = if few.contains(&method.as_str()) { 3 } else { 15 };
        assert!(count >= least, "{method}: {count} cases");
    }
}
