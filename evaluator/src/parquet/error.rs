//! What can be wrong with a Parquet file of records.

use std::path::PathBuf;

/// Why a Parquet file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ParquetError {
    /// The file cannot be opened, read or written.
    #[error("cannot read or write {path}: {source}; check the path and its permissions")]
    File {
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// No Parquet file, or a damaged one.
    #[error(
        "{path} cannot be decoded as Parquet ({message}); if it is still being written, wait for its end, else write it again"
    )]
    Format {
        /// File.
        path: PathBuf,
        /// What the decoder says.
        message: String,
    },
    /// Rows cannot be encoded.
    #[error("cannot encode records for {path}: {message}; this is a bug, please report it")]
    Encode {
        /// File.
        path: PathBuf,
        /// What the encoder says.
        message: String,
    },
    /// The header in the file's metadata is no usable one.
    #[error("{path}, metadata `{}`: {message}", super::columns::HEADER)]
    Header {
        /// File.
        path: PathBuf,
        /// What was found and expected.
        message: String,
    },
    /// Columns are missing.
    #[error("{path} has no column {}; records have a column for each member, named like it", .columns.join(", "))]
    MissingColumns {
        /// File.
        path: PathBuf,
        /// Their names.
        columns: Vec<&'static str>,
    },
    /// A column of another type.
    #[error("{path}, column `{column}`: the type is {found}, expected {expected}; convert the column")]
    ColumnType {
        /// File.
        path: PathBuf,
        /// Column.
        column: &'static str,
        /// Type in the file.
        found: String,
        /// Types that can be read.
        expected: &'static str,
    },
    /// A value that no record can have.
    #[error("{path}, row {row}, column `{column}`: {message}; mend or remove the row")]
    Value {
        /// File.
        path: PathBuf,
        /// Row, from 1.
        row: u64,
        /// Column.
        column: &'static str,
        /// What was found and expected.
        message: String,
    },
}
