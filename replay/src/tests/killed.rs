//! A replay that is killed in the middle, again and again, and in the end has exactly one record of every request.

use super::server::{Server, stream};
use super::{STREAMED, options, play, records, rows};
use crate::ReplayOptions;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROWS: usize = 300;

fn resumed(url: &str, out: &Path) -> ReplayOptions {
    ReplayOptions { out: Some(out.to_owned()), resume: true, ..options(url, "max:4") }
}

/// Not a test but the process that is killed.
#[test]
#[ignore = "runs only as a child of the test below"]
fn child() {
    let Ok(url) = std::env::var("WEIGHBRIDGE_KILLED_URL") else { return };
    let out = PathBuf::from(std::env::var("WEIGHBRIDGE_KILLED_OUT").unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(play(rows(ROWS, STREAMED), resumed(&url, &out))).unwrap();
}

/// Starts the child and kills it (as `kill -9` does) once the file has grown by so many bytes.
fn kill_after(bytes: u64, url: &str, out: &Path) {
    let size = || out.metadata().map_or(0, |meta| meta.len());
    let before = size();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::killed::child", "--ignored"])
        .env("WEIGHBRIDGE_KILLED_URL", url)
        .env("WEIGHBRIDGE_KILLED_OUT", out)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while size() < before + bytes && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the child writes nothing");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_has_exactly_one_record_however_often_the_replay_is_killed() {
    let server = Server::start(|_, _| stream(1, 1, 1)).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ndjson");
    for bytes in [1, 7_000, 30_000] {
        let (url, out) = (server.url.clone(), out.clone());
        tokio::task::spawn_blocking(move || kill_after(bytes, &url, &out)).await.unwrap();
    }
    // A power cut may leave half a line, too.
    let text = std::fs::read_to_string(&out).unwrap();
    std::fs::write(&out, format!("{text}{}", &text[text.len() / 2..].lines().last().unwrap()[..50])).unwrap();
    let written = text.lines().count() - 1;

    let summary = play(rows(ROWS, STREAMED), resumed(&server.url, &out)).await.unwrap();
    assert!(written > 0 && summary.already_done as usize >= written, "{written} {summary:?}");
    assert_eq!(summary.already_done + summary.sent, ROWS as u64);
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    records(&out).into_iter().for_each(|record| *seen.entry(record.pair).or_default() += 1);
    assert_eq!(seen.len(), ROWS);
    assert!(seen.values().all(|count| *count == 1), "{seen:?}");
}
