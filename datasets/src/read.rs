//! Streaming reader of NDJSON files, plain or packed, with line-numbered errors.

mod any;
mod unknown;

use crate::header::{Format, Header};
use flate2::bufread::MultiGzDecoder;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// Longest line that is read, in bytes: a bound, so that a file without line ends cannot fill the memory.
pub const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;

pub use any::AnyLines;
pub use unknown::Unknown;

/// First bytes of a zstd frame.
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// First bytes of a gzip member.
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// Whether a file that begins like this is packed, in a way that [`Lines::open`] unpacks.
#[must_use]
pub fn is_packed(start: &[u8]) -> bool {
    start.starts_with(&ZSTD) || start.starts_with(&GZIP)
}

/// Opens a file to read what is in it, unpacked if it is packed. `-` is standard input.
///
/// # Errors
/// The file cannot be opened or read.
pub fn unpacked(path: &Path) -> std::io::Result<Box<dyn BufRead + Send>> {
    unpack(if path == Path::new("-") { Box::new(std::io::stdin()) } else { Box::new(File::open(path)?) })
}

/// As [`unpacked`], from any source.
pub(crate) fn unpack(raw: Box<dyn Read + Send>) -> std::io::Result<Box<dyn BufRead + Send>> {
    let mut source = BufReader::with_capacity(256 * 1024, raw);
    let start = source.fill_buf()?;
    let (zstd, gzip) = (start.starts_with(&ZSTD), start.starts_with(&GZIP));
    Ok(if zstd {
        Box::new(BufReader::new(zstd::stream::read::Decoder::with_buffer(source)?))
    } else if gzip {
        Box::new(BufReader::new(MultiGzDecoder::new(source)))
    } else {
        Box::new(source)
    })
}

/// What is wrong with a file or a line.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}; check the path and its permissions")]
    File {
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The first line is no usable header.
    #[error("{path}, line 1: {message}")]
    Header {
        /// File.
        path: PathBuf,
        /// What was found and expected.
        message: String,
    },
    /// A line is not what the format says.
    #[error("{path}, line {line}: {message}; mend or remove the line")]
    Line {
        /// File.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What was found and expected.
        message: String,
    },
}

/// The lines of one file, read as `T`.
pub struct Lines<T> {
    path: PathBuf,
    source: Box<dyn BufRead + Send>,
    buffer: Vec<u8>,
    line: u64,
    header: Box<(Header, Unknown)>,
    /// The file could not be read on: there is nothing more to come.
    failed: bool,
    /// Members that are ignored, where somebody asked for them.
    unknown: Option<Box<Unknown>>,
    kind: PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for Lines<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Lines").field("path", &self.path).field("line", &self.line).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned> Lines<T> {
    /// Opens a file and reads its header. zstd and gzip, of one frame or of several, are recognised by their first bytes.
    /// `-` is standard input.
    ///
    /// # Errors
    /// The file cannot be read, or its header is not one of `format`.
    pub fn open(path: &Path, format: Format) -> Result<Self, ReadError> {
        let source = unpacked(path).map_err(|source| ReadError::File { path: path.to_owned(), source })?;
        Self::from_reader(path, source, format)
    }

    /// Reads from any source; `path` is only its name in errors.
    ///
    /// # Errors
    /// As [`Lines::open`].
    pub fn from_reader(path: &Path, source: Box<dyn BufRead + Send>, format: Format) -> Result<Self, ReadError> {
        let placeholder = Header::new(format, crate::Redaction::default());
        let mut lines = Self {
            path: path.to_owned(),
            source,
            buffer: Vec::new(),
            line: 0,
            header: Box::new((placeholder, Unknown::default())),
            failed: false,
            unknown: None,
            kind: PhantomData,
        };
        let header_error = |message: String| ReadError::Header { path: path.to_owned(), message };
        if !lines.next_line()? {
            return Err(header_error(format!("the file is empty, expected a header of {}", format.name())));
        }
        let (header, unknown) = &mut *lines.header;
        *header = unknown.read(&lines.buffer).map_err(|error| {
            header_error(format!("no header of {} ({error}); weighbridge writes one as the first line", format.name()))
        })?;
        header.readable(format).map_err(header_error)?;
        Ok(lines)
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header.0
    }

    /// Members of the header that this version does not know.
    #[must_use]
    pub fn header_unknown(&self) -> &Unknown {
        &self.header.1
    }

    /// From the next line on, members that `T` does not know are counted, which costs a fifth more time. Whether they are or
    /// not, they are ignored.
    pub fn count_unknown(&mut self) {
        self.unknown.get_or_insert_default();
    }

    /// The unknown members that were met; `None` if nobody asked with [`Lines::count_unknown`].
    #[must_use]
    pub fn unknown(&self) -> Option<&Unknown> {
        self.unknown.as_deref()
    }

    /// The line read last as it stands in the file, without its line end.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.buffer
    }

    /// Number of the line read last, from 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// Reads the next line into the buffer, without its line end. `false` at the end of the file.
    fn next_line(&mut self) -> Result<bool, ReadError> {
        self.buffer.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        let read = self
            .source
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut self.buffer)
            .map_err(|source| ReadError::File { path: self.path.clone(), source })?;
        if read == 0 {
            return Ok(false);
        }
        self.line += 1;
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
        } else if read as u64 == limit {
            return Err(self.wrong(format!("the line is longer than {LINE_BYTES_MAX} bytes")));
        }
        Ok(true)
    }

    fn wrong(&self, message: String) -> ReadError {
        ReadError::Line { path: self.path.clone(), line: self.line, message }
    }
}

impl<T: DeserializeOwned> Iterator for Lines<T> {
    type Item = Result<T, ReadError>;

    /// The next record; blank lines are skipped. After a wrong line, reading can go on; after a file that cannot be read
    /// on, it is over.
    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            match self.next_line() {
                Ok(true) if self.buffer.iter().all(u8::is_ascii_whitespace) => {}
                Ok(true) => {
                    let parsed = match &mut self.unknown {
                        None => serde_json::from_slice(&self.buffer),
                        Some(unknown) => unknown.read(&self.buffer),
                    };
                    return Some(parsed.map_err(|error| self.wrong(without_content(&error))));
                }
                Ok(false) => return None,
                Err(error) => {
                    self.failed = matches!(error, ReadError::File { .. });
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

/// What a parser found wrong, without what it found: a value of a log may be a secret.
#[must_use]
pub fn without_content(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // `invalid type: string "...", expected ...`, `unknown variant `...`, expected ...`, and alike.
    let (found, expected) = text.rsplit_once(", expected ").map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
    let Some(start) = found.find(['"', '`']).filter(|_| expected.is_some()) else { return text };
    let kind = found.get(..start).unwrap_or_default().trim_end();
    format!("{kind}, expected {}", expected.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Label;
    use std::io::Cursor;

    const HEADER: &str = r#"{"format":"weighbridge.labels","version":"1.0","creator":"test"}"#;

    fn open(text: &str) -> Result<Lines<Label>, ReadError> {
        Lines::from_reader(Path::new("labels.ndjson"), Box::new(Cursor::new(text.to_owned())), Format::Labels)
    }

    fn label(request: &str) -> String {
        format!(r#"{{"request":"{request}","answer_digest":"d","metric":"exact","good":true}}"#)
    }

    #[test]
    fn a_broken_line_names_file_and_line_and_reading_goes_on() {
        let text = format!("{HEADER}\n{}\n{{oops\n\n{}", label("a"), label("b\u{2028}c"));
        let mut lines = open(&text).unwrap();
        assert_eq!(lines.next().unwrap().unwrap().request, "a");
        let error = lines.next().unwrap().unwrap_err().to_string();
        assert!(error.starts_with("labels.ndjson, line 3: "), "{error}");
        assert_eq!(lines.next().unwrap().unwrap().request, "b\u{2028}c");
        assert!(lines.next().is_none());
    }

    #[test]
    fn no_value_of_a_line_is_repeated() {
        for (member, value) in [("request", "5"), ("good", "\"sk-1, expected\""), ("metric", "[\"sk-1\"]")] {
            let line = label("a").replace("\"a\"", "\"r\"");
            let line = match member {
                "good" => line.replace("true", value),
                "request" => line.replace("\"r\"", value),
                _ => line.replace("\"exact\"", value),
            };
            let error = open(&format!("{HEADER}\n{line}")).unwrap().next().unwrap().unwrap_err().to_string();
            assert!(error.contains("expected a ") && !error.contains("sk-1") && !error.contains("`5`"), "{error}");
        }
    }

    #[test]
    fn a_wrong_header_says_what_was_expected() {
        for (text, word) in [
            (String::new(), "empty"),
            (label("a"), "no header"),
            (HEADER.replace("labels", "exchanges"), "holds weighbridge.exchanges, expected weighbridge.labels"),
            (HEADER.replace("1.0", "2.0"), "update weighbridge"),
        ] {
            let error = open(&text).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("line 1"), "{error}");
        }
        assert!(open(&HEADER.replace("1.0", "1.9")).is_ok());
    }

    #[test]
    fn unknown_members_are_counted_where_that_is_asked_for() {
        let line = label("a").replace('}', r#","newer":{"deep":1},"newest":[2]}"#);
        let text = format!("{HEADER}\n{line}\n{}\n{line}\n", label("b"));
        let mut lines = open(&text).unwrap();
        lines.count_unknown();
        assert_eq!(lines.by_ref().map(|label| label.unwrap().request).collect::<Vec<_>>(), ["a", "b", "a"]);
        let unknown = lines.unknown().unwrap();
        assert_eq!(unknown.iter().collect::<Vec<_>>(), [("newer", 2), ("newest", 2)]);
        assert_eq!((unknown.lines(), unknown.other_names()), (2, 0));
        assert!(open(&text).unwrap().unknown().is_none());
    }

    #[test]
    fn packed_files_may_have_several_frames() {
        use flate2::{Compression, write::GzEncoder};
        use std::io::Write;
        let parts = [format!("{HEADER}\n{}\n", label("a")), format!("{}\n{}", label("b"), label("c"))];
        let gzip = |text: &String| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(text.as_bytes()).unwrap();
            packed.finish().unwrap()
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.ndjson.packed");
        let zstd = |text: &String| zstd::encode_all(text.as_bytes(), 1).unwrap();
        for packed in [parts.iter().flat_map(zstd).collect::<Vec<u8>>(), parts.iter().flat_map(gzip).collect()] {
            std::fs::write(&path, &packed).unwrap();
            let read: Vec<String> =
                Lines::<Label>::open(&path, Format::Labels).unwrap().map(|label| label.unwrap().request).collect();
            assert_eq!(read, ["a", "b", "c"]);
            // Half a file is an error and no shorter file.
            std::fs::write(&path, &packed[..packed.len() - 5]).unwrap();
            let last = Lines::<Label>::open(&path, Format::Labels).and_then(|lines| lines.last().unwrap());
            assert!(matches!(last, Err(ReadError::File { .. })), "{last:?}");
        }
    }
}
