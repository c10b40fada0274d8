//! Responses: the provider's newer way to ask, with items for input and output, and events with names.
//!
//! A request is turned into a chat request and answered by the same speaker. What follows is only form: [`items`] turns
//! the answer into output items, [`stream`] tells their growth event by event, and [`state`] remembers what later turns
//! may go on from.

mod items;
mod request;
pub(crate) mod state;
pub(crate) mod stream;

use serde_json::{Value, json};

use crate::answer::{Answer, Usage};
use crate::dialect::Dialect;
use crate::envelope::Envelope;
use crate::request::{Message, ServiceTier};
pub(crate) use items::Item;
pub(crate) use request::ResponsesRequest;

/// An answer to a responses request, as items.
pub(crate) struct Response<'a> {
    pub(crate) id: String,
    pub(crate) items: Vec<Item>,
    request: &'a ResponsesRequest,
    envelope: &'a Envelope,
    usage: Usage,
    /// Absent where the provider has no tiers.
    tier: Option<ServiceTier>,
    finish_reason: String,
}

impl<'a> Response<'a> {
    /// The first choice of an answer: there is no other way to ask for several.
    pub(crate) fn new(
        request: &'a ResponsesRequest,
        answer: Answer,
        dialect: &Dialect,
        envelope: &'a Envelope,
        tokens_per_chunk: u32,
    ) -> Self {
        let Answer { choices, usage, tier } = answer;
        let tier = dialect.service_tier.then_some(tier);
        let choice = choices.into_iter().next();
        let finish_reason = choice.as_ref().map_or_else(|| "stop".to_owned(), |choice| choice.finish_reason.clone());
        let items = choice.map_or_else(Vec::new, |choice| items::of(choice, dialect, envelope, tokens_per_chunk));
        Self { id: format!("resp_{}", envelope.stem), items, request, envelope, usage, tier, finish_reason }
    }

    /// How it ended: the status, and the event that says so.
    fn status(&self) -> &'static str {
        match self.finish_reason.as_str() {
            "length" | "content_filter" => "incomplete",
            "insufficient_system_resource" | "aborted" => "failed",
            _ => "completed",
        }
    }

    /// The whole response at its end.
    pub(crate) fn finished(&self) -> Value {
        let status = self.status();
        let item_status = if status == "completed" { "completed" } else { "incomplete" };
        let output: Vec<Value> = self.items.iter().map(|item| item.finished(item_status)).collect();
        self.object(status, &output, &usage_value(&self.usage))
    }

    /// The response as it is told at its beginning.
    fn begun(&self) -> Value {
        self.object("in_progress", &[], &Value::Null)
    }

    fn object(&self, status: &str, output: &[Value], usage: &Value) -> Value {
        let incomplete = match (status, self.finish_reason.as_str()) {
            ("incomplete", "content_filter") => json!({"reason": "content_filter"}),
            ("incomplete", _) => json!({"reason": "max_output_tokens"}),
            _ => Value::Null,
        };
        let error = if status == "failed" {
            json!({"code": "server_error", "message": "The model could not finish its answer"})
        } else {
            Value::Null
        };
        let mut object = json!({
            "id": self.id,
            "object": "response",
            "created_at": self.envelope.created,
            "status": status,
            "background": false,
            "error": error,
            "incomplete_details": incomplete,
            "model": self.envelope.model,
            "output": output,
            "usage": usage,
        });
        if let Some(object) = object.as_object_mut() {
            object.extend(self.request.echo.clone());
            if let Some(tier) = self.tier {
                let tier = if status == "in_progress" { tier.begun() } else { tier.answered() };
                object.insert("service_tier".to_owned(), Value::from(tier));
            }
        }
        object
    }

    /// The answer as a message of the conversation, for a later turn.
    pub(crate) fn as_message(&self) -> Message {
        let text: String = self.items.iter().filter_map(Item::spoken).collect();
        Message { has_tool_calls: self.items.iter().any(Item::is_call), ..Message::plain("assistant", text) }
    }
}

fn usage_value(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    })
}
