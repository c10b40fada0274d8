//! Bounds, stops, refusals.

use super::server::{Reply, Server, stream};
use super::{STREAMED, WHOLE, balanced, options, play, recorded, records, rows};
use crate::progress::Silent;
use crate::{ArmChoice, CancellationToken, Live, Progress, ReplayError, ReplayOptions, dry_run, run};
use datasets::Arm;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[tokio::test]
async fn a_closed_loop_never_has_more_in_flight_than_asked() {
    let server = Server::start(|_, _| stream(5, 2, 5)).await;
    let summary = play(rows(60, STREAMED), options(&server.url, "max:6")).await.unwrap();
    balanced(&summary);
    assert_eq!((summary.ok, server.most.load(Ordering::SeqCst)), (60, 6));
    assert!(summary.planned_rate_per_second.is_none() && summary.achieved_rate_per_second > 0.0);
}

#[tokio::test]
async fn at_the_bound_requests_are_dropped_and_the_run_is_degraded() {
    let server = Server::start(|_, _| stream(300, 1, 0)).await;
    let options = ReplayOptions { in_flight_max: 3, ..options(&server.url, "1000/s") };
    let summary = play(rows(50, STREAMED), options).await.unwrap();
    balanced(&summary);
    assert_eq!((summary.sent, summary.dropped, server.count()), (3, 47, 3));
    let reasons = summary.degraded_because.join("; ");
    assert!(summary.degraded && reasons.contains("47 requests were dropped"), "{reasons}");
    assert!(summary.to_text().contains("DEGRADED"));
}

#[tokio::test]
async fn what_does_not_finish_within_the_drain_is_counted() {
    let server = Server::start(|n, _| if n == 1 { Reply::Hang } else { stream(0, 1, 0) }).await;
    let options = ReplayOptions { drain: Duration::from_millis(300), ..options(&server.url, "100/s") };
    let summary = play(rows(3, STREAMED), options).await.unwrap();
    balanced(&summary);
    assert_eq!((summary.ok, summary.unfinished, summary.degraded), (2, 1, true));
}

/// Cancels as soon as so many answers are in.
struct CancelAfter(u64, CancellationToken);

impl Progress for CancelAfter {
    fn update(&self, live: &Live) {
        if live.ok >= self.0 {
            self.1.cancel();
        }
    }
    fn finish(&self, live: &Live) {
        assert_eq!(live.total, Some(1000));
    }
}

#[tokio::test]
async fn a_stopped_run_keeps_what_it_has() {
    let server = Server::start(|_, _| stream(0, 1, 0)).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ndjson");
    let options = ReplayOptions { out: Some(out.clone()), ..options(&server.url, "50/s") };
    let cancel = CancellationToken::new();
    let summary = run(rows(1000, STREAMED), options, &CancelAfter(3, cancel.clone()), cancel).await.unwrap();
    balanced(&summary);
    assert!(summary.stopped && summary.degraded && summary.ok >= 3 && summary.not_sent > 900, "{summary:?}");
    assert_eq!(records(&out).len() as u64, summary.ok);
}

#[tokio::test]
async fn the_duration_cuts_the_schedule() {
    let server = Server::start(|_, _| stream(0, 1, 0)).await;
    let options = ReplayOptions { duration: Some(Duration::from_millis(100)), ..options(&server.url, "100/s") };
    let summary = play(rows(500, STREAMED), options).await.unwrap();
    balanced(&summary);
    assert_eq!((summary.planned, summary.sent, summary.not_sent, summary.stopped), (500, 10, 490, false));
}

#[tokio::test]
async fn remote_targets_are_refused_before_anything_is_sent() {
    let error = play(rows(1, WHOLE), options("https://api.openai.com/v1", "max:1")).await.unwrap_err();
    assert!(matches!(&error, ReplayError::Remote { host } if host == "api.openai.com"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server =
        Server::start(|_, _| Reply::Stream(307, "location: https://api.openai.com/v1\r\n".into(), vec![])).await;
    let summary = play(rows(1, WHOLE), options(&server.url, "max:1")).await.unwrap();
    assert_eq!((summary.failed_total(), server.count()), (1, 1));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_stops_the_run_before_it_costs_anything() {
    let server = Server::start(|_, _| stream(0, 1, 0)).await;
    let options = ReplayOptions { out: Some("/dev/full".into()), ..options(&server.url, "max:1") };
    let error = play(rows(5, STREAMED), options).await.unwrap_err().to_string();
    assert!(error.contains("/dev/full") && error.contains("free space"), "{error}");
    assert_eq!(server.count(), 0);
}

/// A pipe whose reader goes away stands for a disk that fills up half way.
#[cfg(unix)]
#[tokio::test]
async fn records_that_can_no_longer_be_written_stop_the_run() {
    use std::io::{BufRead, BufReader};
    let server = Server::start(|_, _| stream(0, 1, 0)).await;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(std::fs::File::open(pipe).unwrap()).lines();
            (0..3).map(|_| lines.next().unwrap().unwrap()).collect::<Vec<_>>()
        })
    };
    let options = ReplayOptions { out: Some(pipe.clone()), ..options(&server.url, "100/s") };
    let error = play(rows(2_000, STREAMED), options).await.unwrap_err().to_string();
    assert!(error.contains(pipe.to_str().unwrap()), "{error}");
    assert!(reader.join().unwrap()[0].contains("weighbridge.exchanges"));
    assert!(server.count() < 1_000);
}

#[tokio::test]
async fn a_dry_run_counts_and_sends_nothing() {
    let server = Server::start(|_, _| stream(0, 1, 0)).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ndjson");
    let mut log = rows(100, WHOLE);
    log[0].recorded = Some(recorded());
    let options = ReplayOptions {
        arm: ArmChoice::Forced(Arm::Candidate),
        models: BTreeMap::from([("*".into(), "deepseek-flash".into())]),
        out: Some(out.clone()),
        ..options(&server.url, "20/s")
    };
    // Saturday: off-peak.
    let report = dry_run(log, &options, 1_795_219_200_000_000).unwrap();
    assert_eq!((report.rows, report.span_us, report.peak_per_second), (100, Some(4_950_000), Some(20)));
    assert_eq!((report.prompt_chars, report.prompt_tokens_estimate), (1100, 900));
    assert_eq!((report.completion_tokens_recorded, report.completion_unknown_rows), (500, 99));
    // (99 x 9 + 1000 recorded) x 0.15 + 500 x 0.60 USD per million: two words, and 7 tokens around them.
    assert_eq!(report.cost_nanos_estimate, Some(583_650));
    assert!(report.to_text().contains("nothing (dry run)") && report.to_text().contains("0.0006 USD"));
    assert_eq!((server.count(), out.exists()), (0, false));
}

#[tokio::test]
async fn dropping_the_future_stops_sending() {
    let server = Server::start(|_, _| stream(0, 1, 0)).await;
    let replay = run(rows(2_000, STREAMED), options(&server.url, "200/s"), &Silent, CancellationToken::new());
    let seen_some = async {
        while server.count() < 5 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = replay => panic!("ended early"),
        () = seen_some => {}
    }
    // Two requests may be on their way; a dispatcher that lives on would send forty in this time.
    let before = server.count();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(server.count() <= before + 5, "{} after {before}", server.count());
}
