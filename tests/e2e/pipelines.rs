//! Other people's pipelines call commands that exist, and read what `evaluate` writes for them. The callers themselves are played
//! in the gateway's own tests (`--test pipelines`).

use crate::command::{root, run};
use serde_json::Value;
use std::collections::BTreeSet;

/// Lines of the examples that call the command, as words.
fn calls() -> Vec<Vec<String>> {
    let mut calls = Vec::new();
    for file in ["github.yml", "gitlab.yml"] {
        let text = std::fs::read_to_string(root().join("gateway/deploy").join(file)).unwrap();
        for line in text.lines().map(|line| line.trim().trim_start_matches("- ")) {
            if let Some(call) = line.strip_prefix("weighbridge ") {
                let words = call.split_whitespace().take_while(|word| !matches!(*word, "||" | ">"));
                calls.push(words.map(str::to_owned).collect());
            }
        }
    }
    calls
}

#[tokio::test]
async fn the_examples_call_what_exists() {
    let calls = calls();
    assert_eq!(calls.len(), 4, "{calls:?}");
    for call in calls {
        let help = run([call[0].as_str(), "--help"]).await.out;
        let known: BTreeSet<&str> = help
            .split(|char: char| !(char.is_ascii_alphanumeric() || char == '-'))
            .filter(|word| word.len() > 2)
            .collect();
        for option in call.iter().filter(|word| word.starts_with("--")) {
            assert!(known.contains(option.as_str()), "weighbridge {} has no {option}", call[0]);
        }
        // Everything else is a file, or the value of an option: what clap cannot read, it would say.
        let odd = run(call.iter().map(String::as_str).chain(["--no-such-option"])).await;
        assert!(odd.code == 2 && odd.err.contains("--no-such-option"), "{odd:?}");
    }
}

#[tokio::test]
async fn a_verdict_is_written_in_the_shape_of_kayenta() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let made = run(["records", "synth", "--n", "400", "--seed", "1", "--out", &path("records.ndjson")]).await;
    assert_eq!(made.code, 0, "{made:?}");
    let args =
        ["evaluate", &path("records.ndjson"), "--out", &path("verdict.json"), "--kayenta", &path("kayenta.json")];
    let ran = run(args).await;
    assert!([0, 1, 3].contains(&ran.code), "{ran:?}");
    let read = |name: &str| serde_json::from_slice::<Value>(&std::fs::read(path(name)).unwrap()).unwrap();
    let (verdict, shaped) = (read("verdict.json"), read("kayenta.json"));
    let found = &shaped["canaryAnalysisExecutionResult"];
    assert_eq!((&shaped["complete"], &shaped["application"]), (&true.into(), &verdict["migration"]));
    assert_eq!(found["didPassThresholds"], verdict["verdict"] == "go");
    let judge = &found["canaryExecutionResults"][0]["result"]["judgeResult"];
    let (shown, all) = (judge["results"].as_array().unwrap().len(), verdict["guardrails"].as_array().unwrap().len());
    assert_eq!(shown, all.min(100), "{judge}");

    let refused = run(["evaluate", &path("records.ndjson"), "--kayenta", "-"]).await;
    assert!(refused.code == 2 && refused.err.contains("--kayenta is `-`"), "{refused:?}");
}
