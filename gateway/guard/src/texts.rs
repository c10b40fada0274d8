//! Where the texts of a request or an answer stand.
//!
//! A text is found with the place of its JSON string, so that a masked one can take its place while every other byte
//! stays. Nothing is read into structures with fixed members: a member that stands twice is looked at twice, a content that
//! is a list of parts is walked, and what is nested deeper than any API means it is not text that a model sees.

mod answer;
mod request;

pub use answer::{Channel, Event, Kind, Said, of_answer, of_event};
pub use request::{Passage, Texts, masked as masked_request, of_request};

use crate::policy::Mask;
use std::ops::Range;
use wire::json::Object;
pub(crate) use wire::json::loose::string;
use wire::json::loose::{list, object};

/// Deepest nesting at which texts are looked for.
const DEPTH_MAX: usize = 12;

/// One JSON string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where it stands in the body, its quotes included.
    pub place: Range<usize>,
    /// What it says.
    pub text: String,
}

/// Members that hold text wherever they stand in a message or an item.
const TEXT_MEMBERS: [&str; 28] = [
    "content",
    "text",
    "output",
    "input",
    "arguments",
    "refusal",
    "reasoning_content",
    "reasoning",
    "reasoning_details",
    "summary",
    "transcript",
    "thinking",
    "code",
    "query",
    "queries",
    "prediction",
    "title",
    "command",
    "commands",
    "diff",
    "stdout",
    "stderr",
    "logs",
    "outputs",
    "results",
    "annotations",
    "annotation",
    "revised_prompt",
];
/// Members whose objects may hold such.
const CONTAINERS: [&str; 8] =
    ["tool_calls", "function_call", "function", "custom", "audio", "action", "operation", "url_citation"];

/// Where a part of `base` stands in it; `None` if it is no part of it.
fn place_of(base: &str, part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(base.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (end <= base.len()).then_some(start..end)
}

/// Whether something begins here that may hold text. Where it cannot be read it counts as a failure, never as nothing.
fn is_nested(raw: &str) -> bool {
    raw.starts_with(['{', '[', '"'])
}

/// What a walk found.
#[derive(Default)]
struct Walk {
    pieces: Vec<Piece>,
    /// Pictures, recordings and files, which no back end of texts can judge.
    unjudged: usize,
    /// Something stands there that could not be read.
    unread: bool,
    /// Names are texts, too. In an answer a name is one that the request has declared, and its pieces would run into the
    /// arguments that follow it.
    names: bool,
}

impl Walk {
    /// For a request.
    fn with_names() -> Self {
        Self { names: true, ..Self::default() }
    }

    /// A string, a list, or an object that stands where text may stand.
    fn value(&mut self, base: &str, raw: &str, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        if let Some(text) = string(raw) {
            if let Some(place) = place_of(base, raw).filter(|_| !text.is_empty()) {
                self.pieces.push(Piece { place, text });
            }
        } else if let Some(items) = list(raw) {
            items.into_iter().for_each(|item| self.value(base, item.get(), depth + 1));
        } else if let Some(members) = object(raw) {
            self.members(base, &members, depth + 1);
        } else {
            self.unread |= is_nested(raw);
        }
    }

    /// The members of a message, a part or an item.
    fn members(&mut self, base: &str, members: &Object<'_>, depth: usize) {
        for (key, value) in members.members() {
            let raw = value.get();
            if TEXT_MEMBERS.contains(&key) || (self.names && key == "name") {
                self.value(base, raw, depth);
            } else if CONTAINERS.contains(&key) {
                self.contained(base, raw, depth);
            } else if key == "type" {
                let kind = string(raw).unwrap_or_default();
                let other = ["image", "audio", "file", "video"].iter().any(|word| kind.contains(word));
                self.unjudged += usize::from(other && !kind.ends_with("_call"));
            }
        }
    }

    fn contained(&mut self, base: &str, raw: &str, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        if let Some(members) = object(raw) {
            self.members(base, &members, depth + 1);
        } else if let Some(items) = list(raw) {
            items.into_iter().for_each(|item| self.contained(base, item.get(), depth + 1));
        } else {
            self.unread |= is_nested(raw);
        }
    }
}

/// What a part of a text becomes when the text is masked; `within` is where the part stands in the text. `None` if no mask
/// touches it. A mask that begins in an earlier part only takes its share away here.
#[must_use]
pub fn masked_part(part: &str, within: Range<usize>, masks: &[Mask]) -> Option<String> {
    let mut out = String::new();
    let mut from = 0;
    let mut touched = false;
    for mask in masks.iter().filter(|mask| mask.span.start < within.end && mask.span.end > within.start) {
        let start = mask.span.start.saturating_sub(within.start).max(from);
        let end = (mask.span.end - within.start).min(part.len());
        out.push_str(part.get(from..start).unwrap_or_default());
        if mask.span.start >= within.start {
            out.push_str(&mask.instead);
        }
        (from, touched) = (end.max(start), true);
    }
    out.push_str(part.get(from..).unwrap_or_default());
    touched.then_some(out)
}

/// A text as a JSON string.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    wire::json::write_string(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}

/// A body with other JSON in some places. The places do not overlap; all other bytes stay.
#[must_use]
pub fn replaced(body: &str, mut changes: Vec<(Range<usize>, String)>) -> String {
    changes.sort_by_key(|(place, _)| place.start);
    let mut out = String::with_capacity(body.len());
    let mut from = 0;
    for (place, json) in &changes {
        out.push_str(body.get(from..place.start).unwrap_or_default());
        out.push_str(json);
        from = place.end;
    }
    out.push_str(body.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests;
