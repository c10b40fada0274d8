//! GO, HOLD and NO-GO on traffic of a known truth.

use super::fixture::*;
use crate::{Options, evaluate};
use datasets::{Arm, Exchange};
use judge::verdict::{Decision, State};

#[test]
fn a_good_candidate_with_enough_pairs_goes() {
    let verdict = judge(&traffic(1500)).verdict;
    assert_eq!(verdict.verdict, Decision::Go, "{:#?}", verdict.reasons);
    assert!(verdict.next_weight_percent > 0.0);
    assert_eq!((verdict.instrument.pairs, verdict.needed.len()), (1500, 0));
    assert_eq!((verdict.window.from_us, verdict.window.to_us), (NOON_US, NOON_US + 1_499_000_000));
    assert_eq!(verdict.created_at, "2026-11-20T12:24:59Z");
}

/// Every twentieth candidate request fails.
fn failing(mut rows: Vec<Exchange>) -> Vec<Exchange> {
    for row in rows.iter_mut().filter(|row| row.arm == Arm::Candidate).step_by(20) {
        *row = with_error(row.clone(), wire::ErrorKind::Server);
    }
    rows
}

#[test]
fn five_percent_errors_do_not() {
    let verdict = judge(&failing(traffic(1500))).verdict;
    assert_eq!(verdict.verdict, Decision::NoGo, "{:#?}", verdict.reasons);
    assert_eq!(guardrail(&verdict, "errors", "all").state, State::Fail);
    assert!(verdict.next_weight_percent.abs() < 1e-12);
}

#[test]
fn few_pairs_hold_and_say_how_many_are_missing() {
    let verdict = judge(&traffic(60)).verdict;
    assert_eq!(verdict.verdict, Decision::Hold, "{:#?}", verdict.reasons);
    let needed = verdict.needed.iter().find(|needed| needed.metric == "errors").unwrap();
    assert!(needed.pairs.is_some_and(|pairs| pairs >= 500), "{needed:?}");
    assert!(needed.hours.is_some_and(|hours| hours > 0.1), "{needed:?}");
}

#[test]
fn a_replay_that_could_not_keep_up_never_goes() {
    let files = Files::new();
    let records = files.records("records.ndjson", &traffic(1500));
    let with = |name: &str, text: &str| {
        let path = files.path(name);
        std::fs::write(&path, text).unwrap();
        evaluate(std::slice::from_ref(&records), &Options { replay_summaries: vec![path], ..options() })
    };
    let steady = with("steady.json", r#"{"schema":"weighbridge.replay/1","degraded":false,"requests":1}"#).unwrap();
    assert_eq!(steady.verdict.verdict, Decision::Go);
    assert!(steady.verdict.inputs.iter().any(|input| input.name == "steady.json"));
    let degraded = with("degraded.json", r#"{"schema":"weighbridge.replay/1","degraded":true}"#).unwrap();
    assert!(degraded.verdict.instrument.replay_degraded);
    assert_eq!(degraded.verdict.verdict, Decision::Hold);
    let error = with("other.json", r#"{"schema":"other/1","degraded":false}"#).unwrap_err();
    assert!(error.to_string().contains("expected `weighbridge.replay/1`"), "{error}");
    assert_eq!(error.kind(), crate::ErrorKind::Usage);
}
