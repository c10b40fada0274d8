//! A candidate that fails before its first byte is replaced by the baseline, and the failure stays its own: in the
//! records, in the verdict, and in the header that says why.

use crate::door::Door;
use crate::harness::{Answer, House, PROVIDER_KEY, Plan, chat, read, until};
use datasets::{Arm, AssignedBy, Exchange, Role};
use futures_util::StreamExt;
use mocks::{Faults, Latency, Profile};
use serde_json::{Value, json};
use wire::ErrorKind;

/// The candidate serves everybody, as well as it can.
fn all_to(deepseek: Profile) -> Plan {
    Plan { weight_percent: 100.0, deepseek, ..Plan::default() }
}

fn faulty(faults: Faults) -> Profile {
    Profile { faults, ..Profile::instant() }
}

/// Never a first byte.
fn silent() -> Profile {
    Profile { time_scale: 1.0, first_token: Latency { median_ms: 600_000.0, sigma: 0.0 }, ..Profile::instant() }
}

/// An address where nothing listens.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// The text that a client got, whole or in pieces.
fn text_of(answer: &Answer, streamed: bool) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if !streamed {
        return text(&answer.json()["choices"][0]["message"]["content"]);
    }
    let chunks = answer.events().into_iter().filter(|data| *data != "[DONE]");
    chunks.map(|data| text(&serde_json::from_str::<Value>(data).unwrap()["choices"][0]["delta"]["content"])).collect()
}

/// Asks once: the client gets the baseline's good answer, and both legs are on record.
async fn falls_back(plan: Plan, streamed: bool, kind: ErrorKind, status: u16) {
    let house = plan.build().await;
    let answer = house.ask(&chat("hello", &json!({"stream": streamed}))).await;
    let case = format!("{kind:?} {status}, streamed {streamed}: {}", answer.text);
    assert_eq!(answer.status, 200, "{case}");
    assert_eq!(answer.header("x-weighbridge-arm"), "baseline", "{case}");
    assert_eq!(answer.header("x-weighbridge-fallback"), kind.name(), "{case}");
    assert!(!answer.text.contains("\"error\"") && answer.text.contains("gpt-4o-mini"), "{case}");
    assert!(!streamed || answer.events().last() == Some(&"[DONE]"), "{case}");

    let records = house.records().await;
    let [failure, rescue] = records.as_slice() else { panic!("two records, not {records:?}") };
    assert_eq!((failure.arm, failure.role, failure.status), (Arm::Candidate, Role::Served, status), "{case}");
    assert_eq!((failure.error, failure.model.as_str()), (Some(kind), "deepseek-flash"), "{case}");
    assert_eq!((failure.assigned_by, failure.assigned_bp), (Some(AssignedBy::Weight), Some(10_000)), "{case}");
    assert_eq!((rescue.arm, rescue.role, rescue.status), (Arm::Baseline, Role::Fallback, 200), "{case}");
    assert_eq!((rescue.error, rescue.model.as_str()), (None, "gpt-4o-mini"), "{case}");
    assert_eq!((&failure.pair, failure.at_us, failure.epoch), (&rescue.pair, rescue.at_us, rescue.epoch), "{case}");
    assert_eq!(rescue.pair, answer.header("x-request-id"), "{case}");
    let text = text_of(&answer, streamed);
    assert!(!text.is_empty() && rescue.answer.as_ref() == Some(&text), "{case}");
    assert_eq!(house.openai.requests().counts().received, 1, "{case}");
}

/// Streamed and not.
async fn falls_back_in_both_forms(plan: impl Fn() -> Plan, kind: ErrorKind, status: u16) {
    for streamed in [false, true] {
        falls_back(plan(), streamed, kind, status).await;
    }
}

#[tokio::test]
async fn where_nothing_listens_the_baseline_answers() {
    let plan = || Plan { candidate_url: Some(nobody()), ..all_to(Profile::instant()) };
    falls_back_in_both_forms(plan, ErrorKind::Connect, 0).await;
    let reset = || all_to(faulty(Faults { reset: 1.0, ..Faults::default() }));
    falls_back_in_both_forms(reset, ErrorKind::Connect, 0).await;
}

#[tokio::test]
async fn a_refusing_status_is_answered_by_the_baseline() {
    for (faults, kind, status) in [
        (Faults { error_500: 1.0, ..Faults::default() }, ErrorKind::Server, 500),
        (Faults { error_503: 1.0, ..Faults::default() }, ErrorKind::Overloaded, 503),
        (Faults { error_429: 1.0, ..Faults::default() }, ErrorKind::RateLimit, 429),
        (Faults { error_402: 1.0, ..Faults::default() }, ErrorKind::Quota, 402),
    ] {
        falls_back_in_both_forms(|| all_to(faulty(faults)), kind, status).await;
    }
}

#[tokio::test]
async fn a_key_that_the_candidate_refuses_is_our_trouble_not_the_clients() {
    let plan = || Plan { deepseek_key: Some("sk-another-one"), ..all_to(Profile::instant()) };
    falls_back_in_both_forms(plan, ErrorKind::Auth, 401).await;
}

#[tokio::test]
async fn a_candidate_that_says_nothing_in_time_is_left() {
    // Takes connections and never says a word, not even headers.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", mute.local_addr().unwrap());
    for (streamed, deadline) in [(true, "headers_timeout = \"200ms\""), (false, "total_timeout = \"200ms\"")] {
        let plan = Plan { candidate_url: Some(url.clone()), deepseek_extra: deadline, ..all_to(Profile::instant()) };
        falls_back(plan, streamed, ErrorKind::Timeout, 0).await;
    }
    // Says that it will answer, and then does not.
    for (streamed, deadline) in [(true, "first_token_timeout = \"200ms\""), (true, "idle_timeout = \"200ms\"")] {
        let plan = Plan { deepseek_extra: deadline, ..all_to(silent()) };
        falls_back(plan, streamed, ErrorKind::Timeout, 200).await;
    }
}

#[tokio::test]
async fn an_error_behind_a_good_status_is_an_error() {
    let faults = Faults { late_error: 1.0, ..Faults::default() };
    falls_back(all_to(faulty(faults)), false, ErrorKind::Server, 500).await;
    falls_back(all_to(faulty(faults)), true, ErrorKind::Server, 500).await;
}

/// A stream of this error and nothing else.
async fn door_with_an_error(message: &str) -> Door {
    let error =
        json!({"message": message, "type": "invalid_request_error", "param": null, "code": "invalid_request_error"});
    let events = format!(": keep-alive\n\ndata: {}\n\n", json!({"error": error}));
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    Door::saying(format!("{head}{events}")).await
}

#[tokio::test]
async fn an_error_event_is_taken_for_what_it_says() {
    let door = door_with_an_error("Insufficient Balance").await;
    let plan =
        Plan { candidate_url: Some(door.url()), migration: "fallback.on = [\"quota\"]", ..all_to(Profile::instant()) };
    falls_back(plan, true, ErrorKind::Quota, 429).await;
    // What the candidate refuses to talk about is no failure of a provider, streamed or not.
    let door = door_with_an_error("Content Exists Risk").await;
    let house = Plan { candidate_url: Some(door.url()), ..all_to(Profile::instant()) }.build().await;
    let answer = house.ask(&chat("hello", &json!({"stream": true}))).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!("content_filter")), "{}", answer.text);
    assert_eq!((answer.header("x-weighbridge-arm"), answer.header("x-weighbridge-fallback")), ("candidate", ""));
    let records = house.records().await;
    assert_eq!(records.iter().map(|record| record.error).collect::<Vec<_>>(), [Some(ErrorKind::Moderation)]);
}

#[tokio::test]
async fn an_answer_that_the_candidate_gave_up_is_no_answer() {
    let faults = Faults { insufficient_system_resource: 1.0, ..Faults::default() };
    falls_back(all_to(faulty(faults)), false, ErrorKind::Overloaded, 503).await;
}

#[tokio::test]
async fn after_the_first_piece_of_text_nobody_takes_over() {
    let gap = Latency { median_ms: 5.0, sigma: 0.0 };
    let broken = |faults| Profile { faults, time_scale: 1.0, gap, ..Profile::instant() };
    for (faults, kind) in [
        (Faults { truncate: 1.0, ..Faults::default() }, ErrorKind::Truncated),
        (Faults { abort: 1.0, ..Faults::default() }, ErrorKind::Truncated),
        (Faults { stall: 1.0, ..Faults::default() }, ErrorKind::Timeout),
        (Faults { error_event: 1.0, ..Faults::default() }, ErrorKind::Server),
        (Faults { insufficient_system_resource: 1.0, ..Faults::default() }, ErrorKind::Overloaded),
    ] {
        let deepseek = Profile { first_token: Latency { median_ms: 1.0, sigma: 0.0 }, ..broken(faults) };
        let house = Plan { deepseek_extra: "idle_timeout = \"300ms\"", ..all_to(deepseek) }.build().await;
        let answer = house.ask(&chat("hello", &json!({"stream": true}))).await;
        let case = format!("{faults:?}: {}", answer.text);
        assert_eq!((answer.status, answer.header("x-weighbridge-arm")), (200, "candidate"), "{case}");
        assert_eq!(answer.header("x-weighbridge-fallback"), "", "{case}");
        let events = answer.events();
        assert!(events.len() > 1 && events[0].contains("deepseek-flash"), "{case}");
        let errors: Vec<&&str> = events.iter().filter(|data| data.contains("\"error\"")).collect();
        assert_eq!(errors.len(), 1, "{case}");
        assert!(events.iter().rev().find(|data| **data != "[DONE]") == Some(errors[0]), "{case}");
        let records = house.records().await;
        let [record] = records.as_slice() else { panic!("{case}: {records:?}") };
        assert_eq!((record.arm, record.role, record.error), (Arm::Candidate, Role::Served, Some(kind)), "{case}");
        assert_eq!(house.openai.requests().counts().received, 0, "{case}");
    }
}

#[tokio::test]
async fn without_a_fallback_the_candidates_error_is_shown() {
    for (faults, status, code) in [
        (Faults { error_500: 1.0, ..Faults::default() }, 500, "server_error"),
        (Faults { error_402: 1.0, ..Faults::default() }, 429, "insufficient_quota"),
    ] {
        let house = Plan { migration: "fallback.on = []", ..all_to(faulty(faults)) }.build().await;
        let answer = house.ask(&chat("hello", &json!({}))).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &json!(code)), "{}", answer.text);
        assert_eq!(answer.header("x-weighbridge-arm"), "candidate");
        assert_eq!(answer.header("x-weighbridge-fallback"), "");
        assert_eq!((house.records().await.len(), house.openai.requests().counts().received), (1, 0));
    }
}

#[tokio::test]
async fn what_the_client_did_wrong_is_not_asked_twice() {
    let faults = Faults { content_filter: 1.0, ..Faults::default() };
    let house = all_to(faulty(faults)).build().await;
    let answer = house.ask(&chat("hello", &json!({}))).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!("content_filter")));
    assert_eq!(house.openai.requests().counts().received, 0);
    // Unless the configuration says so.
    let plan = || Plan { migration: "fallback.on = [\"moderation\"]", ..all_to(faulty(faults)) };
    falls_back_in_both_forms(plan, ErrorKind::Moderation, 400).await;
}

#[tokio::test]
async fn where_both_fail_the_client_is_told_what_the_baseline_said() {
    let candidate = faulty(Faults { error_500: 1.0, ..Faults::default() });
    let openai = faulty(Faults { error_429: 1.0, ..Faults::default() });
    let house = Plan { openai, openai_extra: "retry.attempts_max = 1", ..all_to(candidate) }.build().await;
    let answer = house.ask(&chat("hello", &json!({}))).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (429, &json!("rate_limit_exceeded")));
    assert!(!answer.header("retry-after").is_empty(), "the provider's advice comes with it");
    assert_eq!((answer.header("x-weighbridge-arm"), answer.header("x-weighbridge-fallback")), ("baseline", "server"));
    let outcomes: Vec<_> = house.records().await.iter().map(|record| (record.arm, record.role, record.error)).collect();
    let expected = [
        (Arm::Candidate, Role::Served, Some(ErrorKind::Server)),
        (Arm::Baseline, Role::Fallback, Some(ErrorKind::RateLimit)),
    ];
    assert_eq!(outcomes, expected);
}

#[tokio::test]
async fn a_candidate_that_keeps_failing_is_left_alone_until_it_is_well_again() {
    let inside =
        mocks::start(crate::harness::ANY, mocks::MockConfig::instant(mocks::Provider::DeepSeek)).await.unwrap();
    let door = Door::before(inside.addr, false).await;
    let deepseek_extra = "retry.attempts_max = 1\nbreaker = { minimum = 3, open_for = \"3s\", probes = 1 }";
    let candidate_url = Some(door.url());
    let house = Plan { candidate_url, deepseek_extra, ..all_to(Profile::instant()) }.build().await;
    let ask = async |user: &str| {
        let answer = house.ask(&chat("hello", &json!({"user": user}))).await;
        assert_eq!(answer.status, 200, "a client notices: {}", answer.text);
        answer.header("x-weighbridge-arm").to_owned()
    };
    for user in ["a", "b", "c"] {
        assert_eq!(ask(user).await, "baseline");
    }
    assert_eq!(breaker(&house).await, "open");
    let knocks = door.connections();
    for user in ["a", "b", "c", "d", "e"] {
        assert_eq!(ask(user).await, "baseline");
    }
    assert_eq!((door.connections(), knocks), (3, 3), "an open breaker spares the candidate");
    let records = house.records().await;
    let spared: Vec<&Exchange> = records.iter().filter(|record| record.attempts == 0).collect();
    assert_eq!(spared.len(), 5, "nobody was asked, and the records say so");
    assert!(spared.iter().all(|record| (record.arm, record.status) == (Arm::Candidate, 0)));

    door.open();
    let served = async {
        while ask("a").await != "candidate" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), served).await.expect("a probe lets it back");
    assert_eq!(breaker(&house).await, "closed");
    for user in ["a", "b", "c"] {
        assert_eq!(ask(user).await, "candidate");
    }
}

async fn breaker(house: &House) -> String {
    let providers = house.admin("/admin/v1/providers").await.json();
    providers["deepseek"]["serving"]["breaker"].as_str().unwrap_or_else(|| panic!("{providers}")).to_owned()
}

#[tokio::test]
async fn a_queue_is_waited_for_and_shown_once_the_hold_is_over() {
    // Queued for ten minutes, with a sign of life every 10 ms.
    let queued =
        Profile { time_scale: 1.0, queue_share: 1.0, queue_ms: 600_000, keep_alive_ms: 10, ..Profile::instant() };
    let house = Plan { migration: "fallback.hold = \"50ms\"", ..all_to(queued) }.build().await;
    let request = house.client.post(house.url()).bearer_auth("k").json(&chat("hello", &json!({"stream": true})));
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["x-weighbridge-arm"], "candidate");
    let mut pieces = response.bytes_stream();
    let first = pieces.next().await.unwrap().unwrap();
    assert!(first.starts_with(b":"), "a sign of life: {first:?}");
    drop(pieces);
    until("the candidate is let go", || house.deepseek.requests().counts().in_flight == 0).await;
    assert_eq!(house.openai.requests().counts().received, 0);
}

#[tokio::test]
async fn a_failure_at_the_end_of_a_short_queue_still_falls_back() {
    let queued = Profile {
        time_scale: 1.0,
        queue_share: 1.0,
        queue_ms: 100,
        keep_alive_ms: 10,
        first_token: Latency { median_ms: 1.0, sigma: 0.0 },
        gap: Latency { median_ms: 1.0, sigma: 0.0 },
        ..faulty(Faults { late_error: 1.0, ..Faults::default() })
    };
    falls_back(all_to(queued.clone()), true, ErrorKind::Server, 500).await;
    // Held for nothing, the first sign of life is an answer.
    let house = Plan { migration: "fallback.hold = \"0s\"", ..all_to(queued) }.build().await;
    let answer = house.ask(&chat("hello", &json!({"stream": true}))).await;
    assert_eq!((answer.status, answer.header("x-weighbridge-arm")), (200, "candidate"));
    assert!(answer.text.starts_with(':') && answer.text.contains("\"error\""), "{}", answer.text);
}

#[tokio::test]
async fn a_rescued_request_is_the_candidates_failure_in_the_verdict() {
    let house = Plan {
        weight_percent: 50.0,
        deepseek: faulty(Faults { error_500: 0.25, ..Faults::default() }),
        deepseek_extra: "retry.attempts_max = 1\nbreaker = false",
        ..Plan::default()
    };
    let house = house.build().await;
    for user in 0..200 {
        let answer = house.ask(&chat(&format!("question {user}"), &json!({"user": format!("u{user}")}))).await;
        assert_eq!(answer.status, 200, "no client notices: {}", answer.text);
    }
    let records = house.records().await;
    let served: Vec<&Exchange> =
        records.iter().filter(|record| record.arm == Arm::Candidate && record.role == Role::Served).collect();
    let failed = served.iter().filter(|record| record.error.is_some()).count();
    let rescued = records.iter().filter(|record| record.role == Role::Fallback).count();
    assert!(failed > 5 && failed == rescued, "{failed} failed, {rescued} rescued");
    let verdict = house.records.with_file_name("verdict.json");
    let ran =
        crate::command::run(["evaluate".as_ref(), house.records.as_os_str(), "--out".as_ref(), verdict.as_os_str()])
            .await;
    let verdict: Value = serde_json::from_str(&std::fs::read_to_string(&verdict).unwrap()).unwrap();
    let rows = verdict["guardrails"].as_array().unwrap();
    let row = rows
        .iter()
        .find(|row| row["metric"] == "errors" && row["segment"] == "canary")
        .unwrap_or_else(|| panic!("{ran:?}"));
    #[expect(clippy::cast_precision_loss, reason = "hundreds")]
    let share = failed as f64 / served.len() as f64;
    assert!((row["candidate_value"].as_f64().unwrap() - share).abs() < 1e-9, "{row} is not {share}");
    assert_eq!(row["baseline_value"].as_f64(), Some(0.0), "{row}");
    assert_ne!(verdict["verdict"], "go", "{ran:?}");
    assert!(!std::fs::read_to_string(&house.records).unwrap().contains(PROVIDER_KEY));
}

#[tokio::test]
async fn responses_fall_back_like_everything_else() {
    for (streamed, faults) in [
        (false, Faults { error_500: 1.0, ..Faults::default() }),
        (true, Faults { error_500: 1.0, ..Faults::default() }),
        (false, Faults { late_error: 1.0, ..Faults::default() }),
        (true, Faults { late_error: 1.0, ..Faults::default() }),
    ] {
        let house = all_to(faulty(faults)).build().await;
        let body = json!({"model": "gpt-4o-mini", "input": "hello", "store": false, "stream": streamed});
        let url = format!("http://{}/v1/responses", house.gateway.address);
        let answer = read(house.client.post(url).bearer_auth("k").json(&body).send().await.unwrap()).await;
        let case = format!("streamed {streamed}, {faults:?}: {}", answer.text);
        assert_eq!((answer.status, answer.header("x-weighbridge-arm")), (200, "baseline"), "{case}");
        assert_eq!(answer.header("x-weighbridge-fallback"), "server", "{case}");
        assert!(answer.text.contains("gpt-4o-mini") && answer.text.contains("\"completed\""), "{case}");
        let records = house.records().await;
        let legs: Vec<_> = records.iter().map(|record| (record.arm, record.role, record.error)).collect();
        let expected = [(Arm::Candidate, Role::Served, Some(ErrorKind::Server)), (Arm::Baseline, Role::Fallback, None)];
        assert_eq!(legs, expected, "{case}");
        assert!(records.iter().all(|record| record.endpoint == wire::Endpoint::Responses), "{case}");
    }
}
