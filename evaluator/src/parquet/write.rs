//! Records to a Parquet file, one row group after the other.

use super::columns::HEADER;
use super::error::ParquetError;
use crate::rows::guard_text;
use datasets::{Exchange, Header};
use polars::prelude::{
    BatchedWriter, Column, DataFrame, KeyValueMetadata, NamedFrom, ParquetCompression, ParquetWriter, PolarsResult,
    Schema, Series,
};
use serde::Serialize;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// Rows of a row group, at most: large enough for the encoder, small enough that the records waiting for it take 70 MB.
const GROUP_ROWS: usize = 65_536;
/// Bytes of the records that wait for a row group, at most (but one record is never split): answers may be long.
const GROUP_BYTES: usize = 96 * 1024 * 1024;

/// Writes records as they come. The file is whole only after [`Writer::finish`].
pub struct Writer {
    path: PathBuf,
    encoder: BatchedWriter<BufWriter<File>>,
    waiting: Vec<Exchange>,
    waiting_bytes: usize,
    written: u64,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Writer")
            .field("path", &self.path)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// Begins a file; one that is there is replaced.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: &Path, header: &Header) -> Result<Self, ParquetError> {
        let file = File::create(path).map_err(|source| ParquetError::File { path: path.to_owned(), source })?;
        let header = serde_json::to_string(header)
            .map_err(|error| ParquetError::Encode { path: path.to_owned(), message: error.to_string() })?;
        let metadata = KeyValueMetadata::from_static(vec![(HEADER.to_owned(), header)]);
        let encoder = ParquetWriter::new(BufWriter::new(file))
            .with_compression(ParquetCompression::Zstd(None))
            .with_key_value_metadata(Some(metadata))
            .batched(&schema())
            .map_err(|error| encode(path, error))?;
        Ok(Self { path: path.to_owned(), encoder, waiting: Vec::new(), waiting_bytes: 0, written: 0 })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// A row group cannot be written.
    pub fn push(&mut self, exchange: Exchange) -> Result<(), ParquetError> {
        self.waiting_bytes += bytes(&exchange);
        self.waiting.push(exchange);
        if self.waiting.len() >= GROUP_ROWS || self.waiting_bytes >= GROUP_BYTES { self.group() } else { Ok(()) }
    }

    /// Memory that the records take which wait for their row group.
    #[must_use]
    pub const fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Writes what is waiting as a row group of its own, to have the memory back.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn flush(&mut self) -> Result<(), ParquetError> {
        if self.waiting.is_empty() { Ok(()) } else { self.group() }
    }

    fn group(&mut self) -> Result<(), ParquetError> {
        let failed = |error| encode(&self.path, error);
        let frame = frame(&self.waiting).map_err(failed)?;
        self.encoder.write_batch(&frame).map_err(failed)?;
        self.written += self.waiting.len() as u64;
        self.waiting = Vec::new();
        self.waiting_bytes = 0;
        Ok(())
    }

    /// Writes what is waiting and ends the file; gives the number of records in it.
    ///
    /// # Errors
    /// The rest cannot be written.
    pub fn finish(mut self) -> Result<u64, ParquetError> {
        self.flush()?;
        self.encoder.finish().map_err(|error| encode(&self.path, error))?;
        Ok(self.written)
    }
}

/// As [`write`](fn@write), for records that come one by one, into a file that is whole or not there.
///
/// # Errors
/// Those of `fill`, and the file cannot be written; what stood there before is untouched.
pub fn stream_whole<E: From<ParquetError>>(
    path: &Path,
    header: &Header,
    fill: impl FnOnce(&mut Writer) -> Result<(), E>,
) -> Result<u64, E> {
    let failed = |source| E::from(ParquetError::File { path: path.to_owned(), source });
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let aside = tempfile::tempdir_in(folder).map_err(failed)?;
    let written = aside.path().join("records.parquet");
    let mut writer = Writer::create(&written, header)?;
    fill(&mut writer)?;
    let records = writer.finish()?;
    File::open(&written).and_then(|file| file.sync_all()).map_err(failed)?;
    std::fs::rename(&written, path).map_err(failed)?;
    Ok(records)
}

/// About the memory that a record takes.
fn bytes(exchange: &Exchange) -> usize {
    let texts = [
        exchange.request.as_ref(),
        exchange.unit.as_ref(),
        exchange.consumer.as_ref(),
        exchange.model_answered.as_ref(),
        exchange.finish_reason.as_ref(),
        exchange.form_failure.as_ref(),
        exchange.answer_digest.as_ref(),
        exchange.tools_digest.as_ref(),
        exchange.answer.as_ref(),
    ];
    let optional: usize = texts.into_iter().flatten().map(String::capacity).sum();
    let always = [&exchange.pair, &exchange.migration, &exchange.provider, &exchange.model];
    let always: usize = always.into_iter().chain(&exchange.dropped).map(String::capacity).sum();
    let guard = exchange.guard.iter().flat_map(|guard| [&guard.request, &guard.response]).flatten();
    let said: usize = guard.flat_map(|check| check.categories.iter().chain(&check.failed)).map(String::capacity).sum();
    size_of::<Exchange>() + optional + always + said
}

/// Writes records to a file; gives their number.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, header: &Header, exchanges: impl IntoIterator<Item = Exchange>) -> Result<u64, ParquetError> {
    let mut writer = Writer::create(path, header)?;
    exchanges.into_iter().try_for_each(|exchange| writer.push(exchange))?;
    writer.finish()
}

fn encode(path: &Path, error: polars::error::PolarsError) -> ParquetError {
    match error {
        polars::error::PolarsError::IO { error, .. } => {
            let source = std::io::Error::new(error.kind(), error.to_string());
            ParquetError::File { path: path.to_owned(), source }
        }
        error => ParquetError::Encode { path: path.to_owned(), message: error.to_string() },
    }
}

/// The names and types of the columns that are written.
fn schema() -> Schema {
    // Of no record at all, the columns have their types all the same.
    frame(&[]).map(|frame| frame.schema().as_ref().clone()).unwrap_or_default()
}

/// How a value becomes a column.
trait Kind: Sized {
    fn column(name: &str, values: Vec<Option<Self>>) -> Column;
}

macro_rules! kinds {
    ($($kind:ty),*) => {$(
        impl Kind for $kind {
            fn column(name: &str, values: Vec<Option<Self>>) -> Column {
                Series::new(name.into(), values).into()
            }
        }
    )*};
}

kinds!(i64, u64, u32, bool, f64, &str, String);

/// The name that a closed list's value has in the record format.
fn name_of(value: impl Serialize) -> Option<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Some(name),
        _ => None,
    }
}

fn frame(rows: &[Exchange]) -> PolarsResult<DataFrame> {
    fn column<'a, K: Kind>(rows: &'a [Exchange], name: &str, of: impl FnMut(&'a Exchange) -> Option<K>) -> Column {
        K::column(name, rows.iter().map(of).collect())
    }
    let usage = |row: &Exchange| row.usage;
    let columns =
        vec![
            column(rows, "pair", |row| Some(row.pair.as_str())),
            column(rows, "arm", |row| Some(row.arm.name())),
            column(rows, "role", |row| name_of(row.role)),
            column(rows, "endpoint", |row| Some(row.endpoint.name())),
            column(rows, "migration", |row| Some(row.migration.as_str())),
            column(rows, "epoch", |row| Some(row.epoch)),
            column(rows, "weight_bp", |row| Some(row.weight_bp)),
            column(rows, "request", |row| row.request.as_deref()),
            column(rows, "unit", |row| row.unit.as_deref()),
            column(rows, "consumer", |row| row.consumer.as_deref()),
            column(rows, "assigned_by", |row| row.assigned_by.map(datasets::AssignedBy::name)),
            column(rows, "assigned_bp", |row| row.assigned_bp),
            column(rows, "shadow_bp", |row| row.shadow_bp),
            column(rows, "provider", |row| Some(row.provider.as_str())),
            column(rows, "model", |row| Some(row.model.as_str())),
            column(rows, "model_answered", |row| row.model_answered.as_deref()),
            column(rows, "streamed", |row| Some(row.streamed)),
            column(rows, "structured", |row| Some(row.structured)),
            column(rows, "at_us", |row| Some(row.at_us)),
            column(rows, "sent_us", |row| Some(row.sent_us)),
            column(rows, "first_event_us", |row| row.first_event_us),
            column(rows, "ttft_us", |row| row.ttft_us),
            column(rows, "first_visible_us", |row| row.first_visible_us),
            column(rows, "duration_us", |row| Some(row.duration_us)),
            column(rows, "status", |row| Some(u32::from(row.status))),
            column(rows, "attempts", |row| Some(row.attempts)),
            column(rows, "error", |row| row.error.map(wire::ErrorKind::name)),
            column(rows, "finish_reason", |row| row.finish_reason.as_deref()),
            column(rows, "form_failure", |row| row.form_failure.as_deref()),
            column(rows, "moderation", |row| row.moderation.and_then(name_of)),
            column(rows, "refused", |row| Some(row.refused)),
            // As JSON, so that a verdict of any length is one value; a guard that looked at nothing is none.
            column(rows, "guard", |row| row.guard.as_ref().filter(|guard| !guard.is_empty()).map(guard_text)),
            column(rows, "usage_prompt", |row| usage(row).map(|usage| usage.prompt)),
            column(rows, "usage_completion", |row| usage(row).map(|usage| usage.completion)),
            column(rows, "usage_cached", |row| usage(row).and_then(|usage| usage.cached)),
            column(rows, "usage_cache_write", |row| usage(row).and_then(|usage| usage.cache_write)),
            column(rows, "usage_prompt_audio", |row| usage(row).and_then(|usage| usage.prompt_audio)),
            column(rows, "usage_prompt_image", |row| usage(row).and_then(|usage| usage.prompt_image)),
            column(rows, "usage_reasoning", |row| usage(row).and_then(|usage| usage.reasoning)),
            column(rows, "usage_completion_audio", |row| usage(row).and_then(|usage| usage.completion_audio)),
            column(rows, "usage_source", |row| usage(row).and_then(|usage| name_of(usage.source))),
            column(rows, "tier", |row| name_of(row.tier)),
            column(rows, "cost_nanos", |row| row.cost_nanos),
            column(rows, "prompt_chars", |row| Some(row.prompt_chars)),
            column(rows, "prompt_wide_chars", |row| row.prompt_wide_chars),
            column(rows, "answer_chars", |row| Some(row.answer_chars)),
            column(rows, "reasoning_chars", |row| row.reasoning_chars),
            column(rows, "answer_digest", |row| row.answer_digest.as_deref()),
            column(rows, "tools_digest", |row| row.tools_digest.as_deref()),
            column(rows, "quality", |row| row.quality),
            column(rows, "answer", |row| row.answer.as_deref()),
            column(rows, "shadow", |row| row.shadow.and_then(name_of)),
            column(rows, "recorded", |row| row.recorded.and_then(name_of)),
            // A list of texts as JSON; an absent value is an empty one.
            column(rows, "dropped", |row| {
                if row.dropped.is_empty() { None } else { serde_json::to_string(&row.dropped).ok() }
            }),
        ];
    DataFrame::new(rows.len(), columns)
}
