//! Calls put together from what a log has of them: an endpoint from an address, a body from messages and parameters.
//!
//! Nothing is made up. A parameter that is not known to be one of the API stays away, because logs mix in what is about
//! the logging tool or about a person (`metadata`, `user`, `extra_headers`, keys).

use super::entry::{Content, Lengths, Place};
use super::finish::raw;
use super::{ImportError, ImportOptions};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use wire::Endpoint;

/// Parameters that a body may get from a log.
const PARAMETERS: [&str; 37] = [
    "temperature",
    "top_p",
    "n",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "seed",
    "response_format",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "functions",
    "function_call",
    "stream",
    "stream_options",
    "reasoning_effort",
    "verbosity",
    "service_tier",
    "modalities",
    "prediction",
    "web_search_options",
    "thinking",
    "suffix",
    "best_of",
    "echo",
    "dimensions",
    "encoding_format",
    "instructions",
    "max_output_tokens",
    "reasoning",
    "text",
    "truncation",
];

/// Parameters whose value is a text, so that a text is not taken for JSON.
const TEXTS: [&str; 9] = [
    "stop",
    "tool_choice",
    "function_call",
    "reasoning_effort",
    "verbosity",
    "service_tier",
    "suffix",
    "encoding_format",
    "instructions",
];

/// The endpoint that an address means: with or without a host, a version, a deployment or a query.
pub(super) fn endpoint(address: &str) -> Option<Endpoint> {
    let path = address.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    // Chat stands first, and ends like completions.
    Endpoint::ALL.into_iter().find(|endpoint| path.ends_with(endpoint.path_below_version()))
}

/// Most tokens of a prompt that is made up: more than any model reads.
const TOKENS_MAX: u64 = 4 * 1024 * 1024;

/// A chat of which only sizes are known.
///
/// # Errors
/// The prompt would be longer than any model reads.
pub(super) fn lengths(
    place: &Place,
    prompt_tokens: u64,
    completion_tokens: Option<u64>,
    model: Option<String>,
) -> Result<Content, ImportError> {
    if prompt_tokens > TOKENS_MAX {
        return Err(place.wrong(format!("the prompt has {prompt_tokens} tokens, expected at most {TOKENS_MAX}")));
    }
    let completion_tokens = completion_tokens.filter(|tokens| *tokens > 0);
    Ok(Content::Lengths(Lengths { prompt_tokens, completion_tokens, model, ..Lengths::default() }))
}

/// Whether one of these marks stands in one of the texts of a value: loggers leave them where they cut a text or kept
/// none, and what is left there was never sent.
pub(super) fn holds(value: &Value, marks: &[&str]) -> bool {
    match value {
        Value::String(text) => marks.iter().any(|mark| text.contains(mark)),
        Value::Array(list) => list.iter().any(|value| holds(value, marks)),
        Value::Object(members) => members.values().any(|value| holds(value, marks)),
        _ => false,
    }
}

/// What a body is made of.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) endpoint: Endpoint,
    pub(super) model: Option<&'a str>,
    /// Messages, prompt or input.
    pub(super) subject: Value,
    pub(super) parameters: Option<&'a Map<String, Value>>,
    /// Whether the log says that it was streamed.
    pub(super) stream: Option<bool>,
}

impl Parts<'_> {
    /// The body of the call.
    ///
    /// # Errors
    /// It does not serialise.
    pub(super) fn body(self, place: &Place, options: &ImportOptions) -> Result<Box<RawValue>, ImportError> {
        let mut body = Map::new();
        body.insert("model".to_owned(), self.model.unwrap_or(&options.model).into());
        body.insert(self.endpoint.subject().to_owned(), self.subject);
        for (name, value) in self.parameters.into_iter().flatten() {
            if PARAMETERS.contains(&name.as_str())
                && let Some(value) = parameter(name, value)
            {
                body.insert(name.clone(), value);
            }
        }
        if let Some(true) = self.stream {
            body.entry("stream").or_insert(Value::Bool(true));
        }
        raw(Value::Object(body).to_string()).map_err(|error| place.wrong(format!("no request can be made: {error}")))
    }
}

/// A parameter as it was sent. Some logs keep every value as text.
fn parameter(name: &str, value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(_) if TEXTS.contains(&name) => Some(value.clone()),
        Value::String(text) => serde_json::from_str(text).ok().filter(|value: &Value| !value.is_null()),
        _ => Some(value.clone()),
    }
}

/// Messages of a chat, whatever a log has as its input: the messages, an object around them, a list of lists with one
/// entry, one message, or the text of the user. `None` if there is nothing of it.
pub(super) fn messages(input: Value) -> Option<Value> {
    match input {
        Value::String(text) if text.trim().is_empty() || is_broken(&text) => None,
        Value::String(text) => {
            // What the user wrote may be JSON too.
            let inner = serde_json::from_str(&text).ok().filter(|inner: &Value| inner.is_array() || inner.is_object());
            let user = || Some(serde_json::json!([{"role": "user", "content": text}]));
            inner.and_then(messages).or_else(user)
        }
        Value::Object(mut members) if members.contains_key("messages") => messages(members.remove("messages")?),
        Value::Object(members) if members.contains_key("role") => Some(Value::Array(vec![Value::Object(members)])),
        Value::Array(mut list) if list.len() == 1 && list.first().is_some_and(Value::is_array) => {
            messages(list.remove(0))
        }
        Value::Array(list) if !list.is_empty() && list.iter().all(|entry| entry.get("role").is_some()) => {
            Some(Value::Array(list))
        }
        _ => None,
    }
}

/// Whether a text is a list of messages that was cut off, rather than what somebody wrote.
fn is_broken(text: &str) -> bool {
    let start: String = text.chars().filter(|letter| !letter.is_whitespace()).take(12).collect();
    let begins = ["[{\"role\"", "{\"role\"", "{\"messages\"", "[[{\"role\""].iter().any(|list| start.starts_with(list));
    begins && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn addresses_lead_to_endpoints() {
        for (address, expected) in [
            ("/v1/chat/completions", Some(Endpoint::Chat)),
            ("https://api.openai.com/v1/chat/completions/?x=1", Some(Endpoint::Chat)),
            ("/openai/deployments/prod/chat/completions?api-version=2024-10-21", Some(Endpoint::Chat)),
            ("/v1/completions", Some(Endpoint::Completions)),
            ("https://x.y/v1/embeddings", Some(Endpoint::Embeddings)),
            ("/v1/responses", Some(Endpoint::Responses)),
            ("/v1/moderations", Some(Endpoint::Moderations)),
            ("/v1/images/generations", None),
            ("/v1/responses/resp_1", None),
            ("/health", None),
            ("", None),
        ] {
            assert_eq!(endpoint(address), expected, "{address}");
        }
    }

    #[test]
    fn a_body_has_what_the_log_has_and_no_more() {
        let place = Place { path: "x".into(), line: 1 };
        let parameters = json!({"temperature": "0.5", "user": "anna", "metadata": {"k": 1}, "stop": "5",
            "max_tokens": null, "top_p": "inf", "tools": [{"type": "function"}], "stream": false});
        let parts = Parts {
            endpoint: Endpoint::Chat,
            model: Some("m"),
            subject: json!([{"role": "user", "content": "hi"}]),
            parameters: parameters.as_object(),
            stream: Some(true),
        };
        let body: Value = serde_json::from_str(parts.body(&place, &ImportOptions::default()).unwrap().get()).unwrap();
        let expected = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.5,
            "stop": "5", "tools": [{"type": "function"}], "stream": false});
        assert_eq!(body, expected);
    }

    #[test]
    fn messages_are_found_in_every_shape() {
        let expected = Some(json!([{"role": "user", "content": "hi"}]));
        for input in [
            json!("hi"),
            json!({"role": "user", "content": "hi"}),
            json!([{"role": "user", "content": "hi"}]),
            json!([[{"role": "user", "content": "hi"}]]),
            json!({"messages": [{"role": "user", "content": "hi"}], "tools": []}),
            json!("[{\"role\":\"user\",\"content\":\"hi\"}]"),
        ] {
            assert_eq!(messages(input.clone()), expected, "{input}");
        }
        let json = json!("{\"order\": 1}");
        assert_eq!(messages(json.clone()), Some(json!([{"role": "user", "content": json}])));
        for input in [
            json!(null),
            json!(""),
            json!([]),
            json!({}),
            json!([1]),
            json!(3),
            json!({"messages": {}}),
            json!("[{\"role\": \"us"),
        ] {
            assert_eq!(messages(input.clone()), None, "{input}");
        }
    }
}
