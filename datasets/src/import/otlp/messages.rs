//! Messages of a span, from wherever an instrumentation put them, in the shape of a chat.

use super::attributes::{Attributes, Event};
use crate::import::{calls, row};
use serde_json::{Map, Value, json};

/// Events that are a message each, and the role that they mean.
const MESSAGES: [(&str, &str); 4] = [
    ("gen_ai.system.message", "system"),
    ("gen_ai.user.message", "user"),
    ("gen_ai.assistant.message", "assistant"),
    ("gen_ai.tool.message", "tool"),
];

/// What was asked: `None` if it was not recorded, or cannot be asked again.
pub(super) fn input(attributes: &Attributes, events: &[Event]) -> Option<Value> {
    let everywhere = || std::iter::once(attributes).chain(events.iter().map(|event| &event.attributes));
    let structured = everywhere().find_map(|place| Some((place, place.unpacked(&["gen_ai.input.messages"])?)));
    if let Some((place, messages)) = structured {
        let mut list = chat(&messages)?;
        if let Some(system) = place.unpacked(&["gen_ai.system_instructions"]) {
            list.insert(0, json!({"role": "system", "content": plain_text(&system)?}));
        }
        return calls::messages(Value::Array(list));
    }
    let numbered = attributes.numbered("gen_ai.prompt");
    if !numbered.is_empty() {
        return calls::messages(numbered.into_iter().map(from_numbered).collect());
    }
    let from_events: Vec<Value> = events.iter().filter_map(from_event).collect();
    if !from_events.is_empty() {
        return calls::messages(Value::Array(from_events));
    }
    let whole = everywhere().find_map(|place| place.get(&["gen_ai.prompt"]))?;
    calls::messages(whole.clone())
}

/// What was answered: a message with its finish reason, or a text.
pub(super) fn output(attributes: &Attributes, events: &[Event]) -> Option<Value> {
    let mut found = any_output(attributes, events)?;
    if let Some(members) = found.as_object_mut() {
        members.insert("role".to_owned(), "assistant".into());
    }
    Some(found)
}

fn any_output(attributes: &Attributes, events: &[Event]) -> Option<Value> {
    let everywhere = || std::iter::once(attributes).chain(events.iter().map(|event| &event.attributes));
    if let Some(messages) = everywhere().find_map(|place| place.unpacked(&["gen_ai.output.messages"])) {
        let reason = messages.get(0).and_then(|first| first.get("finish_reason")).and_then(Value::as_str);
        let reason = reason.map(finish_reason);
        let mut message = chat(&messages)?.into_iter().next()?;
        message["finish_reason"] = json!(reason);
        return Some(message);
    }
    if let Some(first) = attributes.numbered("gen_ai.completion").into_iter().next() {
        return Some(from_numbered(first));
    }
    if let Some(choice) = events.iter().find(|event| event.name == "gen_ai.choice") {
        return Some(Value::Object(members(&choice.attributes, "message")));
    }
    everywhere().find_map(|place| place.get(&["gen_ai.completion"]).cloned())
}

/// The conventions say `tool_call` where a chat says `tool_calls`.
pub(super) fn finish_reason(reason: &str) -> String {
    if reason == "tool_call" { "tool_calls".to_owned() } else { reason.to_owned() }
}

/// Messages made of parts, as a chat has them; messages that have contents already stay as they are.
fn chat(messages: &Value) -> Option<Vec<Value>> {
    let mut list = Vec::new();
    for message in messages.as_array()? {
        match message.get("parts") {
            Some(Value::Array(parts)) => from_parts(message, parts, &mut list)?,
            _ => list.push(message.clone()),
        }
    }
    Some(list)
}

fn from_parts(message: &Value, parts: &[Value], list: &mut Vec<Value>) -> Option<()> {
    let role = message.get("role").and_then(Value::as_str).unwrap_or("user");
    let (mut contents, mut calls, mut results) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        match part.get("type").and_then(Value::as_str)? {
            "text" => contents.push(json!({"type": "text", "text": part.get("content")?.as_str()?})),
            // What the model thought is not sent back to it.
            "reasoning" => {}
            "tool_call" => calls.push(tool_call(part)),
            "tool_call_response" => results.push(tool_result(part)),
            "uri" if is_image(part) => contents.push(image(part.get("uri")?.as_str()?)),
            "blob" if is_image(part) => {
                let kind = part.get("mime_type").and_then(Value::as_str).unwrap_or("image/png");
                contents.push(image(&format!("data:{kind};base64,{}", part.get("content")?.as_str()?)));
            }
            _ => return None,
        }
    }
    list.extend(results);
    if contents.is_empty() && calls.is_empty() {
        return Some(());
    }
    let mut made = Map::new();
    made.insert("role".to_owned(), role.into());
    made.insert("content".to_owned(), joined(contents));
    if !calls.is_empty() {
        made.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    list.push(Value::Object(made));
    Some(())
}

/// Texts alone are one text; beside images they stay parts.
fn joined(contents: Vec<Value>) -> Value {
    let texts: Option<Vec<&str>> = contents.iter().map(|part| part.get("text")?.as_str()).collect();
    match texts {
        Some(texts) if texts.is_empty() => Value::Null,
        Some(texts) => Value::String(texts.concat()),
        None => Value::Array(contents),
    }
}

fn is_image(part: &Value) -> bool {
    part.get("modality").is_none_or(|modality| modality == "image")
}

fn image(address: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": address}})
}

fn tool_call(part: &Value) -> Value {
    let arguments = part.get("arguments").map(text_or_json).unwrap_or_default();
    let function = json!({"name": part.get("name"), "arguments": arguments});
    json!({"id": part.get("id"), "type": "function", "function": function})
}

fn tool_result(part: &Value) -> Value {
    let result = ["response", "result", "content"].iter().find_map(|name| part.get(*name));
    json!({"role": "tool", "tool_call_id": part.get("id"), "content": result.map(text_or_json).unwrap_or_default()})
}

fn text_or_json(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Instructions are parts without a message around them, or a text.
fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => parts.iter().map(|part| part.get("content")?.as_str()).collect(),
        _ => None,
    }
}

/// A message of numbered attributes: `role`, `content`, and `tool_calls.0.name` with `id` and `arguments`.
fn from_numbered(members: Map<String, Value>) -> Value {
    let attributes = Attributes::from(members.clone());
    let mut message: Map<String, Value> = members.into_iter().filter(|(name, _)| !name.contains('.')).collect();
    message.entry("role").or_insert_with(|| "user".into());
    if let Some(content) = message.get_mut("content") {
        let parts = row::unpacked(content.clone()).filter(is_parts);
        *content = parts.unwrap_or_else(|| content.take());
    }
    let calls: Vec<Value> =
        attributes.numbered("tool_calls").into_iter().map(|call| tool_call(&Value::Object(call))).collect();
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    Value::Object(message)
}

/// Whether it is a list of parts of a content, as clients send it, and not JSON that the user wrote.
fn is_parts(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(|part| part.get("type").is_some_and(Value::is_string)))
}

fn from_event(event: &Event) -> Option<Value> {
    let (_, role) = MESSAGES.into_iter().find(|(name, _)| *name == event.name)?;
    let mut message = members(&event.attributes, "content");
    message.entry("role").or_insert_with(|| role.into());
    if role == "tool"
        && let Some(id) = message.remove("id")
    {
        message.insert("tool_call_id".to_owned(), id);
    }
    Some(Value::Object(message))
}

/// The members of a message in an event: as attributes, or as one JSON text. `main` is JSON itself in some.
fn members(attributes: &Attributes, main: &str) -> Map<String, Value> {
    if let Some(Value::Object(whole)) = attributes.unpacked(&["gen_ai.event.content"]) {
        return whole;
    }
    let mut found = Map::new();
    for name in ["role", "content", "message", "id", "finish_reason"] {
        if let Some(value) = attributes.get(&[name]) {
            found.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(calls) = attributes.unpacked(&["tool_calls"]) {
        found.insert("tool_calls".to_owned(), calls);
    }
    if let Some(Value::Object(inner)) = found.get(main).cloned().and_then(row::unpacked) {
        found.remove(main);
        found.extend(inner);
    }
    found
}
