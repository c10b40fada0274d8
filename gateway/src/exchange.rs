//! From what was measured to the record that is kept.

use crate::config::Records;
use crate::lane::{Lane, Snapshot};
use crate::live_guard::Watched;
use crate::routing::Assignment;
use crate::safety::{Said, Watch};
use crate::trace::{LegSpan, Trace};
use datasets::{Arm, Exchange, GuardCheck, Guarded, Moderation, Redaction, Role, ShadowFate};
use guard::Action;
use std::sync::Arc;
use std::time::Instant;
use wire::chat::Answer;
use wire::price::{Call, Tariffs, Tier};
use wire::usage::{Characters, Ended, Tally};
use wire::{Endpoint, ErrorKind, Form, Usage};

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
    /// What the request demands of its answer's form.
    pub form: Form,
    /// The client speaks the deprecated form of tools.
    pub uses_functions: bool,
    /// Characters of what the model is asked.
    pub prompt: Characters,
    /// What a provider bills of the request.
    pub billed: Tally,
    /// Most completion tokens that the request allows, all choices together.
    pub completion_max: Option<u64>,
    /// Service tier that it asks for.
    pub tier: Tier,
    /// Prices that were in force when it came.
    pub tariffs: Arc<Tariffs>,
    /// The guard, where a policy holds.
    pub watch: Option<Watch>,
    /// The trace that it belongs to, where spans are wanted.
    pub trace: Option<Arc<Trace>>,
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
    /// Where the live guard has it, if the weight drew it.
    pub watched: Option<Watched>,
    /// Its span, where its request has a trace.
    pub span: Option<LegSpan>,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub status: u16,
    pub first_event_us: Option<u64>,
    pub ttft_us: Option<u64>,
    pub first_visible_us: Option<u64>,
    pub duration_us: u64,
    pub error: Option<ErrorKind>,
    /// What was read of the answer; `None` if there was none.
    pub answer: Option<Answer>,
    /// What the answer says, where the guard judges answers.
    pub said: Option<Said>,
    /// The guard's verdict, if it is known.
    pub guard: Option<GuardCheck>,
    /// What the guard did, whatever its verdict of the whole answer will be.
    pub done: Action,
    /// The guard cut the answer: what is missing is not the provider's fault.
    pub cut: bool,
}

/// Puts the record together: usage (reported, or estimated where the report was lost), cost, form, content as the
/// redaction mode allows.
pub(crate) fn exchange(context: &Context, leg: &Leg, outcome: Outcome, records: Option<&Records>) -> Exchange {
    let usage = usage(context, leg, &outcome);
    let answer = outcome.answer;
    let answered = answer.as_ref().and_then(|answer| answer.model.clone());
    // Of an answer that does not tell its tier, the one that was asked for is the best guess.
    let tier = answer.as_ref().and_then(|answer| answer.tier).unwrap_or_else(|| context.tier.at(leg.provider));
    let cost_nanos = usage.and_then(|usage| {
        let call = Call { answered: answered.as_deref(), tier, ..Call::new(leg.provider, &leg.model, leg.sent_us) };
        context.tariffs.price(&call, &usage).map(|priced| priced.nanos)
    });
    let form_failure = match (&answer, outcome.error) {
        (Some(answer), None) if !outcome.cut => answer.form_failure(context.form).map(str::to_owned),
        _ => None,
    };
    let filtered = answer.as_ref().is_some_and(|answer| answer.finish_reason.as_deref() == Some("content_filter"));
    let blocked = outcome.error == Some(ErrorKind::Moderation) || filtered;
    let refused = answer.as_ref().is_some_and(|answer| answer.refused);
    // Content of an answer that was cut would be compared with a whole one.
    let whole = answer.as_ref().filter(|_| !outcome.cut);
    let Content { answer_digest, tools_digest, answer: text } = content(whole, outcome.error, records);
    let request = context.watch.as_ref().and_then(Watch::of_request);
    let guard = Some(Guarded { request, response: outcome.guard }).filter(|guard| !guard.is_empty());
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
        structured: context.form.is_demanded(),
        at_us: context.at_us,
        sent_us: leg.sent_us,
        first_event_us: outcome.first_event_us,
        ttft_us: outcome.ttft_us,
        first_visible_us: outcome.first_visible_us,
        duration_us: outcome.duration_us,
        status: outcome.status,
        attempts: leg.attempts,
        error: outcome.error,
        finish_reason: answer.as_ref().and_then(|answer| answer.finish_reason.clone()),
        form_failure,
        moderation: blocked.then_some(Moderation::BlockedByProvider),
        refused,
        guard,
        usage,
        tier,
        cost_nanos,
        prompt_chars: context.prompt.total(),
        prompt_wide_chars: Some(context.prompt.wide),
        answer_chars: answer.as_ref().map_or(0, |answer| answer.characters.total()),
        reasoning_chars: answer.as_ref().map(|answer| answer.reasoning.total()).filter(|characters| *characters > 0),
        answer_digest,
        tools_digest,
        answer: text,
        quality: None,
        shadow: leg.shadow,
        recorded: None,
        dropped: leg.dropped.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// What the redaction mode lets be kept of an answer.
#[derive(Debug, Default, PartialEq)]
struct Content {
    answer_digest: Option<String>,
    tools_digest: Option<String>,
    answer: Option<String>,
}

/// Content of an answer that came whole; nothing of one that failed.
fn content(answer: Option<&Answer>, error: Option<ErrorKind>, records: Option<&Records>) -> Content {
    let kept = records.filter(|records| records.redaction != Redaction::None && error.is_none());
    let (Some(answer), Some(records)) = (answer, kept) else { return Content::default() };
    let digest = |text: &str| datasets::digest::content(records.salt.as_str(), text);
    Content {
        answer_digest: Some(digest(&answer.text)),
        tools_digest: answer.tools.canonical().as_deref().map(digest),
        answer: (records.redaction == Redaction::Full).then(|| answer.text.clone()),
    }
}

/// The reported usage, or an estimate where the report was lost: by the same rule as in a replay.
fn usage(context: &Context, leg: &Leg, outcome: &Outcome) -> Option<Usage> {
    let ended = Ended {
        provider: leg.provider,
        model: &leg.model,
        endpoint: context.endpoint,
        streamed: context.streamed,
        prompt: &context.billed,
        completion_max: context.completion_max,
        status: outcome.status,
        error: outcome.error,
        answer: outcome.answer.as_ref(),
        ttft_us: outcome.ttft_us,
        duration_us: outcome.duration_us,
    };
    ended.usage()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Salt, SyncPolicy};
    use std::time::Duration;
    use wire::chat::Fold;

    fn records(redaction: Redaction) -> Records {
        Records {
            path: "records.ndjson".into(),
            redaction,
            salt: Salt::new("salt".to_owned()),
            queue_lines_max: 1,
            queue_bytes_max: 1,
            answer_bytes_max: 100,
            flush_interval: Duration::ZERO,
            rotate_bytes_max: 1,
            rotate_interval: None,
            sync: SyncPolicy::Close,
            files_max: None,
        }
    }

    fn called(arguments: &str) -> Answer {
        let mut fold = Fold::new(Endpoint::Chat, 100);
        let call = format!(r#"{{"id":"a","function":{{"name":"f","arguments":"{arguments}"}}}}"#);
        let body = format!(r#"{{"choices":[{{"index":0,"message":{{"content":"ok","tool_calls":[{call}]}}}}]}}"#);
        fold.whole(body.as_bytes());
        fold.answer()
    }

    #[test]
    fn calls_have_a_digest_of_what_they_say_where_content_may_be_told_by_one() {
        let of = |answer: &Answer, redaction| content(Some(answer), None, Some(&records(redaction)));
        let (one, same, other) = (called(r#"{\"a\":1,\"b\":2}"#), called(r#"{ \"b\":2.0,\"a\":1 }"#), called("{}"));
        let hashed = of(&one, Redaction::Hashed);
        let expected = datasets::digest::content("salt", r#"[["f",{"a":1,"b":2}]]"#);
        assert_eq!((hashed.tools_digest.as_deref(), &hashed.answer), (Some(&*expected), &None));
        assert_eq!(hashed, of(&same, Redaction::Hashed));
        assert_ne!(hashed.tools_digest, of(&other, Redaction::Hashed).tools_digest);
        let full = of(&one, Redaction::Full);
        assert_eq!((full.tools_digest, full.answer.as_deref()), (Some(expected), Some("ok")));
        assert_eq!(of(&one, Redaction::None), Content::default());
        assert_eq!(
            content(Some(&one), Some(ErrorKind::Truncated), Some(&records(Redaction::Full))),
            Content::default()
        );
        assert_eq!(content(Some(&one), None, None), Content::default());
        assert_eq!(of(&Answer::new(Endpoint::Chat), Redaction::Full).tools_digest, None, "no call, no digest");
    }
}
