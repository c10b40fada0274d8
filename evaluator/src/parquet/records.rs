//! A file back to records, with everything that is in them.
//!
//! An evaluation reads rows ([`read`](super::read)), which are a part of a record and hashed. Whoever converts, checks or
//! sums up wants the records themselves: one slice of a row group after the other, so that memory does not grow with the
//! file.

use super::columns::{self, COLUMNS, Kind, OTHERS};
use super::decode::{Decoder, Layout};
use super::error::ParquetError;
use super::read::{header_of, plausible};
use datasets::{Exchange, Header};
use polars_arrow::array::{Array, BooleanArray, PrimitiveArray, Utf8ViewArray};
use polars_arrow::types::NativeType;
use serde::Deserialize as _;
use serde_json::{Map, Value};
use std::ops::Range;
use std::path::Path;

/// Rows that are decoded at once, at most.
const SLICE_ROWS: usize = 65_536;
/// Rows that are records at once.
const BATCH_ROWS: usize = 2_048;

/// The records of one file, in its order. Ends after the first error that is not about a single row.
pub struct Reader {
    layout: Layout,
    header: Option<Header>,
    /// Slices still to come, the last one first.
    slices: Vec<(usize, Range<usize>)>,
    decoded: Slice,
    /// Rows of the file before the next one.
    row: u64,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Reader")
            .field("path", &self.layout.path)
            .field("row", &self.row)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens a file.
    ///
    /// # Errors
    /// It is no Parquet file of exchange records, or of a newer version.
    pub fn open(path: &Path) -> Result<Self, ParquetError> {
        let layout = Layout::open(path)?;
        let header = header_of(&layout)?;
        if plausible(&layout.metadata).is_none() {
            let message = "the footer contradicts itself about the rows".to_owned();
            return Err(ParquetError::Format { path: path.to_owned(), message });
        }
        let mut slices = Vec::new();
        for (group, metadata) in layout.metadata.row_groups.iter().enumerate() {
            let rows = metadata.num_rows();
            slices.extend((0..rows).step_by(SLICE_ROWS).map(|start| (group, start..rows.min(start + SLICE_ROWS))));
        }
        slices.reverse();
        Ok(Self { layout, header, slices, decoded: Slice::default(), row: 0 })
    }

    /// The header; `None` where another program made the table.
    #[must_use]
    pub const fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Rows of the file.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.layout.metadata.num_rows
    }

    /// Row that was read last, from 1.
    #[must_use]
    pub const fn row(&self) -> u64 {
        self.row
    }

    /// Columns that no record has, and that are not read.
    #[must_use]
    pub fn unknown_columns(&self) -> Vec<String> {
        columns::unknown(&self.layout.metadata)
    }

    fn decode(&mut self) -> Result<bool, ParquetError> {
        let Some((group, rows)) = self.slices.pop() else { return Ok(false) };
        self.decoded = Slice { columns: Vec::new(), next: 0, rows: rows.len() };
        let mut decoder = Decoder::new(&self.layout)?;
        for column in COLUMNS.into_iter().chain(OTHERS) {
            if let Some(arrays) = decoder.column(group, column.name, &rows)? {
                let values = Batch::empty();
                self.decoded.columns.push(Decoded { column: column.name, kind: column.kind, arrays, values });
            }
        }
        Ok(true)
    }

    fn wrong(&self, column: &'static str, message: String) -> ParquetError {
        ParquetError::Value { path: self.layout.path.clone(), row: self.row, column, message }
    }
}

/// Hands out the pair id of every row until `each` says that it has seen enough; nothing else of the file is decoded.
///
/// # Errors
/// The file is no Parquet file of records.
pub(crate) fn each_pair_id(path: &Path, mut each: impl FnMut(&str) -> bool) -> Result<(), ParquetError> {
    let layout = Layout::open(path)?;
    let mut decoder = Decoder::new(&layout)?;
    for (group, metadata) in layout.metadata.row_groups.iter().enumerate() {
        let rows = metadata.num_rows();
        for start in (0..rows).step_by(SLICE_ROWS) {
            let slice = start..rows.min(start + SLICE_ROWS);
            let arrays = decoder.column(group, "pair", &slice)?.unwrap_or_default();
            let texts = arrays.iter().filter_map(|array| array.as_any().downcast_ref::<Utf8ViewArray>());
            for id in texts.flat_map(|texts| texts.iter().flatten()) {
                if !each(id) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

impl Iterator for Reader {
    type Item = Result<Exchange, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.decoded.next == self.decoded.rows {
            match self.decode() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.slices.clear();
                    return Some(Err(error));
                }
            }
        }
        self.row += 1;
        let record = self.decoded.take();
        Some(record.map_err(|(column, message)| self.wrong(column, message)))
    }
}

/// Decoded columns of some rows.
#[derive(Default)]
struct Slice {
    columns: Vec<Decoded>,
    next: usize,
    rows: usize,
}

struct Decoded {
    column: &'static str,
    kind: Kind,
    arrays: Vec<Box<dyn Array>>,
    values: Batch,
}

/// The values of the rows around the next one.
struct Batch {
    start: usize,
    values: Vec<Value>,
}

impl Batch {
    const fn empty() -> Self {
        Self { start: 0, values: Vec::new() }
    }
}

impl Slice {
    /// The next record. It is built as the line that it would be and read from there, so that a table and a line mean
    /// the same, absent members and all.
    fn take(&mut self) -> Result<Exchange, (&'static str, String)> {
        let row = self.next;
        self.next += 1;
        let (mut record, mut usage) = (Map::new(), Map::new());
        for column in &mut self.columns {
            let value = column.take(row);
            if value.is_null() {
                continue;
            }
            match column.column.strip_prefix("usage_") {
                Some(name) => usage.insert(name.to_owned(), value),
                None if column.column == "dropped" => record.insert(column.column.to_owned(), list(&value)?),
                None if column.column == "guard" => record.insert(column.column.to_owned(), verdict(&value)?),
                None => record.insert(column.column.to_owned(), value),
            };
        }
        if !usage.is_empty() {
            // Parts of nothing are nothing.
            let some = ["prompt", "completion", "source"].iter().any(|name| usage.contains_key(*name));
            if some {
                record.insert("usage".to_owned(), Value::Object(usage));
            }
        }
        exchange(record)
    }
}

impl Decoded {
    fn take(&mut self, row: usize) -> Value {
        if row >= self.values.start + self.values.values.len() {
            let rows = row..row + BATCH_ROWS;
            self.values = Batch { start: row, values: values(self.kind, &self.arrays, &rows) };
        }
        let at = row - self.values.start;
        self.values.values.get_mut(at).map_or(Value::Null, std::mem::take)
    }
}

/// A record from its members; which one is wrong, if any is.
fn exchange(record: Map<String, Value>) -> Result<Exchange, (&'static str, String)> {
    let record = Value::Object(record);
    Exchange::deserialize(&record).map_err(|error| (culprit(&record), error.to_string()))
}

/// The column whose value a record cannot have: the one that a good record does not survive.
fn culprit(record: &Value) -> &'static str {
    let good = serde_json::json!({
        "pair": "", "arm": "baseline", "role": "served", "migration": "", "epoch": 0, "weight_bp": 0, "provider": "",
        "model": "", "streamed": false, "at_us": 0, "sent_us": 0, "duration_us": 0, "status": 0, "prompt_chars": 0,
        "answer_chars": 0,
    });
    let takes = |value: &Value| Exchange::deserialize(value).is_ok();
    for column in COLUMNS.into_iter().chain(OTHERS) {
        let name = if column.name.starts_with("usage_") { "usage" } else { column.name };
        let mut changed = good.clone();
        if let Some(object) = changed.as_object_mut() {
            match record.get(name) {
                Some(value) => object.insert(name.to_owned(), value.clone()),
                None => object.remove(name),
            };
        }
        if !takes(&changed) {
            return column.name;
        }
    }
    "pair"
}

/// The column `dropped`: a JSON list of texts, or names with commas between them, as it was written at first.
fn list(value: &Value) -> Result<Value, (&'static str, String)> {
    let text = value.as_str().unwrap_or_default();
    if !text.starts_with('[') {
        return Ok(text.split(',').map(Value::from).collect());
    }
    let names: Vec<String> = serde_json::from_str(text).map_err(|error| ("dropped", error.to_string()))?;
    Ok(names.into())
}

/// The column `guard`: a JSON object.
fn verdict(value: &Value) -> Result<Value, (&'static str, String)> {
    serde_json::from_str(value.as_str().unwrap_or_default()).map_err(|error| ("guard", error.to_string()))
}

fn values(kind: Kind, arrays: &[Box<dyn Array>], rows: &Range<usize>) -> Vec<Value> {
    let mut values = Vec::new();
    let mut before = 0;
    for array in arrays {
        let (start, end) = (rows.start.max(before), rows.end.min(before + array.len()));
        if start < end {
            of_array(kind, array.sliced(start - before, end - start).as_ref(), &mut values);
        }
        before += array.len();
    }
    values
}

fn of_array(kind: Kind, array: &dyn Array, values: &mut Vec<Value>) {
    let any = array.as_any();
    match kind {
        Kind::Text => {
            let texts = any.downcast_ref::<Utf8ViewArray>();
            values.extend(texts.into_iter().flat_map(|texts| texts.iter().map(Value::from)));
        }
        Kind::Flag => {
            let flags = any.downcast_ref::<BooleanArray>();
            values.extend(flags.into_iter().flat_map(|flags| flags.iter().map(Value::from)));
        }
        Kind::Whole | Kind::Time | Kind::Real => {
            let whole = kind != Kind::Real;
            let float = |value: f64| {
                // Tables with gaps have whole numbers as floats.
                let exact = whole && value.fract() == 0.0 && value.abs() < 9e15;
                if exact { Value::from(value as i64) } else { Value::from(value) }
            };
            let _taken = numbers::<i64>(array, values, Value::from)
                || numbers::<u64>(array, values, Value::from)
                || numbers::<u32>(array, values, Value::from)
                || numbers::<i32>(array, values, Value::from)
                || numbers::<f64>(array, values, float)
                || numbers::<f32>(array, values, |value| float(f64::from(value)))
                || numbers::<i8>(array, values, Value::from)
                || numbers::<i16>(array, values, Value::from)
                || numbers::<u8>(array, values, Value::from)
                || numbers::<u16>(array, values, Value::from);
        }
    }
}

fn numbers<N: NativeType>(array: &dyn Array, values: &mut Vec<Value>, of: impl Fn(N) -> Value) -> bool {
    let Some(array) = array.as_any().downcast_ref::<PrimitiveArray<N>>() else { return false };
    values.extend(array.iter().map(|value| value.map_or(Value::Null, |value| of(*value))));
    true
}
