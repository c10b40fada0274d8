//! The log to play, opened as often as it is played. Nothing of a file is held but the row at hand.

use crate::error::ReplayError;
use crate::select::{Rows, merge};
use datasets::import::{self, ImportOptions};
use datasets::{LoggedRequest, ReadError};
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
    Files(Arc<Files>),
}

#[derive(Debug)]
struct Files {
    paths: Vec<PathBuf>,
    import: ImportOptions,
}

impl From<Vec<LoggedRequest>> for Log {
    fn from(rows: Vec<LoggedRequest>) -> Self {
        Self { source: Source::Rows(Arc::new(rows)), consumed: Arc::default(), untimed: false }
    }
}

/// Takes logs: request logs of weighbridge and all that [`datasets::import`] reads; `-` is standard input. Several logs
/// are merged by time. Rows are read and checked when their turn comes.
///
/// # Errors
/// A file cannot be read, or nobody knows its format.
pub fn load<P: AsRef<Path>>(paths: &[P]) -> Result<Log, ReplayError> {
    load_as(paths, ImportOptions::default())
}

/// As [`load`], with a choice of how logs of other tools are read.
///
/// # Errors
/// As [`load`].
pub fn load_as<P: AsRef<Path>>(paths: &[P], import: ImportOptions) -> Result<Log, ReplayError> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| path.as_ref().to_owned()).collect();
    let mut untimed = false;
    for path in paths.iter().filter(|path| !is_standard_input(path)) {
        let mut rows = import::open(std::slice::from_ref(path), import.clone())?;
        // Some formats tell with the first row only. If that is broken, it is said when the log is played.
        drop(rows.next());
        untimed |= rows.is_untimed();
    }
    Ok(Log { source: Source::Files(Arc::new(Files { paths, import })), consumed: Arc::default(), untimed })
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
        if files.paths.iter().any(|path| is_standard_input(path)) && self.consumed.swap(true, Ordering::Relaxed) {
            let message = "standard input can be played once only; write it into a file for more laps, or for a rate \
                           that depends on its length";
            return Err(ReplayError::Options(message.to_owned()));
        }
        let mut opened = Vec::with_capacity(files.paths.len());
        for path in &files.paths {
            opened.push(read(path, &files.import, broken.map(Arc::clone))?);
        }
        Ok(merge(opened))
    }
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

fn read(path: &Path, import: &ImportOptions, broken: Option<Arc<AtomicU64>>) -> Result<Rows, ReplayError> {
    let import = ImportOptions { strict: broken.is_none(), ..import.clone() };
    let mut rows = import::open(&[path.to_owned()], import)?;
    let path = path.to_owned();
    let mut skipped = 0;
    Ok(Box::new(std::iter::from_fn(move || {
        loop {
            let next = rows.next();
            if let Some(broken) = &broken {
                // What it skipped by itself.
                let newly = rows.report().skipped - std::mem::replace(&mut skipped, rows.report().skipped);
                broken.fetch_add(newly, Ordering::Relaxed);
            }
            let row = next?.map_err(ReplayError::from).and_then(|row| match check(&row) {
                Ok(()) => Ok(row),
                Err(message) => Err(unfit(&path, rows.line(), row.id, message)),
            });
            match (&row, &broken) {
                (Err(error), Some(broken)) if error.is_of_a_row() => broken.fetch_add(1, Ordering::Relaxed),
                _ => return Some(row),
            };
        }
    })))
}

/// A row that is no request, with its place where that is known.
fn unfit(path: &Path, line: Option<u64>, id: String, message: String) -> ReplayError {
    match line {
        Some(line) => ReadError::Line { path: path.to_owned(), line, message }.into(),
        None => ReplayError::Request { id, message: format!("{}: {message}", path.display()) },
    }
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
    fn logs_of_other_tools_are_recognised() {
        let mut trace = tempfile::NamedTempFile::new().unwrap();
        writeln!(trace, "TIMESTAMP,ContextTokens,GeneratedTokens").unwrap();
        writeln!(trace, "2023-11-16 18:15:46.6805900,10,3\n2023-11-16 18:15:50.9951690,20,oops").unwrap();
        let log = load(&[trace.path()]).unwrap();
        let rows: Vec<_> = log.open(None).unwrap().collect();
        let error = rows[1].as_ref().unwrap_err();
        assert!(rows[0].as_ref().unwrap().body.get().contains("messages"), "{rows:?}");
        assert!(error.is_of_a_row() && error.to_string().contains("line 3"), "{error}");
        let broken = Arc::new(AtomicU64::new(0));
        assert_eq!((log.open(Some(&broken)).unwrap().count(), broken.load(Ordering::Relaxed)), (1, 1));
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
