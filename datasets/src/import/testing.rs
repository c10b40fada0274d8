//! Short ways to read logs of rows in tests.

use super::trial::{self, Outcome};
use super::{ImportOptions, LogFormat, Report, from_reader, open};
use crate::LoggedRequest;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// A log read to its end: format, requests, account.
pub(super) fn read(text: impl AsRef<[u8]>) -> (LogFormat, Vec<LoggedRequest>, Report) {
    let source = Box::new(Cursor::new(text.as_ref().to_vec()));
    let import = from_reader(Path::new("some.log"), source, ImportOptions::default()).unwrap();
    let outcome = trial::drain(import);
    trial::fills_only_what_it_says(&outcome);
    (outcome.format, outcome.requests, outcome.report)
}

/// The body of a request, read.
pub(super) fn body(request: &LoggedRequest) -> serde_json::Value {
    serde_json::from_str(request.body.get()).unwrap()
}

/// Several files read as one log; the last part of the answer says whether it has no times.
pub(super) fn read_files(texts: &[&str]) -> (Vec<LoggedRequest>, Report, bool) {
    let folder = tempfile::tempdir().unwrap();
    let outcome = trial::drain(open(&files(folder.path(), texts), ImportOptions::default()).unwrap());
    (outcome.requests, outcome.report, outcome.untimed)
}

/// Files with names that messages can be checked for.
pub(super) fn files(folder: &Path, texts: &[&str]) -> Vec<PathBuf> {
    let write = |(number, text): (usize, &&str)| {
        let path = folder.join(format!("log-{number}"));
        std::fs::write(&path, text).unwrap();
        path
    };
    texts.iter().enumerate().map(write).collect()
}

/// Writes the requests as an own log and reads that: every one must come back equal.
pub(super) fn assert_round_trip(requests: &[LoggedRequest]) {
    assert!(!requests.is_empty());
    let untimed = requests.iter().all(|request| request.at_us == 0);
    let report = Report::default();
    trial::round_trip(&Outcome { format: LogFormat::Own, untimed, requests: requests.to_vec(), report });
}
/// Reads bytes as one format to their end, whatever they are.
pub(super) fn endure(format: LogFormat, bytes: &[u8]) {
    let options = ImportOptions { format: Some(format), ..ImportOptions::default() };
    let Ok(import) = from_reader(Path::new("some.log"), Box::new(Cursor::new(bytes.to_vec())), options) else { return };
    // Every row or error takes at least a byte; more than that is a reader that does not move.
    let seen = import.take(bytes.len() + 2).count();
    assert!(seen <= bytes.len() + 1, "the reader does not end");
}
