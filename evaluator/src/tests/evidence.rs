//! What counts as what.

use super::fixture::*;
use crate::bill::price_pairs;
use crate::extract::{Extracted, Sources, extract};
use crate::labels::Labels;
use crate::load::load;
use crate::pair::pair;
use datasets::{Arm, Exchange, Label, Role, ShadowFate};
use judge::evidence::PairedCounts;
use judge::metric::{Latency, Share};
use wire::ErrorKind;
use wire::price::Tariffs;

fn extracted(rows: &[Exchange], labels: &[Label]) -> Extracted {
    let files = Files::new();
    let loaded = load(&[files.records("r.ndjson", rows)], None, false).unwrap();
    let (labels, _) = Labels::load(&[files.labels("l.ndjson", labels)]).unwrap();
    let pairing = pair(&loaded.rows, 168.0);
    let tariffs = Tariffs::embedded().unwrap();
    let priced = price_pairs(&pairing.pairs, &loaded.rows, &tariffs);
    extract(Sources {
        rows: &loaded.rows,
        aside: &loaded.aside,
        tariffs: &tariffs,
        pairing: &pairing,
        priced: &priced,
        labels: &labels,
        counts: &loaded.counts,
        policy: &options().policy,
        replay_degraded: false,
        at_weight_percent: None,
    })
    .unwrap()
}

/// Six pairs with one outcome each.
fn outcomes() -> Vec<Exchange> {
    let mut rows = ["a", "b", "c", "d", "e", "f"].map(mirrored).concat();
    let mut set = |index: usize, change: &dyn Fn(Exchange) -> Exchange| rows[index] = change(rows[index].clone());
    set(0, &|row| with_error(row, ErrorKind::Server));
    set(1, &|row| with_error(row, ErrorKind::Timeout));
    set(3, &|row| with_error(row, ErrorKind::RateLimit));
    set(5, &|row| with_error(row, ErrorKind::Moderation));
    set(6, &|row| with_error(row, ErrorKind::Connect));
    set(9, &|row| Exchange { form_failure: Some("length".to_owned()), ..row });
    rows
}

#[test]
fn errors_and_form_failures_make_the_known_tables() {
    let evidence = extracted(&outcomes(), &[]).evidence;
    let paired = evidence.paired.pooled();
    // A block is a decision and no failure.
    let expected = PairedCounts { both_bad: 1, only_candidate_bad: 1, only_baseline_bad: 1, both_good: 3 };
    assert_eq!(paired.share(Share::Errors), expected);
    // Only the pairs in which no arm failed for another reason.
    let expected = PairedCounts { only_candidate_bad: 1, both_good: 2, ..PairedCounts::default() };
    assert_eq!(paired.share(Share::Blocked), expected);
    assert_eq!(paired.share(Share::Missed), PairedCounts { both_good: 3, ..PairedCounts::default() });
    // Only the two pairs in which both arms answered.
    let expected = PairedCounts { only_candidate_bad: 1, both_good: 1, ..PairedCounts::default() };
    assert_eq!(paired.share(Share::AnswerFailures), expected);
    assert_eq!(paired.share(Share::RateLimited).pairs(), 0, "pairs say nothing about the load");
}

#[test]
fn failures_are_infinitely_slow_and_cost_nothing_that_is_compared() {
    let mut rows = outcomes();
    // Failing fast, after a first token, is still a failure.
    rows[3] = Exchange { ttft_us: Some(5), duration_us: 10, ..rows[3].clone() };
    let evidence = extracted(&rows, &[]).evidence;
    let paired = evidence.paired.pooled();
    let [ttft, duration] = [Latency::Ttft, Latency::Duration].map(|latency| &paired.latency[latency.slot()]);
    assert_eq!((duration.baseline.n(), duration.baseline.infinite()), (6, 2));
    assert_eq!((duration.candidate.n(), duration.candidate.infinite()), (6, 3));
    assert_eq!((ttft.candidate.n(), ttft.candidate.infinite()), (6, 3));
    // Half of the candidate's are infinite, so that nothing finite stands above its median.
    assert_eq!(duration.candidate.quantile_us(0.6), None);
    assert_eq!(paired.cost.n, 2);
}

#[test]
fn first_tokens_are_compared_where_the_request_was_streamed_and_text_came() {
    let mut rows = ["a", "b", "c"].map(mirrored).concat();
    for row in rows.iter_mut().filter(|row| row.pair == "a") {
        *row = Exchange { streamed: false, ttft_us: None, ..row.clone() };
    }
    rows[3].ttft_us = None;
    let extracted = extracted(&rows, &[]);
    let paired = extracted.evidence.paired.pooled();
    assert_eq!(paired.latency[Latency::Ttft.slot()].baseline.n(), 1);
    assert_eq!(paired.latency[Latency::Duration.slot()].baseline.n(), 3);
    assert_eq!(extracted.pair_counts.without_first_token, 1);
}

fn label(pair: &str, arm: Arm, good: bool) -> Label {
    Label {
        request: format!("request-{pair}"),
        answer_digest: format!("{}-{pair}", arm.name()),
        metric: "exact".to_owned(),
        good,
    }
}

#[test]
fn labels_stick_to_answers_and_a_failure_is_a_miss_beside_a_labelled_answer() {
    let mut rows = ["a", "b", "c", "d", "e", "f"].map(mirrored).concat();
    rows[3] = with_error(rows[3].clone(), ErrorKind::Server);
    rows[8] = with_error(rows[8].clone(), ErrorKind::Server);
    rows[9] = with_error(rows[9].clone(), ErrorKind::Server);
    // Pair f: the candidate gave the very answer of the baseline.
    rows[11].answer_digest = rows[10].answer_digest.clone();
    let labels = [
        label("a", Arm::Baseline, true),
        label("a", Arm::Candidate, false),
        label("b", Arm::Baseline, true),
        label("c", Arm::Baseline, true),
        label("e", Arm::Baseline, true),
        label("f", Arm::Baseline, true),
    ];
    let extracted = extracted(&rows, &labels);
    let expected = PairedCounts { only_candidate_bad: 2, both_good: 1, ..PairedCounts::default() };
    assert_eq!(extracted.evidence.plan.labels, ["exact"]);
    assert_eq!(extracted.evidence.paired.pooled().label(0), expected);
    let counts = extracted.pair_counts.labels["exact"];
    assert_eq!((counts.pairs, counts.candidate_only, counts.baseline_only, counts.neither), (3, 1, 0, 2));
    // One of four labelled pairs is labelled by half, which may be no accident.
    let alarms = extracted.evidence.instrument.alarms;
    assert!(alarms.iter().any(|alarm| alarm.contains("only one of the two answers is labelled")), "{alarms:?}");
}

#[test]
fn contradicting_labels_are_an_error_and_repeated_ones_are_not() {
    let files = Files::new();
    let once = label("a", Arm::Baseline, true);
    let fine = files.labels("fine.ndjson", &[once.clone(), once.clone()]);
    assert!(Labels::load(&[fine]).is_ok());
    let bad = files.labels("bad.ndjson", &[once.clone(), Label { good: false, ..once }]);
    let error = Labels::load(&[bad]).unwrap_err().to_string();
    assert!(error.contains("bad.ndjson, line 3") && error.contains("request-a"), "{error}");
}

#[test]
fn a_label_metric_named_like_a_fixed_guardrail_is_refused_by_file_and_line() {
    let files = Files::new();
    let fixed =
        Share::ALL.map(Share::name).into_iter().chain(["ttft_p50", "duration_p99", "cost", "quality", "fewer_blocked"]);
    for name in fixed {
        let taken = Label { metric: name.to_owned(), ..label("b", Arm::Baseline, true) };
        let path = files.labels(&format!("{name}.ndjson"), &[label("a", Arm::Baseline, true), taken]);
        let error = Labels::load(&[path]).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
        let error = error.to_string();
        assert!(error.contains(&format!("{name}.ndjson, line 3")) && error.contains(&format!("`{name}`")), "{error}");
    }
}

/// Served traffic of one epoch: `baseline` and `candidate` requests, four to a unit.
fn split(epoch: u64, weight_bp: u32, baseline: u64, candidate: u64) -> Vec<Exchange> {
    let arm = |arm: Arm, n: u64| {
        (0..n).map(move |index| Exchange {
            epoch,
            weight_bp,
            shadow: Some(ShadowFate::NotSampled),
            unit: Some(format!("{}-{}", arm.name(), index / 4)),
            at_us: NOON_US + index as i64 * 1_000_000,
            ..exchange(&format!("{epoch}-{}-{index}", arm.name()), arm, Role::Served)
        })
    };
    arm(Arm::Baseline, baseline).chain(arm(Arm::Candidate, candidate)).collect()
}

#[test]
fn the_canary_is_the_newest_epoch_without_what_never_stood_a_choice() {
    let mut rows = split(1, 500, 40, 4);
    rows.extend(split(2, 1000, 360, 40));
    let set = |rows: &mut Vec<Exchange>, pair: &str, change: &dyn Fn(Exchange) -> Exchange| {
        let row = rows.iter_mut().find(|row| row.pair == pair).unwrap();
        *row = change(row.clone());
    };
    set(&mut rows, "2-candidate-0", &|row| with_error(row, ErrorKind::RateLimit));
    set(&mut rows, "2-candidate-1", &|row| with_error(row, ErrorKind::ClientCancelled));
    set(&mut rows, "2-candidate-2", &|row| Exchange { streamed: false, ttft_us: None, ..row });
    set(&mut rows, "2-candidate-39", &|row| Exchange { unit: None, ..row });
    set(&mut rows, "2-baseline-0", &|row| Exchange { shadow: Some(ShadowFate::Unfit), ..row });
    let extracted = extracted(&rows, &[]);
    assert_eq!((extracted.epoch, extracted.weight_bp), (2, 1000));
    assert!((extracted.evidence.weight_percent - 10.0).abs() < 1e-12);
    let canary = extracted.evidence.canary.unwrap();
    assert_eq!(canary.epochs.keys().copied().collect::<Vec<_>>(), [1, 2], "the judged epoch and the one before it");
    let judged = &canary.epochs[&2];
    let totals = judged.totals();
    let of = |asked: judge::counters::canary::Asked| (asked.n, asked.bad);
    assert_eq!((of(totals.baseline.share(Share::Errors)), judged.units_baseline), ((359, 0), 90));
    // Ten units of four, and one request whose unit is not known.
    assert_eq!((of(totals.candidate.share(Share::Errors)), judged.units_candidate), ((39, 1), 11));
    assert_eq!(of(totals.candidate.share(Share::RateLimited)), (39, 1));
    assert_eq!(of(totals.baseline.share(Share::Cancellations)), (359, 0));
    assert_eq!(of(totals.candidate.share(Share::Cancellations)), (40, 1));
    // 38 of the judged epoch, four of the one before.
    let ttft = &canary.latency_candidate[Latency::Ttft.slot()];
    assert_eq!((ttft.n(), ttft.infinite()), (42, 1));
    let rate = extracted.evidence.rates.candidate_requests_per_hour.unwrap();
    assert!((rate - 40.0 / 39.0 * 3600.0).abs() < 1e-6, "{rate}");
}

#[test]
fn there_is_a_canary_wherever_the_candidate_was_to_serve() {
    assert!(extracted(&split(1, 0, 40, 40), &[]).evidence.canary.is_none());
    let full = extracted(&split(1, 10_000, 0, 40), &[]).evidence.canary.unwrap();
    let totals = full.totals();
    assert_eq!((totals.baseline.share(Share::Errors).n, totals.candidate.share(Share::Errors).n), (0, 40));
    let rows = split(1, 1000, 90, 10);
    let at = |percent| {
        let options = crate::Options { at_weight_percent: Some(percent), ..options() };
        judge_with(&rows, &options).unwrap().verdict
    };
    assert!(at(10.0).guardrails.iter().any(|guardrail| guardrail.segment == "canary"));
    let elsewhere = at(25.0);
    assert!((elsewhere.weight_percent - 25.0).abs() < 1e-12);
    assert_eq!(guardrail(&elsewhere, "errors", "canary").n, 10);
    assert_eq!(elsewhere.instrument.srm_p, at(10.0).instrument.srm_p);
}

#[test]
fn a_split_that_does_not_match_the_weight_holds() {
    let verdict = judge(&split(1, 5000, 4000, 3000)).verdict;
    assert_eq!(verdict.instrument.srm_units, Some([1000, 750]));
    assert!(verdict.instrument.srm_p.unwrap() < 1e-6);
    assert!(verdict.instrument.alarms.iter().any(|alarm| alarm.contains("Sample-ratio")));
}

#[test]
fn one_epoch_with_two_weights_holds() {
    let mut rows = split(1, 1000, 90, 10);
    rows[3].weight_bp = 500;
    let alarms = extracted(&rows, &[]).evidence.instrument.alarms;
    assert!(alarms.iter().any(|alarm| alarm.contains("different weights")), "{alarms:?}");
}

#[test]
fn earlier_epochs_cost_what_they_failed_beyond_the_baseline() {
    let mut rows = split(1, 5000, 100, 100);
    for row in rows.iter_mut().filter(|row| row.arm == Arm::Candidate).take(7) {
        *row = with_error(row.clone(), ErrorKind::Server);
    }
    for row in rows.iter_mut().filter(|row| row.arm == Arm::Baseline).take(2) {
        *row = with_error(row.clone(), ErrorKind::Server);
    }
    // A better epoch does not pay back, and the judged one is not an earlier one.
    rows.extend(split(2, 5000, 100, 100));
    rows.extend(split(3, 5000, 10, 10).into_iter().map(|row| with_error(row, ErrorKind::Server)));
    let extra = extracted(&rows, &[]).evidence.earlier_extra_failures;
    assert!((extra - 5.0).abs() < 1e-9, "{extra}");
}

#[test]
fn a_revoked_key_stops_and_a_refusal_of_the_past_does_not() {
    let refuse = |rows: &mut Vec<Exchange>, seconds: std::ops::Range<i64>| {
        for row in rows.iter_mut().filter(|row| row.arm == Arm::Candidate) {
            if seconds.contains(&((row.at_us - NOON_US) / 1_000_000)) {
                *row = with_error(row.clone(), ErrorKind::Auth);
            }
        }
    };
    let mut past = traffic(100);
    refuse(&mut past, 0..6);
    assert_eq!(extracted(&past, &[]).evidence.hard_stops, Vec::<String>::new());
    let mut now = traffic(100);
    refuse(&mut now, 95..100);
    let stops = extracted(&now, &[]).evidence.hard_stops;
    assert!(stops.len() == 1 && stops[0].contains("5 of its newest 10"), "{stops:?}");
}

#[test]
fn pictures_hold_the_whole_distribution() {
    let mut rows = traffic(200);
    rows[1] = with_error(rows[1].clone(), ErrorKind::Timeout);
    let evidence = judge(&rows).verdict.evidence;
    let candidate = evidence.latency.iter().find(|d| d.metric == "duration" && d.arm == "candidate").unwrap();
    assert_eq!((candidate.n, candidate.n_infinite, candidate.quantiles_us.len()), (200, 1, 201));
    let mut durations: Vec<u64> =
        rows.iter().skip(1).step_by(2).filter(|row| row.error.is_none()).map(|row| row.duration_us).collect();
    durations.sort_unstable();
    for (place, rank) in [(0, 0), (100, 99), (199, 198)] {
        assert!(about(candidate.quantiles_us[place].map(|us| us as f64), durations[rank] as f64), "{place}");
    }
    assert_eq!(candidate.quantiles_us[200], None);
    let tokens = &evidence.tokens[1];
    assert_eq!((tokens.arm.as_str(), tokens.model.as_str()), ("candidate", "deepseek-flash"));
    assert_eq!((tokens.exchanges, tokens.prompt_uncached, tokens.completion_visible), (199, 199_000, 19_900));
    let outcomes = &evidence.outcomes[1];
    assert_eq!((outcomes.n, outcomes.errors[0].name.as_str(), outcomes.finish[0].count), (200, "timeout", 199));
}
