//! The whole library against small servers on loopback.

mod arms;
mod edges;
mod endpoints;
mod engine;
mod killed;
mod schema;
mod server;

use crate::options::ArmChoice;
use crate::progress::Silent;
use crate::{CancellationToken, ReplayError, ReplayOptions, Summary, run};
use datasets::{Arm, Exchange, Format, Lines, LoggedRequest, Recorded};
use serde_json::value::RawValue;
use server::{Reply, Server, json, stream};
use std::collections::BTreeMap;
use std::path::Path;
use wire::ErrorKind;

const STREAMED: &str = r#"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hello there"}]}"#;
const WHOLE: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello there"}]}"#;

fn row(id: &str, at_us: i64, body: &str) -> LoggedRequest {
    let body = RawValue::from_string(body.to_owned()).unwrap();
    LoggedRequest::chat(id, at_us, body)
}

fn rows(count: usize, body: &str) -> Vec<LoggedRequest> {
    (0..count).map(|n| row(&format!("r{n}"), n as i64 * 1_000, body)).collect()
}

fn options(target: &str, rate: &str) -> ReplayOptions {
    ReplayOptions { target: target.to_owned(), rate: rate.parse().unwrap(), ..ReplayOptions::default() }
}

async fn play(log: Vec<LoggedRequest>, options: ReplayOptions) -> Result<Summary, ReplayError> {
    run(log, options, &Silent, CancellationToken::new()).await
}

fn records(path: &Path) -> Vec<Exchange> {
    Lines::open(path, Format::Exchanges).unwrap().map(Result::unwrap).collect()
}

fn balanced(summary: &Summary) {
    assert_eq!(summary.planned, summary.sent + summary.dropped + summary.not_sent, "{summary:?}");
    assert_eq!(summary.sent, summary.ok + summary.failed_total() + summary.unfinished, "{summary:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_log_is_measured_from_first_text_to_last_byte() {
    let server = Server::start(|_, _| stream(60, 5, 10)).await;
    let mut log = rows(20, STREAMED);
    log[3].session = Some("talk".into());
    let summary = play(log, options(&server.url, "100/s")).await.unwrap();
    balanced(&summary);
    assert_eq!((summary.planned, summary.ok, summary.stopped), (20, 20, false));
    let ttft = summary.latency.ttft_from_sent.unwrap();
    // The role-only chunk comes at once; the first text 60 ms later.
    assert_eq!(ttft.count, 20);
    assert!(ttft.p50_us >= 59_000, "{ttft:?}");
    let whole = summary.latency.duration_from_sent.unwrap();
    assert!(whole.p50_us >= ttft.p50_us + 38_000, "{whole:?}");
    // (E2E - TTFT) / (5 - 1), with four pauses of ten milliseconds.
    assert!(summary.latency.tpot.unwrap().p50_us >= 9_500, "{summary:?}");
    assert_eq!(summary.chunk_gap.unwrap().count, 20 * 4);
    assert!(summary.latency.ttft_from_planned.unwrap().p50_us >= ttft.p50_us);
    assert_eq!((summary.tokens.prompt, summary.tokens.completion, summary.tokens.cached), (200, 100, 80));
    assert!(summary.steady.unwrap().latency.ttft_from_sent.unwrap().count < 20);
    let seen = server.seen.lock().unwrap();
    assert!(seen.iter().all(|(head, body)| head.starts_with("post /v1/chat/completions ") && body == STREAMED));
    assert!(seen.iter().any(|(head, _)| head.contains("x-request-id: r3\r\n") && head.contains("x-weighbridge-conversation: talk")));
    assert_eq!(seen.iter().filter(|(head, _)| head.contains("x-weighbridge-conversation")).count(), 1);
}

#[tokio::test]
async fn a_whole_answer_has_no_time_to_first_token() {
    let mock = wiremock::MockServer::start().await;
    let body = r#"{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
    let reply = wiremock::ResponseTemplate::new(200).set_body_raw(body, "application/json");
    wiremock::Mock::given(wiremock::matchers::header("authorization", "Bearer sk-1"))
        .respond_with(reply)
        .mount(&mock)
        .await;
    let options = ReplayOptions { api_key: Some(crate::ApiKey::new("sk-1")), ..options(&mock.uri(), "max:2") };
    let summary = play(rows(6, WHOLE), options).await.unwrap();
    balanced(&summary);
    assert_eq!(summary.ok, 6);
    assert!(summary.latency.ttft_from_sent.is_none() && summary.latency.tpot.is_none());
    assert_eq!(summary.latency.duration_from_sent.unwrap().count, 6);
    assert!(!summary.degraded, "{:?}", summary.degraded_because);
    let text = summary.to_text();
    assert!(text.contains("6 ok") && !text.contains("DEGRADED"), "{text}");
    let again: Summary = serde_json::from_str(&serde_json::to_string(&summary).unwrap()).unwrap();
    assert_eq!((again.schema.as_str(), again.ok), ("weighbridge.replay/1", 6));
}

#[tokio::test]
async fn failures_have_kinds() {
    let quota = r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let cases: Vec<(&str, Reply, ErrorKind)> = vec![
        ("no answer", Reply::Close, ErrorKind::Connect),
        ("429", json(429, r#"{"error":{"message":"slow down","type":"requests"}}"#), ErrorKind::RateLimit),
        ("quota", json(429, quota), ErrorKind::Quota),
        ("503 of a proxy", json(503, "<html>"), ErrorKind::Overloaded),
        ("401", json(401, "{}"), ErrorKind::Auth),
        ("whole but no json", json(200, "oops"), ErrorKind::Malformed),
        ("connection cut", Reply::Cut(server::pieces(0, 2, 0)[..2].to_vec()), ErrorKind::Truncated),
        (
            "no end mark",
            Reply::Stream(200, server::EVENTS.into(), server::pieces(0, 2, 0)[..3].to_vec()),
            ErrorKind::Truncated,
        ),
        (
            "error event",
            Reply::Stream(200, server::EVENTS.into(), vec![(0, "data: {\"error\":{\"message\":\"x\"}}\n\n".into())]),
            ErrorKind::Server,
        ),
        ("silence", Reply::Hang, ErrorKind::Timeout),
    ];
    let expected: Vec<ErrorKind> = cases.iter().map(|case| case.2).collect();
    let replies: Vec<Reply> = cases.iter().map(|case| case.1.clone()).collect();
    let server = Server::start(move |n, _| replies[n].clone()).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ndjson");
    let options = ReplayOptions {
        total_timeout: std::time::Duration::from_millis(400),
        out: Some(out.clone()),
        ..options(&server.url, "max:1")
    };
    let summary = play(rows(cases.len(), STREAMED), options).await.unwrap();
    balanced(&summary);
    let kinds: Vec<ErrorKind> = records(&out).into_iter().map(|record| record.error.unwrap()).collect();
    assert_eq!(kinds, expected, "{:?}", cases.iter().map(|case| case.0).collect::<Vec<_>>());
    assert_eq!(summary.failed_total(), cases.len() as u64);
    assert_eq!(summary.failed[&ErrorKind::Truncated], 2);
    // Nobody survived, so no latency is reported.
    assert!(summary.latency.duration_from_sent.is_none());
    // What a broken stream had said was still produced: it is counted, and marked as an estimate.
    let cut = &records(&out)[6];
    assert_eq!((cut.answer_chars, cut.usage.unwrap().source), (3, wire::UsageSource::Estimate));
    // What was refused costs nothing; what was under way costs its prompt at least, as in the gateway.
    let billed: Vec<bool> = records(&out).iter().map(|record| record.usage.is_some()).collect();
    assert_eq!(billed, [false, false, false, false, false, true, true, true, false, true]);
    let silent = records(&out)[9].usage.unwrap();
    assert!(silent.prompt > 7 && silent.completion == 0 && silent.source == wire::UsageSource::Estimate, "{silent:?}");
}

#[tokio::test]
async fn the_tier_that_served_a_call_is_on_record_and_lost_reports_of_a_log_are_estimated() {
    let body = r#"{"model":"gpt-4o-mini","service_tier":"flex","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},
        "finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
    let server = Server::start(move |_, _| json(200, body)).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ndjson");
    let mut log = rows(2, WHOLE);
    log[0].recorded = Some(Recorded { usage: None, tier: wire::price::Tier::Batch, ..recorded() });
    log[1].recorded = Some(Recorded { usage: None, answer: None, ..recorded() });
    let options = ReplayOptions {
        out: Some(out.clone()),
        arm: ArmChoice::Forced(Arm::Candidate),
        models: BTreeMap::from([("*".into(), "deepseek-flash".into())]),
        baseline_recorded: true,
        ..options(&server.url, "max:1")
    };
    play(log, options).await.unwrap();
    let records = records(&out);
    assert_eq!(records.len(), 4);
    let of = |request: &str, arm: Arm| {
        records.iter().find(|one| one.request.as_deref() == Some(request) && one.arm == arm).unwrap()
    };
    assert_eq!(of("r0", Arm::Candidate).tier, wire::price::Tier::Flex);
    let logged = of("r0", Arm::Baseline);
    let usage = logged.usage.unwrap();
    assert_eq!(
        (logged.tier, usage.source, usage.completion),
        (wire::price::Tier::Batch, wire::UsageSource::Estimate, 3)
    );
    assert_eq!(of("r1", Arm::Baseline).usage, None, "of an answer that the log did not keep nothing is known");
}

#[tokio::test]
async fn an_answer_that_does_not_tell_its_tier_is_charged_in_the_one_that_was_asked_for() {
    let server = Server::start(move |_, _| Reply::Hang).await;
    let folder = tempfile::tempdir().unwrap();
    let body = WHOLE.replacen('{', r#"{"service_tier":"priority","#, 1);
    for (arm, expected) in [(Arm::Baseline, wire::price::Tier::Priority), (Arm::Candidate, wire::price::Tier::Standard)]
    {
        let out = folder.path().join(format!("{}.ndjson", arm.name()));
        let options = ReplayOptions {
            total_timeout: std::time::Duration::from_millis(400),
            out: Some(out.clone()),
            arm: ArmChoice::Forced(arm),
            models: BTreeMap::from([("*".into(), "deepseek-flash".into())]),
            ..options(&server.url, "max:1")
        };
        play(rows(1, &body), options).await.unwrap();
        let record = &records(&out)[0];
        assert_eq!(record.tier, expected);
        let (usage, tariffs) = (record.usage.unwrap(), wire::price::Tariffs::embedded().unwrap());
        let call = wire::price::Call::new(&record.provider, &record.model, record.sent_us);
        let nanos = tariffs.price(&wire::price::Call { tier: expected, ..call }, &usage).unwrap().nanos;
        assert_eq!(record.cost_nanos, Some(nanos));
    }
}

#[tokio::test]
async fn a_refused_connection_is_a_result_not_an_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let summary = play(rows(3, WHOLE), options(&url, "max:1")).await.unwrap();
    assert_eq!(summary.failed[&ErrorKind::Connect], 3);
}

fn recorded() -> Recorded {
    serde_json::from_str(
        r#"{"provider":"openai","model":"gpt-4o-mini-2024-07-18","status":200,"ttft_us":5,"duration_us":9,
        "finish_reason":"stop","usage":{"prompt":1000,"completion":500,"source":"provider"},"answer":"as it was"}"#,
    )
    .unwrap()
}
