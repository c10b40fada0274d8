//! `weighbridge records convert`.

use super::sink::{Sink, Stop, is_table, write};
use super::source::{Record, Source, files_twice};
use super::{counted, progress, temporary};
use crate::args;
use crate::outcome::{Exit, Failure};
use crate::render;
use datasets::convert::Sorter;
use datasets::{Exchange, Header, Redaction};
use std::path::{Path, PathBuf};

pub(super) fn run(args: &args::RecordsConvert) -> Result<Exit, Failure> {
    let files = files_twice(&args.files, &args.out)?;
    let (mut opened, header) = opened(&files, args.drop_unknown)?;
    let header = of_output(header, args);
    let mut records = 0;
    let done = write(&args.out, &header, |sink| {
        let mut sorter = args.sort.then(Sorter::default);
        for path in &files {
            let source = opened.take().map_or_else(|| Source::open(path), Ok)?;
            one(source, args, sink, sorter.as_mut(), &mut records)?;
        }
        sorter.map_or(Ok(()), |sorter| sorted(sorter, sink))
    })?;
    render::progress("");
    if done {
        render::note(&format!("records  {}: {}", args.out.display(), counted(records, "record")));
    }
    Ok(Exit::Done)
}

/// Lines stay as they are and keep their version; a table holds what this version knows.
fn of_output(header: Header, args: &args::RecordsConvert) -> Header {
    let fresh = Header::new(header.format, header.redaction);
    let oldest = header.oldest_version(&fresh);
    let older = oldest == header.version;
    match (args.upgrade && older, is_table(&args.out)) {
        (true, _) => Header { version: fresh.version, ..header },
        (false, true) => Header { version: oldest, ..header },
        (false, false) => header,
    }
}

/// The only file opened, because standard input cannot be opened twice, and a header that is true of all files.
pub(super) fn opened(files: &[PathBuf], drop_unknown: bool) -> Result<(Option<Source>, Header), Failure> {
    let [first, rest @ ..] = files else { return Err(Failure::usage("no file: name one to read")) };
    let source = Source::open(first)?;
    source.refuse_unknown_header(drop_unknown)?;
    let mut header = source.header().clone();
    for path in rest {
        let other = Source::open(path)?;
        other.refuse_unknown_header(drop_unknown)?;
        header = both(header, other.header(), path)?;
    }
    Ok((rest.is_empty().then_some(source), header))
}

/// What is true of the lines of both.
fn both(header: Header, other: &Header, path: &Path) -> Result<Header, Failure> {
    if header.format != other.format {
        return Err(Failure::usage(format!(
            "{} holds {}, the files before it {}: convert them one by one",
            path.display(),
            other.format.name(),
            header.format.name()
        )));
    }
    let kept = |redaction: Redaction| match redaction {
        Redaction::Full => 2,
        Redaction::Hashed => 1,
        Redaction::None => 0,
    };
    let redaction = if kept(other.redaction) > kept(header.redaction) { other.redaction } else { header.redaction };
    let version = header.oldest_version(other);
    Ok(Header { redaction, version, untimed: header.untimed || other.untimed, ..header })
}

fn one(
    mut source: Source,
    args: &args::RecordsConvert,
    sink: &mut Sink<'_>,
    mut sorter: Option<&mut Sorter>,
    records: &mut u64,
) -> Result<(), Stop> {
    let table = is_table(&args.out);
    if table {
        source.count_unknown();
    }
    source.refuse_unknown_columns(args.drop_unknown)?;
    let mut seen = 0;
    while let Some(record) = source.next_whole() {
        let record = record?;
        if table {
            source.refuse_unknown(&mut seen, args.drop_unknown)?;
        }
        match &mut sorter {
            Some(sorter) => keep(sorter, record, source.text())?,
            None => sink.put(record, source.text())?,
        }
        *records += 1;
        progress(*records);
    }
    Ok(())
}

fn keep(sorter: &mut Sorter, record: Record, text: Option<&[u8]>) -> Result<(), Failure> {
    let (at_us, line) = match (record, text) {
        (Record::Request(row), Some(text)) => (row.at_us, text.to_vec()),
        (Record::Exchange(row), Some(text)) => (row.at_us, text.to_vec()),
        (Record::Exchange(row), None) => (row.at_us, super::sink::line(&row)?),
        (Record::Label(_) | Record::Request(_), _) => {
            return Err(Failure::usage("labels have no time: leave out --sort"));
        }
    };
    sorter.push(at_us, &line).map_err(|error| temporary(&error))
}

fn sorted(sorter: Sorter, sink: &mut Sink<'_>) -> Result<(), Stop> {
    sorter.finish(|line| match sink {
        Sink::Lines(out) => {
            out.write_all(line)?;
            Ok(out.write_all(b"\n")?)
        }
        Sink::Table(table) => {
            let exchange: Exchange = serde_json::from_slice(line).map_err(|error| Failure {
                exit: Exit::Bug,
                message: format!("a sorted line is no record: {error}"),
            })?;
            Ok(table.push(exchange)?)
        }
    })
}
