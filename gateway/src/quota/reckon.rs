//! The most that a request may use.

use crate::config::{PromptReserve, QuotaStore};
use wire::usage::{Characters, UsageSource};
use wire::{Endpoint, Request, Usage};

/// Tokens that a provider puts around a message.
const MESSAGE_TOKENS: u64 = 8;
/// Tokens of a picture that is large.
const PICTURE_TOKENS: u64 = 1500;
/// Tokens that providers put around a whole request, tools included.
const FRAME_TOKENS: u64 = 512;

/// Tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Most {
    pub input: u64,
    pub output: u64,
}

impl Most {
    pub(super) const fn usage(self) -> Usage {
        Usage::new(self.input, self.output, UsageSource::Estimate)
    }
}

/// What is set aside for a request whose body has `bytes` bytes.
pub(super) fn most(request: &Request<'_>, bytes: usize, config: &QuotaStore) -> Most {
    let input = match config.prompt_reserve {
        PromptReserve::Certain => bytes as u64 + FRAME_TOKENS,
        PromptReserve::Likely => likely(request),
    };
    let named = output_asked(request).map(|each| each.saturating_mul(choices(request)));
    let output = match request.endpoint {
        Endpoint::Embeddings | Endpoint::Moderations => 0,
        _ => named.unwrap_or_else(|| config.output_tokens_default.saturating_mul(choices(request))),
    };
    Most { input, output }
}

/// One and a half times the usual tokens of all text, tools and schemas included, and a flat number for pictures.
fn likely(request: &Request<'_>) -> u64 {
    let mut text = Characters::default();
    let mut messages = 0;
    request.for_each_text(|piece| {
        text.add(piece);
        messages += 1;
    });
    let subject = request.endpoint.subject();
    for (name, value) in request.object.members().filter(|(name, _)| *name != subject && *name != "instructions") {
        text.narrow += (name.len() + value.get().len()) as u64;
    }
    let subject = request.object.get(subject).map_or("", |raw| raw.get());
    let pictures = (subject.matches("\"image_url\"").count() + subject.matches("\"input_image\"").count()) as u64;
    // Calls of tools in earlier messages, and token numbers, are text to nobody else.
    let unseen = if subject.contains("\"arguments\"") || text.total() == 0 { subject.len() as u64 / 4 } else { 0 };
    (text.tokens() + unseen) * 3 / 2 + messages * MESSAGE_TOKENS + pictures * PICTURE_TOKENS
}

/// Members that bound the answer's tokens, in the order in which they count.
pub(super) const fn bounds(endpoint: Endpoint) -> &'static [&'static str] {
    match endpoint {
        Endpoint::Chat => &["max_completion_tokens", "max_tokens"],
        Endpoint::Completions => &["max_tokens"],
        Endpoint::Responses => &["max_output_tokens"],
        Endpoint::Embeddings | Endpoint::Moderations => &[],
    }
}

/// The bound that a request names for one choice. Of several the largest: providers differ in which of them counts, and in
/// which of a member that stands twice.
pub(super) fn output_asked(request: &Request<'_>) -> Option<u64> {
    largest(request, bounds(request.endpoint))
}

fn largest(request: &Request<'_>, names: &[&str]) -> Option<u64> {
    let members = request.object.members().filter(|(name, _)| names.contains(name));
    members.filter_map(|(_, value)| number(value.get())).max()
}

/// A number that is not negative, rounded up.
fn number(text: &str) -> Option<u64> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<f64>().ok().filter(|number| *number >= 0.0).map(|number| number.ceil() as u64))
}

/// How many answers are asked for at once.
pub(super) fn choices(request: &Request<'_>) -> u64 {
    let members: &[&str] = match request.endpoint {
        Endpoint::Chat => &["n"],
        Endpoint::Completions => &["n", "best_of"],
        _ => &[],
    };
    let asked = largest(request, members).unwrap_or(1).max(1);
    // A list of prompts gets as many answers.
    let prompts = match request.endpoint {
        Endpoint::Completions => request.object.read::<Vec<serde_json::Value>>("prompt").map_or(1, |all| prompts(&all)),
        _ => 1,
    };
    asked.saturating_mul(prompts)
}

/// A list of numbers is one prompt.
fn prompts(all: &[serde_json::Value]) -> u64 {
    if all.iter().any(serde_json::Value::is_number) { 1 } else { all.len().max(1) as u64 }
}
