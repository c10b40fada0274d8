//! Chat completions in one piece.

use serde_json::{Map, Value, json};

use super::{Shape, audio};
use crate::answer::{Choice, ToolCall};
use crate::logprobs;
use crate::timeline::pieces;

/// A whole answer as JSON.
pub(crate) fn whole(shape: Shape<'_>) -> String {
    let Shape { dialect, answer, envelope, options, moderation } = shape;
    let choices: Vec<Value> =
        answer.choices.iter().enumerate().map(|(index, choice)| shape.choice(index, choice)).collect();
    let mut body = json!({
        "id": format!("{}{}", dialect.chat_id_prefix, envelope.stem),
        "object": "chat.completion",
        "created": envelope.created,
        "model": envelope.model,
        "choices": choices,
        "usage": (dialect.usage)(&answer.usage, options.thinking),
    });
    if let Some(moderation) = moderation {
        body["moderation"] = moderation.clone();
    }
    if dialect.service_tier {
        body["service_tier"] = Value::from("default");
    }
    if dialect.fingerprint {
        body["system_fingerprint"] = Value::from(envelope.fingerprint.as_str());
    }
    if dialect.spells_out_nulls {
        body["prompt_logprobs"] = Value::Null;
    }
    body.to_string()
}

impl Shape<'_> {
    fn choice(self, index: usize, choice: &Choice) -> Value {
        let mut value = json!({"index": index, "message": self.message(index, choice),
                               "logprobs": self.probabilities(choice), "finish_reason": choice.finish_reason});
        if self.dialect.stop_reason {
            value["stop_reason"] = Value::Null;
        }
        value
    }

    fn message(self, index: usize, choice: &Choice) -> Value {
        let Self { dialect, envelope, options, .. } = self;
        let mut message = Map::new();
        message.insert("role".to_owned(), Value::from("assistant"));
        let spoken = choice.content.as_deref().filter(|text| options.speaks && !text.is_empty());
        let content = match choice.content.as_deref() {
            _ if spoken.is_some() => None,
            None if !dialect.null_content_beside_calls => Some(""),
            content => content,
        };
        message.insert("content".to_owned(), Value::from(content));
        if options.thinking {
            message.insert("reasoning_content".to_owned(), Value::from(choice.reasoning.as_str()));
        } else if dialect.spells_out_nulls {
            message.insert("reasoning_content".to_owned(), Value::Null);
        }
        if dialect.refusals {
            message.insert("refusal".to_owned(), Value::from(choice.refusal.as_deref()));
            message.insert("annotations".to_owned(), json!([]));
        }
        if let Some(transcript) = spoken {
            message.insert("audio".to_owned(), audio::whole(envelope, transcript));
        }
        if !choice.tool_calls.is_empty() || dialect.spells_out_nulls {
            let calls = choice.tool_calls.iter().enumerate();
            let calls = calls.map(|(position, call)| self.call(index, position, call)).collect();
            message.insert("tool_calls".to_owned(), calls);
        }
        Value::Object(message)
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
