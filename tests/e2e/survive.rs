//! What goes wrong around the gateway, and what of it clients, providers and records get to see.

use crate::harness::{Answer, House, Plan, chat, read, until};
use crate::raw::{Client, Provider, soon};
use datasets::{Arm, Exchange, Role};
use futures_util::StreamExt;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use mocks::{Faults, Latency, Profile};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use wire::{ErrorKind, UsageSource};

mod child;
mod deadlines;
mod files;
mod readers;
mod retries;

/// Both arms by weight.
const ARMS: [(f64, Arm); 2] = [(0.0, Arm::Baseline), (100.0, Arm::Candidate)];

/// One event of a stream that says something.
const WORD: &str = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\
                    \"delta\":{\"role\":\"assistant\",\"content\":\"word \"},\"finish_reason\":null}]}\n\n";
/// A whole answer.
const WHOLE: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"word"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;

/// A provider that takes its time.
fn slow(first_token_ms: f64, gap_ms: f64) -> Profile {
    let constant = |median_ms| Latency { median_ms, sigma: 0.0 };
    Profile { time_scale: 1.0, first_token: constant(first_token_ms), gap: constant(gap_ms), ..Profile::instant() }
}

/// Ten minutes.
const NEVER_MS: f64 = 600_000.0;

async fn behind(provider: &Provider, openai_extra: &'static str) -> House {
    Plan { baseline_url: Some(provider.url.clone()), openai_extra, ..Plan::default() }.build().await
}

/// Asks without waiting for the answer.
fn asking(house: &House, body: &Value) -> tokio::task::JoinHandle<Answer> {
    let request = house.client.post(house.url()).bearer_auth("k").json(body);
    tokio::spawn(async move { read(request.send().await.unwrap()).await })
}

/// The only record, once it is there.
async fn record(house: &House) -> Exchange {
    soon("a record", async {
        loop {
            if let Some(record) = house.records().await.pop() {
                return record;
            }
        }
    })
    .await
}

/// The error of an answer, which has OpenAI's shape.
fn error(text: &str) -> Value {
    let error = serde_json::from_str::<Value>(text).unwrap()["error"].clone();
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{text}");
    assert!(error["type"].is_string() && error.get("param").is_some() && error.get("code").is_some(), "{text}");
    error
}

/// The error in the last event of a stream.
fn last_error(answer: &Answer) -> Value {
    error(answer.events().last().expect("an event"))
}

#[tokio::test]
async fn beyond_the_bound_requests_are_shed_at_once_and_told_when_to_come_back() {
    let server: (&str, &str) = ("server.requests_in_flight_max = 2\n", "");
    for (extra, openai_extra) in [server, ("", "requests_in_flight_max = 2")] {
        let house = Plan { openai: slow(NEVER_MS, 0.0), extra, openai_extra, ..Plan::default() }.build().await;
        let held = [0, 1].map(|index| asking(&house, &chat(&format!("held {index}"), &json!({}))));
        until("both are under way", || house.openai.requests().counts().in_flight == 2).await;
        let shed = house.ask(&chat("one more", &json!({}))).await;
        assert_eq!((shed.status, shed.header("retry-after")), (503, "1"), "{}", shed.text);
        assert_eq!(error(&shed.text)["code"], "server_is_overloaded");
        assert_eq!(house.openai.requests().counts().received, 2);
        // One goes, and there is room again.
        held[0].abort();
        until("one has gone", || house.openai.requests().counts().in_flight == 1).await;
        let next = asking(&house, &chat("the next", &json!({})));
        until("the next is under way", || house.openai.requests().counts().received == 3).await;
        next.abort();
        held[1].abort();
    }
}

#[tokio::test]
async fn beyond_the_bound_connections_wait_to_be_accepted() {
    let house = Plan { extra: "server.connections_max = 2\n", ..Plan::default() }.build().await;
    let question = chat("hello", &json!({}));
    let mut first = Client::connect(house.gateway.address).await;
    let mut second = Client::connect(house.gateway.address).await;
    for client in [&mut first, &mut second] {
        client.ask(&question).await;
        assert_eq!(client.whole().await.0, 200);
    }
    let mut third = Client::connect(house.gateway.address).await;
    third.ask(&question).await;
    for client in [&mut first, &mut second] {
        client.ask(&question).await;
        assert_eq!(client.whole().await.0, 200);
    }
    assert_eq!(house.openai.requests().counts().received, 4, "the third is not heard yet");
    drop(first);
    assert_eq!(third.whole().await.0, 200);
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_call_and_pays_for_what_was_made() {
    for (weight_percent, arm) in ARMS {
        for streamed in [true, false] {
            let profile = if streamed { slow(1.0, NEVER_MS) } else { slow(NEVER_MS, 0.0) };
            let plan = Plan { weight_percent, openai: profile.clone(), deepseek: profile, ..Plan::default() };
            let house = plan.build().await;
            let mock = if arm == Arm::Baseline { &house.openai } else { &house.deepseek };
            let body = chat("a question of some length", &json!({"stream": streamed}));
            let request = house.client.post(house.url()).json(&body);
            if streamed {
                let mut pieces = request.send().await.unwrap().bytes_stream();
                let mut text = String::new();
                while !text.contains("\"content\":\"") || text.ends_with("\"content\":\"\"") {
                    text += std::str::from_utf8(&pieces.next().await.unwrap().unwrap()).unwrap();
                }
            } else {
                let asked = tokio::spawn(request.send());
                until("the provider was asked", || mock.requests().counts().received == 1).await;
                asked.abort();
            }
            soon("the call is cancelled", mock.requests().wait_until(|counts| counts.cancelled == 1)).await;
            let record = record(&house).await;
            assert_eq!((record.arm, record.error), (arm, Some(ErrorKind::ClientCancelled)));
            let usage = record.usage.expect("an estimate");
            assert_eq!(usage.source, UsageSource::Estimate);
            assert!(usage.prompt > 0 && record.cost_nanos.is_some_and(|nanos| nanos > 0), "{record:?}");
            // A whole answer is written before any of it is seen: fifty tokens for each second.
            let unseen = if streamed { 0 } else { record.duration_us * 50 / 1_000_000 };
            assert_eq!(usage.completion > unseen, record.answer_chars > 0, "{record:?}");
            assert!(usage.completion >= unseen);
        }
    }
}

#[tokio::test]
async fn requests_that_are_too_large_are_refused_before_they_cost_anything() {
    let house = Plan { extra: "server.request_bytes_max = 2000\n", ..Plan::default() }.build().await;
    let empty = chat("", &json!({})).to_string().len();
    assert_eq!(house.ask(&chat(&"x".repeat(2000 - empty), &json!({}))).await.status, 200, "at the bound");
    let large = chat(&"x".repeat(2001 - empty), &json!({}));
    let answer = house.ask(&large).await;
    assert_eq!((answer.status, &error(&answer.text)["code"]), (413, &json!("request_too_large")));
    // Without a length that could be believed: in pieces.
    let large = large.to_string();
    let pieces = large.as_bytes().chunks(100).map(|piece| Ok::<_, std::io::Error>(piece.to_vec()));
    let pieces = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces.collect::<Vec<_>>()));
    assert_eq!(house.client.post(house.url()).body(pieces).send().await.unwrap().status(), 413);
    // A length that is announced is refused before anything of it was sent.
    let mut client = Client::connect(house.gateway.address).await;
    client.send("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n").await;
    assert_eq!(client.head().await.0, 413);
    // A head has a bound, too.
    let long = "x".repeat(300_000);
    let head = house.client.post(house.url()).header("x-long", long).body("{}").send().await.unwrap();
    assert_eq!(head.status(), 431);
    assert_eq!(house.openai.requests().counts().received, 1);
}

#[tokio::test]
async fn providers_get_seven_headers_and_none_of_the_clients() {
    const SECRETS: [&str; 4] = ["sk-old-key-of-the-client", "session-of-the-client", "10.11.12.13", "own-words"];
    for weight_percent in [0.0, 100.0] {
        let plan = Plan { weight_percent, shadow_percent: 100.0, migration: "repeat_percent = 100", ..Plan::default() };
        let house = plan.build().await;
        let headers = [
            ("cookie", "id=session-of-the-client"),
            ("x-api-key", "sk-old-key-of-the-client"),
            ("proxy-authorization", "Basic own-words"),
            ("x-forwarded-for", "10.11.12.13"),
            ("x-real-ip", "10.11.12.13"),
            ("forwarded", "for=10.11.12.13"),
            ("via", "1.1 own-words"),
            ("referer", "https://own-words"),
            ("origin", "https://own-words"),
            ("user-agent", "own-words"),
            ("accept-language", "own-words"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ("openai-organization", "own-words"),
            ("openai-project", "own-words"),
            ("x-stainless-os", "own-words"),
            ("idempotency-key", "own-words"),
            ("x-request-id", "own-words"),
            ("x-weighbridge-arm", "own-words"),
            ("x-weighbridge-consumer", "own-words"),
            ("x-weighbridge-conversation", "own-words"),
            ("x-mse-consumer", "own-words"),
        ];
        let answer = house.ask_as(&chat("hello", &json!({"stream": true})), &headers).await;
        assert_eq!(answer.status, 200);
        for name in ["set-cookie", "server", "openai-organization", "x-ratelimit-limit-requests", "cf-ray"] {
            assert_eq!(answer.header(name), "", "{name} is the provider's account, not the client's");
        }
        let records = house.records().await;
        assert!(records.iter().all(|record| record.consumer.is_none()), "nobody is who a header says");
        let usual = [ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT]
            .map(|name| name.to_string());
        let calls = [house.openai.requests().recent(), house.deepseek.requests().recent()].concat();
        // The served call; else also the copy and the repetition.
        assert_eq!(calls.len(), if weight_percent > 0.0 { 1 } else { 3 });
        for call in calls {
            assert_eq!(call.header_names(), usual);
            assert_eq!(call.header("authorization"), format!("Bearer {}", crate::harness::PROVIDER_KEY));
            assert_eq!(call.header("accept-encoding"), "identity");
            let all: String =
                call.headers.values().map(|value| String::from_utf8_lossy(value.as_bytes()) + "\n").collect();
            let found = SECRETS.iter().find(|secret| all.contains(**secret));
            assert_eq!(found, None);
        }
        assert_eq!(records.iter().filter(|record| record.role == Role::Served).count(), 1);
    }
}
