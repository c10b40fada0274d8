//! What a folder of partitions remembers: one small file for each input that is in it.

use super::CompactError;
use super::partition::Part;
use datasets::file::{FileError, write_whole};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Value of [`Done::schema`].
pub(super) const SCHEMA: &str = "weighbridge.compaction/1";
/// Folder of the ledger; readers of partitions pass over names that begin like this.
const FOLDER: &str = "_compacted";
/// Where parts are written before they have their place.
const STAGING: &str = ".staging";

/// An input that is in the folder, or about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) schema: String,
    /// File name, for people.
    pub(super) name: String,
    /// SHA-256 of its unpacked lines, of a table of its bytes.
    pub(super) digest: String,
    /// Lines that this covers, rows of a table.
    pub(super) lines: u64,
    /// Bytes of these lines.
    pub(super) bytes: u64,
    /// Records among them.
    pub(super) records: u64,
    /// Lines that were left out as broken.
    pub(super) broken: u64,
    /// Parts that were written for it, below the folder.
    pub(super) parts: Vec<PathBuf>,
    /// All parts are in their places.
    pub(super) done: bool,
}

/// The ledger of a folder, which is locked as long as this lives.
#[derive(Debug)]
pub(super) struct Ledger {
    folder: PathBuf,
    /// By digest.
    done: BTreeMap<String, Done>,
    _lock: File,
}

impl Ledger {
    /// Opens the ledger of a folder, which is made if need be, and takes away what an earlier run left half done.
    pub(super) fn open(out: &Path) -> Result<Self, CompactError> {
        let folder = out.join(FOLDER);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| CompactError::File(FileError::new(&path, source))
        };
        std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
        let lock_path = folder.join(".lock");
        let lock = File::create(&lock_path).map_err(failed(&lock_path))?;
        // Where locks do not exist, nothing is promised.
        if let Err(std::fs::TryLockError::WouldBlock) = lock.try_lock() {
            return Err(CompactError::Locked { path: out.to_owned() });
        }
        let staging = out.join(STAGING);
        if staging.exists() {
            std::fs::remove_dir_all(&staging).map_err(failed(&staging))?;
        }
        let mut done = BTreeMap::new();
        for entry in std::fs::read_dir(&folder).map_err(failed(&folder))? {
            let path = entry.map_err(failed(&folder))?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let entry = read(&path)?;
            if entry.done {
                done.insert(entry.digest.clone(), entry);
                continue;
            }
            for part in entry.parts.iter().filter(|part| is_below(part)) {
                remove(&out.join(part))?;
            }
            remove(&path)?;
        }
        Ok(Self { folder, done, _lock: lock })
    }

    /// The entries, by digest.
    pub(super) const fn done(&self) -> &BTreeMap<String, Done> {
        &self.done
    }

    /// A folder for parts that have no place yet, beside their places so that they can be renamed.
    pub(super) fn staging(&self) -> Result<tempfile::TempDir, CompactError> {
        let failed = |source| CompactError::File(FileError::new(&self.folder, source));
        let staging = self.folder.parent().unwrap_or(&self.folder).join(STAGING);
        std::fs::create_dir_all(&staging).map_err(failed)?;
        tempfile::tempdir_in(staging).map_err(failed)
    }

    /// Puts parts into their places: announced first, and confirmed at last.
    pub(super) fn publish(&mut self, out: &Path, mut entry: Done, parts: &[Part]) -> Result<(), CompactError> {
        let path = self.folder.join(&entry.digest).with_extension("json");
        write(&path, &entry)?;
        for part in parts {
            let place = out.join(&part.name);
            let failed = |source| CompactError::File(FileError::new(&place, source));
            std::fs::create_dir_all(place.parent().unwrap_or(out)).map_err(failed)?;
            std::fs::rename(&part.written, &place).map_err(failed)?;
        }
        entry.done = true;
        write(&path, &entry)?;
        self.done.insert(entry.digest.clone(), entry);
        Ok(())
    }
}

/// What a ledger names must be one of its own parts, whoever wrote it.
fn is_below(part: &Path) -> bool {
    part.is_relative() && part.components().all(|step| matches!(step, std::path::Component::Normal(_)))
}

fn read(path: &Path) -> Result<Done, CompactError> {
    let wrong = |message: String| CompactError::Ledger { path: path.to_owned(), message };
    let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let entry: Done = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    if entry.schema == SCHEMA {
        Ok(entry)
    } else {
        Err(wrong(format!("schema is `{}`, expected `{SCHEMA}`", entry.schema)))
    }
}

fn write(path: &Path, entry: &Done) -> Result<(), CompactError> {
    let text = serde_json::to_string_pretty(entry)
        .map_err(|error| CompactError::Ledger { path: path.to_owned(), message: error.to_string() })?;
    Ok(write_whole(path, (text + "\n").as_bytes())?)
}

/// Removes a file that may be gone already.
fn remove(path: &Path) -> Result<(), CompactError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FileError::new(path, error).into()),
        _ => Ok(()),
    }
}
