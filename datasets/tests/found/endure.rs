//! What is done with bytes that mean no good, by the fuzz targets and by the test of what they found.
//!
//! No answer is wrong here but a panic, a hang, memory without end, or a secret in a message. What does come out must be
//! whole: a request that can be written and read again, a redacted body that is JSON and clean.

use datasets::import::{self, ImportOptions, LogFormat};
use datasets::redact::{Counts, Redactor};
use datasets::{Exchange, Format, Lines, LoggedRequest};
use serde_json::value::RawValue;
use std::io::Cursor;
use std::path::Path;

/// Most requests that are looked at: a few bytes of a trace may ask for the traffic of years, which is no hang.
const REQUESTS_MAX: usize = 400;
/// Most bytes of them, whose prompts may be made up as long as the trace asks for.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Stands in logs where keys stand, and never in a message.
pub const SECRET: &str = "sk-found0123456789abcdef";

/// What came of an input.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whole requests, records or texts.
    pub sound: usize,
    /// Rows or files that are refused.
    pub refused: usize,
    /// Rows that are sound, and no calls.
    pub passed_over: usize,
}

/// Imports the bytes to their end, or as far as is looked at.
pub fn import(format: Option<LogFormat>, bytes: &[u8]) -> Seen {
    let mapping = (format == Some(LogFormat::Nginx)).then(|| crate::MAPPING.into());
    let options = ImportOptions { format, mapping, strict: false, ..ImportOptions::default() };
    let source = Box::new(Cursor::new(bytes.to_vec()));
    let mut seen = Seen::default();
    let mut log = match import::from_reader(Path::new("found"), source, options) {
        Ok(log) => log,
        Err(error) => {
            tells_no_secret(&error.to_string());
            return Seen { refused: 1, ..seen };
        }
    };
    let mut bytes_left = BYTES_MAX;
    while seen.sound < REQUESTS_MAX {
        match log.next() {
            None => break,
            Some(Ok(request)) => {
                seen.sound += 1;
                let Some(left) = bytes_left.checked_sub(comes_back(&request)) else { break };
                bytes_left = left;
            }
            Some(Err(error)) => {
                tells_no_secret(&error.to_string());
                seen.refused += 1;
                // An error that is handed out has ended the log.
                assert!(log.next().is_none(), "reading goes on behind its end");
            }
        }
    }
    seen.refused += usize::try_from(log.report().skipped).unwrap_or(usize::MAX);
    seen.passed_over = usize::try_from(log.report().passed_over).unwrap_or(usize::MAX);
    log.report().skips.iter().for_each(|skip| tells_no_secret(&skip.message));
    seen
}

/// Reads the bytes as exchange records.
pub fn records(bytes: &[u8]) -> Seen {
    let source = Box::new(Cursor::new(bytes.to_vec()));
    let mut seen = Seen::default();
    let Ok(lines) = Lines::<Exchange>::from_reader(Path::new("found"), source, Format::Exchanges) else {
        return Seen { refused: 1, ..seen };
    };
    for line in lines {
        if line.is_ok() {
            seen.sound += 1;
        } else {
            seen.refused += 1;
        }
    }
    seen
}

/// Redacts the bytes, if they are text, and if they are JSON as JSON too: what comes out is JSON, and has nothing left
/// for a second time.
pub fn redact(bytes: &[u8]) -> Seen {
    let Ok(text) = std::str::from_utf8(bytes) else { return Seen { refused: 1, ..Seen::default() } };
    let redactor = Redactor::default();
    if let Some(clean) = redactor.text(text, &mut Counts::new()) {
        assert_eq!(redactor.text(&clean, &mut Counts::new()), None, "something was left in a text");
    }
    let Ok(body) = RawValue::from_string(text.to_owned()) else { return Seen { sound: 1, ..Seen::default() } };
    if let Some(clean) = redactor.json(&body, &mut Counts::new()) {
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(clean.get()).is_ok(), "a body stays JSON");
        assert!(redactor.json(&clean, &mut Counts::new()).is_none(), "something was left in a body");
    }
    Seen { sound: 1, ..Seen::default() }
}

/// Writes and reads a request; the bytes that it takes.
fn comes_back(request: &LoggedRequest) -> usize {
    let line = serde_json::to_string(request).unwrap_or_default();
    let again = serde_json::from_str::<LoggedRequest>(&line);
    let same = again.is_ok_and(|again| {
        (&again.id, again.at_us, &again.session, again.body.get())
            == (&request.id, request.at_us, &request.session, request.body.get())
    });
    assert!(same, "a request cannot be written and read again");
    line.len()
}

fn tells_no_secret(message: &str) {
    assert!(!message.contains(SECRET), "a message tells a secret");
}
