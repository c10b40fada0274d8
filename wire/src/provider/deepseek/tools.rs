//! Tools and the choice among them, functions of old included.

use super::super::draft::{Draft, Scene};
use super::super::steps;
use super::super::toolbox::{self, Toolbox};
use crate::json::{Object, Text};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;

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

/// A choice that is an object; the name stands in `function`, or beside the type.
#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    function: Option<Named<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    allowed_tools: Option<Allowed<'a>>,
}

#[derive(Deserialize)]
struct Allowed<'a> {
    #[serde(borrow)]
    mode: Text<'a>,
    #[serde(borrow)]
    tools: Vec<Tool<'a>>,
}

/// Takes out the mark for strict schemas, which is not understood.
pub(super) fn strip_strict(draft: &mut Draft<'_>, _tools: &RawValue) {
    let sent = draft.sent("tools").unwrap_or_default();
    let Ok(mut tools) = serde_json::from_str::<Vec<Value>>(sent) else { return };
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
}

/// `type` of a choice; `auto` and the like are their own kind.
pub(super) fn kind(choice: &RawValue) -> String {
    steps::kind(choice)
}

/// Whether a choice forces a call: of any tool, or of a named function.
pub(in super::super) fn is_forced(choice: &RawValue) -> bool {
    matches!(&*kind(choice), "required" | "function")
}

/// Whether a choice is none that the API could be told.
pub(in super::super) fn is_odd(choice: &RawValue) -> bool {
    let known: &[&str] = if choice.get().starts_with('"') {
        &["none", "auto", "required"]
    } else {
        &["function", "allowed_tools", "custom"]
    };
    !known.contains(&&*kind(choice)) || (kind(choice) == "function" && named(choice).is_none())
}

/// The function that a choice names.
fn named(choice: &RawValue) -> Option<Cow<'_, str>> {
    let choice: Choice<'_> = serde_json::from_str(choice.get()).ok()?;
    choice.function.map(|function| function.name).or(choice.name.map(|name| name.0))
}

/// Whether a choice names a function that is not offered.
pub(in super::super) fn names_absent(scene: &Scene<'_>, choice: &RawValue) -> bool {
    kind(choice) == "function" && named(choice).is_some_and(|name| !toolbox::offers(scene.request, &name))
}

/// The function that a deprecated choice names. A list is none, though its entries could be read as members.
fn called(choice: &RawValue) -> Option<Named<'_>> {
    let object = choice.get().starts_with('{').then_some(choice)?;
    serde_json::from_str(object.get()).ok()
}

/// Whether the deprecated choice names a function that is not offered.
pub(super) fn call_names_absent(scene: &Scene<'_>, choice: &RawValue) -> bool {
    called(choice).is_some_and(|named| !toolbox::offers(scene.request, &named.name))
}

/// Whether the choice of tools forbids thinking.
pub(super) fn forbid_thinking(scene: &Scene<'_>) -> bool {
    let mode = |choice: &RawValue| {
        let choice: Option<Choice<'_>> = serde_json::from_str(choice.get()).ok();
        choice.and_then(|choice| choice.allowed_tools).is_some_and(|allowed| allowed.mode.0 == "required")
    };
    let chosen = scene.given("tool_choice");
    let called = scene.given("function_call").is_some_and(|choice| choice.get().starts_with('{'));
    called || chosen.is_some_and(|choice| is_forced(choice) || (kind(choice) == "allowed_tools" && mode(choice)))
}

/// Leaves out what is the default.
pub(super) fn leave_out_auto(draft: &mut Draft<'_>, _choice: &RawValue) {
    draft.remove("tool_choice");
}

/// The offered tools that are allowed, as JSON, and whether one has to be called; `None` where there is none.
fn kept(scene: &Scene<'_>, sent: Option<&str>, choice: &RawValue) -> Option<(String, bool)> {
    let choice: Choice<'_> = serde_json::from_str(choice.get()).ok()?;
    let allowed = choice.allowed_tools?;
    let offered = sent.or_else(|| scene.given("tools").map(RawValue::get))?;
    let offered: Vec<&RawValue> = serde_json::from_str(offered).ok()?;
    // The choice may be looked at before the list is known to be of a length that is taken.
    let names: HashSet<&str> = allowed.tools.iter().map(|tool| &*tool.function.name).collect();
    let is_allowed = |tool: &&&RawValue| {
        serde_json::from_str::<Tool<'_>>(tool.get()).is_ok_and(|tool| names.contains(&*tool.function.name))
    };
    let kept: Vec<&str> = offered.iter().filter(is_allowed).map(|tool| tool.get()).collect();
    (!kept.is_empty()).then(|| (format!("[{}]", kept.join(",")), allowed.mode.0 == "required"))
}

/// Whether a choice allows nothing that is offered.
pub(super) fn allows_nothing(scene: &Scene<'_>, choice: &RawValue) -> bool {
    kind(choice) == "allowed_tools" && kept(scene, None, choice).is_none()
}

/// Sends only the tools that are allowed this time.
pub(super) fn allowed(draft: &mut Draft<'_>, choice: &RawValue) {
    let Some((tools, required)) = kept(&draft.scene, draft.sent("tools"), choice) else { return };
    draft.set("tools", tools);
    if required {
        draft.set("tool_choice", "\"required\"".to_owned());
    } else {
        draft.remove("tool_choice");
    }
}

/// What the deprecated list offers.
pub(super) fn functions(list: &RawValue) -> Toolbox {
    Toolbox::of_functions(list)
}

/// Functions become tools.
pub(super) fn from_functions(draft: &mut Draft<'_>, functions: &RawValue) {
    let Ok(functions) = serde_json::from_str::<Vec<Object<'_>>>(functions.get()) else { return };
    let tools: Vec<String> = functions
        .iter()
        .map(|function| {
            format!(r#"{{"type":"function","function":{}}}"#, String::from_utf8_lossy(&function.to_bytes()))
        })
        .collect();
    draft.remove("functions");
    if !tools.is_empty() {
        draft.set("tools", format!("[{}]", tools.join(",")));
    }
}

/// The choice among functions becomes one among tools.
pub(super) fn from_function_call(draft: &mut Draft<'_>, choice: &RawValue) {
    draft.remove("function_call");
    if let Some(named) = called(choice) {
        let choice = serde_json::json!({"type": "function", "function": {"name": named.name}});
        draft.set("tool_choice", choice.to_string());
    } else if choice.get() == "\"none\"" {
        draft.set("tool_choice", "\"none\"".to_owned());
    }
}
