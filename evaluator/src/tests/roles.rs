//! Rows of the gateway that are no plain evidence: fallbacks, repetitions, requests that a rule assigned, and endpoints
//! that do not answer in text.

use super::fixture::*;
use crate::Outcome;
use datasets::{Arm, AssignedBy, Endpoint, Exchange, Role, ShadowFate};
use judge::verdict::{Bill, Verdict};
use wire::ErrorKind;

fn unmatched(verdict: &Verdict, name: &str) -> u64 {
    verdict.instrument.unmatched.iter().find(|count| count.name == name).map_or(0, |count| count.count)
}

/// The verdict without its inputs, whose digests differ where rows were added.
fn without_inputs(outcome: &Outcome) -> Verdict {
    Verdict { inputs: Vec::new(), ..outcome.verdict.clone() }
}

/// The bill over the pairs alone, without the account of everything that was paid.
fn of_pairs(bill: &Bill) -> Bill {
    Bill {
        by_arm: Vec::new(),
        by_model: Vec::new(),
        by_consumer: Vec::new(),
        by_day: Vec::new(),
        by_hour: Vec::new(),
        counterfactual: None,
        saving_per_month: None,
        cache: None,
        ..bill.clone()
    }
}

/// What was paid for answers to an end, and the exchanges.
fn paid(bill: &Bill, role: &str) -> (String, u64) {
    let row = bill.by_arm.iter().find(|paid| paid.role.as_deref() == Some(role)).unwrap();
    (row.amount.clone(), row.exchanges)
}

/// Served by weight, half by each arm.
fn split(n: usize) -> Vec<Exchange> {
    let row = |index: usize| {
        let arm = if index.is_multiple_of(2) { Arm::Baseline } else { Arm::Candidate };
        Exchange {
            weight_bp: 5_000,
            shadow: Some(ShadowFate::NotSampled),
            assigned_by: Some(AssignedBy::Weight),
            assigned_bp: Some(5_000),
            at_us: NOON_US + index as i64 * 1_000_000,
            ..exchange(&format!("split-{index:05}"), arm, Role::Served)
        }
    };
    (0..n).map(row).collect()
}

#[test]
fn a_fallback_is_money_and_the_failure_before_it_the_evidence() {
    let mut rows = split(400);
    rows[1] = with_error(rows[1].clone(), ErrorKind::Server);
    let before = judge(&rows);
    rows.push(Exchange { shadow: None, arm: Arm::Baseline, role: Role::Fallback, ..rows[0].clone() });
    let last = rows.last_mut().unwrap();
    last.pair = "split-00001".to_owned();
    last.unit = Some("unit-split-00001".to_owned());
    let after = judge(&rows);
    assert_eq!(guardrail(&after.verdict, "errors", "canary").candidate_value, Some(1.0 / 200.0));
    assert_eq!(after.verdict.instrument.pairs, 0, "an answer that took the place of another is no comparison");
    assert_eq!(unmatched(&after.verdict, "baseline in place of a failed candidate"), 1);
    let notes = &after.verdict.bill.notes;
    assert!(
        notes.iter().any(|note| note.contains("answered 1 requests") && note.contains("0.003500 USD")),
        "{notes:?}"
    );
    // It was paid, and it is the answer of a request that the candidate had failed.
    assert_eq!(paid(&after.verdict.bill, "fallback"), ("0.003500000".to_owned(), 1));
    let requests = |outcome: &Outcome| {
        let said = outcome.verdict.bill.counterfactual.clone().unwrap();
        (said.requests, said.requests_failed)
    };
    assert_eq!((requests(&before), requests(&after)), ((399, 1), (400, 0)));
    // Nothing else changes.
    let (mut plain, mut same) = (without_inputs(&after), without_inputs(&before));
    plain.instrument.unmatched.retain(|count| !count.name.contains("in place of"));
    plain.bill.notes.retain(|note| !note.contains("in place of"));
    (plain.bill, same.bill) = (of_pairs(&plain.bill), of_pairs(&same.bill));
    assert_eq!(plain, same);
}

#[test]
fn a_repetition_is_kept_apart_and_costs_what_measuring_costs() {
    let mut rows = traffic(50);
    let before = judge(&rows);
    rows.push(Exchange {
        role: Role::Repeat,
        shadow: None,
        ttft_us: Some(1),
        duration_us: 1,
        form_failure: Some("empty".to_owned()),
        ..rows[0].clone()
    });
    let after = judge(&rows);
    assert_eq!(unmatched(&after.verdict, "baseline repeated"), 1);
    assert_eq!((after.counts.load.repeats, after.counts.load.duplicates, after.counts.exchanges), (1, 0, 100));
    // 50 copies at 0.00021, one repetition at 0.0035.
    assert_eq!((before.verdict.bill.shadow.as_str(), after.verdict.bill.shadow.as_str()), ("0.010500", "0.014000"));
    let mut plain = without_inputs(&after);
    plain.instrument.unmatched.clear();
    let repeat = plain.instrument.repeat.take().unwrap();
    assert_eq!((repeat.pairs, repeat.nogo.len()), (1, 0), "one is no proof of anything");
    // With a repetition the answers could be compared, if the policy asked for it.
    plain.reasons = before.verdict.reasons.clone();
    plain.bill.shadow.clone_from(&before.verdict.bill.shadow);
    assert_eq!(paid(&plain.bill, "repeat"), ("0.003500000".to_owned(), 1));
    assert_eq!(plain.bill.counterfactual, before.verdict.bill.counterfactual, "asked twice is one request");
    let mut same = without_inputs(&before);
    (plain.bill, same.bill) = (of_pairs(&plain.bill), of_pairs(&same.bill));
    assert_eq!(plain, same);
}

#[test]
fn what_a_rule_assigned_is_no_split_and_still_a_pair() {
    let mut rows = split(400);
    // Testers, all sent to the candidate, all failing: neither the split nor the canary may see them.
    for index in 0..300 {
        let by = if index < 200 { AssignedBy::Header } else { AssignedBy::Cookie };
        let row = Exchange {
            assigned_by: Some(by),
            assigned_bp: Some(10_000),
            shadow: Some(ShadowFate::Sent),
            weight_bp: 5_000,
            ..exchange(&format!("tester-{index:03}"), Arm::Candidate, Role::Served)
        };
        rows.push(with_error(row.clone(), ErrorKind::Server));
        rows.push(Exchange { weight_bp: 5_000, ..exchange(&row.pair, Arm::Baseline, Role::Shadow) });
    }
    let outcome = judge(&rows);
    let canary = guardrail(&outcome.verdict, "errors", "canary");
    assert_eq!((canary.n, canary.candidate_value), (200, Some(0.0)));
    assert_eq!(outcome.verdict.instrument.srm_units, Some([200, 200]));
    assert!(!outcome.verdict.instrument.alarms.iter().any(|alarm| alarm.contains("Sample-ratio")));
    assert_eq!(outcome.verdict.instrument.pairs, 300);
    assert_eq!(guardrail(&outcome.verdict, "errors", "all").candidate_value, Some(1.0));
    let remarks = outcome.counts.remarks();
    for part in ["200 served requests that a header sent", "100 served requests that a cookie sent"] {
        assert!(remarks.iter().any(|remark| remark.contains(part)), "{remarks:?}");
    }
    // As drawn by the weight, the same rows break the split.
    for row in &mut rows {
        row.assigned_by = row.assigned_by.map(|_| AssignedBy::Weight);
    }
    assert_eq!(judge(&rows).verdict.instrument.srm_units, Some([200, 500]));
}

#[test]
fn each_new_fate_is_loss_with_its_reason() {
    for (fate, name) in [
        (ShadowFate::BytesFull, "queue full of bytes"),
        (ShadowFate::BudgetSpent, "budget spent"),
        (ShadowFate::CandidateBusy, "candidate busy"),
        (ShadowFate::BreakerOpen, "breaker open"),
    ] {
        let mut rows = traffic(9);
        rows.push(Exchange { shadow: Some(fate), ..exchange("left", Arm::Baseline, Role::Served) });
        let verdict = judge(&rows).verdict;
        assert_eq!((verdict.instrument.mirror_intended, verdict.instrument.mirror_observed), (10, 9), "{fate:?}");
        assert_eq!(unmatched(&verdict, name), 1, "{fate:?}");
    }
}

#[test]
fn what_came_while_the_mirror_was_paused_is_no_loss() {
    let mut rows = traffic(9);
    rows.push(Exchange {
        shadow: Some(ShadowFate::Paused),
        shadow_bp: Some(0),
        ..exchange("left", Arm::Baseline, Role::Served)
    });
    let verdict = judge(&rows).verdict;
    assert_eq!((verdict.instrument.mirror_intended, verdict.instrument.mirror_observed), (9, 9));
    assert_eq!(unmatched(&verdict, "mirror paused"), 1);
}

#[test]
fn vectors_and_categories_have_no_form_and_no_label_but_errors_times_and_a_price() {
    for endpoint in [Endpoint::Embeddings, Endpoint::Moderations] {
        let mut rows = traffic(60);
        for row in rows.iter_mut().take(20) {
            *row = Exchange {
                endpoint,
                streamed: false,
                ttft_us: None,
                finish_reason: None,
                form_failure: (row.arm == Arm::Candidate).then(|| "no_finish".to_owned()),
                answer_digest: None,
                ..row.clone()
            };
        }
        let files = Files::new();
        let label = |row: &Exchange| datasets::Label {
            request: row.request.clone().unwrap(),
            answer_digest: row.answer_digest.clone().unwrap(),
            metric: "exact".to_owned(),
            good: true,
        };
        let labels: Vec<datasets::Label> = rows.iter().skip(20).map(label).collect();
        let labels = vec![files.labels("labels.ndjson", &labels)];
        let outcome = judge_with(&rows, &crate::Options { labels, ..options() }).unwrap();
        let verdict = &outcome.verdict;
        let n = |metric| guardrail(verdict, metric, "all").n;
        assert_eq!((n("errors"), n("duration_p50"), n("cost")), (60, 60, 60), "{endpoint:?}");
        assert_eq!((n("answer_failures"), n("exact")), (50, 50), "{endpoint:?}");
        assert_eq!(guardrail(verdict, "answer_failures", "all").candidate_value, Some(0.0));
        let alarms = &verdict.instrument.alarms;
        assert!(!alarms.iter().any(|alarm| alarm.contains("labelled")), "{alarms:?}");
    }
}
