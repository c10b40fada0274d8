//! What a logged request tells about its bill.

use super::based::Basis;
use super::estimate::Estimates;
use super::text::Seen;
use crate::strata::can_wait;
use datasets::{LoggedRequest, Recorded};
use serde_json::Value;
use wire::price::Tier;
use wire::usage::Vocabulary;
use wire::{Request, Usage, UsageSource};

/// A request that somebody was or would be billed for.
#[derive(Debug)]
pub(super) struct Billed {
    /// Tokens, by what they rest on.
    pub parts: Vec<(Basis, Usage)>,
    pub prompt: Seen,
    /// The answer's text and tool calls, where they were kept.
    pub answer: Option<Seen>,
    pub tier: Tier,
    /// It could be asked at a cheaper hour.
    pub waits: bool,
    /// The provider counted it.
    pub counted: bool,
}

/// Reads a request of a provider that counts in the vocabulary `in_`, whose model writes at most `output_max` tokens in one
/// answer; `None` where it failed before anything was billed.
pub(super) fn billed(
    logged: &LoggedRequest,
    request: Option<&Request<'_>>,
    in_: Vocabulary,
    output_max: Option<u64>,
    estimates: &mut Estimates,
) -> Option<Billed> {
    let recorded = logged.recorded.as_ref();
    let prompt = request.map(Seen::in_request).unwrap_or_default();
    let answer = recorded.and_then(answer_of);
    let tier = recorded.map(|recorded| recorded.tier).unwrap_or_default();
    let waits = can_wait(tier, request.is_some_and(|request| request.stream));
    let usage = recorded.and_then(|recorded| recorded.usage);
    let counted = usage.is_some_and(|usage| usage.source == UsageSource::Provider);
    let parts = match usage {
        Some(usage) => {
            if counted {
                estimates.learn(&usage, in_, &prompt, answer.as_ref());
            }
            vec![(Basis::Recorded, usage)]
        }
        None if recorded.is_some_and(|recorded| failed(recorded) && answer.is_none()) => return None,
        None => estimates.parts(in_, &prompt, answer.as_ref(), request.and_then(|request| limit(request, output_max))),
    };
    Some(Billed { parts, prompt, answer, tier, waits, counted })
}

/// The most that a request's answers can have: what it allows, but not more than its model can write.
fn limit(request: &Request<'_>, output_max: Option<u64>) -> Option<u64> {
    let able = output_max.map_or(u64::MAX, |tokens| tokens.saturating_mul(request.choices()));
    request.completion_max().map(|allowed| allowed.min(able))
}

/// Nothing came that a provider would bill.
const fn failed(recorded: &Recorded) -> bool {
    recorded.error.is_some() || recorded.status < 200 || recorded.status >= 300
}

/// The text that was answered, tools' arguments with it; `None` where it was not kept.
fn answer_of(recorded: &Recorded) -> Option<Seen> {
    let mut seen = Seen::default();
    if let Some(text) = &recorded.answer {
        seen.add(text);
    }
    for (name, arguments) in &recorded.tools {
        seen.add(name);
        match arguments {
            Value::String(text) => seen.add(text),
            other => seen.add(&other.to_string()),
        }
    }
    (!seen.is_empty()).then_some(seen)
}
