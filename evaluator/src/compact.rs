//! Record files to Parquet, in folders by migration and day: `DIR/migration=NAME/day=YYYY-MM-DD/part-*.parquet`.
//!
//! Records of a day may be in many files, and a file that is still written to is compacted again when it has grown. So
//! what is in the folder is remembered by what was read ([`ledger`]): a file by the digest of its unpacked lines, one
//! that has grown by the digest of the lines it had. A second run over the same inputs reads them and writes nothing; lines
//! that came since, or came late for their day, go to parts of their own. Nothing that is there is ever rewritten.
//!
//! Parts are written aside, announced in the ledger, and renamed to their places; what a run that was killed had announced
//! and not finished is taken away by the next one. Memory is bounded by what may wait for its row group, over all
//! partitions together, whatever the number of days and migrations.

mod input;
mod ledger;
mod partition;

use crate::EvaluateError;
use crate::load::files_of;
use crate::parquet::ParquetError;
use datasets::ReadError;
use datasets::file::FileError;
use input::Input;
use ledger::{Done, Ledger};
use partition::Partitions;
use std::path::{Path, PathBuf};

/// Records between two reports of progress.
const REPORT_RECORDS: u64 = 16_384;

/// Why records could not be compacted.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    /// An input cannot be found.
    #[error(transparent)]
    Inputs(#[from] EvaluateError),
    /// An input cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A Parquet file cannot be read or written.
    #[error(transparent)]
    Parquet(#[from] ParquetError),
    /// A file of the folder cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another run works on the folder.
    #[error("{path} is being compacted by another process; wait for its end, or choose another folder")]
    Locked {
        /// Folder.
        path: PathBuf,
    },
    /// What the folder remembers of earlier runs cannot be read.
    #[error("{path} does not tell what was compacted ({message}); restore it, or compact into another folder")]
    Ledger {
        /// File.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A line has members that a column would be missing for.
    #[error(
        "{path}, line {line}: member {member} is unknown to this version and would be lost; update weighbridge, or say \
         --drop-unknown"
    )]
    Unknown {
        /// File.
        path: PathBuf,
        /// Line, from 1; a row of a table.
        line: u64,
        /// The member's name.
        member: String,
    },
    /// The input is the output.
    #[error("{path} is in the folder that is written to; name other records, or another folder")]
    Own {
        /// File.
        path: PathBuf,
    },
}

/// How to compact.
#[derive(Debug, Clone, Copy, Default)]
pub struct CompactOptions {
    /// Leave out lines that are no records, and count them, instead of stopping at the first one.
    pub skip_broken: bool,
    /// Leave out members that this version does not know.
    pub drop_unknown: bool,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Files that were read.
    pub files: u64,
    /// Files of which everything was there already.
    pub files_known: u64,
    /// Records that were written.
    pub records: u64,
    /// Records that were there already.
    pub records_known: u64,
    /// Parts that were written.
    pub parts: u64,
    /// Bytes of these parts.
    pub bytes: u64,
    /// Lines that are no records, and were left out.
    pub broken: u64,
    /// Last lines without a line end: their writer has not finished them, and the next run takes them.
    pub unfinished: u64,
    /// Members that were left out.
    pub unknown: u64,
}

/// Compacts record files, and those of folders, into a folder. `progress` is told the number of records now and then.
///
/// # Errors
/// [`CompactError`]. What was done for files before the failing one stays; a run after the cause is gone goes on.
pub fn compact(
    inputs: &[PathBuf],
    out: &Path,
    options: CompactOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<Compacted, CompactError> {
    let mut ledger = Ledger::open(out)?;
    let mut done = Compacted::default();
    let here = out.canonicalize().unwrap_or_else(|_| out.to_owned());
    for path in files_of(inputs)? {
        if path.canonicalize().is_ok_and(|path| path.starts_with(&here)) {
            return Err(CompactError::Own { path });
        }
        one(&path, out, &mut ledger, options, &mut done, progress)?;
    }
    Ok(done)
}

fn one(
    path: &Path,
    out: &Path,
    ledger: &mut Ledger,
    options: CompactOptions,
    done: &mut Compacted,
    progress: &mut dyn FnMut(u64),
) -> Result<(), CompactError> {
    let mut input = Input::open(path, ledger)?;
    done.files += 1;
    done.unfinished += u64::from(input.unfinished);
    done.records_known += input.known.map_or(0, |known| known.records);
    if input.known.is_some_and(|known| known.lines == input.lines) {
        done.files_known += 1;
        return Ok(());
    }
    let staging = ledger.staging()?;
    let mut partitions = Partitions::new(staging.path(), &input.digest, input.header.clone());
    let (mut records, broken_before) = (0, done.broken);
    while let Some(record) = input.next(options, done) {
        partitions.push(record?)?;
        records += 1;
        if (done.records + records).is_multiple_of(REPORT_RECORDS) {
            progress(done.records + records);
        }
    }
    input.still_the_same()?;
    let parts = partitions.finish()?;
    let known = input.known.map_or(0, |known| known.records);
    let entry = Done {
        schema: ledger::SCHEMA.to_owned(),
        name: crate::load::name_of(path),
        digest: input.digest.clone(),
        lines: input.lines,
        bytes: input.bytes,
        records: known + records,
        broken: done.broken - broken_before,
        parts: parts.iter().map(|part| part.name.clone()).collect(),
        done: false,
    };
    ledger.publish(out, entry, &parts)?;
    done.records += records;
    done.parts += parts.len() as u64;
    done.bytes += parts.iter().map(|part| part.bytes).sum::<u64>();
    Ok(())
}

#[cfg(test)]
mod tests;
