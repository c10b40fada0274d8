//! What OpenAI refuses although the types are right.

use super::{INVALID, models};
use crate::refusal::Refusal;
use crate::request::order::{self, Disorder};
use crate::request::{Audio, ChatRequest, Format, ToolChoice};
use crate::tokens;
use wire::provider::Provider;

const ROLES: [&str; 6] = ["developer", "system", "user", "assistant", "tool", "function"];
/// Alternatives to each token, at most.
const ALTERNATIVES_MAX: u64 = 20;
/// Tokens of a prompt, at most: the window less the longest answer.
const PROMPT_TOKENS_MAX: u64 = 922_000;
/// Stop texts, at most.
const STOPS_MAX: usize = 4;

pub(super) fn check(request: &ChatRequest) -> Result<(), Refusal> {
    if let Some((index, message)) =
        request.messages.iter().enumerate().find(|(_, message)| !ROLES.contains(&message.role.as_str()))
    {
        let message = format!("Invalid value: '{}'. Supported values are: {}.", message.role, quoted_list(&ROLES));
        return Err(invalid(Some("invalid_value"), message).about(format!("messages[{index}].role")));
    }
    if request.has_stream_options && !request.stream {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(invalid(None, message).about("stream_options"));
    }
    if request.max_tokens.is_some() && models::reasons(&request.model) {
        let message = "Unsupported parameter: 'max_tokens' is not supported with this model. \
                       Use 'max_completion_tokens' instead.";
        return Err(invalid(Some("unsupported_parameter"), message).about("max_tokens"));
    }
    for (field, limit) in [("max_tokens", request.max_tokens), ("max_completion_tokens", request.max_completion_tokens)]
    {
        if limit == Some(0) {
            let message = format!("Invalid '{field}': integer below minimum value. Expected a value >= 1, but got 0.");
            return Err(invalid(Some("integer_below_min_value"), message).about(field));
        }
    }
    if !(1..=128).contains(&request.n) {
        let message = format!("Invalid 'n': expected a value from 1 to 128, but got {}.", request.n);
        return Err(invalid(Some("invalid_value"), message).about("n"));
    }
    if let Some(temperature) = request.temperature.filter(|temperature| !(0.0..=2.0).contains(temperature)) {
        let message = format!("Invalid 'temperature': expected a value from 0 to 2, but got {temperature}.");
        return Err(invalid(Some("invalid_value"), message).about("temperature"));
    }
    if request.format == Format::JsonObject && !request.mentions_json() {
        let message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type \
                       'json_object'.";
        return Err(invalid(None, message).about("messages"));
    }
    if let Some(tokens) = tokens::beyond(Provider::OpenAi, request, PROMPT_TOKENS_MAX) {
        let message = format!(
            "This model's maximum context length is {PROMPT_TOKENS_MAX} tokens. However, your messages resulted in {tokens} \
             tokens. Please reduce the length of the messages."
        );
        return Err(invalid(Some("context_length_exceeded"), message).about("messages"));
    }
    check_order(request)?;
    check_extras(request)?;
    check_tools(request)
}

fn check_order(request: &ChatRequest) -> Result<(), Refusal> {
    let (index, problem) = match order::disorder(&request.messages) {
        None => return Ok(()),
        Some(Disorder::LoneResult(index)) => {
            (index, "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.")
        }
        Some(Disorder::LoneCall(index)) => {
            (index, "an assistant message with 'tool_calls' must be followed by a tool message for each of its ids.")
        }
        Some(Disorder::Silent(index)) => (index, "expected content, tool calls or a refusal, but got none."),
        Some(Disorder::OddPart(index)) => (index, "one of the content parts is of an unknown type."),
    };
    let message = format!("Invalid value for 'messages[{index}]': {problem}");
    Err(invalid(Some("invalid_value"), message).about(format!("messages[{index}]")))
}

fn check_extras(request: &ChatRequest) -> Result<(), Refusal> {
    if request.orphan_top_logprobs {
        let message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.";
        return Err(invalid(None, message).about("top_logprobs"));
    }
    if let Some(top) = request.logprobs.filter(|top| *top > ALTERNATIVES_MAX) {
        let message = format!("Invalid 'top_logprobs': expected a value from 0 to {ALTERNATIVES_MAX}, but got {top}.");
        return Err(invalid(Some("invalid_value"), message).about("top_logprobs"));
    }
    if request.stops > STOPS_MAX {
        let message = format!("Invalid 'stop': expected at most {STOPS_MAX} texts, but got {}.", request.stops);
        return Err(invalid(Some("array_above_max_length"), message).about("stop"));
    }
    if request.audio == Audio::Unspecified {
        let message = "The 'audio' parameter is required when 'modalities' includes 'audio'.";
        return Err(invalid(Some("missing_required_parameter"), message).about("audio"));
    }
    Ok(())
}

fn check_tools(request: &ChatRequest) -> Result<(), Refusal> {
    if let Some(index) = order::ill_named(&request.tools) {
        let message = "expected 1 to 64 letters, digits, underscores and dashes.";
        let field = format!("tools[{index}].function.name");
        return Err(invalid(Some("invalid_value"), format!("Invalid '{field}': {message}")).about(field));
    }
    if let Some(index) = order::ill_formed(&request.tools) {
        let field = format!("tools[{index}].function.parameters");
        let message = format!("Invalid schema for '{field}': schema must be a JSON Schema of 'type: \"object\"'.");
        return Err(invalid(Some("invalid_function_parameters"), message).about(field));
    }
    let refuse = |message: String| Err(invalid(None, message).about("tool_choice"));
    match &request.tool_choice {
        ToolChoice::Absent => Ok(()),
        _ if request.tools.is_empty() => refuse("'tool_choice' is only allowed when 'tools' are specified.".to_owned()),
        ToolChoice::Named(name) if !request.tools.iter().any(|tool| tool.name == *name) => {
            refuse(format!("Tool choice '{name}' not found in 'tools' parameter."))
        }
        _ => Ok(()),
    }
}

fn invalid(code: Option<&'static str>, message: impl Into<String>) -> Refusal {
    Refusal::new(400, INVALID, code, message)
}

fn quoted_list(names: &[&str]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}
