//! Whether a file is what the format says, line by line, in constant memory.
//!
//! A *problem* is what no record can have or no header may hide: a line that is none, a value that is impossible, a record
//! that is there twice, content that the header says is not kept. A *remark* is what a reader can live with and a person
//! may want to know: members of a newer version, rows out of order, clocks that were set.

mod duplicates;
mod values;

use crate::header::{Header, Redaction};
use crate::read::Unknown;
use crate::{Exchange, Format, Label, LoggedRequest};
use duplicates::Duplicates;
use serde::Serialize;
use std::collections::BTreeMap;

/// Schema of the reports of a run, as JSON: `{"schema": ..., "sound": ..., "files": [...]}`, see [`Report`].
pub const SCHEMA: &str = "weighbridge.check/1";
/// Places that are kept of each finding.
const PLACES_MAX: usize = 5;
/// Findings that are told apart; the file may be anybody's.
const FINDINGS_MAX: usize = 200;

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The file, as it was named.
    pub file: String,
    /// Its header.
    pub header: Header,
    /// Lines, or rows of a table, that are records.
    pub records: u64,
    /// What must not be.
    pub problems: Vec<Finding>,
    /// What may be.
    pub remarks: Vec<Finding>,
}

impl Report {
    /// Nothing must be mended.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

/// One kind of problem or remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Member that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// What is wrong, as a phrase.
    pub what: String,
    /// How often.
    pub count: u64,
    /// The first lines (rows of a table) that have it, from 1.
    pub lines: Vec<u64>,
}

/// Count and first lines, by member and phrase.
type Findings = BTreeMap<(Option<String>, String), (u64, Vec<u64>)>;

/// A check that is under way.
#[derive(Debug)]
pub struct Check {
    file: String,
    header: Header,
    records: u64,
    problems: Findings,
    remarks: Findings,
    keys: Duplicates,
    newest_us: i64,
}

impl Check {
    /// Begins with a file's header.
    #[must_use]
    pub fn new(file: &str, header: &Header) -> Self {
        let mut check = Self {
            file: file.to_owned(),
            header: header.clone(),
            records: 0,
            problems: BTreeMap::new(),
            remarks: BTreeMap::new(),
            keys: Duplicates::default(),
            newest_us: i64::MIN,
        };
        let newest = header.format.version().to_string();
        if header.version != newest {
            let version = &header.version;
            let what = if header.oldest_version(&Header::new(header.format, header.redaction)) == newest {
                format!("{version}, newer than {newest}: members that this program does not know are passed over")
            } else {
                format!("{version}, older than {newest}: what came later is absent")
            };
            check.remark(Some("version"), &what, 1);
        }
        check
    }

    /// A line that is no record, with what its reader says (without file and line).
    pub fn broken(&mut self, line: u64, message: &str) {
        self.problem(None, message, line);
    }

    /// A value that is not possible, such as one that only a column of a table can have.
    pub fn impossible(&mut self, line: u64, member: &str, message: &str) {
        self.problem(Some(member), message, line);
    }

    /// An exchange.
    ///
    /// # Errors
    /// A temporary file cannot be written.
    pub fn exchange(&mut self, line: u64, exchange: &Exchange) -> std::io::Result<()> {
        self.records += 1;
        values::of_exchange(exchange, self.header.redaction, &mut |member, what| {
            self.problems_of(line, member, what);
        });
        if exchange.sent_us < exchange.at_us {
            self.remark(Some("sent_us"), "sent before it arrived: was a clock set?", line);
        }
        let role = role(exchange);
        self.keys.add(&[&exchange.pair, exchange.arm.name(), &role], line)
    }

    /// A logged request.
    ///
    /// # Errors
    /// A temporary file cannot be written.
    pub fn request(&mut self, line: u64, request: &LoggedRequest) -> std::io::Result<()> {
        self.records += 1;
        values::of_request(request, &mut |member, what| self.problems_of(line, member, what));
        if request.at_us < self.newest_us {
            self.remark(Some("at_us"), "earlier than a line before it; replay sorts them", line);
        }
        self.newest_us = self.newest_us.max(request.at_us);
        self.keys.add(&[&request.id], line)
    }

    /// A label.
    ///
    /// # Errors
    /// A temporary file cannot be written.
    pub fn label(&mut self, line: u64, label: &Label) -> std::io::Result<()> {
        self.records += 1;
        self.keys.add(&[&label.request, &label.answer_digest, &label.metric], line)
    }

    /// Members that nobody knows, of the header or of lines.
    pub fn unknown(&mut self, unknown: &Unknown, place: &str) {
        for (name, count) in unknown.iter() {
            add(&mut self.remarks, Some(name), &format!("unknown member of {place}"), count, None);
        }
        if unknown.other_names() > 0 {
            add(
                &mut self.remarks,
                None,
                &format!("unknown members of {place} with more names"),
                unknown.other_names(),
                None,
            );
        }
    }

    /// A column of a table that no record has.
    pub fn unknown_column(&mut self, name: &str) {
        add(&mut self.remarks, Some(name), "unknown column", 1, None);
    }

    /// Ends the check.
    ///
    /// # Errors
    /// A temporary file cannot be read.
    pub fn finish(mut self) -> std::io::Result<Report> {
        let what = match self.header.format {
            Format::Requests => "the id of an earlier line",
            Format::Exchanges => "pair, arm and role of an earlier line",
            Format::Labels => "request, answer and metric of an earlier line",
        };
        let mut again = Vec::new();
        let mut count = 0u64;
        std::mem::take(&mut self.keys).finish(|_, line| {
            count += 1;
            // The earliest ones are told, and buckets come in no order.
            again.push(line);
            if again.len() > 1024 {
                again.sort_unstable();
                again.truncate(PLACES_MAX);
            }
        })?;
        again.sort_unstable();
        again.truncate(PLACES_MAX);
        if count > 0 {
            self.problems.insert((None, what.to_owned()), (count, again));
        }
        let findings = |map: Findings| {
            let finding = |((member, what), (count, lines))| Finding { member, what, count, lines };
            map.into_iter().map(finding).collect()
        };
        Ok(Report {
            file: self.file,
            header: self.header,
            records: self.records,
            problems: findings(self.problems),
            remarks: findings(self.remarks),
        })
    }

    fn problems_of(&mut self, line: u64, member: &str, what: &str) {
        self.problem(Some(member), what, line);
    }

    fn problem(&mut self, member: Option<&str>, what: &str, line: u64) {
        add(&mut self.problems, member, what, 1, Some(line));
    }

    fn remark(&mut self, member: Option<&str>, what: &str, line: u64) {
        add(&mut self.remarks, member, what, 1, Some(line));
    }
}

fn add(map: &mut Findings, member: Option<&str>, what: &str, count: u64, line: Option<u64>) {
    let mut key = (member.map(str::to_owned), what.to_owned());
    if map.len() >= FINDINGS_MAX && !map.contains_key(&key) {
        key = (None, "more kinds of findings than are told apart".to_owned());
    }
    let (total, lines) = map.entry(key).or_default();
    *total += count;
    if lines.len() < PLACES_MAX {
        lines.extend(line);
    }
}

pub(crate) fn role(exchange: &Exchange) -> String {
    match serde_json::to_value(exchange.role) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// Whether a header of that mode keeps answers.
const fn keeps_answers(redaction: Redaction) -> bool {
    matches!(redaction, Redaction::Full)
}

#[cfg(test)]
mod tests;
