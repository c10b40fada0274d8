//! Records to a file: lines, packed lines, a table.

use super::source::{Record, of_table};
use crate::cmd::evaluate::is_standard_output;
use crate::outcome::{Exit, Failure};
use datasets::file::{FileError, stream_whole};
use datasets::{Format, Header};
use evaluator::parquet::{self, ParquetError};
use std::io::Write;
use std::path::Path;

/// Where records go.
pub(super) enum Sink<'a> {
    Lines(&'a mut dyn Write),
    Table(&'a mut parquet::Writer),
}

/// Why records do not get there.
pub(super) enum Stop {
    Failure(Failure),
    /// What they are written to.
    Output(std::io::Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<FileError> for Stop {
    fn from(error: FileError) -> Self {
        Self::Failure(Failure::world(error))
    }
}

impl From<ParquetError> for Stop {
    fn from(error: ParquetError) -> Self {
        Self::Failure(of_table(&error))
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

/// Whether a name is that of a table.
pub(super) fn is_table(out: &Path) -> bool {
    out.extension().is_some_and(|ending| ending == "parquet")
}

impl Sink<'_> {
    /// Writes a record; `text` is the line that it was read from, which is kept byte for byte.
    pub(super) fn put(&mut self, record: Record, text: Option<&[u8]>) -> Result<(), Stop> {
        match self {
            Self::Table(table) => match record {
                Record::Exchange(exchange) => Ok(table.push(*exchange)?),
                Record::Request(_) | Record::Label(_) => Err(no_table(Path::new("the output")).into()),
            },
            Self::Lines(out) => {
                match (text, &record) {
                    (Some(text), _) => out.write_all(text)?,
                    (None, Record::Exchange(row)) => out.write_all(&line(row)?)?,
                    (None, Record::Request(row)) => out.write_all(&line(row)?)?,
                    (None, Record::Label(row)) => out.write_all(&line(row)?)?,
                }
                Ok(out.write_all(b"\n")?)
            }
        }
    }
}

/// A record as a line, without its end.
pub(super) fn line(record: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(record)
        .map_err(|error| Failure { exit: Exit::Bug, message: format!("a record does not serialise: {error}") })
}

fn no_table(out: &Path) -> Failure {
    Failure::usage(format!(
        "{} cannot be a table: only exchange records are tables, choose a name that ends in .ndjson or .ndjson.zst",
        out.display()
    ))
}

/// Writes a file that is whole or not there; `fill` gives the records. Whether anybody read to the end.
pub(super) fn write(
    out: &Path,
    header: &Header,
    fill: impl FnOnce(&mut Sink<'_>) -> Result<(), Stop>,
) -> Result<bool, Failure> {
    let written = if is_table(out) {
        if header.format != Format::Exchanges {
            return Err(no_table(out));
        }
        parquet::stream_whole(out, header, |table| fill(&mut Sink::Table(table))).map(drop)
    } else if is_standard_output(out) {
        lines(&mut std::io::stdout().lock(), header, fill)
    } else {
        stream_whole(out, |file| {
            if out.extension().is_none_or(|ending| ending != "zst") {
                return lines(file, header, fill);
            }
            let mut packed = datasets::file::Packed::new(file)?;
            lines(&mut packed, header, fill)?;
            Ok(packed.finish()?)
        })
    };
    match written {
        Ok(()) => Ok(true),
        // A reader that has gone away, as in `| head`, is no failure.
        Err(Stop::Output(error)) if is_standard_output(out) && error.kind() == std::io::ErrorKind::BrokenPipe => {
            Ok(false)
        }
        Err(Stop::Output(error)) => Err(Failure::world(FileError::new(out, error))),
        Err(Stop::Failure(failure)) => Err(failure),
    }
}

fn lines(
    out: &mut dyn Write,
    header: &Header,
    fill: impl FnOnce(&mut Sink<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut buffer = std::io::BufWriter::with_capacity(256 * 1024, out);
    buffer.write_all(&line(header)?)?;
    buffer.write_all(b"\n")?;
    fill(&mut Sink::Lines(&mut buffer))?;
    Ok(buffer.flush()?)
}
