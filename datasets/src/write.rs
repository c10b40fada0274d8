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
    /// The header of the file that is there would say the wrong thing about the lines of this writer.
    #[error(
        "{path} has {what} {found}, this writer has {ours}: the header would not be true of the new lines; choose another \
         path, or convert the file first (`weighbridge records convert {path} --out NEW`)"
    )]
    Differs {
        /// File.
        path: PathBuf,
        /// `version` or `redaction`.
        what: &'static str,
        /// What the file has.
        found: String,
        /// What this writer would write.
        ours: String,
    },
    /// A record does not serialise.
    #[error("a record for {path} cannot be written as JSON: {message}")]
    Record {
        /// File.
        path: PathBuf,
        /// Cause.
        message: String,
    },
}

/// What lines are written to: a file, or in tests a file whose disk fails when told to.
pub trait Medium: Read + Write + Seek + Send + std::fmt::Debug {
    /// Cuts everything after so many bytes.
    ///
    /// # Errors
    /// The disk said no.
    fn cut(&mut self, bytes: u64) -> std::io::Result<()>;

    /// Returns when everything written would survive a loss of power.
    ///
    /// # Errors
    /// The disk said no.
    fn keep(&mut self) -> std::io::Result<()>;
}

impl Medium for File {
    fn cut(&mut self, bytes: u64) -> std::io::Result<()> {
        self.set_len(bytes)
    }

    fn keep(&mut self) -> std::io::Result<()> {
        self.sync_all()
    }
}

/// An open record file. Lines are collected in memory and written by [`Appender::flush`]; if that fails, the file
/// is cut back to the last whole line and the collected lines are given up, so nothing recorded before is lost.
#[derive(Debug)]
pub struct Appender {
    path: PathBuf,
    medium: Box<dyn Medium>,
    /// The header that the file has, which is another one than asked for where an earlier run began the file.
    header: Header,
    created: bool,
    /// Bytes of whole lines on disk; `None` for a device, which cannot be cut back.
    good_bytes: Option<u64>,
    /// A failed write may have left part of a line, which is not cut off yet.
    torn: bool,
    pending: Vec<u8>,
    pending_lines: u64,
    written_lines: u64,
}

impl Appender {
    /// Opens a file to append to, or creates it with `header`. A line that an earlier crash left unfinished is cut
    /// off. A file of another format, version or redaction is refused and keeps every byte: what its header says must
    /// be true of all its lines.
    ///
    /// # Errors
    /// The file cannot be opened or written, or holds something else.
    pub fn open(path: &Path, header: &Header) -> Result<Self, WriteError> {
        Self::open_checked(path, header, |found| differs(path, found, header), |file| Box::new(file))
    }

    /// As [`Appender::open`], but takes over a file of any version that can be read and of any redaction: for a writer
    /// that looks at [`Appender::header`] and closes such a file instead of writing to it. `medium` may put something
    /// between the lines and the file.
    ///
    /// # Errors
    /// The file cannot be opened or written, or holds something else.
    pub fn open_on(
        path: &Path,
        header: &Header,
        medium: impl FnOnce(File) -> Box<dyn Medium>,
    ) -> Result<Self, WriteError> {
        Self::open_checked(path, header, |_| Ok(()), medium)
    }

    fn open_checked(
        path: &Path,
        header: &Header,
        fits: impl FnOnce(&Header) -> Result<(), WriteError>,
        medium: impl FnOnce(File) -> Box<dyn Medium>,
    ) -> Result<Self, WriteError> {
        let failed = |source| WriteError::File(FileError::new(path, source));
        let device = path.metadata().is_ok_and(|meta| !meta.is_file());
        let mut file =
            OpenOptions::new().read(!device).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let (mut good_bytes, mut found) = (None, None);
        if !device {
            // Held until the file is closed. Where locks do not exist, nothing is promised.
            if let Err(std::fs::TryLockError::WouldBlock) = file.try_lock() {
                return Err(WriteError::Locked { path: path.to_owned() });
            }
            // Checked before anything is cut off: a file that is not ours keeps every byte.
            if file.metadata().map_err(failed)?.len() > 0 {
                let existing = existing_header(path, header.format)?;
                fits(&existing)?;
                found = Some(existing);
            }
            let whole = whole_lines(&mut file).map_err(failed)?;
            file.set_len(whole).map_err(failed)?;
            file.seek(SeekFrom::End(0)).map_err(failed)?;
            good_bytes = Some(whole);
        }
        let created = good_bytes.is_none_or(|bytes| bytes == 0);
        let mut appender = Self {
            path: path.to_owned(),
            medium: medium(file),
            header: found.filter(|_| !created).unwrap_or_else(|| header.clone()),
            created,
            good_bytes,
            torn: false,
            pending: Vec::new(),
            pending_lines: 0,
            written_lines: 0,
        };
        if created {
            appender.push(header)?;
            appender.flush()?;
            appender.written_lines = 0;
        }
        Ok(appender)
    }

    /// The header of the file.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Nothing but the header is in the file.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.created && self.written_lines == 0
    }

    /// Bytes of the file; `None` for a device.
    #[must_use]
    pub const fn bytes(&self) -> Option<u64> {
        self.good_bytes
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
        let mut pending = std::mem::take(&mut self.pending);
        let lines = std::mem::take(&mut self.pending_lines);
        let written = self.append(&pending, lines);
        pending.clear();
        self.pending = pending;
        written
    }

    /// Writes lines that are records already, each with its line end, after those that were collected.
    ///
    /// # Errors
    /// As [`Appender::flush`]. None of these lines is in the file then; the caller may try again with the same ones.
    pub fn append_lines(&mut self, lines: &[u8]) -> Result<(), WriteError> {
        self.flush()?;
        self.append(lines, line_ends(lines))
    }

    fn append(&mut self, bytes: &[u8], lines: u64) -> Result<(), WriteError> {
        let written = self.mend().and_then(|()| self.medium.write_all(bytes)).and_then(|()| self.medium.flush());
        if let Err(error) = written {
            self.torn = true;
            // If this fails, the next write tries again before it writes, and else the next open.
            drop(self.mend());
            return Err(FileError::new(&self.path, error).into());
        }
        self.good_bytes = self.good_bytes.map(|good| good + bytes.len() as u64);
        self.written_lines += lines;
        Ok(())
    }

    /// Cuts off what a failed write may have left.
    fn mend(&mut self) -> std::io::Result<()> {
        if let Some(good) = self.good_bytes.filter(|_| self.torn) {
            self.medium.cut(good)?;
            self.medium.seek(SeekFrom::Start(good))?;
        }
        self.torn = false;
        Ok(())
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
            self.medium.keep().map_err(|error| FileError::new(&self.path, error))?;
        }
        Ok(())
    }
}

/// Number of line ends.
#[must_use]
pub fn line_ends(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
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

/// Whether a file that is there has another header than its next lines need.
fn differs(path: &Path, found: &Header, ours: &Header) -> Result<(), WriteError> {
    let differs = |what, found: String, ours: String| WriteError::Differs { path: path.to_owned(), what, found, ours };
    if found.version != ours.version {
        return Err(differs("version", found.version.clone(), ours.version.clone()));
    }
    if found.redaction != ours.redaction {
        return Err(differs("redaction", found.redaction.name().to_owned(), ours.redaction.name().to_owned()));
    }
    Ok(())
}

fn existing_header(path: &Path, format: Format) -> Result<Header, WriteError> {
    let lines = Lines::<serde::de::IgnoredAny>::open(path, format).map_err(WriteError::Existing)?;
    Ok(lines.header().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Label, Redaction};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    fn label(request: &str) -> Label {
        Label { request: request.into(), answer_digest: "d".into(), metric: "exact".into(), good: true }
    }

    fn append_all(path: &Path, requests: &[&str]) {
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
        append_all(&path, &["a", "b"]);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"request\":\"half").unwrap();
        append_all(&path, &["c"]);
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

    /// A disk that takes so many bytes more, of a write that does not fit only the first part, and that may refuse to
    /// cut.
    #[derive(Debug)]
    struct Tight {
        file: File,
        room: Arc<AtomicUsize>,
        cuts: Arc<AtomicBool>,
    }

    impl Read for Tight {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.file.read(buffer)
        }
    }

    impl Seek for Tight {
        fn seek(&mut self, place: SeekFrom) -> std::io::Result<u64> {
            self.file.seek(place)
        }
    }

    impl Write for Tight {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let fits = bytes.len().min(self.room.load(Ordering::SeqCst));
            if fits == 0 && !bytes.is_empty() {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            self.room.fetch_sub(fits, Ordering::SeqCst);
            self.file.write(&bytes[..fits])
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Medium for Tight {
        fn cut(&mut self, bytes: u64) -> std::io::Result<()> {
            if !self.cuts.load(Ordering::SeqCst) {
                return Err(std::io::ErrorKind::Other.into());
            }
            self.file.set_len(bytes)
        }

        fn keep(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_full_disk_tore_is_cut_off_before_the_next_line_even_if_cutting_failed_at_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.ndjson");
        let (room, cuts) = (Arc::new(AtomicUsize::new(1000)), Arc::new(AtomicBool::new(false)));
        let tight = |file| -> Box<dyn Medium> { Box::new(Tight { file, room: room.clone(), cuts: cuts.clone() }) };
        let header = Header::new(Format::Labels, Redaction::Hashed);
        let mut appender = Appender::open_on(&path, &header, tight).unwrap();
        appender.push(&label("a")).unwrap();
        appender.flush().unwrap();
        let good = path.metadata().unwrap().len();
        let line = format!("{}\n", serde_json::to_string(&label("b")).unwrap());
        room.store(5, Ordering::SeqCst);
        let error = appender.append_lines(line.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("free space"), "{error}");
        assert_eq!(path.metadata().unwrap().len(), good + 5, "the disk refused the cut as well");
        room.store(1000, Ordering::SeqCst);
        assert!(appender.append_lines(line.as_bytes()).is_err(), "no line after half a line");
        cuts.store(true, Ordering::SeqCst);
        appender.append_lines(line.as_bytes()).unwrap();
        assert_eq!(
            (read(&path), appender.bytes()),
            (vec!["a".to_owned(), "b".into()], path.metadata().ok().map(|m| m.len()))
        );
    }

    #[test]
    fn zstd_files_read_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.ndjson");
        append_all(&path, &["a", "b"]);
        let packed = folder.path().join("labels.ndjson.zst");
        std::fs::write(&packed, zstd::encode_all(&*std::fs::read(&path).unwrap(), 1).unwrap()).unwrap();
        assert_eq!(read(&packed), ["a", "b"]);
    }
}
