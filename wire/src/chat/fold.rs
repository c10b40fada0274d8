//! Folds an answer, streamed or whole, into one outcome.
//!
//! The fold never keeps more than a stated number of bytes of text; counts go on beyond it. It runs for every streamed
//! chunk of every leg, so it borrows from the chunk and allocates only what it keeps.

mod choices;
mod responses;

use super::answer::{Answer, leaks_tool_call};
use super::tools::Piece;
use crate::endpoint::Endpoint;
use crate::json::Text;
use crate::price::Tier;
use crate::usage::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Bytes of reasoning text that are kept for sending them back.
pub const REASONING_BYTES_MAX: usize = 256 * 1024;
/// Tool calls of one answer whose ids are kept: the most tools that a request may offer.
pub const TOOL_CALLS_MAX: usize = 128;

/// What a chunk showed the client. Time to first token starts counting at [`Seen::Content`] or [`Seen::Reasoning`]:
/// role-only and usage-only chunks do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing that a person would read: a role, a usage report, a finish mark.
    Frame,
    /// Reasoning text.
    Reasoning,
    /// Visible text or a piece of a tool call.
    Content,
    /// The end mark: `[DONE]`, or the last event of a response.
    Done,
    /// An error event inside the stream.
    Error,
    /// No valid JSON.
    Malformed,
}

/// The state of a fold.
#[derive(Debug, Clone)]
pub struct Fold {
    answer: Answer,
    text_bytes_max: usize,
    reasoning_overflowed: bool,
}

impl Fold {
    /// A fold that keeps at most `text_bytes_max` bytes of the first choice's text.
    #[must_use]
    pub const fn new(endpoint: Endpoint, text_bytes_max: usize) -> Self {
        Self { answer: Answer::new(endpoint), text_bytes_max, reasoning_overflowed: false }
    }

    /// Takes the data of one stream event.
    pub fn chunk(&mut self, data: &str) -> Seen {
        if data.starts_with(crate::sse::encode::DONE) {
            self.answer.complete = true;
            return Seen::Done;
        }
        let seen = match self.answer.endpoint {
            Endpoint::Responses => self.event(data),
            _ => self.choices(data),
        };
        match seen {
            Seen::Content | Seen::Reasoning => self.answer.chunks_with_text += 1,
            Seen::Malformed => self.answer.malformed += 1,
            Seen::Frame | Seen::Done | Seen::Error => {}
        }
        seen
    }

    /// Takes a whole, not streamed, answer.
    pub fn whole(&mut self, body: &[u8]) -> Seen {
        let seen = match std::str::from_utf8(body) {
            Err(_) => Seen::Malformed,
            Ok(body) if self.answer.endpoint == Endpoint::Responses => self.whole_response(body),
            Ok(body) => self.choices(body),
        };
        if seen == Seen::Malformed {
            self.answer.malformed += 1;
            self.unread(body);
        } else {
            self.answer.complete = true;
        }
        seen
    }

    /// Takes bytes of a whole answer that will never be read: it broke off, or is no JSON. They were written all the same.
    pub fn unread(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.answer.written.add(text),
            Err(_) => self.answer.written.add_bytes(bytes.len() as u64),
        }
    }

    /// The end mark or an error event was seen: whatever happens now, nothing that matters can follow.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.answer.complete || self.answer.error.is_some()
    }

    /// The outcome so far.
    #[must_use]
    pub fn answer(mut self) -> Answer {
        self.answer.tool_leak = leaks_tool_call(&self.answer.text);
        self.answer
    }

    fn see_error(&mut self, raw: &str) -> Seen {
        #[derive(Deserialize)]
        struct Message {
            message: Option<String>,
        }
        let message = serde_json::from_str::<Message>(raw)
            .ok()
            .and_then(|error| error.message)
            .or_else(|| serde_json::from_str::<String>(raw).ok());
        let message = message.unwrap_or_else(|| "the provider sent an error without a message".to_owned());
        self.answer.error = Some(message);
        Seen::Error
    }

    /// The last report counts: some providers send running totals.
    fn see_usage(&mut self, usage: Option<&RawValue>) {
        if let Some(usage) = usage.and_then(|usage| Usage::from_json(usage.get())) {
            self.answer.usage = Some(usage);
        }
    }

    /// The tier that is named last counts. A stream's first events may say `auto`, which names none.
    fn see_tier(&mut self, name: Option<&RawValue>) {
        let name = name.and_then(|raw| serde_json::from_str::<Text<'_>>(raw.get()).ok());
        if let Some(name) = name.filter(|name| name.0 != "auto") {
            self.answer.tier = Some(Tier::of_answer(&name.0));
        }
    }

    fn see_refusal(&mut self, text: &str) {
        self.answer.refused = true;
        self.answer.written.add(text);
    }

    fn see_text(&mut self, text: &str, first_choice: bool) -> Seen {
        if text.is_empty() {
            return Seen::Frame;
        }
        self.answer.characters.add(text);
        self.answer.written.add(text);
        if first_choice {
            let answer = &mut self.answer;
            let room = self.text_bytes_max.saturating_sub(answer.text.len());
            let end = if text.len() <= room { text.len() } else { text.floor_char_boundary(room) };
            answer.truncated |= end < text.len();
            answer.text.push_str(text.get(..end).unwrap_or_default());
        }
        Seen::Content
    }

    fn see_reasoning(&mut self, text: &str, first_choice: bool) -> Seen {
        if text.is_empty() {
            return Seen::Frame;
        }
        let answer = &mut self.answer;
        answer.reasoning.add(text);
        answer.written.add(text);
        if first_choice && !self.reasoning_overflowed {
            if answer.reasoning_text.len() + text.len() <= REASONING_BYTES_MAX {
                answer.reasoning_text.push_str(text);
            } else {
                answer.reasoning_text = String::new();
                self.reasoning_overflowed = true;
            }
        }
        Seen::Reasoning
    }

    fn see_piece(&mut self, piece: Piece<'_>, first_choice: bool) {
        self.answer.characters.add(piece.arguments);
        self.answer.written.add(piece.name);
        self.answer.written.add(piece.arguments);
        if first_choice {
            self.answer.tools.see(piece);
        }
    }

    fn see_call(&mut self, id: &str, first_choice: bool) {
        self.answer.tool_calls += 1;
        if first_choice && self.answer.tool_call_ids.len() < TOOL_CALLS_MAX {
            self.answer.tool_call_ids.push(id.to_owned());
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod usage_tests;
