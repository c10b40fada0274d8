//! Reads a `verdict.json`.

use crate::outcome::Failure;
use gate::signature::{OpenError, Opened, PublicKey, open as open_bytes};
use judge::verdict::Verdict;
use std::io::Read;
use std::path::Path;

/// The verdict in a file (`-`: standard input), if its schema is one that this version knows.
pub(crate) fn read(path: &Path) -> Result<Verdict, Failure> {
    open(path, &[]).map(|opened| opened.verdict)
}

/// The same, with whose it is; `keys` are those that are trusted.
pub(crate) fn open(path: &Path, keys: &[PublicKey]) -> Result<Opened, Failure> {
    open_bytes(&bytes(path)?, keys).map_err(|error| failure(path, &error))
}

/// The bytes of a file that should be a verdict.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    read.map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}; `weighbridge evaluate` writes a verdict", path.display()))
    })
}

/// Why a file is no verdict.
pub(crate) fn failure(path: &Path, error: &OpenError) -> Failure {
    let shown = path.display();
    match error {
        OpenError::Json { .. } => {
            Failure::usage(format!("{shown}, {error}; write a new one with `weighbridge evaluate`"))
        }
        OpenError::Schema { .. } => Failure::usage(format!("{shown}: {error}")),
    }
}
