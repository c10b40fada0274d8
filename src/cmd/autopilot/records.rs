//! Which record files to judge, and whether any has changed.
//!
//! A look reads all evidence again, which is exact and needs no memory of its own. Two things keep that affordable. Nothing is
//! read while no file has changed. And a file that nobody has written to for long is left out, where no row of it can still
//! be evidence: rows are written after they arrived, so a file's time of writing bounds its rows from above. A row counts if
//! it is of the epoch in force, or not older than the policy's `evidence.max_age_hours` before the newest row; with a rollback,
//! if its epoch is not before that. [`SLACK_US`] is between the two: the newest row may have arrived that long before it was
//! written, and the clocks of the gateway and of the disk may differ.

use crate::outcome::Failure;
use std::path::{Path, PathBuf};

/// See the module's text, microseconds: an hour.
const SLACK_US: i64 = 3_600_000_000;

/// What tells whether a file is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    bytes: u64,
    /// When it was written to last, microseconds since the Unix epoch.
    pub written_us: i64,
}

/// A record file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub path: PathBuf,
    pub stamp: Stamp,
}

/// What counts as evidence, as far as whole files can be told apart by it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// The epoch in force.
    pub epoch: u64,
    /// The first epoch that counts, 0 for all.
    pub since_epoch: u64,
    /// Oldest row that counts, microseconds before the newest.
    pub max_age_us: i64,
}

/// The record files that the paths name, in order. A path with `*` in its last part is every file of that folder whose name
/// fits. A path that leads nowhere yet is no file: the gateway may not have begun.
///
/// # Errors
/// A folder cannot be read.
pub(super) fn list(paths: &[PathBuf]) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let named = if name.contains('*') {
            fitting(path.parent().unwrap_or(Path::new("")), &name)?
        } else if path.is_dir() {
            match evaluator::load::files_of(std::slice::from_ref(path)) {
                Ok(files) => files,
                Err(evaluator::EvaluateError::NoFiles { .. }) => Vec::new(),
                Err(error) => return Err(Failure::world(error)),
            }
        } else {
            vec![path.clone()]
        };
        files.extend(named.into_iter().filter_map(|path| Some(File { stamp: stamp(&path)?, path })));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    Ok(files)
}

fn fitting(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, Failure> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let failed = |error| Failure::world(format!("cannot read {}: {error}", folder.display()));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if fits(&name, pattern) && path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

/// Whether a name fits a pattern in which `*` stands for any text.
fn fits(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(place) = rest.find(part) else { return false };
        rest = rest.get(place + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// `None` for what is not there, or empty: a recorder creates its file before it writes to it.
fn stamp(path: &Path) -> Option<Stamp> {
    let meta = path.metadata().ok().filter(|meta| meta.is_file() && meta.len() > 0)?;
    let written = meta.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
    Some(Stamp { bytes: meta.len(), written_us: written.map_or(i64::MAX, jiff::Timestamp::as_microsecond) })
}

/// The files that may hold evidence.
pub(super) fn evidence(files: &[File], extent: Extent) -> Vec<File> {
    let newest_us = files.iter().map(|file| file.stamp.written_us).max().unwrap_or(0);
    let begin_us = |epoch: u64| i64::try_from(epoch).unwrap_or(i64::MAX).saturating_mul(1000);
    let too_old_us = newest_us.saturating_sub(extent.max_age_us).min(begin_us(extent.epoch));
    // A rollback's epoch is never later than the one in force.
    let first_us = too_old_us.max(begin_us(extent.since_epoch).min(begin_us(extent.epoch)));
    let keeps = |file: &&File| file.stamp.written_us.saturating_add(SLACK_US) >= first_us;
    files.iter().filter(keeps).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_patterns() {
        for (name, pattern, expected) in [
            ("records.ndjson", "records*.ndjson", true),
            ("records-1.ndjson", "records*.ndjson", true),
            ("records.ndjson.zst", "records*.ndjson", false),
            ("other.ndjson", "records*.ndjson", false),
            ("a-b-c", "a*b*c", true),
            ("ab", "a*b*c", false),
            ("abab", "*ab", true),
            ("a", "a*a", false),
            ("anything", "*", true),
            ("plain", "plain", true),
            ("plain2", "plain", false),
        ] {
            assert_eq!(fits(name, pattern), expected, "{name} {pattern}");
        }
    }

    #[test]
    fn what_cannot_be_evidence_any_more_is_not_read() {
        const HOUR_US: i64 = 3_600_000_000;
        let hours = [0, 100, 150, 190, 200];
        let file =
            |hour: &i64| File { path: format!("{hour}").into(), stamp: Stamp { bytes: 1, written_us: hour * HOUR_US } };
        let files: Vec<File> = hours.iter().map(file).collect();
        let left = |epoch_hour: u64, since_hour: u64| -> Vec<String> {
            let extent =
                Extent { epoch: epoch_hour * 3_600_000, since_epoch: since_hour * 3_600_000, max_age_us: 48 * HOUR_US };
            evidence(&files, extent).iter().map(|file| file.path.display().to_string()).collect()
        };
        // The epoch in force began at 195: what is older than 48 hours and an hour of slack is left out.
        assert_eq!(left(195, 0), ["190", "200"]);
        assert_eq!(left(199, 151), ["190", "200"]);
        // All of the epoch in force counts, however old.
        assert_eq!(left(100, 0), ["100", "150", "190", "200"]);
        assert_eq!(left(101, 0), ["100", "150", "190", "200"], "the slack");
        assert_eq!(left(102, 0), ["150", "190", "200"]);
        // After a rollback nothing of before it.
        assert_eq!(left(192, 192), ["200"]);
        assert_eq!(left(191, 191), ["190", "200"], "the slack");
    }

    #[test]
    fn files_are_listed_by_name_pattern_and_folder_and_empty_ones_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, text) in [("a.ndjson", "x"), ("b.ndjson", "xy"), ("c.ndjson", ""), ("d.txt", "x")] {
            std::fs::write(at(name), text).unwrap();
        }
        let names = |paths: &[PathBuf]| -> Vec<String> {
            let files = list(paths).unwrap();
            files.iter().map(|file| file.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names(&[at("*.ndjson"), at("a.ndjson")]), ["a.ndjson", "b.ndjson"]);
        assert_eq!(names(&[at("none.ndjson"), at("d.txt")]), ["d.txt"]);
        let before = list(&[at("a.ndjson")]).unwrap();
        std::fs::write(at("a.ndjson"), "longer").unwrap();
        assert_ne!(list(&[at("a.ndjson")]).unwrap(), before);
    }
}
