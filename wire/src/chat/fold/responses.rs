//! Answers of the responses endpoint: typed events, or one object with a list of items. Their ends and limits are told
//! in chat's words, so that one judgement serves both.

use super::{Fold, Piece, Seen};
use crate::json::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    /// A piece of text; some events have an object here.
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    /// Which item of the output a piece belongs to.
    #[serde(default)]
    output_index: Option<u64>,
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow, default)]
    model: Option<Text<'a>>,
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
    #[serde(borrow, default)]
    service_tier: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    incomplete_details: Option<Incomplete<'a>>,
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Incomplete<'a> {
    #[serde(borrow, default)]
    reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    call_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    arguments: Option<Text<'a>>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(borrow, default)]
    content: Option<Vec<Part<'a>>>,
    #[serde(borrow, default)]
    summary: Option<Vec<Part<'a>>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default)]
    refusal: Option<Text<'a>>,
}

impl Fold {
    pub(super) fn event(&mut self, json: &str) -> Seen {
        let Ok(event) = serde_json::from_str::<Event<'_>>(json) else { return Seen::Malformed };
        let delta = || event.delta.and_then(|raw| serde_json::from_str::<Text<'_>>(raw.get()).ok());
        match &*event.kind.0 {
            "response.output_text.delta" => delta().map_or(Seen::Frame, |text| self.see_text(&text.0, true)),
            "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
                delta().map_or(Seen::Frame, |text| self.see_reasoning(&text.0, true))
            }
            "response.refusal.delta" => {
                self.see_refusal(delta().as_ref().map_or("", |text| &text.0));
                Seen::Content
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                if let Some(text) = delta() {
                    self.see_piece(Piece { place: event.output_index, arguments: &text.0, ..Piece::default() }, true);
                }
                Seen::Content
            }
            "response.output_item.added" => self.item_added(event.item, event.output_index),
            "error" => self.see_error(event.error.map_or(json, RawValue::get)),
            _ => event.response.map_or(Seen::Frame, |response| self.response(response.get(), false)),
        }
    }

    pub(super) fn whole_response(&mut self, json: &str) -> Seen {
        self.response(json, true)
    }

    fn item_added(&mut self, item: Option<&RawValue>, place: Option<u64>) -> Seen {
        let item = item.and_then(|raw| serde_json::from_str::<Item<'_>>(raw.get()).ok());
        match item.as_ref().and_then(|item| item.call_id.as_ref().map(|id| (item, id))) {
            Some((item, id)) => {
                self.see_call(&id.0, true);
                // What it is called with follows in pieces.
                self.see_item(item, &id.0, place, false);
                Seen::Content
            }
            None => Seen::Frame,
        }
    }

    /// The state of the whole response. In a stream its items have been seen one by one.
    fn response(&mut self, json: &str, with_items: bool) -> Seen {
        let Ok(response) = serde_json::from_str::<Response<'_>>(json) else { return Seen::Malformed };
        if self.answer.model.is_none() {
            self.answer.model = response.model.map(|model| model.0.into_owned());
        }
        self.see_tier(response.service_tier);
        self.see_usage(response.usage);
        if let Some(error) = response.error {
            return self.see_error(error.get());
        }
        if with_items {
            let output = response.output.and_then(|raw| serde_json::from_str::<Vec<Item<'_>>>(raw.get()).ok());
            (0..).zip(output.iter().flatten()).for_each(|(place, item)| self.item(item, place));
        }
        let finish = match response.status.as_ref().map(|status| &*status.0) {
            Some("completed") if self.answer.tool_calls > 0 => "tool_calls",
            Some("completed") => "stop",
            Some("incomplete") => match response.incomplete_details.and_then(|details| details.reason) {
                Some(reason) if reason.0 == "content_filter" => "content_filter",
                Some(reason) if reason.0 == "max_output_tokens" => "length",
                _ => "incomplete",
            },
            Some("failed") => return self.see_error("null"),
            Some("cancelled") => "cancelled",
            _ => return Seen::Frame,
        };
        self.answer.finish_reason = Some(finish.to_owned());
        self.answer.complete = true;
        if with_items { Seen::Content } else { Seen::Done }
    }

    fn see_item(&mut self, item: &Item<'_>, id: &str, place: Option<u64>, with_arguments: bool) {
        let name = item.name.as_ref().map_or("", |name| &*name.0);
        let input = item.input.and_then(|raw| serde_json::from_str::<Text<'_>>(raw.get()).ok());
        let (arguments, free) = match item.kind.as_ref().map(|kind| &*kind.0) {
            Some("function_call") => (&item.arguments, false),
            Some("custom_tool_call") => (&input, true),
            // A call that says in another way what it asks for: it cannot be compared.
            _ => return self.answer.tools.give_up(),
        };
        let arguments = arguments.as_ref().map_or("", |text| &*text.0);
        let arguments = if with_arguments { arguments } else { "" };
        self.see_piece(Piece { place, id, name, arguments, free }, true);
    }

    fn item(&mut self, item: &Item<'_>, place: u64) {
        if let Some(id) = &item.call_id {
            self.see_call(&id.0, true);
            self.see_item(item, &id.0, Some(place), true);
            return;
        }
        let reasoning = item.kind.as_ref().is_some_and(|kind| kind.0 == "reasoning");
        for part in item.content.iter().chain(&item.summary).flatten() {
            if let Some(text) = &part.text {
                if reasoning {
                    self.see_reasoning(&text.0, true);
                } else {
                    self.see_text(&text.0, true);
                }
            }
            if let Some(refusal) = &part.refusal {
                self.see_refusal(&refusal.0);
            }
        }
    }
}
