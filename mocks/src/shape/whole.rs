//! Chat completions in one piece, written like streams: byte by byte, as only a few words differ from answer to answer.

use serde_json::{Value, json};

use super::{Shape, audio};
use crate::answer::{Choice, ToolCall};
use crate::logprobs;
use crate::sse;
use crate::timeline::pieces;

/// Writes a whole answer as JSON.
pub(crate) fn whole(shape: Shape<'_>, out: &mut Vec<u8>) {
    let Shape { dialect, answer, envelope, options, moderation } = shape;
    let text: usize = answer.choices.iter().filter_map(|choice| choice.content.as_deref()).map(str::len).sum();
    out.reserve(text + text / 8 + 1024);
    push(out, "{\"id\":");
    sse::quoted(out, &format!("{}{}", dialect.chat_id_prefix, envelope.stem));
    push(out, &format!(",\"object\":\"chat.completion\",\"created\":{},\"model\":", envelope.created));
    sse::quoted(out, &envelope.model);
    push(out, ",\"choices\":[");
    for (index, choice) in answer.choices.iter().enumerate() {
        push(out, if index == 0 { "" } else { "," });
        shape.choice(index, choice, out);
    }
    push(out, "],\"usage\":");
    push(out, &(dialect.usage)(&answer.usage, options.thinking));
    if let Some(moderation) = moderation {
        push(out, ",\"moderation\":");
        push(out, &moderation.to_string());
    }
    if dialect.service_tier {
        push(out, &format!(",\"service_tier\":\"{}\"", answer.tier.answered()));
    }
    if dialect.fingerprint {
        push(out, ",\"system_fingerprint\":");
        sse::quoted(out, &envelope.fingerprint);
    }
    push(out, if dialect.spells_out_nulls { ",\"prompt_logprobs\":null}" } else { "}" });
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// A text, or null.
fn optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => sse::quoted(out, text),
        None => push(out, "null"),
    }
}

impl Shape<'_> {
    fn choice(self, index: usize, choice: &Choice, out: &mut Vec<u8>) {
        push(out, &format!("{{\"index\":{index},\"message\":"));
        self.message(index, choice, out);
        push(out, ",\"logprobs\":");
        match self.probabilities(choice) {
            Value::Null => push(out, "null"),
            entries => push(out, &entries.to_string()),
        }
        push(out, ",\"finish_reason\":");
        sse::quoted(out, &choice.finish_reason);
        push(out, if self.dialect.stop_reason { ",\"stop_reason\":null}" } else { "}" });
    }

    fn message(self, index: usize, choice: &Choice, out: &mut Vec<u8>) {
        let Self { dialect, envelope, options, .. } = self;
        let spoken = choice.content.as_deref().filter(|text| options.speaks && !text.is_empty());
        let content = match choice.content.as_deref() {
            _ if spoken.is_some() => None,
            None if !dialect.null_content_beside_calls => Some(""),
            content => content,
        };
        push(out, "{\"role\":\"assistant\",\"content\":");
        optional(out, content);
        if options.thinking {
            push(out, ",\"reasoning_content\":");
            sse::quoted(out, &choice.reasoning);
        } else if dialect.spells_out_nulls {
            push(out, ",\"reasoning_content\":null");
        }
        if dialect.refusals {
            push(out, ",\"refusal\":");
            optional(out, choice.refusal.as_deref());
            push(out, ",\"annotations\":[]");
        }
        if let Some(transcript) = spoken {
            push(out, &format!(",\"audio\":{}", audio::whole(envelope, transcript)));
        }
        if !choice.tool_calls.is_empty() || dialect.spells_out_nulls {
            let calls = choice.tool_calls.iter().enumerate();
            let calls: Value = calls.map(|(position, call)| self.call(index, position, call)).collect();
            push(out, &format!(",\"tool_calls\":{calls}"));
        }
        push(out, "}");
    }

    fn call(self, index: usize, position: usize, call: &ToolCall) -> Value {
        let id = (self.dialect.call_id)(&self.envelope.call_stem, index, position);
        if call.custom {
            return json!({"id": id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}});
        }
        let function = json!({"name": call.name, "arguments": call.arguments});
        if self.dialect.call_index_in_whole {
            json!({"index": position, "id": id, "type": "function", "function": function})
        } else {
            json!({"id": id, "type": "function", "function": function})
        }
    }

    /// The same entries that the chunks of a stream carry, put together.
    fn probabilities(self, choice: &Choice) -> Value {
        let per_chunk = u64::from(self.options.tokens_per_chunk);
        let (Some(top), Some(text)) = (self.options.logprobs, choice.content.as_deref().or(choice.refusal.as_deref()))
        else {
            return Value::Null;
        };
        let entries = pieces(text, choice.visible_tokens.div_ceil(per_chunk));
        let entries = entries.flat_map(|piece| logprobs::of(piece, per_chunk, top)).collect();
        self.options.all_probabilities(entries, if choice.refusal.is_some() { "refusal" } else { "content" })
    }
}
