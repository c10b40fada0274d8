//! Cutting an answer to the request's limit, or spoiling it as a fault demands.

use super::{Choice, REFUSAL, Speaker};
use crate::profile::Fault;
use crate::request::ChatRequest;
use crate::tokens;

impl Speaker<'_> {
    /// Applies a fault that changes what is said rather than how much of it.
    pub(super) fn spoilt(self, choice: Choice, fault: Option<Fault>) -> Choice {
        match fault {
            Some(Fault::Refusal) => Choice {
                content: None,
                refusal: Some(REFUSAL.to_owned()),
                tool_calls: Vec::new(),
                finish_reason: "stop".to_owned(),
                visible_tokens: self.count(REFUSAL),
                ..choice
            },
            Some(Fault::Empty) => Choice {
                content: Some(String::new()),
                tool_calls: Vec::new(),
                finish_reason: "stop".to_owned(),
                visible_tokens: 0,
                ..choice
            },
            Some(Fault::ToolLeak) if !choice.tool_calls.is_empty() => {
                let text = super::calls::leaked(&choice.tool_calls);
                let visible_tokens = self.count(&text);
                Choice {
                    content: Some(text),
                    tool_calls: Vec::new(),
                    finish_reason: "stop".to_owned(),
                    visible_tokens,
                    ..choice
                }
            }
            _ => choice,
        }
    }

    /// Cuts a choice to the request's own limit, or in the middle if the fault says so.
    pub(super) fn limited(self, mut choice: Choice, request: &ChatRequest, fault: Option<Fault>) -> Choice {
        let asked = self.face.output_limit(request, self.profile);
        let halfway = choice.reasoning_tokens + choice.visible_tokens / 2;
        let cut = asked.map_or(halfway, |asked| asked.min(halfway));
        let (limit, reason) = match fault {
            Some(Fault::Length) => (cut, "length"),
            Some(Fault::ContentFilter | Fault::AnswerFilter) => (cut, "content_filter"),
            Some(Fault::InsufficientResource) => (cut, "insufficient_system_resource"),
            Some(Fault::Aborted) => (cut, "aborted"),
            _ => (asked.unwrap_or(u64::MAX), "length"),
        };
        let fits = choice.reasoning_tokens + choice.visible_tokens <= limit;
        if fits || !choice.tool_calls.is_empty() || choice.refusal.is_some() {
            return choice;
        }
        reason.clone_into(&mut choice.finish_reason);
        if choice.reasoning_tokens >= limit {
            // The chain of thought counts against the limit and can eat the whole of it.
            let kept = tokens::prefix(self.provider, &choice.reasoning, limit, choice.reasoning_tokens).to_owned();
            return Choice {
                reasoning: kept,
                content: Some(String::new()),
                reasoning_tokens: limit,
                visible_tokens: 0,
                ..choice
            };
        }
        let left = limit - choice.reasoning_tokens;
        let content = choice.content.unwrap_or_default();
        let kept = tokens::prefix(self.provider, &content, left, choice.visible_tokens).to_owned();
        Choice { content: Some(kept), visible_tokens: left, ..choice }
    }
}
