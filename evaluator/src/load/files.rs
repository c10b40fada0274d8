//! Which files are meant.

use crate::error::EvaluateError;
use datasets::{Format, Lines, ReadError};
use serde::de::IgnoredAny;
use std::path::{Path, PathBuf};

/// The record files that the paths name, each once: a file is itself, `-` is standard input, a folder is its
/// `*.ndjson` and `*.ndjson.zst`, not below. Files of a folder that hold something else of ours (a request log,
/// labels) are passed over.
pub(super) fn list(paths: &[PathBuf]) -> Result<Vec<PathBuf>, EvaluateError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(of_folder(path)?);
        } else {
            files.push(path.clone());
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn of_folder(folder: &Path) -> Result<Vec<PathBuf>, EvaluateError> {
    let failed = |source| EvaluateError::Folder { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = name_of(&path);
        let named_so = name.ends_with(".ndjson") || name.ends_with(".ndjson.zst");
        if named_so && path.is_file() && !holds_other_format(&path) {
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
