//! The part of a chat request that a mock looks at, read by hand from JSON.
//!
//! Reading by hand rather than by derive keeps one reader for two vendors: each reports the same fault in its own words
//! (see `check`), and fields that a vendor ignores are ignored here too.

use serde_json::Value;

/// A chat request, as far as a mock cares.
#[derive(Debug)]
pub(crate) struct ChatRequest {
    pub(crate) model: String,
    pub(crate) messages: Vec<Message>,
    pub(crate) stream: bool,
    /// Whether the request has `stream_options` at all.
    pub(crate) has_stream_options: bool,
    pub(crate) include_usage: bool,
    pub(crate) include_obfuscation: bool,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) max_completion_tokens: Option<u64>,
    /// Number of alternatives asked for.
    pub(crate) n: u64,
    pub(crate) temperature: Option<f64>,
    pub(crate) format: Format,
    pub(crate) tools: Vec<Tool>,
    pub(crate) tool_choice: ToolChoice,
    /// DeepSeek's switch; `None` if absent.
    pub(crate) thinking: Option<bool>,
}

/// One message, reduced to its role and text.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) role: String,
    /// The content, or the text parts of it joined by line feeds.
    pub(crate) text: String,
    pub(crate) has_tool_calls: bool,
    pub(crate) has_reasoning: bool,
}

/// The shape the answer must have.
#[derive(Debug, PartialEq)]
pub(crate) enum Format {
    Text,
    JsonObject,
    JsonSchema(Value),
}

/// A function the model may call.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) kind: String,
    pub(crate) name: String,
    /// JSON schema of the arguments; null if absent.
    pub(crate) parameters: Value,
    /// Characters of the definition, for counting tokens.
    pub(crate) definition: String,
}

/// Whether the model has to call a function.
#[derive(Debug, PartialEq)]
pub(crate) enum ToolChoice {
    /// Not stated.
    Absent,
    Forbidden,
    Auto,
    Required,
    Named(String),
}

/// A field that cannot be read.
#[derive(Debug, PartialEq)]
pub(crate) struct FieldFault {
    /// Path of the field, such as `messages[0].role`.
    pub(crate) field: String,
    /// What was expected there.
    pub(crate) expected: &'static str,
    /// Whether it is missing rather than of the wrong type.
    pub(crate) missing: bool,
}

impl FieldFault {
    fn wrong(field: impl Into<String>, expected: &'static str) -> Self {
        Self { field: field.into(), expected, missing: false }
    }

    fn missing(field: impl Into<String>, expected: &'static str) -> Self {
        Self { field: field.into(), expected, missing: true }
    }
}

impl ChatRequest {
    /// Reads the body of a request.
    pub(crate) fn read(body: &Value) -> Result<Self, FieldFault> {
        if !body.is_object() {
            return Err(FieldFault::wrong("the body", "an object"));
        }
        let options = present(body, "stream_options");
        let option = |name: &str| options.and_then(|options| present(options, name)).and_then(Value::as_bool);
        Ok(Self {
            model: match present(body, "model") {
                None => return Err(FieldFault::missing("model", "a string")),
                Some(model) => text(model, "model")?,
            },
            messages: messages(body)?,
            stream: flag(body, "stream")?.unwrap_or(false),
            has_stream_options: options.is_some(),
            include_usage: option("include_usage").unwrap_or(false),
            include_obfuscation: option("include_obfuscation").unwrap_or(true),
            max_tokens: count(body, "max_tokens")?,
            max_completion_tokens: count(body, "max_completion_tokens")?,
            n: count(body, "n")?.unwrap_or(1),
            temperature: number(body, "temperature")?,
            format: format(body)?,
            tools: tools(body)?,
            tool_choice: tool_choice(body)?,
            thinking: thinking(body)?,
        })
    }

    /// The text of the last user message: what an answer is looked up by. Empty if there is none.
    pub(crate) fn prompt(&self) -> &str {
        self.messages.iter().rfind(|message| message.role == "user").map_or("", |message| message.text.as_str())
    }

    /// Whether a tool result follows the last user message, so that calling the tool once more would go in circles.
    pub(crate) fn has_tool_result(&self) -> bool {
        self.messages.iter().rev().take_while(|message| message.role != "user").any(|message| message.role == "tool")
    }

    /// Whether any message contains the word "json", which both vendors demand for JSON mode.
    pub(crate) fn mentions_json(&self) -> bool {
        self.messages.iter().any(|message| message.text.to_ascii_lowercase().contains("json"))
    }
}

fn present<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn text(value: &Value, field: &str) -> Result<String, FieldFault> {
    value.as_str().map(str::to_owned).ok_or_else(|| FieldFault::wrong(field, "a string"))
}

fn flag(body: &Value, name: &str) -> Result<Option<bool>, FieldFault> {
    present(body, name).map(|value| value.as_bool().ok_or_else(|| FieldFault::wrong(name, "a boolean"))).transpose()
}

fn count(body: &Value, name: &str) -> Result<Option<u64>, FieldFault> {
    present(body, name)
        .map(|value| value.as_u64().ok_or_else(|| FieldFault::wrong(name, "an integer that is not negative")))
        .transpose()
}

fn number(body: &Value, name: &str) -> Result<Option<f64>, FieldFault> {
    present(body, name).map(|value| value.as_f64().ok_or_else(|| FieldFault::wrong(name, "a number"))).transpose()
}

fn messages(body: &Value) -> Result<Vec<Message>, FieldFault> {
    let Some(list) = present(body, "messages") else {
        return Err(FieldFault::missing("messages", "an array of messages"));
    };
    let list = list.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| FieldFault::wrong("messages", "an array of at least one message"))?;
    list.iter().enumerate().map(|(index, message)| read_message(index, message)).collect()
}

fn read_message(index: usize, message: &Value) -> Result<Message, FieldFault> {
    let role = match present(message, "role") {
        None => return Err(FieldFault::missing(format!("messages[{index}].role"), "a role")),
        Some(role) => text(role, &format!("messages[{index}].role"))?,
    };
    let text = match present(message, "content") {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join("\n")
        }
        Some(_) => {
            return Err(FieldFault::wrong(
                format!("messages[{index}].content"),
                "a string or an array of content parts",
            ));
        }
    };
    let has_tool_calls = present(message, "tool_calls").is_some();
    if role == "user" && present(message, "content").is_none() {
        return Err(FieldFault::missing(format!("messages[{index}].content"), "a string or an array of content parts"));
    }
    let has_reasoning = present(message, "reasoning_content").is_some();
    Ok(Message { role, text, has_tool_calls, has_reasoning })
}

fn format(body: &Value) -> Result<Format, FieldFault> {
    let Some(format) = present(body, "response_format") else {
        return Ok(Format::Text);
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::JsonObject),
        Some("json_schema") => match format.get("json_schema").and_then(|schema| schema.get("schema")) {
            Some(schema) => Ok(Format::JsonSchema(schema.clone())),
            None => Err(FieldFault::missing("response_format.json_schema.schema", "a JSON schema")),
        },
        _ => Err(FieldFault::wrong("response_format.type", "one of text, json_object, json_schema")),
    }
}

fn tools(body: &Value) -> Result<Vec<Tool>, FieldFault> {
    let Some(tools) = present(body, "tools") else {
        return Ok(Vec::new());
    };
    let tools = tools.as_array().ok_or_else(|| FieldFault::wrong("tools", "an array of tools"))?;
    tools
        .iter()
        .enumerate()
        .map(|(index, tool)| {
            let kind = text(tool.get("type").unwrap_or(&Value::Null), &format!("tools[{index}].type"))?;
            let definition = tool.get(kind.as_str()).unwrap_or(&Value::Null);
            let name = definition.get("name").unwrap_or(&Value::Null);
            Ok(Tool {
                name: text(name, &format!("tools[{index}].{kind}.name"))?,
                parameters: definition.get("parameters").cloned().unwrap_or(Value::Null),
                definition: definition.to_string(),
                kind,
            })
        })
        .collect()
}

fn tool_choice(body: &Value) -> Result<ToolChoice, FieldFault> {
    let fault = || FieldFault::wrong("tool_choice", "none, auto, required, or an object that names a function");
    let Some(choice) = present(body, "tool_choice") else {
        return Ok(ToolChoice::Absent);
    };
    if let Some(word) = choice.as_str() {
        return match word {
            "none" => Ok(ToolChoice::Forbidden),
            "auto" => Ok(ToolChoice::Auto),
            "required" => Ok(ToolChoice::Required),
            _ => Err(fault()),
        };
    }
    match choice.get("type").and_then(Value::as_str) {
        Some("allowed_tools") => match choice.get("allowed_tools").and_then(|allowed| allowed.get("mode")) {
            Some(mode) if mode == "required" => Ok(ToolChoice::Required),
            _ => Ok(ToolChoice::Auto),
        },
        Some(kind) => {
            let name = choice.get(kind).and_then(|named| named.get("name")).and_then(Value::as_str);
            name.map(|name| ToolChoice::Named(name.to_owned())).ok_or_else(fault)
        }
        None => Err(fault()),
    }
}

fn thinking(body: &Value) -> Result<Option<bool>, FieldFault> {
    let Some(thinking) = present(body, "thinking") else {
        return Ok(None);
    };
    match thinking.get("type").and_then(Value::as_str) {
        Some("enabled") => Ok(Some(true)),
        Some("disabled") => Ok(Some(false)),
        _ => Err(FieldFault::wrong("thinking.type", "enabled or disabled")),
    }
}

#[cfg(test)]
mod tests;
