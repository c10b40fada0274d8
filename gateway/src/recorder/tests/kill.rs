//! A process that is killed without a word, as a real process.

use super::*;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// The child's folder; without it, the test is the parent's.
const FOLDER: &str = "WEIGHBRIDGE_TEST_RECORDS_FOLDER";
const FLUSHED: usize = 500;

/// Records until it is killed: 500 with a flush, then as fast as it can.
fn child(folder: &Path) {
    let often = Records {
        flush_interval: Duration::from_millis(20),
        rotate_bytes_max: 200_000,
        queue_lines_max: 100_000,
        ..records(folder)
    };
    let (recorder, _writer) = Recorder::start(Some(&often), "digest").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for number in 0.. {
        recorder.record(&exchange(&number.to_string(), Role::Served));
        if number + 1 == FLUSHED {
            runtime.block_on(recorder.flush());
            println!("\nflushed");
        }
        if number % 50 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn a_killed_process_leaves_a_readable_file_without_its_last_interval_only() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return child(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let name = format!("{}::a_killed_process_leaves_a_readable_file_without_its_last_interval_only", module_path!());
    let name = name.split_once("::").unwrap().1;
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "flushed"), "the child ended before it had flushed");
    let on_disk = || std::fs::metadata(folder.path().join("records.ndjson")).map_or(0, |file| file.len());
    let closed = || std::fs::read_dir(folder.path()).unwrap().count() > 1;
    // The interval goes on flushing: wait for what nobody asked for.
    let before = on_disk();
    while !closed() && on_disk() <= before {
        std::thread::sleep(Duration::from_millis(1));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    // The next run cuts off what the kill tore, and goes on.
    let (recorder, writer) = Recorder::start(Some(&records(folder.path())), "digest").unwrap();
    recorder.record(&exchange("after", Role::Served));
    drop(recorder);
    writer.unwrap().join().unwrap();
    let mut found = pairs(folder.path());
    assert_eq!(found.pop().unwrap(), "after");
    assert!(found.len() > FLUSHED, "{} records survived", found.len());
    assert_eq!(found, numbers(0..found.len()), "what survived is everything up to a moment");
}
