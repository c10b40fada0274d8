//! What was asked, from a row of LiteLLM.

use super::CALL_TYPES;
use crate::import::calls::{self, Parts};
use crate::import::entry::Content;
use crate::import::finish::raw;
use crate::import::row::Row;
use crate::import::{ImportError, ImportOptions};
use serde_json::Value;
use serde_json::value::RawValue;
use wire::Endpoint;
use wire::json::Object;

/// What LiteLLM writes where it cut a text (the words changed between versions), or keeps none.
const CUTS: [&str; 3] = ["(litellm_truncated ", "... (truncated ", "redacted-by-litellm"];

/// The endpoint of a row; `None` if it is no call that can be played. Types come with and without the `a` of their
/// asynchronous twins, and as the path in rows of calls that failed early.
pub(super) fn endpoint(row: &Row<'_>) -> Result<Option<Endpoint>, ImportError> {
    let Some(call_type) = row.text("call_type")? else { return Ok(Some(Endpoint::Chat)) };
    if call_type.contains('/') {
        return Ok(calls::endpoint(&call_type));
    }
    let found = |name: &str| CALL_TYPES.into_iter().find(|(known, _)| *known == name).map(|(_, endpoint)| endpoint);
    Ok(found(&call_type).or_else(|| found(call_type.strip_prefix('a')?)))
}

/// The body that the client sent, else one of messages and parameters, else the length of the prompt.
pub(super) fn content(row: &Row<'_>, endpoint: Endpoint, options: &ImportOptions) -> Result<Content, ImportError> {
    if let Some(body) = sent(row, endpoint)? {
        return Ok(Content::Body(body));
    }
    let asked = row.text(row.either(&["model_group", "model"]))?;
    let messages = row.value("messages")?.filter(|messages| !is_cut(messages));
    let subject = match endpoint {
        Endpoint::Chat => messages.and_then(calls::messages),
        _ => messages.map(only_text),
    };
    if let Some(subject) = subject {
        let parameters = row.value("model_parameters")?;
        let parts = Parts {
            endpoint,
            model: asked.as_deref(),
            subject,
            parameters: parameters.as_ref().and_then(Value::as_object),
            stream: row.flag("stream")?,
        };
        return parts.body(&row.place, options).map(Content::Body);
    }
    let prompt_tokens = row.count("prompt_tokens")?.filter(|tokens| *tokens > 0 && endpoint == Endpoint::Chat);
    let Some(prompt_tokens) = prompt_tokens else {
        let message = "the row has neither the prompt (`proxy_server_request`, `messages`) nor, for a chat, its length \
                       (`prompt_tokens`); switch on the storage of prompts";
        return Err(row.place.wrong(message));
    };
    calls::lengths(&row.place, prompt_tokens, row.count("completion_tokens")?, asked)
}

/// The body as the proxy got it. Old versions have the whole request around it.
fn sent(row: &Row<'_>, endpoint: Endpoint) -> Result<Option<Box<RawValue>>, ImportError> {
    let Some(text) = row.json("proxy_server_request")? else { return Ok(None) };
    let Ok(members) = Object::parse(text.as_bytes()) else { return Ok(None) };
    let body = match members.get("body") {
        Some(body) if !members.has(endpoint.subject()) => body.get(),
        _ => &text,
    };
    let has_subject = Object::parse(body.as_bytes()).is_ok_and(|body| body.has(endpoint.subject()));
    Ok((has_subject && !CUTS.iter().any(|cut| body.contains(cut))).then(|| raw(body.to_owned()).ok()).flatten())
}

/// Prompts and inputs are logged as a message of the user.
fn only_text(messages: Value) -> Value {
    let one = messages.as_array().filter(|list| list.len() == 1).and_then(|list| list.first());
    match one.and_then(|message| message.get("content")) {
        Some(content) => content.clone(),
        None => messages,
    }
}

/// Whether somewhere in it a text was cut or replaced.
pub(super) fn is_cut(value: &Value) -> bool {
    calls::holds(value, &CUTS)
}

/// Whether a body asks for a stream.
pub(super) fn streams(body: &RawValue) -> bool {
    Object::parse(body.get().as_bytes()).is_ok_and(|body| body.read::<bool>("stream") == Some(true))
}
