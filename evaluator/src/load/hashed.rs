//! Opens a file so that the digest is of the very bytes that were read.
//!
//! A gateway may still be appending while we read; hashing the file in a pass of its own would then describe other
//! bytes than those that were judged. Plain files are therefore hashed on the way through. Compressed files are
//! finished files and hashed beforehand, and standard input is kept in a temporary file first.

use crate::error::EvaluateError;
use datasets::read::is_packed;
use datasets::{Format, Lines, ReadError, digest::hex};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

const BUFFER_BYTES: usize = 256 * 1024;

/// The digest of a file that is being read; right once its last line has been read.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunningDigest(Arc<Mutex<Running>>);

#[derive(Debug, Clone, Default)]
struct Running {
    sha256: Sha256,
    last: Option<u8>,
}

impl RunningDigest {
    fn update(&self, bytes: &[u8]) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.sha256.update(bytes);
        running.last = bytes.last().copied().or(running.last);
    }

    /// SHA-256 of the bytes so far, hexadecimal.
    pub(crate) fn hex(&self) -> String {
        hex(&self.0.lock().unwrap_or_else(PoisonError::into_inner).sha256.clone().finalize())
    }

    /// The last byte of a compressed file says nothing about its lines.
    fn forget_last(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last = None;
    }

    /// The last byte so far is no line end; never of compressed files, which are finished ones.
    pub(crate) fn unterminated(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last.is_some_and(|last| last != b'\n')
    }
}

/// SHA-256 of a finished file, hexadecimal.
pub(crate) fn of_file(path: &Path) -> Result<String, EvaluateError> {
    let failed = |source| EvaluateError::Read(ReadError::File { path: path.to_owned(), source });
    let digest = RunningDigest::default();
    let file = File::open(path).map_err(failed)?;
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, HashedReader { source: file, digest: digest.clone() });
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(failed)?;
    Ok(digest.hex())
}

struct HashedReader<R> {
    source: R,
    digest: RunningDigest,
}

impl<R: Read> Read for HashedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.digest.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// Opens a record file. Errors and lines carry `path` as their name, also for standard input.
pub(crate) fn open<T: DeserializeOwned>(
    path: &Path,
    format: Format,
) -> Result<(Lines<T>, RunningDigest), EvaluateError> {
    let failed = |source| EvaluateError::Read(ReadError::File { path: path.to_owned(), source });
    let digest = RunningDigest::default();
    let mut file =
        if path == Path::new("-") { keep_input().map_err(failed)? } else { File::open(path).map_err(failed)? };
    let mut start = [0u8; 4];
    let packed = read_start(&mut file, &mut start).map_err(failed)? && is_packed(&start);
    if !packed {
        let hashed = HashedReader { source: file, digest: digest.clone() };
        let source = BufReader::with_capacity(BUFFER_BYTES, hashed);
        return Ok((Lines::from_reader(path, Box::new(source), format)?, digest));
    }
    std::io::copy(&mut HashedReader { source: &mut file, digest: digest.clone() }, &mut std::io::sink())
        .map_err(failed)?;
    digest.forget_last();
    Ok((open_compressed(path, &mut file, format)?, digest))
}

/// Compressed standard input has no path of its own to open, so a copy with a path is made for it.
fn open_compressed<T: DeserializeOwned>(
    path: &Path,
    file: &mut File,
    format: Format,
) -> Result<Lines<T>, EvaluateError> {
    if path != Path::new("-") {
        return Ok(Lines::open(path, format)?);
    }
    let failed = |source| EvaluateError::Read(ReadError::File { path: path.to_owned(), source });
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut copy = tempfile::NamedTempFile::new().map_err(failed)?;
    std::io::copy(file, &mut copy).map_err(failed)?;
    // The open file outlives its name.
    Ok(Lines::open(copy.path(), format)?)
}

fn keep_input() -> std::io::Result<File> {
    let mut kept = tempfile::tempfile()?;
    std::io::copy(&mut std::io::stdin().lock(), &mut kept)?;
    kept.seek(SeekFrom::Start(0))?;
    Ok(kept)
}

/// Reads the first bytes and goes back. `false` if the file is shorter, or cannot go back (a pipe given as a path).
fn read_start(file: &mut File, start: &mut [u8; 4]) -> std::io::Result<bool> {
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    let whole = file.read_exact(start).is_ok();
    file.seek(SeekFrom::Start(0))?;
    Ok(whole)
}
