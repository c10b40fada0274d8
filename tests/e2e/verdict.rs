//! What a verdict says of itself: on what each guardrail stands, what limits the weight, how sound the measuring was.

use crate::command::{root, run, weighbridge};
use crate::harness::Plan;
use crate::rollout::{evaluate, files, play};
use serde_json::Value;
use std::collections::BTreeSet;

fn rows(verdict: &Value) -> &Vec<Value> {
    verdict["guardrails"].as_array().unwrap()
}

fn row<'a>(verdict: &'a Value, metric: &str, segment: &str) -> &'a Value {
    let is = |row: &&Value| row["metric"] == metric && row["segment"] == segment;
    rows(verdict).iter().find(is).unwrap_or_else(|| panic!("no {metric} of {segment}"))
}

fn sum(rows: &Value, field: &str) -> u64 {
    rows.as_array().unwrap().iter().map(|row| row[field].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn pairs_and_served_traffic_are_told_apart_and_each_guardrail_says_what_it_stands_on() {
    let house = Plan { weight_percent: 50.0, shadow_percent: 100.0, ..Plan::default() }.build().await;
    let files = files();
    play(&house, 0, 400).await;
    let (ran, verdict) = evaluate(&house, &files).await;

    for row in rows(&verdict) {
        let name = (&row["metric"], &row["segment"]);
        assert!(["paired", "served", "combined"].contains(&row["evidence"].as_str().unwrap()), "{name:?}");
        assert!(row["design_effect"].as_f64().unwrap() >= 1.0, "{name:?}");
        let clusters = &row["clusters_effective"];
        assert!(clusters.is_null() || clusters.as_f64().is_some_and(|n| n >= 1.0), "{name:?}: {clusters}");
    }
    // The same metric twice: over everything it decides, in served traffic it is watched.
    let (all, served) = (row(&verdict, "errors", "all"), row(&verdict, "errors", "canary"));
    assert_eq!((&all["decides"], &served["decides"]), (&true.into(), &false.into()), "{ran:?}");
    assert_eq!(served["evidence"], "served");
    assert_eq!(all["events"], 0, "no pair of these mocks differs: {all}");
    // What only served traffic can show decides by itself.
    let limited = row(&verdict, "rate_limited", "canary");
    assert_eq!((&limited["decides"], &limited["evidence"]), (&true.into(), &"served".into()));
    let decided: BTreeSet<&str> =
        rows(&verdict).iter().filter(|row| row["decides"] == true).map(|row| row["metric"].as_str().unwrap()).collect();
    for metric in ["errors", "answer_failures", "truncations", "rate_limited", "cancellations"] {
        assert!(decided.contains(metric), "{metric} does not decide: {decided:?}");
    }

    let bounds = &verdict["weight_bounds"];
    for known in ["risk_percent", "reaction_percent", "policy_percent", "excess_upper", "left_requests"] {
        assert!(bounds[known].as_f64().is_some_and(|value| value >= 0.0), "{known}: {bounds}");
    }
    assert!(bounds["capacity_percent"].is_null(), "no limit was named: {bounds}");

    let instrument = &verdict["instrument"];
    let lengths = &instrument["mirror_by_length"];
    assert_eq!(sum(lengths, "intended"), instrument["mirror_intended"].as_u64().unwrap(), "{lengths}");
    assert_eq!(sum(lengths, "observed"), instrument["mirror_observed"].as_u64().unwrap(), "{lengths}");
    assert!(instrument["srm_e"].as_f64().is_some_and(|e| e < 1000.0), "{instrument}");
}

#[tokio::test]
async fn a_report_shows_what_decides_first_and_what_is_watched_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let verdict = root().join("reports/tests/fixtures/full.json");
    let ran = run(["report".as_ref(), verdict.as_os_str(), "--out".as_ref(), folder.path().as_os_str()]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let page = std::fs::read_to_string(folder.path().join("index.html")).unwrap();
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("`{text}` is not on the page"));
    let (guardrails, weight) = (place("<h2 id=\"guardrails\">"), place("<h2 id=\"weight\">"));
    assert!(guardrails < place("Watched only") && place("Watched only") < weight);
    for said in ["The mirror, by length of the prompt", "The baseline against itself (A/A)", "design effect"] {
        place(said);
    }
    // The same file from standard input.
    let mut command = weighbridge(["report", "-", "--out"]);
    command.arg(folder.path().join("again")).stdin(std::fs::File::open(&verdict).unwrap());
    let again = crate::command::finish(command).await;
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(page, std::fs::read_to_string(folder.path().join("again/index.html")).unwrap());
}
