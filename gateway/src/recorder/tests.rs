//! Through the public face, and the writer by itself under a disk that fails when told to.

mod disk;
mod kill;
mod model;

use super::parts::Opener;
use super::*;
use crate::config::{Salt, SyncPolicy};
use datasets::{Arm, Endpoint, Lines, Redaction};
use disk::Disk;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longer than any test: what is on disk before is there for another reason.
const NEVER: Duration = Duration::from_secs(3600);

fn records(folder: &Path) -> Records {
    Records {
        path: folder.join("records.ndjson"),
        redaction: Redaction::Hashed,
        salt: Salt::new("salt".to_owned()),
        queue_lines_max: 1000,
        queue_bytes_max: 1 << 20,
        answer_bytes_max: 1 << 10,
        flush_interval: NEVER,
        rotate_bytes_max: 1 << 30,
        rotate_interval: None,
        sync: SyncPolicy::Close,
        files_max: None,
    }
}

fn exchange(pair: &str, role: Role) -> Exchange {
    Exchange {
        pair: pair.to_owned(),
        arm: Arm::Baseline,
        role,
        endpoint: Endpoint::Chat,
        migration: "m".to_owned(),
        epoch: 1,
        weight_bp: 0,
        request: None,
        unit: None,
        consumer: None,
        assigned_by: None,
        assigned_bp: None,
        shadow_bp: None,
        provider: "openai".to_owned(),
        model: "gpt".to_owned(),
        model_answered: None,
        streamed: false,
        structured: false,
        at_us: 1,
        sent_us: 2,
        first_event_us: None,
        ttft_us: None,
        first_visible_us: None,
        duration_us: 3,
        status: 200,
        attempts: 1,
        error: None,
        finish_reason: None,
        form_failure: None,
        moderation: None,
        refused: false,
        guard: None,
        usage: None,
        tier: wire::price::Tier::Standard,
        cost_nanos: None,
        prompt_chars: 1,
        prompt_wide_chars: None,
        answer_chars: 1,
        reasoning_chars: None,
        answer_digest: None,
        tools_digest: None,
        answer: None,
        quality: None,
        shadow: None,
        recorded: None,
        dropped: Vec::new(),
    }
}

/// Record files of a folder: the closed ones by time, then the open one.
fn parts(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort_by_key(|path| (path.ends_with("records.ndjson"), path.clone()));
    paths
}

/// Pairs in a file; every line must be whole.
fn pairs_in(path: &Path) -> Vec<String> {
    let text = std::fs::read(path).unwrap();
    assert!(text.ends_with(b"\n"), "{} ends within a line", path.display());
    Lines::<Exchange>::open(path, Format::Exchanges).unwrap().map(|line| line.unwrap().pair).collect()
}

fn pairs(folder: &Path) -> Vec<String> {
    parts(folder).iter().flat_map(|path| pairs_in(path)).collect()
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), wait).await.is_ok(), "{what} did not happen");
}

#[tokio::test]
async fn a_flush_puts_everything_before_it_in_the_file_and_the_end_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(Some(&records(folder.path())), "digest").unwrap();
    for number in 0..10 {
        recorder.record(&exchange(&number.to_string(), Role::Served));
    }
    assert_eq!((recorder.counts().waiting, recorder.counts().written), (10, 0), "nobody is woken for a record");
    recorder.flush().await;
    assert_eq!(pairs(folder.path()), numbers(0..10));
    recorder.record(&exchange("10", Role::Shadow));
    let other = recorder.clone();
    let counts = recorder.close(writer).await;
    assert_eq!((counts.written, counts.waiting, counts.lost, counts.healthy), (11, 0, 0, true));
    assert_eq!(pairs(folder.path()), numbers(0..11));
    other.record(&exchange("late", Role::Served));
    other.flush().await;
    assert_eq!((other.counts().dropped_served, pairs(folder.path()).len()), (1, 11));
}

#[tokio::test]
async fn the_interval_flushes_by_itself_and_half_a_queue_calls_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let often = Records { flush_interval: Duration::from_millis(5), ..records(folder.path()) };
    let (recorder, writer) = Recorder::start(Some(&often), "digest").unwrap();
    recorder.record(&exchange("0", Role::Served));
    until("the flush by time", || recorder.counts().written == 1).await;
    recorder.close(writer).await;

    let folder = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(Some(&records(folder.path())), "digest").unwrap();
    for number in 0..501 {
        recorder.record(&exchange(&number.to_string(), Role::Served));
    }
    until("the flush by size", || recorder.counts().written == 501).await;
    recorder.close(writer).await;
}

#[tokio::test]
async fn nothing_is_recorded_without_a_file_and_a_record_beyond_every_bound_is_counted() {
    let (nowhere, writer) = Recorder::start(None, "digest").unwrap();
    nowhere.record(&exchange("0", Role::Served));
    nowhere.flush().await;
    let counts = nowhere.close(writer).await;
    assert_eq!((counts.written, counts.healthy), (0, true));

    let folder = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(Some(&records(folder.path())), "digest").unwrap();
    recorder.record(&Exchange { answer: Some("x".repeat(2 << 20)), ..exchange("long", Role::Served) });
    recorder.record(&exchange("short", Role::Served));
    let counts = recorder.close(writer).await;
    assert_eq!((counts.too_long, counts.written, pairs(folder.path())), (1, 1, vec!["short".to_owned()]));
}

#[tokio::test]
async fn copies_and_repetitions_give_way_to_what_clients_got() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new();
    let small = Records { queue_lines_max: 8, ..records(folder.path()) };
    let (recorder, writer) = Recorder::start_on(&small, "digest", disk.opener()).unwrap();
    // A disk that hangs, so that the queue fills up behind the batch in the writer's hands.
    disk.hang(true);
    recorder.record(&exchange("0", Role::Served));
    let flush = tokio::spawn({
        let recorder = recorder.clone();
        async move { recorder.flush().await }
    });
    until("the writer at the disk", || disk.hangs()).await;
    for role in [Role::Shadow, Role::Repeat] {
        for _ in 0..5 {
            recorder.record(&exchange("copy", role));
        }
    }
    for _ in 0..4 {
        recorder.record(&exchange("served", Role::Fallback));
    }
    let counts = recorder.counts();
    assert_eq!((counts.waiting, counts.dropped_shadow, counts.dropped_served), (8, 4, 2));
    disk.hang(false);
    flush.await.unwrap();
    let counts = recorder.close(Some(writer)).await;
    assert_eq!((counts.written, counts.lost), (9, 0));
}

#[tokio::test]
async fn a_full_disk_stops_recording_and_not_the_traffic_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new();
    let small = Records { queue_lines_max: 8, ..records(folder.path()) };
    let (recorder, writer) = Recorder::start_on(&small, "digest", disk.opener()).unwrap();
    recorder.record(&exchange("0", Role::Served));
    recorder.flush().await;
    // Room for a part of a line only.
    disk.room(40);
    recorder.record(&exchange("1", Role::Served));
    recorder.flush().await;
    let counts = recorder.counts();
    assert!(!counts.healthy && counts.disk_error.unwrap().contains("free space"));
    assert_eq!(pairs(folder.path()), ["0"], "no half line stays");
    for number in 2..20 {
        recorder.record(&exchange(&number.to_string(), Role::Served));
    }
    assert_eq!((recorder.counts().lost, recorder.counts().dropped_served), (10, 0), "what had no room is the disk's");
    disk.room(usize::MAX);
    recorder.flush().await;
    let counts = recorder.counts();
    assert_eq!((counts.healthy, counts.written, counts.lost), (true, 10, 10));
    assert!(counts.disk_error.is_some(), "what happened stays known");
    assert_eq!(pairs(folder.path()), numbers(0..10));
    disk.room(0);
    recorder.record(&exchange("at the end", Role::Served));
    let counts = recorder.close(Some(writer)).await;
    assert_eq!((counts.healthy, counts.written, counts.lost), (false, 10, 11));
}

#[tokio::test]
async fn the_disk_is_tried_again_without_being_asked() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new();
    let often = Records { flush_interval: Duration::from_millis(5), ..records(folder.path()) };
    let (recorder, writer) = Recorder::start_on(&often, "digest", disk.opener()).unwrap();
    disk.room(0);
    recorder.record(&exchange("0", Role::Served));
    until("the failure", || !recorder.counts().healthy).await;
    disk.room(usize::MAX);
    until("the recovery", || recorder.counts().healthy).await;
    assert_eq!(pairs(folder.path()), ["0"]);
    recorder.close(Some(writer)).await;
}

#[tokio::test]
async fn rotation_loses_and_splits_no_line_and_every_part_has_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let small = Records { rotate_bytes_max: 1500, ..records(folder.path()) };
    let (recorder, writer) = Recorder::start(Some(&small), "digest").unwrap();
    for number in 0..100 {
        // Some lines are longer than a whole part.
        let answer = (number % 10 == 9).then(|| "x".repeat(3000));
        recorder.record(&Exchange { answer, ..exchange(&number.to_string(), Role::Served) });
        if number % 7 == 0 {
            recorder.flush().await;
        }
    }
    let counts = recorder.close(writer).await;
    assert_eq!((counts.written, counts.lost), (100, 0));
    let parts = parts(folder.path());
    assert_eq!(parts.len() as u64, counts.parts_closed + 1);
    assert!(parts.len() > 20, "{}", parts.len());
    assert_eq!(pairs(folder.path()), numbers(0..100));
    for path in &parts {
        let lines = Lines::<Exchange>::open(path, Format::Exchanges).unwrap();
        assert_eq!(lines.header().config_digest.as_deref(), Some("digest"));
        let bytes = path.metadata().unwrap().len();
        assert!(bytes <= 1500 || pairs_in(path).len() == 1, "{} has {bytes} bytes", path.display());
    }
}

#[tokio::test]
async fn a_part_is_closed_when_it_is_old_but_never_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let instant = Duration::from_nanos(1);
    let old = Records { rotate_interval: Some(instant), ..records(folder.path()) };
    let (recorder, writer) = Recorder::start(Some(&old), "digest").unwrap();
    for number in 0..3 {
        recorder.flush().await;
        recorder.record(&exchange(&number.to_string(), Role::Served));
        recorder.flush().await;
    }
    let counts = recorder.close(writer).await;
    assert_eq!((counts.written, counts.parts_closed), (3, 3));
    let parts = parts(folder.path());
    assert_eq!(parts.iter().map(|path| pairs_in(path).len()).collect::<Vec<_>>(), [1, 1, 1, 0]);
}

#[tokio::test]
async fn old_parts_are_deleted_only_where_a_number_is_given_and_nothing_else_is() {
    for (files_max, kept) in [(None, 10), (Some(3), 3)] {
        let folder = tempfile::tempdir().unwrap();
        let foreign = folder.path().join("records-notes-0001.ndjson");
        std::fs::write(&foreign, "mine").unwrap();
        let few = Records { rotate_interval: Some(Duration::from_nanos(1)), files_max, ..records(folder.path()) };
        let (recorder, writer) = Recorder::start(Some(&few), "digest").unwrap();
        for number in 0..10 {
            recorder.record(&exchange(&number.to_string(), Role::Served));
            recorder.flush().await;
        }
        let counts = recorder.close(writer).await;
        assert_eq!((counts.parts_closed, counts.parts_deleted), (10, 10 - kept));
        std::fs::remove_file(foreign).unwrap();
        assert_eq!(pairs(folder.path()), numbers(10 - kept as usize..10));
    }
}

#[tokio::test]
async fn a_file_is_continued_if_its_header_holds_for_the_new_lines() {
    let folder = tempfile::tempdir().unwrap();
    let run = |redaction, digest, pair| {
        let records = Records { redaction, ..records(folder.path()) };
        async move {
            let (recorder, writer) = Recorder::start(Some(&records), digest).unwrap();
            recorder.record(&exchange(pair, Role::Served));
            recorder.close(writer).await
        }
    };
    run(Redaction::Hashed, "one", "0").await;
    assert_eq!(run(Redaction::Hashed, "two", "1").await.parts_closed, 0);
    assert_eq!(run(Redaction::Full, "two", "2").await.parts_closed, 1);
    let parts = parts(folder.path());
    assert_eq!(parts.iter().map(|path| pairs_in(path)).collect::<Vec<_>>(), [vec!["0", "1"], vec!["2"]]);
    let redaction = |path| Lines::<Exchange>::open(path, Format::Exchanges).unwrap().header().redaction;
    assert_eq!([redaction(&parts[0]), redaction(&parts[1])], [Redaction::Hashed, Redaction::Full]);
}

#[tokio::test]
async fn a_file_that_was_taken_away_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(Some(&records(folder.path())), "digest").unwrap();
    recorder.record(&exchange("0", Role::Served));
    recorder.flush().await;
    let away = folder.path().join("away.ndjson");
    std::fs::rename(folder.path().join("records.ndjson"), &away).unwrap();
    recorder.record(&exchange("1", Role::Served));
    recorder.close(writer).await;
    assert_eq!(pairs_in(&away), ["0"]);
    assert_eq!(pairs_in(&folder.path().join("records.ndjson")), ["1"]);
}

#[test]
fn many_producers_lose_nothing_and_keep_their_own_order() {
    let folder = tempfile::tempdir().unwrap();
    let often = Records {
        flush_interval: Duration::from_millis(1),
        rotate_bytes_max: 20_000,
        queue_lines_max: 4000,
        ..records(folder.path())
    };
    let (recorder, writer) = Recorder::start(Some(&often), "digest").unwrap();
    std::thread::scope(|scope| {
        for producer in 0..4 {
            let recorder = &recorder;
            scope.spawn(move || {
                for number in 0..1000 {
                    recorder.record(&exchange(&format!("{producer}-{number:04}"), Role::Served));
                }
            });
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let counts = runtime.block_on(recorder.close(Some(writer.unwrap())));
    assert_eq!((counts.written, counts.dropped_served, counts.lost), (4000, 0, 0));
    let all = pairs(folder.path());
    for producer in 0..4 {
        let prefix = format!("{producer}-");
        let own: Vec<&String> = all.iter().filter(|pair| pair.starts_with(&prefix)).collect();
        assert!(own.len() == 1000 && own.is_sorted(), "producer {producer}");
    }
}

#[test]
fn the_writer_ends_with_the_last_handle() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(Some(&records(folder.path())), "digest").unwrap();
    recorder.record(&exchange("0", Role::Served));
    drop(recorder);
    writer.unwrap().join().unwrap();
    assert_eq!(pairs(folder.path()), ["0"]);
}
