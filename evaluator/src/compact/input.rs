//! One input: what of it is known already, and the records that are not.

use super::ledger::Ledger;
use super::{CompactError, CompactOptions, Compacted};
use crate::parquet::{self, Reader};
use datasets::file::FileError;
use datasets::read::unpacked;
use datasets::{Exchange, Format, Header, Lines, ReadError, Redaction, digest};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// What of an input an earlier run has covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) lines: u64,
    pub(super) records: u64,
}

/// An input that is being read.
pub(super) struct Input {
    path: PathBuf,
    /// SHA-256 of what is covered when this input is done.
    pub(super) digest: String,
    pub(super) lines: u64,
    pub(super) bytes: u64,
    pub(super) known: Option<Known>,
    /// There is a last line without a line end, which is left to the next run.
    pub(super) unfinished: bool,
    pub(super) header: Header,
    source: Source,
}

enum Source {
    /// Everything is known.
    Nothing,
    Lines(Box<Lines<Exchange>>, RunningDigest),
    Table(Box<Reader>),
}

impl Input {
    /// Looks through the input, and opens it where it has something new.
    pub(super) fn open(path: &Path, ledger: &Ledger) -> Result<Self, CompactError> {
        if parquet::is_parquet(path) { Self::table(path, ledger) } else { Self::of_lines(path, ledger) }
    }

    fn table(path: &Path, ledger: &Ledger) -> Result<Self, CompactError> {
        let digest = crate::load::digest_of(path)?;
        let reader = Reader::open(path)?;
        let rows = reader.rows() as u64;
        let bytes = path.metadata().map_err(|source| FileError::new(path, source))?.len();
        let known = ledger.done().get(&digest).map(|done| Known { lines: rows, records: done.records });
        let header = reader.header().cloned().unwrap_or_else(|| Header::new(Format::Exchanges, Redaction::Hashed));
        let source = if known.is_some() { Source::Nothing } else { Source::Table(Box::new(reader)) };
        Ok(Self {
            path: path.to_owned(),
            digest,
            lines: rows,
            bytes,
            known,
            unfinished: false,
            header: header_of_parts(header),
            source,
        })
    }

    fn of_lines(path: &Path, ledger: &Ledger) -> Result<Self, CompactError> {
        let scan = Scan::of(path, ledger)?;
        let failed = |source| ReadError::File { path: path.to_owned(), source };
        let running = RunningDigest::default();
        let limited = unpacked(path).map_err(failed)?.take(scan.bytes);
        let hashed = BufReader::new(Hashed { source: limited, digest: running.clone() });
        let mut lines = Lines::<Exchange>::from_reader(path, Box::new(hashed), Format::Exchanges)?;
        lines.count_unknown();
        let header = header_of_parts(lines.header().clone());
        let nothing = scan.known.is_some_and(|known| known.lines == scan.lines);
        let source = if nothing { Source::Nothing } else { Source::Lines(Box::new(lines), running) };
        Ok(Self {
            path: path.to_owned(),
            digest: scan.digest,
            lines: scan.lines,
            bytes: scan.bytes,
            known: scan.known,
            unfinished: scan.unfinished,
            header,
            source,
        })
    }

    /// The next record that is not known.
    pub(super) fn next(
        &mut self,
        options: CompactOptions,
        done: &mut Compacted,
    ) -> Option<Result<Exchange, CompactError>> {
        match &mut self.source {
            Source::Nothing => None,
            Source::Lines(lines, _) => {
                let known = self.known.map_or(0, |known| known.lines);
                next_line(lines, &self.path, known, options, done)
            }
            Source::Table(reader) => {
                if let Some(member) = reader.unknown_columns().into_iter().next().filter(|_| !options.drop_unknown) {
                    return Some(Err(CompactError::Unknown {
                        path: self.path.clone(),
                        line: reader.row() + 1,
                        member,
                    }));
                }
                loop {
                    match reader.next()? {
                        Ok(record) => return Some(Ok(record)),
                        Err(parquet::ParquetError::Value { .. }) if options.skip_broken => done.broken += 1,
                        Err(error) => return Some(Err(error.into())),
                    }
                }
            }
        }
    }

    /// Whether the lines that were read are those that were looked through: nothing may be remembered of other ones.
    pub(super) fn still_the_same(&self) -> Result<(), CompactError> {
        match &self.source {
            Source::Lines(_, running) if running.hex() != self.digest => {
                let source = std::io::Error::other("the file changed while it was read");
                Err(ReadError::File { path: self.path.clone(), source }.into())
            }
            _ => Ok(()),
        }
    }
}

/// The parts keep the version of what they were read from, because it tells what absent members mean; but nothing of a
/// newer one is left in them.
fn header_of_parts(header: Header) -> Header {
    let fresh = Header::new(Format::Exchanges, header.redaction);
    let version = header.oldest_version(&fresh);
    Header { version, creator: fresh.creator, ..header }
}

fn next_line(
    lines: &mut Lines<Exchange>,
    path: &Path,
    known: u64,
    options: CompactOptions,
    done: &mut Compacted,
) -> Option<Result<Exchange, CompactError>> {
    loop {
        let unknown_before = lines.unknown().map_or(0, datasets::read::Unknown::total);
        let record = lines.next()?;
        // What is known was looked at by the run that took it.
        if lines.line() <= known {
            continue;
        }
        let record = match record {
            Ok(record) => record,
            Err(ReadError::Line { .. }) if options.skip_broken => {
                done.broken += 1;
                continue;
            }
            Err(error) => return Some(Err(error.into())),
        };
        let unknown = lines.unknown().map_or(0, datasets::read::Unknown::total) - unknown_before;
        if unknown > 0 && !options.drop_unknown {
            let member = lines.unknown().and_then(datasets::read::Unknown::last).unwrap_or_default().to_owned();
            return Some(Err(CompactError::Unknown { path: path.to_owned(), line: lines.line(), member }));
        }
        done.unknown += unknown;
        return Some(Ok(record));
    }
}

/// A first pass over the lines of a file.
struct Scan {
    digest: String,
    lines: u64,
    bytes: u64,
    known: Option<Known>,
    unfinished: bool,
}

impl Scan {
    fn of(path: &Path, ledger: &Ledger) -> Result<Self, CompactError> {
        let failed = |source| ReadError::File { path: path.to_owned(), source };
        let mut source = unpacked(path).map_err(failed)?;
        let ends: HashSet<u64> = ledger.done().values().map(|done| done.bytes).collect();
        let mut scan = Self { digest: String::new(), lines: 0, bytes: 0, known: None, unfinished: false };
        let mut hash = Sha256::new();
        // Bytes after the last line end so far; their hash counts only once the line has its end.
        let mut open = hash.clone();
        let mut open_bytes = 0;
        loop {
            let block = source.fill_buf().map_err(failed)?;
            if block.is_empty() {
                break;
            }
            let mut rest = block;
            while let Some(end) = memchr(rest) {
                let (line, after) = rest.split_at(end + 1);
                open.update(line);
                hash = open.clone();
                scan.lines += 1;
                scan.bytes += open_bytes + line.len() as u64;
                open_bytes = 0;
                rest = after;
                if ends.contains(&scan.bytes) {
                    scan.look_up(ledger, &hash);
                }
            }
            open.update(rest);
            open_bytes += rest.len() as u64;
            let read = block.len();
            source.consume(read);
        }
        scan.unfinished = open_bytes > 0;
        scan.digest = digest::hex(&hash.finalize());
        Ok(scan)
    }

    /// Whether an earlier run ended here.
    fn look_up(&mut self, ledger: &Ledger, hash: &Sha256) {
        let digest = digest::hex(&hash.clone().finalize());
        if let Some(done) = ledger.done().get(&digest) {
            self.known = Some(Known { lines: done.lines, records: done.records });
        }
    }
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

/// The digest of what was read so far.
#[derive(Debug, Clone, Default)]
struct RunningDigest(std::sync::Arc<std::sync::Mutex<Sha256>>);

impl RunningDigest {
    fn hex(&self) -> String {
        digest::hex(&self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone().finalize())
    }
}

struct Hashed<R> {
    source: R,
    digest: RunningDigest,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        let mut digest = self.digest.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        digest.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}
