//! The shape of chat completions, streamed and whole, for every provider: what differs is in the [`Dialect`].
//!
//! Two of these differences break clients written for OpenAI: DeepSeek's usage rides on the finish chunk, which has its
//! one choice (there is never a chunk without choices), and it comes whether asked for or not.

mod audio;
mod whole;

use serde_json::Value;

use crate::answer::{Answer, Choice, ToolCall};
use crate::chunks::Chunks;
use crate::dialect::Dialect;
use crate::envelope::Envelope;
use crate::face::StreamOptions;
use crate::logprobs;
use crate::sse;
use crate::timeline::{Pace, Timeline, pieces};

pub(crate) use whole::whole;

/// An answer and everything that its form depends on.
#[derive(Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(crate) dialect: &'a Dialect,
    pub(crate) answer: &'a Answer,
    pub(crate) envelope: &'a Envelope,
    pub(crate) options: StreamOptions,
    /// What the provider's own moderation says beside the answer.
    pub(crate) moderation: Option<&'a Value>,
}

/// Writes a stream: for each choice role, reasoning, content, calls and finish; then usage where the provider has it; end.
pub(crate) fn stream(shape: Shape<'_>, pace: &mut Pace, timeline: &mut Timeline) {
    let Shape { dialect, answer, envelope, options, moderation } = shape;
    let id = format!("{}{}", dialect.chat_id_prefix, envelope.stem);
    let kind = ("chat.completion.chunk", id.as_str());
    let chunks = Chunks::new(dialect, kind, (envelope, answer.tier), options, answer.usage.completion, timeline);
    let usage = (dialect.usage)(&answer.usage, options.thinking);
    let mut writer = Writer { dialect, options, envelope, usage: &usage, chunks, scratch: Vec::with_capacity(128) };
    for (index, choice) in answer.choices.iter().enumerate() {
        if index > 0 {
            pace.advance();
        }
        writer.choice(index, choice, pace);
    }
    if let Some(moderation) = moderation {
        writer.chunks.aside(pace.now_us(), &format!(",\"moderation\":{moderation}"));
    }
    writer.chunks.end(pace.now_us(), &usage);
}

struct Writer<'a> {
    dialect: &'a Dialect,
    options: StreamOptions,
    envelope: &'a Envelope,
    usage: &'a str,
    chunks: Chunks<'a>,
    /// One delta after the other is put together here.
    scratch: Vec<u8>,
}

/// The role chunk and the first token leave together; from then on each token waits for its gap.
struct Steps(bool);

impl Steps {
    fn next(&mut self, pace: &mut Pace) -> u64 {
        if std::mem::replace(&mut self.0, true) {
            pace.advance();
        }
        pace.now_us()
    }
}

impl Writer<'_> {
    fn choice(&mut self, index: usize, choice: &Choice, pace: &mut Pace) {
        let thinking = self.options.thinking;
        let speaks = self.options.speaks;
        self.delta(index, pace.now_us(), &Value::Null, |writer, out| writer.role(out, choice));
        let mut steps = Steps(false);
        for piece in pieces(&choice.reasoning, self.chunk_count(choice.reasoning_tokens)) {
            self.delta(index, steps.next(pace), &Value::Null, |_, out| {
                out.extend_from_slice(b"{\"content\":null,\"reasoning_content\":");
                sse::quoted(out, piece);
                out.push(b'}');
            });
        }
        let content = choice.content.as_deref().unwrap_or_default();
        if speaks && !content.is_empty() {
            let count = self.chunk_count(choice.visible_tokens);
            let due = |pace: &mut Pace| steps.next(pace);
            audio::stream(self.envelope, content, count, pace, due, |due_us, delta| {
                self.delta(index, due_us, &Value::Null, |_, out| out.extend_from_slice(delta.as_bytes()));
            });
        } else {
            for piece in pieces(content, self.chunk_count(choice.visible_tokens)) {
                let probabilities = self.probabilities(piece, "content");
                self.delta(index, steps.next(pace), &probabilities, |_, out| {
                    out.extend_from_slice(b"{\"content\":");
                    sse::quoted(out, piece);
                    out.extend_from_slice(if thinking { b",\"reasoning_content\":null}" } else { b"}" });
                });
            }
        }
        for piece in pieces(choice.refusal.as_deref().unwrap_or_default(), self.chunk_count(choice.visible_tokens)) {
            let probabilities = self.probabilities(piece, "refusal");
            self.delta(index, steps.next(pace), &probabilities, |_, out| {
                out.extend_from_slice(b"{\"refusal\":");
                sse::quoted(out, piece);
                out.push(b'}');
            });
        }
        for (position, call) in choice.tool_calls.iter().enumerate() {
            self.call(index, position, call, &mut steps, pace);
        }
        self.finish(index, &choice.finish_reason, pace.now_us());
    }

    fn role(&self, out: &mut Vec<u8>, choice: &Choice) {
        let content_is_null = match (self.options.thinking, &choice.content) {
            (true, _) => true,
            (false, None) => self.dialect.null_content_beside_calls,
            (false, Some(_)) => self.options.speaks,
        };
        out.extend_from_slice(b"{\"role\":\"assistant\",\"content\":");
        out.extend_from_slice(if content_is_null { b"null" } else { b"\"\"" });
        if self.options.thinking {
            out.extend_from_slice(b",\"reasoning_content\":\"\"");
        }
        if self.dialect.refusals {
            out.extend_from_slice(b",\"refusal\":null");
        }
        out.push(b'}');
    }

    /// Number of chunks for so many tokens.
    fn chunk_count(&self, tokens: u64) -> u64 {
        tokens.div_ceil(u64::from(self.options.tokens_per_chunk))
    }

    fn probabilities(&self, piece: &str, member: &'static str) -> Value {
        let Some(top) = self.options.logprobs else {
            return Value::Null;
        };
        self.options.all_probabilities(logprobs::of(piece, u64::from(self.options.tokens_per_chunk), top), member)
    }

    /// A tool call: its name first, then its arguments in fragments of about a token.
    fn call(&mut self, index: usize, position: usize, call: &ToolCall, steps: &mut Steps, pace: &mut Pace) {
        let id = (self.dialect.call_id)(&self.envelope.call_stem, index, position);
        let (kind, input) = if call.custom { ("custom", "input") } else { ("function", "arguments") };
        self.delta(index, steps.next(pace), &Value::Null, |_, out| {
            let opening = format!(
                "{{\"tool_calls\":[{{\"index\":{position},\"id\":\"{id}\",\"type\":\"{kind}\",\"{kind}\":{{\"name\":"
            );
            out.extend_from_slice(opening.as_bytes());
            sse::quoted(out, &call.name);
            out.extend_from_slice(format!(",\"{input}\":\"\"}}}}]}}").as_bytes());
        });
        for piece in pieces(&call.arguments, call.arguments.len().div_ceil(4) as u64) {
            self.delta(index, steps.next(pace), &Value::Null, |_, out| {
                let opening = format!("{{\"tool_calls\":[{{\"index\":{position},\"{kind}\":{{\"{input}\":");
                out.extend_from_slice(opening.as_bytes());
                sse::quoted(out, piece);
                out.extend_from_slice(b"}}]}");
            });
        }
    }

    /// One chunk that adds to the message.
    fn delta(&mut self, index: usize, due_us: u64, probabilities: &Value, write: impl FnOnce(&Self, &mut Vec<u8>)) {
        let mut delta = std::mem::take(&mut self.scratch);
        delta.clear();
        write(self, &mut delta);
        self.chunks.choice(due_us, |out| members(out, index, &delta, probabilities, "null"));
        self.scratch = delta;
    }

    fn finish(&mut self, index: usize, reason: &str, due_us: u64) {
        let delta: &[u8] = match (self.dialect.text_in_finish_delta, self.options.thinking) {
            (false, _) => b"{}",
            (true, false) => b"{\"content\":\"\"}",
            (true, true) => b"{\"content\":\"\",\"reasoning_content\":null}",
        };
        let reason = sse::to_quoted(reason);
        self.chunks.finish(due_us, self.usage, |out| members(out, index, delta, &Value::Null, &reason));
    }
}

/// The members of a choice.
fn members(out: &mut Vec<u8>, index: usize, delta: &[u8], probabilities: &Value, finish_reason: &str) {
    match index {
        0 => out.extend_from_slice(b"\"index\":0,\"delta\":"),
        _ => out.extend_from_slice(format!("\"index\":{index},\"delta\":").as_bytes()),
    }
    out.extend_from_slice(delta);
    out.extend_from_slice(b",\"logprobs\":");
    match probabilities {
        Value::Null => out.extend_from_slice(b"null"),
        entries => out.extend_from_slice(entries.to_string().as_bytes()),
    }
    out.extend_from_slice(b",\"finish_reason\":");
    out.extend_from_slice(finish_reason.as_bytes());
}
