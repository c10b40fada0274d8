//! What the engine promises: order of turns, money, stops, broken rows, laps.

use super::server::{EVENTS, Reply, Server, json, pieces, stream};
use super::{STREAMED, WHOLE, balanced, options, play, records, row, rows};
use crate::progress::Silent;
use crate::summary::{Dropped, NotSent};
use crate::{ArmChoice, CancellationToken, ReplayError, ReplayOptions, Selection, SessionMode, Stop, run};
use datasets::Arm;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

const HEADER: &str = r#"{"format":"weighbridge.requests","version":"2.0","creator":"test"}"#;

fn file(lines: &[String]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{HEADER}").unwrap();
    lines.iter().for_each(|line| writeln!(file, "{line}").unwrap());
    file
}

fn line(id: &str, at_us: u64) -> String {
    format!(r#"{{"id":"{id}","at_us":{at_us},"body":{WHOLE}}}"#)
}

fn whole() -> Reply {
    json(200, r#"{"model":"m","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}"#)
}

#[tokio::test]
async fn a_broken_row_ends_the_run_after_those_before_it_and_is_named() {
    let server = Server::start(|_, _| whole()).await;
    let broken = r#"{"id":"c","at_us":3,"body":{"model":7,"messages":[]}}"#.to_owned();
    let log = file(&[line("a", 1), line("b", 2), broken, line("d", 4)]);
    let folder = tempfile::tempdir().unwrap();
    for (number, (rate, skip_broken)) in [("max:1", false), ("100/s", false), ("max:1", true)].into_iter().enumerate() {
        let out = folder.path().join(format!("{number}.ndjson"));
        let options = ReplayOptions { skip_broken, out: Some(out.clone()), ..options(&server.url, rate) };
        let log = crate::load(&[log.path()]).unwrap();
        let summary = run(log, options, &Silent, CancellationToken::new()).await.unwrap();
        balanced(&summary);
        let ids: String = records(&out).into_iter().map(|record| record.pair).collect();
        if skip_broken {
            assert_eq!((ids.as_str(), summary.broken, &summary.ended_by, summary.degraded), ("abd", 1, &None, false));
            assert!(summary.to_text().contains("broken"), "{}", summary.to_text());
        } else {
            assert_eq!((ids.as_str(), summary.ok, summary.degraded), ("ab", 2, true));
            let why = summary.ended_by.unwrap();
            assert!(why.contains("line 4") && why.contains("model"), "{why}");
        }
    }
}

#[tokio::test]
async fn a_log_that_begins_broken_or_is_empty_sends_nothing() {
    let server = Server::start(|_, _| whole()).await;
    for (log, words) in [(file(&["{}".to_owned(), line("a", 1)]), "line 2"), (file(&[]), "no request")] {
        let log = crate::load(&[log.path()]).unwrap();
        let error = run(log, options(&server.url, "max:1"), &Silent, CancellationToken::new()).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn an_id_that_stands_twice_ends_the_run() {
    let server = Server::start(|_, _| whole()).await;
    let log = vec![row("a", 0, WHOLE), row("b", 1, WHOLE), row("a", 2, WHOLE), row("c", 3, WHOLE)];
    let summary = play(log, options(&server.url, "max:1")).await.unwrap();
    assert_eq!((summary.sent, server.count()), (2, 2));
    assert!(summary.ended_by.unwrap().contains("`a`"));
}

#[tokio::test]
async fn no_rate_is_recorded_where_the_log_has_no_times() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{}\n{}", HEADER.replace("test\"", "test\",\"untimed\":true"), line("a", 0)).unwrap();
    let server = Server::start(|_, _| whole()).await;
    let log = || crate::load(&[file.path()]).unwrap();
    let recorded = run(log(), options(&server.url, "x2"), &Silent, CancellationToken::new()).await;
    assert!(matches!(recorded, Err(ReplayError::Options(text)) if text.contains("`x2`") && text.contains("max:8")));
    assert_eq!(run(log(), options(&server.url, "9/s"), &Silent, CancellationToken::new()).await.unwrap().ok, 1);
}

/// A conversation of four turns, sent by the clock every 20 ms and answered after 60 ms.
async fn talk(mode: SessionMode, rate: &str) -> (usize, crate::Summary) {
    let server = Server::start(|_, _| stream(60, 2, 0)).await;
    let mut log = rows(4, STREAMED);
    for (number, row) in log.iter_mut().enumerate() {
        row.session = Some("talk".into());
        row.at_us = number as i64 * 20_000;
    }
    let summary = play(log, ReplayOptions { sessions: mode, ..options(&server.url, rate) }).await.unwrap();
    balanced(&summary);
    assert_eq!(summary.ok, 4);
    (server.most.load(std::sync::atomic::Ordering::SeqCst), summary)
}

#[tokio::test]
async fn a_turn_waits_for_the_previous_answer_if_asked_to() {
    for rate in ["recorded", "max:4"] {
        let (most, summary) = talk(SessionMode::Ordered, rate).await;
        assert_eq!(most, 1, "{rate}");
        assert!(summary.span_us >= 180_000, "{rate}: {}", summary.span_us);
    }
    let (most, summary) = talk(SessionMode::Independent, "recorded").await;
    assert!(most > 1, "{most}");
    assert_eq!((summary.delayed, talk(SessionMode::Ordered, "recorded").await.1.delayed), (0, 3));
}

#[tokio::test]
async fn turns_whose_previous_answer_never_comes_are_given_up_with_the_drain() {
    let server = Server::start(|_, _| Reply::Hang).await;
    let mut log = rows(3, STREAMED);
    log.iter_mut().for_each(|row| row.session = Some("talk".into()));
    for rate in ["recorded", "max:3"] {
        let drain = Duration::from_millis(100);
        let options = ReplayOptions { sessions: SessionMode::Ordered, drain, ..options(&server.url, rate) };
        let duration = (rate == "max:3").then_some(Duration::from_millis(50));
        let summary = play(log.clone(), ReplayOptions { duration, ..options }).await.unwrap();
        balanced(&summary);
        assert_eq!((summary.sent, summary.unfinished, summary.not_sent), (1, 1, 2), "{rate}");
    }
}

#[tokio::test]
async fn nothing_is_sent_that_the_money_does_not_cover() {
    let server = Server::start(|_, _| stream(0, 3, 0)).await;
    let body = r#"{"model":"gpt-4o-mini","max_tokens":1000,"stream":true,"messages":[{"role":"user","content":"a"}]}"#;
    for rate in ["max:1", "50/s"] {
        let options = ReplayOptions {
            arm: ArmChoice::Forced(Arm::Baseline),
            // Each may cost a little more than 0.0006 USD and costs next to nothing; the last ones would not fit.
            budget_nanos: Some(640_000),
            ..options(&server.url, rate)
        };
        let summary = play(rows(50, body), options.clone()).await.unwrap();
        balanced(&summary);
        let not_sent = summary.not_sent_because.get(&NotSent::Budget).copied().unwrap_or(0);
        assert!(summary.sent >= 1 && not_sent == 50 - summary.sent && not_sent > 0, "{rate}: {summary:?}");
        assert!(summary.cost_nanos <= 640_000 && summary.degraded, "{}", summary.cost_nanos);
        let rich = play(rows(50, body), ReplayOptions { budget_nanos: Some(600_000_000), ..options }).await.unwrap();
        assert_eq!((rich.sent, rich.budget_nanos), (50, Some(600_000_000)));
    }
}

#[tokio::test]
async fn a_log_is_played_lap_after_lap_until_the_duration_ends_it() {
    let server = Server::start(|_, _| whole()).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ndjson");
    let endless = Selection { laps: None, ..Selection::default() };
    for (rate, selection, duration) in [
        ("100/s", endless.clone(), Some(Duration::from_millis(100))),
        ("max:2", endless, Some(Duration::from_secs(1))),
        ("max:2", Selection { laps: Some(4), ..Selection::default() }, None),
    ] {
        let fresh = ReplayOptions { out: Some(out.clone()), ..options(&server.url, rate) };
        let summary = play(rows(3, WHOLE), ReplayOptions { selection, duration, ..fresh }).await.unwrap();
        balanced(&summary);
        let mut ids: Vec<String> = records(&out).into_iter().map(|record| record.pair).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len() as u64, summary.sent);
        assert!(ids.contains(&"r0#2".to_owned()), "{ids:?}");
        match rate {
            "100/s" => assert_eq!(summary.sent, 10),
            _ => assert!(duration.is_some() || summary.sent == 12),
        }
        std::fs::remove_file(&out).unwrap();
    }
}

#[tokio::test]
async fn a_closed_loop_ends_with_its_duration() {
    let server = Server::start(|_, _| stream(20, 1, 0)).await;
    let options = ReplayOptions { duration: Some(Duration::from_millis(200)), ..options(&server.url, "max:2") };
    let summary = play(rows(1_000, STREAMED), options).await.unwrap();
    balanced(&summary);
    assert!((2..=22).contains(&summary.sent) && summary.ok == summary.sent, "{summary:?}");
    assert_eq!(
        (summary.not_sent_because.get(&NotSent::Duration), summary.stopped),
        (Some(&(1_000 - summary.sent)), false)
    );
}

#[tokio::test]
async fn an_open_loop_sends_every_request_at_its_instant_however_slow_the_answers_are() {
    let server = Server::start(|_, _| stream(700, 1, 0)).await;
    let summary = play(rows(100, STREAMED), options(&server.url, "200/s")).await.unwrap();
    balanced(&summary);
    assert_eq!((summary.ok, summary.dropped), (100, 0));
    assert_eq!(server.most.load(std::sync::atomic::Ordering::SeqCst), 100, "nothing waited for an answer");
    // From the first send to the last as planned: lateness does not add up.
    assert!((490_000..690_000).contains(&summary.span_us), "{}", summary.span_us);
}

#[tokio::test]
async fn the_first_stop_waits_for_answers_and_the_second_does_not() {
    for (rate, answers, second) in
        [("100/s", true, false), ("100/s", false, true), ("max:5", true, false), ("max:5", false, true)]
    {
        let server = Server::start(move |_, _| if answers { stream(150, 1, 0) } else { Reply::Hang }).await;
        let stop = Stop::default();
        let replay = run(rows(1_000, STREAMED), options(&server.url, rate), &Silent, stop.clone());
        let stops = async {
            while server.count() < 3 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            stop.sending.cancel();
            if second {
                tokio::time::sleep(Duration::from_millis(30)).await;
                stop.waiting.cancel();
            }
            Instant::now()
        };
        let (summary, stopped) = tokio::join!(replay, stops);
        let summary = summary.unwrap();
        balanced(&summary);
        assert!(summary.stopped && summary.sent >= 3 && summary.sent < 1_000, "{rate}: {summary:?}");
        let unfinished = if answers { 0 } else { summary.sent };
        assert_eq!(summary.unfinished, unfinished, "{rate}");
        // The drain time is half a minute.
        assert!(stopped.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn drops_have_reasons_and_stand_on_the_time_line() {
    let server = Server::start(|_, _| stream(300, 1, 0)).await;
    let options = ReplayOptions { in_flight_max: 3, ..options(&server.url, "1000/s") };
    let summary = play(rows(50, STREAMED), options).await.unwrap();
    assert_eq!(summary.dropped_because, BTreeMap::from([(Dropped::InFlight, 47)]));
    assert_eq!(summary.time_line.iter().map(|slice| slice.dropped).sum::<u64>(), 47);
    assert!(summary.in_flight_at_end == 3 && summary.drain_us > 0, "{summary:?}");
}

#[tokio::test]
async fn a_kept_connection_is_used_again() {
    let server = Server::start(|_, _| Reply::Stream(200, EVENTS.into(), pieces(0, 1, 0))).await;
    play(rows(20, STREAMED), options(&server.url, "max:1")).await.unwrap();
    assert_eq!(server.connections.load(std::sync::atomic::Ordering::SeqCst), 1);
}
