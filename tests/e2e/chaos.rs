//! Everything at once: both providers fail in every way they know, clients come and go as they like, everything is
//! mirrored. Nothing may be lost, counted twice or held for ever. Who does what is drawn from a seed.

use crate::harness::{Answer, House, Plan, chat, until};
use crate::raw::soon;
use datasets::{Arm, Exchange, Role, ShadowFate};
use futures_util::StreamExt;
use mocks::{Faults, Latency, Profile};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use wire::ErrorKind;

const REQUESTS: usize = 300;
const AT_ONCE: usize = 24;

/// A bit of everything.
fn troubled() -> Profile {
    let faults = Faults {
        error_402: 0.0,
        error_429: 0.02,
        error_500: 0.02,
        error_503: 0.02,
        reset: 0.02,
        stall: 0.01,
        truncate: 0.02,
        abort: 0.02,
        error_event: 0.02,
        bad_json: 0.02,
        content_filter: 0.02,
        length: 0.02,
        insufficient_system_resource: 0.02,
        aborted: 0.02,
        late_error: 0.02,
        tool_leak: 0.02,
        refusal: 0.02,
        empty: 0.02,
        ..Faults::default()
    };
    let first_token = Latency { median_ms: 5.0, sigma: 0.5 };
    Profile { time_scale: 1.0, first_token, gap: Latency { median_ms: 0.5, sigma: 0.5 }, faults, ..Profile::instant() }
}

/// A number below `bound` that depends on the seed and the place only.
fn draw(what: &str, index: usize, bound: u64) -> u64 {
    let digest = datasets::digest::of_bytes(format!("seed 7, {what}, {index}").as_bytes());
    let hex: String = digest.chars().filter(char::is_ascii_hexdigit).collect();
    u64::from_str_radix(&hex[hex.len() - 8..], 16).unwrap() % bound
}

/// What a client saw.
enum Seen {
    /// All of it.
    Whole(Answer),
    /// Headers, and perhaps a part of the body: it left, or was cut off. The request's id.
    Part(String),
    /// Nothing: it left before.
    Nothing,
}

async fn client(house: &House, index: usize) -> Seen {
    let more = match draw("shape", index, 4) {
        0 => json!({}),
        1 => json!({"stream": true}),
        2 => json!({"stream": true, "stream_options": {"include_usage": true}}),
        _ => {
            json!({"stream": true, "tools": [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]})
        }
    };
    let body = chat(&format!("question {index}"), &more);
    let sending = house.client.post(house.url()).bearer_auth("k").json(&body).send();
    let leaves = draw("leaves", index, 10);
    let response = if leaves == 0 {
        let patience = Duration::from_millis(draw("patience", index, 20));
        match tokio::time::timeout(patience, sending).await {
            Ok(response) => response.unwrap(),
            Err(_) => return Seen::Nothing,
        }
    } else {
        sending.await.unwrap()
    };
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut pieces = response.bytes_stream();
    let mut text = Vec::new();
    let mut left = if leaves < 3 { draw("pieces", index, 12) } else { u64::MAX };
    while left > 0 {
        left -= 1;
        match pieces.next().await {
            None => return Seen::Whole(Answer { status, headers, text: String::from_utf8(text).unwrap() }),
            Some(Ok(piece)) => text.extend(piece),
            Some(Err(_)) => return Seen::Part(id),
        }
    }
    Seen::Part(id)
}

/// An answer that came whole is one: a stream has an end, an error has OpenAI's shape.
fn check_answer(answer: &Answer) {
    if answer.status != 200 {
        assert!(answer.json()["error"]["message"].is_string(), "{}", answer.text);
    } else if answer.header("content-type").starts_with("text/event-stream") {
        let last = *answer.events().last().expect("an event");
        let failed = || serde_json::from_str::<Value>(last).is_ok_and(|event| event["error"]["message"].is_string());
        assert!(last == "[DONE]" || failed(), "{}", answer.text);
    }
}

/// The legs of one request fit together.
fn check_legs(legs: &[&Exchange]) {
    let of = |role: Role| legs.iter().filter(move |leg| leg.role == role);
    let count = |role: Role| of(role).count();
    assert_eq!(count(Role::Served), 1, "{legs:?}");
    let served = of(Role::Served).next().unwrap();
    assert!(count(Role::Fallback) <= 1 && count(Role::Shadow) <= 1 && count(Role::Repeat) <= 1, "{legs:?}");
    if let Some(fallback) = of(Role::Fallback).next() {
        assert_eq!((served.arm, fallback.arm), (Arm::Candidate, Arm::Baseline));
        assert!(served.error.is_some(), "only a failure falls back: {served:?}");
    }
    assert_eq!(served.shadow.is_some(), served.arm == Arm::Baseline, "{served:?}");
    assert!(count(Role::Shadow) == 0 || served.shadow == Some(ShadowFate::Sent), "{legs:?}");
    for leg in legs {
        let said_something = leg.answer_chars > 0 || leg.reasoning_chars.is_some();
        assert!(!said_something || leg.usage.is_some_and(|usage| usage.completion > 0), "usage is lost: {leg:?}");
        assert_eq!(leg.usage.is_some(), leg.cost_nanos.is_some(), "{leg:?}");
    }
}

/// Nothing is held any more: no permit, no copy, no call.
async fn is_quiet(house: &House) -> bool {
    let page = house.admin("/metrics").await.text;
    let held = [
        "weighbridge_requests_in_flight ",
        "weighbridge_provider_in_flight{",
        "weighbridge_shadow_held_copies ",
        "weighbridge_shadow_held_bytes ",
    ];
    page.lines().filter(|line| held.iter().any(|name| line.starts_with(name))).all(|line| line.ends_with(" 0"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_nothing_is_lost_and_nothing_is_held() {
    let deadlines = "idle_timeout = \"300ms\"\ntotal_timeout = \"10s\"\nbreaker = false";
    let plan = Plan {
        weight_percent: 50.0,
        shadow_percent: 100.0,
        openai: troubled(),
        deepseek: troubled(),
        openai_extra: deadlines,
        deepseek_extra: "idle_timeout = \"300ms\"\ntotal_timeout = \"10s\"\nbreaker = false\nrequests_in_flight_max = 6",
        migration: "repeat_percent = 20",
        extra: "shadow.workers = 8\nshadow.queue_jobs_max = 4\n",
        ..Plan::default()
    };
    let house = plan.build().await;
    let clients = futures_util::stream::iter((0..REQUESTS).map(|index| client(&house, index)));
    let seen: Vec<Seen> = soon("all clients are done", clients.buffer_unordered(AT_ONCE).collect()).await;

    soon("everything has ended", async {
        while !is_quiet(&house).await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let records = house.records().await;
    let mut pairs: BTreeMap<&str, Vec<&Exchange>> = BTreeMap::new();
    for record in &records {
        pairs.entry(&record.pair).or_default().push(record);
    }
    pairs.values().for_each(|legs| check_legs(legs));

    let mut whole = 0;
    for seen in &seen {
        let id = match seen {
            Seen::Whole(answer) => {
                whole += 1;
                check_answer(answer);
                let legs = &pairs[answer.header("x-request-id")];
                let fell_back = legs.iter().any(|leg| leg.role == Role::Fallback);
                assert_eq!(fell_back, !answer.header("x-weighbridge-fallback").is_empty(), "{legs:?}");
                continue;
            }
            Seen::Part(id) => id,
            Seen::Nothing => continue,
        };
        assert!(pairs.contains_key(id.as_str()), "a client got a part of an answer that is not on record");
    }
    assert!(whole > REQUESTS / 2 && pairs.len() <= REQUESTS, "{whole} of {REQUESTS}, {} on record", pairs.len());

    // Every copy was made or is counted.
    let counts = house.gateway.shadow_counts();
    let with = |role: Role| records.iter().filter(|record| record.role == role).count() as u64;
    let fate = |fate: ShadowFate| records.iter().filter(|record| record.shadow == Some(fate)).count() as u64;
    let unsent = |record: &&Exchange| {
        record.error == Some(ErrorKind::GatewayBusy) && matches!(record.role, Role::Shadow | Role::Repeat)
    };
    let unsent = records.iter().filter(unsent).count() as u64;
    assert_eq!(
        counts.accepted,
        with(Role::Shadow) + with(Role::Repeat),
        "each copy that was taken is on record: {counts:?}"
    );
    assert_eq!(counts.finished, counts.accepted - unsent, "{counts:?}");
    assert!(with(Role::Shadow) > 0 && with(Role::Repeat) > 0 && with(Role::Fallback) > 0);
    // Which bound is met first is a matter of timing; that one is, and that each refusal is counted, is not.
    let (full, busy) = (fate(ShadowFate::QueueFull), fate(ShadowFate::CandidateBusy));
    assert!(full + busy > 0, "{counts:?}");
    assert!(full <= counts.dropped_by_reason["queue_full"] && busy <= counts.dropped_by_reason["candidate_busy"]);
    assert_eq!(counts.dropped_by_reason.values().sum::<u64>(), counts.dropped);
    let written = house.admin("/admin/v1/migrations").await.json()["records"]["written"].clone();
    assert_eq!(written, records.len());

    // And it still serves.
    let mut served = 0;
    for index in 0..10 {
        served += u32::from(house.ask(&chat(&format!("afterwards {index}"), &json!({}))).await.status == 200);
    }
    assert!(served >= 5, "{served} of 10");
    until("the mirror is idle again", || house.gateway.shadow_counts().held == 0).await;
}
