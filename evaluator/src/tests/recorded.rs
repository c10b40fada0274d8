//! Baselines that were not asked but taken from a request log.

use super::fixture::*;
use datasets::{Exchange, FromLog, Role};
use judge::verdict::{Decision, State, Verdict};

/// Replayed pairs; of the first `untimed` of them the log did not tell how long the baseline took, of the others it did.
fn from_log(untimed: u64, pairs: u64) -> Vec<Exchange> {
    let mut rows = traffic(pairs);
    for (row, index) in rows.iter_mut().zip(0..) {
        (row.role, row.shadow) = (Role::Replayed, None);
        if index % 2 == 0 {
            row.recorded = Some(FromLog::Timed);
            if index / 2 < untimed {
                (row.recorded, row.duration_us, row.ttft_us) = (Some(FromLog::Untimed), 0, None);
            }
        }
    }
    rows
}

fn latencies(verdict: &Verdict) -> Vec<State> {
    let of_latency = |metric: &str| ["ttft", "duration", "inter_token"].iter().any(|name| metric.starts_with(name));
    verdict
        .guardrails
        .iter()
        .filter(|guardrail| of_latency(&guardrail.metric))
        .map(|guardrail| guardrail.state)
        .collect()
}

fn told(verdict: &Verdict, words: &str) -> usize {
    verdict.reasons.iter().filter(|reason| reason.contains(words)).count()
}

#[test]
fn recorded_times_are_judged_and_said_to_be_of_another_time() {
    let live = judge(&from_log(0, 1500).into_iter().map(|row| Exchange { recorded: None, ..row }).collect::<Vec<_>>());
    let recorded = judge(&from_log(0, 1500));
    assert_eq!((live.verdict.verdict, recorded.verdict.verdict), (Decision::Go, Decision::Go));
    assert_eq!(latencies(&recorded.verdict), latencies(&live.verdict));
    assert_eq!((told(&live.verdict, "contemporaneous"), told(&recorded.verdict, "contemporaneous")), (0, 1));
    let health = &recorded.verdict.instrument;
    assert_eq!((health.recorded_pairs, health.untimed_pairs, health.untimed_streamed_pairs), (1500, 0, 0));
}

#[test]
fn without_times_latencies_are_missing_evidence_and_all_else_is_judged() {
    let outcome = judge(&from_log(1500, 1500));
    let verdict = &outcome.verdict;
    assert_eq!(outcome.counts.load.reasons.get("duration of zero"), None, "an untimed zero is no fault");
    assert_eq!(verdict.verdict, Decision::Hold, "{:#?}", verdict.reasons);
    let states = latencies(verdict);
    assert!(states.len() >= 5 && states.iter().all(|state| *state == State::HoldInsufficient), "{states:?}");
    for metric in ["errors", "answer_failures", "cost"] {
        assert_eq!(guardrail(verdict, metric, "all").state, State::Pass, "{metric}");
    }
    assert_eq!(told(verdict, "does not tell how long it took"), 1, "{:#?}", verdict.reasons);
    assert!(verdict.instrument.alarms.is_empty());
    let no_latency = ["ttft_p50", "ttft_p95", "duration_p50", "duration_p95", "inter_token_p50", "inter_token_p95"];
    let off: String = no_latency.iter().map(|name| format!("[guardrails.{name}]\nenabled = false\n")).collect();
    // Whoever replays a log without times can say so, and judge the rest.
    let verdict = judge_with(&from_log(1500, 1500), &options_with(&off)).unwrap().verdict;
    assert_eq!(verdict.verdict, Decision::Go, "{:#?}", verdict.reasons);
}

#[test]
fn failures_without_times_are_not_the_only_latencies_left() {
    let mut rows = from_log(1500, 1500);
    for row in rows.iter_mut().step_by(40) {
        *row = with_error(row.clone(), wire::ErrorKind::Server);
    }
    let verdict = judge(&rows).verdict;
    assert!(latencies(&verdict).iter().all(|state| *state == State::HoldInsufficient), "{:#?}", verdict.guardrails);
}

#[test]
fn times_of_some_answers_only_are_a_selection() {
    let verdict = judge(&from_log(300, 1500)).verdict;
    assert_eq!(verdict.verdict, Decision::Hold);
    assert!(
        verdict.instrument.alarms.iter().any(|alarm| alarm.contains("biased selection")),
        "{:?}",
        verdict.instrument
    );
    let few = judge(&from_log(3, 1500)).verdict;
    assert_eq!(few.verdict, Decision::Go, "{:#?}", few.reasons);
    assert_eq!(told(&few, "3 of these logged answers"), 1);
}

#[test]
fn a_replay_that_was_late_gives_no_go_even_without_its_summary() {
    let late_by = |share: usize, lag_us: i64| {
        let mut rows = from_log(0, 1500);
        for (row, index) in rows.iter_mut().zip(0..) {
            let lag_us = if index % 200 < share { lag_us } else { 300 };
            row.sent_us = row.at_us + lag_us;
        }
        judge(&rows).verdict
    };
    let (on_time, seldom, late) = (late_by(0, 0), late_by(2, 50_000), late_by(20, 50_000));
    assert_eq!((on_time.verdict, seldom.verdict, late.verdict), (Decision::Go, Decision::Go, Decision::Hold));
    assert!(late.instrument.alarms[0].contains("more than 10 ms late"), "{:?}", late.instrument.alarms);
}
