//! Records to the parts of their migration and day.

use super::CompactError;
use crate::parquet::Writer;
use datasets::file::FileError;
use datasets::{Exchange, Header, digest};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Memory of all records that wait for their row groups; above it, the largest group is written as it is.
const WAITING_BYTES_MAX: usize = 192 * 1024 * 1024;
/// Parts that are open at once; above it, the one that has waited longest for a record is ended.
const OPEN_MAX: usize = 64;
/// Bytes of a folder's name that are the migration's own; what is longer ends in a digest.
const NAME_BYTES_MAX: usize = 120;
/// Hexadecimal digits of the input's digest in the names of its parts.
const DIGEST_DIGITS: usize = 16;

/// A part that is written.
#[derive(Debug)]
pub(super) struct Part {
    /// Where it is now.
    pub(super) written: PathBuf,
    /// Where it belongs, below the folder.
    pub(super) name: PathBuf,
    pub(super) bytes: u64,
}

/// The parts of one input.
pub(super) struct Partitions {
    staging: PathBuf,
    digest: String,
    header: Header,
    open: BTreeMap<PathBuf, Open>,
    parts: Vec<Part>,
    /// Records so far, to tell which part has waited longest.
    clock: u64,
}

struct Open {
    writer: Writer,
    written: PathBuf,
    name: PathBuf,
    used: u64,
}

impl Partitions {
    pub(super) fn new(staging: &Path, digest: &str, header: Header) -> Self {
        Self {
            staging: staging.to_owned(),
            digest: digest.chars().take(DIGEST_DIGITS).collect(),
            header,
            open: BTreeMap::new(),
            parts: Vec::new(),
            clock: 0,
        }
    }

    pub(super) fn push(&mut self, exchange: Exchange) -> Result<(), CompactError> {
        self.clock += 1;
        let folder = folder(&exchange);
        if !self.open.contains_key(&folder) {
            if self.open.len() >= OPEN_MAX {
                self.end_oldest()?;
            }
            let open = self.begin(&folder)?;
            self.open.insert(folder.clone(), open);
        }
        if let Some(open) = self.open.get_mut(&folder) {
            open.used = self.clock;
            open.writer.push(exchange)?;
        }
        self.keep_bound()
    }

    fn begin(&self, folder: &Path) -> Result<Open, CompactError> {
        let number = self.parts.len() + self.open.len();
        let written = self.staging.join(format!("{number}.parquet"));
        let name = folder.join(format!("part-{}-{number:04}.parquet", self.digest));
        Ok(Open { writer: Writer::create(&written, &self.header)?, written, name, used: self.clock })
    }

    fn keep_bound(&mut self) -> Result<(), CompactError> {
        let waiting: usize = self.open.values().map(|open| open.writer.waiting_bytes()).sum();
        if waiting <= WAITING_BYTES_MAX {
            return Ok(());
        }
        match self.open.values_mut().max_by_key(|open| open.writer.waiting_bytes()) {
            Some(largest) => Ok(largest.writer.flush()?),
            None => Ok(()),
        }
    }

    fn end_oldest(&mut self) -> Result<(), CompactError> {
        let oldest = self.open.iter().min_by_key(|(_, open)| open.used).map(|(folder, _)| folder.clone());
        match oldest.and_then(|folder| self.open.remove(&folder)) {
            Some(open) => self.end(open),
            None => Ok(()),
        }
    }

    fn end(&mut self, open: Open) -> Result<(), CompactError> {
        open.writer.finish()?;
        let failed = |source| CompactError::File(FileError::new(&open.written, source));
        let file = std::fs::File::open(&open.written).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        self.parts.push(Part { written: open.written, name: open.name, bytes });
        Ok(())
    }

    /// Ends all parts.
    pub(super) fn finish(mut self) -> Result<Vec<Part>, CompactError> {
        for (_, open) in std::mem::take(&mut self.open) {
            self.end(open)?;
        }
        Ok(self.parts)
    }
}

/// `migration=NAME/day=YYYY-MM-DD` of a record. What partition a record lies in is for finding it only; its columns say
/// all of it.
fn folder(exchange: &Exchange) -> PathBuf {
    let day = match jiff::Timestamp::from_microsecond(exchange.at_us) {
        Ok(at) => at.strftime("%Y-%m-%d").to_string(),
        Err(_) => "unknown".to_owned(),
    };
    Path::new(&format!("migration={}", escaped(&exchange.migration))).join(format!("day={day}"))
}

/// A name as a folder of it: letters, digits, `_`, `-` and inner dots stay, any other byte is `%XX`.
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for (place, byte) in name.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || (byte == b'.' && place > 0) {
            out.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    if out.len() > NAME_BYTES_MAX {
        let whole = digest::of_bytes(name.as_bytes());
        out.truncate(NAME_BYTES_MAX);
        out.push('-');
        out.extend(whole.chars().take(DIGEST_DIGITS));
    }
    if out.is_empty() { "unnamed".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_as_folders() {
        for (name, expected) in [
            ("openai-to-deepseek", "openai-to-deepseek"),
            ("chat v1.2", "chat%20v1.2"),
            ("../../etc", "%2E./../etc".replace('/', "%2F").as_str()),
            ("..", "%2E."),
            ("a=b%c", "a%3Db%25c"),
            ("迁移", "%E8%BF%81%E7%A7%BB"),
            ("", "unnamed"),
        ] {
            assert_eq!(escaped(name), expected);
        }
        let long = [escaped(&"迁".repeat(1000)), escaped(&"迁".repeat(1001))];
        assert!(long[0] != long[1] && long.iter().all(|name| name.len() < 160), "{long:?}");
    }
}
