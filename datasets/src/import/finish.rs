//! What every imported request needs, whatever it came from: an id that can be sent and stands once, an instant, a body
//! without secrets, and a prompt if the log has none.

use super::entry::{Content, Entry, Identity, Place};
use super::filler;
use super::report::Report;
use super::{Field, ImportError, ImportOptions};
use crate::redact::Counts;
use crate::{LoggedRequest, Recorded, digest};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::path::PathBuf;

/// Ids that are remembered, to tell repeated ones. Beyond it every id gets its line, which stands once by itself.
const IDS_MAX: usize = 4 * 1024 * 1024;
/// Notes that are kept.
const NOTES_MAX: usize = 20;
/// Longest id or session that is kept as it is, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 200;

/// The second half of an import.
pub(super) struct Finish {
    options: ImportOptions,
    report: Report,
    ids: HashSet<u64>,
    /// Files in the order in which they came up, for ids that are made from lines.
    files: Vec<PathBuf>,
    /// File and line of the last request, and how many it had so far.
    last: (usize, u64, u64),
    /// Decided by the first request.
    untimed: Option<bool>,
    newest_us: i64,
}

impl Finish {
    pub(super) fn new(options: ImportOptions) -> Self {
        Self {
            options,
            report: Report::default(),
            ids: HashSet::new(),
            files: Vec::new(),
            last: (0, 0, 0),
            untimed: None,
            newest_us: i64::MIN,
        }
    }

    pub(super) const fn report(&self) -> &Report {
        &self.report
    }

    pub(super) fn is_untimed(&self) -> bool {
        self.untimed.unwrap_or(false)
    }

    pub(super) fn skip(&mut self, error: &ImportError) {
        self.report.skip(error.to_string());
    }

    pub(super) fn note(&mut self, note: String) {
        if self.report.notes.len() < NOTES_MAX {
            self.report.notes.push(note);
        }
    }

    pub(super) const fn pass_over(&mut self, rows: u64) {
        self.report.passed_over = rows;
    }

    /// # Errors
    /// The row lacks the time that the others have.
    pub(super) fn request(&mut self, entry: Entry) -> Result<LoggedRequest, ImportError> {
        let at_us = self.instant(&entry)?;
        let mut counts = Counts::new();
        let (id, had_id) = (self.id(&entry.place, entry.id.as_deref()), entry.id.is_some());
        let made = matches!(entry.content, Content::Lengths(_));
        let body = match entry.content {
            Content::Body(body) => self.options.redactor.json(&body, &mut counts).unwrap_or(body),
            Content::Lengths(lengths) => filler::body(&lengths, &id, &self.options)
                .map_err(|error| entry.place.wrong(format!("no request can be made of it: {error}")))?,
        };
        let recorded = entry.recorded.map(|recorded| self.without_secrets(recorded, &mut counts));
        let request = LoggedRequest {
            id,
            at_us,
            session: entry.session.map(|session| self.name(session, &mut counts)),
            consumer: entry.consumer.map(|consumer| self.name(consumer, &mut counts)),
            endpoint: entry.endpoint,
            body,
            recorded,
        };
        self.account(&request, had_id, made, &counts);
        Ok(request)
    }

    fn instant(&mut self, entry: &Entry) -> Result<i64, ImportError> {
        let untimed = *self.untimed.get_or_insert(entry.at_us.is_none());
        match entry.at_us {
            Some(_) if untimed => Ok(0),
            Some(at_us) => Ok(at_us),
            None if untimed => Ok(0),
            None => Err(entry.place.wrong("the row has no time, but rows before it have; add it or remove the row")),
        }
    }

    /// The source's id where it can be sent in a header and stands once, else one made from it or from the line.
    fn id(&mut self, place: &Place, given: Option<&str>) -> String {
        let file = self.files.iter().position(|path| *path == place.path).unwrap_or_else(|| {
            self.files.push(place.path.clone());
            self.files.len() - 1
        });
        let (last_file, last_line, count) = self.last;
        let nth = if (last_file, last_line) == (file, place.line) { count + 1 } else { 1 };
        self.last = (file, place.line, nth);
        let mut line = format!("line-{}", place.line);
        if file > 0 {
            line = format!("file-{file}-{line}");
        }
        // Several rows of one line, such as the spans of one batch or all of a file without line ends.
        if nth > 1 {
            line = format!("{line}~{nth}");
        }
        let Some(given) = given.filter(|given| !given.trim().is_empty()) else { return self.once(line.clone(), &line) };
        let id = if is_sendable(given) { given.to_owned() } else { self.options.pseudonym(given) };
        self.once(id, &line)
    }

    fn once(&mut self, id: String, line: &str) -> String {
        let full = self.ids.len() >= IDS_MAX;
        if !full && self.ids.insert(digest::short(id.as_bytes())) {
            return id;
        }
        let mut other = format!("{id}~{line}");
        let mut number = 2_u32;
        while !full && !self.ids.insert(digest::short(other.as_bytes())) {
            other = format!("{id}~{line}~{number}");
            number = number.saturating_add(1);
        }
        other
    }

    /// A name that can be sent in a header and tells nothing about a person.
    fn name(&self, identity: Identity, counts: &mut Counts) -> String {
        match identity {
            Identity::Name(name) if is_sendable(&name) && self.options.redactor.text(&name, counts).is_none() => name,
            Identity::Name(text) | Identity::Secret(text) => self.options.pseudonym(&text),
        }
    }

    fn without_secrets(&self, mut recorded: Recorded, counts: &mut Counts) -> Recorded {
        let redactor = &self.options.redactor;
        if let Some(text) = recorded.answer.as_deref().and_then(|text| redactor.text(text, counts)) {
            recorded.answer = Some(text);
        }
        if let Some(model) = redactor.text(&recorded.model, counts) {
            recorded.model = model;
        }
        for (_, arguments) in &mut recorded.tools {
            redactor.value(arguments, counts);
        }
        recorded
    }

    fn account(&mut self, request: &LoggedRequest, had_id: bool, made: bool, counts: &Counts) {
        let report = &mut self.report;
        report.requests += 1;
        let timed = self.untimed == Some(false);
        report.out_of_order += u64::from(timed && request.at_us < self.newest_us);
        self.newest_us = self.newest_us.max(request.at_us);
        report.fill(Field::Id, had_id);
        report.fill(Field::Time, timed);
        report.fill(Field::Prompt, !made);
        report.fill(Field::PromptLength, made);
        report.fill_from(request);
        report.prompts_made += u64::from(made);
        report.requests_redacted += u64::from(!counts.is_empty());
        for (kind, count) in counts {
            *report.redacted.entry(kind).or_default() += count;
        }
    }
}

/// Whether a text can be sent in a header as it is.
fn is_sendable(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= NAME_BYTES_MAX
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && text.trim() == text
}

/// JSON text as a body.
pub(super) fn raw(text: String) -> Result<Box<RawValue>, serde_json::Error> {
    RawValue::from_string(text)
}
