//! Answers with choices (chat, completions), and answers that have none but usage (embeddings, moderations).

use super::{Fold, Piece, Seen};
use crate::json::{Few, Text};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    model: Option<Text<'a>>,
    #[serde(borrow, default)]
    service_tier: Option<&'a RawValue>,
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
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    function: Option<Function<'a>>,
    #[serde(borrow, default)]
    custom: Option<Custom<'a>>,
}

/// A call whose input is any text.
#[derive(Deserialize)]
struct Custom<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    input: Option<Text<'a>>,
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
        self.see_tier(chunk.service_tier);
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
            let (delta, whole) = (choice.delta.as_ref(), choice.message.as_ref());
            if let Some(delta) = delta.or(whole) {
                seen = strongest(seen, self.delta(delta, first, choice.delta.is_none()));
            }
        }
        seen
    }

    fn delta(&mut self, delta: &Delta<'_>, first: bool, whole: bool) -> Seen {
        let mut seen = Seen::Frame;
        if let Some(text) = &delta.reasoning_content {
            seen = self.see_reasoning(&text.0, first);
        }
        if let Some(text) = &delta.content {
            seen = strongest(seen, self.see_text(&text.0, first));
        }
        if let Some(refusal) = delta.refusal.as_ref().filter(|text| !text.0.is_empty()) {
            self.see_refusal(&refusal.0);
            seen = Seen::Content;
        }
        for (number, call) in (0..).zip(delta.tool_calls.iter().flat_map(Few::iter)) {
            if let Some(id) = &call.id {
                self.see_call(&id.0, first);
            }
            // Entries of a whole message are calls, not pieces.
            let place = if whole { Some(number) } else { call.index };
            self.see_piece(Piece { place, ..call.piece() }, first);
            seen = Seen::Content;
        }
        if let Some(call) = &delta.function_call {
            self.answer.tool_calls += u64::from(call.name.is_some());
            // There is only ever one of them.
            self.see_piece(Piece { place: Some(0), ..call.piece() }, first);
            seen = Seen::Content;
        }
        seen
    }
}

impl ToolCall<'_> {
    fn piece(&self) -> Piece<'_> {
        let piece = match (&self.function, &self.custom) {
            (Some(function), _) => function.piece(),
            (None, Some(custom)) => {
                Piece { name: text(&custom.name), arguments: text(&custom.input), free: true, ..Piece::default() }
            }
            (None, None) => Piece::default(),
        };
        Piece { id: text(&self.id), ..piece }
    }
}

impl Function<'_> {
    fn piece(&self) -> Piece<'_> {
        Piece { name: text(&self.name), arguments: text(&self.arguments), ..Piece::default() }
    }
}

fn text<'a>(text: &'a Option<Text<'_>>) -> &'a str {
    text.as_ref().map_or("", |text| &text.0)
}

fn strongest(a: Seen, b: Seen) -> Seen {
    if a == Seen::Content || b == Seen::Frame { a } else { b }
}
