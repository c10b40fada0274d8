//! Keeps the normative text and the types together, and both readable by each other.

use crate::{
    Arm, AssignedBy, Endpoint, Exchange, Format, FromLog, GuardAction, GuardCheck, GuardLevel, Guarded, Header, Label,
    LoggedRequest, Moderation, Recorded, Redaction, Role, ShadowFate,
};
use proptest::option::of;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wire::price::Tier;
use wire::{ErrorKind, Usage, UsageSource};

const README: &str = include_str!("../README.md");
const MARKER: &str = "<!-- example: ";

/// The examples: kind and JSON.
pub(crate) fn examples() -> Vec<(&'static str, &'static str)> {
    README
        .split(MARKER)
        .skip(1)
        .map(|part| {
            let (kind, rest) = part.split_once(" -->\n```json\n").expect("a marker stands right above a json block");
            (kind, rest.split_once("\n```").expect("a block has an end").0)
        })
        .collect()
}

/// Reads an example, and asserts that nothing in it is unknown to the type.
fn reads_whole<T: DeserializeOwned + Serialize>(json: &str) {
    let value: T = serde_json::from_str(json).unwrap();
    let again: Value = serde_json::to_value(&value).unwrap();
    assert_eq!(again, serde_json::from_str::<Value>(json).unwrap());
}

#[test]
fn every_example_reads_into_its_type() {
    let examples = examples();
    assert_eq!(examples.len(), README.matches("```json").count(), "every json block has a marker");
    for (kind, json) in &examples {
        assert!(!json.contains('\n'), "an example is one line");
        match *kind {
            "header" => {
                reads_whole::<Header>(json);
                let header: Header = serde_json::from_str(json).unwrap();
                header.readable(header.format).unwrap();
            }
            "request" => reads_whole::<LoggedRequest>(json),
            "exchange" => reads_whole::<Exchange>(json),
            "label" => reads_whole::<Label>(json),
            other => panic!("unknown kind of example: {other}"),
        }
    }
    for kind in ["header", "request", "exchange", "label"] {
        assert!(examples.iter().any(|(found, _)| *found == kind), "no example of {kind}");
    }
}

fn full_usage() -> Usage {
    Usage {
        cached: Some(1),
        cache_write: Some(2),
        prompt_audio: Some(3),
        prompt_image: Some(4),
        reasoning: Some(5),
        completion_audio: Some(6),
        ..Usage::new(7, 8, UsageSource::Provider)
    }
}

pub(crate) fn full_header() -> Header {
    Header { config_digest: Some("d".into()), untimed: true, ..Header::new(Format::Exchanges, Redaction::Full) }
}

pub(crate) fn full_request() -> LoggedRequest {
    LoggedRequest {
        id: "i".into(),
        at_us: 1,
        session: Some("s".into()),
        consumer: Some("c".into()),
        endpoint: Endpoint::Embeddings,
        body: serde_json::value::to_raw_value(&Value::Null).unwrap(),
        recorded: Some(Recorded {
            provider: "p".into(),
            model: "m".into(),
            status: 200,
            ttft_us: Some(1),
            duration_us: Some(2),
            error: Some(ErrorKind::Server),
            finish_reason: Some("stop".into()),
            refused: true,
            usage: Some(full_usage()),
            tier: Tier::Batch,
            cost_nanos: Some(3),
            answer: Some("a".into()),
            tools: vec![("f".into(), Value::Null)],
        }),
    }
}

fn full_guard() -> Guarded {
    let check = |action| GuardCheck {
        action,
        level: GuardLevel::High,
        categories: vec!["hate".into(), "self_harm".into()],
        failed: vec!["llama:timeout".into()],
    };
    Guarded { request: Some(check(GuardAction::Flagged)), response: Some(check(GuardAction::Blocked)) }
}

pub(crate) fn full_exchange() -> Exchange {
    Exchange {
        pair: "p".into(),
        arm: Arm::Baseline,
        role: Role::Served,
        endpoint: Endpoint::Chat,
        migration: "m".into(),
        epoch: 1,
        weight_bp: 2,
        request: Some("r".into()),
        unit: Some("u".into()),
        consumer: Some("c".into()),
        assigned_by: Some(AssignedBy::Weight),
        assigned_bp: Some(9_000),
        shadow_bp: Some(10_000),
        provider: "p".into(),
        model: "m".into(),
        model_answered: Some("m".into()),
        streamed: true,
        structured: true,
        at_us: 1,
        sent_us: 2,
        first_event_us: Some(2),
        ttft_us: Some(3),
        first_visible_us: Some(4),
        duration_us: 4,
        status: 200,
        attempts: 2,
        error: Some(ErrorKind::Connect),
        finish_reason: Some("stop".into()),
        form_failure: Some("empty".into()),
        moderation: Some(Moderation::BlockedByProvider),
        refused: true,
        guard: Some(full_guard()),
        usage: Some(full_usage()),
        tier: Tier::Flex,
        cost_nanos: Some(5),
        prompt_chars: 6,
        prompt_wide_chars: Some(0),
        answer_chars: 7,
        reasoning_chars: Some(8),
        answer_digest: Some("d".into()),
        tools_digest: Some("t".into()),
        answer: Some("a".into()),
        quality: Some(0.5),
        shadow: Some(ShadowFate::Sent),
        recorded: Some(FromLog::Timed),
        dropped: vec!["user".into()],
    }
}

/// Names of all members, at any depth.
fn members(value: &Value, found: &mut Vec<String>) {
    for (name, inner) in value.as_object().into_iter().flatten() {
        found.push(name.clone());
        members(inner, found);
    }
}

/// The part of the text under a heading.
fn section(heading: &str) -> &'static str {
    let rest = README.split_once(heading).unwrap_or_else(|| panic!("no heading {heading}")).1;
    rest.split("\n## ").next().unwrap_or_default()
}

#[test]
fn every_member_has_its_row() {
    let values = [
        ("## What all files share", serde_json::to_value(full_header()).unwrap()),
        ("## Request log", serde_json::to_value(full_request()).unwrap()),
        ("## Exchange records", serde_json::to_value(full_exchange()).unwrap()),
        ("## Labels", serde_json::json!({"request": "", "answer_digest": "", "metric": "", "good": true})),
    ];
    for (heading, value) in values {
        let mut names = Vec::new();
        members(&value, &mut names);
        for name in names {
            // Usage is described once, among the exchange records.
            let usage = serde_json::to_value(full_usage()).unwrap().get(&name).is_some();
            let place = if usage { README } else { section(heading) };
            // Two members are told by the way to them, because another one has the same name.
            let told = [format!("\n| `{name}` | "), format!("\n| `guard.{name}` | ")];
            assert!(told.iter().any(|row| place.contains(row)), "{heading} has no row for {name}");
        }
    }
}

#[test]
fn every_word_of_a_closed_list_is_named() {
    let mut words = Vec::new();
    let mut add = |value: Value| words.push(value.as_str().unwrap().to_owned());
    for format in [Format::Requests, Format::Exchanges, Format::Labels] {
        add(serde_json::to_value(format).unwrap());
        assert_eq!(serde_json::to_value(format).unwrap(), format.name());
    }
    for redaction in [Redaction::Full, Redaction::Hashed, Redaction::None] {
        add(serde_json::to_value(redaction).unwrap());
    }
    for role in ROLES {
        add(serde_json::to_value(role).unwrap());
    }
    for fate in FATES {
        add(serde_json::to_value(fate).unwrap());
    }
    for endpoint in Endpoint::ALL {
        add(serde_json::to_value(endpoint).unwrap());
    }
    for assigned_by in ASSIGNED_BY {
        add(serde_json::to_value(assigned_by).unwrap());
        assert_eq!(serde_json::to_value(assigned_by).unwrap(), assigned_by.name());
    }
    for error in ERRORS {
        add(serde_json::to_value(error).unwrap());
    }
    add(serde_json::to_value(Moderation::BlockedByProvider).unwrap());
    for action in GUARD_ACTIONS {
        add(serde_json::to_value(action).unwrap());
        assert_eq!(serde_json::to_value(action).unwrap(), action.name());
    }
    for level in GUARD_LEVELS {
        add(serde_json::to_value(level).unwrap());
        assert_eq!(serde_json::to_value(level).unwrap(), level.name());
    }
    add(serde_json::to_value(UsageSource::Estimate).unwrap());
    for tier in TIERS {
        add(serde_json::to_value(tier).unwrap());
    }
    for word in words {
        assert!(README.contains(&format!("`{word}`")), "{word}");
    }
}

pub(crate) const ROLES: [Role; 6] =
    [Role::Served, Role::Shadow, Role::Replayed, Role::Observed, Role::Fallback, Role::Repeat];
pub(crate) const FATES: [ShadowFate; 10] = [
    ShadowFate::Sent,
    ShadowFate::NotSampled,
    ShadowFate::QueueFull,
    ShadowFate::Unfit,
    ShadowFate::ShuttingDown,
    ShadowFate::BytesFull,
    ShadowFate::BudgetSpent,
    ShadowFate::CandidateBusy,
    ShadowFate::BreakerOpen,
    ShadowFate::Paused,
];
pub(crate) const ASSIGNED_BY: [AssignedBy; 6] = [
    AssignedBy::Weight,
    AssignedBy::Header,
    AssignedBy::HeaderPattern,
    AssignedBy::Cookie,
    AssignedBy::Unfit,
    AssignedBy::None,
];
pub(crate) const TIERS: [Tier; 5] = [Tier::Standard, Tier::Batch, Tier::Flex, Tier::Priority, Tier::Ultrafast];
pub(crate) const GUARD_ACTIONS: [GuardAction; 4] =
    [GuardAction::None, GuardAction::Flagged, GuardAction::Masked, GuardAction::Blocked];
pub(crate) const GUARD_LEVELS: [GuardLevel; 5] =
    [GuardLevel::None, GuardLevel::Low, GuardLevel::Medium, GuardLevel::High, GuardLevel::Max];
pub(crate) const ERRORS: [ErrorKind; 15] = [
    ErrorKind::Connect,
    ErrorKind::Timeout,
    ErrorKind::Truncated,
    ErrorKind::Malformed,
    ErrorKind::RateLimit,
    ErrorKind::Quota,
    ErrorKind::Auth,
    ErrorKind::BadRequest,
    ErrorKind::NotFound,
    ErrorKind::Moderation,
    ErrorKind::Overloaded,
    ErrorKind::Server,
    ErrorKind::ClientCancelled,
    ErrorKind::GatewayStopped,
    ErrorKind::GatewayBusy,
];

/// Any text, line separators and quotes included.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), Just("a\u{2028}b\n\"c\\".to_owned()), Just(String::new())]
}

pub(crate) fn any_usage() -> impl Strategy<Value = Usage> {
    let part = || of(any::<u64>());
    let parts = (part(), part(), part(), part(), part(), part());
    (any::<u64>(), any::<u64>(), parts, any::<bool>()).prop_map(|(prompt, completion, parts, provider)| {
        let source = if provider { UsageSource::Provider } else { UsageSource::Estimate };
        let (cached, cache_write, prompt_audio, prompt_image, reasoning, completion_audio) = parts;
        Usage {
            prompt,
            completion,
            cached,
            cache_write,
            prompt_audio,
            prompt_image,
            reasoning,
            completion_audio,
            source,
        }
    })
}

pub(crate) fn any_recorded() -> impl Strategy<Value = Recorded> {
    let names = (text(), text(), of(text()), of(text()));
    let numbers = (any::<u16>(), of(any::<u64>()), of(any::<u64>()));
    let made = (any::<bool>(), of(any::<i64>()), prop::collection::vec((text(), text().prop_map(Value::String)), 0..3));
    let used = (of(any_usage()), prop::sample::select(&TIERS[..]));
    (names, numbers, of(prop::sample::select(&ERRORS[..])), used, made).prop_map(
        |((provider, model, finish_reason, answer), (status, ttft_us, duration_us), error, used, made)| Recorded {
            provider,
            model,
            status,
            ttft_us,
            duration_us,
            error,
            finish_reason,
            refused: made.0,
            usage: used.0,
            tier: used.1,
            cost_nanos: made.1,
            answer,
            tools: made.2,
        },
    )
}

fn any_check() -> impl Strategy<Value = GuardCheck> {
    let words = (prop::sample::select(&GUARD_ACTIONS[..]), prop::sample::select(&GUARD_LEVELS[..]));
    let lists = (prop::collection::vec(text(), 0..3), prop::collection::vec(text(), 0..3));
    (words, lists).prop_map(|((action, level), (categories, failed))| GuardCheck { action, level, categories, failed })
}

/// Any verdict of a guard that looked at something; the form of one that did not is that of no guard.
pub(crate) fn any_guard() -> impl Strategy<Value = Option<Guarded>> {
    (of(any_check()), of(any_check()))
        .prop_map(|(request, response)| Some(Guarded { request, response }).filter(|guard| !guard.is_empty()))
}

pub(crate) fn any_exchange() -> impl Strategy<Value = Exchange> {
    let who = (text(), any::<bool>(), prop::sample::select(&ROLES[..]), text(), any::<u64>(), any::<u32>());
    let ids = (of(text()), of(text()), text(), text(), of(text()), any::<bool>());
    let times = (any::<i64>(), any::<i64>(), of(any::<u64>()), any::<u64>(), any::<u16>());
    let firsts = (of(any::<u64>()), of(any::<u64>()));
    let ends = (of(prop::sample::select(&ERRORS[..])), of(text()), of(text()), any::<bool>());
    let sizes = (of(any_usage()), of(any::<i64>()), any::<u64>(), any::<u64>(), prop::sample::select(&TIERS[..]));
    let content = (of(text()), of(text()), of(prop::sample::select(&FATES[..])), prop::collection::vec(text(), 0..3));
    let endpoint = (prop::sample::select(&Endpoint::ALL[..]), of(text()), any::<u32>(), of(any::<u64>()));
    let judged = (
        any::<bool>(),
        any::<bool>(),
        of(any::<u64>()),
        of(text()),
        of(0.0..=1.0),
        of(prop_oneof![Just(FromLog::Timed), Just(FromLog::Untimed)]),
        any_guard(),
    );
    let assigned = (of(prop::sample::select(&ASSIGNED_BY[..])), of(any::<u32>()), of(any::<u32>()));
    let all = (who, ids, (times, firsts), ends, sizes, content, endpoint, assigned, judged);
    all.prop_map(|(who, ids, (times, firsts), ends, sizes, content, endpoint, assigned, judged)| Exchange {
        pair: who.0,
        arm: if who.1 { Arm::Baseline } else { Arm::Candidate },
        role: who.2,
        endpoint: endpoint.0,
        migration: who.3,
        epoch: who.4,
        weight_bp: who.5,
        request: ids.0,
        unit: ids.1,
        consumer: endpoint.1,
        assigned_by: assigned.0,
        assigned_bp: assigned.1,
        shadow_bp: assigned.2,
        provider: ids.2,
        model: ids.3,
        model_answered: ids.4,
        streamed: ids.5,
        structured: judged.0,
        at_us: times.0,
        sent_us: times.1,
        first_event_us: firsts.0,
        ttft_us: times.2,
        first_visible_us: firsts.1,
        duration_us: times.3,
        status: times.4,
        attempts: endpoint.2,
        error: ends.0,
        finish_reason: ends.1,
        form_failure: ends.2,
        moderation: ends.3.then_some(Moderation::BlockedByProvider),
        refused: judged.1,
        guard: judged.6,
        usage: sizes.0,
        tier: sizes.4,
        cost_nanos: sizes.1,
        prompt_chars: sizes.2,
        prompt_wide_chars: judged.2,
        answer_chars: sizes.3,
        reasoning_chars: endpoint.3,
        answer_digest: content.0,
        tools_digest: judged.3,
        answer: content.1,
        quality: judged.4,
        shadow: content.2,
        recorded: judged.5,
        dropped: content.3,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn exchanges_survive_their_file(exchange in any_exchange()) {
        let line = serde_json::to_string(&exchange).unwrap();
        prop_assert!(!line.contains('\n'), "one record is one line");
        prop_assert_eq!(serde_json::from_str::<Exchange>(&line).unwrap(), exchange);
    }

    #[test]
    fn a_guard_that_looked_at_nothing_is_none(exchange in any_exchange()) {
        let empty = Exchange { guard: Some(Guarded::default()), ..exchange };
        let none = Exchange { guard: None, ..empty.clone() };
        let line = serde_json::to_string(&empty).unwrap();
        prop_assert_eq!(&line, &serde_json::to_string(&none).unwrap());
        let said = line.replacen('{', r#"{"guard":{},"#, 1);
        prop_assert_eq!(serde_json::from_str::<Exchange>(&said).unwrap(), none);
    }

    #[test]
    fn requests_survive_their_file(
        id in text(), at_us in any::<i64>(), session in of(text()), consumer in of(text()), prompt in text(), recorded in of(any_recorded()),
    ) {
        // Blanks, escapes and the form of numbers in the body must come back as they were.
        let body = format!(r#"{{ "model":"m",  "temperature":1.50,"messages":[{}] }}"#, serde_json::json!(prompt));
        let body = serde_json::value::RawValue::from_string(body).unwrap();
        let request = LoggedRequest { id, at_us, session, consumer, endpoint: Endpoint::Responses, body, recorded };
        let line = serde_json::to_string(&request).unwrap();
        prop_assert!(!line.contains('\n'), "one record is one line");
        let again: LoggedRequest = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(again.body.get(), request.body.get());
        prop_assert_eq!((again.id, again.at_us, again.session), (request.id, request.at_us, request.session));
        prop_assert_eq!((again.consumer, again.endpoint), (request.consumer, request.endpoint));
        prop_assert_eq!(again.recorded, request.recorded);
    }
}
