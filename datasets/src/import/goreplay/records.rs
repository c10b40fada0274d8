//! The records of a capture.

use super::super::ImportError;
use super::super::entry::Place;
use super::super::input::Input;
use crate::read::LINE_BYTES_MAX;
use std::io::{BufRead, Read};
use std::path::PathBuf;

/// The line between two records.
const SEPARATOR: &[u8] = "🐵🙈🙉".as_bytes();

/// Longest id, in bytes; GoReplay's have 24. Some thousand ids are remembered.
const ID_BYTES_MAX: usize = 200;

/// One record.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) place: Place,
    pub(super) meta: Meta,
    /// The HTTP message.
    pub(super) message: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Answer,
    /// The answer to a replayed copy.
    Replayed,
}

/// The first line of a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) at_nanos: i64,
    pub(super) latency_nanos: Option<i64>,
}

impl Meta {
    /// # Errors
    /// It is something else.
    pub(super) fn parse(line: &str) -> Result<Self, &'static str> {
        let mut words = line.split_ascii_whitespace();
        let kind = match words.next() {
            Some("1") => Kind::Request,
            Some("2") => Kind::Answer,
            Some("3") => Kind::Replayed,
            _ => return Err("the record has no type, expected `1`, `2` or `3`, an id and a time in nanoseconds"),
        };
        let id = words.next().ok_or("the record has no id, expected one behind its type")?;
        if id.len() > ID_BYTES_MAX {
            return Err("the id of the record is longer than 200 bytes, expected one of 24");
        }
        let id = id.to_owned();
        let at_nanos = words.next().and_then(|word| word.parse().ok()).filter(|at: &i64| *at >= 0);
        let at_nanos = at_nanos.ok_or("the record has no time, expected nanoseconds behind its id")?;
        let latency_nanos = words.next().and_then(|word| word.parse().ok()).filter(|latency: &i64| *latency >= 0);
        Ok(Self { kind, id, at_nanos, latency_nanos })
    }
}

/// The records of one file.
pub(super) struct Records {
    path: PathBuf,
    source: Box<dyn BufRead + Send>,
    line: u64,
    buffer: Vec<u8>,
}

impl Records {
    pub(super) fn new(input: Input) -> Self {
        let (path, source) = input.into_source();
        Self { path, source, line: 0, buffer: Vec::new() }
    }

    /// The next record; `None` at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read, the record is too long, or its first line is none.
    pub(super) fn next_record(&mut self) -> Result<Option<Record>, ImportError> {
        loop {
            let first = self.line + 1;
            let (message, too_long) = self.until_separator()?;
            let place = Place { path: self.path.clone(), line: first };
            if too_long {
                return Err(
                    place.wrong(format!("the record is longer than {LINE_BYTES_MAX} bytes; split or remove it"))
                );
            }
            let Some(message) = message else { return Ok(None) };
            let blank = message.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let Some(rest) = message.get(blank..).filter(|rest| !rest.is_empty()) else { continue };
            let (line, message) = match memchr::memchr(b'\n', rest) {
                Some(end) => (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default()),
                None => (rest, &[][..]),
            };
            let meta = std::str::from_utf8(line).map_err(|_| "the record begins with no text").and_then(Meta::parse);
            let meta = meta.map_err(|cause| place.wrong(cause))?;
            return Ok(Some(Record { place, meta, message: message.to_vec() }));
        }
    }

    /// Everything up to the next separator or the end of the file, and whether it was too much to keep.
    fn until_separator(&mut self) -> Result<(Option<Vec<u8>>, bool), ImportError> {
        let mut message = Vec::new();
        let (mut any, mut too_long) = (false, false);
        loop {
            self.buffer.clear();
            let limit = LINE_BYTES_MAX as u64 + 1;
            let read = self.source.by_ref().take(limit).read_until(b'\n', &mut self.buffer);
            let read = read.map_err(|source| ImportError::file(&self.path, source))?;
            if read == 0 {
                return Ok((any.then_some(message), too_long));
            }
            any = true;
            self.line += u64::from(self.buffer.last() == Some(&b'\n'));
            if self.buffer.trim_ascii_end() == SEPARATOR {
                // The line end before the separator belongs to it.
                if message.last() == Some(&b'\n') {
                    message.pop();
                }
                return Ok((Some(message), too_long));
            }
            too_long |= message.len() + read > LINE_BYTES_MAX;
            if too_long {
                message = Vec::new();
            } else {
                message.extend_from_slice(&self.buffer);
            }
        }
    }
}
