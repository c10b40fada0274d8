//! Bytes of a log, whatever they are packed with.

use super::ImportError;
use super::entry::Place;
use crate::read::{self, LINE_BYTES_MAX};
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

/// Bytes that can be looked at before reading.
const HEAD_BYTES: usize = 256 * 1024;

/// A file that is read from start to end once, with its lines counted.
pub(crate) struct Input {
    path: PathBuf,
    source: Box<dyn BufRead + Send>,
    head: Vec<u8>,
    line: u64,
    buffer: Vec<u8>,
}

impl Input {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// It cannot be opened, or what it is packed with is broken at its start.
    pub(crate) fn open(path: &Path) -> Result<Self, ImportError> {
        read::unpacked(path)
            .and_then(|source| Self::new(path, source))
            .map_err(|source| ImportError::file(path, source))
    }

    /// As [`Input::open`], from any source; `path` is only its name.
    pub(crate) fn unpack(path: &Path, raw: Box<dyn Read + Send>) -> std::io::Result<Self> {
        Self::new(path, read::unpack(raw)?)
    }

    fn new(path: &Path, mut source: Box<dyn BufRead + Send>) -> std::io::Result<Self> {
        let mut head = Vec::new();
        source.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        let whole = Cursor::new(head.clone()).chain(source);
        let source = Box::new(BufReader::with_capacity(HEAD_BYTES, whole));
        Ok(Self { path: path.to_owned(), source, head, line: 0, buffer: Vec::new() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The first bytes of the file, a quarter of a MiB at most.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Place of the line that was read last.
    pub(crate) fn place(&self) -> Place {
        Place { path: self.path.clone(), line: self.line }
    }

    /// The bytes themselves, for formats that are no lines. Whoever takes them counts lines himself.
    pub(crate) fn into_source(self) -> (PathBuf, Box<dyn BufRead + Send>) {
        (self.path, self.source)
    }

    /// The next line without its end (LF, or CR and LF); `None` at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read. A line above the bound is an error of its row, and is passed over.
    pub(crate) fn next_line(&mut self) -> Result<Option<&[u8]>, ImportError> {
        self.buffer.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        let failed = |source| ImportError::file(&self.path, source);
        let read = self.source.by_ref().take(limit).read_until(b'\n', &mut self.buffer).map_err(failed)?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
            if self.buffer.last() == Some(&b'\r') {
                self.buffer.pop();
            }
        } else if read as u64 == limit {
            self.source.skip_until(b'\n').map_err(failed)?;
            self.buffer = Vec::new();
            let message = format!("the line is longer than {LINE_BYTES_MAX} bytes; split it or remove it");
            return Err(ImportError::row(&self.path, self.line, message));
        }
        Ok(Some(&self.buffer))
    }
}
