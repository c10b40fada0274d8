//! Records of any kind from any file: lines, packed lines, tables.

use crate::cmd::evaluate::{failure, is_standard_output};
use crate::cmd::not_read;
use crate::outcome::Failure;
use datasets::read::AnyLines;
use datasets::{Exchange, Format, Header, Label, LoggedRequest, ReadError, Redaction};
use evaluator::parquet::{ParquetError, Reader, is_parquet};
use std::path::{Path, PathBuf};

/// One record.
pub(in crate::cmd) enum Record {
    Request(Box<LoggedRequest>),
    Exchange(Box<Exchange>),
    Label(Label),
}

/// Why there is no record.
pub(super) enum Missing {
    /// The line or row is none.
    Broken { line: u64, member: Option<&'static str>, message: String },
    /// The file cannot be read on.
    Stop(Failure),
}

/// A file that is read.
pub(in crate::cmd) struct Source {
    name: String,
    header: Header,
    rows: Rows,
}

enum Rows {
    Lines(AnyLines),
    Table(Box<Reader>),
}

impl Source {
    pub(in crate::cmd) fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        if is_parquet(path) {
            let reader = Reader::open(path).map_err(|error| of_table(&error))?;
            let header = reader.header().cloned().unwrap_or_else(|| Header::new(Format::Exchanges, Redaction::Hashed));
            return Ok(Self { name, header, rows: Rows::Table(Box::new(reader)) });
        }
        let lines = AnyLines::open(path).map_err(|error| of_lines(&error))?;
        Ok(Self { name, header: lines.header().clone(), rows: Rows::Lines(lines) })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(in crate::cmd) fn header(&self) -> &Header {
        &self.header
    }

    /// From now on, members that nobody knows are counted.
    pub(super) fn count_unknown(&mut self) {
        match &mut self.rows {
            Rows::Lines(AnyLines::Requests(lines)) => lines.count_unknown(),
            Rows::Lines(AnyLines::Exchanges(lines)) => lines.count_unknown(),
            Rows::Lines(AnyLines::Labels(lines)) => lines.count_unknown(),
            Rows::Table(_) => {}
        }
    }

    /// What was counted, of the header and of the lines.
    pub(super) fn unknown(&self) -> Option<[&datasets::read::Unknown; 2]> {
        let (header, lines) = match &self.rows {
            Rows::Lines(AnyLines::Requests(lines)) => (lines.header_unknown(), lines.unknown()),
            Rows::Lines(AnyLines::Exchanges(lines)) => (lines.header_unknown(), lines.unknown()),
            Rows::Lines(AnyLines::Labels(lines)) => (lines.header_unknown(), lines.unknown()),
            Rows::Table(_) => return None,
        };
        lines.map(|lines| [header, lines])
    }

    /// Columns of a table that nobody knows.
    pub(super) fn unknown_columns(&self) -> Vec<String> {
        match &self.rows {
            Rows::Table(reader) => reader.unknown_columns(),
            Rows::Lines(_) => Vec::new(),
        }
    }

    /// Line, or row of a table, that was read last, from 1.
    pub(super) fn line(&self) -> u64 {
        match &self.rows {
            Rows::Lines(AnyLines::Requests(lines)) => lines.line(),
            Rows::Lines(AnyLines::Exchanges(lines)) => lines.line(),
            Rows::Lines(AnyLines::Labels(lines)) => lines.line(),
            Rows::Table(reader) => reader.row(),
        }
    }

    /// The line that was read last; a row of a table is none.
    pub(super) fn text(&self) -> Option<&[u8]> {
        match &self.rows {
            Rows::Lines(AnyLines::Requests(lines)) => Some(lines.text()),
            Rows::Lines(AnyLines::Exchanges(lines)) => Some(lines.text()),
            Rows::Lines(AnyLines::Labels(lines)) => Some(lines.text()),
            Rows::Table(_) => None,
        }
    }

    /// The next record. Broken ones can be passed over; after a stop it is over.
    pub(super) fn next(&mut self) -> Option<Result<Record, Missing>> {
        match &mut self.rows {
            Rows::Lines(AnyLines::Requests(lines)) => {
                Some(lines.next()?.map(|row| Record::Request(Box::new(row))).map_err(broken_line))
            }
            Rows::Lines(AnyLines::Labels(lines)) => Some(lines.next()?.map(Record::Label).map_err(broken_line)),
            Rows::Lines(AnyLines::Exchanges(lines)) => {
                Some(lines.next()?.map(|row| Record::Exchange(Box::new(row))).map_err(broken_line))
            }
            Rows::Table(reader) => {
                Some(reader.next()?.map(|row| Record::Exchange(Box::new(row))).map_err(|error| match error {
                    ParquetError::Value { row, column, message, .. } => {
                        Missing::Broken { line: row, member: Some(column), message }
                    }
                    error => Missing::Stop(of_table(&error)),
                }))
            }
        }
    }

    /// The next record; one that is broken stops the run.
    pub(in crate::cmd) fn next_whole(&mut self) -> Option<Result<Record, Failure>> {
        let record = self.next()?;
        let name = &self.name;
        Some(record.map_err(|missing| match missing {
            Missing::Stop(failure) => failure,
            Missing::Broken { line, member, message } => {
                let member = member.map(|member| format!(", `{member}`")).unwrap_or_default();
                Failure::usage(format!(
                    "{name}, line {line}{member}: {message}; mend or remove it (`weighbridge records check` names all)"
                ))
            }
        }))
    }

    /// Refuses a header that has members which would be lost, unless they may be.
    pub(super) fn refuse_unknown_header(&self, allowed: bool) -> Result<(), Failure> {
        let unknown = match &self.rows {
            Rows::Lines(AnyLines::Requests(lines)) => lines.header_unknown(),
            Rows::Lines(AnyLines::Exchanges(lines)) => lines.header_unknown(),
            Rows::Lines(AnyLines::Labels(lines)) => lines.header_unknown(),
            Rows::Table(_) => return Ok(()),
        };
        match unknown.last() {
            Some(member) if !allowed => Err(lost(&self.name, 1, member)),
            _ => Ok(()),
        }
    }

    /// Refuses a record that has members which would be lost, unless they may be.
    pub(super) fn refuse_unknown(&self, seen: &mut u64, allowed: bool) -> Result<(), Failure> {
        let Some([_, unknown]) = self.unknown() else { return Ok(()) };
        let new = unknown.total() > *seen;
        *seen = unknown.total();
        if !new || allowed {
            return Ok(());
        }
        Err(lost(&self.name, self.line(), unknown.last().unwrap_or_default()))
    }

    /// The same for the columns of a table.
    pub(super) fn refuse_unknown_columns(&self, allowed: bool) -> Result<(), Failure> {
        match self.unknown_columns().first() {
            Some(column) if !allowed => Err(lost(&self.name, 1, column)),
            _ => Ok(()),
        }
    }
}

fn lost(name: &str, line: u64, member: &str) -> Failure {
    Failure::usage(format!(
        "{name}, line {line}: member {member} is unknown to this version and would be lost; update weighbridge, or say \
         --drop-unknown"
    ))
}

fn broken_line(error: ReadError) -> Missing {
    match error {
        ReadError::Line { line, message, .. } => Missing::Broken { line, member: None, message },
        error => Missing::Stop(of_lines(&error)),
    }
}

fn of_lines(error: &ReadError) -> Failure {
    match error {
        ReadError::File { .. } => Failure::world(error),
        ReadError::Header { .. } | ReadError::Line { .. } => Failure::usage(error),
    }
}

pub(super) fn of_table(error: &ParquetError) -> Failure {
    match error {
        ParquetError::File { .. } => Failure::world(error),
        _ => Failure::usage(error),
    }
}

/// The files that are meant: a folder stands for the exchange records in it and in its partitions.
pub(in crate::cmd) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(evaluator::load::files_of(std::slice::from_ref(path)).map_err(|error| failure(&error))?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// As [`files`], for what needs to look at the first lines of all before it begins: standard input must be alone.
pub(super) fn files_twice(paths: &[PathBuf], out: &Path) -> Result<Vec<PathBuf>, Failure> {
    let files = files(paths)?;
    if files.len() > 1 && files.iter().any(|path| is_standard_output(path)) {
        return Err(Failure::usage("standard input can only be read alone: leave the other files out, or name it too"));
    }
    not_read(&files, out)?;
    Ok(files)
}
