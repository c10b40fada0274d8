//! `weighbridge records check`.

use super::source::{Missing, Record, Source, files};
use super::{counted, progress, temporary};
use crate::args;
use crate::outcome::{Exit, Failure};
use crate::render;
use datasets::Format;
use datasets::check::{Check, Finding, Report, SCHEMA};
use serde::Serialize;
use std::fmt::Write;

/// What is printed as JSON.
#[derive(Serialize)]
struct All {
    schema: &'static str,
    sound: bool,
    files: Vec<Report>,
    /// Files that could not be looked at to the end.
    unreadable: Vec<String>,
}

pub(super) fn run(args: &args::RecordsCheck) -> Result<Exit, Failure> {
    let mut all = All { schema: SCHEMA, sound: true, files: Vec::new(), unreadable: Vec::new() };
    let mut exit = Exit::Done;
    let mut records = 0;
    for path in files(&args.files)? {
        match Source::open(&path).and_then(|source| file(source, &mut records)) {
            Ok(report) => all.files.push(report),
            Err(failure) => {
                // A disk that fails says nothing about the file.
                exit = if failure.exit == Exit::Usage && exit == Exit::Done { Exit::Usage } else { failure.exit };
                all.unreadable.push(failure.message);
            }
        }
    }
    render::progress("");
    if exit == Exit::Done && !all.files.iter().all(Report::is_sound) {
        exit = Exit::Usage;
    }
    all.sound = exit == Exit::Done;
    if args.json {
        let json = serde_json::to_string_pretty(&all)
            .map_err(|error| Failure { exit: Exit::Bug, message: format!("findings do not serialise: {error}") })?;
        render::result(&(json + "\n"));
    } else {
        render::result(&text(&all));
    }
    Ok(exit)
}

fn file(mut source: Source, records: &mut u64) -> Result<Report, Failure> {
    source.count_unknown();
    let mut check = Check::new(source.name(), source.header());
    while let Some(record) = source.next() {
        let line = source.line();
        let checked = match record {
            Ok(Record::Request(row)) => check.request(line, &row),
            Ok(Record::Exchange(row)) => check.exchange(line, &row),
            Ok(Record::Label(row)) => check.label(line, &row),
            Err(Missing::Broken { line, member, message }) => {
                match member {
                    Some(member) => check.impossible(line, member, &message),
                    None => check.broken(line, &message),
                }
                Ok(())
            }
            Err(Missing::Stop(failure)) => return Err(failure),
        };
        checked.map_err(|error| temporary(&error))?;
        *records += 1;
        progress(*records);
    }
    if let Some([header, lines]) = source.unknown() {
        check.unknown(header, "the header");
        check.unknown(lines, "lines");
    }
    for column in source.unknown_columns() {
        check.unknown_column(&column);
    }
    check.finish().map_err(|error| temporary(&error))
}

fn text(all: &All) -> String {
    let mut text = String::new();
    for report in &all.files {
        let header = &report.header;
        let what = match header.format {
            Format::Requests => "request",
            Format::Exchanges => "exchange",
            Format::Labels => "label",
        };
        let state = if report.is_sound() { "sound" } else { "not sound" };
        // Writing into a string cannot fail.
        let _infallible = writeln!(
            text,
            "{}: {state}, {} ({} {}, redaction {}, by {})",
            report.file,
            counted(report.records, what),
            header.format.name(),
            header.version,
            header.redaction.name(),
            header.creator
        );
        report.problems.iter().for_each(|found| text.push_str(&finding("problem", found)));
        report.remarks.iter().for_each(|found| text.push_str(&finding("remark ", found)));
    }
    all.unreadable.iter().for_each(|message| {
        let _infallible = writeln!(text, "not readable: {message}");
    });
    text
}

fn finding(kind: &str, found: &Finding) -> String {
    let member = found.member.as_ref().map(|member| format!("{member}: ")).unwrap_or_default();
    let lines: Vec<String> = found.lines.iter().map(u64::to_string).collect();
    let more = if found.count > found.lines.len() as u64 { ", ..." } else { "" };
    let places = match lines.as_slice() {
        [] => String::new(),
        [one] if more.is_empty() => format!(" (line {one})"),
        several => format!(" (lines {}{more})", several.join(", ")),
    };
    format!("  {kind}  {member}{}: {}{places}\n", found.what, counted(found.count, "time"))
}
