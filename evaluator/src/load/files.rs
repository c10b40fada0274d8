//! Which files are meant.

use crate::error::EvaluateError;
use datasets::{Format, Lines, ReadError};
use serde::de::IgnoredAny;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the paths name.
pub(super) struct Listed {
    /// Record files, each once, however often and by whatever spelling it was named.
    pub(super) files: Vec<PathBuf>,
    /// Empty files in folders, passed over: a recorder creates its file before it writes to it.
    pub(super) empty: u64,
}

/// The record files that the paths name: a file is itself, `-` is standard input, a folder is its `*.ndjson` and
/// `*.ndjson.zst`, not below. Files of a folder that are empty or hold something else of ours (a request log, labels)
/// are passed over.
pub(super) fn list(paths: &[PathBuf]) -> Result<Listed, EvaluateError> {
    let (mut files, mut empty) = (Vec::new(), BTreeSet::new());
    for path in paths {
        if path.is_dir() {
            files.extend(of_folder(path, &mut empty)?);
        } else {
            files.push(path.clone());
        }
    }
    // `r.ndjson`, `./r.ndjson` and a link to it are one file. A path that leads nowhere is reported when it is opened.
    let mut named: Vec<(PathBuf, PathBuf)> = files.into_iter().map(|path| (canonical(&path), path)).collect();
    named.sort();
    named.dedup_by(|a, b| a.0 == b.0);
    Ok(Listed { files: named.into_iter().map(|(_, path)| path).collect(), empty: empty.len() as u64 })
}

fn canonical(path: &Path) -> PathBuf {
    if path == Path::new("-") { path.to_owned() } else { path.canonicalize().unwrap_or_else(|_| path.to_owned()) }
}

fn of_folder(folder: &Path, empty: &mut BTreeSet<PathBuf>) -> Result<Vec<PathBuf>, EvaluateError> {
    let failed = |source| EvaluateError::Folder { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = name_of(&path);
        let named_so = name.ends_with(".ndjson") || name.ends_with(".ndjson.zst");
        if !named_so || !path.is_file() {
            continue;
        }
        if path.metadata().is_ok_and(|meta| meta.len() == 0) {
            empty.insert(canonical(&path));
        } else if !holds_other_format(&path) {
            files.push(path);
        }
    }
    if files.is_empty() { Err(EvaluateError::NoFiles { path: folder.to_owned() }) } else { Ok(files) }
}

fn holds_other_format(path: &Path) -> bool {
    matches!(Lines::<IgnoredAny>::open(path, Format::Exchanges), Err(ReadError::Header { .. }))
        && [Format::Requests, Format::Labels].into_iter().any(|format| Lines::<IgnoredAny>::open(path, format).is_ok())
}

/// Name without the folder.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned()
}
