//! Which files are meant.

use crate::error::EvaluateError;
use datasets::{Format, Lines, PartNames, ReadError};
use serde::de::IgnoredAny;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// How often files are read again because a recorder began another one meanwhile; rotation is rare, so the second time
/// is as a rule the last.
const READS_MAX: usize = 3;

/// Reads what is listed, again if other files are there afterwards: a recorder that closes a file renames it, and what was
/// opened under its old name is the next one.
pub(super) fn read_settled<T>(
    list: impl Fn() -> Result<Listed, EvaluateError>,
    read: impl Fn(&Listed) -> Result<T, EvaluateError>,
) -> Result<T, EvaluateError> {
    let mut listed = list()?;
    let mut result = read(&listed);
    for _ in 1..READS_MAX {
        // Standard input cannot be read twice.
        if listed.files.iter().any(|path| path == Path::new("-")) {
            break;
        }
        let after = list()?;
        if after.files == listed.files {
            break;
        }
        result = read(&after);
        listed = after;
    }
    result
}

/// What the paths name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// Record files, each once, however often and by whatever spelling it was named.
    pub(super) files: Vec<PathBuf>,
    /// Empty files in folders, passed over: a recorder creates its file before it writes to it.
    pub(super) empty: u64,
    /// Closed parts of files that were named themselves, which nobody named.
    pub(super) unnamed_parts: u64,
}

/// The record files that the paths name: a file is itself, `-` is standard input, a folder is its `*.ndjson`,
/// `*.ndjson.zst` and `*.parquet`, and those of its partitions (`migration=*`, `day=*`), nothing else below. Files of a folder that are empty or hold something else of ours (a request log, labels)
/// are passed over.
pub(super) fn list(paths: &[PathBuf]) -> Result<Listed, EvaluateError> {
    let (mut files, mut empty) = (Vec::new(), BTreeSet::new());
    let mut parts = BTreeSet::new();
    for path in paths {
        if path.is_dir() {
            files.extend(of_folder(path, &mut empty)?);
        } else {
            parts.extend(PartNames::of(path).closed().iter().map(|part| canonical(part)));
            files.push(path.clone());
        }
    }
    // `r.ndjson`, `./r.ndjson` and a link to it are one file. A path that leads nowhere is reported when it is opened.
    let mut named: Vec<(PathBuf, PathBuf)> = files.into_iter().map(|path| (canonical(&path), path)).collect();
    named.sort();
    named.dedup_by(|a, b| a.0 == b.0);
    let unnamed_parts = parts.iter().filter(|part| named.iter().all(|(path, _)| path != *part)).count() as u64;
    let files = named.into_iter().map(|(_, path)| path).collect();
    Ok(Listed { files, empty: empty.len() as u64, unnamed_parts })
}

fn canonical(path: &Path) -> PathBuf {
    if path == Path::new("-") { path.to_owned() } else { path.canonicalize().unwrap_or_else(|_| path.to_owned()) }
}

fn of_folder(folder: &Path, empty: &mut BTreeSet<PathBuf>) -> Result<Vec<PathBuf>, EvaluateError> {
    let mut files = Vec::new();
    collect(folder, &mut files, empty)?;
    if files.is_empty() { Err(EvaluateError::NoFiles { path: folder.to_owned() }) } else { Ok(files) }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>, empty: &mut BTreeSet<PathBuf>) -> Result<(), EvaluateError> {
    let failed = |source| EvaluateError::Folder { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = name_of(&path);
        // A link could lead back up.
        if ["migration=", "day="].iter().any(|start| name.starts_with(start)) && path.is_dir() && !path.is_symlink() {
            collect(&path, files, empty)?;
            continue;
        }
        let named_so = [".ndjson", ".ndjson.zst", ".parquet"].iter().any(|ending| name.ends_with(ending));
        if !named_so || !path.is_file() {
            continue;
        }
        if path.metadata().is_ok_and(|meta| meta.len() == 0) {
            empty.insert(canonical(&path));
        } else if !holds_other_format(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn holds_other_format(path: &Path) -> bool {
    matches!(Lines::<IgnoredAny>::open(path, Format::Exchanges), Err(ReadError::Header { .. }))
        && [Format::Requests, Format::Labels].into_iter().any(|format| Lines::<IgnoredAny>::open(path, format).is_ok())
}

/// Name without the folder.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};

    fn listed(names: &[&str]) -> Listed {
        Listed { files: names.iter().map(PathBuf::from).collect(), empty: 0, unnamed_parts: 0 }
    }

    /// What is read where the files are these, one list after the other; the last one stays.
    fn reads(lists: &[&[&str]]) -> Vec<Listed> {
        let (asked, seen) = (Cell::new(0), RefCell::new(Vec::new()));
        let list = || {
            let names = lists[asked.get().min(lists.len() - 1)];
            asked.set(asked.get() + 1);
            Ok(listed(names))
        };
        let read = |listed: &Listed| {
            seen.borrow_mut().push(listed.clone());
            if listed.files[0] == Path::new("gone") {
                return Err(EvaluateError::NoFiles { path: "gone".into() });
            }
            Ok(listed.clone())
        };
        let last = read_settled(list, read).unwrap();
        assert_eq!(seen.borrow().last(), Some(&last));
        seen.into_inner()
    }

    #[test]
    fn a_folder_whose_files_change_is_read_again_and_standard_input_is_not() {
        assert_eq!(reads(&[&["a"]]), [listed(&["a"])]);
        // Rotated while it was read: `a` is another file now.
        assert_eq!(reads(&[&["a"], &["a", "a-1"]]), [listed(&["a"]), listed(&["a", "a-1"])]);
        // An error of the first reading is one only if it stays.
        assert_eq!(reads(&[&["gone"], &["a"]]).len(), 2);
        assert_eq!(reads(&[&["a"], &["b"], &["c"], &["d"]]).len(), READS_MAX);
        assert_eq!(reads(&[&["-", "a"], &["-", "b"]]).len(), 1);
    }
}
