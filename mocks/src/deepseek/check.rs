//! What DeepSeek refuses although the types are right.
//!
//! Fields it does not know are ignored in silence (`max_completion_tokens`, `seed`, `logit_bias`, ...), so the danger of
//! a migration lies in what is *not* in this file.

use super::{ALIASES, INVALID, MODELS, invalid};
use crate::refusal::Refusal;
use crate::request::{ChatRequest, Format, ToolChoice};

const ROLES: [&str; 4] = ["system", "user", "assistant", "tool"];
const OUTPUT_TOKENS_MAX: u64 = 393_216;
const TOOLS_MAX: usize = 128;

pub(super) fn check(request: &ChatRequest, models: Option<&[String]>, thinking: bool) -> Result<(), Refusal> {
    check_model(&request.model, models)?;
    if let Some((index, message)) =
        request.messages.iter().enumerate().find(|(_, message)| !ROLES.contains(&message.role.as_str()))
    {
        let role = &message.role;
        return Err(invalid(format!(
            "Failed to deserialize the JSON body into the target type: messages[{index}].role: unknown variant \
             `{role}`, expected one of `system`, `user`, `assistant`, `tool`"
        )));
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

fn check_model(model: &str, models: Option<&[String]>) -> Result<(), Refusal> {
    let served = match models {
        Some(models) => models.iter().any(|name| name == model),
        None => MODELS.contains(&model) || ALIASES.iter().any(|(alias, _)| *alias == model),
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
