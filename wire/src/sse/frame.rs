//! One frame of a stream: its bytes, and what it says.
//!
//! Clients get a frame's bytes untouched, with one exception. Two fields of the standard break the official OpenAI
//! clients: after an `id:` they dispatch an empty event at the next comment and fail to parse it, and `retry:` does
//! the same for one event. A frame knows whether it holds such a line, and can be written without them.

use bytes::{Bytes, BytesMut};
use std::ops::Range;

/// One frame of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its bytes, line ends and closing blank line included.
    pub raw: Bytes,
    data: Data,
    has_id_or_retry: bool,
}

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Data {
    /// No `data` field: comments or blank lines only.
    Absent,
    /// A part of `raw` that is valid UTF-8.
    Slice(Range<usize>),
    /// Several lines joined by LF, or bytes that were no UTF-8 and were mended.
    Joined(String),
}

impl Frame {
    pub(super) fn new(raw: Bytes) -> Self {
        if let Some(range) = only_data_line(&raw) {
            return Self { raw, data: Data::Slice(range), has_id_or_retry: false };
        }
        let (data, has_id_or_retry) = read_lines(&raw);
        Self { raw, data, has_id_or_retry }
    }

    /// Its `data:` lines joined by LF; `None` for a frame of comments or blank lines.
    #[must_use]
    pub fn data(&self) -> Option<&str> {
        match &self.data {
            Data::Absent => None,
            Data::Slice(range) => self.raw.get(range.clone()).and_then(|data| std::str::from_utf8(data).ok()),
            Data::Joined(text) => Some(text),
        }
    }

    /// Whether it holds an `id` or `retry` field, which must not reach a client: send [`Frame::harmless`] instead.
    #[must_use]
    pub const fn has_id_or_retry(&self) -> bool {
        self.has_id_or_retry
    }

    /// Its bytes without `id` and `retry` fields; empty if nothing else was in it.
    #[must_use]
    pub fn harmless(&self) -> Bytes {
        if !self.has_id_or_retry {
            return self.raw.clone();
        }
        let mut kept = BytesMut::with_capacity(self.raw.len());
        let mut says_something = false;
        for (line, with_end) in Lines::new(&self.raw) {
            if !is_id_or_retry(line) {
                says_something |= !line.is_empty();
                kept.extend_from_slice(with_end);
            }
        }
        if says_something { kept.freeze() } else { Bytes::new() }
    }
}

impl Frame {
    /// Appends one frame for each of `data` instead of this one's data; other fields (`event:`) stay, `id` and `retry`
    /// do not. `data` must not contain line breaks: JSON written by us has none.
    pub fn replace_data<T: AsRef<str>>(&self, out: &mut Vec<u8>, data: &[T]) {
        for data in data {
            if !matches!(self.data, Data::Slice(_)) {
                for (line, _) in Lines::new(&self.raw) {
                    if !line.is_empty() && field(line, b"data").is_none() && !is_id_or_retry(line) {
                        out.extend_from_slice(line);
                        out.push(b'\n');
                    }
                }
            }
            super::encode::data(out, data.as_ref());
        }
    }
}

/// The usual frame is one `data:` line and the blank line: it needs no second look.
fn only_data_line(raw: &[u8]) -> Option<Range<usize>> {
    let rest = raw.strip_prefix(b"data:")?;
    let start = raw.len() - rest.len() + usize::from(rest.first() == Some(&b' '));
    let length = memchr::memchr2(b'\n', b'\r', raw.get(start..)?).unwrap_or(raw.len() - start);
    let end = start + length;
    let closed = raw.get(end..)?.iter().all(|byte| matches!(byte, b'\n' | b'\r'));
    (closed && std::str::from_utf8(raw.get(start..end)?).is_ok()).then_some(start..end)
}

fn read_lines(raw: &[u8]) -> (Data, bool) {
    let mut data: Option<String> = None;
    let mut has_id_or_retry = false;
    for (line, _) in Lines::new(raw) {
        has_id_or_retry |= is_id_or_retry(line);
        let Some(value) = field(line, b"data") else { continue };
        let value = String::from_utf8_lossy(value);
        match &mut data {
            None => data = Some(value.into_owned()),
            Some(joined) => {
                joined.push('\n');
                joined.push_str(&value);
            }
        }
    }
    (data.map_or(Data::Absent, Data::Joined), has_id_or_retry)
}

fn is_id_or_retry(line: &[u8]) -> bool {
    field(line, b"id").is_some() || field(line, b"retry").is_some()
}

/// The value of a line if its field has this name.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    match line.strip_prefix(name)? {
        [] => Some(&[]),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

/// Lines without and with their ends.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr2(b'\n', b'\r', self.rest).unwrap_or(self.rest.len());
        let width = match self.rest.get(end..) {
            Some([b'\r', b'\n', ..]) => 2,
            Some([_, ..]) => 1,
            _ => 0,
        };
        let (with_end, rest) = self.rest.split_at(end + width);
        self.rest = rest;
        Some((with_end.get(..end).unwrap_or_default(), with_end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &'static str) -> Frame {
        Frame::new(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn data_is_what_the_standard_says() {
        for (text, data) in [
            ("data: x\n\n", Some("x")),
            ("data:x\r\n\r\n", Some("x")),
            ("data:  x\n\n", Some(" x")),
            ("data: : x\n\n", Some(": x")),
            ("data\n\n", Some("")),
            ("data:\n\n", Some("")),
            ("data: a\ndata: b\n\n", Some("a\nb")),
            ("event: e\ndata: a\n\n", Some("a")),
            (": c\ndata: a\r\r", Some("a")),
            ("database: 1\n\n", None),
            (": data: x\n\n", None),
            ("event: e\n\n", None),
            ("\n", None),
        ] {
            assert_eq!(frame(text).data(), data, "{text:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_mended_in_the_data_and_kept_in_the_frame() {
        let frame = Frame::new(Bytes::from_static(b"data: \xff\n\n"));
        assert_eq!((frame.data(), &frame.raw[..]), (Some("\u{fffd}"), &b"data: \xff\n\n"[..]));
    }

    #[test]
    fn replaced_data_keeps_the_events_name() {
        let mut out = Vec::new();
        frame("event: e\r\nid: 1\r\ndata: x\r\n\r\n").replace_data(&mut out, &["y"]);
        frame("data: x\n\n").replace_data(&mut out, &["1", "2"]);
        assert_eq!(String::from_utf8(out).unwrap(), "event: e\ndata: y\n\ndata: 1\n\ndata: 2\n\n");
    }

    #[test]
    fn fields_that_break_clients_are_found_and_taken_out() {
        for (text, harmless) in [
            ("id: 7\nevent: e\ndata: x\n\n", "event: e\ndata: x\n\n"),
            ("data: x\r\nretry: 100\r\n\r\n", "data: x\r\n\r\n"),
            ("retry: 100\n\n", ""),
            ("id\n: keep-alive\n\n", ": keep-alive\n\n"),
        ] {
            assert!(frame(text).has_id_or_retry(), "{text:?}");
            assert_eq!(frame(text).harmless(), harmless.as_bytes(), "{text:?}");
        }
        for text in ["data: id: 7\n\n", "data: x\nidentity: 7\n\n", ": id: 1\n\n"] {
            assert!(!frame(text).has_id_or_retry(), "{text:?}");
            assert_eq!(frame(text).harmless(), text.as_bytes());
        }
    }
}
