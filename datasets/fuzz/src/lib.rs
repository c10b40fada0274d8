//! What the fuzz targets do with their bytes. No answer is wrong here but a panic, a hang, or memory without end.

use datasets::import::{self, ImportOptions, LogFormat};
use datasets::redact::{Counts, Redactor};
use datasets::{Exchange, Format, Lines};
use std::io::Cursor;
use std::path::Path;

/// A target for one format.
#[macro_export]
macro_rules! reader {
    ($format:ident) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
            $crate::read(Some(datasets::import::LogFormat::$format), bytes);
        });
    };
}

/// Imports the bytes to the end; every request that comes out must be one that can be written and read again.
pub fn read(format: Option<LogFormat>, bytes: &[u8]) {
    let options = ImportOptions { format, ..ImportOptions::default() };
    let source = Box::new(Cursor::new(bytes.to_vec()));
    let Ok(log) = import::from_reader(Path::new("fuzz"), source, options) else { return };
    for request in log.flatten() {
        let line = serde_json::to_string(&request).expect("a request can be written");
        let again: datasets::LoggedRequest = serde_json::from_str(&line).expect("and read again");
        assert_eq!(again.id, request.id);
    }
}

/// Reads the bytes as exchange records.
pub fn read_records(bytes: &[u8]) {
    let source = Box::new(Cursor::new(bytes.to_vec()));
    let Ok(lines) = Lines::<Exchange>::from_reader(Path::new("fuzz"), source, Format::Exchanges) else { return };
    lines.for_each(drop);
}

/// What the redactor makes of a body is JSON, and has nothing left for a second time.
pub fn redact(text: &str) {
    let redactor = Redactor::default();
    let _plain = redactor.text(text, &mut Counts::new());
    let Ok(body) = serde_json::value::RawValue::from_string(text.to_owned()) else { return };
    if let Some(clean) = redactor.json(&body, &mut Counts::new()) {
        serde_json::from_str::<serde::de::IgnoredAny>(clean.get()).expect("a body stays JSON");
        assert!(redactor.json(&clean, &mut Counts::new()).is_none(), "something was left");
    }
}
