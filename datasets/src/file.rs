//! Files that are written whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}; {hint}")]
pub struct FileError {
    /// File.
    pub path: PathBuf,
    /// Cause.
    pub source: std::io::Error,
    /// What to do.
    pub hint: &'static str,
}

impl FileError {
    /// Names the file and what to do about the cause.
    #[must_use]
    pub fn new(path: &Path, source: std::io::Error) -> Self {
        let hint = match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "free space or choose another path",
            std::io::ErrorKind::NotFound => "create the folder first",
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                "choose a path that this user may write to"
            }
            _ => "check the path",
        };
        Self { path: path.to_owned(), source, hint }
    }
}

/// Writes a file by way of a temporary one in the same folder: readers see the old content or the new, never a
/// part. A device such as `/dev/stdout` is written directly. A file that is replaced keeps its permissions, and where the
/// system lets us its owner; a new one is an ordinary file.
///
/// # Errors
/// The file cannot be written; what stood there before is untouched.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    stream_whole(path, |out| out.write_all(bytes).map_err(|source| FileError::new(path, source)))
}

/// As [`write_whole`], for what is too long for the memory: `fill` writes the content piece by piece. If it fails, what
/// stood there before is untouched.
///
/// # Errors
/// Those of `fill`, and the file cannot be written.
pub fn stream_whole<T, E: From<FileError>>(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<T, E>,
) -> Result<T, E> {
    let failed = |source| E::from(FileError::new(path, source));
    if path.metadata().is_ok_and(|meta| !meta.is_file()) {
        let mut device = std::fs::OpenOptions::new().write(true).open(path).map_err(failed)?;
        let done = fill(&mut device)?;
        device.flush().map_err(failed)?;
        return Ok(done);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let done = fill(&mut temporary)?;
    temporary.flush().and_then(|()| temporary.as_file().sync_all()).map_err(failed)?;
    looks_like(temporary.as_file(), path.metadata().ok().as_ref()).map_err(failed)?;
    temporary.persist(path).map_err(|error| failed(error.error))?;
    Ok(done)
}

/// Packs what is written to it with zstd.
pub struct Packed<W: Write>(zstd::stream::write::Encoder<'static, W>);

impl<W: Write> Packed<W> {
    /// Begins a frame in `out`.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn new(out: W) -> std::io::Result<Self> {
        zstd::stream::write::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL).map(Self)
    }

    /// Ends the frame, without which it cannot be read.
    ///
    /// # Errors
    /// What is behind it said no.
    pub fn finish(self) -> std::io::Result<()> {
        self.0.finish().map(drop)
    }
}

impl<W: Write> Write for Packed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> std::fmt::Debug for Packed<W> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Packed").finish_non_exhaustive()
    }
}

/// Temporary files are private; results are ordinary files, or what they replace.
#[cfg(unix)]
fn looks_like(file: &std::fs::File, old: Option<&std::fs::Metadata>) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    if let Some(old) = old {
        let new = file.metadata()?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            // Only root may give files away; another user's file becomes ours, as with any editor that replaces.
            fchown(file, Some(old.uid()), Some(old.gid())).or_else(|_| fchown(file, None, Some(old.gid()))).ok();
        }
    }
    let mode = old.map_or(0o644, |old| old.permissions().mode() & 0o777);
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn looks_like(_file: &std::fs::File, _old: Option<&std::fs::Metadata>) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_a_failure_leaves_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        let error = write_whole(&folder.path().join("no/a.json"), b"x").unwrap_err().to_string();
        assert!(error.contains("no/a.json") && error.contains("create the folder"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_an_ordinary_one_and_a_replaced_one_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let mode = || path.metadata().unwrap().permissions().mode() & 0o7777;
        write_whole(&path, b"one").unwrap();
        assert_eq!(mode(), 0o644);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(mode(), 0o600);
    }
}
