//! What the tests of all formats share.

use super::{ImportOptions, LogFormat, Report, from_reader, open};
use crate::{Appender, Format, Header, LoggedRequest, Redaction};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

/// A log read to its end: format, requests, account.
pub(super) fn read(text: impl AsRef<[u8]>) -> (LogFormat, Vec<LoggedRequest>, Report) {
    read_with(text, ImportOptions::default())
}

pub(super) fn read_with(text: impl AsRef<[u8]>, options: ImportOptions) -> (LogFormat, Vec<LoggedRequest>, Report) {
    let source = Box::new(Cursor::new(text.as_ref().to_vec()));
    let mut import = from_reader(Path::new("some.log"), source, options).unwrap();
    let requests: Vec<_> = import.by_ref().map(Result::unwrap).collect();
    (import.format(), requests, import.report().clone())
}

/// The body of a request, read.
pub(super) fn body(request: &LoggedRequest) -> serde_json::Value {
    serde_json::from_str(request.body.get()).unwrap()
}

/// Several files read as one log; the second half of the answer says whether it has no times.
pub(super) fn read_files(texts: &[&str]) -> (Vec<LoggedRequest>, Report, bool) {
    let folder = tempfile::tempdir().unwrap();
    let paths = files(folder.path(), texts);
    let mut import = open(&paths, ImportOptions::default()).unwrap();
    let requests: Vec<_> = import.by_ref().map(Result::unwrap).collect();
    (requests, import.report().clone(), import.is_untimed())
}

pub(super) fn files(folder: &Path, texts: &[&str]) -> Vec<PathBuf> {
    let write = |(number, text): (usize, &&str)| {
        let path = folder.join(format!("log-{number}"));
        std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        path
    };
    texts.iter().enumerate().map(write).collect()
}

/// Writes the requests as an own log and reads that: every one must come back equal.
pub(super) fn assert_round_trip(requests: &[LoggedRequest]) {
    assert!(!requests.is_empty());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.ndjson");
    let mut log = Appender::open(&path, &Header::new(Format::Requests, Redaction::Full)).unwrap();
    for request in requests {
        log.push(request).unwrap();
    }
    log.flush().unwrap();
    drop(log);
    let mut import = open(&[path], ImportOptions::default()).unwrap();
    let again: Vec<_> = import.by_ref().map(Result::unwrap).collect();
    assert_eq!((import.format(), again.len()), (LogFormat::Own, requests.len()));
    for (left, right) in requests.iter().zip(&again) {
        assert_eq!(serde_json::to_value(left).unwrap(), serde_json::to_value(right).unwrap());
        assert_eq!(left.body.get(), right.body.get());
    }
}

/// Reads bytes as one format to their end, whatever they are.
pub(super) fn endure(format: LogFormat, bytes: &[u8]) {
    let options = ImportOptions { format: Some(format), ..ImportOptions::default() };
    let Ok(import) = from_reader(Path::new("some.log"), Box::new(Cursor::new(bytes.to_vec())), options) else { return };
    // Every row or error takes at least a byte; more than that is a reader that does not move.
    let seen = import.take(bytes.len() + 2).count();
    assert!(seen <= bytes.len() + 1, "the reader does not end");
}
