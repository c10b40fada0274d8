//! What the tests of the formats share.

use super::{Import, ImportError, ImportOptions, LogFormat, Report, open};
use crate::{Appender, Format, Header, LoggedRequest, Redaction};
use std::io::Write;
use std::path::PathBuf;

/// What came of a log.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) format: LogFormat,
    pub(super) untimed: bool,
    pub(super) requests: Vec<LoggedRequest>,
    pub(super) report: Report,
}

/// A log on disk, so that it is read the way users' files are.
pub(super) fn file(bytes: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes.as_ref()).unwrap();
    file
}

/// Imports a log whose format is to be told from its beginning.
pub(super) fn import(bytes: impl AsRef<[u8]>) -> Outcome {
    import_with(&[bytes.as_ref()], ImportOptions::default())
}

pub(super) fn import_with(files: &[&[u8]], options: ImportOptions) -> Outcome {
    let files: Vec<tempfile::NamedTempFile> = files.iter().map(file).collect();
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path().to_owned()).collect();
    drain(open(&paths, options).unwrap())
}

pub(super) fn drain(mut import: Import) -> Outcome {
    let requests: Vec<LoggedRequest> = import.by_ref().collect::<Result<_, ImportError>>().unwrap();
    Outcome { format: import.format(), untimed: import.is_untimed(), requests, report: import.report().clone() }
}

/// The messages of the rows that were skipped.
pub(super) fn skips(outcome: &Outcome) -> Vec<&str> {
    outcome.report.skips.iter().map(|skip| skip.message.as_str()).collect()
}

/// Written as a log of our own and read again, the requests are the same.
pub(super) fn round_trip(outcome: &Outcome) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.ndjson");
    let header = Header { untimed: outcome.untimed, ..Header::new(Format::Requests, Redaction::Full) };
    let mut log = Appender::open(&path, &header).unwrap();
    for request in &outcome.requests {
        log.push(request).unwrap();
    }
    log.flush().unwrap();
    let again = drain(open(&[path], ImportOptions::default()).unwrap());
    assert_eq!((again.format, again.untimed), (LogFormat::Own, outcome.untimed));
    let json = |requests: &[LoggedRequest]| -> Vec<String> {
        requests.iter().map(|request| serde_json::to_string(request).unwrap()).collect()
    };
    assert_eq!(json(&again.requests), json(&outcome.requests));
}

/// A file of the real data; `None`, said aloud, where there are none.
pub(super) fn real(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("WEIGHBRIDGE_REAL_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/datasets"), PathBuf::from);
    let path = folder.join("traces").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: no real data here (traces/{name})");
    None
}

/// The value below which this share of the numbers lies (nearest rank).
pub(super) fn quantile(numbers: &[u64], percent: usize) -> u64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}

/// A member of the body.
pub(super) fn member(request: &LoggedRequest, name: &str) -> serde_json::Value {
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(request.body.get()).unwrap();
    members.get(name).cloned().unwrap_or_default()
}

/// Words of a generated prompt, and the tokens that they and the chat are.
pub(super) fn prompt_tokens(request: &LoggedRequest) -> u64 {
    prompt(request).split(' ').count() as u64 + 7
}

/// The text of a generated prompt, which has nothing to be unescaped.
pub(super) fn prompt(request: &LoggedRequest) -> &str {
    let (_, rest) = request.body.get().split_once("\"content\":\"").unwrap();
    rest.split_once("\"}]").unwrap().0
}

/// Names of the fields that were filled, against what the format says it can.
pub(super) fn fills_only_what_it_says(outcome: &Outcome) {
    for field in outcome.report.filled.keys() {
        assert!(outcome.format.fills().contains(field), "{} fills {field:?} and does not say so", outcome.format);
    }
}
