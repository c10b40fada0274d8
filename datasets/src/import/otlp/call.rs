//! What a span asked.

use super::attributes::{Attributes, Event};
use super::messages;
use crate::import::calls::{self, Parts};
use crate::import::entry::Content;
use crate::import::reply;
use crate::import::row::{self, Row};
use crate::import::{ImportError, ImportOptions};
use serde_json::{Map, Value, json};
use wire::Endpoint;

/// Attributes that are parameters of the call, by the names that the API has for them.
const PARAMETERS: [(&str, &str); 15] = [
    ("gen_ai.request.temperature", "temperature"),
    ("gen_ai.request.top_p", "top_p"),
    ("gen_ai.request.max_tokens", "max_tokens"),
    ("gen_ai.request.frequency_penalty", "frequency_penalty"),
    ("gen_ai.request.presence_penalty", "presence_penalty"),
    ("gen_ai.request.seed", "seed"),
    ("gen_ai.openai.request.seed", "seed"),
    ("gen_ai.request.stop_sequences", "stop"),
    ("gen_ai.request.choice.count", "n"),
    ("gen_ai.request.n", "n"),
    ("gen_ai.request.reasoning_effort", "reasoning_effort"),
    ("gen_ai.request.reasoning.level", "reasoning_effort"),
    ("gen_ai.openai.request.service_tier", "service_tier"),
    ("openai.request.service_tier", "service_tier"),
    ("gen_ai.openai.request.response_format", "response_format"),
];

/// Names under which it is told that the answer was streamed.
const STREAMED: [&str; 4] =
    ["gen_ai.request.stream", "gen_ai.request.is_stream", "llm.is_streaming", "gen_ai.request.streaming"];

/// The endpoint that a span called; `None` if it is no call that can be played.
pub(super) fn endpoint(row: &Row<'_>, attributes: &Attributes) -> Result<Option<Endpoint>, ImportError> {
    let kind = row.text("kind")?.unwrap_or_default();
    if matches!(kind.as_str(), "4" | "5" | "SPAN_KIND_PRODUCER" | "SPAN_KIND_CONSUMER") {
        return Ok(None);
    }
    let operation = attributes.text(&["gen_ai.operation.name", "llm.request.type"]);
    Ok(match operation.as_deref() {
        Some("chat" | "generate_content") => Some(Endpoint::Chat),
        Some("text_completion" | "completion") => Some(Endpoint::Completions),
        Some(_) => None,
        None => attributes.get(&["gen_ai.request.model"]).map(|_| Endpoint::Chat),
    })
}

pub(super) fn content(
    row: &Row<'_>,
    attributes: &Attributes,
    events: &[Event],
    endpoint: Endpoint,
    options: &ImportOptions,
) -> Result<Content, ImportError> {
    let model = attributes.text(&["gen_ai.request.model", "gen_ai.response.model"]);
    let subject = messages::input(attributes, events);
    let subject = match endpoint {
        Endpoint::Completions => subject.and_then(|messages| only_text(&messages)),
        _ => subject,
    };
    if let Some(subject) = subject {
        let parameters = parameters(attributes);
        let parts = Parts {
            endpoint,
            model: model.as_deref(),
            subject,
            parameters: Some(&parameters),
            stream: attributes.flag(&STREAMED),
        };
        return parts.body(&row.place, options).map(Content::Body);
    }
    let names = ["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"];
    let prompt_tokens = attributes.count(&names).filter(|tokens| *tokens > 0 && endpoint == Endpoint::Chat);
    let Some(prompt_tokens) = prompt_tokens else {
        let message = "the span has neither `gen_ai.input.messages`, nor, for a chat, `gen_ai.usage.input_tokens`; \
                       switch on the capture of content";
        return Err(row.place.wrong(message));
    };
    let names = ["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens"];
    calls::lengths(&row.place, prompt_tokens, attributes.count(&names), model)
}

fn parameters(attributes: &Attributes) -> Map<String, Value> {
    let mut found = Map::new();
    for (name, parameter) in PARAMETERS {
        if let Some(value) = attributes.get(&[name]) {
            found.insert(parameter.to_owned(), value.clone());
        }
    }
    if found.get("response_format").is_some_and(Value::is_string)
        && let Some(kind) = found.remove("response_format")
    {
        // A bare name, except of a schema, whose schema is not there.
        if kind == "json_object" || kind == "text" {
            found.insert("response_format".to_owned(), json!({"type": kind}));
        }
    }
    if let Some(tools) = tools(attributes) {
        found.insert("tools".to_owned(), tools);
    }
    found
}

/// Tools in the shape of a chat.
fn tools(attributes: &Attributes) -> Option<Value> {
    let listed = attributes.unpacked(&["gen_ai.tool.definitions"]);
    let functions = match listed {
        Some(Value::Array(list)) => list,
        _ => attributes.numbered("llm.request.functions").into_iter().map(Value::Object).collect(),
    };
    let tools: Vec<Value> = functions.into_iter().filter_map(tool).collect();
    (!tools.is_empty()).then_some(Value::Array(tools))
}

fn tool(function: Value) -> Option<Value> {
    let Some(Value::Object(mut function)) = row::unpacked(function) else { return None };
    if function.contains_key("function") {
        return Some(Value::Object(function));
    }
    function.remove("type");
    if let Some(parameters) = function.remove("parameters").and_then(row::unpacked) {
        function.insert("parameters".to_owned(), parameters);
    }
    function.contains_key("name").then(|| json!({"type": "function", "function": function}))
}

/// The prompt of a completion, which is logged as a message of the user.
fn only_text(messages: &Value) -> Option<Value> {
    match messages.as_array()?.as_slice() {
        [message] => reply::text_of(message.get("content")?).map(Value::String),
        _ => None,
    }
}
