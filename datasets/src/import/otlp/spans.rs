//! Spans one by one, out of whatever stands around them.
//!
//! A document is cut into the elements of its `resourceSpans`, so that one of any length is never in memory as a whole.
//! Of one element, which may have as many bytes as a line, the texts of all spans are kept until they are read.

use crate::import::ImportError;
use crate::import::detect::Head;
use crate::import::documents::Documents;
use crate::import::entry::Place;
use crate::import::input::Input;
use crate::import::rows::has_object_a_line;
use serde_json::value::RawValue;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use wire::json::Object;

use super::attributes::Attributes;
use super::call;
use crate::import::row::Row;

/// Members of a document in which elements stand; the last is how a trace store answers.
pub(super) const OUTER: [&str; 3] = ["resourceSpans", "resource_spans", "batches"];
/// Members of an element in which the groups of spans stand, the last from versions before 1.0.
const GROUPS: [&str; 3] = ["scopeSpans", "scope_spans", "instrumentationLibrarySpans"];

/// Most spans that wait. Real ones have some hundred bytes each, so no element that may be read has more.
const WAITING_MAX: usize = 500_000;

/// One span.
pub(super) struct Span {
    pub(super) place: Place,
    pub(super) text: String,
    /// Name of the service that wrote it, one for all spans of an element.
    pub(super) service: Option<Arc<str>>,
    /// Another request in the same element is inside it.
    pub(super) is_outer: bool,
}

/// The spans of all files.
pub(super) struct Spans {
    /// Files that are still to be read, the next one last.
    rest: Vec<Input>,
    current: Option<Source>,
    waiting: VecDeque<Span>,
}

enum Source {
    Lines(Input),
    Documents(Documents),
}

impl Spans {
    pub(super) fn new(inputs: Vec<Input>) -> Self {
        Self { rest: inputs.into_iter().rev().collect(), current: None, waiting: VecDeque::new() }
    }

    /// The next span; `None` at the end of the last file.
    ///
    /// # Errors
    /// A file cannot be read, or an element is no JSON.
    pub(super) fn next_span(&mut self) -> Result<Option<Span>, ImportError> {
        loop {
            if let Some(span) = self.waiting.pop_front() {
                return Ok(Some(span));
            }
            let waiting = &mut self.waiting;
            match &mut self.current {
                None => {
                    let Some(input) = self.rest.pop() else { return Ok(None) };
                    self.current = Some(Source::of(input));
                }
                Some(Source::Lines(input)) => match input.next_line()? {
                    None => self.current = None,
                    Some(line) if line.trim_ascii().is_empty() => {}
                    Some(line) => {
                        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).to_vec();
                        take(&input.place(), &line, waiting)?;
                    }
                },
                Some(Source::Documents(documents)) => match documents.next_document()? {
                    None => self.current = None,
                    Some(document) => take(&document.place, document.bytes, waiting)?,
                },
            }
        }
    }
}

impl Source {
    fn of(input: Input) -> Self {
        let head = Head::new(input.head());
        let is_one_line = !head.text().trim_end().contains('\n');
        if has_object_a_line(head.text()) && !is_one_line {
            return Self::Lines(input);
        }
        let way: &'static [&'static str] = match OUTER.iter().find(|name| head.member(name).is_some()) {
            Some(&"resource_spans") => &["resource_spans"],
            Some(&"batches") => &["batches"],
            _ => &["resourceSpans"],
        };
        Self::Documents(Documents::new(input, way))
    }
}

/// Tells the lines of places in a text, which are asked for from its beginning to its end: the line ends before each are
/// counted once, however many spans stand in it.
struct LineCount<'a> {
    bytes: &'a [u8],
    /// Bytes that were counted.
    counted: usize,
    line: u64,
}

impl LineCount<'_> {
    /// The line on which a part of the text begins.
    fn of(&mut self, part: &str) -> u64 {
        let start = (part.as_ptr() as usize).saturating_sub(self.bytes.as_ptr() as usize);
        if let Some(between) = self.bytes.get(self.counted..start) {
            self.line += memchr::memchr_iter(b'\n', between).count() as u64;
            self.counted = start;
        }
        self.line
    }
}

/// Takes the spans of a document or of one element.
fn take(place: &Place, bytes: &[u8], waiting: &mut VecDeque<Span>) -> Result<(), ImportError> {
    let mut lines = LineCount { bytes, counted: 0, line: place.line };
    let row = Row::parse(place.clone(), bytes)?;
    let Some(outer) = OUTER.iter().find(|name| row.has(name)) else {
        return take_element(&row, &mut lines, waiting);
    };
    for element in list(&row, outer)? {
        take_element(&Row::parse(place.clone(), element.get().as_bytes())?, &mut lines, waiting)?;
    }
    Ok(())
}

fn take_element(row: &Row<'_>, lines: &mut LineCount<'_>, waiting: &mut VecDeque<Span>) -> Result<(), ImportError> {
    let service = service(row);
    let first = waiting.len();
    for group in list(row, row.either(&GROUPS))? {
        let group = Row::parse(row.place.clone(), group.get().as_bytes())?;
        for span in list(&group, "spans")? {
            if waiting.len() >= WAITING_MAX {
                return Err(row.place.wrong(format!("more than {WAITING_MAX} spans stand together; split the export")));
            }
            let place = Place { line: lines.of(span.get()), ..row.place.clone() };
            waiting.push_back(Span { place, text: span.get().to_owned(), service: service.clone(), is_outer: false });
        }
    }
    mark_outer(waiting, first);
    Ok(())
}

/// Marks requests inside which another request stands.
fn mark_outer(spans: &mut VecDeque<Span>, first: usize) {
    let mut parents = HashSet::new();
    for span in spans.iter().skip(first) {
        let Ok(row) = Row::parse(span.place.clone(), span.text.as_bytes()) else { continue };
        let parent = row.text(row.either(&["parentSpanId", "parent_span_id"])).ok().flatten();
        if let Some(parent) = parent.filter(|_| is_request(&row)) {
            parents.insert(parent);
        }
    }
    for span in spans.iter_mut().skip(first).filter(|_| !parents.is_empty()) {
        let id = Object::parse(span.text.as_bytes()).ok().and_then(|span| {
            let id = span.text("spanId").or_else(|| span.text("span_id"))?;
            Some(id.into_owned())
        });
        span.is_outer = id.is_some_and(|id| parents.contains(&id));
    }
}

fn is_request(row: &Row<'_>) -> bool {
    let endpoint = Attributes::of_row(row).and_then(|attributes| call::endpoint(row, &attributes));
    matches!(endpoint, Ok(Some(_)))
}

/// The elements of a list, untouched; none where it is absent.
fn list<'a>(row: &'a Row<'_>, name: &str) -> Result<Vec<&'a RawValue>, ImportError> {
    let Some(value) = row.get(name) else { return Ok(Vec::new()) };
    serde_json::from_str(value.get()).map_err(|_| row.wrong(name, "a list"))
}

/// What `service.name` says, unless a library made it up.
fn service(row: &Row<'_>) -> Option<Arc<str>> {
    let resource = row.get("resource")?;
    let resource = Row::parse(row.place.clone(), resource.get().as_bytes()).ok()?;
    let name = Attributes::of_row(&resource).ok()?.text(&["service.name"])?;
    (!name.starts_with("unknown_service")).then(|| name.into())
}
