//! The part of a chat request that a mock looks at, read by hand from JSON.
//!
//! Reading by hand rather than by derive keeps one reader for all providers: each reports the same fault in its own
//! words (see `check`), and fields that a provider ignores are ignored here too. Legacy completions and responses are
//! turned into the same [`ChatRequest`], so one speaker answers all three.

pub(crate) mod field;
mod message;
pub(crate) mod order;
mod tier;
pub(crate) mod tool;

use serde_json::Value;

pub(crate) use field::FieldFault;
use field::{count, flag, number, present, required_text};
pub(crate) use message::{Image, Message};
pub(crate) use tier::ServiceTier;
pub(crate) use tool::{Tool, ToolChoice};

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
    pub(crate) top_p: Option<f64>,
    /// Number of stop texts.
    pub(crate) stops: usize,
    /// Log probabilities, with so many alternatives each.
    pub(crate) logprobs: Option<u64>,
    /// Whether `top_logprobs` is there without `logprobs`.
    pub(crate) orphan_top_logprobs: bool,
    pub(crate) format: Format,
    pub(crate) tools: Vec<Tool>,
    pub(crate) tool_choice: ToolChoice,
    /// Whether the choice is a list of allowed tools; the others are left out of `tools`.
    pub(crate) has_allowed_tools: bool,
    pub(crate) parallel_tool_calls: bool,
    /// How much to think; `None` if absent.
    pub(crate) effort: Option<String>,
    /// DeepSeek's switch; `None` if absent.
    pub(crate) thinking: Option<bool>,
    pub(crate) audio: Audio,
    /// Model that shall judge input and output beside the answer.
    pub(crate) moderation: Option<String>,
    pub(crate) tier: ServiceTier,
    /// Whether only what stands before breakpoints is to be cached, rather than what the provider finds.
    pub(crate) explicit_cache: bool,
    /// Who the end user is, in DeepSeek's words; separates its caches.
    pub(crate) user_id: String,
}

/// The shape the answer must have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Format {
    Text,
    JsonObject,
    JsonSchema(Value),
}

/// Whether the answer shall be spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audio {
    No,
    /// Asked for without saying in which voice and format.
    Unspecified,
    Yes,
}

impl ChatRequest {
    /// Reads the body of a request.
    pub(crate) fn read(body: &Value) -> Result<Self, FieldFault> {
        field::object(body)?;
        let options = present(body, "stream_options");
        let option = |name: &str| options.and_then(|options| present(options, name)).and_then(Value::as_bool);
        let top_logprobs = count(body, "top_logprobs")?;
        let logprobs = flag(body, "logprobs")?.unwrap_or(false);
        let mut tools = tool::nested(body)?;
        let allowed = tool::allowed(body);
        if let Some(allowed) = &allowed {
            tools.retain(|tool| allowed.contains(&tool.name));
        }
        Ok(Self {
            model: required_text(body, "model")?,
            messages: message::messages(body)?,
            stream: flag(body, "stream")?.unwrap_or(false),
            has_stream_options: options.is_some(),
            include_usage: option("include_usage").unwrap_or(false),
            include_obfuscation: option("include_obfuscation").unwrap_or(true),
            max_tokens: count(body, "max_tokens")?,
            max_completion_tokens: count(body, "max_completion_tokens")?,
            n: count(body, "n")?.unwrap_or(1),
            temperature: number(body, "temperature")?,
            top_p: number(body, "top_p")?,
            stops: stops(body)?,
            logprobs: logprobs.then_some(top_logprobs.unwrap_or(0)),
            orphan_top_logprobs: !logprobs && top_logprobs.is_some_and(|top| top > 0),
            format: format(body)?,
            tools,
            tool_choice: tool::choice(body)?,
            has_allowed_tools: allowed.is_some(),
            parallel_tool_calls: flag(body, "parallel_tool_calls")?.unwrap_or(true),
            effort: present(body, "reasoning_effort")
                .map(|effort| field::text(effort, "reasoning_effort"))
                .transpose()?,
            thinking: thinking(body)?,
            audio: audio(body),
            moderation: moderation(body),
            tier: ServiceTier::of(body),
            explicit_cache: explicit_cache(body),
            user_id: present(body, "user_id").and_then(Value::as_str).unwrap_or_default().to_owned(),
        })
    }

    /// A request with these messages and nothing else.
    pub(crate) fn plain(model: String, messages: Vec<Message>) -> Self {
        Self {
            model,
            messages,
            stream: false,
            has_stream_options: false,
            include_usage: false,
            include_obfuscation: true,
            max_tokens: None,
            max_completion_tokens: None,
            n: 1,
            temperature: None,
            top_p: None,
            stops: 0,
            logprobs: None,
            orphan_top_logprobs: false,
            format: Format::Text,
            tools: Vec::new(),
            tool_choice: ToolChoice::Absent,
            has_allowed_tools: false,
            parallel_tool_calls: true,
            effort: None,
            thinking: None,
            audio: Audio::No,
            moderation: None,
            tier: ServiceTier::Auto,
            explicit_cache: false,
            user_id: String::new(),
        }
    }

    /// The text of the last user message: what an answer is looked up by. Empty if there is none.
    pub(crate) fn prompt(&self) -> &str {
        self.messages.iter().rfind(|message| message.role == "user").map_or("", |message| message.text.as_str())
    }

    /// Whether a tool result follows the last user message, so that calling the tool once more would go in circles.
    pub(crate) fn has_tool_result(&self) -> bool {
        self.messages.iter().rev().take_while(|message| message.role != "user").any(|message| message.role == "tool")
    }

    /// Whether any message contains the word "json", which the providers demand for JSON mode.
    pub(crate) fn mentions_json(&self) -> bool {
        self.messages.iter().any(|message| message.text.to_ascii_lowercase().contains("json"))
    }
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

fn stops(body: &Value) -> Result<usize, FieldFault> {
    match present(body, "stop") {
        None => Ok(0),
        Some(Value::String(_)) => Ok(1),
        Some(Value::Array(texts)) if texts.iter().all(Value::is_string) => Ok(texts.len()),
        Some(_) => Err(FieldFault::wrong("stop", "a string or an array of strings")),
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

fn audio(body: &Value) -> Audio {
    let modalities = present(body, "modalities").and_then(Value::as_array);
    let spoken = modalities.is_some_and(|modalities| modalities.iter().any(|modality| modality == "audio"));
    match (spoken, present(body, "audio")) {
        (false, _) => Audio::No,
        (true, None) => Audio::Unspecified,
        (true, Some(_)) => Audio::Yes,
    }
}

/// Whether the caller says itself what is to be cached.
pub(crate) fn explicit_cache(body: &Value) -> bool {
    let mode = present(body, "prompt_cache_options").and_then(|options| options.get("mode"));
    mode.is_some_and(|mode| mode == "explicit")
}

fn moderation(body: &Value) -> Option<String> {
    let model = present(body, "moderation")?.get("model").and_then(Value::as_str);
    Some(model.unwrap_or("omni-moderation-latest").to_owned())
}

#[cfg(test)]
mod tests;
