//! Messages, reduced to what an answer depends on.

use serde_json::Value;

use super::field::{FieldFault, present, text};

/// One message, reduced to its role, its text and what hangs on it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) role: String,
    /// The content, or the text parts of it joined by line feeds.
    pub(crate) text: String,
    pub(crate) images: Vec<Image>,
    /// Bytes of recorded speech.
    pub(crate) sound_bytes: u64,
    /// Whether the caller wants all up to here in the cache.
    pub(crate) has_cache_breakpoint: bool,
    pub(crate) has_tool_calls: bool,
    pub(crate) has_reasoning: bool,
    /// Ids of the calls.
    pub(crate) calls: Vec<String>,
    /// Id of the call whose result it is.
    pub(crate) answers: Option<String>,
    /// Whether it holds neither content nor calls nor anything else that is said.
    pub(crate) is_silent: bool,
    /// Whether one of its parts is of a kind nobody knows.
    pub(crate) has_odd_part: bool,
}

/// A picture in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    /// Whether the request asks to look at it only roughly, which costs less.
    pub(crate) low_detail: bool,
}

impl Message {
    /// A message of plain text.
    pub(crate) fn plain(role: &str, text: impl Into<String>) -> Self {
        let (role, text) = (role.to_owned(), text.into());
        Self {
            role,
            text,
            images: Vec::new(),
            sound_bytes: 0,
            has_cache_breakpoint: false,
            has_tool_calls: false,
            has_reasoning: false,
            calls: Vec::new(),
            answers: None,
            is_silent: false,
            has_odd_part: false,
        }
    }

    /// Reads the member `content` of `holder`: a text, or parts in the manner of chat completions or responses.
    pub(crate) fn with_content(self, holder: &Value, field: &str) -> Result<Self, FieldFault> {
        match present(holder, "content") {
            None => Ok(self),
            Some(Value::String(text)) => Ok(Self { text: text.clone(), ..self }),
            Some(Value::Array(parts)) => {
                let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
                let text = texts.collect::<Vec<_>>().join("\n");
                Ok(Self {
                    text,
                    images: parts.iter().filter_map(image).collect(),
                    sound_bytes: parts.iter().map(sound_bytes).sum(),
                    has_cache_breakpoint: parts.iter().any(|part| present(part, "prompt_cache_breakpoint").is_some()),
                    has_odd_part: parts.iter().any(is_odd),
                    ..self
                })
            }
            Some(_) => Err(FieldFault::wrong(format!("{field}.content"), "a string or an array of content parts")),
        }
    }
}

fn is_odd(part: &Value) -> bool {
    const KINDS: [&str; 9] = [
        "text",
        "image_url",
        "input_audio",
        "file",
        "refusal",
        "input_text",
        "output_text",
        "input_image",
        "input_file",
    ];
    !part.get("type").and_then(Value::as_str).is_some_and(|kind| KINDS.contains(&kind))
}

fn image(part: &Value) -> Option<Image> {
    let detail = match part.get("type").and_then(Value::as_str)? {
        "image_url" => part.get("image_url")?.get("detail"),
        "input_image" => part.get("detail"),
        _ => return None,
    };
    Some(Image { low_detail: detail.is_some_and(|detail| detail == "low") })
}

/// Bytes of the speech in a part, by the length of its base64: four characters for three bytes.
fn sound_bytes(part: &Value) -> u64 {
    let data = part.get("input_audio").and_then(|sound| sound.get("data")).and_then(Value::as_str);
    data.map_or(0, |data| data.trim_end_matches('=').len() as u64 * 3 / 4)
}

/// The messages of a chat request.
pub(super) fn messages(body: &Value) -> Result<Vec<Message>, FieldFault> {
    let Some(list) = present(body, "messages") else {
        return Err(FieldFault::missing("messages", "an array of messages"));
    };
    let list = list.as_array().filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| FieldFault::wrong("messages", "an array of at least one message"))?;
    list.iter().enumerate().map(|(index, message)| read_message(index, message)).collect()
}

fn read_message(index: usize, message: &Value) -> Result<Message, FieldFault> {
    let field = format!("messages[{index}]");
    let role = match present(message, "role") {
        None => return Err(FieldFault::missing(format!("{field}.role"), "a role")),
        Some(role) => text(role, &format!("{field}.role"))?,
    };
    let speaks = present(message, "content").is_some();
    if matches!(role.as_str(), "user" | "system" | "developer" | "tool") && !speaks {
        return Err(FieldFault::missing(format!("{field}.content"), "a string or an array of content parts"));
    }
    let calls = present(message, "tool_calls").and_then(Value::as_array);
    let id = |call: &Value| call.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let otherwise = ["refusal", "audio", "function_call"].iter().any(|member| present(message, member).is_some());
    let plain = Message {
        calls: calls.into_iter().flatten().map(id).collect(),
        answers: present(message, "tool_call_id").and_then(Value::as_str).map(str::to_owned),
        is_silent: !speaks && !otherwise && calls.is_none_or(Vec::is_empty),
        has_tool_calls: present(message, "tool_calls").is_some(),
        has_reasoning: present(message, "reasoning_content").is_some(),
        ..Message::plain(&role, "")
    };
    plain.with_content(message, &field)
}
