//! Rows of several files, however each of them has them: a JSON object a line, objects one after the other or in a list
//! over any number of lines, a list inside one object as APIs answer, or a table.
//!
//! Lines are taken one by one where the beginning shows that the file has an object a line, because then a broken one
//! costs one row and not what follows it.

use super::ImportError;
use super::detect::Head;
use super::documents::Documents;
use super::input::Input;
use super::row::Row;
use super::table::Table;

/// The rows of all files.
pub(super) struct Rows {
    /// Files that are still to be read, the next one last.
    rest: Vec<Input>,
    current: Option<Source>,
    buffer: Vec<u8>,
}

enum Source {
    Lines(Input),
    Documents(Documents),
    Table(Box<Table>),
}

impl Rows {
    pub(super) fn new(inputs: Vec<Input>) -> Self {
        Self { rest: inputs.into_iter().rev().collect(), current: None, buffer: Vec::new() }
    }

    /// The next row; `None` at the end of the last file.
    ///
    /// # Errors
    /// A file cannot be read, or the row is no object.
    pub(super) fn next_row(&mut self) -> Result<Option<Row<'_>>, ImportError> {
        let place = loop {
            let Some(source) = &mut self.current else {
                let Some(input) = self.rest.pop() else { return Ok(None) };
                self.current = Some(Source::of(input)?);
                continue;
            };
            let place = match source {
                Source::Lines(input) => match input.next_line()? {
                    None => None,
                    Some(line) if line.trim_ascii().is_empty() => continue,
                    Some(line) => {
                        self.buffer.clear();
                        self.buffer.extend_from_slice(line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line));
                        Some(input.place())
                    }
                },
                Source::Documents(documents) => documents.next_document()?.map(|document| {
                    self.buffer.clear();
                    self.buffer.extend_from_slice(document.bytes);
                    document.place
                }),
                Source::Table(cells) => cells.next_object(&mut self.buffer)?,
            };
            match place {
                Some(place) => break place,
                None => self.current = None,
            }
        };
        Row::parse(place, &self.buffer).map(Some)
    }
}

impl Source {
    fn of(input: Input) -> Result<Self, ImportError> {
        let head = Head::new(input.head());
        let start = head.text().trim_start_matches('\u{feff}').trim_start().bytes().next();
        if !matches!(start, Some(b'{' | b'[') | None) {
            return Ok(Self::Table(Box::new(Table::open(input, &[])?)));
        }
        let way: &'static [&'static str] = match head.wrapped() {
            Some("data") => &["data"],
            Some("observations") => &["observations"],
            Some("logs") => &["logs"],
            Some("rows") => &["rows"],
            _ if has_object_a_line(head.text()) => return Ok(Self::Lines(input)),
            _ => &[],
        };
        Ok(Self::Documents(Documents::new(input, way)))
    }
}

/// Whether a file that begins like this has one object in each line.
pub(super) fn has_object_a_line(text: &str) -> bool {
    let mut lines = text.trim_start_matches('\u{feff}').split('\n').map(str::trim).filter(|line| !line.is_empty());
    let whole = |line: &str| line.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
    let Some(first) = lines.next().filter(|line| line.starts_with('{')) else { return false };
    match lines.next() {
        None => whole(first),
        Some(second) => whole(first) || whole(second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;
    use std::path::Path;

    fn ids(text: &str) -> Vec<Result<String, String>> {
        let input = Input::unpack(Path::new("log"), Box::new(Cursor::new(text.to_owned()))).unwrap();
        let mut rows = Rows::new(vec![input]);
        let mut found = Vec::new();
        loop {
            match rows.next_row() {
                Ok(None) => return found,
                Ok(Some(row)) => found.push(Ok(row.text("id").unwrap().unwrap())),
                Err(error) => {
                    let ends = !error.is_of_a_row();
                    found.push(Err(error.to_string()));
                    if ends {
                        return found;
                    }
                }
            }
        }
    }

    #[test]
    fn rows_are_found_in_every_shape_of_file() {
        let expected = vec![Ok("a".to_owned()), Ok("b".to_owned())];
        for text in [
            "{\"id\":\"a\"}\n{\"id\":\"b\"}\n",
            "\u{feff}{\"id\":\"a\"}\r\n\r\n{\"id\":\"b\"}",
            "{\"id\":\"a\"}{\"id\":\"b\"}",
            "[{\"id\":\"a\"},{\"id\":\"b\"}]",
            "[\n  {\n    \"id\": \"a\"\n  },\n  {\n    \"id\": \"b\"\n  }\n]\n",
            "{\n  \"id\": \"a\"\n}\n{\n  \"id\": \"b\"\n}\n",
            "{\"error\":null,\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"meta\":{\"page\":1}}",
            "{\"data\":[{\"id\":\"a\"}]}\n{\"data\":[{\"id\":\"b\"}]}\n",
            "id,x\na,1\nb,2\n",
            "\"id\",\"x\"\r\n\"a\",\"1\"\r\n\"b\",\"{\"\"y\"\":1}\"\r\n",
        ] {
            assert_eq!(ids(text), expected, "{text}");
        }
        assert!(ids("").is_empty() && ids("[]").is_empty() && ids("\n\n").is_empty());
    }

    #[test]
    fn a_broken_line_costs_one_row() {
        for text in ["{\"id\":\"a\"}\n{\"id\":\"x\n{\"id\":\"b\"}\n", "{\"id\":\"a\"}\n7\n{\"id\":\"b\"}\n"] {
            let found = ids(text);
            assert_eq!((found.len(), &found[2]), (3, &Ok("b".to_owned())), "{text}");
            assert!(found[1].as_ref().unwrap_err().contains("log, line 2: expected a JSON object"), "{found:?}");
        }
        let found = ids("{\"id\":\"x\n{\"id\":\"b\"}\n");
        assert!(found[0].is_err() && found[1] == Ok("b".to_owned()), "{found:?}");
    }

    #[test]
    fn a_row_longer_than_the_beginning_is_still_a_row() {
        let long = "x".repeat(400_000);
        let text = format!("{{\"id\":\"a\",\"p\":\"{long}\"}}\n{{\"id\":\"b\"}}\n");
        assert_eq!(ids(&text).len(), 2);
        let text = format!("{{\"data\":[{{\"id\":\"a\",\"q\":1,\"p\":\"{long}\"}},{{\"id\":\"b\"}}]}}");
        assert_eq!(ids(&text), [Ok("a".to_owned()), Ok("b".to_owned())]);
    }
}
