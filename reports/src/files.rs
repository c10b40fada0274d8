//! Files that are written whole or not at all: under a temporary name in the same folder, then renamed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::ReportError;

/// Makes the folder of a report with all its parents.
pub(crate) fn make_folder(path: &Path) -> Result<(), ReportError> {
    fs::create_dir_all(path).map_err(|source| ReportError::Folder { path: path.to_owned(), source })
}

/// Writes a file of a report and returns its path.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, ReportError> {
    let path = folder.join(name);
    let temporary = temporary(folder, name);
    fs::write(&temporary, bytes).map_err(|source| failed(&path, &temporary, source))?;
    finish(&temporary, path)
}

/// Where a file is written before it has its name. The extension stays, because the PNG encoder goes by it.
pub(crate) fn temporary(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!(".partial-{name}"))
}

/// Gives a file that was written under a temporary name its own.
pub(crate) fn finish(temporary: &Path, path: PathBuf) -> Result<PathBuf, ReportError> {
    match fs::rename(temporary, &path) {
        Ok(()) => Ok(path),
        Err(source) => Err(failed(&path, temporary, source)),
    }
}

/// Tidies up and says what failed.
fn failed(path: &Path, temporary: &Path, source: io::Error) -> ReportError {
    // The first error is the one to report; a left-over partial file is replaced by the next run.
    drop(fs::remove_file(temporary));
    ReportError::Write { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_replaces_an_older_one_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.txt", b"old").unwrap();
        let path = write(folder.path(), "a.txt", b"new").unwrap();
        assert_eq!(fs::read(path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_file_that_cannot_be_put_in_place_is_named_and_tidied_up() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a.txt")).unwrap();
        let error = write(folder.path(), "a.txt", b"new").unwrap_err().to_string();
        assert!(error.contains("a.txt") && error.contains("check the free space"), "{error}");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "file", b"").unwrap();
        let error = make_folder(&folder.path().join("file/below")).unwrap_err().to_string();
        assert!(error.contains("below") && error.contains("name a folder"), "{error}");
    }
}
