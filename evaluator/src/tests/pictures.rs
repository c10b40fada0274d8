//! What a verdict shows beside its numbers: the course of its bounds, quantiles, examples, payments by consumer.

use super::fixture::*;
use crate::{EvaluateError, Options, Outcome, evaluate, output};
use datasets::{Appender, Arm, Exchange, Format, Header, Redaction, Role};
use judge::course::{COURSES_MAX, LOOKS_MAX};
use judge::policy::Policy;
use judge::verdict::{Course, Example, Guardrail, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use wire::ErrorKind;

const SECOND_US: i64 = 1_000_000;

/// Every look counts, and 150 requests make the thresholds, so that they are the same for all prefixes from 750 on.
fn any_look() -> Options {
    Options::new(Policy::parse("[evidence]\nreference_requests = 150\n").unwrap(), "0.1.0")
}

/// Pairs of some consumers, with failures and odd answers on either side.
fn varied(n: u64) -> Vec<Exchange> {
    let mut rows = traffic(n);
    for (index, row) in rows.iter_mut().enumerate() {
        let (index, stream) = (index as u64, 40 + u64::from(row.arm == Arm::Candidate));
        row.consumer = Some(format!("consumer-{}", index / 2 * 7 % 23));
        row.epoch = 1 + index / 2 / 900;
        if uniform(index, stream) < 0.02 {
            *row = with_error(row.clone(), ErrorKind::Server);
        } else if uniform(index, stream + 2) < 0.02 {
            row.finish_reason = Some("length".to_owned());
            row.form_failure = Some("length".to_owned());
        }
    }
    rows
}

fn course_of<'a>(verdict: &'a Verdict, guardrail: &Guardrail) -> &'a Course {
    let own = |course: &&Course| course.metric == guardrail.metric && course.segment == guardrail.segment;
    verdict.evidence.course.iter().find(own).unwrap_or_else(|| panic!("no course of {}", guardrail.metric))
}

/// Asserts that looks are what the judge says of the records up to then; `until` is the last instant that belongs to a look.
/// Returns how many looks were compared.
fn every_look_is_the_prefix(rows: &[Exchange], options: &Options, from_n: u64, until: impl Fn(i64) -> i64) -> usize {
    let verdict = judge_with(rows, options).unwrap().verdict;
    assert!(verdict.evidence.course.len() <= COURSES_MAX);
    for guardrail in verdict.guardrails.iter().filter(|one| one.decides && one.segment == "all") {
        let last = course_of(&verdict, guardrail).looks.last().unwrap();
        let numbers = (last.n, last.estimate, last.lower, last.upper, last.state);
        assert_eq!(
            numbers,
            (guardrail.n, guardrail.estimate, guardrail.lower, guardrail.upper, guardrail.state),
            "{}",
            guardrail.metric
        );
    }
    let errors = course_of(&verdict, guardrail(&verdict, "errors", "all"));
    assert!((12..=LOOKS_MAX).contains(&errors.looks.len()), "{}", errors.looks.len());
    let mut compared = 0;
    for look in errors.looks.iter().filter(|look| look.n >= from_n).step_by(6) {
        let prefix: Vec<Exchange> = rows.iter().filter(|row| row.at_us <= until(look.at_us)).cloned().collect();
        let then = judge_with(&prefix, options).unwrap().verdict;
        assert_eq!(then.guardrails.len(), verdict.guardrails.len());
        // States that need a whole verdict are not a look's.
        let newest = prefix.iter().map(|row| row.epoch).max();
        let of_newest = prefix.iter().filter(|row| Some(row.epoch) == newest).count();
        let whole = !then.instrument.alarms.is_empty() || of_newest < 2 * 200;
        for guardrail in then.guardrails.iter().filter(|one| one.decides && one.segment == "all" && one.n > 0) {
            let looks = &course_of(&verdict, guardrail).looks;
            let own = looks.iter().find(|other| other.at_us == look.at_us).unwrap();
            let numbers = (own.n, own.estimate, own.lower, own.upper);
            let said = (guardrail.n, guardrail.estimate, guardrail.lower, guardrail.upper);
            assert_eq!(numbers, said, "{} at {}", guardrail.metric, look.at_us);
            assert!(own.state == guardrail.state || whole, "{} at {}", guardrail.metric, look.at_us);
            compared += 1;
        }
    }
    compared
}

#[test]
fn a_look_at_pairs_is_what_the_records_of_then_say() {
    let compared = every_look_is_the_prefix(&varied(2_400), &any_look(), 900, |at_us| at_us);
    assert!(compared > 30, "{compared}");
}

#[test]
fn many_conversations_are_counted_like_few_consumers() {
    // More than are kept open while pairs are counted, and most of them in several stretches.
    let mut rows = varied(4_600);
    for (index, row) in rows.iter_mut().enumerate() {
        row.consumer = None;
        row.epoch = 1;
        row.unit = Some(format!("conversation-{}", index / 2 % 2_300));
    }
    let compared = every_look_is_the_prefix(&rows, &any_look(), 3_000, |at_us| at_us);
    assert!(compared > 15, "{compared}");
}

/// Each request served by one arm, one every two seconds; every tenth of the baseline's mirrored as well.
fn served(n: u64) -> Vec<Exchange> {
    let mut rows = Vec::new();
    for (index, pair) in traffic(n).chunks_exact(2).enumerate() {
        let candidate = uniform(index as u64, 60) < 0.5;
        let mut served = pair[usize::from(candidate)].clone();
        served.role = Role::Served;
        served.weight_bp = 5_000;
        served.at_us = NOON_US + index as i64 * 2 * SECOND_US;
        served.sent_us = served.at_us + 100;
        served.unit = Some(format!("unit-{}", index % 400));
        if uniform(index as u64, 61) < 0.03 {
            served = with_error(served, ErrorKind::Server);
        }
        rows.push(served);
    }
    rows
}

#[test]
fn a_look_at_served_traffic_is_what_the_records_of_then_say() {
    let minute_us = 60 * SECOND_US;
    let end_of_minute = |at_us: i64| at_us.div_euclid(minute_us) * minute_us + minute_us - 1;
    let compared = every_look_is_the_prefix(&served(4_000), &any_look(), 1_000, end_of_minute);
    assert!(compared > 20, "{compared}");
}

#[test]
fn files_in_any_order_give_the_same_pictures() {
    let rows = varied(700);
    let files = Files::new();
    let whole = files.records("whole.ndjson", &rows);
    let mut shuffled = rows;
    shuffled.sort_by_key(|row| (row.pair.bytes().rev().collect::<Vec<u8>>(), row.arm == Arm::Baseline));
    let parts = shuffled.chunks(333).enumerate();
    let parts: Vec<PathBuf> = parts.map(|(part, rows)| files.records(&format!("{part}.ndjson"), rows)).collect();
    let text = |paths: &[PathBuf]| {
        let mut verdict = evaluate(paths, &any_look()).unwrap().verdict;
        assert!(verdict.evidence.examples.len() > 10 && verdict.evidence.course.len() > 5);
        verdict.inputs.clear();
        output::to_json(&verdict)
    };
    assert_eq!(text(&[whole]), text(&parts));
}

#[test]
fn a_single_look_has_a_course_of_one_and_all_quantiles() {
    let verdict = judge(&traffic(1_500)).verdict;
    assert!(!verdict.evidence.course.is_empty());
    assert!(verdict.evidence.course.iter().all(|course| course.looks.len() == 1));
    let quantiles = &verdict.evidence.quantiles;
    let metrics: BTreeSet<&str> = quantiles.iter().map(|one| one.metric.as_str()).collect();
    assert_eq!((quantiles.len(), metrics), (21, BTreeSet::from(["duration", "inter_token", "ttft"])));
    for one in quantiles.iter().filter(|one| one.metric == "duration") {
        // A fifth faster at every quantile.
        let (baseline, difference) = (one.baseline_us.unwrap() as f64, one.difference_us.unwrap() as f64);
        assert!((difference / baseline + 0.2).abs() < 0.03, "{one:?}");
        let upper = one.upper_us.or((one.share > 0.98).then_some(i64::MAX)).unwrap();
        assert!(one.lower_us.unwrap() < one.difference_us.unwrap() && one.difference_us.unwrap() < upper, "{one:?}");
    }
}

const SECRET: &str = "canary-of-the-answers";

/// Records in full, with one pair of each kind of example and many with small differences.
fn full(files: &Files) -> PathBuf {
    let mut rows = traffic(400);
    for (index, row) in rows.iter_mut().enumerate() {
        row.answer = Some(format!("{SECRET} {index} {}", "long ".repeat(2_000)));
    }
    let mut set = |index: usize, change: &dyn Fn(&mut Exchange)| change(&mut rows[index]);
    set(1, &|row| *row = with_error(row.clone(), ErrorKind::Server));
    set(3, &|row| row.refused = true);
    set(5, &|row| row.finish_reason = Some("length".to_owned()));
    set(7, &|row| row.form_failure = Some("json".to_owned()));
    set(8, &|row| row.quality = Some(0.9));
    set(9, &|row| row.quality = Some(0.2));
    set(11, &|row| row.answer_chars = 4_000);
    set(13, &|row| row.duration_us = 90_000_000);
    set(15, &|row| row.usage = row.usage.map(|usage| wire::Usage { completion: 90_000, ..usage }));
    set(16, &|row| *row = with_error(row.clone(), ErrorKind::Moderation));
    set(18, &|row| row.guard = Some(guarded(true, false)));
    set(19, &|row| row.guard = Some(guarded(false, false)));
    // Of an answer that the other guard did not judge nothing is known.
    set(20, &|row| row.guard = Some(guarded(true, false)));
    let path = files.path("full.ndjson");
    let mut file = Appender::open(&path, &Header::new(Format::Exchanges, Redaction::Full)).unwrap();
    rows.iter().for_each(|row| file.push(row).unwrap());
    file.sync().unwrap();
    path
}

fn pairs_of<'a>(examples: &'a [Example], kind: &str) -> Vec<&'a str> {
    examples.iter().filter(|one| one.kind == kind).map(|one| one.pair.as_str()).collect()
}

#[test]
fn examples_are_the_pairs_that_differ_most_by_kind() {
    let files = Files::new();
    let examples = evaluate(&[full(&files)], &options()).unwrap().verdict.evidence.examples;
    assert_eq!(pairs_of(&examples, "error"), ["pair-000000"]);
    // The candidate refused; then, the baseline intervened.
    assert_eq!(pairs_of(&examples, "moderation")[..1], ["pair-000001"]);
    let intervened: BTreeSet<&str> = pairs_of(&examples, "moderation").into_iter().collect();
    assert_eq!(intervened, BTreeSet::from(["pair-000001", "pair-000008", "pair-000009"]));
    assert_eq!(pairs_of(&examples, "finish"), ["pair-000002"]);
    assert_eq!(pairs_of(&examples, "form"), ["pair-000003"]);
    assert_eq!(pairs_of(&examples, "text"), ["pair-000004"]);
    assert_eq!(pairs_of(&examples, "length")[0], "pair-000005");
    assert_eq!(pairs_of(&examples, "latency")[0], "pair-000006");
    assert_eq!(pairs_of(&examples, "cost")[0], "pair-000007");
    let of = |pair: &str| examples.iter().find(|one| one.pair == pair).unwrap();
    assert_eq!(of("pair-000000").candidate.error.as_deref(), Some("server"));
    assert_eq!(of("pair-000001").candidate.moderation.as_deref(), Some("model"));
    assert_eq!(of("pair-000008").baseline.moderation.as_deref(), Some("provider"));
    assert_eq!(of("pair-000009").baseline.moderation.as_deref(), Some("guard: violence"));
    assert!((of("pair-000004").difference - 0.7).abs() < 1e-9 && (of("pair-000005").difference - 0.9).abs() < 1e-9);
    assert!(of("pair-000007").candidate.cost.is_some() && of("pair-000007").model == "gpt-4o");
}

#[test]
fn without_the_option_no_text_is_in_any_output_and_with_it_both_answers_are() {
    let files = Files::new();
    let path = full(&files);
    let outputs =
        |Outcome { verdict, counts }: &Outcome| [output::to_json(verdict), counts.remarks().join("\n")].concat();
    let plain = evaluate(std::slice::from_ref(&path), &options()).unwrap();
    assert!(!outputs(&plain).contains(SECRET));
    assert!(plain.verdict.evidence.examples.len() > 8);
    let asked = Options { with_answers: true, ..options() };
    let with_answers = evaluate(std::slice::from_ref(&path), &asked).unwrap();
    for example in &with_answers.verdict.evidence.examples {
        for (side, row) in [(&example.baseline, 0), (&example.candidate, 1)] {
            let answer = side.answer.as_deref().unwrap();
            let index: usize = example.pair.strip_prefix("pair-").unwrap().parse().unwrap();
            assert!(answer.starts_with(&format!("{SECRET} {} ", 2 * index + row)), "{answer:.60}");
            assert!(answer.chars().count() == 4_001 && answer.ends_with('…'));
        }
    }
    // Everything else is the same.
    let mut stripped = with_answers.verdict.clone();
    for example in &mut stripped.evidence.examples {
        (example.baseline.answer, example.candidate.answer) = (None, None);
    }
    assert_eq!(output::to_json(&stripped), output::to_json(&plain.verdict));
    assert!(with_answers.counts.remarks().iter().all(|remark| !remark.contains("redaction")));
    // As a table, the same.
    let table = files.path("full.parquet");
    let records = datasets::Lines::<Exchange>::open(&path, Format::Exchanges).unwrap().map(Result::unwrap);
    let mut writer = crate::parquet::Writer::create(&table, &Header::new(Format::Exchanges, Redaction::Full)).unwrap();
    records.for_each(|record| writer.push(record).unwrap());
    writer.finish().unwrap();
    let of_table = evaluate(&[table], &asked).unwrap().verdict;
    assert_eq!(of_table.evidence.examples, with_answers.verdict.evidence.examples);
    let error = evaluate(&[PathBuf::from("-")], &asked).unwrap_err();
    assert!(matches!(error, EvaluateError::AnswersOfInput), "{error}");
}

#[test]
fn records_that_keep_no_answers_have_none_and_it_is_said() {
    let mut rows = traffic(300);
    rows[1] = with_error(rows[1].clone(), ErrorKind::Server);
    let outcome = judge_with(&rows, &Options { with_answers: true, ..options() }).unwrap();
    assert!(outcome.verdict.evidence.examples.iter().all(|one| one.candidate.answer.is_none()));
    let remarks = outcome.counts.remarks();
    assert!(remarks.iter().any(|remark| remark.contains("answers of the examples are not on record")), "{remarks:?}");
}

#[test]
fn examples_are_bounded_and_share_their_places() {
    let mut rows = varied(3_000);
    for (index, row) in rows.iter_mut().enumerate() {
        row.pair = format!("00000000-0000-7000-8000-{:012x}", index / 2);
        row.quality = Some(uniform(index as u64, 70));
        row.answer_chars = 100 + (uniform(index as u64, 71) * 4_000.0) as u64;
        row.usage = row.usage.map(|usage| wire::Usage { completion: 50 + index as u64 % 400, ..usage });
        row.refused = row.error.is_none() && uniform(index as u64, 72) < 0.05;
    }
    let examples = judge(&rows).verdict.evidence.examples;
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    examples.iter().for_each(|one| *kinds.entry(one.kind.as_str()).or_default() += 1);
    assert_eq!((examples.len(), kinds.len()), (24, 7), "{kinds:?}");
    assert!(kinds.values().all(|count| (3..=6).contains(count)), "{kinds:?}");
    let pairs: BTreeSet<&str> = examples.iter().map(|one| one.pair.as_str()).collect();
    assert_eq!(pairs.len(), examples.len());
    // A UUID is shown as it is, though the records are not read again for it.
    assert!(pairs.iter().all(|pair| pair.starts_with("00000000-0000-7000-8000-")), "{pairs:?}");
    for kind in examples.chunk_by(|a, b| a.kind == b.kind) {
        assert!(kind.windows(2).all(|two| two[0].difference >= two[1].difference), "{kind:?}");
    }
}

#[test]
fn consumers_are_paid_for_by_arm_and_the_many_are_one_row() {
    let mut rows = traffic(400);
    for (index, row) in rows.iter_mut().enumerate() {
        row.consumer = (index >= 20).then(|| format!("consumer-{:02}", index / 2 % 40));
    }
    let bill = judge(&rows).verdict.bill;
    assert_eq!(bill.by_consumer.len(), 33);
    let exchanges = |of: &[judge::verdict::Paid]| of.iter().map(|paid| paid.exchanges).sum::<u64>();
    assert_eq!((exchanges(&bill.by_consumer), exchanges(&bill.by_arm)), (800, 800));
    let other = bill.by_consumer.last().unwrap();
    assert_eq!((other.arm.as_deref(), other.consumer.as_deref()), (Some("other"), None));
    let dearest = &bill.by_consumer[0];
    assert_eq!(dearest.arm.as_deref(), Some("baseline"));
    assert!(bill.by_consumer.iter().any(|paid| paid.consumer.as_deref() == Some("anonymous")));
}
