//! The columns, by name and kind, and whether a file fits them.

use super::error::ParquetError;
use polars_arrow::datatypes::{ArrowDataType, ArrowSchema, Field};
use polars_parquet::read::schema::parquet_to_arrow_schema;
use polars_parquet::read::{FileMetadata, ParquetType, PrimitiveLogicalType};
use std::path::Path;

/// Key of the file's metadata under which the header of the record format stands, as JSON.
pub(super) const HEADER: &str = "weighbridge.header";

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// UTF-8 text.
    Text,
    /// A whole number of any width.
    Whole,
    /// A whole number, or a float as tables with gaps have it.
    Time,
    /// True or false.
    Flag,
    /// A float of any width.
    Real,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

const fn required(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: true }
}

const fn optional(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: false }
}

/// The columns that an evaluation does not read, and a record has.
pub(super) const OTHERS: [Column; 3] =
    [optional("reasoning_chars", Kind::Whole), optional("answer", Kind::Text), optional("dropped", Kind::Text)];

/// What an evaluation reads. Members that a record may leave out may be null or have no column at all.
pub(super) const COLUMNS: [Column; 51] = [
    required("pair", Kind::Text),
    required("arm", Kind::Text),
    required("role", Kind::Text),
    optional("endpoint", Kind::Text),
    required("migration", Kind::Text),
    required("epoch", Kind::Whole),
    required("weight_bp", Kind::Whole),
    optional("request", Kind::Text),
    optional("unit", Kind::Text),
    optional("consumer", Kind::Text),
    optional("assigned_by", Kind::Text),
    optional("assigned_bp", Kind::Whole),
    optional("shadow_bp", Kind::Whole),
    required("provider", Kind::Text),
    required("model", Kind::Text),
    optional("model_answered", Kind::Text),
    required("streamed", Kind::Flag),
    required("at_us", Kind::Whole),
    required("sent_us", Kind::Whole),
    optional("first_event_us", Kind::Time),
    optional("ttft_us", Kind::Time),
    optional("first_visible_us", Kind::Time),
    required("duration_us", Kind::Time),
    required("status", Kind::Whole),
    optional("attempts", Kind::Whole),
    optional("error", Kind::Text),
    optional("finish_reason", Kind::Text),
    optional("form_failure", Kind::Text),
    optional("moderation", Kind::Text),
    optional("refused", Kind::Flag),
    optional("guard", Kind::Text),
    optional("structured", Kind::Flag),
    optional("usage_prompt", Kind::Whole),
    optional("usage_completion", Kind::Whole),
    optional("usage_cached", Kind::Whole),
    optional("usage_cache_write", Kind::Whole),
    optional("usage_prompt_audio", Kind::Whole),
    optional("usage_prompt_image", Kind::Whole),
    optional("usage_reasoning", Kind::Whole),
    optional("usage_completion_audio", Kind::Whole),
    optional("usage_source", Kind::Text),
    optional("tier", Kind::Text),
    optional("cost_nanos", Kind::Whole),
    required("prompt_chars", Kind::Whole),
    optional("prompt_wide_chars", Kind::Whole),
    required("answer_chars", Kind::Whole),
    optional("answer_digest", Kind::Text),
    optional("tools_digest", Kind::Text),
    optional("quality", Kind::Real),
    optional("shadow", Kind::Text),
    optional("recorded", Kind::Text),
];

impl Kind {
    const fn expected(self) -> &'static str {
        match self {
            Self::Text => "text (UTF-8)",
            Self::Whole => "a whole number of up to 64 bits",
            Self::Time => "a whole number of up to 64 bits or a float",
            Self::Flag => "boolean",
            Self::Real => "a float or a whole number",
        }
    }

    const fn takes(self, found: &ArrowDataType) -> bool {
        use ArrowDataType as Type;
        let whole = matches!(
            found,
            Type::Int8
                | Type::Int16
                | Type::Int32
                | Type::Int64
                | Type::UInt8
                | Type::UInt16
                | Type::UInt32
                | Type::UInt64
        );
        let real = matches!(found, Type::Float32 | Type::Float64);
        match self {
            Self::Text => matches!(found, Type::Utf8View | Type::LargeUtf8 | Type::Utf8),
            Self::Whole => whole,
            Self::Time | Self::Real => whole || real,
            Self::Flag => matches!(found, Type::Boolean),
        }
    }
}

/// The fields of a file's columns as they are to be decoded, by name. The types are those of the file itself, whatever
/// the table was in the program that wrote it.
///
/// # Errors
/// Columns are missing or have another type.
pub(super) fn fields(path: &Path, metadata: &FileMetadata) -> Result<Vec<(Column, Field)>, ParquetError> {
    let schema: ArrowSchema = parquet_to_arrow_schema(metadata.schema().fields());
    let missing = COLUMNS.iter().filter(|column| column.required && schema.get(column.name).is_none());
    let columns: Vec<&'static str> = missing.map(|column| column.name).collect();
    if !columns.is_empty() {
        return Err(ParquetError::MissingColumns { path: path.to_owned(), columns });
    }
    let mut fields = Vec::new();
    for column in COLUMNS.into_iter().chain(OTHERS) {
        let Some(field) = schema.get(column.name) else { continue };
        if !column.required && is_empty(metadata, column.name) {
            continue;
        }
        if !column.kind.takes(&field.dtype) {
            return Err(ParquetError::ColumnType {
                path: path.to_owned(),
                column: column.name,
                found: format!("{:?}", field.dtype),
                expected: column.kind.expected(),
            });
        }
        let mut field = field.clone();
        if column.kind == Kind::Text {
            field.dtype = ArrowDataType::Utf8View;
        }
        fields.push((column, field));
    }
    Ok(fields)
}

/// Names of the columns that no record has.
pub(super) fn unknown(metadata: &FileMetadata) -> Vec<String> {
    let known = |name: &str| COLUMNS.iter().chain(&OTHERS).any(|column| column.name == name);
    metadata.schema().fields().iter().map(|field| field.name().to_owned()).filter(|name| !known(name)).collect()
}

/// Whether a column is marked as one of nulls only, which has no type of its own.
fn is_empty(metadata: &FileMetadata, name: &str) -> bool {
    metadata.schema().fields().iter().any(|field| match field {
        ParquetType::PrimitiveType(field) => {
            field.field_info.name == name && field.logical_type == Some(PrimitiveLogicalType::Unknown)
        }
        ParquetType::GroupType { .. } => false,
    })
}
