//! Tables with a heading, as databases and spreadsheets write them (RFC 4180), read as rows.
//!
//! A record ends with the line in which its quotes are closed. One whose quotes stay open for longer than a line may be
//! is given up, so that a stray quote cannot swallow a file in memory.

use super::ImportError;
use super::entry::Place;
use super::input::Input;
use crate::read::LINE_BYTES_MAX;
use wire::json::write_string;

/// A file that is a table.
pub(super) struct Cells {
    input: Input,
    heading: Vec<String>,
    record: Vec<u8>,
}

impl Cells {
    /// Reads the heading.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn open(input: Input) -> Result<Self, ImportError> {
        let mut table = Self { input, heading: Vec::new(), record: Vec::new() };
        if let Some(place) = table.next_record()? {
            table.heading = table.cells(&place)?;
        }
        Ok(table)
    }

    /// Writes the next record as a JSON object of texts; cells that are empty are left out. `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read, or the record has another number of cells than the heading.
    pub(super) fn next_object(&mut self, out: &mut Vec<u8>) -> Result<Option<Place>, ImportError> {
        let Some(place) = self.next_record()? else { return Ok(None) };
        let cells = self.cells(&place)?;
        if cells.len() != self.heading.len() {
            let message =
                format!("the row has {} cells, expected {} as in the heading", cells.len(), self.heading.len());
            return Err(place.wrong(message));
        }
        out.clear();
        out.push(b'{');
        for (name, cell) in self.heading.iter().zip(&cells).filter(|(_, cell)| !cell.is_empty()) {
            if out.len() > 1 {
                out.push(b',');
            }
            write_string(out, name);
            out.push(b':');
            write_string(out, cell);
        }
        out.push(b'}');
        Ok(Some(place))
    }

    /// Lines up to the one that closes all quotes.
    fn next_record(&mut self) -> Result<Option<Place>, ImportError> {
        self.record.clear();
        let mut first: Option<Place> = None;
        let mut quoted = false;
        loop {
            let Some(line) = self.input.next_line()? else {
                return match first {
                    Some(place) => Err(place.wrong("the file ends inside a quoted cell")),
                    None => Ok(None),
                };
            };
            if first.is_none() && line.trim_ascii().is_empty() {
                continue;
            }
            if first.is_some() {
                self.record.push(b'\n');
            }
            self.record.extend_from_slice(line);
            quoted ^= memchr::memchr_iter(b'"', line).count() % 2 == 1;
            let place = first.get_or_insert_with(|| self.input.place());
            if !quoted {
                return Ok(Some(place.clone()));
            }
            if self.record.len() > LINE_BYTES_MAX {
                return Err(
                    place.wrong(format!("a quoted cell is longer than {LINE_BYTES_MAX} bytes; is a quote missing?"))
                );
            }
        }
    }

    fn cells(&self, place: &Place) -> Result<Vec<String>, ImportError> {
        let record = self.record.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&self.record);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(record);
        match reader.records().next() {
            Some(Ok(cells)) => Ok(cells.iter().map(str::to_owned).collect()),
            _ => Err(place.wrong("the row is no table row in UTF-8")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;
    use std::path::Path;

    fn rows(text: &str) -> Vec<Result<(u64, String), String>> {
        let input = Input::unpack(Path::new("t.csv"), Box::new(Cursor::new(text.to_owned()))).unwrap();
        let mut table = Cells::open(input).unwrap();
        let (mut found, mut out) = (Vec::new(), Vec::new());
        loop {
            match table.next_object(&mut out) {
                Ok(Some(place)) => found.push(Ok((place.line, String::from_utf8(out.clone()).unwrap()))),
                Ok(None) => return found,
                Err(error) => found.push(Err(error.to_string())),
            }
        }
    }

    #[test]
    fn cells_with_commas_quotes_and_line_ends_are_one_cell() {
        let found = rows("\u{feff}a,\"b\",c\r\n1,\"x, \"\"y\"\"\nz\",\r\n\r\n2,3\r\n4,5,\"6\"\r\n");
        assert_eq!(found[0], Ok((2, r#"{"a":"1","b":"x, \"y\"\nz"}"#.to_owned())));
        assert!(found[1].as_ref().unwrap_err().contains("t.csv, line 5: the row has 2 cells, expected 3"), "{found:?}");
        assert_eq!(found[2], Ok((6, r#"{"a":"4","b":"5","c":"6"}"#.to_owned())));
        assert_eq!(found.len(), 3);
        assert!(rows("").is_empty() && rows("a,b\n").is_empty());
        assert!(rows("a\n\"open\nfor ever\n")[0].as_ref().unwrap_err().contains("ends inside a quoted cell"));
    }
}
