//! The log to play: read, checked and sorted.

use crate::error::ReplayError;
use crate::schedule::out_of_order;
use datasets::{Format, Lines, LoggedRequest, ReadError};
use http::HeaderValue;
use std::path::{Path, PathBuf};
use wire::Request;

/// Rows in time order.
#[derive(Debug, Default)]
pub struct Log {
    /// Rows by time; rows of one instant stay in file order.
    pub rows: Vec<LoggedRequest>,
    /// Rows that stood behind a later one in their file.
    pub out_of_order: u64,
}

impl From<Vec<LoggedRequest>> for Log {
    fn from(mut rows: Vec<LoggedRequest>) -> Self {
        let out_of_order = out_of_order(rows.iter().map(|row| row.at_us));
        rows.sort_by_key(|row| row.at_us);
        Self { rows, out_of_order }
    }
}

/// Reads request logs, plain or zstd; `-` is standard input. Several logs are merged by time. Every row is checked,
/// so that a replay does not stop half way.
///
/// # Errors
/// A file cannot be read, or a row is no chat request: the error names file, line and member.
pub fn load<P: AsRef<Path>>(paths: &[P]) -> Result<Log, ReplayError> {
    let mut merged = Log::default();
    for path in paths {
        let mut log = Log::from(read(path.as_ref())?);
        merged.out_of_order += log.out_of_order;
        merged.rows.append(&mut log.rows);
    }
    merged.rows.sort_by_key(|row| row.at_us);
    Ok(merged)
}

fn read(path: &Path) -> Result<Vec<LoggedRequest>, ReplayError> {
    let mut lines = Lines::<LoggedRequest>::open(path, Format::Requests)?;
    let mut rows = Vec::new();
    while let Some(row) = lines.next() {
        let row = row?;
        if let Err(message) = check(&row) {
            return Err(ReadError::Line { path: PathBuf::from(path), line: lines.line(), message }.into());
        }
        rows.push(row);
    }
    Ok(rows)
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

    #[test]
    fn logs_are_merged_by_time_and_disorder_is_counted_within_a_file() {
        let one = file(&[&row("a", 10), &row("b", 5), &row("c", 10)]);
        let two = file(&[&row("d", 7)]);
        let log = load(&[one.path(), two.path()]).unwrap();
        assert_eq!(log.rows.iter().map(|row| row.id.as_str()).collect::<String>(), "bdac");
        assert_eq!(log.out_of_order, 1);
    }

    #[test]
    fn mistakes_name_file_line_and_member() {
        for (line, words) in [
            (r#"{"id":"x","at_us":1,"body":{"messages":[]}}"#, "model"),
            (r#"{"id":"x","at_us":1,"body":[]}"#, "JSON object"),
            (r#"{"id":"x","at_us":1}"#, "body"),
            (r#"{"id":"","at_us":1,"body":{"model":"m","messages":[]}}"#, "id is empty"),
            (r#"{"id":"a\nb","at_us":1,"body":{"model":"m","messages":[]}}"#, "id holds control"),
            ("not json", "expected"),
        ] {
            let log = file(&[&row("a", 1), line]);
            let error = load(&[log.path()]).unwrap_err().to_string();
            assert!(error.contains("line 3") && error.contains(words), "{error}");
            assert!(error.contains(log.path().to_str().unwrap()), "{error}");
        }
    }
}
