//! ShareGPT conversations: each turn of the human becomes a request with all that was said before it.
//!
//! `[{"id", "conversations": [{"from": "human" or "gpt", "value"}]}]`, as one list or a line each. The names of people
//! and models vary between collections (`user`, `chatgpt`, `bard`, ...), some write `role` and `content`, and some name
//! the `model`. The turn of the model that follows is the recorded answer; who gave it is not told, so its provider is
//! `sharegpt`, and its model `unknown` where the row does not name one. There are no times, and the conversation is the
//! session.

use super::detect::Head;
use super::entry::{Content, Entry, Identity, Place, Reader};
use super::format::Field;
use super::input::Input;
use super::made::Made;
use super::row::Row;
use super::rows::Rows;
use super::{ImportError, ImportOptions};
use crate::Recorded;
use serde_json::{Value, json};

/// What the format can fill.
pub(super) const FILLS: &[Field] = &[Field::Id, Field::Session, Field::Prompt, Field::Answered, Field::Answer];

const LISTS: [&str; 3] = ["conversations", "conversation", "items"];
/// Most turns of a conversation: its requests together grow by the square of them, and real ones have some hundred.
const TURNS_MAX: usize = 4_096;
/// Who speaks, and by which role.
const SPEAKERS: [(&str, &str); 12] = [
    ("human", "user"),
    ("user", "user"),
    ("gpt", "assistant"),
    ("chatgpt", "assistant"),
    ("gpt4", "assistant"),
    ("gpt-4", "assistant"),
    ("assistant", "assistant"),
    ("model", "assistant"),
    ("bing", "assistant"),
    ("bard", "assistant"),
    ("claude", "assistant"),
    ("system", "system"),
];

/// Whether a file begins like one of this format.
pub(super) fn is_it(head: &Head) -> bool {
    let turns = LISTS.iter().filter_map(|name| head.member(name)?.as_array()).next();
    turns.and_then(|turns| turns.first()).is_some_and(|turn| {
        (turn.get("from").is_some() && turn.get("value").is_some())
            || (turn.get("role").is_some() && turn.get("content").is_some())
    })
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    Ok(Box::new(ShareGpt {
        rows: Rows::new(inputs),
        options: options.clone(),
        count: 0,
        current: None,
        passed_over: 0,
    }))
}

struct ShareGpt {
    rows: Rows,
    options: ImportOptions,
    /// Conversations so far, to name those that have no id.
    count: u64,
    current: Option<Conversation>,
    /// Conversations in which no human speaks.
    passed_over: u64,
}

/// A conversation whose requests are made one by one: together they would be longer than it by a square.
struct Conversation {
    place: Place,
    id: String,
    model: Option<String>,
    messages: Vec<Value>,
    /// The message that is looked at next.
    next: usize,
}

impl Reader for ShareGpt {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        loop {
            if let Some(entry) = self.current.as_mut().and_then(|current| current.next_turn(&self.options).transpose())
            {
                return entry.map(Some);
            }
            let Some(row) = self.rows.next_row()? else { return Ok(None) };
            self.count += 1;
            self.current = None;
            let conversation = Conversation::of(&row, self.count, &self.options)?;
            self.passed_over += u64::from(!conversation.messages.iter().any(is_of_user));
            self.current = Some(conversation);
        }
    }

    fn passed_over(&self) -> u64 {
        self.passed_over
    }
}

impl Conversation {
    fn of(row: &Row<'_>, number: u64, options: &ImportOptions) -> Result<Self, ImportError> {
        let name = LISTS.into_iter().find(|name| row.has(name)).unwrap_or("conversations");
        let Some(Value::Array(turns)) = row.value(name)? else { return Err(row.wrong(name, "a list of turns")) };
        if turns.len() > TURNS_MAX {
            return Err(row.place.wrong(format!("`{name}` has more than {TURNS_MAX} turns; split the conversation")));
        }
        let messages = turns.iter().map(message).collect::<Option<Vec<Value>>>().ok_or_else(|| {
            row.place.wrong(format!("a turn in `{name}` is none of `human`, `gpt` or `system` with a text"))
        })?;
        // Each of its requests has it, so a long one becomes its digest once.
        let id = row.name("id", options)?.unwrap_or_else(|| format!("conversation-{number}"));
        Ok(Self { place: row.place.clone(), id, model: row.text("model")?, messages, next: 0 })
    }

    /// The next turn of the human, with what was said before it.
    fn next_turn(&mut self, options: &ImportOptions) -> Result<Option<Entry>, ImportError> {
        let rest = self.messages.get(self.next..).unwrap_or_default();
        let Some(place) = rest.iter().position(is_of_user) else { return Ok(None) };
        let turn = self.next + place;
        self.next = turn + 1;
        let history = self.messages.get(..=turn).unwrap_or_default();
        let made = Made { messages: history.into(), ..Made::default() };
        let content = Content::Body(made.body(&self.place, options)?);
        let answer = self.messages.get(turn + 1).filter(|message| message.get("role") == Some(&"assistant".into()));
        let recorded = answer.and_then(|message| message.get("content")?.as_str()).map(|text| Recorded {
            answer: Some(text.to_owned()),
            ..Recorded::new("sharegpt", self.model.clone().unwrap_or_else(|| "unknown".to_owned()), 200)
        });
        Ok(Some(Entry {
            id: Some(format!("{}-{}", self.id, turn + 1)),
            session: Some(Identity::Name(self.id.clone())),
            recorded,
            ..Entry::new(self.place.clone(), content)
        }))
    }
}

fn is_of_user(message: &Value) -> bool {
    message.get("role").is_some_and(|role| role == "user")
}

/// A turn as a message.
fn message(turn: &Value) -> Option<Value> {
    let speaker = turn.get("from").or_else(|| turn.get("role"))?.as_str()?.to_ascii_lowercase();
    let text = turn.get("value").or_else(|| turn.get("content"))?.as_str()?;
    let (_, role) = SPEAKERS.into_iter().find(|(name, _)| *name == speaker)?;
    Some(json!({"role": role, "content": text}))
}

#[cfg(test)]
mod tests;
