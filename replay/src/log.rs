//! The log to play, opened as often as it is played. Nothing of a file is held but the row at hand.

use crate::error::ReplayError;
use crate::select::{Rows, merge};
use datasets::{Format, Lines, LoggedRequest, ReadError};
use http::HeaderValue;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use wire::Request;

/// A log: rows in memory, or files that are read while they are played.
#[derive(Debug, Clone)]
pub struct Log {
    source: Source,
    /// Standard input was read: it cannot be read again.
    consumed: Arc<AtomicBool>,
    untimed: bool,
}

#[derive(Debug, Clone)]
enum Source {
    Rows(Arc<Vec<LoggedRequest>>),
    Files(Arc<Vec<PathBuf>>),
}

impl From<Vec<LoggedRequest>> for Log {
    fn from(rows: Vec<LoggedRequest>) -> Self {
        Self { source: Source::Rows(Arc::new(rows)), consumed: Arc::default(), untimed: false }
    }
}

/// Takes request logs, plain or zstd; `-` is standard input. Several logs are merged by time. Rows are read and checked
/// when their turn comes.
///
/// # Errors
/// A file cannot be read or is no request log.
pub fn load<P: AsRef<Path>>(paths: &[P]) -> Result<Log, ReplayError> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| path.as_ref().to_owned()).collect();
    let mut untimed = false;
    for path in paths.iter().filter(|path| !is_standard_input(path)) {
        untimed |= Lines::<LoggedRequest>::open(path, Format::Requests)?.header().untimed;
    }
    Ok(Log { source: Source::Files(Arc::new(paths)), consumed: Arc::default(), untimed })
}

impl Log {
    /// Rows, where they are known before they are read.
    pub(crate) fn rows(&self) -> Option<u64> {
        match &self.source {
            Source::Rows(rows) => Some(rows.len() as u64),
            Source::Files(_) => None,
        }
    }

    /// The log holds no times, only an order.
    pub(crate) const fn is_untimed(&self) -> bool {
        self.untimed
    }

    /// Opens the log from its start. With `broken`, broken rows are counted there and left out; else the first one is
    /// an error that names file, line and member.
    ///
    /// # Errors
    /// A file cannot be read, or standard input is to be read again.
    pub(crate) fn open(&self, broken: Option<&Arc<AtomicU64>>) -> Result<Rows, ReplayError> {
        let files = match &self.source {
            Source::Rows(rows) => {
                let rows = Arc::clone(rows);
                return Ok(Box::new((0..rows.len()).filter_map(move |row| rows.get(row).cloned().map(Ok))));
            }
            Source::Files(files) => files,
        };
        if files.iter().any(|path| is_standard_input(path)) && self.consumed.swap(true, Ordering::Relaxed) {
            let message = "standard input can be played once only; write it into a file for more laps, or for a rate \
                           that depends on its length";
            return Err(ReplayError::Options(message.to_owned()));
        }
        let mut opened = Vec::with_capacity(files.len());
        for path in files.iter() {
            let rows = read(path)?;
            opened.push(match broken.map(Arc::clone) {
                None => rows,
                Some(broken) => Box::new(rows.filter(move |row| !count_broken(row, &broken))),
            });
        }
        Ok(merge(opened))
    }
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

fn count_broken(row: &Result<LoggedRequest, ReplayError>, broken: &AtomicU64) -> bool {
    let is_broken = matches!(row, Err(error) if error.is_of_a_row());
    broken.fetch_add(u64::from(is_broken), Ordering::Relaxed);
    is_broken
}

fn read(path: &Path) -> Result<Rows, ReplayError> {
    let mut lines = Lines::<LoggedRequest>::open(path, Format::Requests)?;
    let path = path.to_owned();
    Ok(Box::new(std::iter::from_fn(move || {
        let row = lines.next()?.map_err(ReplayError::from);
        Some(row.and_then(|row| match check(&row) {
            Ok(()) => Ok(row),
            Err(message) => Err(ReadError::Line { path: path.clone(), line: lines.line(), message }.into()),
        }))
    })))
}

/// Whether a row can be sent: its body is a request of its endpoint, and id and session fit into headers.
pub(crate) fn check(row: &LoggedRequest) -> Result<(), String> {
    header("id", &row.id)?;
    if let Some(session) = &row.session {
        header("session", session)?;
    }
    Request::parse(row.endpoint, row.body.get().as_bytes()).map(drop).map_err(|error| format!("body: {error}"))
}

/// A value that goes into a header.
pub(crate) fn header(member: &str, text: &str) -> Result<HeaderValue, String> {
    if text.is_empty() {
        return Err(format!("{member} is empty"));
    }
    HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| format!("{member} holds control characters, which cannot be sent in a header"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const HEADER: &str = r#"{"format":"weighbridge.requests","version":"1.0","creator":"test"}"#;

    fn file(lines: &[&str]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{HEADER}").unwrap();
        for line in lines {
            writeln!(file, "{line}").unwrap();
        }
        file
    }

    fn row(id: &str, at_us: i64) -> String {
        format!(r#"{{"id":"{id}","at_us":{at_us},"body":{{"model":"m","messages":[]}}}}"#)
    }

    fn ids(log: &Log) -> String {
        log.open(None).unwrap().map(|row| row.unwrap().id).collect()
    }

    #[test]
    fn logs_are_merged_by_time_and_read_again_for_every_lap() {
        let one = file(&[&row("a", 10), &row("b", 20), &row("c", 20)]);
        let two = file(&[&row("d", 7), &row("e", 20)]);
        let log = load(&[one.path(), two.path()]).unwrap();
        assert_eq!((ids(&log).as_str(), ids(&log).as_str(), log.rows()), ("dabce", "dabce", None));
        assert_eq!(load::<&Path>(&[]).unwrap().open(None).unwrap().count(), 0);
    }

    #[test]
    fn a_missing_file_is_said_at_once_and_an_untimed_one_is_known() {
        assert!(load(&["nowhere.ndjson"]).unwrap_err().to_string().contains("nowhere.ndjson"));
        let mut untimed = tempfile::NamedTempFile::new().unwrap();
        writeln!(untimed, "{}", HEADER.replace("test\"", "test\",\"untimed\":true")).unwrap();
        assert!(load(&[untimed.path()]).unwrap().is_untimed());
    }

    #[test]
    fn mistakes_name_file_line_and_member_or_are_counted() {
        for (line, words) in [
            (r#"{"id":"x","at_us":1,"body":{"messages":[]}}"#, "model"),
            (r#"{"id":"x","at_us":1,"body":[]}"#, "JSON object"),
            (r#"{"id":"x","at_us":1}"#, "body"),
            (r#"{"id":"","at_us":1,"body":{"model":"m","messages":[]}}"#, "id is empty"),
            (r#"{"id":"a\nb","at_us":1,"body":{"model":"m","messages":[]}}"#, "id holds control"),
            ("not json", "expected"),
        ] {
            let file = file(&[&row("a", 1), line, &row("b", 2)]);
            let log = load(&[file.path()]).unwrap();
            let error = log.open(None).unwrap().find_map(Result::err).unwrap().to_string();
            assert!(error.contains("line 3") && error.contains(words), "{error}");
            assert!(error.contains(file.path().to_str().unwrap()), "{error}");
            let broken = Arc::new(AtomicU64::new(0));
            assert_eq!(log.open(Some(&broken)).unwrap().map(|row| row.unwrap().id).collect::<String>(), "ab");
            assert_eq!(broken.load(Ordering::Relaxed), 1);
        }
    }
}
