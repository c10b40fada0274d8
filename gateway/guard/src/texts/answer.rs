//! The texts of an answer: in one chunk of a stream, or in a whole one.
//!
//! A stream tells each text in pieces, so each piece belongs to a channel: the text, the reasoning, the refusal or the
//! arguments of one choice, part or call. Some events of the responses endpoint tell once more, whole, what was told in
//! pieces before: an echo.

use super::{Piece, Walk, is_nested, list, object, place_of, string};
use serde_json::value::RawValue;
use std::ops::Range;
use wire::Endpoint;
use wire::json::Object;

/// What kind of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Visible text.
    Text,
    /// What the model thought.
    Reasoning,
    /// The member in which a model declines.
    Refusal,
    /// What a tool is called with.
    Arguments,
    /// Told before, or a text of its own.
    Echo,
}

/// Which text a piece continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel {
    /// Index of the choice, or of the item of a response.
    pub choice: u64,
    /// What it is.
    pub kind: Kind,
    /// Number of the part or call within it.
    pub part: u64,
}

/// One piece of text in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Which text it continues.
    pub channel: Channel,
    /// Where it stands, and what it says.
    pub piece: Piece,
}

/// What one chunk, or a whole answer, says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Its texts.
    pub said: Vec<Said>,
    /// Choices that end here.
    pub finished: Vec<u64>,
    /// All choices that are named.
    pub choices: Vec<u64>,
    /// Nothing follows.
    pub end: bool,
    /// Places of tokens that repeat a text one by one, as JSON values.
    pub tokens: Vec<Range<usize>>,
    /// The answer's id.
    pub id: Option<String>,
    /// When it was made, seconds since the Unix epoch.
    pub created: Option<u64>,
    /// Number of the event.
    pub sequence: Option<u64>,
    /// The item of a response that begins here: its index, and what is announced of it, as JSON.
    pub item_begun: Option<(u64, String)>,
    /// The item of a response that ends here.
    pub item_done: Option<u64>,
    /// It is no JSON, or a part of it could not be read, so nobody knows what it says.
    pub unread: bool,
}

/// Finds the texts of one event of a stream.
#[must_use]
pub fn of_event(endpoint: Endpoint, data: &str) -> Event {
    if data.starts_with(wire::sse::encode::DONE) {
        return Event { end: true, ..Event::default() };
    }
    match endpoint {
        Endpoint::Responses => response_event(data),
        _ => choices(data, false),
    }
}

/// Finds the texts of a whole answer.
#[must_use]
pub fn of_answer(endpoint: Endpoint, body: &str) -> Event {
    match endpoint {
        Endpoint::Responses => {
            let Some(members) = object(body.trim()) else { return Event { unread: true, ..Event::default() } };
            let mut event = Event { end: true, ..Event::default() };
            event.response(body, &members, false);
            event
        }
        Endpoint::Chat | Endpoint::Completions => Event { end: true, ..choices(body, true) },
        // Numbers.
        Endpoint::Embeddings | Endpoint::Moderations => Event { end: true, ..Event::default() },
    }
}

fn number(raw: &RawValue) -> Option<u64> {
    raw.get().parse().ok()
}

fn all<'o>(members: &'o Object<'_>, name: &'o str) -> impl Iterator<Item = &'o RawValue> {
    members.members().filter(move |(key, _)| *key == name).map(|(_, value)| value)
}

fn choices(data: &str, whole: bool) -> Event {
    let mut event = Event::default();
    let Some(members) = object(data.trim()) else { return Event { unread: true, ..event } };
    event.id = members.get("id").and_then(|raw| string(raw.get()));
    event.created = members.get("created").and_then(number);
    for raw in all(&members, "choices") {
        for choice in list(raw.get()).unwrap_or_default() {
            match object(choice.get()) {
                Some(choice) => event.choice(data, &choice, whole),
                None => event.unread |= is_nested(choice.get()),
            }
        }
    }
    event
}

impl Event {
    fn choice(&mut self, data: &str, choice: &Object<'_>, whole: bool) {
        let index = choice.get("index").and_then(number).unwrap_or(0);
        self.choices.push(index);
        let text = |kind| Channel { choice: index, kind, part: 0 };
        for (key, value) in choice.members() {
            let raw = value.get();
            match key {
                "text" => self.take(data, raw, text(Kind::Text)),
                "delta" | "message" => match object(raw) {
                    Some(said) => self.message(data, &said, index, whole || key == "message"),
                    None => self.unread |= is_nested(raw),
                },
                "logprobs" if raw != "null" => self.tokens.extend(place_of(data, raw)),
                "finish_reason" if raw != "null" => self.finished.push(index),
                _ => {}
            }
        }
    }

    fn message(&mut self, data: &str, said: &Object<'_>, choice: u64, whole: bool) {
        let channel = |kind, part| Channel { choice, kind, part };
        for (key, value) in said.members() {
            let raw = value.get();
            match key {
                "content" | "audio" => self.take(data, raw, channel(Kind::Text, u64::from(key == "audio"))),
                "reasoning_content" | "reasoning" => self.take(data, raw, channel(Kind::Reasoning, 0)),
                // Some servers tell the same thought in two members, so each is a text of its own.
                "reasoning_details" => self.take(data, raw, channel(Kind::Reasoning, 1)),
                "thinking" => self.take(data, raw, channel(Kind::Reasoning, 2)),
                "annotations" => {
                    for (part, annotation) in (2..).zip(list(raw).unwrap_or_default()) {
                        self.take(data, annotation.get(), channel(Kind::Text, part));
                    }
                }
                "refusal" => self.take(data, raw, channel(Kind::Refusal, 0)),
                // There is only ever one of them; its number is one that no other call has.
                "function_call" => self.take(data, raw, channel(Kind::Arguments, u64::MAX)),
                "tool_calls" => {
                    for (place, call) in (0..).zip(list(raw).unwrap_or_default()) {
                        let index = object(call.get()).and_then(|call| call.get("index").and_then(number));
                        let part = index.filter(|_| !whole).unwrap_or(place);
                        self.take(data, call.get(), channel(Kind::Arguments, part));
                    }
                }
                _ => {}
            }
        }
    }

    fn take(&mut self, data: &str, raw: &str, channel: Channel) {
        let mut walk = Walk::default();
        walk.value(data, raw, 0);
        self.unread |= walk.unread;
        self.said.extend(walk.pieces.into_iter().map(|piece| Said { channel, piece }));
    }

    /// A response's items. In a stream each text was told before.
    fn response(&mut self, data: &str, response: &Object<'_>, echo: bool) {
        self.id = response.get("id").and_then(|raw| string(raw.get()));
        self.created = response.get("created_at").and_then(number);
        for output in all(response, "output") {
            for (choice, item) in (0..).zip(list(output.get()).unwrap_or_default()) {
                self.item(data, item.get(), choice, echo);
            }
        }
    }

    fn item(&mut self, data: &str, raw: &str, choice: u64, echo: bool) {
        let Some(item) = object(raw) else {
            self.unread |= is_nested(raw);
            return;
        };
        let kind = item.get("type").and_then(|raw| string(raw.get())).unwrap_or_default();
        let channel = |part| {
            let kind = match kind.as_str() {
                _ if echo => Kind::Echo,
                "message" => Kind::Text,
                "reasoning" => Kind::Reasoning,
                _ => Kind::Arguments,
            };
            Channel { choice, kind, part }
        };
        let mut walk = Walk::default();
        walk.members(data, &item, 0);
        self.unread |= walk.unread;
        self.said.extend((0..).zip(walk.pieces).map(|(part, piece)| Said { channel: channel(part), piece }));
    }
}

fn response_event(data: &str) -> Event {
    let mut event = Event::default();
    let Some(members) = object(data.trim()) else { return Event { unread: true, ..event } };
    let kind = members.get("type").and_then(|raw| string(raw.get())).unwrap_or_default();
    event.sequence = members.get("sequence_number").and_then(number);
    let index = |name: &str| members.get(name).and_then(number);
    let choice = index("output_index").unwrap_or(0);
    if let Some(stem) = kind.strip_suffix(".delta") {
        let part = index("content_index").or(index("summary_index")).unwrap_or(0);
        let channel = Channel { choice, kind: kind_of(stem), part };
        for delta in all(&members, "delta") {
            event.take(data, delta.get(), channel);
        }
        event.tokens.extend(all(&members, "logprobs").filter_map(|raw| place_of(data, raw.get())));
        return event;
    }
    match &*kind {
        "response.output_item.added" => {
            event.item_begun = members.get("item").map(|item| (choice, item.get().to_owned()));
        }
        "response.output_item.done" => event.item_done = Some(choice),
        _ => {}
    }
    event.end = matches!(&*kind, "response.completed" | "response.incomplete" | "response.failed" | "error");
    for raw in all(&members, "response") {
        match object(raw.get()) {
            Some(response) => event.response(data, &response, true),
            None => event.unread |= is_nested(raw.get()),
        }
    }
    let mut walk = Walk::default();
    for (key, value) in members.members() {
        match key {
            "item" | "part" | "annotation" => walk.value(data, value.get(), 0),
            "text" | "arguments" | "refusal" | "input" | "code" | "transcript" | "command" | "diff" | "output" => {
                walk.value(data, value.get(), 0);
            }
            _ => {}
        }
    }
    event.unread |= walk.unread;
    let channel = Channel { choice, kind: Kind::Echo, part: 0 };
    event.said.extend(walk.pieces.into_iter().map(|piece| Said { channel, piece }));
    event
}

fn kind_of(stem: &str) -> Kind {
    if stem.contains("reasoning") {
        Kind::Reasoning
    } else if stem.contains("refusal") {
        Kind::Refusal
    } else if stem.contains("arguments") || stem.contains("_call") {
        Kind::Arguments
    } else {
        Kind::Text
    }
}
