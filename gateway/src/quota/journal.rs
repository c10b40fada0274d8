//! The journal: a file with one line for everything that changed the ledger or the usage book.
//!
//! Each line is handed to the system by one write before the call goes out, and when it ends, so a process that is killed
//! loses nothing. A loss of power may lose what came after the last sync. The last line may be torn; it is cut off.
//!
//! A journal that has grown is written anew: a snapshot in a file beside it, while the old one goes on; then what came in
//! the meantime, and the new file takes the old one's name. Whenever the process dies, one whole file is there.
//!
//! What cannot be written is counted and said, and calls go on: memory still knows. The journal is then written anew as soon
//! as the disk allows it.

use crate::usage::{Book, Key, Sums};
use lease::quota::{Entry, Ledger};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const FORMAT: &str = "weighbridge.quotas";
const VERSION: u32 = 1;
/// Longest line that is read.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// Most bytes that may come in while the journal is written anew; with more it is tried again later.
const TAIL_BYTES_MAX: usize = 64 << 20;

/// Why what consumers used cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be read or written.
    #[error("quota_store.file: cannot use {path}: {source}; check the path and the rights")]
    File {
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// Somebody else has it.
    #[error(
        "quota_store.file: {path} is used by another gateway; give each one a file of its own, or share through Redis"
    )]
    Taken {
        /// File.
        path: PathBuf,
    },
    /// A line is not what was expected.
    #[error(
        "quota_store.file: {path}, line {line}: {message}; if what was used so far may be forgotten, move the file away"
    )]
    Line {
        /// File.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What was found.
        message: String,
    },
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first one.
    Begin { format: String, version: u32 },
    /// The ledger.
    Quota(Entry),
    /// The usage book: a row grew.
    Use { key: Key, sums: Sums },
    /// The usage book: what was added to a row was for the experiment.
    Experiment { key: Key, sums: Sums },
}

/// What is kept.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub ledger: Ledger,
    /// `None`: no usage is kept.
    pub book: Option<Book>,
}

impl State {
    fn apply(&mut self, line: Line) {
        match (line, &mut self.book) {
            (Line::Quota(entry), _) => self.ledger.apply(entry),
            (Line::Use { key, sums }, Some(book)) => book.add(key, &sums),
            (Line::Experiment { key, sums }, Some(book)) => book.charge_experiment(key, &sums),
            _ => {}
        }
    }

    /// Everything as the beginning of a journal.
    pub(super) fn write(&self, mut out: impl Write) -> std::io::Result<()> {
        let mut line = |line: &Line| {
            serde_json::to_writer(&mut out, line)?;
            out.write_all(b"\n")
        };
        line(&Line::Begin { format: FORMAT.to_owned(), version: VERSION })?;
        for entry in self.ledger.snapshot() {
            line(&Line::Quota(entry))?;
        }
        for (key, sums) in self.book.iter().flat_map(Book::rows) {
            line(&Line::Use { key: key.clone(), sums: *sums })?;
        }
        Ok(())
    }
}

/// The open file.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    bytes: u64,
    /// Bytes of it when it was begun.
    begun_bytes: u64,
    /// What the file holds is less than what memory knows.
    behind: bool,
    dirty: bool,
    line: Vec<u8>,
    /// What came in since a new file was begun.
    tail: Option<Vec<u8>>,
    pub errors: u64,
}

/// A file that is written beside the journal.
pub(super) struct Next {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the file and does to `state` what stands in it. A file that is not there is begun.
    pub(super) fn open(path: &Path, state: &mut State) -> Result<Self, StoreError> {
        let failed = |source| StoreError::File { path: path.to_owned(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        lock(&file, path)?;
        let bytes = read(&file, path, state)?;
        file.set_len(bytes).map_err(failed)?;
        file.seek(SeekFrom::Start(bytes)).map_err(failed)?;
        let mut journal = Self {
            path: path.to_owned(),
            file,
            bytes,
            begun_bytes: bytes,
            behind: false,
            dirty: true,
            line: Vec::new(),
            tail: None,
            errors: 0,
        };
        if bytes == 0 {
            journal.append(&Line::Begin { format: FORMAT.to_owned(), version: VERSION });
        }
        Ok(journal)
    }

    /// One line, by one write.
    pub(super) fn append(&mut self, line: &Line) {
        self.line.clear();
        if serde_json::to_writer(&mut self.line, line).is_err() {
            return;
        }
        self.line.push(b'\n');
        if let Some(tail) = self.tail.take_if(|tail| tail.len() + self.line.len() > TAIL_BYTES_MAX) {
            drop(tail);
        }
        if let Some(tail) = &mut self.tail {
            tail.extend_from_slice(&self.line);
        }
        if self.behind {
            self.errors += 1;
            return;
        }
        match self.file.write_all(&self.line) {
            Ok(()) => {
                self.bytes += self.line.len() as u64;
                self.dirty = true;
            }
            Err(error) => self.fell_behind(&error),
        }
    }

    fn fell_behind(&mut self, error: &std::io::Error) {
        self.errors += 1;
        self.behind = true;
        tracing::error!(path = %self.path.display(), %error, "quotas and usage cannot be written: a restart would forget them");
        // Half a line must not stand before a whole one.
        let _cut = self.file.set_len(self.bytes).and_then(|()| self.file.seek(SeekFrom::Start(self.bytes)));
    }

    /// Whether it should be written anew: it has grown by so many bytes and has doubled, or it is behind.
    pub(super) const fn wants_anew(&self, compact_bytes: u64) -> bool {
        self.behind || self.bytes > self.begun_bytes.saturating_mul(2).saturating_add(compact_bytes)
    }

    /// A handle for a sync, if something was written since the last one.
    pub(super) fn unsynced(&mut self) -> Option<File> {
        if !std::mem::take(&mut self.dirty) {
            return None;
        }
        self.file.try_clone().ok()
    }

    /// From now on what comes in is kept for the new file, too. Returns where that has to be written.
    pub(super) fn begin_tail(&mut self) -> PathBuf {
        self.tail = Some(Vec::new());
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        self.path.with_file_name(name)
    }

    /// The new file takes the place of the old one.
    pub(super) fn take_over(&mut self, mut next: Next) -> std::io::Result<()> {
        let Some(tail) = self.tail.take() else {
            return Err(std::io::Error::other("too much came in meanwhile"));
        };
        next.file.write_all(&tail)?;
        next.file.sync_data()?;
        let bytes = next.file.stream_position()?;
        std::fs::rename(&next.path, &self.path)?;
        self.file = next.file;
        (self.bytes, self.begun_bytes) = (bytes, bytes);
        (self.behind, self.dirty) = (false, false);
        Ok(())
    }

    /// The new file was given up.
    pub(super) fn drop_tail(&mut self) {
        self.tail = None;
    }

    pub(super) fn failed(&mut self, error: &std::io::Error) {
        self.errors += 1;
        tracing::error!(path = %self.path.display(), %error, "the journal of quotas cannot be written anew");
    }
}

impl Next {
    /// Writes a snapshot and asks the disk to keep it. Takes as long as it takes; nobody waits.
    pub(super) fn write(path: PathBuf, state: &State) -> std::io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        file.try_lock()?;
        let mut out = BufWriter::new(&file);
        state.write(&mut out)?;
        out.flush()?;
        drop(out);
        file.sync_all()?;
        Ok(Self { path, file })
    }
}

fn lock(file: &File, path: &Path) -> Result<(), StoreError> {
    file.try_lock().map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => StoreError::Taken { path: path.to_owned() },
        std::fs::TryLockError::Error(source) => StoreError::File { path: path.to_owned(), source },
    })
}

/// Does what stands in the file; returns the bytes of its whole lines.
fn read(file: &File, path: &Path, state: &mut State) -> Result<u64, StoreError> {
    let failed = |source| StoreError::File { path: path.to_owned(), source };
    let mut reader = BufReader::new(file);
    let (mut bytes, mut number, mut line) = (0, 0, Vec::new());
    loop {
        line.clear();
        number += 1;
        reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(failed)?;
        if line.is_empty() {
            return Ok(bytes);
        }
        let wrong = |message: String| StoreError::Line { path: path.to_owned(), line: number, message };
        if line.last() != Some(&b'\n') {
            if line.len() as u64 == LINE_BYTES_MAX {
                return Err(wrong(format!("the line is longer than {LINE_BYTES_MAX} bytes")));
            }
            tracing::warn!(path = %path.display(), line = number, "the last line is torn and is cut off");
            return Ok(bytes);
        }
        let read: Line = serde_json::from_slice(&line).map_err(|error| wrong(error.to_string()))?;
        match (&read, number) {
            (Line::Begin { format, version }, 1) if format == FORMAT && *version == VERSION => {}
            (Line::Begin { format, version }, 1) => {
                return Err(wrong(format!("it is {format}/{version}: expected {FORMAT}/{VERSION}")));
            }
            (_, 1) => return Err(wrong(format!("expected the first line of {FORMAT}/{VERSION}"))),
            _ => state.apply(read),
        }
        bytes += line.len() as u64;
    }
}
