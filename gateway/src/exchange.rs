//! From what was measured to the record that is kept.

use crate::config::Records;
use crate::lane::{Lane, Snapshot};
use crate::routing::Assignment;
use datasets::{Arm, Exchange, Moderation, Redaction, Role, ShadowFate};
use std::sync::Arc;
use std::time::Instant;
use wire::chat::Answer;
use wire::price::Tariffs;
use wire::usage::Characters;
use wire::{Endpoint, ErrorKind, Usage};

/// What all records of a request share.
#[derive(Clone)]
pub(crate) struct Context {
    pub pair: String,
    pub request: Option<String>,
    pub unit: String,
    pub lane: Arc<Lane>,
    pub snapshot: Snapshot,
    pub endpoint: Endpoint,
    pub consumer: Option<Arc<str>>,
    pub assignment: Assignment,
    /// Probability of being mirrored, hundredths of a percent; `None` where nothing was drawn.
    pub shadow_bp: Option<u32>,
    pub at_us: i64,
    pub arrived: Instant,
    pub streamed: bool,
    pub wants_json: bool,
    /// The client speaks the deprecated form of tools.
    pub uses_functions: bool,
    pub prompt: Characters,
}

/// One call to one provider.
#[derive(Debug, Clone)]
pub(crate) struct Leg {
    pub arm: Arm,
    pub role: Role,
    pub provider: &'static str,
    pub model: String,
    pub sent_us: i64,
    pub attempts: u32,
    pub dropped: Vec<&'static str>,
    pub shadow: Option<ShadowFate>,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub status: u16,
    pub ttft_us: Option<u64>,
    pub duration_us: u64,
    pub error: Option<ErrorKind>,
    /// What was read of the answer; `None` if there was none.
    pub answer: Option<Answer>,
}

/// Puts the record together: usage (reported, or estimated where the report was lost), cost, form, content as the
/// redaction mode allows.
pub(crate) fn exchange(
    context: &Context,
    leg: &Leg,
    outcome: Outcome,
    tariffs: &Tariffs,
    records: Option<&Records>,
) -> Exchange {
    let usage = usage(context, &outcome);
    let answer = outcome.answer;
    let answered = answer.as_ref().and_then(|answer| answer.model.clone());
    let cost_nanos = usage.and_then(|usage| {
        let price = |model: &str| tariffs.price(leg.provider, model, leg.sent_us, &usage).map(|priced| priced.nanos);
        answered.as_deref().and_then(price).or_else(|| price(&leg.model))
    });
    let form_failure = match (&answer, outcome.error) {
        (Some(answer), None) => answer.form_failure(context.wants_json).map(str::to_owned),
        _ => None,
    };
    let filtered = answer.as_ref().is_some_and(|answer| answer.finish_reason.as_deref() == Some("content_filter"));
    let blocked = outcome.error == Some(ErrorKind::Moderation) || filtered;
    let redaction = records.map_or(Redaction::None, |records| records.redaction);
    let salt = records.map_or("", |records| records.salt.as_str());
    let text = answer.as_ref().filter(|_| outcome.error.is_none()).map(|answer| answer.text.as_str());
    Exchange {
        pair: context.pair.clone(),
        arm: leg.arm,
        role: leg.role,
        endpoint: context.endpoint,
        migration: context.lane.name().to_owned(),
        epoch: context.snapshot.epoch,
        weight_bp: context.snapshot.weights.candidate.bp(),
        request: context.request.clone(),
        unit: Some(context.unit.clone()),
        consumer: context.consumer.as_deref().map(str::to_owned),
        assigned_by: Some(context.assignment.by),
        assigned_bp: Some(context.assignment.probability_bp),
        shadow_bp: context.shadow_bp,
        provider: leg.provider.to_owned(),
        model: leg.model.clone(),
        model_answered: answered,
        streamed: context.streamed,
        at_us: context.at_us,
        sent_us: leg.sent_us,
        ttft_us: outcome.ttft_us,
        duration_us: outcome.duration_us,
        status: outcome.status,
        attempts: leg.attempts,
        error: outcome.error,
        finish_reason: answer.as_ref().and_then(|answer| answer.finish_reason.clone()),
        form_failure,
        moderation: blocked.then_some(Moderation::BlockedByProvider),
        usage,
        cost_nanos,
        prompt_chars: context.prompt.total(),
        answer_chars: answer.as_ref().map_or(0, |answer| answer.characters.total()),
        reasoning_chars: answer.as_ref().map(|answer| answer.reasoning.total()).filter(|characters| *characters > 0),
        answer_digest: text.filter(|_| redaction != Redaction::None).map(|text| datasets::digest::content(salt, text)),
        answer: text.filter(|_| redaction == Redaction::Full).map(str::to_owned),
        shadow: leg.shadow,
        dropped: leg.dropped.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// The reported usage. Where the report was lost, an estimate, because those tokens will be billed: of the text that
/// came, and of the prompt alone if the call was broken off before any came.
fn usage(context: &Context, outcome: &Outcome) -> Option<Usage> {
    if let Some(answer) = &outcome.answer {
        if answer.usage.is_some() {
            return answer.usage;
        }
        let mut completion = answer.characters;
        completion.wide += answer.reasoning.wide;
        completion.narrow += answer.reasoning.narrow;
        if completion.total() > 0 {
            return Some(Usage::estimate(context.prompt, completion));
        }
    }
    let broken_off = matches!(
        outcome.error,
        Some(ErrorKind::ClientCancelled | ErrorKind::GatewayStopped | ErrorKind::Timeout | ErrorKind::Truncated)
    );
    broken_off.then(|| Usage::estimate(context.prompt, Characters::default()))
}
