//! Reading a responses request as a chat request.

use serde_json::{Map, Value, json};

use crate::request::field::{count, flag, number, object, present, required_text, text};
use crate::request::{ChatRequest, FieldFault, Format, Message, ServiceTier, explicit_cache, tool};

/// Members that a response repeats, with what stands there if the request does not say.
const ECHO: [(&str, &str); 15] = [
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("reasoning", "{\"effort\":null,\"summary\":null}"),
    ("safety_identifier", "null"),
    ("store", "true"),
    ("temperature", "1.0"),
    ("text", "{\"format\":{\"type\":\"text\"}}"),
    ("tool_choice", "\"auto\""),
    ("tools", "[]"),
    ("top_p", "1.0"),
];

/// A responses request.
#[derive(Debug)]
pub(crate) struct ResponsesRequest {
    /// The same question as a chat; earlier turns are put in front once they are found.
    pub(crate) chat: ChatRequest,
    pub(crate) previous: Option<String>,
    pub(crate) store: bool,
    /// Members to repeat.
    pub(super) echo: Map<String, Value>,
}

impl ResponsesRequest {
    pub(crate) fn read(body: &Value) -> Result<Self, FieldFault> {
        let model = required_text(object(body)?, "model")?;
        let limit = count(body, "max_output_tokens")?;
        let options = present(body, "stream_options");
        let obfuscation = options.and_then(|options| options.get("include_obfuscation")).and_then(Value::as_bool);
        let effort = present(body, "reasoning").and_then(|reasoning| reasoning.get("effort")).and_then(Value::as_str);
        let mut tools = tool::flat(body)?;
        if let Some(allowed) = tool::allowed(body) {
            tools.retain(|tool| allowed.contains(&tool.name));
        }
        let chat = ChatRequest {
            stream: flag(body, "stream")?.unwrap_or(false),
            include_obfuscation: obfuscation.unwrap_or(true),
            max_tokens: limit,
            max_completion_tokens: limit,
            temperature: number(body, "temperature")?,
            format: format(body)?,
            tools,
            tool_choice: tool::choice(body)?,
            parallel_tool_calls: flag(body, "parallel_tool_calls")?.unwrap_or(true),
            effort: effort.map(str::to_owned),
            thinking: effort.map(|effort| effort != "none"),
            tier: ServiceTier::of(body),
            explicit_cache: explicit_cache(body),
            ..ChatRequest::plain(model, messages(body)?)
        };
        let previous = present(body, "previous_response_id").map(|id| text(id, "previous_response_id")).transpose()?;
        let store = flag(body, "store")?.unwrap_or(true);
        Ok(Self { chat, previous, store, echo: echo(body) })
    }
}

fn echo(body: &Value) -> Map<String, Value> {
    let value = |name: &str, default: &str| {
        // The defaults are written above and parse.
        present(body, name).cloned().unwrap_or_else(|| serde_json::from_str(default).unwrap_or(Value::Null))
    };
    let mut echo: Map<String, Value> =
        ECHO.iter().map(|(name, default)| ((*name).to_owned(), value(name, default))).collect();
    echo.insert("truncation".to_owned(), present(body, "truncation").cloned().unwrap_or_else(|| json!("disabled")));
    echo
}

fn format(body: &Value) -> Result<Format, FieldFault> {
    let Some(format) = present(body, "text").and_then(|text| present(text, "format")) else {
        return Ok(Format::Text);
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::JsonObject),
        Some("json_schema") => match format.get("schema") {
            Some(schema) => Ok(Format::JsonSchema(schema.clone())),
            None => Err(FieldFault::missing("text.format.schema", "a JSON schema")),
        },
        _ => Err(FieldFault::wrong("text.format.type", "one of text, json_object, json_schema")),
    }
}

/// Instructions first, then the input.
fn messages(body: &Value) -> Result<Vec<Message>, FieldFault> {
    let mut messages = Vec::new();
    if let Some(instructions) = present(body, "instructions") {
        messages.push(Message::plain("developer", text(instructions, "instructions")?));
    }
    match present(body, "input") {
        None => return Err(FieldFault::missing("input", "a text or an array of items")),
        Some(Value::String(text)) => messages.push(Message::plain("user", text)),
        Some(Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                messages.extend(message(item, &format!("input[{index}]"))?);
            }
        }
        Some(_) => return Err(FieldFault::wrong("input", "a text or an array of items")),
    }
    Ok(messages)
}

fn message(item: &Value, field: &str) -> Result<Option<Message>, FieldFault> {
    let kind = item.get("type").and_then(Value::as_str).unwrap_or("message");
    Ok(match kind {
        "message" => {
            let role = present(item, "role").ok_or_else(|| FieldFault::missing(format!("{field}.role"), "a role"))?;
            let role = text(role, &format!("{field}.role"))?;
            Some(Message::plain(&role, "").with_content(item, field)?)
        }
        "function_call" | "custom_tool_call" => {
            Some(Message { has_tool_calls: true, ..Message::plain("assistant", "") })
        }
        "function_call_output" | "custom_tool_call_output" => {
            let output = present(item, "output").map_or_else(String::new, |output| match output {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            Some(Message::plain("tool", output))
        }
        // Reasoning, references and the provider's own tools add nothing to what a mock says.
        _ => None,
    })
}
