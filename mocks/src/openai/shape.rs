//! The shape of OpenAI's answers, streamed and whole.

use serde_json::{Value, json};

use crate::answer::{Answer, Choice, ToolCall, Usage};
use crate::envelope::Envelope;
use crate::face::StreamOptions;
use crate::sse;
use crate::timeline::{Pace, Timeline, pieces};

/// Room for one chunk without its text, bytes; only a guess for the first allocation.
const CHUNK_BYTES: usize = 330;

/// Padding that hides the length of chunks from onlookers: real ones are random, these are cut from here.
const PADDING: &str = "kG7dPq2xVn9Lw4ZtR8bYc3HsJ6mF1aUe5XoK0iTgQvBzNyWlDrCjMpEhSfAu";

/// Writes a stream: role, content, finish, usage if asked for, end.
pub(super) fn stream(
    answer: &Answer,
    envelope: &Envelope,
    options: StreamOptions,
    pace: &mut Pace,
    timeline: &mut Timeline,
) {
    let chunks = answer.usage.completion / u64::from(options.tokens_per_chunk) + 4;
    timeline.bytes.reserve(usize::try_from(chunks).unwrap_or(0).saturating_mul(CHUNK_BYTES));
    let writer = &mut Writer::new(envelope, options, timeline);
    for (index, choice) in answer.choices.iter().enumerate() {
        if index > 0 {
            pace.advance();
        }
        writer.choice(index, choice, pace);
    }
    if options.include_usage {
        writer.usage(&answer.usage, pace.now_us());
    }
    timeline.bytes.extend_from_slice(sse::DONE);
    timeline.due(pace.now_us());
}

/// Writes chunks between a beginning and an end that are the same in all of them.
struct Writer<'a> {
    timeline: &'a mut Timeline,
    head: String,
    tail: &'static str,
    options: StreamOptions,
    call_stem: &'a str,
    written: usize,
}

impl<'a> Writer<'a> {
    fn new(envelope: &'a Envelope, options: StreamOptions, timeline: &'a mut Timeline) -> Self {
        let head = format!(
            "data: {{\"id\":\"{}\",\"object\":\"chat.completion.chunk\",\"created\":{},\"model\":{},\
             \"service_tier\":\"default\",\"system_fingerprint\":\"{}\",\"choices\":[",
            envelope.id,
            envelope.created,
            sse::to_quoted(&envelope.model),
            envelope.fingerprint
        );
        // With include_usage every chunk but the last says null; without, none has the field.
        let tail = if options.include_usage { "],\"usage\":null" } else { "]" };
        Self { timeline, head, tail, options, call_stem: &envelope.call_stem, written: 0 }
    }

    fn choice(&mut self, index: usize, choice: &Choice, pace: &mut Pace) {
        let content = choice.content.as_deref();
        let role: &[u8] = match content {
            Some(_) => b"{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}",
            None => b"{\"role\":\"assistant\",\"content\":null,\"refusal\":null}",
        };
        self.chunk(index, "null", pace.now_us(), |out| out.extend_from_slice(role));
        let count = choice.visible_tokens.div_ceil(u64::from(self.options.tokens_per_chunk));
        for (at, piece) in pieces(content.unwrap_or_default(), count).enumerate() {
            if at > 0 {
                pace.advance();
            }
            self.chunk(index, "null", pace.now_us(), |out| {
                out.extend_from_slice(b"{\"content\":");
                sse::quoted(out, piece);
                out.push(b'}');
            });
        }
        for (position, call) in choice.tool_calls.iter().enumerate() {
            self.call(index, position, call, pace);
        }
        let reason = sse::to_quoted(&choice.finish_reason);
        self.chunk(index, &reason, pace.now_us(), |out| out.extend_from_slice(b"{}"));
    }

    /// A tool call: its name first, then its arguments in fragments of about a token.
    fn call(&mut self, index: usize, position: usize, call: &ToolCall, pace: &mut Pace) {
        let id = call_id(self.call_stem, index, position);
        self.chunk(index, "null", pace.now_us(), |out| {
            out.extend_from_slice(format!("{{\"tool_calls\":[{{\"index\":{position},\"id\":\"{id}\",").as_bytes());
            out.extend_from_slice(b"\"type\":\"function\",\"function\":{\"name\":");
            sse::quoted(out, &call.name);
            out.extend_from_slice(b",\"arguments\":\"\"}}]}");
        });
        for piece in pieces(&call.arguments, call.arguments.len().div_ceil(4) as u64) {
            pace.advance();
            self.chunk(index, "null", pace.now_us(), |out| {
                out.extend_from_slice(format!("{{\"tool_calls\":[{{\"index\":{position},").as_bytes());
                out.extend_from_slice(b"\"function\":{\"arguments\":");
                sse::quoted(out, piece);
                out.extend_from_slice(b"}}]}");
            });
        }
    }

    fn chunk(&mut self, index: usize, finish_reason: &str, due_us: u64, delta: impl FnOnce(&mut Vec<u8>)) {
        let out = &mut self.timeline.bytes;
        out.extend_from_slice(self.head.as_bytes());
        if index == 0 {
            out.extend_from_slice(b"{\"index\":0,\"delta\":");
        } else {
            out.extend_from_slice(format!("{{\"index\":{index},\"delta\":").as_bytes());
        }
        delta(out);
        out.extend_from_slice(b",\"logprobs\":null,\"finish_reason\":");
        out.extend_from_slice(finish_reason.as_bytes());
        out.push(b'}');
        out.extend_from_slice(self.tail.as_bytes());
        if self.options.include_obfuscation {
            let length = 4 + self.written * 7 % 11;
            let padding = PADDING.get(self.written % 40..self.written % 40 + length).unwrap_or_default();
            out.extend_from_slice(b",\"obfuscation\":\"");
            out.extend_from_slice(padding.as_bytes());
            out.push(b'"');
        }
        out.extend_from_slice(b"}\n\n");
        self.written += 1;
        self.timeline.due(due_us);
    }

    /// The extra chunk without choices that carries the usage.
    fn usage(&mut self, usage: &Usage, due_us: u64) {
        let out = &mut self.timeline.bytes;
        out.extend_from_slice(self.head.as_bytes());
        out.extend_from_slice(format!("],\"usage\":{}}}\n\n", usage_value(usage)).as_bytes());
        self.timeline.due(due_us);
    }
}

/// A whole answer.
pub(super) fn whole(answer: &Answer, envelope: &Envelope) -> String {
    let choices: Vec<Value> = answer
        .choices
        .iter()
        .enumerate()
        .map(|(index, choice)| {
            let mut message =
                json!({"role": "assistant", "content": choice.content, "refusal": null, "annotations": []});
            if !choice.tool_calls.is_empty() {
                let calls = choice.tool_calls.iter().enumerate().map(|(position, call)| {
                    let id = call_id(&envelope.call_stem, index, position);
                    json!({"id": id, "type": "function",
                           "function": {"name": call.name, "arguments": call.arguments}})
                });
                message["tool_calls"] = calls.collect();
            }
            json!({"index": index, "message": message, "logprobs": null, "finish_reason": choice.finish_reason})
        })
        .collect();
    json!({
        "id": envelope.id,
        "object": "chat.completion",
        "created": envelope.created,
        "model": envelope.model,
        "choices": choices,
        "usage": usage_value(&answer.usage),
        "service_tier": "default",
        "system_fingerprint": envelope.fingerprint,
    })
    .to_string()
}

fn call_id(stem: &str, choice: usize, position: usize) -> String {
    format!("call_{stem}{choice}{position}")
}

fn usage_value(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}
