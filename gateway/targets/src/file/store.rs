//! Reading a file, and replacing it whole if nobody else has changed it since.
//!
//! A file's generation is the digest of its bytes. Before it is replaced it is locked and read once more: other bytes are
//! somebody else's work and stay. Two writers of ours exclude each other so, and an editor or a `git pull` that knows no
//! locks has only the moment between that reading and the renaming. No file of locks is left in other people's trees: the
//! lock is on the file itself, and who waited for it finds another file's bytes afterwards, which is what is looked at.
//!
//! A link is followed, and the file behind it is replaced, in its own folder. Its permissions stay.

use crate::TargetError;
use datasets::{digest, file::write_whole};
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest file that is read. A Kubernetes object has at most 1.5 MiB.
const BYTES_MAX: u64 = 4 << 20;

/// How long another writer's lock is waited for, and how often it is looked at meanwhile.
const LOCK_WAIT: Duration = Duration::from_secs(5);
const LOCK_LOOK_EVERY: Duration = Duration::from_millis(20);

/// A file's text and its generation.
pub(super) fn read(path: &Path) -> Result<(String, String), TargetError> {
    let bytes = bytes(path)?;
    let generation = digest::of_bytes(&bytes);
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        TargetError::Usage(format!("{}: expected UTF-8; byte {at} is none", path.display()))
    })?;
    Ok((text, generation))
}

fn bytes(path: &Path) -> Result<Vec<u8>, TargetError> {
    let failed = |error: std::io::Error| {
        let hint = match error.kind() {
            ErrorKind::NotFound => "; check the path",
            ErrorKind::PermissionDenied => "; this user has to be allowed to read it",
            _ => "",
        };
        TargetError::World(format!("cannot read {}: {error}{hint}", path.display()))
    };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > BYTES_MAX {
        let says =
            format!("{}: longer than {} MiB; keep the weights in a file of their own", path.display(), BYTES_MAX >> 20);
        return Err(TargetError::Usage(says));
    }
    Ok(bytes)
}

/// Replaces a file whose bytes still are of `generation`. One that would stay as it is is not written.
pub(super) fn replace(path: &Path, generation: &str, text: &str) -> Result<(), TargetError> {
    let real = real(path)?;
    let _lock = lock(&real)?;
    unchanged(&real, generation)?;
    if digest::of_bytes(text.as_bytes()) == generation {
        return Ok(());
    }
    write_whole(&real, text.as_bytes()).map_err(|error| TargetError::World(error.to_string()))
}

/// Writes the new text elsewhere, if the file's bytes still are of `generation`.
pub(super) fn write_elsewhere(path: &Path, generation: &str, text: &str, out: &Path) -> Result<(), TargetError> {
    let real = real(path)?;
    if out.canonicalize().is_ok_and(|out| out == real) {
        return replace(path, generation, text);
    }
    unchanged(&real, generation)?;
    // Behind a link as well: the link stays.
    let out = out.canonicalize().unwrap_or_else(|_| out.to_owned());
    write_whole(&out, text.as_bytes()).map_err(|error| TargetError::World(error.to_string()))
}

fn real(path: &Path) -> Result<PathBuf, TargetError> {
    path.canonicalize().map_err(|error| TargetError::World(format!("cannot find {}: {error}", path.display())))
}

fn unchanged(path: &Path, generation: &str) -> Result<(), TargetError> {
    if digest::of_bytes(&bytes(path)?) == generation {
        return Ok(());
    }
    let says = format!(
        "{} was changed by somebody else meanwhile and was left alone; look at it and try again",
        path.display()
    );
    Err(TargetError::Changed(says))
}

fn lock(path: &Path) -> Result<File, TargetError> {
    let file =
        File::open(path).map_err(|error| TargetError::World(format!("cannot open {}: {error}", path.display())))?;
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            // Not every file system has locks; the comparison of the bytes is there still.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => return Ok(file),
            Err(TryLockError::Error(error)) => {
                return Err(TargetError::World(format!("cannot lock {}: {error}", path.display())));
            }
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(LOCK_LOOK_EVERY),
            Err(TryLockError::WouldBlock) => {
                let says = format!("another process holds {} locked; end that one, or try again", path.display());
                return Err(TargetError::World(says));
            }
        }
    }
}
