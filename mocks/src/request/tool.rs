//! Tools and the choice among them, as chat completions and responses write them.

use serde_json::{Value, json};

use super::field::{FieldFault, present, text};

/// A tool the model may call.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    /// `function` or `custom`; others are refused or ignored by whoever is asked.
    pub(crate) kind: String,
    pub(crate) name: String,
    /// JSON schema of the arguments; null if absent.
    pub(crate) parameters: Value,
    pub(crate) strict: bool,
    /// Characters of the definition, for counting tokens.
    pub(crate) definition: String,
}

/// Whether the model has to call a tool.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ToolChoice {
    /// Not stated.
    Absent,
    Forbidden,
    Auto,
    Required,
    Named(String),
}

impl Tool {
    fn read(kind: String, definition: &Value, field: &str) -> Result<Self, FieldFault> {
        Ok(Self {
            name: text(definition.get("name").unwrap_or(&Value::Null), &format!("{field}.name"))?,
            parameters: definition.get("parameters").cloned().unwrap_or(Value::Null),
            strict: definition.get("strict").and_then(Value::as_bool).unwrap_or(false),
            definition: definition.to_string(),
            kind,
        })
    }
}

/// The tools of a chat request, whose definitions stand in a member named after their kind.
pub(super) fn nested(body: &Value) -> Result<Vec<Tool>, FieldFault> {
    each(body, |kind, tool, field| {
        let definition = tool.get(kind.as_str()).unwrap_or(&Value::Null);
        let field = format!("{field}.{kind}");
        Tool::read(kind, definition, &field).map(Some)
    })
}

/// The tools of a responses request, whose definitions stand beside their kind. The provider's own tools, such as web
/// search, are passed over: a mock never uses them.
pub(crate) fn flat(body: &Value) -> Result<Vec<Tool>, FieldFault> {
    each(body, |kind, tool, field| match kind.as_str() {
        "function" | "custom" => Tool::read(kind, tool, field).map(Some),
        _ => Ok(None),
    })
}

fn each(
    body: &Value,
    read: impl Fn(String, &Value, &str) -> Result<Option<Tool>, FieldFault>,
) -> Result<Vec<Tool>, FieldFault> {
    let Some(tools) = present(body, "tools") else {
        return Ok(Vec::new());
    };
    let tools = tools.as_array().ok_or_else(|| FieldFault::wrong("tools", "an array of tools"))?;
    let mut read_tools = Vec::with_capacity(tools.len());
    for (index, tool) in tools.iter().enumerate() {
        let field = format!("tools[{index}]");
        let kind = text(tool.get("type").unwrap_or(&Value::Null), &format!("{field}.type"))?;
        read_tools.extend(read(kind, tool, &field)?);
    }
    Ok(read_tools)
}

/// The choice, in either manner: the name stands in a member named after the kind, or beside it.
pub(crate) fn choice(body: &Value) -> Result<ToolChoice, FieldFault> {
    let fault = || FieldFault::wrong("tool_choice", "none, auto, required, or an object that names a tool");
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
        Some("allowed_tools") => {
            let mode = choice.get("allowed_tools").unwrap_or(choice).get("mode");
            Ok(if mode.is_some_and(|mode| mode == "required") { ToolChoice::Required } else { ToolChoice::Auto })
        }
        Some(kind) => {
            let name = choice.get(kind).unwrap_or(choice).get("name").and_then(Value::as_str);
            name.map(|name| ToolChoice::Named(name.to_owned())).ok_or_else(fault)
        }
        None => Err(fault()),
    }
}

/// Names that an `allowed_tools` choice leaves; `None` if all are allowed.
pub(crate) fn allowed(body: &Value) -> Option<Vec<String>> {
    let choice = present(body, "tool_choice").filter(|choice| choice.get("type") == Some(&json!("allowed_tools")))?;
    let tools = choice.get("allowed_tools").unwrap_or(choice).get("tools")?.as_array()?;
    let name = |tool: &Value| {
        let kind = tool.get("type")?.as_str()?;
        tool.get(kind).unwrap_or(tool).get("name")?.as_str().map(str::to_owned)
    };
    Some(tools.iter().filter_map(name).collect())
}
