//! What a logged answer tells: read with the same code that reads answers on the wire.

use crate::Recorded;
use bytes::Bytes;
use serde_json::Value;
use wire::chat::{Answer, Fold};
use wire::price::Tier;
use wire::provider::standard_error;
use wire::sse::Decoder;
use wire::{Endpoint, ErrorKind, Usage};

/// Most bytes that are kept of an answer's text.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Fills a recorded answer from the body that came back, whole or as server-sent events. What the log said itself stays
/// where the body does not say it.
pub(super) fn fill(recorded: &mut Recorded, endpoint: Endpoint, body: &[u8]) {
    if ErrorKind::of_status(recorded.status).is_some() {
        recorded.error = Some(standard_error(recorded.status, body).kind);
        return;
    }
    let answer = if is_event_stream(body) { streamed(endpoint, body) } else { whole(endpoint, body) };
    let Some(answer) = answer else {
        recorded.error = recorded.error.or(Some(ErrorKind::Malformed));
        return;
    };
    recorded.error = recorded.error.or_else(|| answer.fault());
    recorded.tools = calls(&answer);
    let only_calls = !recorded.tools.is_empty() && answer.text.is_empty();
    recorded.refused |= answer.refused;
    recorded.usage = answer.usage.map(|usage| with_parts(usage, recorded.usage)).or(recorded.usage);
    // The standard tier is also what an answer has that names none.
    if let Some(tier) = answer.tier.filter(|tier| *tier != Tier::Standard) {
        recorded.tier = tier;
    }
    recorded.finish_reason = answer.finish_reason.or_else(|| recorded.finish_reason.take());
    if let Some(model) = answer.model.filter(|model| !model.is_empty()) {
        recorded.model = model;
    }
    let has_text = !matches!(endpoint, Endpoint::Embeddings | Endpoint::Moderations);
    if has_text && !only_calls && !answer.truncated {
        recorded.answer = Some(answer.text);
    }
}

/// The answer's own counts, with the parts that only the log has, if it counted the same tokens.
fn with_parts(usage: Usage, logged: Option<Usage>) -> Usage {
    let same = |logged: &Usage| (logged.prompt, logged.completion) == (usage.prompt, usage.completion);
    let Some(logged) = logged.filter(same) else { return usage };
    let uncached = usage.prompt - usage.cached.or(logged.cached).unwrap_or(0).min(usage.prompt);
    Usage {
        cached: usage.cached.or(logged.cached),
        cache_write: usage.cache_write.or(logged.cache_write).map(|written| written.min(uncached)),
        prompt_audio: usage.prompt_audio.or(logged.prompt_audio),
        prompt_image: usage.prompt_image.or(logged.prompt_image),
        reasoning: usage.reasoning.or(logged.reasoning),
        completion_audio: usage.completion_audio.or(logged.completion_audio),
        ..usage
    }
}

/// Events begin with a field or a comment, never with a bracket.
pub(super) fn is_event_stream(body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    [&b"data:"[..], b"event:", b"id:", b"retry:", b":"].iter().any(|field| body.starts_with(field))
}

fn whole(endpoint: Endpoint, body: &[u8]) -> Option<Answer> {
    let mut fold = Fold::new(endpoint, ANSWER_BYTES_MAX);
    serde_json::from_slice::<serde::de::IgnoredAny>(body).ok()?;
    fold.whole(body);
    Some(fold.answer())
}

fn streamed(endpoint: Endpoint, body: &[u8]) -> Option<Answer> {
    let mut fold = Fold::new(endpoint, ANSWER_BYTES_MAX);
    let mut decoder = Decoder::new();
    decoder.push(Bytes::copy_from_slice(body));
    // A log may leave out the blank line at the end.
    while let Some(frame) = decoder.next_frame().or_else(|| decoder.finish()) {
        if let Some(data) = frame.data() {
            fold.chunk(data);
        }
    }
    Some(fold.answer())
}

/// The calls of tools, as the file format has them.
fn calls(answer: &Answer) -> Vec<(String, Value)> {
    answer.tools.canonical().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}
