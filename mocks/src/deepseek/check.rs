//! What DeepSeek refuses although the types are right.
//!
//! Fields it does not know are ignored in silence (`max_completion_tokens`, `seed`, `logit_bias`, ...), so the danger of
//! a migration lies in what is *not* in this file.

use serde_json::Value;
use std::collections::BTreeSet;

use super::{ALIASES, INVALID, MODELS, RETIRED, invalid};
use crate::refusal::Refusal;
use crate::request::order::{self, Disorder};
use crate::request::{ChatRequest, Format, ToolChoice};
use crate::tokens;
use wire::provider::Provider;

const ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];
const WINDOW_TOKENS: u64 = 1_048_576;
const OUTPUT_TOKENS_MAX: u64 = 393_216;
const TOOLS_MAX: usize = 128;
const STOPS_MAX: usize = 16;
const IMAGES_MAX: usize = 600;
const ALTERNATIVES_MAX: u64 = 20;
const USER_ID_BYTES_MAX: usize = 512;
/// Efforts that are understood; several mean the same.
const EFFORTS: [&str; 8] = ["none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"];

pub(super) fn check(request: &ChatRequest, thinking: bool) -> Result<(), Refusal> {
    if let Some((index, message)) =
        request.messages.iter().enumerate().find(|(_, message)| !ROLES.contains(&message.role.as_str()))
    {
        let role = &message.role;
        return Err(invalid(format!(
            "Failed to deserialize the JSON body into the target type: messages[{index}].role: unknown variant \
             `{role}`, expected one of `system`, `user`, `assistant`, `tool`"
        )));
    }
    check_order(request)?;
    // What may be answered counts against the window too.
    let answer = request.max_tokens.unwrap_or(0).min(OUTPUT_TOKENS_MAX);
    if let Some(tokens) = tokens::beyond(Provider::DeepSeek, request, WINDOW_TOKENS - answer) {
        let tokens = tokens + answer;
        return Err(invalid(format!(
            "This model's maximum context length is {WINDOW_TOKENS} tokens. However, you requested {tokens} tokens."
        )));
    }
    if let Some(effort) = request.effort.as_deref().filter(|effort| !EFFORTS.contains(effort)) {
        return Err(invalid(format!(
            "Failed to deserialize the JSON body into the target type: reasoning_effort: unknown variant `{effort}`"
        )));
    }
    if request.user_id.len() > USER_ID_BYTES_MAX {
        return Err(invalid(format!("Invalid user_id: at most {USER_ID_BYTES_MAX} bytes are allowed")));
    }
    if request.n != 1 {
        return Err(invalid("Invalid n value (currently only n = 1 is supported)"));
    }
    if request.has_stream_options && !request.stream {
        return Err(invalid("stream_options should be set along with stream = true"));
    }
    if request.max_tokens.is_some_and(|limit| !(1..=OUTPUT_TOKENS_MAX).contains(&limit)) {
        return Err(invalid(format!(
            "Invalid max_tokens value, the valid range of max_tokens is [1, {OUTPUT_TOKENS_MAX}]"
        )));
    }
    if request.temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
        return Err(invalid("Invalid temperature value, the valid range of temperature is [0, 2.0]"));
    }
    if request.top_p.is_some_and(|top_p| top_p <= 0.0 || top_p > 1.0) {
        return Err(invalid("Invalid top_p value, the valid range of top_p is (0, 1.0]"));
    }
    if request.stops > STOPS_MAX {
        return Err(invalid(format!("Invalid stop: at most {STOPS_MAX} stop texts are allowed")));
    }
    if request.logprobs.is_some_and(|top| top > ALTERNATIVES_MAX) {
        return Err(invalid(format!("Invalid top_logprobs value, the valid range is [0, {ALTERNATIVES_MAX}]")));
    }
    match &request.format {
        Format::Text => {}
        Format::JsonSchema(_) => return Err(invalid("This response_format type is unavailable now")),
        Format::JsonObject if request.mentions_json() => {}
        Format::JsonObject => {
            return Err(invalid("Prompt must contain the word 'json' to use 'response_format' of type 'json_object'"));
        }
    }
    check_tools(request, thinking)
}

fn check_order(request: &ChatRequest) -> Result<(), Refusal> {
    let images: usize = request.messages.iter().map(|message| message.images.len()).sum();
    if images > IMAGES_MAX {
        return Err(invalid(format!("Too many images: {images}, where {IMAGES_MAX} are allowed")));
    }
    let problem = match order::disorder(&request.messages) {
        None => return Ok(()),
        Some(Disorder::LoneResult(_)) => {
            "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'".to_owned()
        }
        Some(Disorder::LoneCall(_)) => "An assistant message with 'tool_calls' must be followed by tool messages \
                                        responding to each 'tool_call_id'"
            .to_owned(),
        Some(Disorder::Silent(_)) => "Invalid assistant message: content or tool_calls must be set".to_owned(),
        Some(Disorder::OddPart(index)) => format!(
            "Failed to deserialize the JSON body into the target type: messages[{index}].content: unknown variant"
        ),
    };
    Err(invalid(problem))
}

/// Whether a model is served; the withdrawn names only if `retired` says so.
pub(super) fn check_model(model: &str, models: Option<&[String]>, retired: bool) -> Result<(), Refusal> {
    let alias = |list: &[(&str, &str)]| list.iter().any(|(alias, _)| *alias == model);
    let served = match models {
        Some(models) => models.iter().any(|name| name == model),
        None => MODELS.contains(&model) || alias(&ALIASES) || (retired && alias(&RETIRED)),
    };
    if served {
        return Ok(());
    }
    let names = models.map_or_else(|| MODELS.join(", "), |models| models.join(", "));
    // 400, where OpenAI would say 404.
    Err(Refusal::new(
        400,
        INVALID,
        super::CODE,
        format!("The supported API model names are {names}, but you passed {model}."),
    ))
}

fn check_tools(request: &ChatRequest, thinking: bool) -> Result<(), Refusal> {
    if request.tools.len() > TOOLS_MAX {
        return Err(invalid(format!("Invalid tools: at most {TOOLS_MAX} tools are allowed")));
    }
    if let Some((index, tool)) = request.tools.iter().enumerate().find(|(_, tool)| tool.kind != "function") {
        let kind = &tool.kind;
        return Err(invalid(format!(
            "Failed to deserialize the JSON body into the target type: tools[{index}].type: unknown variant `{kind}`, \
             expected `function`"
        )));
    }
    if let Some(index) = order::ill_named(&request.tools) {
        return Err(invalid(format!(
            "Invalid 'tools[{index}].function.name': a name has 1 to 64 letters, digits, underscores and dashes"
        )));
    }
    let names: BTreeSet<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
    if names.len() < request.tools.len() {
        return Err(invalid("Tool names must be unique."));
    }
    if let Some(index) = order::ill_formed(&request.tools) {
        return Err(invalid(format!(
            "Invalid schema for tools[{index}]: schema must be a JSON Schema of 'type: \"object\"'"
        )));
    }
    if request.has_allowed_tools {
        return Err(invalid(
            "Failed to deserialize the JSON body into the target type: tool_choice: unknown variant `allowed_tools`",
        ));
    }
    if thinking && matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_)) {
        return Err(invalid("Thinking mode does not support this tool_choice"));
    }
    if let ToolChoice::Named(name) = &request.tool_choice
        && !request.tools.iter().any(|tool| tool.name == *name)
    {
        return Err(invalid(format!("Invalid tool_choice: no tool is named {name}")));
    }
    let forgetful = |request: &ChatRequest| {
        request.messages.iter().any(|message| message.role == "assistant" && !message.has_reasoning)
    };
    let with_tools = !request.tools.is_empty() || request.messages.iter().any(|message| message.has_tool_calls);
    if thinking && with_tools && forgetful(request) {
        return Err(invalid("The `reasoning_content` in the thinking mode must be passed back to the API."));
    }
    Ok(())
}

/// The rules of strict tools: all of them or none, and only schemas that the provider can enforce.
pub(super) fn check_strict(request: &ChatRequest) -> Result<(), Refusal> {
    if !request.tools.iter().any(|tool| tool.strict) {
        return Ok(());
    }
    for (index, tool) in request.tools.iter().enumerate() {
        if !tool.strict {
            return Err(invalid(format!("tools[{index}].function.strict: all tools must be strict, or none")));
        }
        check_schema(&tool.parameters)
            .map_err(|problem| invalid(format!("tools[{index}].function.parameters: {problem}")))?;
    }
    Ok(())
}

/// Says what strict mode cannot enforce about a schema.
fn check_schema(schema: &Value) -> Result<(), String> {
    const TYPES: [&str; 6] = ["object", "string", "number", "integer", "boolean", "array"];
    const UNSUPPORTED: [&str; 4] = ["minLength", "maxLength", "minItems", "maxItems"];
    if let Some(name) = UNSUPPORTED.into_iter().find(|name| schema.get(name).is_some()) {
        return Err(format!("{name} is not supported in strict mode"));
    }
    let kind = schema.get("type").and_then(Value::as_str);
    if let Some(kind) = kind.filter(|kind| !TYPES.contains(kind)) {
        return Err(format!("the type {kind} is not supported in strict mode"));
    }
    if kind == Some("object") {
        let empty = serde_json::Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &String| required.is_some_and(|names| names.iter().any(|required| required == name));
        if let Some(name) = properties.keys().find(|name| !is_required(name)) {
            return Err(format!("the property {name} must be required in strict mode"));
        }
        if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
            return Err("additionalProperties must be false in strict mode".to_owned());
        }
        properties.values().try_for_each(check_schema)?;
    }
    if let Some(items) = schema.get("items") {
        check_schema(items)?;
    }
    let alternatives = schema.get("anyOf").and_then(Value::as_array);
    alternatives.into_iter().flatten().try_for_each(check_schema)
}
