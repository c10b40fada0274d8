//! The files of a run of records: one that is written to, and closed ones beside it.
//!
//! The file that is written to has the configured name. When it is full or old, it is renamed to carry the time of its
//! closing, `records-20261122T234500Z-0001.ndjson`, and another one is begun; the names sort by time. Every part has its
//! header, and no line is in two parts or in none. A file that an earlier run left is continued, unless its header would
//! say the wrong thing about the new lines (another redaction or version): then it is closed first.

use super::tally::Tally;
use super::writer::Now;
use crate::config::{Records, SyncPolicy};
use datasets::file::FileError;
use datasets::{Appender, Header, WriteError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Opens a file to append to; another one in tests.
pub(super) type Opener = Box<dyn FnMut(&Path, &Header) -> Result<Appender, WriteError> + Send>;

/// After a file could not be renamed, how long the old one is gone on with before it is tried again.
const RENAME_RETRY: Duration = Duration::from_secs(10);

/// The parts.
pub(super) struct Parts {
    names: Names,
    header: Header,
    opener: Opener,
    bytes_max: u64,
    age_max: Option<Duration>,
    files_max: Option<usize>,
    sync: SyncPolicy,
    /// `None` where the last one was closed and no other could be opened yet.
    current: Option<Appender>,
    opened: Instant,
    rename_again: Option<Instant>,
    tally: Arc<Tally>,
}

impl Parts {
    pub(super) fn open(
        records: &Records,
        header: Header,
        mut opener: Opener,
        tally: Arc<Tally>,
        now: Now,
    ) -> Result<Self, WriteError> {
        let current = opener(&records.path, &header)?;
        let another = (current.header().redaction, &current.header().version) != (header.redaction, &header.version);
        let mut parts = Self {
            names: Names::of(&records.path),
            header,
            opener,
            bytes_max: records.rotate_bytes_max,
            age_max: records.rotate_interval,
            files_max: records.files_max,
            sync: records.sync,
            current: Some(current),
            opened: now.instant,
            rename_again: None,
            tally,
        };
        if another {
            parts.close_current(now)?;
            parts.current(now)?;
        }
        Ok(parts)
    }

    /// Writes the first of these lines, as many as one part takes; returns their bytes.
    pub(super) fn append(&mut self, lines: &[u8], now: Now) -> Result<usize, WriteError> {
        if !self.names.path.exists() {
            // Somebody moved or deleted it: lines must not follow it out of sight.
            self.current = None;
        }
        let mut room = self.room(now)?;
        if whole_lines_within(lines, room) == 0 {
            self.rotate(now)?;
            room = self.room(now)?;
        }
        // A line longer than a whole part gets a part of its own.
        let bytes = whole_lines_within(lines, room).max(first_line(lines));
        self.current(now)?.append_lines(lines.get(..bytes).unwrap_or(lines))?;
        Ok(bytes)
    }

    /// After a batch: what the policy demands for the disk, and the end of a part that is old.
    pub(super) fn settle(&mut self, wrote: bool, now: Now) -> Result<(), WriteError> {
        let old = self.age_max.is_some_and(|age| now.instant.saturating_duration_since(self.opened) >= age);
        if old {
            self.rotate(now)?;
        }
        self.current(now)?;
        if wrote && self.sync == SyncPolicy::Interval { self.keep() } else { Ok(()) }
    }

    /// Asks the disk to keep the part.
    pub(super) fn keep(&mut self) -> Result<(), WriteError> {
        self.current.as_mut().map_or(Ok(()), Appender::sync)
    }

    fn room(&mut self, now: Now) -> Result<u64, WriteError> {
        let bytes_max = self.bytes_max;
        // A device has no size.
        Ok(self.current(now)?.bytes().map_or(u64::MAX, |bytes| bytes_max.saturating_sub(bytes)))
    }

    /// The part to write to; opens one where there is none.
    fn current(&mut self, now: Now) -> Result<&mut Appender, WriteError> {
        let current = match self.current.take() {
            Some(current) => current,
            None => {
                self.opened = now.instant;
                (self.opener)(&self.names.path, &self.header)?
            }
        };
        Ok(self.current.insert(current))
    }

    /// Closes the part and begins another one, if there is anything in it. Where it cannot be renamed, it is gone on with:
    /// a file that is too large is better than none.
    fn rotate(&mut self, now: Now) -> Result<(), WriteError> {
        let postponed = self.rename_again.is_some_and(|again| now.instant < again);
        if postponed || self.current(now)?.is_empty() || self.current(now)?.bytes().is_none() {
            return Ok(());
        }
        if let Err(error) = self.close_current(now) {
            tracing::warn!(%error, "the record file is not closed and grows on");
            self.tally.disk_error(&error);
            self.rename_again = Some(now.instant + RENAME_RETRY);
            return Ok(());
        }
        self.rename_again = None;
        self.current(now)?;
        self.delete_oldest();
        Ok(())
    }

    fn close_current(&mut self, now: Now) -> Result<(), WriteError> {
        self.keep()?;
        let closed = self.names.unused(now.wall_us);
        std::fs::rename(&self.names.path, &closed).map_err(|error| FileError::new(&closed, error))?;
        self.current = None;
        self.tally.part_closed();
        Ok(())
    }

    /// Keeps as many closed parts as configured.
    fn delete_oldest(&self) {
        let Some(files_max) = self.files_max else { return };
        let closed = self.names.closed();
        for path in closed.iter().take(closed.len().saturating_sub(files_max)) {
            match std::fs::remove_file(path) {
                Ok(()) => {
                    tracing::info!(path = %path.display(), files_max, "deleted the oldest records");
                    self.tally.part_deleted();
                }
                Err(error) => tracing::warn!(path = %path.display(), %error, "old records cannot be deleted"),
            }
        }
    }
}

/// Bytes of the longest start of `lines` that is made of whole lines and fits.
pub(super) fn whole_lines_within(lines: &[u8], room: u64) -> usize {
    let room = usize::try_from(room).unwrap_or(usize::MAX).min(lines.len());
    let start = lines.get(..room).unwrap_or_default();
    start.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)
}

fn first_line(lines: &[u8]) -> usize {
    lines.iter().position(|byte| *byte == b'\n').map_or(lines.len(), |end| end + 1)
}

/// How the parts are called.
#[derive(Debug)]
struct Names {
    path: PathBuf,
    /// Before the time.
    stem: String,
    /// After the number, with its dot.
    ending: String,
    /// Time of the newest name given out, and its number: names only go up, even where the clock was set back or the
    /// files of this second are deleted already.
    newest: (i64, u32),
}

impl Names {
    fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (stem, ending) = name.split_at(name.find('.').filter(|dot| *dot > 0).unwrap_or(name.len()));
        Self { path: path.to_owned(), stem: stem.to_owned(), ending: ending.to_owned(), newest: (0, 0) }
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// A name for a part that is closed now, which no file has.
    fn unused(&mut self, wall_us: i64) -> PathBuf {
        let (newest, mut number) = self.newest;
        let second = wall_us.div_euclid(1_000_000).max(newest);
        if second > newest {
            number = 0;
        }
        let time = jiff::Timestamp::from_second(second).unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string();
        loop {
            number += 1;
            let path = self.folder().join(format!("{}-{time}-{number:04}{}", self.stem, self.ending));
            if !path.exists() {
                self.newest = (second, number);
                return path;
            }
        }
    }

    /// The closed parts, oldest first. What is not named exactly like one is somebody else's.
    fn closed(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.folder()) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.retain(|name| self.is_closed(name));
        names.sort();
        names.into_iter().map(|name| self.folder().join(name)).collect()
    }

    fn is_closed(&self, name: &str) -> bool {
        let middle = name.strip_prefix(&self.stem).and_then(|rest| rest.strip_suffix(&self.ending));
        let Some((time, number)) = middle.and_then(|middle| middle.strip_prefix('-')?.split_once('-')) else {
            return false;
        };
        let shape: String = time.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
        shape == "00000000T000000Z" && number.len() >= 4 && number.bytes().all(|byte| byte.is_ascii_digit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_never_split() {
        for (lines, room, expected) in [
            ("ab\ncd\n", 6, 6),
            ("ab\ncd\n", 5, 3),
            ("ab\ncd\n", 3, 3),
            ("ab\ncd\n", 2, 0),
            ("ab\ncd\n", u64::MAX, 6),
            ("", 10, 0),
        ] {
            assert_eq!(whole_lines_within(lines.as_bytes(), room), expected, "{lines:?} in {room}");
        }
    }

    #[test]
    fn parts_are_told_from_other_files() {
        let mut names = Names::of(Path::new("folder/records.ndjson"));
        let mut unused = |seconds: i64| names.unused(seconds * 1_000_000).file_name().unwrap().to_owned();
        assert_eq!(unused(1_795_391_100), "records-20261122T234500Z-0001.ndjson");
        assert_eq!(unused(1_795_391_100), "records-20261122T234500Z-0002.ndjson");
        assert_eq!(unused(1_700_000_000), "records-20261122T234500Z-0003.ndjson", "the clock was set back");
        assert_eq!(unused(1_795_391_101), "records-20261122T234501Z-0001.ndjson");
        assert!(names.is_closed("records-20261122T234500Z-0001.ndjson"));
        for other in [
            "records.ndjson",
            "records-20261122T234500Z-0001.ndjson.zst",
            "records-20261122T234500Z-1.ndjson",
            "records-of-monday-0001.ndjson",
            "records-old-20261122T234500Z-0001.ndjson",
            "labels-20261122T234500Z-0001.ndjson",
        ] {
            assert!(!names.is_closed(other), "{other}");
        }
    }
}
