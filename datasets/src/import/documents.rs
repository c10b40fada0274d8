//! JSON values one by one, however a log strings them together: a line each, one after the other over several lines,
//! the elements of one array, or of an array deep inside one object (`log.entries` of a HTTP archive).
//!
//! Only brackets and strings are followed here, so that one element after the other can be cut out of a file of any
//! length; whether an element is sound JSON is for the parser that gets it. An element may have as many bytes as a line.

use super::ImportError;
use super::entry::Place;
use super::input::Input;
use crate::read::LINE_BYTES_MAX;
use std::io::BufRead;
use std::path::PathBuf;

/// The values of one file.
pub(crate) struct Documents {
    path: PathBuf,
    source: Box<dyn BufRead + Send>,
    /// Members that lead to the array, from the outermost.
    way: &'static [&'static str],
    line: u64,
    /// Between the elements of an array.
    inside: bool,
    value: Vec<u8>,
}

/// One value, and where it begins.
pub(crate) struct Document<'a> {
    pub(crate) place: Place,
    pub(crate) bytes: &'a [u8],
}

impl Documents {
    /// The values of a file. With a `way`, those of the array at its end in each outermost object; elements of an
    /// outermost array are always taken one by one.
    pub(crate) fn new(input: Input, way: &'static [&'static str]) -> Self {
        let (path, source) = input.into_source();
        Self { path, source, way, line: 1, inside: false, value: Vec::new() }
    }

    /// The next value; `None` at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read, ends in the middle of a value, or has no value where one must be.
    pub(crate) fn next_document(&mut self) -> Result<Option<Document<'_>>, ImportError> {
        loop {
            let Some(byte) = self.peek_token()? else {
                return if self.inside { Err(self.broken("the file ends inside a list")) } else { Ok(None) };
            };
            match byte {
                b']' if self.inside => {
                    self.bump();
                    self.inside = false;
                }
                // Between elements, and behind the array whatever closes the objects around it.
                b',' | b'}' | b']' => self.bump(),
                b':' => return Err(self.broken("expected a value, found `:`")),
                b'[' if !self.inside => {
                    self.bump();
                    self.inside = true;
                }
                b'{' if !self.inside && !self.way.is_empty() => self.descend()?,
                b'"' if !self.inside && !self.way.is_empty() => {
                    // A member behind the array.
                    self.pass_value()?;
                    if self.peek_token()? == Some(b':') {
                        self.bump();
                        self.pass_value()?;
                    }
                }
                _ => {
                    let line = self.line;
                    self.take_value()?;
                    let place = Place { path: self.path.clone(), line };
                    return Ok(Some(Document { place, bytes: &self.value }));
                }
            }
        }
    }

    /// From the `{` of an object into the array at the end of the way, or behind the object if it has none.
    fn descend(&mut self) -> Result<(), ImportError> {
        for name in self.way {
            if self.peek_token()? != Some(b'{') {
                return self.pass_value();
            }
            self.bump();
            loop {
                match self.peek_token()? {
                    Some(b'"') => {}
                    Some(b',') => {
                        self.bump();
                        continue;
                    }
                    Some(b'}') => {
                        self.bump();
                        return Ok(());
                    }
                    _ => return Err(self.broken("expected a member of an object")),
                }
                self.take_value()?;
                let found = serde_json::from_slice::<String>(&self.value).is_ok_and(|found| found == *name);
                if self.peek_token()? != Some(b':') {
                    return Err(self.broken("expected `:` behind the name of a member"));
                }
                self.bump();
                self.peek_token()?;
                if found {
                    break;
                }
                self.pass_value()?;
            }
        }
        if self.peek_token()? == Some(b'[') {
            self.bump();
            self.inside = true;
            return Ok(());
        }
        self.pass_value()
    }

    /// The next byte that is no white space, not taken yet.
    fn peek_token(&mut self) -> Result<Option<u8>, ImportError> {
        loop {
            let block = self.source.fill_buf().map_err(|source| ImportError::file(&self.path, source))?;
            if block.is_empty() {
                return Ok(None);
            }
            let blank =
                block.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0xEF | 0xBB | 0xBF));
            let (mut length, mut lines) = (0, 0);
            for byte in blank {
                length += 1;
                lines += u64::from(*byte == b'\n');
            }
            let found = block.get(length).copied();
            self.source.consume(length);
            self.line += lines;
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Takes the byte that was looked at.
    fn bump(&mut self) {
        self.source.consume(1);
    }

    fn pass_value(&mut self) -> Result<(), ImportError> {
        self.scan(false)
    }

    fn take_value(&mut self) -> Result<(), ImportError> {
        self.value.clear();
        self.scan(true)
    }

    /// Moves behind the value that begins here. Members that are passed over may have any length.
    fn scan(&mut self, keep: bool) -> Result<(), ImportError> {
        let mut cutter = Cutter::default();
        loop {
            let block = self.source.fill_buf().map_err(|source| ImportError::file(&self.path, source))?;
            if block.is_empty() {
                return if cutter.is_bare() { Ok(()) } else { Err(self.broken("the file ends inside a value")) };
            }
            let (length, ended) = cutter.cut(block);
            let part = block.get(..length).unwrap_or_default();
            if keep {
                self.value.extend_from_slice(part);
            }
            self.line += memchr::memchr_iter(b'\n', part).count() as u64;
            self.source.consume(length);
            if keep && self.value.len() > LINE_BYTES_MAX {
                self.value = Vec::new();
                return Err(self.broken(&format!("a value is longer than {LINE_BYTES_MAX} bytes")));
            }
            if ended {
                return Ok(());
            }
        }
    }

    fn broken(&self, message: &str) -> ImportError {
        ImportError::broken(&self.path, self.line, message)
    }
}

/// Finds the end of one value, block by block.
#[derive(Debug, Default)]
struct Cutter {
    depth: u32,
    text: bool,
    escaped: bool,
    started: bool,
}

impl Cutter {
    /// A number or a word has no end of its own.
    const fn is_bare(&self) -> bool {
        self.started && self.depth == 0 && !self.text
    }

    /// How many bytes of the block belong to the value, and whether it ends with them.
    fn cut(&mut self, block: &[u8]) -> (usize, bool) {
        for (index, byte) in block.iter().enumerate() {
            if self.text {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.text = false;
                        if self.depth == 0 {
                            return (index + 1, true);
                        }
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' if self.is_bare() => return (index, true),
                b'"' => self.text = true,
                b'{' | b'[' if self.is_bare() => return (index, true),
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => {
                    if self.depth == 0 {
                        return (index, true);
                    }
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (index + 1, true);
                    }
                }
                b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => return (index, true),
                _ => {}
            }
            self.started = true;
        }
        (block.len(), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;
    use std::path::Path;

    fn values(text: &str, way: &'static [&'static str]) -> Result<Vec<(u64, String)>, String> {
        let input = Input::unpack(Path::new("log.json"), Box::new(Cursor::new(text.to_owned()))).unwrap();
        let mut documents = Documents::new(input, way);
        let mut found = Vec::new();
        while let Some(document) = documents.next_document().map_err(|error| error.to_string())? {
            found.push((document.place.line, String::from_utf8_lossy(document.bytes).into_owned()));
        }
        Ok(found)
    }

    fn texts(text: &str, way: &'static [&'static str]) -> Vec<String> {
        values(text, way).unwrap().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn values_are_cut_out_of_lines_arrays_and_pretty_files_alike() {
        let (one, two) = (r#"{"a":"x}\"]","b":[1,{"c":2}]}"#, r#"{"a":2}"#);
        for text in [
            format!("{one}\n{two}\n"),
            format!("{one}{two}"),
            format!("[{one},\n  {two}]"),
            format!("\u{feff}[\n{one}\n,\n{two}\n]\n"),
        ] {
            assert_eq!(texts(&text, &[]), [one, two], "{text}");
        }
        assert_eq!(texts("1 \"two\" null [3]", &[]), ["1", "\"two\"", "null", "3"]);
        assert!(texts("", &[]).is_empty() && texts("[]", &[]).is_empty() && texts(" \n ", &[]).is_empty());
    }

    #[test]
    fn an_array_deep_inside_an_object_is_found_whatever_stands_around_it() {
        let text = r#"{"log":{"version":"1.2","pages":[{"entries":[9]}],"entries":[{"n":1},{"n":2}],"comment":"x"},"z":[0]}
{"log":{"creator":{}}}
{"log":{"entries":[{"n":3}]}}"#;
        assert_eq!(texts(text, &["log", "entries"]), [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#]);
        assert_eq!(texts(r#"{"log":[1]}"#, &["log", "entries"]), Vec::<String>::new());
    }

    #[test]
    fn each_value_knows_its_line() {
        let found = values("[\n{\"a\":\n1},\n\n{\"b\":2}]", &[]).unwrap();
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 5]);
    }

    #[test]
    fn a_file_that_ends_too_early_is_told() {
        for text in ["[{\"a\":1},", "{\"a\":", "[\"x", "{\"log\":{\"entries\":[{}"] {
            let error = values(text, if text.contains("log") { &["log", "entries"] } else { &[] }).unwrap_err();
            assert!(error.contains("log.json, line 1") && error.contains("ends inside"), "{text}: {error}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_hangs_or_panics(text in ".{0,200}", deep in any::<bool>()) {
            let _seen = values(&text, if deep { &["log", "entries"] } else { &[] });
        }

        #[test]
        fn what_is_strung_together_comes_apart_again(
            parts in prop::collection::vec(("[a-z\"\\\\{}\\[\\]]{0,8}", any::<u32>()), 0..8), array in any::<bool>(),
        ) {
            let parts: Vec<String> =
                parts.into_iter().map(|(text, number)| serde_json::json!({text: [number, {"x": null}]}).to_string()).collect();
            let text = if array { format!("[{}]", parts.join(", ")) } else { parts.join("\n") };
            prop_assert_eq!(texts(&text, &[]), parts);
        }
    }
}
