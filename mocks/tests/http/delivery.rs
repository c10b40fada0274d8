//! Determinism, and every fault seen from the client's side.

use mocks::{Fault, Faults, MockConfig, Outcome, Profile, Provider};
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::{DEADLINE, Mock, ask, events, joined, parse};

fn with(provider: Provider, faults: Faults) -> MockConfig {
    MockConfig { profile: Profile { faults, ..Profile::instant() }, ..MockConfig::instant(provider) }
}

fn body(provider: Provider, stream: bool) -> Value {
    let model = if provider == Provider::OpenAi { "gpt-4o" } else { "deepseek-flash" };
    ask(model, "How heavy is it?", &json!({"stream": stream}))
}

/// Everything about an answer that has to be the same again.
async fn digest(response: Result<Response, reqwest::Error>) -> String {
    let Ok(response) = response else {
        return "reset".to_owned();
    };
    let status = response.status();
    let mut text = String::new();
    let mut response = response;
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) => text.push_str(&String::from_utf8_lossy(&bytes)),
            Ok(None) => break,
            Err(_) => {
                text.push_str("BROKEN");
                break;
            }
        }
    }
    let (before, after) = text.split_once("\"created\":").unwrap_or((&text, ""));
    format!(
        "{status} {before} {}",
        after.trim_start_matches(|digit: char| digit.is_ascii_digit()).split("\"created\":").count()
    ) + &joined(&lenient(&text), "content")
}

fn lenient(text: &str) -> Vec<Value> {
    let frames = text.split("\n\n").filter_map(|frame| frame.strip_prefix("data: "));
    frames.filter_map(|frame| serde_json::from_str(frame).ok()).collect()
}

#[tokio::test]
async fn the_order_of_arrival_changes_nothing() {
    for provider in Provider::ALL {
        let faults =
            Faults { error_429: 0.1, error_500: 0.1, truncate: 0.1, length: 0.1, bad_json: 0.1, ..Faults::default() };
        let (one, two) = (Mock::start(with(provider, faults)).await, Mock::start(with(provider, faults)).await);
        let bodies: Vec<Value> = (0..60)
            .map(|index| {
                let mut body = body(provider, index % 3 != 0);
                body["messages"][0]["content"] = json!(format!("question {index}"));
                body
            })
            .collect();
        let mut forward = Vec::new();
        for body in &bodies {
            forward.push(digest(one.chat(body).send().await).await);
        }
        // Backwards and all at once.
        let sends = bodies.iter().rev().map(|body| {
            let request = two.chat(body);
            tokio::spawn(async move { digest(request.send().await).await })
        });
        let mut backward = Vec::new();
        for task in sends.collect::<Vec<_>>() {
            backward.push(task.await.unwrap());
        }
        backward.reverse();
        assert_eq!(forward, backward);
        let distinct: std::collections::HashSet<_> = forward.iter().collect();
        assert!(distinct.len() > 30, "the draws hardly differ: {distinct:?}");
        let (one, two) = (one.running.requests().counts(), two.running.requests().counts());
        assert_eq!((&one.by_status, &one.by_fault), (&two.by_status, &two.by_fault));
        assert!(one.by_fault.len() >= 4, "{:?}", one.by_fault);
    }
}

#[tokio::test]
async fn a_retry_or_another_request_id_may_fare_better() {
    let mock = Mock::start(with(Provider::OpenAi, Faults { error_429: 0.5, ..Faults::default() })).await;
    let body = body(Provider::OpenAi, false);
    for name in ["x-request-id", "x-stainless-retry-count"] {
        let mut statuses = Vec::new();
        for value in 0..30 {
            statuses.push(mock.chat(&body).header(name, value.to_string()).send().await.unwrap().status().as_u16());
        }
        assert!(statuses.contains(&429) && statuses.contains(&200), "{name}: {statuses:?}");
    }
    let again = [mock.send(&body).await.status(), mock.send(&body).await.status()];
    assert_eq!(again[0], again[1]);
}

#[tokio::test]
async fn error_statuses_have_each_vendors_body() {
    let all = |fault: Fault| match fault {
        Fault::Error402 => Faults { error_402: 1.0, ..Faults::default() },
        Fault::Error429 => Faults { error_429: 1.0, ..Faults::default() },
        Fault::Error500 => Faults { error_500: 1.0, ..Faults::default() },
        _ => Faults { error_503: 1.0, ..Faults::default() },
    };
    for (provider, fault, status, kind, code) in [
        (Provider::OpenAi, Fault::Error429, 429, "requests", json!("rate_limit_exceeded")),
        (Provider::OpenAi, Fault::Error500, 500, "server_error", Value::Null),
        (Provider::OpenAi, Fault::Error503, 503, "service_unavailable_error", json!("server_is_overloaded")),
        (Provider::DeepSeek, Fault::Error402, 402, "unknown_error", json!("invalid_request_error")),
        (Provider::DeepSeek, Fault::Error429, 429, "rate_limit_reached_error", json!("invalid_request_error")),
        (Provider::DeepSeek, Fault::Error500, 500, "server_error", json!("invalid_request_error")),
        (Provider::DeepSeek, Fault::Error503, 503, "service_unavailable_error", json!("invalid_request_error")),
    ] {
        let mock = Mock::start(with(provider, all(fault))).await;
        let response = mock.send(&body(provider, true)).await;
        assert_eq!(response.status().as_u16(), status);
        let advises = provider == Provider::OpenAi && status != 500;
        assert_eq!(response.headers().contains_key("retry-after-ms"), advises, "{provider:?} {status}");
        assert_eq!(response.headers().contains_key("retry-after"), advises);
        let answer: Value = response.json().await.unwrap();
        assert_eq!((&answer["error"]["type"], &answer["error"]["code"]), (&json!(kind), &code));
        let recorded = mock.running.requests().recent();
        assert_eq!((recorded[0].status, recorded[0].fault), (status, Some(fault)));
    }
}

#[tokio::test]
async fn a_reset_breaks_the_connection_before_any_answer() {
    for provider in Provider::ALL {
        let mock = Mock::start(with(provider, Faults { reset: 1.0, ..Faults::default() })).await;
        let error = mock.chat(&body(provider, true)).send().await.unwrap_err();
        assert!(error.is_request(), "{error:?}");
        assert!(format!("{error:?}").contains("ConnectionReset"), "{error:?}");
        let counts = mock.running.requests().wait_until(|counts| counts.broken == 1);
        tokio::time::timeout(DEADLINE, counts).await.unwrap();
        assert_eq!(mock.running.requests().recent()[0].outcome, Outcome::Broken);
    }
}

#[tokio::test]
async fn a_stall_leaves_the_client_hanging_in_the_middle() {
    for (provider, stream) in [(Provider::OpenAi, true), (Provider::DeepSeek, true), (Provider::OpenAi, false)] {
        let mock = Mock::start(with(provider, Faults { stall: 1.0, ..Faults::default() })).await;
        let mut response = mock.send(&body(provider, stream)).await;
        let first = response.chunk().await.unwrap().unwrap();
        assert!(!first.is_empty() && !String::from_utf8_lossy(&first).contains("[DONE]"));
        let counts = mock.running.requests().counts();
        assert_eq!((counts.in_flight, counts.finished), (1, 0));
        // The client gives up, and the mock notices.
        drop(response);
        let gone = mock.running.requests().wait_until(|counts| counts.cancelled == 1 && counts.in_flight == 0);
        tokio::time::timeout(DEADLINE, gone).await.unwrap();
    }
}

#[tokio::test]
async fn a_truncated_stream_looks_complete_but_is_not() {
    for provider in Provider::ALL {
        let mock = Mock::start(with(provider, Faults { truncate: 1.0, ..Faults::default() })).await;
        let text = mock.send(&body(provider, true)).await.text().await.unwrap();
        let chunks = parse(&events(&text));
        assert!(chunks.len() > 1 && !text.contains("[DONE]"));
        assert!(chunks.iter().all(|chunk| chunk["choices"][0]["finish_reason"].is_null()));
        let text = mock.send(&body(provider, false)).await.text().await.unwrap();
        assert!(text.starts_with('{') && serde_json::from_str::<Value>(&text).is_err());
    }
}

#[tokio::test]
async fn an_abort_is_an_error_in_the_middle_of_the_body() {
    for provider in Provider::ALL {
        let mock = Mock::start(with(provider, Faults { abort: 1.0, ..Faults::default() })).await;
        let response = mock.chat(&body(provider, true)).send().await;
        // The reset may overtake the first bytes, but never looks like an orderly end.
        assert!(match response {
            Ok(response) => response.text().await.is_err(),
            Err(error) => error.is_request(),
        });
    }
}

#[tokio::test]
async fn an_error_event_ends_a_stream_and_is_a_500_otherwise() {
    for provider in Provider::ALL {
        let mock = Mock::start(with(provider, Faults { error_event: 1.0, ..Faults::default() })).await;
        let events = mock.stream(&body(provider, true)).await;
        let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
        let kind = if provider == Provider::Compatible { "InternalServerError" } else { "server_error" };
        assert_eq!(last["error"]["type"], kind);
        assert!(events.len() > 2);
        assert_eq!(mock.send(&body(provider, false)).await.status(), 500);
    }
}

#[tokio::test]
async fn bad_json_spoils_one_chunk_or_the_whole_body() {
    for provider in Provider::ALL {
        let mock = Mock::start(with(provider, Faults { bad_json: 1.0, ..Faults::default() })).await;
        let events = mock.stream(&body(provider, true)).await;
        let bad = events.iter().filter(|event| *event != "[DONE]" && serde_json::from_str::<Value>(event).is_err());
        assert_eq!(bad.count(), 1);
        assert_eq!(events.last().unwrap(), "[DONE]");
        let text = mock.send(&body(provider, false)).await.text().await.unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_err());
    }
}

#[tokio::test]
async fn content_filters_differ_by_vendor() {
    let faults = Faults { content_filter: 1.0, ..Faults::default() };
    let (status, answer) = Mock::start(with(Provider::OpenAi, faults)).await.json(&body(Provider::OpenAi, false)).await;
    assert_eq!((status, &answer["choices"][0]["finish_reason"]), (200, &json!("content_filter")));
    let (status, answer) =
        Mock::start(with(Provider::DeepSeek, faults)).await.json(&body(Provider::DeepSeek, false)).await;
    assert_eq!((status, &answer["error"]["message"]), (400, &json!("Content Exists Risk")));
}

#[tokio::test]
async fn the_length_fault_shows_in_the_finish_reason() {
    for provider in Provider::ALL {
        let mock = Mock::start(with(provider, Faults { length: 1.0, ..Faults::default() })).await;
        let (_, answer) = mock.json(&body(provider, false)).await;
        assert_eq!(answer["choices"][0]["finish_reason"], "length");
    }
}

#[tokio::test]
async fn too_many_at_once_are_refused() {
    let profile =
        Profile { concurrency_max: 1, faults: Faults { stall: 1.0, ..Faults::default() }, ..Profile::instant() };
    let mock = Mock::start(MockConfig { profile, ..MockConfig::instant(Provider::DeepSeek) }).await;
    let hanging = mock.send(&body(Provider::DeepSeek, true)).await;
    let (status, answer) = mock.json(&body(Provider::DeepSeek, true)).await;
    assert_eq!(status, 429);
    assert!(answer["error"]["message"].as_str().unwrap().ends_with("is 1"));
    drop(hanging);
}

#[tokio::test]
async fn a_stream_can_be_complete_and_lack_its_end_mark() {
    for provider in Provider::ALL {
        let mock = Mock::start(with(provider, Faults { no_done: 1.0, ..Faults::default() })).await;
        let events = mock.stream(&body(provider, true)).await;
        assert_ne!(events.last().unwrap(), "[DONE]");
        let chunks = parse(&events);
        assert!(chunks.iter().any(|chunk| chunk["choices"][0]["finish_reason"] == "stop"));
        // An answer in one piece has no end mark to lack.
        assert_eq!(mock.json(&body(provider, false)).await.0, 200);
    }
}

#[tokio::test]
async fn prompts_and_answers_are_filtered_at_a_set_rate() {
    for (provider, status, message) in
        [(Provider::OpenAi, 400, "Invalid prompt"), (Provider::DeepSeek, 400, "Content Exists Risk")]
    {
        let mock = Mock::start(with(provider, Faults { prompt_filter: 1.0, ..Faults::default() })).await;
        let (found, answer) = mock.json(&body(provider, true)).await;
        assert_eq!(found, status);
        assert!(answer["error"]["message"].as_str().unwrap().starts_with(message));
        let mock = Mock::start(with(provider, Faults { answer_filter: 1.0, ..Faults::default() })).await;
        let chunks = parse(&mock.stream(&body(provider, true)).await);
        assert!(chunks.iter().any(|chunk| chunk["choices"][0]["finish_reason"] == "content_filter"));
    }
}

fn queued(faults: Faults, queue_limit_ms: u64) -> MockConfig {
    let none = mocks::Latency { median_ms: 0.0, sigma: 0.0 };
    let profile = Profile { time_scale: 1.0, queue_share: 1.0, queue_ms: 35, keep_alive_ms: 10, ..Profile::instant() };
    let profile = Profile { first_token: none, gap: none, faults, queue_limit_ms, ..profile };
    MockConfig { profile, ..MockConfig::instant(Provider::DeepSeek) }
}

#[tokio::test]
async fn a_failure_behind_a_queue_hides_behind_signs_of_life() {
    let mock = Mock::start(queued(Faults { error_503: 1.0, ..Faults::default() }, 0)).await;
    let text = mock.send(&body(Provider::DeepSeek, true)).await.text().await.unwrap();
    assert!(text.starts_with(": keep-alive\n\n: keep-alive\n\n"), "{text}");
    let events = events(&text);
    let error: Value = serde_json::from_str(&events[0]).unwrap();
    assert_eq!((events.len(), &error["error"]["type"]), (1, &json!("service_unavailable_error")));
    let response = mock.send(&body(Provider::DeepSeek, false)).await;
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    assert!(text.starts_with("\n\n\n{\"error\""), "{text}");
    // What is refused at the door was never queued.
    let mock = Mock::start(queued(Faults { error_402: 1.0, ..Faults::default() }, 0)).await;
    assert_eq!(mock.send(&body(Provider::DeepSeek, true)).await.status(), 402);
}

#[tokio::test]
async fn a_queue_that_is_too_long_ends_with_the_connection() {
    let mock = Mock::start(queued(Faults::default(), 25)).await;
    for stream in [true, false] {
        let mut response = mock.send(&body(Provider::DeepSeek, stream)).await;
        assert_eq!(response.status(), 200);
        let sign = response.chunk().await.unwrap().unwrap();
        let expected: &[u8] = if stream { b": keep-alive\n\n" } else { b"\n" };
        assert!(sign.starts_with(expected), "{sign:?}");
        let mut ended = response.chunk().await;
        while let Ok(Some(sign)) = ended {
            assert!(!sign.contains(&b'{'));
            ended = response.chunk().await;
        }
        assert!(ended.is_err());
    }
}

#[tokio::test]
async fn error_bodies_can_lack_their_label() {
    let faults = Faults { error_500: 1.0, ..Faults::default() };
    let profile = Profile { faults, unlabelled_errors: true, ..Profile::instant() };
    let mock = Mock::start(MockConfig { profile, ..MockConfig::instant(Provider::DeepSeek) }).await;
    let response = mock.send(&body(Provider::DeepSeek, false)).await;
    assert_eq!(response.headers()["content-type"], "application/octet-stream");
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["error"]["type"], "server_error");
}
