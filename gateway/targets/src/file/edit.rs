//! Changes of a text by byte ranges: what no range names stays byte for byte.

use super::fault::Fault;
use std::ops::Range;

/// One replaced range; an empty range inserts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Bytes that go.
    pub(crate) range: Range<usize>,
    /// What comes instead.
    pub(crate) with: String,
}

impl Edit {
    /// Replaces a range.
    pub(crate) fn replace(range: Range<usize>, with: impl Into<String>) -> Self {
        Self { range, with: with.into() }
    }

    /// Puts something in before a byte.
    pub(crate) fn insert(at: usize, with: impl Into<String>) -> Self {
        Self { range: at..at, with: with.into() }
    }
}

/// The text with all edits made. Those of one place are made in the order given.
///
/// # Errors
/// Two edits touch the same bytes, or one lies outside: a defect of the caller, and nothing is changed.
pub(crate) fn apply(text: &str, edits: &[Edit]) -> Result<String, Fault> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let mut new = String::with_capacity(text.len() + 64);
    let mut done = 0;
    for edit in sorted {
        let clash = || Fault::at(edit.range.start, "two changes of one place; change it by hand");
        new.push_str(text.get(done..edit.range.start).ok_or_else(clash)?);
        new.push_str(&edit.with);
        done = edit.range.end;
    }
    new.push_str(text.get(done..).ok_or_else(|| Fault::whole("a change behind the end; change it by hand"))?);
    Ok(new)
}

/// How lines of this text end: as its first one does.
pub(crate) fn line_end(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if at > 0 && text.as_bytes().get(at - 1) == Some(&b'\r') => "\r\n",
        _ => "\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_bytes_change_and_overlaps_are_refused() {
        let edits = [Edit::replace(4..5, "ten"), Edit::insert(0, "<"), Edit::insert(0, "<")];
        assert_eq!(apply("w = 1;", &edits).unwrap(), "<<w = ten;");
        assert!(apply("abc", &[Edit::replace(0..2, ""), Edit::replace(1..3, "")]).is_err());
        assert!(apply("abc", &[Edit::replace(2..9, "")]).is_err());
        assert_eq!(
            (line_end("a\r\nb\n"), line_end("a\nb\r\n"), line_end("a"), line_end("\n")),
            ("\r\n", "\n", "\n", "\n")
        );
    }
}
