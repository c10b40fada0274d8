//! Langfuse: observations, as its API answers, its web page downloads them, and its exports to a blob store have them.
//!
//! Only observations of type `GENERATION` are calls of a model; the others are passed over. Names come in camel case from
//! the API and with underscores from exports, and both are read. `input` is the messages, an object around them (with the
//! tools, perhaps), or the text of the user; `output` is a message, a text, or the whole completion. What the client
//! library cut for its size, or stored elsewhere as media, was not logged, and only its length is played.
//!
//! Usage is counted by kind. Where the kinds add up to the total, `input` is only the part of the prompt that no other
//! kind counts; older records have `usage` with `input` and `output` as the whole. Langfuse does not say who the provider
//! is, except through frameworks that note it in the metadata. The user is a person: only a digest stays.
//!
//! Source of the fields: Langfuse's API and its reference of exported fields.

mod tokens;

use super::calls::{self, Parts};
use super::detect::Head;
use super::entry::{Content, Entry, Identity, Reader};
use super::format::Field;
use super::input::Input;
use super::row::{self, Row};
use super::rows::Rows;
use super::{ImportError, ImportOptions, failure, reply};
use crate::Recorded;
use serde_json::{Map, Value};
use wire::Endpoint;

/// What the format can fill.
pub(super) const FILLS: &[Field] = &Field::ALL;

/// What stands in place of content that was not logged.
const CUTS: [&str; 2] = ["<truncated due to size exceeding limit>", "@@@langfuseMedia:"];

/// Whether a file begins like one of this format.
pub(super) fn is_it(head: &Head) -> bool {
    let columns = head.columns();
    let has = |names: &[&str]| head.has(names) || names.iter().all(|name| columns.contains(name));
    has(&["traceId", "type", "startTime"]) || has(&["trace_id", "type", "start_time"])
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    Ok(Box::new(Langfuse { rows: Rows::new(inputs), options: options.clone(), passed_over: 0 }))
}

struct Langfuse {
    rows: Rows,
    options: ImportOptions,
    passed_over: u64,
}

impl Reader for Langfuse {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        while let Some(row) = self.rows.next_row()? {
            if row.text("type")?.is_some_and(|kind| kind.eq_ignore_ascii_case("generation")) {
                return entry(&row, &self.options).map(Some);
            }
            self.passed_over += 1;
        }
        Ok(None)
    }

    fn passed_over(&self) -> u64 {
        self.passed_over
    }
}

fn entry(row: &Row<'_>, options: &ImportOptions) -> Result<Entry, ImportError> {
    let mut entry = Entry::new(row.place.clone(), content(row, options)?);
    entry.id = row.text("id")?;
    entry.at_us = row.instant(row.either(&["startTime", "start_time"]))?;
    let session = row.either(&["sessionId", "session_id", "traceId", "trace_id"]);
    entry.session = row.text(session)?.map(Identity::Name);
    entry.consumer = row.text(row.either(&["userId", "user_id"]))?.map(Identity::Secret);
    entry.recorded = Some(recorded(row, &entry)?);
    Ok(entry)
}

fn model(row: &Row<'_>) -> Result<Option<String>, ImportError> {
    row.text(row.either(&["model", "providedModelName", "provided_model_name"]))
}

fn content(row: &Row<'_>, options: &ImportOptions) -> Result<Content, ImportError> {
    let model = model(row)?;
    if let Some(input) = input(row)?.filter(|input| !calls::holds(input, &CUTS)) {
        let mut parameters = parameters(row)?;
        // Some integrations log the tools beside the messages.
        if let Some(members) = input.as_object().filter(|members| members.contains_key("messages")) {
            parameters.extend(members.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        if let Some(subject) = calls::messages(input) {
            let parts = Parts {
                endpoint: Endpoint::Chat,
                model: model.as_deref(),
                subject,
                parameters: Some(&parameters),
                stream: None,
            };
            return parts.body(&row.place, options).map(Content::Body);
        }
    }
    match tokens::usage(row)? {
        Some(usage) if usage.prompt > 0 => calls::lengths(&row.place, usage.prompt, Some(usage.completion), model),
        _ => Err(row.wrong("input", "messages or a text, or the usage of the call; export with input and output")),
    }
}

/// Tables have objects as text, and what the user wrote may be JSON too: only messages are unpacked.
fn input(row: &Row<'_>) -> Result<Option<Value>, ImportError> {
    let unpacked = row.value("input")?.filter(|input| calls::messages(input.clone()).is_some());
    unpacked.map_or_else(|| row.plain("input"), |input| Ok(Some(input)))
}

fn parameters(row: &Row<'_>) -> Result<Map<String, Value>, ImportError> {
    match row.value(row.either(&["modelParameters", "model_parameters"]))? {
        Some(Value::Object(members)) => Ok(members),
        _ => Ok(Map::new()),
    }
}

fn recorded(row: &Row<'_>, entry: &Entry) -> Result<Recorded, ImportError> {
    let metadata = row.value("metadata")?.unwrap_or_default();
    let provider = ["ls_provider", "provider"].iter().find_map(|name| metadata.get(name)?.as_str());
    let provider = provider.unwrap_or("unknown").to_ascii_lowercase();
    let mut recorded = Recorded::new(provider, model(row)?.unwrap_or_default(), 200);
    times(row, entry, &mut recorded)?;
    recorded.usage = tokens::usage(row)?;
    recorded.cost_nanos = tokens::cost_nanos(row)?;
    if row.text("level")?.is_some_and(|level| level.eq_ignore_ascii_case("error")) {
        let message = row.text(row.either(&["statusMessage", "status_message"]))?.unwrap_or_default();
        failure::note(
            &mut recorded,
            failure::status_in(&message),
            &[message.split([':', '(']).next().unwrap_or_default()],
        );
        return Ok(recorded);
    }
    if let Some(output) = row.plain("output")?.filter(|output| !calls::holds(output, &CUTS)) {
        reply::fill(&mut recorded, Endpoint::Chat, output);
    }
    Ok(recorded)
}

fn times(row: &Row<'_>, entry: &Entry, recorded: &mut Recorded) -> Result<(), ImportError> {
    let end_us = row.instant(row.either(&["endTime", "end_time"]))?;
    recorded.duration_us = match row::between(entry.at_us, end_us) {
        Some(duration_us) => Some(duration_us),
        None => row.duration_us("latency", 1e6)?,
    };
    let first_us = row.instant(row.either(&["completionStartTime", "completion_start_time"]))?;
    recorded.ttft_us = match row::between(entry.at_us, first_us) {
        Some(ttft_us) => Some(ttft_us),
        None => row.duration_us(row.either(&["timeToFirstToken", "time_to_first_token"]), 1e6)?,
    };
    Ok(())
}

#[cfg(test)]
mod tests;
