//! OpenTelemetry spans of the GenAI conventions, as OTLP JSON: one document a line as the collector's file exporter
//! writes them, one document over many lines, or the answer of a trace store.
//!
//! A span is a request if it says that it is an inference (`chat`, `text_completion`, `generate_content`), or names a
//! model to ask and no other operation. Agents, tools and retrieval are passed over, and so are embeddings, whose input
//! the conventions do not record. Where a framework and a client library both write a span of the same call, the outer
//! one is passed over if both stand in the same element of `resourceSpans`; where they do not, the call counts twice,
//! and one of the two instrumentations has to be left out of the export.
//!
//! The conventions changed often. Attributes are read in their new names and in older ones (`gen_ai.system`,
//! `gen_ai.usage.prompt_tokens`), contents as structured attributes, as JSON text, as numbered attributes
//! (`gen_ai.prompt.0.content`) and from events. Contents that a chat cannot carry leave the length only. Events that
//! were sent as log records are in another file and not read.
//!
//! Who asked is the service (`service.name`), else the user, as a digest. A span covers all tries of a call, so its
//! duration does too.
//!
//! Source of the fields: OpenTelemetry's conventions for GenAI, versions 1.27 to 1.38, the JSON encoding of OTLP, and
//! the attributes of OpenLLMetry, OpenLIT, vLLM and the AI SDK that they grew from.

mod attributes;
mod call;
mod messages;
mod spans;

use super::detect::Head;
use super::entry::{Entry, Identity, Reader};
use super::format::Field;
use super::input::Input;
use super::row::Row;
use super::{ImportError, ImportOptions, decimal, failure, reply, row};
use crate::Recorded;
use attributes::{Attributes, Event};
use reply::TokenParts;
use serde_json::Value;
use spans::Spans;
use wire::Endpoint;
use wire::price::Tier;

/// What the format can fill.
pub(super) const FILLS: &[Field] = &[
    Field::Id,
    Field::Time,
    Field::Session,
    Field::Consumer,
    Field::Prompt,
    Field::PromptLength,
    Field::Answered,
    Field::Ttft,
    Field::Duration,
    Field::Usage,
    Field::Cached,
    Field::CacheWrite,
    Field::Reasoning,
    Field::Tier,
    Field::Cost,
    Field::Answer,
    Field::Tools,
    Field::FinishReason,
    Field::Error,
];

/// Names of the tokens that were written to a cache, the newest first.
const CACHE_WRITES: [&str; 3] = [
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
];

/// Whether a file begins like one of this format.
pub(super) fn is_it(head: &Head) -> bool {
    spans::OUTER.iter().any(|name| head.member(name).is_some_and(Value::is_array))
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    Ok(Box::new(Otlp { spans: Spans::new(inputs), options: options.clone(), passed_over: 0 }))
}

struct Otlp {
    spans: Spans,
    options: ImportOptions,
    passed_over: u64,
}

impl Reader for Otlp {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        while let Some(span) = self.spans.next_span()? {
            let row = Row::parse(span.place.clone(), span.text.as_bytes())?;
            let attributes = Attributes::of_row(&row)?;
            let Some(endpoint) = call::endpoint(&row, &attributes)?.filter(|_| !span.is_outer) else {
                self.passed_over += 1;
                continue;
            };
            return entry(&row, &attributes, endpoint, span.service.as_deref(), &self.options).map(Some);
        }
        Ok(None)
    }

    fn passed_over(&self) -> u64 {
        self.passed_over
    }
}

fn entry(
    row: &Row<'_>,
    attributes: &Attributes,
    endpoint: Endpoint,
    service: Option<&str>,
    options: &ImportOptions,
) -> Result<Entry, ImportError> {
    let events = Event::of_row(row)?;
    let start_us = nanos(row, "startTimeUnixNano", "start_time_unix_nano")?;
    let end_us = nanos(row, "endTimeUnixNano", "end_time_unix_nano")?;
    let mut entry = Entry::new(row.place.clone(), call::content(row, attributes, &events, endpoint, options)?);
    entry.endpoint = endpoint;
    entry.id = row.text(row.either(&["spanId", "span_id"]))?;
    entry.at_us = start_us;
    let session = attributes.text(&["gen_ai.conversation.id", "session.id"]);
    entry.session = match session {
        Some(session) => Some(session),
        None => row.text(row.either(&["traceId", "trace_id"]))?,
    }
    .map(Identity::Name);
    let user = || attributes.text(&["user.id", "enduser.id", "traceloop.association.properties.user_id"]);
    entry.consumer = service.map(|name| Identity::Name(name.to_owned())).or_else(|| user().map(Identity::Secret));
    let mut recorded = recorded(row, attributes, &events)?;
    recorded.duration_us = row::between(start_us, end_us);
    entry.recorded = Some(recorded);
    Ok(entry)
}

/// Nanoseconds since the epoch, mostly as text, to microseconds.
fn nanos(row: &Row<'_>, name: &str, other: &str) -> Result<Option<i64>, ImportError> {
    let name = row.either(&[name, other]);
    let Some(nanos) = row.count(name)?.filter(|nanos| *nanos > 0) else { return Ok(None) };
    Ok(i64::try_from(nanos / 1_000).ok())
}

fn recorded(row: &Row<'_>, attributes: &Attributes, events: &[Event]) -> Result<Recorded, ImportError> {
    let provider = attributes.text(&["gen_ai.provider.name", "gen_ai.system"]).unwrap_or_else(|| "unknown".to_owned());
    let model = attributes.text(&["gen_ai.response.model", "gen_ai.request.model"]).unwrap_or_default();
    let mut recorded = Recorded::new(provider.to_ascii_lowercase(), model, 200);
    recorded.usage = reply::usage(
        attributes.count(&["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"]),
        attributes.count(&[
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.usage.completion_tokens",
        ]),
        TokenParts {
            cached: attributes.count(&["gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"]),
            cache_write: attributes.count(&CACHE_WRITES),
            reasoning: attributes.count(&["gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"]),
            ..TokenParts::default()
        },
    );
    if let Some(tier) = attributes.text(&["openai.response.service_tier", "gen_ai.openai.response.service_tier"]) {
        recorded.tier = Tier::of_answer(&tier);
    }
    recorded.cost_nanos = match attributes.get(&["gen_ai.usage.cost"]) {
        Some(Value::Number(number)) => decimal::nanos(&number.to_string()),
        Some(Value::String(text)) => decimal::nanos(text),
        _ => None,
    };
    recorded.ttft_us = first_text_us(attributes);
    let failed = is_failed(row)?;
    if !failed {
        if let Some(output) = messages::output(attributes, events) {
            reply::fill(&mut recorded, Endpoint::Chat, output);
        }
        let reasons = attributes.get(&["gen_ai.response.finish_reasons"]);
        let reason = reasons.and_then(|reasons| reasons.get(0).unwrap_or(reasons).as_str());
        recorded.finish_reason = recorded.finish_reason.or_else(|| reason.map(messages::finish_reason));
        return Ok(recorded);
    }
    let thrown = events.iter().find(|event| event.name == "exception");
    let told = |name: &str| thrown.and_then(|event| event.attributes.text(&[name])).unwrap_or_default();
    let status = attributes.count(&["http.response.status_code", "http.status_code"]);
    let status =
        status.and_then(|status| u16::try_from(status).ok()).or_else(|| failure::status_in(&told("exception.message")));
    let kind = attributes.text(&["error.type"]).unwrap_or_default();
    failure::note(&mut recorded, status, &[&kind, &told("exception.type")]);
    Ok(recorded)
}

/// Whether the span ended with an error: by number or by name.
fn is_failed(row: &Row<'_>) -> Result<bool, ImportError> {
    let status = row.value("status")?.unwrap_or_default();
    Ok(status.get("code").is_some_and(|code| *code == 2 || *code == "STATUS_CODE_ERROR"))
}

/// Seconds in the conventions and their older relatives, milliseconds in the AI SDK.
fn first_text_us(attributes: &Attributes) -> Option<u64> {
    let seconds = [
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.server.time_to_first_token",
        "gen_ai.latency.time_to_first_token",
    ];
    let found = attributes.number(&seconds).and_then(|seconds| row::duration_of(seconds, 1e6));
    found.or_else(|| row::duration_of(attributes.number(&["ai.response.msToFirstChunk"])?, 1e3))
}

#[cfg(test)]
mod tests;
