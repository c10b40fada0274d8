//! Parts of the traffic, and requests that resemble each other.

use super::fixture::*;
use crate::evaluate;
use datasets::{Arm, Exchange};
use judge::verdict::{Decision, State};
use wire::ErrorKind;

/// Two models: one in ten requests is of the small one.
fn two_models() -> Vec<Exchange> {
    let mut rows = traffic(4000);
    for ten in rows.chunks_exact_mut(20) {
        ten[..2].iter_mut().filter(|row| row.arm == Arm::Baseline).for_each(|row| row.model = "gpt-4o-mini".to_owned());
    }
    rows
}

fn critical(model: &str) -> crate::Options {
    options_with(&format!("[segments]\ncritical = [\"model={model}\"]\n"))
}

#[test]
fn a_loss_in_a_critical_segment_is_a_loss() {
    let mut rows = two_models();
    // One in twenty of the small model's requests fails: one in two hundred of all.
    for twenty in rows.chunks_exact_mut(400) {
        twenty[1] = with_error(twenty[1].clone(), ErrorKind::Server);
    }
    let passing = judge(&rows).verdict;
    assert_ne!(guardrail(&passing, "errors", "all").state, State::Fail, "diluted: nothing is proven over everything");
    assert!(passing.guardrails.iter().all(|guardrail| guardrail.segment == "all"));
    let verdict = judge_with(&rows, &critical("gpt-4o-mini")).unwrap().verdict;
    let errors = guardrail(&verdict, "errors", "model=gpt-4o-mini");
    assert_eq!((errors.n, errors.candidate_value), (400, Some(0.05)));
    assert_eq!((errors.state, verdict.verdict), (State::Fail, Decision::NoGo), "{}", errors.why);
}

#[test]
fn a_critical_segment_without_evidence_holds() {
    let rows = two_models();
    assert_eq!(judge(&rows).verdict.verdict, Decision::Go);
    let missing = judge_with(&rows, &critical("gpt-5")).unwrap().verdict;
    assert_eq!(missing.verdict, Decision::Hold);
    let errors = guardrail(&missing, "errors", "model=gpt-5");
    assert_eq!((errors.n, errors.state), (0, State::HoldInsufficient));
    assert!(missing.reasons.iter().any(|reason| reason.contains("gpt-5")), "{:#?}", missing.reasons);
    let thin = judge_with(&rows, &critical("gpt-4o-mini")).unwrap().verdict;
    assert_eq!(thin.verdict, Decision::Hold, "400 pairs prove no half point of errors");
    assert!(thin.needed.iter().any(|needed| needed.segment == "model=gpt-4o-mini"));
}

#[test]
fn one_consumer_only_proves_nothing_about_the_next() {
    let mut rows = traffic(1500);
    rows.iter_mut().for_each(|row| row.consumer = Some("one".to_owned()));
    let verdict = judge(&rows).verdict;
    assert_eq!(verdict.verdict, Decision::Hold);
    assert!(verdict.guardrails.iter().all(|guardrail| !matches!(guardrail.state, State::Pass | State::PassRegressed)));
    let errors = guardrail(&verdict, "errors", "all");
    assert_eq!(errors.clusters_effective, Some(1.0));
    assert!(errors.why.contains("1 effective clusters; at least 5 are needed"), "{}", errors.why);
    // Declared beforehand to stand for itself, each request does.
    let text = "[evidence]\ncluster_by = \"request\"\n";
    assert_eq!(judge_with(&rows, &options_with(text)).unwrap().verdict.verdict, Decision::Go);
    // Harm is harm, whoever meets it.
    for row in rows.iter_mut().filter(|row| row.arm == Arm::Candidate).step_by(5) {
        *row = with_error(row.clone(), ErrorKind::Server);
    }
    assert_eq!(judge(&rows).verdict.verdict, Decision::NoGo);
}

#[test]
fn one_large_consumer_counts_as_few() {
    let mut rows = traffic(1500);
    for (row, index) in rows.iter_mut().zip(0u64..) {
        let consumer = if uniform(index / 2, 81) < 0.9 { 0 } else { 1 + (uniform(index / 2, 82) * 50.0) as u64 };
        row.consumer = Some(format!("consumer-{consumer}"));
    }
    let verdict = judge(&rows).verdict;
    let clusters = guardrail(&verdict, "errors", "all").clusters_effective.unwrap();
    assert!(clusters > 1.0 && clusters < 1.5, "{clusters}");
    assert_eq!(verdict.verdict, Decision::Hold);
}

#[test]
fn conversations_stand_in_for_consumers_that_are_not_named() {
    let mut rows = traffic(1500);
    for (row, index) in rows.iter_mut().zip(0usize..) {
        row.unit = Some(format!("conversation-{}", index / 30));
    }
    let clusters = |options: &crate::Options| {
        let verdict = judge_with(&rows, options).unwrap().verdict;
        guardrail(&verdict, "errors", "all").clusters_effective
    };
    assert!(clusters(&options()).is_some_and(|found| (found - 100.0).abs() < 1e-9));
    assert_eq!(clusters(&options_with("[evidence]\ncluster_by = \"request\"\n")), None);
}

#[test]
fn clusters_of_several_files_are_the_same_clusters() {
    let mut rows = traffic(600);
    for (row, index) in rows.iter_mut().zip(0usize..) {
        row.consumer = Some(format!("consumer-{}", index / 2 % 12));
    }
    let files = Files::new();
    let parts: Vec<_> =
        rows.chunks(97).enumerate().map(|(part, rows)| files.records(&format!("{part}.ndjson"), rows)).collect();
    let split = evaluate(&parts, &options()).unwrap().verdict;
    assert_eq!(split.guardrails, judge(&rows).verdict.guardrails);
    assert_eq!(guardrail(&split, "errors", "all").clusters_effective, Some(12.0));
}
