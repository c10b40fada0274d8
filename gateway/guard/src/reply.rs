//! What a client gets in the place of unsafe content.
//!
//! The usual form is Higress': a completion like any other, with status 200, that says the configured sentence. Only the
//! model's name, `from-security-guard`, tells it from an answer; usage is zero. Whoever asked for a stream gets one. A
//! stream that has begun keeps its id and goes on to a proper end: the sentence as a last piece for every choice that is
//! still open, then the finish, then the end mark.
//!
//! The responses endpoint gets the same in its own words. Embeddings have no words to say it in, so they get an error.

mod responses;

use crate::names;
use crate::policy::{AnswerForm, Decision, Finish, Policy};
use crate::texts::Event;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use wire::Endpoint;
use wire::chat::ErrorBody;
use wire::sse::encode;

/// The model's name in every such answer.
pub const MODEL: &str = "from-security-guard";
/// Random characters of an answer's id.
pub const ID_CHARACTERS: usize = 29;
/// Choices of a stream that are told apart.
const CHOICES_MAX: usize = 1024;

/// What the client has seen of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// It has seen an event.
    begun: bool,
    id: Option<String>,
    created: Option<u64>,
    /// Number of the last event of a response.
    sequence: Option<u64>,
    /// Index behind the last item of a response.
    items: u64,
    /// Items that have begun and not ended, as they were announced.
    open_items: BTreeMap<u64, String>,
    open: BTreeSet<u64>,
    closed: BTreeSet<u64>,
}

impl Shape {
    /// Something goes out.
    pub(crate) fn sees(&mut self, event: &Event) {
        self.begun = true;
        self.id = self.id.take().or_else(|| event.id.clone());
        self.created = self.created.or(event.created);
        self.sequence = event.sequence.or(self.sequence);
        if let Some((index, item)) = &event.item_begun {
            self.items = self.items.max(index.saturating_add(1));
            if self.open_items.len() < CHOICES_MAX {
                self.open_items.insert(*index, item.clone());
            }
        }
        if let Some(index) = &event.item_done {
            self.open_items.remove(index);
        }
        for choice in &event.choices {
            if self.open.len() + self.closed.len() < CHOICES_MAX && !self.closed.contains(choice) {
                self.open.insert(*choice);
            }
        }
        for choice in &event.finished {
            if self.open.remove(choice) {
                self.closed.insert(*choice);
            }
        }
    }

    /// Choices that still need an end.
    fn unfinished(&self) -> Vec<u64> {
        if self.open.is_empty() && self.closed.is_empty() { vec![0] } else { self.open.iter().copied().collect() }
    }
}

/// The answer to a violation.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// Where the request was sent.
    pub endpoint: Endpoint,
    /// The policy that was violated.
    pub policy: &'a Policy,
    /// What was decided.
    pub decision: &'a Decision,
    /// Random letters and digits, [`ID_CHARACTERS`] of them.
    pub id: &'a str,
    /// The gateway's id of the request.
    pub request: &'a str,
    /// Seconds since the Unix epoch.
    pub created: u64,
}

impl Refusal<'_> {
    /// Whether the answer is an error and not a completion.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.policy.answer == AnswerForm::Error || self.endpoint == Endpoint::Embeddings
    }

    /// What the answer says.
    fn text(&self) -> String {
        match self.policy.answer {
            AnswerForm::Completion | AnswerForm::Error => self.policy.sentence.clone(),
            AnswerForm::Json => {
                let details: Vec<Value> = self
                    .decision
                    .categories
                    .iter()
                    .map(|(category, level)| {
                        json!({"type": names::higress_dimension(*category), "level": names::level(*level)})
                    })
                    .collect();
                json!({
                    "code": 200, "denyMessage": self.policy.sentence, "blockedDetails": details,
                    "requestId": self.request, "guardCode": 200
                })
                .to_string()
            }
        }
    }

    /// The error's body.
    #[must_use]
    pub fn error(&self) -> String {
        ErrorBody::new("invalid_request_error", Some("content_filter"), &self.policy.sentence).to_json()
    }

    /// The whole body for a request that is not streamed, unless it is an error.
    #[must_use]
    pub fn whole(&self) -> String {
        let (id, created, text, finish) = (self.id, self.created, self.text(), self.policy.finish.name());
        let choice = match self.endpoint {
            Endpoint::Responses => return responses::body(self, &text).to_string(),
            Endpoint::Completions => json!({"index": 0, "text": text, "logprobs": null, "finish_reason": finish}),
            _ => json!({
                "index": 0, "message": {"role": "assistant", "content": text},
                "logprobs": null, "finish_reason": finish
            }),
        };
        let (prefix, object) = match self.endpoint {
            Endpoint::Completions => ("cmpl-", "text_completion"),
            _ => ("chatcmpl-", "chat.completion"),
        };
        json!({
            "id": format!("{prefix}{id}"), "object": object, "created": created, "model": MODEL,
            "choices": [choice], "usage": usage()
        })
        .to_string()
    }

    /// A stream, from its first event or from where `shape` says that it stands. `wants_usage`: a stream that has begun
    /// ends with a report.
    #[must_use]
    pub fn stream(&self, shape: &Shape, wants_usage: bool) -> Vec<u8> {
        let mut out = Vec::new();
        if self.is_error() {
            encode::data(&mut out, &self.error());
            return out;
        }
        let text = self.text();
        if self.endpoint == Endpoint::Responses {
            responses::stream(self, shape, &text, &mut out);
            return out;
        }
        let begun = shape.begun;
        let choices = shape.unfinished();
        for index in &choices {
            let delta = match self.endpoint {
                Endpoint::Completions => {
                    json!({"index": index, "text": text, "logprobs": null, "finish_reason": null})
                }
                _ if begun => {
                    json!({"index": index, "delta": {"content": text}, "logprobs": null, "finish_reason": null})
                }
                _ => json!({
                    "index": index, "delta": {"role": "assistant", "content": text},
                    "logprobs": null, "finish_reason": null
                }),
            };
            self.chunk(shape, &delta, None, &mut out);
        }
        for (number, index) in choices.iter().enumerate() {
            let finish = self.policy.finish.name();
            let end = match self.endpoint {
                Endpoint::Completions => {
                    json!({"index": index, "text": "", "logprobs": null, "finish_reason": finish})
                }
                _ => json!({"index": index, "delta": {}, "logprobs": null, "finish_reason": finish}),
            };
            let reports = number + 1 == choices.len() && (wants_usage || !begun);
            self.chunk(shape, &end, reports.then(usage), &mut out);
        }
        encode::data(&mut out, encode::DONE);
        out
    }

    fn chunk(&self, shape: &Shape, choice: &Value, usage: Option<Value>, out: &mut Vec<u8>) {
        let (prefix, object) = match self.endpoint {
            Endpoint::Completions => ("cmpl-", "text_completion"),
            _ => ("chatcmpl-", "chat.completion.chunk"),
        };
        let id = shape.id.clone().unwrap_or_else(|| format!("{prefix}{}", self.id));
        let mut chunk = json!({
            "id": id, "object": object, "created": shape.created.unwrap_or(self.created), "model": MODEL,
            "choices": [choice]
        });
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        encode::data(out, &chunk.to_string());
    }
}

fn usage() -> Value {
    json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})
}

impl Finish {
    /// A response's status, and why it is incomplete.
    const fn status(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Stop => ("completed", None),
            Self::ContentFilter => ("incomplete", Some("content_filter")),
        }
    }
}

#[cfg(test)]
mod tests;
