//! Each problem is found and nothing good is one.

use super::*;
use crate::formats::{full_exchange, full_request};
use crate::{FromLog, GuardAction, GuardCheck, Guarded};
use wire::{Usage, UsageSource};

fn header(format: Format) -> Header {
    Header::new(format, Redaction::Hashed)
}

fn good() -> Exchange {
    Exchange { error: None, answer: None, ..full_exchange() }
}

/// One whose time to the first text stands alone, as in files before 1.6.
fn timed() -> Exchange {
    Exchange { first_event_us: None, first_visible_us: None, ..good() }
}

fn of(rows: &[Exchange]) -> Report {
    let mut check = Check::new("r.ndjson", &header(Format::Exchanges));
    for (row, line) in rows.iter().zip(2..) {
        check.exchange(line, row).unwrap();
    }
    check.finish().unwrap()
}

#[test]
fn a_good_record_has_no_problem_and_each_impossible_value_is_named() {
    assert!(of(&[good()]).is_sound(), "{:?}", of(&[good()]));
    let cases: Vec<(Exchange, &str, &str)> = vec![
        (Exchange { at_us: -1, ..good() }, "at_us", "1970"),
        (Exchange { sent_us: i64::MAX, ..good() }, "sent_us", "9999"),
        (Exchange { weight_bp: 10_001, ..good() }, "weight_bp", "10000"),
        (Exchange { shadow_bp: Some(20_000), ..good() }, "shadow_bp", "10000"),
        (Exchange { quality: Some(1.01), ..good() }, "quality", "0 to 1"),
        (Exchange { attempts: 0, ..good() }, "attempts", "1 or more"),
        (Exchange { status: 99, ..good() }, "status", "HTTP"),
        (Exchange { cost_nanos: Some(-1), ..good() }, "cost_nanos", "below zero"),
        (Exchange { duration_us: 0, ttft_us: None, ..timed() }, "duration_us", "zero"),
        (Exchange { duration_us: 24 * 3_600 * 1_000_000, ..good() }, "duration_us", "24 hours"),
        (Exchange { ttft_us: Some(0), ..timed() }, "ttft_us", "zero"),
        (Exchange { ttft_us: Some(5_000), duration_us: 3_000, ..timed() }, "ttft_us", "after the last byte"),
        (Exchange { streamed: false, ..timed() }, "ttft_us", "not streamed"),
        (Exchange { recorded: Some(FromLog::Untimed), ..good() }, "duration_us", "untimed"),
        (Exchange { answer: Some("a".into()), ..good() }, "answer", "not kept"),
        (Exchange { error: Some(wire::ErrorKind::Server), tools_digest: None, ..good() }, "answer_digest", "failed"),
        (Exchange { prompt_wide_chars: Some(7), ..good() }, "prompt_wide_chars", "prompt_chars"),
    ];
    for (row, member, what) in cases {
        let report = of(std::slice::from_ref(&row));
        let told: Vec<_> = report.problems.iter().map(|found| (found.member.as_deref(), found.what.as_str())).collect();
        assert_eq!(told.len(), 1, "{member}: {told:?}");
        assert!(told[0].0 == Some(member) && told[0].1.contains(what), "{told:?}");
        assert_eq!(report.problems[0].lines, [2]);
    }
    let mut usage = good();
    if let Some(tokens) = &mut usage.usage {
        *tokens = Usage {
            cached: Some(11),
            cache_write: Some(12),
            prompt_audio: Some(13),
            prompt_image: Some(14),
            reasoning: Some(15),
            completion_audio: Some(16),
            ..Usage::new(10, 9, UsageSource::Provider)
        };
    }
    let told: Vec<_> = of(&[usage.clone()]).problems.into_iter().filter_map(|found| found.member).collect();
    let parts = ["cache_write", "cached", "completion_audio", "prompt_audio", "prompt_image", "reasoning"];
    assert_eq!(told, parts.map(|part| format!("usage.{part}")));
    if let Some(tokens) = &mut usage.usage {
        *tokens = Usage { cached: Some(6), cache_write: Some(5), ..Usage::new(10, 9, UsageSource::Provider) };
    }
    let twice = of(&[usage]);
    let told: Vec<_> = twice.problems.iter().map(|found| (found.member.as_deref(), found.what.as_str())).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].0 == Some("usage.cache_write") && told[0].1.contains("with `cached`"), "{told:?}");
    let untimed = Exchange { recorded: Some(FromLog::Untimed), duration_us: 0, ttft_us: None, ..timed() };
    assert!(of(&[untimed]).is_sound());
}

#[test]
fn the_parts_of_the_time_to_the_first_visible_text_follow_each_other() {
    let row = |firsts: [Option<u64>; 3]| {
        let [first_event_us, ttft_us, first_visible_us] = firsts;
        Exchange { first_event_us, ttft_us, first_visible_us, duration_us: 3_000, ..good() }
    };
    for sound in [
        [Some(1), Some(2), Some(3)],
        [Some(2), Some(2), Some(2)],
        [Some(3_500), None, None],
        [None, Some(2), None],
        [None, Some(2), Some(4_000)],
        [None, None, Some(1)],
    ] {
        assert!(of(&[row(sound)]).is_sound(), "{sound:?}: {:?}", of(&[row(sound)]));
    }
    let cases = [
        ([Some(0), Some(2), Some(2)], "first_event_us", "zero"),
        ([Some(3), Some(2), Some(2)], "first_event_us", "after the first text"),
        ([Some(4_001), None, None], "first_event_us", "after the last byte"),
        ([Some(1), Some(2), Some(1)], "first_visible_us", "before the first text"),
        ([Some(1), Some(2), Some(4_001)], "first_visible_us", "after the last byte"),
    ];
    for (firsts, member, what) in cases {
        let problems = of(&[row(firsts)]).problems;
        let told: Vec<_> = problems.iter().map(|found| (found.member.as_deref(), found.what.as_str())).collect();
        assert_eq!(told.len(), 1, "{firsts:?}: {told:?}");
        assert!(told[0].0 == Some(member) && told[0].1.contains(what), "{firsts:?}: {told:?}");
    }
    // A failure's clock is not looked at, but what was not streamed has none of these.
    let failed = Exchange {
        error: Some(wire::ErrorKind::Truncated),
        answer_digest: None,
        tools_digest: None,
        ..row([Some(9), Some(2), Some(1)])
    };
    assert!(of(std::slice::from_ref(&failed)).is_sound());
    let whole = of(&[Exchange { streamed: false, ..failed }]).problems;
    let told: Vec<_> = whole.iter().filter_map(|found| found.member.as_deref()).collect();
    assert_eq!(told, ["first_event_us", "first_visible_us", "ttft_us"]);
}

#[test]
fn verdicts_of_a_guard_that_cannot_be_are_named() {
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let cases = [
        (GuardCheck { categories: list(&["violence", "hate"]), ..flagged() }, "guard.response.categories"),
        (GuardCheck { categories: list(&["hate", "hate"]), ..flagged() }, "guard.response.categories"),
        (GuardCheck { categories: list(&["Self-Harm"]), ..flagged() }, "guard.response.categories"),
        (GuardCheck { failed: list(&["llama"]), ..flagged() }, "guard.response.failed"),
        (GuardCheck { failed: list(&[":timeout"]), ..flagged() }, "guard.response.failed"),
        (GuardCheck { action: GuardAction::None, ..flagged() }, "guard.response.action"),
    ];
    for (check, member) in cases {
        let row = Exchange { guard: Some(Guarded { request: None, response: Some(check) }), ..good() };
        let told: Vec<_> = of(&[row]).problems.into_iter().map(|found| found.member).collect();
        assert_eq!(told, [Some(member.to_owned())]);
    }
    let both = Guarded { request: Some(GuardCheck::default()), response: Some(flagged()) };
    assert!(of(&[Exchange { guard: Some(both), ..good() }]).is_sound());
}

fn flagged() -> GuardCheck {
    GuardCheck {
        action: GuardAction::Flagged,
        categories: vec!["hate".into(), "violence".into()],
        failed: vec!["model:7b:timeout".into()],
        ..GuardCheck::default()
    }
}

#[test]
fn duplicates_order_and_versions_are_told() {
    let report = of(&[good(), Exchange { pair: "q".into(), sent_us: 0, ..good() }, good(), good()]);
    assert_eq!((report.records, report.problems.len()), (4, 1));
    assert_eq!((report.problems[0].count, report.problems[0].lines.as_slice()), (2, &[4, 5][..]));
    assert_eq!(report.remarks[0].member.as_deref(), Some("sent_us"));
    let mut check = Check::new("l.ndjson", &Header { version: "1.0".into(), ..header(Format::Requests) });
    for (line, at_us) in [(2, 5), (3, 4), (4, 6)] {
        let body = serde_json::value::to_raw_value(&serde_json::json!({})).unwrap();
        check.request(line, &LoggedRequest { id: line.to_string(), at_us, body, ..full_request() }).unwrap();
    }
    check.broken(9, "expected value at column 3");
    let report = check.finish().unwrap();
    let remarks: Vec<_> = report.remarks.iter().map(|found| (found.member.as_deref(), found.lines.clone())).collect();
    assert_eq!(remarks, [(Some("at_us"), vec![3]), (Some("version"), vec![1])]);
    assert!(report.remarks[1].what.contains("older than 2.1") && report.problems[0].lines == [9]);
}

#[test]
fn many_kinds_of_broken_lines_take_a_bounded_place() {
    let mut check = Check::new("r.ndjson", &header(Format::Exchanges));
    (0..10_000).for_each(|line| check.broken(line, &format!("unknown variant `{line}`")));
    let report = check.finish().unwrap();
    assert!(report.problems.len() <= FINDINGS_MAX + 1);
    assert_eq!(report.problems.iter().map(|found| found.count).sum::<u64>(), 10_000);
}
