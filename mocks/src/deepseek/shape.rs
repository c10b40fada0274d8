//! The shape of DeepSeek's answers, streamed and whole.
//!
//! Two differences break clients written for OpenAI: usage rides on the finish chunk, which has its one choice (there is
//! never a chunk without choices), and it comes whether asked for or not.

use serde_json::{Value, json};

use crate::answer::{Answer, Choice, ToolCall, Usage};
use crate::envelope::Envelope;
use crate::face::StreamOptions;
use crate::sse;
use crate::timeline::{Pace, Timeline, pieces};

/// Room for one chunk without its text, bytes; only a guess for the first allocation.
const CHUNK_BYTES: usize = 290;

/// Writes a stream: role, reasoning, content, finish with usage, end.
pub(super) fn stream(
    answer: &Answer,
    envelope: &Envelope,
    options: StreamOptions,
    pace: &mut Pace,
    timeline: &mut Timeline,
) {
    let chunks = answer.usage.completion / u64::from(options.tokens_per_chunk) + 3;
    timeline.bytes.reserve(usize::try_from(chunks).unwrap_or(0).saturating_mul(CHUNK_BYTES));
    let writer = &mut Writer::new(envelope, options, timeline);
    if let Some(choice) = answer.choices.first() {
        writer.choice(choice, &answer.usage, pace);
    }
    timeline.bytes.extend_from_slice(sse::DONE);
    timeline.due(pace.now_us());
}

struct Writer<'a> {
    timeline: &'a mut Timeline,
    head: String,
    options: StreamOptions,
    call_stem: &'a str,
}

impl<'a> Writer<'a> {
    fn new(envelope: &'a Envelope, options: StreamOptions, timeline: &'a mut Timeline) -> Self {
        let head = format!(
            "data: {{\"id\":\"{}\",\"object\":\"chat.completion.chunk\",\"created\":{},\"model\":{},\
             \"system_fingerprint\":\"{}\",\"choices\":[{{\"index\":0,\"delta\":",
            envelope.id,
            envelope.created,
            sse::to_quoted(&envelope.model),
            envelope.fingerprint
        );
        Self { timeline, head, options, call_stem: &envelope.call_stem }
    }

    fn choice(&mut self, choice: &Choice, usage: &Usage, pace: &mut Pace) {
        let thinking = self.options.thinking;
        let role: &[u8] = if thinking {
            b"{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"\"}"
        } else {
            b"{\"role\":\"assistant\",\"content\":\"\"}"
        };
        self.chunk(pace.now_us(), |out| out.extend_from_slice(role));
        // The role chunk and the first token leave together; from then on each token waits for its gap.
        let mut first = true;
        let mut step = |pace: &mut Pace| {
            if !std::mem::take(&mut first) {
                pace.advance();
            }
            pace.now_us()
        };
        for piece in pieces(&choice.reasoning, self.chunks(choice.reasoning_tokens)) {
            self.chunk(step(pace), |out| {
                out.extend_from_slice(b"{\"content\":null,\"reasoning_content\":");
                sse::quoted(out, piece);
                out.push(b'}');
            });
        }
        let content = choice.content.as_deref().unwrap_or_default();
        for piece in pieces(content, self.chunks(choice.visible_tokens)) {
            self.chunk(step(pace), |out| {
                out.extend_from_slice(b"{\"content\":");
                sse::quoted(out, piece);
                out.extend_from_slice(if thinking { b",\"reasoning_content\":null}" } else { b"}" });
            });
        }
        for (position, call) in choice.tool_calls.iter().enumerate() {
            self.call(position, call, &mut step, pace);
        }
        self.finish(&choice.finish_reason, usage, pace.now_us());
    }

    fn chunks(&self, tokens: u64) -> u64 {
        tokens.div_ceil(u64::from(self.options.tokens_per_chunk))
    }

    /// A tool call: its name first, then its arguments in fragments of about a token.
    fn call(&mut self, position: usize, call: &ToolCall, step: &mut impl FnMut(&mut Pace) -> u64, pace: &mut Pace) {
        let id = call_id(self.call_stem, position);
        self.chunk(step(pace), |out| {
            out.extend_from_slice(format!("{{\"tool_calls\":[{{\"index\":{position},\"id\":\"{id}\",").as_bytes());
            out.extend_from_slice(b"\"type\":\"function\",\"function\":{\"name\":");
            sse::quoted(out, &call.name);
            out.extend_from_slice(b",\"arguments\":\"\"}}]}");
        });
        for piece in pieces(&call.arguments, call.arguments.len().div_ceil(4) as u64) {
            self.chunk(step(pace), |out| {
                out.extend_from_slice(format!("{{\"tool_calls\":[{{\"index\":{position},").as_bytes());
                out.extend_from_slice(b"\"function\":{\"arguments\":");
                sse::quoted(out, piece);
                out.extend_from_slice(b"}}]}");
            });
        }
    }

    fn chunk(&mut self, due_us: u64, delta: impl FnOnce(&mut Vec<u8>)) {
        let out = &mut self.timeline.bytes;
        out.extend_from_slice(self.head.as_bytes());
        delta(out);
        out.extend_from_slice(b",\"logprobs\":null,\"finish_reason\":null}]");
        if self.options.include_usage {
            out.extend_from_slice(b",\"usage\":null");
        }
        out.extend_from_slice(b"}\n\n");
        self.timeline.due(due_us);
    }

    fn finish(&mut self, reason: &str, usage: &Usage, due_us: u64) {
        let delta =
            if self.options.thinking { "{\"content\":\"\",\"reasoning_content\":null}" } else { "{\"content\":\"\"}" };
        let usage = usage_value(usage, self.options.thinking);
        let reason = sse::to_quoted(reason);
        let out = &mut self.timeline.bytes;
        out.extend_from_slice(self.head.as_bytes());
        out.extend_from_slice(
            format!("{delta},\"logprobs\":null,\"finish_reason\":{reason}}}],\"usage\":{usage}}}\n\n").as_bytes(),
        );
        self.timeline.due(due_us);
    }
}

/// A whole answer.
pub(super) fn whole(answer: &Answer, envelope: &Envelope, thinking: bool) -> String {
    let choices: Vec<Value> =
        answer.choices.iter().take(1).map(|choice| whole_choice(choice, envelope, thinking)).collect();
    json!({
        "id": envelope.id,
        "object": "chat.completion",
        "created": envelope.created,
        "model": envelope.model,
        "choices": choices,
        "usage": usage_value(&answer.usage, thinking),
        "system_fingerprint": envelope.fingerprint,
    })
    .to_string()
}

fn whole_choice(choice: &Choice, envelope: &Envelope, thinking: bool) -> Value {
    let content = choice.content.as_deref().unwrap_or_default();
    let mut message = json!({"role": "assistant", "content": content});
    if thinking {
        message["reasoning_content"] = Value::from(choice.reasoning.as_str());
    }
    if !choice.tool_calls.is_empty() {
        let calls = choice.tool_calls.iter().enumerate().map(|(position, call)| {
            json!({"index": position, "id": call_id(&envelope.call_stem, position), "type": "function",
                   "function": {"name": call.name, "arguments": call.arguments}})
        });
        message["tool_calls"] = calls.collect();
    }
    json!({"index": 0, "message": message, "logprobs": null, "finish_reason": choice.finish_reason})
}

fn call_id(stem: &str, position: usize) -> String {
    format!("call_{position:02}_{stem}")
}

fn usage_value(usage: &Usage, thinking: bool) -> Value {
    let mut value = json!({
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
    });
    if thinking {
        value["completion_tokens_details"] = json!({"reasoning_tokens": usage.reasoning});
    }
    value["prompt_cache_hit_tokens"] = Value::from(usage.cached);
    value["prompt_cache_miss_tokens"] = Value::from(usage.prompt - usage.cached);
    value
}
