//! Records as Parquet: a column for each member of the record, named like it.
//!
//! Five million records are read in a second instead of minutes, because only the columns that an evaluation needs are
//! decoded, no text is made for any row (ids are hashed where they lie, names are looked up once for each value of a
//! dictionary), and row groups are decoded on all cores, each into its own part of one list of rows.
//!
//! polars does the encoding and decoding. Its own way to a frame would map the file into memory and build every column of
//! it; here one slice of a row group after the other is read, converted and dropped.
//!
//! Reading is as strict as with lines ([`load`](crate::load)): a value that no record can have is an error with file,
//! column and row.

mod batch;
mod cells;
mod columns;
mod decode;
mod error;
mod read;
mod records;
mod shared;
mod write;

pub use error::ParquetError;
pub use read::is_parquet;
pub(crate) use read::{read, rows_of};
pub use records::Reader;
pub(crate) use records::each_pair_id;
pub use write::{Writer, stream_whole, write};

#[cfg(test)]
mod tests;
