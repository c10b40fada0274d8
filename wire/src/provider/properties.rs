//! Laws that hold for every adapter, whatever a client or a provider sends.

use super::{Edit, Effect, Finding, JsonSchema, Policy, Provider, Target, Thinking, View, outlook};
use crate::endpoint::Endpoint;
use crate::json::Object;
use crate::request::Request;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A value of any shape, with words that mean something now and then.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u32>().prop_map(Value::from),
        prop_oneof![
            Just("auto"),
            Just("required"),
            Just("function"),
            Just("custom"),
            Just("assistant"),
            Just("developer"),
            Just("high"),
            Just("json_schema"),
            Just("stop"),
            Just("aborted"),
            Just("tool_calls"),
            Just("日本 \"q\" \\ \n")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((name(), inner), 0..4).prop_map(|list| Value::from(Map::from_iter(list))),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("type"),
        Just("role"),
        Just("content"),
        Just("tool_calls"),
        Just("function"),
        Just("function_call"),
        Just("reasoning_content"),
        Just("refusal"),
        Just("id"),
        Just("name"),
        Just("index"),
        Just("delta"),
        Just("message"),
        Just("finish_reason"),
        Just("effort"),
        Just("text"),
        Just("unknown")
    ]
    .prop_map(str::to_owned)
}

/// Values that matter to some row.
fn telling() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(0)),
        Just(json!(1)),
        Just(json!(2)),
        Just(json!(-1)),
        Just(json!(0.5)),
        Just(json!(3)),
        Just(json!(999_999_999)),
        Just(json!(true)),
        Just(json!(false)),
        Just(json!("none")),
        Just(json!("low")),
        Just(json!("medium")),
        Just(json!("any")),
        Just(json!({"type": "json_object"})),
        Just(json!({"type": "json_schema", "json_schema": {"schema": {}}})),
        Just(json!({"type": "enabled"})),
        Just(json!({"type": "disabled"})),
        Just(json!({"type": "text"})),
        Just(json!({"type": "function", "function": {"name": "f"}})),
        Just(json!({"name": "f"})),
        Just(
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}})
        ),
        Just(json!([{"type": "function", "function": {"name": "f", "strict": true}}])),
        Just(json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}])),
        Just(json!([{"type": "function", "name": "f"}])),
        Just(json!([{"name": "f"}])),
        Just(json!([{"type": "custom"}])),
        Just(json!(["a", "b", "c", "d", "e"])),
        Just(json!({})),
        Just(json!([])),
        Just(json!("text")),
        Just(json!({"include_usage": true})),
        Just(json!(["text"])),
        Just(json!(["audio"])),
        Just(json!({"effort": "high"})),
    ]
}

/// Messages as clients write them, and as they should not.
fn message() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"role": "user", "content": "q"})),
        Just(json!({"role": "developer", "content": "be json"})),
        Just(json!({"role": "assistant", "content": "a"})),
        Just(json!({"role": "assistant", "content": null})),
        Just(
            json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]})
        ),
        Just(json!({"role": "tool", "tool_call_id": "c", "content": "1"})),
        Just(json!({"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "1"}]})),
        Just(json!({"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}})),
        Just(json!({"role": "function", "name": "f", "content": "1"})),
        Just(json!({"role": "assistant", "content": null, "refusal": "no"})),
        Just(json!({"role": "user", "content": [{"type": "text", "text": "t", "prompt_cache_breakpoint": {}}]})),
        Just(json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]})),
        Just(json!({"role": "user", "content": [{"type": "input_audio"}]})),
        Just(json!({"type": "item_reference", "id": "i"})),
    ]
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    (0..Endpoint::ALL.len()).prop_map(|index| Endpoint::ALL[index])
}

proptest! {
    #[test]
    fn a_rewritten_request_is_an_object_with_the_model_and_all_that_is_unknown(
        endpoint in endpoint(),
        members in proptest::collection::vec((0usize..80, value()), 0..10),
        subject in proptest::collection::vec(value(), 0..4),
        policy in (0usize..3, any::<bool>()),
    ) {
        let mut object = Map::new();
        object.insert("model".into(), json!("gpt-4o"));
        let rows: Vec<&str> = Provider::ALL.iter()
            .flat_map(|provider| provider.adapter().matrix(endpoint)).map(|row| row.member).collect();
        for (index, value) in members {
            if let Some(member) = rows.get(index).filter(|member| !matches!(**member, "model" | "stream")) {
                object.insert((*member).to_owned(), value);
            }
        }
        object.insert(endpoint.subject().into(), Value::from(subject));
        object.insert("x_unknown".into(), json!({"a": [1, null]}));
        let body = Value::from(object).to_string();
        let request = Request::parse(endpoint, body.as_bytes()).unwrap();
        let policy = Policy {
            thinking: [Thinking::OnRequest, Thinking::Never, Thinking::Always][policy.0],
            json_schema: if policy.1 { JsonSchema::Instruct } else { JsonSchema::Baseline },
            ..Policy::default()
        };
        for provider in Provider::ALL {
            let Ok(done) = provider.adapter().rewrite(&request, &Target::new("deepseek-flash", &policy)) else { continue };
            let sent: Value = serde_json::from_slice(&done.body).unwrap();
            prop_assert_eq!(&sent["model"], "deepseek-flash");
            prop_assert_eq!(&sent["x_unknown"], &json!({"a": [1, null]}));
            for member in &done.dropped {
                prop_assert!(sent.get(*member).is_none() || *member == "thinking" || *member == "reasoning",
                    "{} was dropped and sent: {}", member, sent);
            }
        }
    }

    #[test]
    fn a_failure_is_found_exactly_where_the_rewrite_says_unfit(
        endpoint in endpoint(),
        members in proptest::collection::vec((0usize..260, prop_oneof![value(), telling()]), 0..8),
        subject in prop_oneof![proptest::collection::vec(prop_oneof![value(), message()], 0..5).prop_map(Value::from), value()],
        policy in (0usize..3, any::<bool>(), any::<bool>(), any::<bool>()),
        model in prop_oneof![Just("deepseek-flash"), Just("deepseek-v4-pro"), Just("gpt-5"), Just("gpt-4o"), Just("o3"), Just("other")],
    ) {
        let mut object = Map::new();
        object.insert("model".into(), json!("gpt-4o"));
        let rows: Vec<&str> = Provider::ALL.iter()
            .flat_map(|provider| provider.adapter().matrix(endpoint)).map(|row| row.member).collect();
        for (index, value) in members {
            if let Some(member) = rows.get(index).filter(|member| !matches!(**member, "model" | "stream")) {
                object.insert((*member).to_owned(), value);
            }
        }
        if policy.2 && endpoint == Endpoint::Responses {
            object.insert("store".into(), json!(false));
        }
        object.insert(endpoint.subject().into(), subject);
        let body = Value::from(object).to_string();
        let Ok(request) = Request::parse(endpoint, body.as_bytes()) else { return Ok(()) };
        let policy = Policy {
            thinking: [Thinking::OnRequest, Thinking::Never, Thinking::Always][policy.0],
            json_schema: if policy.1 { JsonSchema::Instruct } else { JsonSchema::Baseline },
            ..Policy::default()
        };
        for last_resort in [false, true] {
            let target = Target { last_resort, ..Target::new(model, &policy) };
            for provider in Provider::ALL {
                let findings = outlook(provider, &request, &target);
                let failing: Vec<&Finding> = findings.iter().filter(|finding| finding.effect == Effect::Fails).collect();
                let done = provider.adapter().rewrite(&request, &target);
                prop_assert_eq!(done.is_err(), !failing.is_empty(), "{:?}: {:?} of {}", provider, failing, &body);
                prop_assert!(failing.iter().all(|finding| finding.remedy.is_some()));
                if let Err(unfit) = &done {
                    prop_assert!(failing.iter().any(|finding| finding.feature == unfit.feature), "{} of {:?}", unfit.feature, failing);
                }
                let Ok(done) = done else { continue };
                for dropped in &done.dropped {
                    let told = findings.iter().any(|finding| finding.effect == Effect::Loses && dropped.starts_with(finding.member));
                    prop_assert!(told || *dropped == "reasoning", "{} was dropped without a word: {:?}", dropped, findings);
                }
                // What was made for a provider is taken by it, and changed no more.
                let again = Request::parse(endpoint, &done.body).unwrap();
                let twice = provider.adapter().rewrite(&again, &target).map(|again| again.body);
                // But for the end user's id, which is hashed each time.
                let text = |body: &[u8]| {
                    let mut object = Object::parse(body).unwrap();
                    object.remove("user");
                    String::from_utf8(object.to_bytes()).unwrap()
                };
                if policy.thinking != Thinking::Always && endpoint == Endpoint::Chat {
                    prop_assert_eq!(twice.map(|body| text(&body)), Ok(text(&done.body)), "{:?} of {}", provider, &body);
                }
            }
        }
    }

    #[test]
    fn an_edited_answer_is_json_and_keeps_its_text(
        said in proptest::collection::vec((name(), value()), 0..5),
        text in "\\PC{0,20}",
        more in proptest::collection::vec((name(), value()), 0..3),
        flags in (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
        spaced in any::<bool>(),
    ) {
        let mut delta = Map::from_iter(said);
        delta.insert("content".into(), json!(text));
        let mut chunk = Map::from_iter(more);
        chunk.insert("id".into(), json!("1-2"));
        chunk.insert("choices".into(), json!([{"index": 0, "delta": delta}]));
        chunk.insert("usage".into(), if flags.3 { Value::Null } else { json!({"prompt_tokens": 1, "completion_tokens": 1}) });
        let chunk = Value::from(chunk);
        let data = if spaced { serde_json::to_string_pretty(&chunk).unwrap() } else { chunk.to_string() };
        let view = View { wants_usage: flags.0, model: None, reasoning: flags.1, functions: flags.2 };
        for provider in Provider::ALL {
            if let Edit::Replace(events) = provider.adapter().edit(Endpoint::Chat, &data, &view) {
                let first: Value = serde_json::from_str(&events[0]).unwrap();
                prop_assert_eq!(&first["choices"][0]["delta"]["content"], &json!(text));
                for event in &events {
                    prop_assert!(serde_json::from_str::<Value>(event).is_ok());
                }
            }
            let whole = provider.adapter().edit_whole(Endpoint::Chat, data.as_bytes(), &view);
            if let Ok(Some(body)) = whole {
                prop_assert!(serde_json::from_slice::<Value>(&body).is_ok());
            }
        }
    }

    #[test]
    fn no_error_body_escapes_its_shape(status in 100u16..700, body in "\\PC{0,60}", wrapped in any::<bool>()) {
        let body = if wrapped { json!({"error": {"message": body, "code": 7}}).to_string() } else { body };
        for provider in Provider::ALL {
            let error = provider.adapter().error(status, body.as_bytes());
            prop_assert!((400..600).contains(&error.status));
            prop_assert!(!error.body.error.kind.is_empty());
        }
    }
}
