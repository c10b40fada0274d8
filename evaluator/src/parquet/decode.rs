//! One column of one slice of a row group, decoded.

use super::columns::{self, Column};
use super::error::ParquetError;
use polars_arrow::array::Array;
use polars_arrow::datatypes::Field;
use polars_buffer::Buffer;
use polars_parquet::read::{BasicDecompressor, FileMetadata, Filter, PageReader, column_iter_to_arrays, read_metadata};
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What a Parquet file holds, without its data.
pub(super) struct Layout {
    pub(super) path: PathBuf,
    pub(super) metadata: FileMetadata,
    fields: Vec<(Column, Field)>,
}

impl Layout {
    /// Reads the footer and looks whether the columns are those of records.
    pub(super) fn open(path: &Path) -> Result<Self, ParquetError> {
        let metadata = metadata_of(path)?;
        let fields = columns::fields(path, &metadata)?;
        Ok(Self { path: path.to_owned(), metadata, fields })
    }

    pub(super) fn file_error(&self, source: std::io::Error) -> ParquetError {
        ParquetError::File { path: self.path.clone(), source }
    }
}

/// The footer of a file.
pub(super) fn metadata_of(path: &Path) -> Result<FileMetadata, ParquetError> {
    let mut file = File::open(path).map_err(|source| ParquetError::File { path: path.to_owned(), source })?;
    read_metadata(&mut file).map_err(|error| ParquetError::Format { path: path.to_owned(), message: error.to_string() })
}

/// Reads columns of one file; each thread has its own.
pub(super) struct Decoder<'a> {
    layout: &'a Layout,
    file: File,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(layout: &'a Layout) -> Result<Self, ParquetError> {
        let file = File::open(&layout.path).map_err(|source| layout.file_error(source))?;
        Ok(Self { layout, file })
    }

    /// Rows `rows` of a column in a row group; `None` if the file has no such column.
    pub(super) fn column(
        &mut self,
        group: usize,
        name: &str,
        rows: &Range<usize>,
    ) -> Result<Option<Vec<Box<dyn Array>>>, ParquetError> {
        let Some((_, field)) = self.layout.fields.iter().find(|(column, _)| column.name == name) else {
            return Ok(None);
        };
        let damaged = |message: &str| ParquetError::Format {
            path: self.layout.path.clone(),
            message: format!("column `{name}`, row group {}: {message}", group + 1),
        };
        let group = self.layout.metadata.row_groups.get(group).ok_or_else(|| damaged("missing"))?;
        let mut chunks = group.columns_under_root_iter(name).ok_or_else(|| damaged("missing"))?;
        let (Some(chunk), None) = (chunks.next(), chunks.next()) else { return Err(damaged("nested")) };
        let bytes = chunk.byte_range();
        let mut data = vec![0; usize::try_from(bytes.end.saturating_sub(bytes.start)).unwrap_or(0)];
        self.file
            .seek(SeekFrom::Start(bytes.start))
            .and_then(|_| self.file.read_exact(&mut data))
            .map_err(|source| self.layout.file_error(source))?;
        let pages = PageReader::new(Cursor::new(Buffer::from(data)), chunk, Vec::new(), usize::MAX);
        let filter = (rows.len() < group.num_rows()).then(|| Filter::new_ranged(rows.start, rows.end));
        let (arrays, _) = column_iter_to_arrays(
            vec![BasicDecompressor::new(pages, Vec::new())],
            vec![&chunk.descriptor().descriptor.primitive_type],
            field.clone(),
            filter,
        )
        .map_err(|error| damaged(&error.to_string()))?;
        let decoded: usize = arrays.iter().map(|array| array.len()).sum();
        if decoded == rows.len() {
            Ok(Some(arrays))
        } else {
            Err(damaged(&format!("{decoded} values, expected {}", rows.len())))
        }
    }
}
