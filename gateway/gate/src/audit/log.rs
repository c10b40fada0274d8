//! The file: appending under a lock, reading.

use super::line::{self, Kind, Line};
use super::verify::{Expected, Outcome, scan};
use super::{Entry, Head};
use datasets::file::FileError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest line, bytes. A longer one is refused before it is written.
pub(super) const LINE_BYTES_MAX: usize = 256 * 1024;
/// How much of the file's end is read at first; a longer line needs more.
const TAIL_BYTES: u64 = 8 * 1024;
/// How long others' locks are waited for, and how often they are looked at meanwhile. A line takes as long as the disk does;
/// whoever may read the file can hold a lock for ever, and must not stop who wants to lower a weight for as long.
const LOCK_WAIT: Duration = Duration::from_secs(30);
const LOCK_LOOK_EVERY: Duration = Duration::from_millis(5);

/// Why a decision was not logged, or a log not read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The disk said no.
    #[error(transparent)]
    File(#[from] FileError),
    /// It holds what no log holds.
    #[error("{path}: the end of the file is no line of an audit log; `weighbridge audit verify` says more")]
    Broken {
        /// File.
        path: PathBuf,
    },
    /// The entry is too long.
    #[error("{path}: a decision of {bytes} bytes is too long for an audit log: at most {LINE_BYTES_MAX}")]
    TooLong {
        /// File.
        path: PathBuf,
        /// Its length.
        bytes: usize,
    },
    /// It cannot be read.
    #[error("cannot read the audit log {path}: {source}")]
    Unreadable {
        /// File.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// Somebody keeps it locked.
    #[error("{path}: another process holds the audit log locked; end that one, or try again")]
    Locked {
        /// File.
        path: PathBuf,
    },
    /// A folder, a device, a pipe.
    #[error("{path} is no ordinary file: choose another place for the audit log")]
    NoFile {
        /// File.
        path: PathBuf,
    },
}

/// An audit log. Opened anew for each line: lines are few, and several processes share the file.
#[derive(Debug, Clone)]
pub struct Log {
    pub(super) path: PathBuf,
    /// How long others' locks are waited for.
    pub(super) lock_wait: Duration,
}

/// Where the file ends.
struct End {
    /// The last whole line.
    head: Head,
    /// Hash of what somebody could not finish behind it.
    torn: Option<String>,
    /// The last byte is no line feed.
    open: bool,
}

impl Log {
    /// A log in this file, which is created with the first line.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), lock_wait: LOCK_WAIT }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line, and returns when it is on disk. Reads only the file's end, however long the file is. Waits half a minute
    /// at most for others who write or look.
    ///
    /// # Errors
    /// See [`AuditError`]; then nothing was appended, or, if even that could not be undone, the beginning of a line which the
    /// next append takes for torn.
    pub fn append(&self, entry: &Entry) -> Result<Head, AuditError> {
        let failed = |source| self.failed(source);
        // Opening a pipe would wait for somebody at its other end.
        if self.path.metadata().is_ok_and(|meta| !meta.is_file()) {
            return Err(AuditError::NoFile { path: self.path.clone() });
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&self.path).map_err(failed)?;
        self.locked(|| file.try_lock())?;
        let bytes = file.metadata().map_err(failed)?.len();
        let end = self.end_of(&mut file, bytes)?;
        let text = Line::sealed(&end.head, end.torn, entry).map_err(|error| failed(error.into()))?;
        if text.len() > LINE_BYTES_MAX {
            return Err(AuditError::TooLong { path: self.path.clone(), bytes: text.len() });
        }
        let head = Head { lines: end.head.lines + 1, hash: line::hash(text.as_bytes()) };
        // One write, so that a line is begun only if there is something to end.
        let feed = if end.open { "\n" } else { "" };
        let written = file.write_all(format!("{feed}{text}\n").as_bytes()).and_then(|()| file.sync_data());
        if let Err(source) = written {
            // If this fails as well, what was begun stays, and is told as torn.
            let _undone = file.set_len(bytes);
            return Err(failed(source));
        }
        if bytes == 0 {
            self.keep_the_name();
        }
        Ok(head)
    }

    /// All decisions, the oldest first; none where there is no file yet. Chain and seals are checked on the way.
    ///
    /// # Errors
    /// The file cannot be read, or is no audit log.
    pub fn read(&self) -> Result<Vec<Entry>, AuditError> {
        let mut entries = Vec::new();
        self.each(|line| entries.push(line.entry))?;
        Ok(entries)
    }

    /// The same one after another, without keeping them.
    ///
    /// # Errors
    /// See [`Log::read`].
    pub fn each(&self, take: impl FnMut(Line)) -> Result<Head, AuditError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Head::none()),
            Err(error) => return Err(self.unreadable(error)),
        };
        // What cannot be appended to is no log to decide by.
        if file.metadata().is_ok_and(|meta| !meta.is_file()) {
            return Err(AuditError::NoFile { path: self.path.clone() });
        }
        match scan(self.settled(file)?, &Expected::default(), take).map_err(|error| self.unreadable(error))? {
            Outcome::Verified(verified) => Ok(verified.head),
            Outcome::Broken(_) => Err(self.broken()),
        }
    }

    /// Whether the file is what was written, also while others append to it. See [`super::verify()`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn verify(&self, expected: &Expected) -> Result<Outcome, AuditError> {
        let file = File::open(&self.path).map_err(|error| self.unreadable(error))?;
        scan(self.settled(file)?, expected, |_| ()).map_err(|error| self.unreadable(error))
    }

    /// The file up to where it ends while nobody is in the middle of a line. What stands there never changes, so the lock is
    /// gone before anything is read: a reader that takes its time, as behind a pager, keeps nobody from writing.
    fn settled(&self, file: File) -> Result<impl BufRead + use<>, AuditError> {
        let failed = |error| self.unreadable(error);
        let mut end = u64::MAX;
        // A pipe has no length; who fills it is done when it ends.
        if file.metadata().map_err(failed)?.is_file() {
            self.locked(|| file.try_lock_shared())?;
            end = file.metadata().map_err(failed)?.len();
            file.unlock().map_err(failed)?;
        }
        Ok(BufReader::new(file).take(end))
    }

    /// Waits for a lock.
    fn locked(&self, take: impl Fn() -> Result<(), TryLockError>) -> Result<(), AuditError> {
        let deadline = Instant::now() + self.lock_wait;
        loop {
            match take() {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(error)) => return Err(self.failed(error)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(LOCK_LOOK_EVERY),
                Err(TryLockError::WouldBlock) => return Err(AuditError::Locked { path: self.path.clone() }),
            }
        }
    }

    fn failed(&self, source: io::Error) -> AuditError {
        AuditError::File(FileError::new(&self.path, source))
    }

    fn unreadable(&self, source: io::Error) -> AuditError {
        AuditError::Unreadable { path: self.path.clone(), source }
    }

    fn broken(&self) -> AuditError {
        AuditError::Broken { path: self.path.clone() }
    }

    /// A new file's name is on disk when its folder is. Not everywhere can a folder be told to be, and the line is there anyway.
    fn keep_the_name(&self) {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let _synced = File::open(folder).and_then(|folder| folder.sync_all());
    }

    /// Reads back from the end until a whole line is found.
    fn end_of(&self, file: &mut File, bytes: u64) -> Result<End, AuditError> {
        let mut wanted = TAIL_BYTES;
        loop {
            let from = bytes.saturating_sub(wanted);
            let mut tail = Vec::new();
            file.seek(SeekFrom::Start(from))
                .and_then(|_| file.take(bytes - from).read_to_end(&mut tail))
                .map_err(|error| self.failed(error))?;
            if let Some(end) = self.end_in(&tail, from == 0)? {
                return Ok(end);
            }
            // Two lines that are as long as may be hold a whole one, or the file is none of ours.
            if wanted > 4 * LINE_BYTES_MAX as u64 {
                return Err(self.broken());
            }
            wanted *= 8;
        }
    }

    /// The end of the file in its last bytes; `None` if they are too few. `whole` says that they are all.
    fn end_in(&self, tail: &[u8], whole: bool) -> Result<Option<End>, AuditError> {
        let ended = tail.last().is_none_or(|last| *last == b'\n');
        let text = tail.strip_suffix(b"\n").unwrap_or(tail);
        let mut from = text.len();
        let mut last = true;
        // From line to line towards the front; `from..` is what nobody could finish.
        while from > 0 || (whole && last && !tail.is_empty()) {
            let before = text.get(..from).unwrap_or_default();
            let before = if last { before } else { before.strip_suffix(b"\n").unwrap_or(before) };
            let begin = before.iter().rposition(|byte| *byte == b'\n').map(|feed| feed + 1);
            let Some(begin) = begin.or(whole.then_some(0)) else { return Ok(None) };
            let piece = before.get(begin..).unwrap_or_default();
            match line::kind(piece) {
                Kind::Whole(line) => {
                    let head = Head { lines: line.n, hash: line::hash(piece) };
                    let torn = text.get(from..).filter(|_| !last).map(line::hash);
                    return Ok(Some(End { head, torn, open: !ended }));
                }
                Kind::Torn if !last || line::may_be_last(piece, ended) => {}
                Kind::Torn | Kind::Neither(_) => return Err(self.broken()),
            }
            (from, last) = (begin, false);
        }
        let torn = (!text.is_empty()).then(|| line::hash(text));
        Ok(whole.then(|| End { head: Head::none(), torn, open: !ended }))
    }
}
