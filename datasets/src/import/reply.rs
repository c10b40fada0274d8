//! Answers as logging tools keep them: the body that came, a message of it, a list of messages, or only its text.

use super::answered;
use crate::Recorded;
use serde_json::{Map, Value, json};
use wire::{Endpoint, Usage, UsageSource};

/// Fills a recorded answer from whatever a log has of it. An answer that is JSON itself stays the text that it is.
pub(super) fn fill(recorded: &mut Recorded, endpoint: Endpoint, reply: Value) {
    match reply {
        Value::Null => {}
        Value::String(text) if answered::is_event_stream(text.as_bytes()) => {
            answered::fill(recorded, endpoint, text.as_bytes());
        }
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(inner) if is_reply(&inner) => fill(recorded, endpoint, inner),
            _ => recorded.answer = Some(text),
        },
        Value::Array(list) if list.is_empty() => {}
        Value::Array(mut list) if list.first().is_some_and(is_reply) => {
            fill(recorded, endpoint, list.swap_remove(0));
        }
        Value::Object(members) if is_body(&members) || !matches!(endpoint, Endpoint::Chat | Endpoint::Completions) => {
            answered::fill(recorded, endpoint, Value::Object(members).to_string().as_bytes());
        }
        Value::Object(members) if is_message(&members) || is_wrapper(&members) => message(recorded, members),
        other => recorded.answer = text_of(&other).or_else(|| Some(other.to_string())),
    }
}

fn is_reply(value: &Value) -> bool {
    value.as_object().is_some_and(|members| is_body(members) || is_message(members))
}

/// Whether it is a whole body, and not an answer in JSON.
fn is_body(members: &Map<String, Value>) -> bool {
    let has = |name: &str, is: fn(&Value) -> bool| members.get(name).is_some_and(is);
    let fails = members.get("error").is_some_and(|error| error.get("message").is_some());
    let typed = has("object", Value::is_string) && (has("data", Value::is_array) || has("output", Value::is_array));
    has("choices", Value::is_array) || typed || (fails && members.len() == 1)
}

fn is_message(members: &Map<String, Value>) -> bool {
    let inner = members.get("message").and_then(Value::as_object);
    members.get("role").is_some_and(|role| role == "assistant")
        || members.get("tool_calls").is_some_and(Value::is_array)
        || members.get("function_call").is_some_and(Value::is_object)
        || inner.is_some_and(|inner| inner.contains_key("role") || inner.contains_key("content"))
}

/// Whether there is a text, perhaps with its end, and nothing else.
fn is_wrapper(members: &Map<String, Value>) -> bool {
    let others = |name: &&String| !TEXTS.contains(&name.as_str()) && *name != "finish_reason" && *name != "refusal";
    TEXTS.iter().any(|name| members.contains_key(*name)) && members.keys().filter(others).count() == 0
}

/// Members that hold the text of an answer.
const TEXTS: [&str; 4] = ["content", "completion", "text", "output"];

/// A message of the assistant, or an object around its text.
fn message(recorded: &mut Recorded, mut members: Map<String, Value>) {
    if let Some(inner) = members.remove("message") {
        members.extend(inner.as_object().cloned().unwrap_or_default());
    }
    let text = TEXTS.iter().find_map(|name| text_of(members.get(*name)?));
    let finish_reason = members.get("finish_reason").cloned();
    let mut message = json!({"role": "assistant", "content": text});
    for name in ["tool_calls", "function_call", "refusal"] {
        if let Some(value) = members.remove(name).filter(|value| !value.is_null()) {
            message[name] = value;
        }
    }
    let body = json!({"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]});
    answered::fill(recorded, Endpoint::Chat, body.to_string().as_bytes());
}

/// The text of a content: itself, or its parts one behind the other.
pub(super) fn text_of(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(part_text).collect();
            (!texts.is_empty()).then(|| texts.concat())
        }
        _ => None,
    }
}

fn part_text(part: &Value) -> Option<&str> {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or("text");
    let text = || part.get("text").or_else(|| part.get("content")).and_then(Value::as_str);
    matches!(kind, "text" | "output_text").then(text).flatten().or_else(|| part.as_str())
}

/// Parts of the tokens, as far as a log counts them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TokenParts {
    pub(super) cached: Option<u64>,
    pub(super) cache_write: Option<u64>,
    pub(super) prompt_audio: Option<u64>,
    pub(super) prompt_image: Option<u64>,
    pub(super) reasoning: Option<u64>,
    pub(super) completion_audio: Option<u64>,
}

/// Tokens as a log counts them; `None` if it counted nothing, as it does for calls that failed. No part exceeds its whole,
/// and speech and pictures of no tokens are none, as where a provider's own report is read.
pub(super) fn usage(prompt: Option<u64>, completion: Option<u64>, parts: TokenParts) -> Option<Usage> {
    let (prompt, completion) = (prompt?, completion.unwrap_or(0));
    if prompt == 0 && completion == 0 {
        return None;
    }
    let cached = parts.cached.map(|cached| cached.min(prompt));
    let uncached = prompt - cached.unwrap_or(0);
    let some = |part: Option<u64>, whole: u64| part.map(|part| part.min(whole)).filter(|part| *part > 0);
    Some(Usage {
        cached,
        cache_write: parts.cache_write.map(|written| written.min(uncached)),
        prompt_audio: some(parts.prompt_audio, prompt),
        prompt_image: some(parts.prompt_image, prompt),
        reasoning: parts.reasoning.map(|reasoning| reasoning.min(completion)),
        completion_audio: some(parts.completion_audio, completion),
        ..Usage::new(prompt, completion, UsageSource::Provider)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(reply: Value) -> Recorded {
        let mut recorded = Recorded::new("p", "m", 200);
        fill(&mut recorded, Endpoint::Chat, reply);
        recorded
    }

    #[test]
    fn the_text_is_found_in_every_shape() {
        for reply in [
            json!("hello"),
            json!({"role": "assistant", "content": "hello"}),
            json!([{"role": "assistant", "content": "hello"}]),
            json!({"content": [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]}),
            json!({"completion": "hello"}),
            json!({"message": {"content": "hello"}, "finish_reason": "stop"}),
            json!({"choices": [{"message": {"content": "hello"}}]}),
            json!("data: {\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}\n\ndata: [DONE]\n\n"),
        ] {
            let recorded = filled(reply.clone());
            assert_eq!((recorded.answer.as_deref(), recorded.error), (Some("hello"), None), "{reply}");
        }
        assert_eq!(
            filled(json!({"message": {"content": "x"}, "finish_reason": "length"})).finish_reason.unwrap(),
            "length"
        );
        let called =
            filled(json!({"content": null, "tool_calls": [{"function": {"name": "f", "arguments": "{\"a\":1}"}}]}));
        assert_eq!((called.answer, called.tools), (None, vec![("f".to_owned(), json!({"a": 1}))]));
        assert!(filled(json!({"content": "", "refusal": "no"})).refused);
        for reply in [json!(null), json!([])] {
            assert_eq!(filled(reply).answer, None);
        }
    }

    #[test]
    fn no_part_of_the_tokens_exceeds_its_whole() {
        let parts = TokenParts {
            cached: Some(60),
            cache_write: Some(60),
            prompt_audio: Some(0),
            prompt_image: Some(500),
            reasoning: Some(9),
            completion_audio: Some(3),
        };
        let counted = usage(Some(100), Some(5), parts).unwrap();
        assert_eq!((counted.cached, counted.cache_write), (Some(60), Some(40)), "no token is read and written");
        assert_eq!((counted.prompt_audio, counted.prompt_image), (None, Some(100)));
        assert_eq!((counted.reasoning, counted.completion_audio), (Some(5), Some(3)));
        assert_eq!(usage(Some(0), None, parts), None);
    }

    #[test]
    fn answers_that_are_json_stay_the_texts_that_they_are() {
        for text in
            ["{\"results\": [1]}", "{\"error\":\"none\"}", "[1, 2]", " ", "{\"text\": \"x\"}", "{\"role\":\"cook\"}"]
        {
            assert_eq!(filled(json!(text)).answer.as_deref(), Some(text));
        }
        assert_eq!(filled(json!({"total": 3})).answer.as_deref(), Some("{\"total\":3}"));
        let packed = json!({"role": "assistant", "content": "{\"total\": 3}"}).to_string();
        assert_eq!(filled(json!(packed)).answer.as_deref(), Some("{\"total\": 3}"));
    }
}
