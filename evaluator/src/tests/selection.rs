//! Which rows may speak for today: age, models, epochs, repeats, and what is missing at random or not.

use super::fixture::*;
use crate::{Options, Outcome, evaluate};
use datasets::{Arm, Exchange, Label, Role, ShadowFate};
use judge::verdict::{Decision, EvidenceKind, State, Verdict};
use wire::ErrorKind;

const HOUR_US: i64 = 3_600_000_000;

/// `n` mirrored pairs of one epoch, moved by some hours.
fn epoch(epoch: u64, hours: i64, n: u64) -> Vec<Exchange> {
    let moved = |row: Exchange| Exchange {
        epoch,
        pair: format!("{epoch}-{}", row.pair),
        request: row.request.map(|request| format!("{epoch}-{request}")),
        at_us: row.at_us + hours * HOUR_US,
        sent_us: row.sent_us + hours * HOUR_US,
        ..row
    };
    traffic(n).into_iter().map(moved).collect()
}

/// Served traffic of one epoch without mirroring, every fourth request to the candidate.
fn canary(epoch: u64, hours: i64, weight_bp: u32, n: u64) -> Vec<Exchange> {
    let served = |index: u64| {
        let candidate = weight_bp == 10_000 || weight_bp > 0 && index.is_multiple_of(4);
        let arm = if candidate { Arm::Candidate } else { Arm::Baseline };
        let at_us = NOON_US + hours * HOUR_US + index as i64 * 1_000_000;
        Exchange {
            epoch,
            weight_bp,
            at_us,
            sent_us: at_us,
            shadow: Some(ShadowFate::NotSampled),
            ttft_us: Some(if candidate { 200_000 } else { 300_000 } + (uniform(index, epoch) * 100_000.0) as u64),
            ..exchange(&format!("{epoch}-served-{index}"), arm, Role::Served)
        }
    };
    (0..n).map(served).collect()
}

/// Every `step`th of the candidate's rows, changed.
fn spoil(rows: &mut [Exchange], step: usize, change: impl Fn(Exchange) -> Exchange) {
    for row in rows.iter_mut().filter(|row| row.arm == Arm::Candidate).step_by(step) {
        *row = change(row.clone());
    }
}

fn failing(row: Exchange) -> Exchange {
    with_error(row, ErrorKind::Server)
}

fn verdict(parts: &[Vec<Exchange>]) -> Verdict {
    judge(&parts.concat()).verdict
}

fn unmatched(verdict: &Verdict, reason: &str) -> u64 {
    verdict.instrument.unmatched.iter().find(|count| count.name == reason).map_or(0, |count| count.count)
}

fn alarmed(verdict: &Verdict, words: &str) -> bool {
    verdict.instrument.alarms.iter().any(|alarm| alarm.contains(words))
}

fn with_policy(rows: &[Exchange], text: &str) -> Verdict {
    judge_with(rows, &options_with(text)).unwrap().verdict
}

#[test]
fn full_weight_is_judged_and_a_failing_candidate_stopped() {
    let shadow = epoch(1, 0, 1500);
    let mut full = canary(2, 1, 10_000, 600);
    let fine = verdict(&[shadow.clone(), full.clone()]);
    assert_eq!((fine.verdict, fine.instrument.alarms.len()), (Decision::Hold, 0), "{:#?}", fine.reasons);
    assert_eq!(guardrail(&fine, "errors", "canary").state, State::HoldInsufficient);
    spoil(&mut full, 4, failing);
    let broken = verdict(&[shadow, full]);
    assert_eq!(broken.verdict, Decision::NoGo, "{:#?}", broken.reasons);
    assert!(broken.reasons[0].starts_with("Hard stop: 150 of 600 served"), "{:#?}", broken.reasons);
}

#[test]
fn a_verdict_is_as_old_as_its_newest_evidence() {
    let mut rows = epoch(1, 0, 600);
    let made = judge(&rows).verdict.created_at;
    // A mirrored request whose copy is lost, hours later, proves nothing and makes nothing newer.
    let late = NOON_US + 5 * HOUR_US;
    rows.push(Exchange { at_us: late, sent_us: late, ..exchange("late", Arm::Baseline, Role::Served) });
    let verdict = judge(&rows).verdict;
    assert_eq!(verdict.created_at, made);
    assert_eq!(verdict.window.to_us, late);
    let served = verdict_of_canary();
    assert_eq!(served.created_at, "2026-11-20T14:46:39Z", "the newest served request counts");
}

fn verdict_of_canary() -> Verdict {
    verdict(&[epoch(1, 0, 1500), canary(2, 1, 2500, 6400)])
}

#[test]
fn pairs_above_the_age_are_left_out_and_counted() {
    let recent = verdict(&[epoch(1, 0, 1500), epoch(2, 100, 300)]);
    assert_eq!((recent.instrument.pairs, unmatched(&recent, "too old")), (1800, 0));
    let mut old = epoch(1, 0, 1500);
    old.push(exchange("lost", Arm::Baseline, Role::Served));
    let aged = verdict(&[old, epoch(2, 169, 300)]);
    assert_eq!((aged.instrument.pairs, unmatched(&aged, "too old")), (300, 1500));
    assert_eq!(aged.instrument.mirror_intended, 300, "too old to be a loss");
    assert_eq!(guardrail(&aged, "errors", "all").n, 300);
    let rows = [epoch(1, 0, 1500), epoch(2, 169, 300)].concat();
    assert_eq!(with_policy(&rows, "[evidence]\nmax_age_hours = 200\n").instrument.pairs, 1800);
}

#[test]
fn the_newest_epoch_must_hold_evidence_of_its_own() {
    let good = epoch(1, 0, 1500);
    let thin = verdict(&[good.clone(), epoch(2, 1, 20)]);
    assert_eq!(thin.verdict, Decision::Hold, "{:#?}", thin.reasons);
    let errors = guardrail(&thin, "errors", "all");
    assert_eq!((errors.n, errors.state), (1520, State::HoldInsufficient));
    assert!(errors.why.contains("holds only 20 of at least 200 observations"), "{}", errors.why);
    assert!(thin.needed.iter().any(|needed| needed.metric == "errors" && needed.pairs == Some(180)));
    assert_eq!(verdict(&[good, epoch(2, 1, 200)]).verdict, Decision::Go);
}

#[test]
fn served_requests_of_the_newest_epoch_are_its_evidence_too() {
    let verdict = verdict_of_canary();
    assert_eq!(verdict.verdict, Decision::Go, "{:#?}", verdict.reasons);
    assert_eq!(guardrail(&verdict, "errors", "canary").n, 1600);
    let combined = guardrail(&verdict, "errors", "all");
    assert_eq!(
        (combined.n, combined.evidence),
        (1500 + 1600, EvidenceKind::Combined),
        "pairs, and served outside of pairs"
    );
}

#[test]
fn pairs_of_a_replaced_model_prove_nothing_about_its_successor() {
    let mut old = epoch(1, 0, 1500);
    spoil(&mut old, 1, |row| Exchange { model: "deepseek-old".to_owned(), ..row });
    // Another baseline model keeps its pairs, whatever epoch they are of.
    let mini = |row: &mut Exchange| {
        let name = if row.arm == Arm::Baseline { "gpt-4o-mini" } else { "deepseek-mini" };
        row.model = name.to_owned();
    };
    old.iter_mut().take(200).for_each(mini);
    let mixed = verdict(&[old.clone(), epoch(2, 1, 300)]);
    assert_eq!((mixed.instrument.pairs, unmatched(&mixed, "another candidate model")), (400, 1400));
    // Without any pair in the newest epoch, the models served there tell.
    let served = verdict(&[old, canary(2, 1, 2500, 2400)]);
    assert_eq!((served.instrument.pairs, unmatched(&served, "another candidate model")), (0, 1500));
    assert_eq!(served.verdict, Decision::Hold);
}

#[test]
fn a_failure_of_served_traffic_is_remembered_until_it_is_too_old_or_another_model() {
    let mut failed = canary(2, 1, 2500, 4000);
    spoil(&mut failed, 27, failing);
    let again = epoch(3, 2, 1500);
    let rows = [epoch(1, 0, 1500), failed.clone(), again.clone()].concat();
    let remembered = judge(&rows).verdict;
    assert_eq!(remembered.verdict, Decision::Hold, "{:#?}", remembered.reasons);
    assert!(alarmed(&remembered, "Served traffic failed in epoch 2 (errors 3.8 % against 0.0 %)"), "{remembered:#?}");
    assert_eq!(judge(&again).verdict.verdict, Decision::Go, "only what came after the repair");
    let aged = verdict(&[failed.clone(), epoch(3, 171, 1500)]);
    assert!(aged.instrument.alarms.is_empty(), "{:?}", aged.instrument.alarms);
    let other = |row| Exchange { model: "deepseek-old".to_owned(), ..row };
    let mut old = epoch(1, 0, 300);
    spoil(&mut old, 1, other);
    spoil(&mut failed, 1, other);
    let replaced = verdict(&[old, failed, again]);
    assert!(replaced.instrument.alarms.is_empty(), "{:?}", replaced.instrument.alarms);
}

#[test]
fn a_row_counts_once_in_served_traffic_too() {
    let rows = verdict_rows();
    let once = judge(&rows);
    let files = Files::new();
    let (a, b) = (files.records("a.ndjson", &rows), files.records("b.ndjson", &rows));
    let twice = evaluate(&[a.clone(), b], &options()).unwrap();
    assert_eq!(twice.verdict.guardrails, once.verdict.guardrails);
    assert_eq!(twice.counts.load.duplicates, rows.len() as u64);
    assert_eq!(twice.counts.load.seen, once.counts.load.seen);
    let spelled = files.folder().join(".").join("a.ndjson");
    let spelled = evaluate(&[a, spelled], &options()).unwrap();
    assert_eq!((spelled.verdict.inputs.len(), spelled.counts.load.duplicates), (1, 0));
}

fn verdict_rows() -> Vec<Exchange> {
    [epoch(1, 0, 300), canary(2, 1, 2500, 1200)].concat()
}

#[test]
fn clients_that_give_up_on_the_candidate_are_counted_against_it() {
    let shadow = epoch(1, 0, 1500);
    let mut hanging = canary(2, 1, 2500, 4000);
    spoil(&mut hanging, 20, |row| with_error(row, ErrorKind::ClientCancelled));
    let hanging = verdict(&[shadow, hanging]);
    assert_eq!(guardrail(&hanging, "errors", "canary").state, State::Pass);
    assert_eq!(guardrail(&hanging, "cancellations", "canary").state, State::Fail);
    assert_eq!(hanging.verdict, Decision::NoGo);
}

#[test]
fn a_log_played_twice_is_no_second_log() {
    let mut rows = epoch(1, 0, 1500);
    assert!(!alarmed(&judge(&rows).verdict, "repeat a request id"));
    for row in rows.iter_mut().filter(|row| row.at_us >= NOON_US + 750 * 1_000_000) {
        let index: u64 = row.pair.rsplit('-').next().unwrap().parse().unwrap();
        row.request = Some(format!("1-request-pair-{:06}", index - 750));
    }
    let twice = judge(&rows).verdict;
    assert!(alarmed(&twice, "50.0 % of the exchanges repeat a request id"), "{:?}", twice.instrument.alarms);
    assert_eq!(twice.verdict, Decision::Hold);
    // Without ids nothing can be said.
    rows.iter_mut().for_each(|row| row.request = None);
    assert_eq!(judge(&rows).verdict.verdict, Decision::Go);
}

#[test]
fn unpriced_pairs_and_missing_first_tokens_are_no_accident() {
    let mut unpriced = epoch(1, 0, 1500);
    spoil(&mut unpriced, 50, |row| Exchange { usage: None, ..row });
    let verdict = judge(&unpriced).verdict;
    assert!(alarmed(&verdict, "30 of 1500 answered pairs (2.0 %, limit 1 %) have no price"), "{:#?}", verdict.reasons);
    assert_eq!(verdict.verdict, Decision::Hold);
    assert_eq!(with_policy(&unpriced, "[guardrails.cost]\nenabled = false\n").verdict, Decision::Go);
    let mut untimed = epoch(1, 0, 1500);
    spoil(&mut untimed, 50, |row| Exchange { ttft_us: None, ..row });
    let verdict = judge(&untimed).verdict;
    assert!(alarmed(&verdict, "In 30 of 1500 streamed pairs (2.0 %, limit 1 %) only one"), "{:#?}", verdict.reasons);
    assert_eq!(verdict.verdict, Decision::Hold);
    // On both sides it is the request, not the candidate.
    untimed.iter_mut().filter(|row| row.pair.ends_with("00")).for_each(|row| row.ttft_us = None);
    spoil(&mut untimed, 1, |row| Exchange {
        ttft_us: row.ttft_us.or_else(|| (!row.pair.ends_with("00")).then_some(250_000)),
        ..row
    });
    assert_eq!(judge(&untimed).verdict.verdict, Decision::Go);
}

#[test]
fn another_weight_does_not_hide_what_was_served() {
    let mut rows = [epoch(1, 0, 1500), canary(2, 1, 2500, 6400)].concat();
    let at = |rows: &[Exchange], percent: f64| {
        judge_with(rows, &Options { at_weight_percent: Some(percent), ..options() }).unwrap().verdict
    };
    let fine = at(&rows, 0.0);
    assert_eq!((fine.verdict, fine.instrument.alarms.len()), (Decision::Go, 0), "{:#?}", fine.reasons);
    let never = at(&epoch(1, 0, 1500), 25.0);
    assert_eq!(never.verdict, Decision::Hold);
    assert_eq!(guardrail(&never, "errors", "canary").state, State::HoldInsufficient);
    spoil(&mut rows[3000..], 4, failing);
    let stopped = at(&rows, 0.0);
    assert_eq!(stopped.verdict, Decision::NoGo);
    assert!(stopped.reasons[0].contains("served candidate requests failed"), "{:#?}", stopped.reasons);
}

fn labelled(rows: &[Exchange], labels: &[Label]) -> Outcome {
    let files = Files::new();
    let records = files.records("r.ndjson", rows);
    evaluate(&[records], &Options { labels: vec![files.labels("l.ndjson", labels)], ..options() }).unwrap()
}

#[test]
fn labels_that_match_nothing_or_little_hold() {
    let rows = epoch(1, 0, 1500);
    let of = |row: &Exchange| Label {
        request: row.request.clone().unwrap(),
        answer_digest: row.answer_digest.clone().unwrap(),
        metric: "exact".to_owned(),
        good: true,
    };
    let all: Vec<Label> = rows.iter().map(of).collect();
    assert_eq!(labelled(&rows, &all).verdict.verdict, Decision::Go);
    let astray: Vec<Label> =
        all.iter().map(|label| Label { request: format!("x{}", label.request), ..label.clone() }).collect();
    let astray = labelled(&rows, &astray).verdict;
    assert_eq!((guardrail(&astray, "exact", "all").state, astray.verdict), (State::HoldInsufficient, Decision::Hold));
    let most = labelled(&rows, &all[..2660]).verdict;
    assert!(alarmed(&most, "1330 of 1500 answered pairs (88.7 %) are labelled"), "{:?}", most.instrument.alarms);
    assert_eq!(most.verdict, Decision::Hold);
}

#[test]
fn copies_whose_served_row_is_missing_are_lost() {
    let mut rows = epoch(1, 0, 1500);
    for row in &mut rows[..60] {
        if row.role == Role::Served {
            *row = Exchange { pair: format!("gone-{}", row.pair), shadow: Some(ShadowFate::NotSampled), ..row.clone() };
        }
    }
    let verdict = judge(&rows).verdict;
    assert_eq!((verdict.instrument.mirror_intended, verdict.instrument.mirror_observed), (1500, 1470));
    assert_eq!(verdict.verdict, Decision::Hold);
}

#[test]
fn a_line_that_is_still_being_written_is_skipped_and_a_broken_one_is_not() {
    let files = Files::new();
    let path = files.records("r.ndjson", &mirrored("a"));
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{whole}{{\"pair\":\"b\",\"arm\":\"candi")).unwrap();
    let outcome = evaluate(std::slice::from_ref(&path), &options()).unwrap();
    assert_eq!((outcome.counts.exchanges, outcome.counts.load.cut_off), (2, 1));
    assert!(
        outcome.counts.remarks()[0].starts_with("1 last lines without a line end"),
        "{:?}",
        outcome.counts.remarks()
    );
    assert_eq!(outcome.verdict.inputs[0].digest, datasets::digest::of_bytes(&std::fs::read(&path).unwrap()));
    std::fs::write(&path, format!("{whole}{{\"pair\":\"b\",\"arm\":\"candi\n")).unwrap();
    assert!(evaluate(std::slice::from_ref(&path), &options()).is_err());
    // A last row that is whole counts, line end or not.
    std::fs::write(&path, whole.trim_end()).unwrap();
    assert_eq!(evaluate(&[path], &options()).unwrap().counts.exchanges, 2);
}

#[test]
fn empty_files_of_a_folder_are_passed_over() {
    let files = Files::new();
    files.records("r.ndjson", &mirrored("a"));
    let empty = files.path("next.ndjson");
    std::fs::write(&empty, "").unwrap();
    let outcome = evaluate(&[files.folder().to_owned()], &options()).unwrap();
    assert_eq!((outcome.verdict.inputs.len(), outcome.counts.load.empty_files), (1, 1));
    assert_eq!(outcome.counts.remarks(), ["1 empty files in folders were passed over"]);
    assert!(evaluate(&[empty], &options()).is_err(), "named, it is an error");
}
