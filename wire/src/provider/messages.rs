//! Messages in the terms of providers that know the roles system, user, assistant and tool. Most requests need no change
//! here, and then nothing is read or copied.

use super::draft::{Draft, Scene, quoted};
use super::steps;
use crate::json::{Object, Text};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;

/// Reasoning text that goes back into the message with this index.
pub(super) type Recalled = (usize, Arc<str>);

#[derive(Deserialize)]
struct Turn<'a> {
    #[serde(borrow, default)]
    role: Option<Text<'a>>,
    #[serde(borrow, default)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<Call<'a>>>,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// Whether every earlier answer has to come back with its reasoning: in conversations with tools.
pub(super) fn wants_reasoning_back(scene: &Scene<'_>) -> bool {
    let history = scene.history();
    let offered = |member| scene.given(member).is_some_and(|tools| !steps::is_empty(tools));
    history.bare_answers && (history.tools || history.functions || offered("tools") || offered("functions"))
}

/// What goes back for an answer that made no tool call: the API wants the member but takes a blank for it, and nothing of
/// the reasoning behind a plain answer matters to the next turn.
const PLACEHOLDER: &str = " ";

/// The reasoning of each answer that came back without; `None` if one that made tool calls is lost.
pub(super) fn recall(scene: &Scene<'_>) -> Option<Vec<Recalled>> {
    let turns: Vec<Turn<'_>> = serde_json::from_str(scene.given("messages")?.get()).ok()?;
    let mut recalled = Vec::new();
    for (index, turn) in turns.iter().enumerate() {
        let bare = turn.reasoning_content.is_none() && turn.role.as_ref().is_some_and(|role| role.0 == "assistant");
        if bare {
            let mut calls = turn.tool_calls.iter().flatten().peekable();
            let text = match calls.peek() {
                None => Arc::from(PLACEHOLDER),
                Some(_) => calls.find_map(|call| (scene.target.recall)(&call.id))?,
            };
            recalled.push((index, text));
        }
    }
    Some(recalled)
}

/// Writes the messages anew where one has to change or an instruction is to be added.
pub(super) fn settle(draft: &mut Draft<'_>, reasoning: &[Recalled]) {
    let history = *draft.scene.history();
    let changes = history.developer || history.functions || history.refusals || history.cache_breakpoints;
    if !changes && reasoning.is_empty() && draft.instructions.is_empty() {
        return;
    }
    let Some(given) = draft.given("messages") else { return };
    let Ok(messages) = serde_json::from_str::<Vec<&RawValue>>(given.get()) else { return };
    let mut instructions = std::mem::take(&mut draft.instructions);
    let mut list = Vec::with_capacity(given.get().len() + 64);
    list.push(b'[');
    // The call that a function's result answers, since functions had no ids.
    let mut call = String::new();
    // In the order of the messages, both of them.
    let mut reasoning = reasoning.iter().peekable();
    for (index, raw) in messages.into_iter().enumerate() {
        let recalled = reasoning.next_if(|(place, _)| *place == index);
        let Ok(mut message) = Object::parse(raw.get().as_bytes()) else {
            push(&mut list, raw.get().as_bytes());
            continue;
        };
        let role = message.text("role").unwrap_or_default();
        // Instructions follow the operator's own, so that these stay the prompt's beginning, which the cache knows.
        if !matches!(&*role, "system" | "developer") {
            write_instructions(&mut list, &mut instructions);
        }
        let mut changed = translate(&mut message, &role, index, &mut call);
        if let Some((_, text)) = recalled {
            message.set_value("reasoning_content", &**text);
            changed = true;
        }
        if changed {
            push(&mut list, &message.to_bytes());
        } else {
            push(&mut list, raw.get().as_bytes());
        }
    }
    write_instructions(&mut list, &mut instructions);
    list.push(b']');
    draft.set("messages", String::from_utf8_lossy(&list).into_owned());
}

fn push(list: &mut Vec<u8>, message: &[u8]) {
    if list.len() > 1 {
        list.push(b',');
    }
    list.extend_from_slice(message);
}

fn write_instructions(list: &mut Vec<u8>, instructions: &mut Vec<String>) {
    for text in instructions.drain(..) {
        push(list, format!(r#"{{"role":"system","content":{}}}"#, quoted(&text)).as_bytes());
    }
}

/// Says one message in the provider's terms. Says whether it changed.
fn translate(message: &mut Object<'_>, role: &str, index: usize, call: &mut String) -> bool {
    let mut changed = true;
    match role {
        "developer" => message.set_value("role", "system"),
        "function" => {
            message.set_value("role", "tool");
            message.set_value("tool_call_id", call.as_str());
        }
        "assistant" if message.has("function_call") => {
            *call = format!("call_of_message_{index}");
            let function = message.get("function_call").map_or("{}", RawValue::get);
            let calls = format!(r#"[{{"id":{},"type":"function","function":{function}}}]"#, quoted(call));
            if let Ok(calls) = RawValue::from_string(calls) {
                message.set("tool_calls", calls);
            }
            message.remove("function_call");
        }
        _ => changed = false,
    }
    if message.has("refusal") {
        if !message.has("content")
            && let Some(refusal) = message.text("refusal")
        {
            message.set_value("content", &refusal);
        }
        changed |= message.remove("refusal");
    }
    changed | translate_parts(message)
}

/// Takes cache marks out of content parts and makes refusals text.
fn translate_parts(message: &mut Object<'_>) -> bool {
    let Some(content) = message.get("content").filter(|content| content.get().starts_with('[')) else { return false };
    let Ok(mut parts) = serde_json::from_str::<Vec<Object<'_>>>(content.get()) else { return false };
    let mut changed = false;
    for part in &mut parts {
        changed |= part.remove("prompt_cache_breakpoint");
        if part.text("type").is_some_and(|kind| kind == "refusal") {
            part.rename("refusal", "text");
            part.set_value("type", "text");
            changed = true;
        }
    }
    if !changed {
        return false;
    }
    let texts: Vec<String> = parts.iter().map(|part| String::from_utf8_lossy(&part.to_bytes()).into_owned()).collect();
    let Ok(raw) = RawValue::from_string(format!("[{}]", texts.join(","))) else { return false };
    message.set("content", raw);
    true
}
