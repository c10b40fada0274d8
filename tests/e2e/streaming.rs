//! Streams pass as they come; usage is always on record and only shown to whom asked for it.

use crate::harness::{Plan, chat};
use datasets::Arm;
use futures_util::StreamExt;
use mocks::{Faults, Latency, Profile};
use serde_json::{Value, json};
use wire::ErrorKind;

/// Both arms by weight.
const ARMS: [(f64, Arm); 2] = [(0.0, Arm::Baseline), (100.0, Arm::Candidate)];

#[tokio::test]
async fn a_client_that_did_not_ask_sees_no_trace_of_usage() {
    for (weight_percent, arm) in ARMS {
        let house = Plan { weight_percent, ..Plan::default() }.build().await;
        let answer = house.ask(&chat("hello", &json!({"stream": true}))).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.text.contains("usage"), "{arm:?}: {}", answer.text);
        assert_eq!(answer.events().last(), Some(&"[DONE]"));
        let record = &house.records().await[0];
        assert_eq!(record.arm, arm);
        assert_eq!(record.usage.unwrap().source, wire::UsageSource::Provider);
    }
}

#[tokio::test]
async fn a_client_that_asked_gets_one_usage_chunk_without_choices_from_either_arm() {
    for (weight_percent, arm) in ARMS {
        let house = Plan { weight_percent, ..Plan::default() }.build().await;
        let body = chat("hello", &json!({"stream": true, "stream_options": {"include_usage": true}}));
        let answer = house.ask(&body).await;
        let events = answer.events();
        let chunks: Vec<Value> =
            events.iter().filter(|data| **data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect();
        let (last, others) = chunks.split_last().unwrap();
        assert_eq!(last["choices"], json!([]), "{arm:?}");
        assert!(last["usage"]["prompt_tokens"].as_u64().unwrap() > 0);
        assert!(others.iter().all(|chunk| chunk["usage"].is_null() && chunk["choices"][0].is_object()), "{arm:?}");
        let usage = house.records().await[0].usage.unwrap();
        assert_eq!(usage.prompt, last["usage"]["prompt_tokens"].as_u64().unwrap());
    }
}

#[tokio::test]
async fn the_answer_is_the_providers_byte_for_byte_where_nothing_has_to_change() {
    let house = Plan::default().build().await;
    let body = chat("hello", &json!({"stream": true, "stream_options": {"include_usage": true}}));
    let through = house.ask(&body).await;
    let direct =
        house.client.post(format!("{}/chat/completions", house.openai.base_url())).bearer_auth("k").json(&body);
    let direct = direct.send().await.unwrap().text().await.unwrap();
    let without_time = |text: &str| {
        let mut parts = text.split("\"created\":").map(str::to_owned).collect::<Vec<_>>();
        for part in parts.iter_mut().skip(1) {
            *part = part.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
        }
        parts.join("")
    };
    assert_eq!(without_time(&through.text), without_time(&direct));
}

#[tokio::test]
async fn the_first_piece_reaches_the_client_long_before_the_last_is_made() {
    // The mock's stream takes far longer than the deadline of this test; only its beginning is waited for.
    let slow = Profile {
        time_scale: 1.0,
        first_token: Latency { median_ms: 1.0, sigma: 0.0 },
        gap: Latency { median_ms: 600_000.0, sigma: 0.0 },
        ..Profile::instant()
    };
    let house = Plan { openai: slow, ..Plan::default() }.build().await;
    let request = house.client.post(house.url()).bearer_auth("k").json(&chat("hello", &json!({"stream": true})));
    let response = request.send().await.unwrap();
    let mut pieces = response.bytes_stream();
    let first = pieces.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"data: {"));
    drop(pieces);
    // The client is gone: the gateway hangs up on the provider, and the record says so with the tokens seen.
    let record = loop {
        if let Some(record) = house.records().await.pop() {
            break record;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(record.error, Some(ErrorKind::ClientCancelled));
}

#[tokio::test]
async fn a_stream_that_breaks_off_tells_the_client_and_the_record() {
    // A little time between chunks, so that a reset does not overtake what was sent before it.
    let gap = Latency { median_ms: 5.0, sigma: 0.0 };
    let broken = |faults| Profile { faults, time_scale: 1.0, gap, ..Profile::instant() };
    for (profile, kind, told) in [
        (broken(Faults { truncate: 1.0, ..Faults::default() }), ErrorKind::Truncated, true),
        (broken(Faults { abort: 1.0, ..Faults::default() }), ErrorKind::Truncated, true),
        (broken(Faults { bad_json: 1.0, ..Faults::default() }), ErrorKind::Malformed, false),
        (broken(Faults { error_event: 1.0, ..Faults::default() }), ErrorKind::Server, true),
    ] {
        let house = Plan { openai: profile, ..Plan::default() }.build().await;
        let answer = house.ask(&chat("hello", &json!({"stream": true}))).await;
        assert_eq!(answer.text.contains("\"error\""), told, "{kind:?}: {}", answer.text);
        let record = &house.records().await[0];
        assert_eq!(record.error, Some(kind));
        if kind == ErrorKind::Truncated {
            assert_eq!(record.usage.unwrap().source, wire::UsageSource::Estimate, "tokens that came are counted");
        }
    }
}

#[tokio::test]
async fn a_silent_provider_is_cut_at_the_idle_deadline() {
    let stalled = Profile { faults: Faults { stall: 1.0, ..Faults::default() }, ..Profile::instant() };
    let deadlines = "idle_timeout = \"300ms\"\nheaders_timeout = \"300ms\"";
    let house = Plan { openai: stalled, openai_extra: deadlines, ..Plan::default() }.build().await;
    let answer = house.ask(&chat("hello", &json!({"stream": true}))).await;
    assert!(answer.text.contains("timeout"), "{}", answer.text);
    assert_eq!(house.records().await[0].error, Some(ErrorKind::Timeout));
}

#[tokio::test]
async fn errors_keep_openais_shape_and_each_is_on_record() {
    for (faults, weight_percent, status, code, kind) in [
        (Faults { error_429: 1.0, ..Faults::default() }, 0.0, 429, "rate_limit_exceeded", ErrorKind::RateLimit),
        (Faults { error_500: 1.0, ..Faults::default() }, 0.0, 500, "", ErrorKind::Server),
        (Faults { error_503: 1.0, ..Faults::default() }, 0.0, 503, "", ErrorKind::Overloaded),
        (Faults { error_402: 1.0, ..Faults::default() }, 100.0, 429, "insufficient_quota", ErrorKind::Quota),
        (Faults { content_filter: 1.0, ..Faults::default() }, 100.0, 400, "content_filter", ErrorKind::Moderation),
        (Faults { reset: 1.0, ..Faults::default() }, 0.0, 502, "upstream_unreachable", ErrorKind::Connect),
    ] {
        let profile = Profile { faults, ..Profile::instant() };
        let migration = "fallback.on = []";
        let (openai, deepseek) = (profile.clone(), profile);
        let house = Plan { weight_percent, openai, deepseek, migration, ..Plan::default() }.build().await;
        let answer = house.ask(&chat("hello", &json!({}))).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        let error = &answer.json()["error"];
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        assert!(error["type"].is_string() && error.get("param").is_some(), "{error}");
        if !code.is_empty() {
            assert_eq!(error["code"], code);
        }
        assert_eq!(house.records().await[0].error, Some(kind));
    }
}

#[tokio::test]
async fn bad_requests_never_reach_a_provider() {
    let house = Plan::default().build().await;
    let post = |body: &'static str| house.client.post(house.url()).body(body).send();
    for (body, param) in
        [("{", Value::Null), ("{\"messages\":[]}", json!("model")), ("{\"model\":\"m\"}", json!("messages"))]
    {
        let answer = crate::harness::read(post(body).await.unwrap()).await;
        assert_eq!((answer.status, &answer.json()["error"]["param"]), (400, &param), "{body}");
    }
    let unknown = house.client.get(house.url().replace("chat/completions", "nothing")).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
    assert!(house.openai.requests().recent().is_empty());
}

#[tokio::test]
async fn a_whole_answer_may_take_longer_than_a_streams_first_byte() {
    let slow = Profile { time_scale: 1.0, first_token: Latency { median_ms: 400.0, sigma: 0.0 }, ..Profile::instant() };
    let deadlines = "headers_timeout = \"100ms\"";
    let house = Plan { openai: slow, openai_extra: deadlines, ..Plan::default() }.build().await;
    assert_eq!(house.ask(&chat("hello", &json!({}))).await.status, 200, "a provider may send its headers last");
    assert_eq!(house.ask(&chat("hello", &json!({"stream": true}))).await.status, 504);
}
