//! The texts of a request, message by message.

use super::{Piece, Walk, is_nested, list, masked_part, object, quoted, replaced, string};
use crate::policy::{Check, Mask};
use serde_json::value::RawValue;
use std::ops::Range;
use wire::Endpoint;

/// Roles that are not the user's. Any other counts as the user's: a role that nobody knows is no way around the guard.
const OTHER_ROLES: [&str; 5] = ["system", "developer", "assistant", "tool", "function"];

/// One message: what is judged as one text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Passage {
    /// It is what the user says.
    pub user: bool,
    /// Its strings, in order.
    pub pieces: Vec<Piece>,
}

/// The texts of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    /// In order.
    pub passages: Vec<Passage>,
    /// Pictures, recordings, files and texts in tokens, which no back end of texts can judge.
    pub unjudged: usize,
    /// Texts that are given as the numbers of their tokens, which no back end can read; they count as `unjudged`, too.
    pub tokenised: usize,
    /// A part of it could not be read, so nobody knows what it says.
    pub unread: bool,
    /// The passages are turns of a conversation, and not texts of their own.
    turns: bool,
}

impl Passage {
    /// The text that is judged: the strings, a line each.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.pieces.iter().map(|piece| piece.text.len() + 1).sum());
        for (number, piece) in self.pieces.iter().enumerate() {
            if number > 0 {
                text.push('\n');
            }
            text.push_str(&piece.text);
        }
        text
    }

    /// The strings that masks of that text change, as JSON with their places.
    #[must_use]
    pub fn changes(&self, masks: &[Mask]) -> Vec<(Range<usize>, String)> {
        let mut changes = Vec::new();
        let mut start = 0;
        for piece in &self.pieces {
            let within = start..start + piece.text.len();
            start = within.end + 1;
            if let Some(text) = masked_part(&piece.text, within, masks) {
                changes.push((piece.place.clone(), quoted(&text)));
            }
        }
        changes
    }
}

impl Texts {
    /// The passages that a policy wants judged.
    pub fn chosen(&self, check: Check) -> impl Iterator<Item = &Passage> {
        let last = self.passages.iter().rposition(|passage| passage.user);
        self.passages.iter().enumerate().filter_map(move |(number, passage)| {
            let chosen = match check {
                Check::All => true,
                Check::LastUser if self.turns => Some(number) == last,
                Check::User | Check::LastUser => passage.user,
            };
            chosen.then_some(passage)
        })
    }
}

/// Finds the texts. What an endpoint's clients ask is in them; moderations are no request of a model and have none.
#[must_use]
pub fn of_request(endpoint: Endpoint, body: &str) -> Texts {
    let trimmed = body.trim_start();
    let mut texts = Texts { turns: matches!(endpoint, Endpoint::Chat | Endpoint::Responses), ..Texts::default() };
    let Some(members) = object(trimmed.trim_end()) else { return Texts { unread: true, ..texts } };
    for (key, value) in members.members() {
        let raw = value.get();
        match (endpoint, key) {
            (Endpoint::Chat, "messages") | (Endpoint::Responses, "input") => texts.messages(body, raw),
            (Endpoint::Completions, "prompt" | "suffix") | (Endpoint::Embeddings, "input") => texts.inputs(body, raw),
            (Endpoint::Chat, "prediction") | (Endpoint::Responses, "instructions") => texts.take(body, raw, false),
            (Endpoint::Responses, "prompt") => texts.variables(body, raw),
            _ => {}
        }
    }
    texts
}

impl Texts {
    fn push(&mut self, walk: Walk, user: bool) {
        self.unjudged += walk.unjudged;
        self.unread |= walk.unread;
        if !walk.pieces.is_empty() {
            self.passages.push(Passage { user, pieces: walk.pieces });
        }
    }

    fn take(&mut self, body: &str, raw: &str, user: bool) {
        let mut walk = Walk::with_names();
        walk.value(body, raw, 0);
        self.push(walk, user);
    }

    /// A text, or a list of texts that have nothing to do with each other.
    fn inputs(&mut self, body: &str, raw: &str) {
        match list(raw) {
            Some(items) => {
                self.tokens(&items);
                for item in items {
                    list(item.get()).into_iter().for_each(|inner| self.tokens(&inner));
                    self.take(body, item.get(), true);
                }
            }
            None => self.take(body, raw, true),
        }
    }

    /// A list with numbers in it is a text in tokens.
    fn tokens(&mut self, items: &[&RawValue]) {
        let is_number = |item: &&RawValue| item.get().starts_with(|sign: char| sign.is_ascii_digit() || sign == '-');
        let tokenised = usize::from(items.iter().any(is_number));
        self.tokenised += tokenised;
        self.unjudged += tokenised;
    }

    /// What a stored prompt is filled with.
    fn variables(&mut self, body: &str, raw: &str) {
        let Some(prompt) = object(raw) else {
            self.unread |= raw.starts_with('{');
            return;
        };
        let mut walk = Walk::with_names();
        for variables in prompt.members().filter(|(key, _)| *key == "variables") {
            let Some(named) = object(variables.1.get()) else {
                walk.unread |= is_nested(variables.1.get());
                continue;
            };
            named.members().for_each(|(_, value)| walk.value(body, value.get(), 0));
        }
        self.push(walk, true);
    }

    fn messages(&mut self, body: &str, raw: &str) {
        let Some(items) = list(raw) else { return self.take(body, raw, true) };
        // Bare parts that follow each other are one message.
        let mut bare = Walk::with_names();
        for item in items {
            let Some(members) = object(item.get()) else {
                bare.value(body, item.get(), 0);
                continue;
            };
            let said = |name: &'static str| members.members().filter(move |(key, _)| *key == name);
            let roles: Vec<String> = said("role").filter_map(|(_, value)| string(value.get())).collect();
            let kind = members.get("type").and_then(|value| string(value.get()));
            let part = kind.as_deref().is_some_and(|kind| kind == "text" || kind.starts_with("input_"));
            if roles.is_empty() && part {
                bare.members(body, &members, 0);
                continue;
            }
            self.push(std::mem::replace(&mut bare, Walk::with_names()), true);
            let mut walk = Walk::with_names();
            walk.members(body, &members, 0);
            // Items of a response that are no messages say what tools or the model said.
            let user = match kind.as_deref() {
                Some(kind) if roles.is_empty() => kind == "message",
                _ => roles.is_empty() || roles.iter().any(|role| !OTHER_ROLES.contains(&role.as_str())),
            };
            self.push(walk, user);
        }
        self.push(bare, true);
    }
}

/// The body with masks in its passages; `masks` are those of each passage's text.
#[must_use]
pub fn masked<'p>(body: &str, masks: impl IntoIterator<Item = (&'p Passage, &'p [Mask])>) -> String {
    replaced(body, masks.into_iter().flat_map(|(passage, masks)| passage.changes(masks)).collect())
}
