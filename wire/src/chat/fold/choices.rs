//! Answers with choices (chat, completions), and answers that have none but usage (embeddings, moderations).

use super::{Fold, Seen};
use crate::json::{Few, Text};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    model: Option<Text<'a>>,
    #[serde(borrow, default)]
    choices: Option<Few<Choice<'a>>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    message: Option<Delta<'a>>,
    /// What completions of old say.
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<Text<'a>>,
    #[serde(borrow, default)]
    reasoning_content: Option<Text<'a>>,
    #[serde(borrow, default)]
    refusal: Option<Text<'a>>,
    #[serde(borrow, default)]
    tool_calls: Option<Few<ToolCall<'a>>>,
    #[serde(borrow, default)]
    function_call: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    arguments: Option<Text<'a>>,
}

impl Fold {
    pub(super) fn choices(&mut self, json: &str) -> Seen {
        let Ok(chunk) = serde_json::from_str::<Chunk<'_>>(json) else { return Seen::Malformed };
        if let Some(error) = chunk.error {
            return self.see_error(error.get());
        }
        if self.answer.model.is_none() {
            self.answer.model = chunk.model.map(|model| model.0.into_owned());
        }
        self.see_usage(chunk.usage);
        let mut seen = Seen::Frame;
        for choice in chunk.choices.iter().flat_map(Few::iter) {
            let first = choice.index == 0;
            if first && let Some(reason) = &choice.finish_reason {
                self.answer.finish_reason = Some(reason.0.as_ref().to_owned());
            }
            if let Some(text) = &choice.text {
                seen = strongest(seen, self.see_text(&text.0, first));
            }
            if let Some(delta) = choice.delta.as_ref().or(choice.message.as_ref()) {
                seen = strongest(seen, self.delta(delta, first));
            }
        }
        seen
    }

    fn delta(&mut self, delta: &Delta<'_>, first: bool) -> Seen {
        let mut seen = Seen::Frame;
        if let Some(text) = &delta.reasoning_content {
            seen = self.see_reasoning(&text.0, first);
        }
        if let Some(text) = &delta.content {
            seen = strongest(seen, self.see_text(&text.0, first));
        }
        if delta.refusal.as_ref().is_some_and(|text| !text.0.is_empty()) {
            self.answer.refused = true;
            seen = Seen::Content;
        }
        for call in delta.tool_calls.iter().flat_map(Few::iter) {
            if let Some(id) = &call.id {
                self.see_call(&id.0, first);
            }
            self.arguments(call.function.as_ref());
            seen = Seen::Content;
        }
        if let Some(call) = &delta.function_call {
            self.answer.tool_calls += u64::from(call.name.is_some());
            self.arguments(Some(call));
            seen = Seen::Content;
        }
        seen
    }

    fn arguments(&mut self, function: Option<&Function<'_>>) {
        if let Some(arguments) = function.and_then(|function| function.arguments.as_ref()) {
            self.answer.characters.add(&arguments.0);
        }
    }
}

fn strongest(a: Seen, b: Seen) -> Seen {
    if a == Seen::Content || b == Seen::Frame { a } else { b }
}
