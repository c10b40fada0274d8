//! A file to rows, on all cores.

use super::batch::{Batch, Columns, Wrong};
use super::columns::HEADER;
use super::decode::{Decoder, Layout, metadata_of};
use super::error::ParquetError;
use super::shared::SharedNames;
use crate::load::ByArm;
use crate::rows::{Names, ROWS_MAX, Row};
use datasets::{Format, Header};
use polars_parquet::read::FileMetadata;
use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// First bytes of every Parquet file.
const MAGIC: [u8; 4] = *b"PAR1";
/// Rows that are decoded at once, at most: the columns of that many take about 60 MB on each core.
const SLICE_ROWS_MAX: usize = 131_072;
/// Rows whose values are looked at together: so few that the values stay in the cache until they are rows.
const BATCH_ROWS: usize = 4_096;

/// Whether a file begins like a Parquet file; `false` also for one that cannot be read, which then fails when it is.
#[must_use]
pub fn is_parquet(path: &Path) -> bool {
    let mut start = [0; 4];
    path.is_file() && File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == MAGIC
}

/// How many rows a file says it has; 0 if it cannot be read, which then fails when it is.
pub(crate) fn rows_of(path: &Path) -> usize {
    metadata_of(path).map_or(0, |metadata| plausible(&metadata).unwrap_or(0))
}

/// The number of rows, if all of a footer agrees about it. It says how much memory is asked for, so a damaged one must
/// not be believed.
pub(super) fn plausible(metadata: &FileMetadata) -> Option<usize> {
    let mut rows = 0usize;
    for group in &metadata.row_groups {
        let values = i64::try_from(group.num_rows()).ok()?;
        let agree = group.columns_under_root_iter("pair")?.all(|column| column.num_values() == values);
        rows = agree.then(|| rows.checked_add(group.num_rows()))??;
    }
    (rows == metadata.num_rows && rows <= ROWS_MAX).then_some(rows)
}

/// What was met in a file beside its rows.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Read {
    /// Rows that are records.
    pub(crate) records: u64,
    /// Refused rows by arm, under `skip_broken`.
    pub(crate) broken: ByArm,
    /// Refused rows of which not even the arm can be told, under `skip_broken`.
    pub(crate) broken_unknown: u64,
}

impl Read {
    fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.broken.baseline += other.broken.baseline;
        self.broken.candidate += other.broken.candidate;
        self.broken_unknown += other.broken_unknown;
    }
}

/// Appends the rows of a file in their order. Refused ones under `skip_broken` are left out.
///
/// # Errors
/// The file is no Parquet file of records, or (without `skip_broken`) a row is none; of several such rows the first one.
pub(crate) fn read(
    path: &Path,
    names: &mut Names,
    rows: &mut Vec<Row>,
    skip_broken: bool,
) -> Result<Read, ParquetError> {
    let layout = Layout::open(path)?;
    header_of(&layout)?;
    let damaged = |message: &str| ParquetError::Format { path: path.to_owned(), message: message.to_owned() };
    let count = plausible(&layout.metadata).ok_or_else(|| damaged("the footer contradicts itself about the rows"))?;
    let start = rows.len();
    rows.try_reserve_exact(count).map_err(|_| damaged("the footer tells of more rows than there is memory for"))?;
    rows.resize(start + count, Row::hole());
    let shared = Mutex::new(std::mem::take(names));
    let work = Work {
        layout: &layout,
        names: &shared,
        skip_broken,
        parts: Mutex::new(parts(&layout, rows.get_mut(start..).unwrap_or_default())),
    };
    let results: Vec<Outcome> = std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(layout.metadata.row_groups.len());
        let handles: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(|| work.run())).collect();
        handles.into_iter().map(|handle| handle.join().unwrap_or_else(|_| Outcome::damaged(&layout))).collect()
    });
    *names = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut total = Read::default();
    // The first one in the file, whichever thread met it.
    let mut failed: Option<(u64, ParquetError)> = None;
    for outcome in results {
        total.add(&outcome.read);
        failed = match (failed, outcome.failed) {
            (Some(first), Some(other)) if first.0 <= other.0 => Some(first),
            (first, other) => other.or(first),
        };
    }
    if let Some((_, error)) = failed {
        return Err(error);
    }
    if total.broken_unknown + total.broken.baseline + total.broken.candidate > 0 {
        let mut place = 0;
        rows.retain(|row| {
            place += 1;
            place <= start || !row.is_hole()
        });
    }
    Ok(total)
}

/// Files of other programs have no header; one that is there must be readable.
/// The header of a file of records; `None` where another program made the table and gave it none.
///
/// # Errors
/// It is of another format, or of a newer version.
pub(super) fn header_of(layout: &Layout) -> Result<Option<Header>, ParquetError> {
    let pairs = layout.metadata.key_value_metadata().iter().flatten();
    let Some(text) = pairs.filter(|pair| pair.key == HEADER).find_map(|pair| pair.value.as_deref()) else {
        return Ok(None);
    };
    let wrong = |message| ParquetError::Header { path: layout.path.clone(), message };
    let header: Header = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    header.readable(Format::Exchanges).map_err(wrong)?;
    Ok(Some(header))
}

/// A slice of a row group, and where its rows go.
struct Part<'r> {
    group: usize,
    slice: Range<usize>,
    /// Rows of the file before it.
    before: u64,
    rows: &'r mut [Row],
}

/// The parts of a file, last one first, so that they are taken in order from the end.
fn parts<'r>(layout: &Layout, mut rows: &'r mut [Row]) -> Vec<Part<'r>> {
    let mut parts = Vec::new();
    let mut before = 0;
    for (group, metadata) in layout.metadata.row_groups.iter().enumerate() {
        let count = metadata.num_rows();
        for start in (0..count).step_by(SLICE_ROWS_MAX) {
            let end = count.min(start + SLICE_ROWS_MAX);
            let (part, rest) = rows.split_at_mut((end - start).min(rows.len()));
            rows = rest;
            parts.push(Part { group, slice: start..end, before, rows: part });
            before += (end - start) as u64;
        }
    }
    parts.reverse();
    parts
}

/// What a thread has done.
#[derive(Default)]
struct Outcome {
    read: Read,
    /// The first failure with the row before which it happened.
    failed: Option<(u64, ParquetError)>,
}

impl Outcome {
    /// The decoder gave up in a way that it has no error for.
    fn damaged(layout: &Layout) -> Self {
        let message = "the decoder stopped at damaged data".to_owned();
        Self { failed: Some((0, ParquetError::Format { path: layout.path.clone(), message })), ..Self::default() }
    }
}

struct Work<'a, 'r> {
    layout: &'a Layout,
    names: &'a Mutex<Names>,
    skip_broken: bool,
    parts: Mutex<Vec<Part<'r>>>,
}

impl Work<'_, '_> {
    /// Takes parts until none is left or one fails. Parts are taken in the file's order, so whoever fails first in the
    /// file is among the failures.
    fn run(&self) -> Outcome {
        let mut outcome = Outcome::default();
        let mut names = SharedNames::new(self.names);
        let mut decoder = match Decoder::new(self.layout) {
            Ok(decoder) => decoder,
            Err(error) => return Outcome { failed: Some((0, error)), ..outcome },
        };
        while let Some(mut part) = self.next() {
            let before = part.before;
            if let Err((row, error)) = self.part(&mut part, &mut decoder, &mut names, &mut outcome.read) {
                outcome.failed = Some((before + row, error));
                break;
            }
        }
        outcome
    }

    fn next(&self) -> Option<Part<'_>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn part(
        &self,
        part: &mut Part<'_>,
        decoder: &mut Decoder<'_>,
        names: &mut SharedNames<'_>,
        read: &mut Read,
    ) -> Result<(), (u64, ParquetError)> {
        let columns = Columns::decode(decoder, part.group, &part.slice).map_err(|error| (0, error))?;
        let mut start = 0;
        for places in part.rows.chunks_mut(BATCH_ROWS) {
            let batch = Batch::of(&columns, &(start..start + places.len()), names);
            for (number, place) in places.iter_mut().enumerate() {
                match batch.row(number, names) {
                    Ok(row) => {
                        *place = row;
                        read.records += 1;
                    }
                    Err(wrong) if self.skip_broken => match wrong.arm {
                        Some(arm) => *read.broken.of(arm) += 1,
                        None => read.broken_unknown += 1,
                    },
                    Err(wrong) => {
                        let row = (start + number) as u64;
                        return Err((row, self.wrong(part.before + row + 1, wrong)));
                    }
                }
            }
            start += places.len();
        }
        Ok(())
    }

    fn wrong(&self, row: u64, wrong: Wrong) -> ParquetError {
        ParquetError::Value { path: self.layout.path.clone(), row, column: wrong.column, message: wrong.message }
    }
}
