//! A file of any of our formats, told by its header.

use super::{LINE_BYTES_MAX, Lines, ReadError, unpacked};
use crate::header::{Format, Header};
use crate::{Exchange, Label, LoggedRequest};
use std::io::{BufRead, Cursor, Read};
use std::path::Path;

/// The lines of a file.
#[derive(Debug)]
pub enum AnyLines {
    /// A request log.
    Requests(Lines<LoggedRequest>),
    /// Exchange records.
    Exchanges(Lines<Exchange>),
    /// Labels.
    Labels(Lines<Label>),
}

impl AnyLines {
    /// Opens a file as what its header says, packed or not. `-` is standard input.
    ///
    /// # Errors
    /// The file cannot be read, or its first line is no header of a version that can be read.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let source = unpacked(path).map_err(|source| ReadError::File { path: path.to_owned(), source })?;
        Self::from_reader(path, source)
    }

    /// Reads from any source; `path` is only its name in errors.
    ///
    /// # Errors
    /// As [`AnyLines::open`].
    pub fn from_reader(path: &Path, mut source: Box<dyn BufRead + Send>) -> Result<Self, ReadError> {
        let mut first = Vec::new();
        (&mut source)
            .take(LINE_BYTES_MAX as u64 + 1)
            .read_until(b'\n', &mut first)
            .map_err(|source| ReadError::File { path: path.to_owned(), source })?;
        let header: Header = serde_json::from_slice(&first).map_err(|error| ReadError::Header {
            path: path.to_owned(),
            message: format!(
                "no header of a weighbridge file ({error}); `weighbridge import` reads the logs of other tools"
            ),
        })?;
        let source: Box<dyn BufRead + Send> = Box::new(Cursor::new(first).chain(source));
        Ok(match header.format {
            Format::Requests => Self::Requests(Lines::from_reader(path, source, header.format)?),
            Format::Exchanges => Self::Exchanges(Lines::from_reader(path, source, header.format)?),
            Format::Labels => Self::Labels(Lines::from_reader(path, source, header.format)?),
        })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        match self {
            Self::Requests(lines) => lines.header(),
            Self::Exchanges(lines) => lines.header(),
            Self::Labels(lines) => lines.header(),
        }
    }
}
