//! Appends records to a file; what is on disk is always a whole number of lines.

use crate::file::FileError;
use crate::header::Header;
use crate::read::Lines;
use crate::{Format, ReadError};
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Why records could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk said no.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another process writes to the file: both would overwrite each other's lines.
    #[error("{path} is being written by another process; stop it, or choose another path")]
    Locked {
        /// File.
        path: PathBuf,
    },
    /// The file that is there cannot be continued.
    #[error("{0}; choose another path, or move the file away")]
    Existing(ReadError),
    /// A record does not serialise.
    #[error("a record for {path} cannot be written as JSON: {message}")]
    Record {
        /// File.
        path: PathBuf,
        /// Cause.
        message: String,
    },
}

/// An open record file. Lines are collected in memory and written by [`Appender::flush`]; if that fails, the file
/// is cut back to the last whole line and the collected lines are given up, so nothing recorded before is lost.
#[derive(Debug)]
pub struct Appender {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines on disk; `None` for a device, which cannot be cut back.
    good_bytes: Option<u64>,
    pending: Vec<u8>,
    pending_lines: u64,
    written_lines: u64,
}

impl Appender {
    /// Opens a file to append to, or creates it with `header`. A line that an earlier crash left unfinished is cut
    /// off; a file of another format or a newer major version is refused.
    ///
    /// # Errors
    /// The file cannot be opened or written, or holds something else.
    pub fn open(path: &Path, header: &Header) -> Result<Self, WriteError> {
        let failed = |source| WriteError::File(FileError::new(path, source));
        let device = path.metadata().is_ok_and(|meta| !meta.is_file());
        let mut file =
            OpenOptions::new().read(!device).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let mut good_bytes = None;
        if !device {
            // Held until the file is closed. Where locks do not exist, nothing is promised.
            if let Err(std::fs::TryLockError::WouldBlock) = file.try_lock() {
                return Err(WriteError::Locked { path: path.to_owned() });
            }
            // Checked before anything is cut off: a file that is not ours keeps every byte.
            if file.metadata().map_err(failed)?.len() > 0 {
                check_existing(path, header.format)?;
            }
            let whole = whole_lines(&mut file).map_err(failed)?;
            file.set_len(whole).map_err(failed)?;
            file.seek(SeekFrom::End(0)).map_err(failed)?;
            good_bytes = Some(whole);
        }
        let mut appender =
            Self { path: path.to_owned(), file, good_bytes, pending: Vec::new(), pending_lines: 0, written_lines: 0 };
        if good_bytes.is_none_or(|bytes| bytes == 0) {
            appender.push(header)?;
            appender.flush()?;
            appender.written_lines = 0;
        }
        Ok(appender)
    }

    /// Collects one record.
    ///
    /// # Errors
    /// The record does not serialise.
    pub fn push<T: Serialize>(&mut self, record: &T) -> Result<(), WriteError> {
        let start = self.pending.len();
        if let Err(error) = serde_json::to_writer(&mut self.pending, record) {
            self.pending.truncate(start);
            return Err(WriteError::Record { path: self.path.clone(), message: error.to_string() });
        }
        self.pending.push(b'\n');
        self.pending_lines += 1;
        Ok(())
    }

    /// Bytes collected and not yet written.
    #[must_use]
    pub const fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    /// Records written since the file was opened.
    #[must_use]
    pub const fn written_lines(&self) -> u64 {
        self.written_lines
    }

    /// Writes the collected lines.
    ///
    /// # Errors
    /// The disk said no. The file then ends with its last whole line; the collected lines are lost and the caller
    /// has to count them ([`Appender::pending_lines`] before the call).
    pub fn flush(&mut self) -> Result<(), WriteError> {
        let written = self.file.write_all(&self.pending).and_then(|()| self.file.flush());
        let bytes = self.pending.len() as u64;
        self.pending.clear();
        let lines = std::mem::take(&mut self.pending_lines);
        match written {
            Ok(()) => {
                self.good_bytes = self.good_bytes.map(|good| good + bytes);
                self.written_lines += lines;
                Ok(())
            }
            Err(error) => {
                if let Some(good) = self.good_bytes {
                    // If even this fails there is nothing left to try; the next open cuts the line off.
                    let _unfinished = self.file.set_len(good).and_then(|()| self.file.seek(SeekFrom::Start(good)));
                }
                Err(FileError::new(&self.path, error).into())
            }
        }
    }

    /// Lines collected and not yet written.
    #[must_use]
    pub const fn pending_lines(&self) -> u64 {
        self.pending_lines
    }

    /// Flushes and asks the disk to keep it.
    ///
    /// # Errors
    /// As [`Appender::flush`].
    pub fn sync(&mut self) -> Result<(), WriteError> {
        self.flush()?;
        if self.good_bytes.is_some() {
            self.file.sync_all().map_err(|error| FileError::new(&self.path, error))?;
        }
        Ok(())
    }
}

/// Length of the file up to its last line end.
fn whole_lines(file: &mut File) -> std::io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = vec![0u8; 64 * 1024];
    while end > 0 {
        let size = end.min(block.len() as u64);
        let part = block.get_mut(..usize::try_from(size).unwrap_or(0)).unwrap_or_default();
        file.seek(SeekFrom::Start(end - size))?;
        file.read_exact(part)?;
        if let Some(last) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(end - size + last as u64 + 1);
        }
        end -= size;
    }
    Ok(0)
}

fn check_existing(path: &Path, format: Format) -> Result<(), WriteError> {
    Lines::<serde::de::IgnoredAny>::open(path, format).map(|_| ()).map_err(WriteError::Existing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Label, Redaction};

    fn label(request: &str) -> Label {
        Label { request: request.into(), answer_digest: "d".into(), metric: "exact".into(), good: true }
    }

    fn append(path: &Path, requests: &[&str]) {
        let mut appender = Appender::open(path, &Header::new(Format::Labels, Redaction::Hashed)).unwrap();
        for request in requests {
            appender.push(&label(request)).unwrap();
        }
        appender.sync().unwrap();
        assert_eq!(appender.written_lines(), requests.len() as u64);
    }

    fn read(path: &Path) -> Vec<String> {
        Lines::<Label>::open(path, Format::Labels).unwrap().map(|label| label.unwrap().request).collect()
    }

    #[test]
    fn appending_goes_on_where_the_last_run_ended_even_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.ndjson");
        append(&path, &["a", "b"]);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"request\":\"half").unwrap();
        append(&path, &["c"]);
        assert_eq!(read(&path), ["a", "b", "c"]);
    }

    #[test]
    fn a_file_of_another_kind_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        for text in ["dear diary\n", "dear diary"] {
            std::fs::write(&path, text).unwrap();
            let error = Appender::open(&path, &Header::new(Format::Labels, Redaction::Hashed)).unwrap_err().to_string();
            assert!(error.contains("notes.txt") && error.contains("another path"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn two_writers_never_share_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.ndjson");
        let open = || Appender::open(&path, &Header::new(Format::Labels, Redaction::Hashed));
        let first = open().unwrap();
        assert!(open().unwrap_err().to_string().contains("another process"));
        drop(first);
        assert!(open().is_ok());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_named() {
        let error =
            Appender::open(Path::new("/dev/full"), &Header::new(Format::Labels, Redaction::Hashed)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("/dev/full") && text.contains("free space"), "{text}");
    }

    #[test]
    fn zstd_files_read_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.ndjson");
        append(&path, &["a", "b"]);
        let packed = folder.path().join("labels.ndjson.zst");
        std::fs::write(&packed, zstd::encode_all(&*std::fs::read(&path).unwrap(), 1).unwrap()).unwrap();
        assert_eq!(read(&packed), ["a", "b"]);
    }
}
