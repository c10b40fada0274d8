//! Tools and the choice among them, functions of old included.

use super::super::Unfit;
use super::super::draft::Draft;
use super::super::steps;
use crate::json::{Object, Text};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Most tools that a request may offer.
const TOOLS_MAX: usize = 128;
/// Bytes of the shortest list that could hold more than [`TOOLS_MAX`] tools.
const TOO_MANY_BYTES: usize = TOOLS_MAX * 20;

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow)]
    function: Named<'a>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// Whether a list holds a tool that is no function.
pub(super) fn others(tools: &RawValue) -> bool {
    let kinds: Vec<Kind<'_>> = serde_json::from_str(tools.get()).unwrap_or_default();
    kinds.iter().any(|tool| tool.kind.as_ref().is_none_or(|kind| kind.0 != "function"))
}

/// Whether a list holds more tools than may be offered.
pub(super) fn too_many(tools: &RawValue) -> bool {
    tools.get().len() > TOO_MANY_BYTES && steps::list_length(tools) > TOOLS_MAX
}

/// Takes out the mark for strict schemas, which is not understood.
#[expect(clippy::unnecessary_wraps, reason = "is a step")]
pub(super) fn strip_strict(draft: &mut Draft<'_>, _tools: &RawValue) -> Result<(), Unfit> {
    let sent = draft.sent("tools").unwrap_or_default();
    let Ok(mut tools) = serde_json::from_str::<Vec<Value>>(sent) else { return Ok(()) };
    let mut strict = false;
    for tool in &mut tools {
        if let Some(function) = tool.get_mut("function").and_then(Value::as_object_mut) {
            strict |= function.shift_remove("strict") == Some(Value::Bool(true));
        }
    }
    draft.set("tools", Value::Array(tools).to_string());
    if strict {
        draft.warn("tools.strict");
    }
    Ok(())
}

/// `type` of a choice; `auto` and the like are their own kind.
pub(super) fn kind(choice: &RawValue) -> String {
    steps::kind(choice)
}

/// Whether a choice forces a call: of any tool, or of a named function.
pub(super) fn is_forced(choice: &RawValue) -> bool {
    !matches!(&*kind(choice), "auto" | "none" | "allowed_tools" | "custom")
}

/// Forbids thinking for this turn.
#[expect(clippy::unnecessary_wraps, reason = "is a step")]
pub(super) fn forced(draft: &mut Draft<'_>, _choice: &RawValue) -> Result<(), Unfit> {
    draft.thinking_forbidden = true;
    Ok(())
}

/// Leaves out what is the default.
#[expect(clippy::unnecessary_wraps, reason = "is a step")]
pub(super) fn leave_out_auto(draft: &mut Draft<'_>, _choice: &RawValue) -> Result<(), Unfit> {
    draft.remove("tool_choice");
    Ok(())
}

/// Sends only the tools that are allowed this time.
pub(super) fn allowed(draft: &mut Draft<'_>, choice: &RawValue) -> Result<(), Unfit> {
    #[derive(Deserialize)]
    struct Choice<'a> {
        #[serde(borrow)]
        allowed_tools: Allowed<'a>,
    }
    #[derive(Deserialize)]
    struct Allowed<'a> {
        #[serde(borrow)]
        mode: Cow<'a, str>,
        #[serde(borrow)]
        tools: Vec<Tool<'a>>,
    }
    let unreadable = Unfit { feature: "allowed_tools that name no offered function" };
    let choice: Choice<'_> = serde_json::from_str(choice.get()).map_err(|_| unreadable)?;
    let offered = draft.sent("tools").ok_or(unreadable)?;
    let offered: Vec<&RawValue> = serde_json::from_str(offered).map_err(|_| unreadable)?;
    let is_allowed = |tool: &&&RawValue| {
        serde_json::from_str::<Tool<'_>>(tool.get())
            .is_ok_and(|tool| choice.allowed_tools.tools.iter().any(|other| other.function.name == tool.function.name))
    };
    let kept: Vec<&str> = offered.iter().filter(is_allowed).map(|tool| tool.get()).collect();
    if kept.is_empty() {
        return Err(unreadable);
    }
    let kept = format!("[{}]", kept.join(","));
    draft.set("tools", kept);
    if choice.allowed_tools.mode == "required" {
        draft.set("tool_choice", "\"required\"".to_owned());
        draft.thinking_forbidden = true;
    } else {
        draft.remove("tool_choice");
    }
    Ok(())
}

/// Functions become tools.
pub(super) fn from_functions(draft: &mut Draft<'_>, functions: &RawValue) -> Result<(), Unfit> {
    let functions: Vec<Object<'_>> =
        serde_json::from_str(functions.get()).map_err(|_| Unfit { feature: "functions that are no list" })?;
    let tools: Vec<String> = functions
        .iter()
        .map(|function| {
            format!(r#"{{"type":"function","function":{}}}"#, String::from_utf8_lossy(&function.to_bytes()))
        })
        .collect();
    draft.remove("functions");
    if tools.len() > TOOLS_MAX {
        return Err(Unfit { feature: "tools>128" });
    }
    if !tools.is_empty() {
        draft.set("tools", format!("[{}]", tools.join(",")));
    }
    Ok(())
}

/// The choice among functions becomes one among tools.
#[expect(clippy::unnecessary_wraps, reason = "is a step")]
pub(super) fn from_function_call(draft: &mut Draft<'_>, choice: &RawValue) -> Result<(), Unfit> {
    draft.remove("function_call");
    if let Ok(named) = serde_json::from_str::<Named<'_>>(choice.get()) {
        let choice = serde_json::json!({"type": "function", "function": {"name": named.name}});
        draft.set("tool_choice", choice.to_string());
        draft.thinking_forbidden = true;
    } else if choice.get() == "\"none\"" {
        draft.set("tool_choice", "\"none\"".to_owned());
    }
    Ok(())
}
