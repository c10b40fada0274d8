//! Tables of comma-separated values with a heading: columns are found by name, wherever they stand.
//!
//! Fields may be quoted and hold line ends; rows may be shorter or longer than the heading. A row may have as many bytes
//! as a line of any other log: a quote that is never closed would otherwise take the whole file into memory.

use super::ImportError;
use super::entry::Place;
use super::input::Input;
use crate::read::LINE_BYTES_MAX;
use csv_core::{ReadRecordResult, Reader};
use wire::json::write_string;

/// The rows of one file.
pub(super) struct Table {
    input: Input,
    columns: Vec<String>,
    /// Line on which the current row begins.
    line: u64,
    fields: Fields,
}

/// The fields of the current row.
#[derive(Debug)]
struct Fields {
    reader: Reader,
    /// One behind the other.
    bytes: Vec<u8>,
    /// Bytes that are filled.
    length: usize,
    /// Where each field ends.
    ends: Vec<usize>,
    /// Fields that are there.
    count: usize,
}

impl Table {
    /// Reads the heading.
    ///
    /// # Errors
    /// The file cannot be read, or lacks one of the columns.
    pub(super) fn open(input: Input, needed: &[&str]) -> Result<Self, ImportError> {
        let fields = Fields { reader: Reader::new(), bytes: Vec::new(), length: 0, ends: Vec::new(), count: 0 };
        let mut table = Self { input, columns: Vec::new(), line: 0, fields };
        table.advance()?;
        let names = (0..table.fields.count).filter_map(|index| table.fields.get(index)).map(String::from_utf8_lossy);
        table.columns =
            names.map(|name| name.trim_start_matches('\u{feff}').trim().trim_matches('"').to_owned()).collect();
        let missing: Vec<&str> = needed.iter().copied().filter(|name| table.column(name).is_none()).collect();
        if missing.is_empty() {
            return Ok(table);
        }
        let message = format!(
            "the heading lacks the column `{}`, expected a table whose first line names its columns",
            missing.join("`, `")
        );
        Err(ImportError::Format { path: table.input.path().to_owned(), message })
    }

    /// Where a column stands, whatever the case of its name.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.eq_ignore_ascii_case(name))
    }

    /// The next row that is not blank; `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read, or a row is too long.
    pub(super) fn next_row(&mut self) -> Result<Option<Row<'_>>, ImportError> {
        Ok(self.advance()?.then_some(Row { table: self }))
    }

    /// Writes the next row as a JSON object of texts; fields that are empty are left out. `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read, or the row has another number of fields than the heading or is no UTF-8.
    pub(super) fn next_object(&mut self, out: &mut Vec<u8>) -> Result<Option<Place>, ImportError> {
        if !self.advance()? {
            return Ok(None);
        }
        let row = Row { table: self };
        let (found, expected) = (self.fields.count, self.columns.len());
        if found != expected {
            return Err(row
                .place()
                .wrong(format!("the row has {found} fields, expected {expected} as in the heading")));
        }
        out.clear();
        out.push(b'{');
        for (index, name) in self.columns.iter().enumerate() {
            let bytes = self.fields.get(index).unwrap_or_default();
            if bytes.is_empty() {
                continue;
            }
            let text = std::str::from_utf8(bytes)
                .map_err(|_| row.place().wrong(format!("`{name}` is no UTF-8; save the file as UTF-8")))?;
            if out.len() > 1 {
                out.push(b',');
            }
            write_string(out, name);
            out.push(b':');
            write_string(out, text);
        }
        out.push(b'}');
        Ok(Some(row.place()))
    }

    /// Reads line after line until a row is complete.
    fn advance(&mut self) -> Result<bool, ImportError> {
        self.fields.clear();
        let mut begun = false;
        loop {
            let Some(line) = self.input.next_line()? else {
                // The file may end inside quotes.
                return Ok(begun && self.fields.feed(&[]));
            };
            if !begun && line.trim_ascii().is_empty() {
                continue;
            }
            let ended = self.fields.feed(line) || self.fields.feed(b"\n");
            let place = self.input.place();
            if !begun {
                self.line = place.line;
                begun = true;
            }
            if ended {
                return Ok(true);
            }
            if self.fields.length > LINE_BYTES_MAX {
                self.fields.bytes = Vec::new();
                let message =
                    format!("a row is longer than {LINE_BYTES_MAX} bytes; look for a quote that is not closed");
                return Err(ImportError::row(&place.path, self.line, message));
            }
        }
    }
}

impl Fields {
    fn clear(&mut self) {
        self.reader.reset();
        self.length = 0;
        self.count = 0;
    }

    /// Gives bytes to the parser, none at the end of the file; whether a row ended with them.
    fn feed(&mut self, mut bytes: &[u8]) -> bool {
        let last = bytes.is_empty();
        loop {
            // A field never becomes longer than what it is made of.
            self.bytes.resize((self.length + bytes.len() + 1).max(self.bytes.len()), 0);
            self.ends.resize((self.count + 8).max(self.ends.len()), 0);
            let (Some(space), Some(ends)) = (self.bytes.get_mut(self.length..), self.ends.get_mut(self.count..)) else {
                return false;
            };
            let (result, read, written, ended) = self.reader.read_record(bytes, space, ends);
            bytes = bytes.get(read..).unwrap_or_default();
            self.length += written;
            self.count += ended;
            match result {
                ReadRecordResult::Record => return true,
                ReadRecordResult::End => return false,
                ReadRecordResult::InputEmpty if !last && bytes.is_empty() => return false,
                _ => {}
            }
        }
    }

    fn get(&self, index: usize) -> Option<&[u8]> {
        if index >= self.count {
            return None;
        }
        let begin = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.bytes.get(begin..*self.ends.get(index)?)
    }
}

/// One row.
pub(super) struct Row<'a> {
    table: &'a Table,
}

impl Row<'_> {
    pub(super) fn place(&self) -> Place {
        Place { path: self.table.input.path().to_owned(), line: self.table.line }
    }

    /// The text of a column; `None` where the row has none or an empty one.
    ///
    /// # Errors
    /// It is no UTF-8.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ImportError> {
        let Some(bytes) = self.table.column(name).and_then(|column| self.table.fields.get(column)) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(bytes)
            .map_err(|_| self.place().wrong(format!("`{name}` is no UTF-8; save the file as UTF-8")))?;
        let text = text.trim();
        Ok((!text.is_empty()).then_some(text))
    }

    /// The text of a column that every row must have.
    ///
    /// # Errors
    /// It is absent, empty or no UTF-8.
    pub(super) fn needed(&self, name: &str) -> Result<&str, ImportError> {
        self.text(name)?
            .ok_or_else(|| self.place().wrong(format!("`{name}` is empty or absent; mend or remove the row")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;
    use std::path::Path;

    fn table(text: impl Into<Vec<u8>>, needed: &[&str]) -> Result<Table, ImportError> {
        Table::open(Input::unpack(Path::new("t.csv"), Box::new(Cursor::new(text.into()))).unwrap(), needed)
    }

    #[test]
    fn columns_are_found_by_name_and_rows_know_their_lines() {
        let text = "\u{feff}One , two,\"Three\"\r\n1, 2 ,\"a\r\nb\"\r\n\r\n4\r\n5,6,7,8";
        let mut table = table(text, &["one", "THREE"]).unwrap();
        let row = table.next_row().unwrap().unwrap();
        assert_eq!((row.place().line, row.needed("two").unwrap()), (2, "2"));
        assert_eq!(row.text("three").unwrap(), Some("a\nb"));
        let row = table.next_row().unwrap().unwrap();
        assert_eq!((row.needed("one").unwrap(), row.text("two").unwrap()), ("4", None));
        assert_eq!(
            row.needed("two").unwrap_err().to_string(),
            "t.csv, line 5: `two` is empty or absent; mend or remove the row"
        );
        assert_eq!(table.next_row().unwrap().unwrap().needed("three").unwrap(), "7");
        assert!(table.next_row().unwrap().is_none());
    }

    #[test]
    fn a_row_is_an_object_of_what_it_has() {
        let mut table = table("a,\"b\",c\r\n1,\"x, \"\"y\"\"\nz\",\r\n2,3\r\n4,5,\"6\"\r\n", &[]).unwrap();
        let mut out = Vec::new();
        assert_eq!(table.next_object(&mut out).unwrap().unwrap().line, 2);
        assert_eq!(out, br#"{"a":"1","b":"x, \"y\"\nz"}"#);
        let error = table.next_object(&mut out).unwrap_err().to_string();
        assert!(error.contains("t.csv, line 4: the row has 2 fields, expected 3"), "{error}");
        assert!(table.next_object(&mut out).unwrap().is_some() && table.next_object(&mut out).unwrap().is_none());
    }

    #[test]
    fn a_missing_column_and_a_row_without_end_are_told() {
        let error = table("a,b\n1,2\n", &["a", "c", "d"]).err().unwrap().to_string();
        assert!(error.contains("`c`, `d`") && error.starts_with("t.csv: "), "{error}");
        let line = "x".repeat(65_535) + "\n";
        let endless = format!("a,b\n1,\"{}", line.repeat(LINE_BYTES_MAX / line.len() + 2));
        let mut endless = table(endless, &["a"]).unwrap();
        let error = endless.next_row().err().unwrap().to_string();
        assert!(error.contains("line 2") && error.contains("not closed"), "{error}");
        let mut bytes = b"a,b\n\xff,2\n".to_vec();
        bytes.extend_from_slice(b"1,2\n");
        let mut bytes = table(bytes, &["a"]).unwrap();
        assert!(bytes.next_row().unwrap().unwrap().text("a").unwrap_err().is_of_a_row());
        assert_eq!(bytes.next_row().unwrap().unwrap().needed("a").unwrap(), "1");
    }
}
