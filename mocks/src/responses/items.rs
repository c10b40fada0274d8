//! The items of a response's output.

use serde_json::{Value, json};

use crate::answer::{Choice, ToolCall};
use crate::dialect::Dialect;
use crate::envelope::Envelope;

/// One item, with the number of pieces in which it streams.
#[derive(Debug)]
pub(crate) struct Item {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) pieces: u64,
}

/// What an item is.
#[derive(Debug)]
pub(super) enum Kind {
    Reasoning(String),
    Text(String),
    Refusal(String),
    Call { call: ToolCall, call_id: String },
}

/// The items of an answer: reasoning if shown, then the message or the calls.
pub(super) fn of(choice: Choice, dialect: &Dialect, envelope: &Envelope, tokens_per_chunk: u32) -> Vec<Item> {
    let pieces = |tokens: u64| tokens.div_ceil(u64::from(tokens_per_chunk));
    let stem = &envelope.call_stem;
    let mut items = Vec::new();
    let mut add = |prefix: &str, kind: Kind, pieces: u64| {
        let id = format!("{prefix}_{stem}{}", items.len());
        items.push(Item { id, kind, pieces });
    };
    if !choice.reasoning.is_empty() {
        add("rs", Kind::Reasoning(choice.reasoning), pieces(choice.reasoning_tokens));
    }
    match (choice.refusal, choice.content) {
        (Some(refusal), _) => add("msg", Kind::Refusal(refusal), pieces(choice.visible_tokens)),
        (None, Some(text)) => add("msg", Kind::Text(text), pieces(choice.visible_tokens)),
        (None, None) => {}
    }
    for (position, call) in choice.tool_calls.into_iter().enumerate() {
        let call_id = (dialect.call_id)(stem, 0, position);
        let pieces = call.arguments.len().div_ceil(4) as u64;
        add(if call.custom { "ctc" } else { "fc" }, Kind::Call { call, call_id }, pieces);
    }
    items
}

impl Item {
    /// The item in full.
    pub(super) fn finished(&self, status: &str) -> Value {
        self.with(self.text(), status)
    }

    /// The item as it is announced: without content.
    pub(super) fn announced(&self) -> Value {
        let mut item = self.with("", "in_progress");
        if let Some(content) = item.get_mut("content") {
            *content = json!([]);
        }
        item
    }

    fn with(&self, text: &str, status: &str) -> Value {
        let id = &self.id;
        match &self.kind {
            Kind::Reasoning(_) => {
                json!({"id": id, "type": "reasoning", "status": status, "summary": [], "content": [self.part(text)]})
            }
            Kind::Text(_) | Kind::Refusal(_) => {
                json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": [self.part(text)]})
            }
            Kind::Call { call, call_id } if call.custom => {
                json!({"id": id, "type": "custom_tool_call", "status": status, "call_id": call_id, "name": call.name,
                       "input": text})
            }
            Kind::Call { call, call_id } => {
                json!({"id": id, "type": "function_call", "status": status, "call_id": call_id, "name": call.name,
                       "arguments": text})
            }
        }
    }

    /// The one part of a message or of reasoning, with this text in it.
    pub(super) fn part(&self, text: &str) -> Value {
        match self.kind {
            Kind::Reasoning(_) => json!({"type": "reasoning_text", "text": text}),
            Kind::Refusal(_) => json!({"type": "refusal", "refusal": text}),
            _ => json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []}),
        }
    }

    /// What grows while the item streams.
    pub(super) fn text(&self) -> &str {
        match &self.kind {
            Kind::Reasoning(text) | Kind::Text(text) | Kind::Refusal(text) => text,
            Kind::Call { call, .. } => &call.arguments,
        }
    }

    /// Stem of the events of growth, and the member that holds the whole at the end.
    pub(super) fn growth(&self) -> (&'static str, &'static str) {
        match &self.kind {
            Kind::Reasoning(_) => ("response.reasoning_text", "text"),
            Kind::Text(_) => ("response.output_text", "text"),
            Kind::Refusal(_) => ("response.refusal", "refusal"),
            Kind::Call { call, .. } if call.custom => ("response.custom_tool_call_input", "input"),
            Kind::Call { .. } => ("response.function_call_arguments", "arguments"),
        }
    }

    pub(super) fn is_call(&self) -> bool {
        matches!(self.kind, Kind::Call { .. })
    }

    pub(super) fn call_name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Call { call, .. } => Some(&call.name),
            _ => None,
        }
    }

    /// What the model said to the user.
    pub(super) fn spoken(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) | Kind::Refusal(text) => Some(text),
            _ => None,
        }
    }
}
