//! Which tools an answer calls, and with what.

use std::fmt::Write;

use serde_json::{Value, json};

use super::ToolCall;
use crate::dice::Dice;
use crate::request::{ChatRequest, Tool, ToolChoice};
use crate::schema;
use crate::script::ScriptAnswer;
use crate::words;

/// At most so many tools are called at once.
const PARALLEL_MAX: usize = 3;

/// The calls to make: recorded ones if the request offers tools and has no result yet; else, if a call is demanded, one of
/// each tool offered; else one of each tool that the prompt mentions by its name.
pub(super) fn tool_calls(
    request: &ChatRequest,
    scripted: Option<&ScriptAnswer>,
    always_parallel: bool,
    dice: &mut Dice,
) -> Vec<ToolCall> {
    if request.tools.is_empty() || request.tool_choice == ToolChoice::Forbidden {
        return Vec::new();
    }
    let recorded: Vec<ToolCall> = scripted
        .iter()
        .flat_map(|answer| &answer.tool_calls)
        .filter(|call| !matches!(&request.tool_choice, ToolChoice::Named(name) if *name != call.name))
        .map(|call| ToolCall { name: call.name.clone(), arguments: call.arguments_text(), custom: false })
        .collect();
    let demanded = matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
    if !recorded.is_empty() && (demanded || !request.has_tool_result()) {
        return recorded;
    }
    let wanted = |tool: &&Tool| match &request.tool_choice {
        ToolChoice::Required => true,
        ToolChoice::Named(name) => tool.name == *name,
        _ => scripted.is_none() && !request.has_tool_result() && mentions(request.prompt(), &tool.name),
    };
    let calls_max = if request.parallel_tool_calls || always_parallel { PARALLEL_MAX } else { 1 };
    let wanted = request.tools.iter().filter(wanted).take(calls_max);
    wanted.map(|tool| generated_call(tool, request.prompt(), dice)).collect()
}

/// Whether a text contains a tool's name as a word of its own.
fn mentions(prompt: &str, name: &str) -> bool {
    let in_word = |character: char| character.is_alphanumeric() || "_-".contains(character);
    prompt.split(|character| !in_word(character)).any(|word| word == name)
}

fn generated_call(tool: &Tool, prompt: &str, dice: &mut Dice) -> ToolCall {
    let topic = words::topic(prompt, words::Language::of(prompt));
    let custom = tool.kind == "custom";
    let arguments = match &tool.parameters {
        _ if custom => topic.to_owned(),
        Value::Null => json!({}).to_string(),
        schema => schema::instance(schema, dice, &mut |_| topic.to_owned()).to_string(),
    };
    ToolCall { name: tool.name.clone(), arguments, custom }
}

/// The calls as the markup in which DeepSeek's model writes them; now and then it reaches the client as text.
pub(super) fn leaked(calls: &[ToolCall]) -> String {
    let mut text = "<｜DSML｜function_calls>\n".to_owned();
    for ToolCall { name, arguments, .. } in calls {
        let members = serde_json::from_str::<Value>(arguments).ok();
        let members = members.as_ref().and_then(Value::as_object).into_iter().flatten();
        let parameters: String = members
            .map(|(key, value)| {
                let spelt = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let is_text = value.is_string();
                format!("<｜DSML｜parameter name=\"{key}\" string=\"{is_text}\">{spelt}</｜DSML｜parameter>\n")
            })
            .collect();
        // Writing into a string cannot fail.
        let _written = writeln!(text, "<｜DSML｜invoke name=\"{name}\">\n{parameters}</｜DSML｜invoke>");
    }
    text + "</｜DSML｜function_calls>"
}
