//! Other endpoints than chat, and what is kept of answers.

use super::server::{EVENTS, Reply, Server, json, pieces};
use super::{STREAMED, options, play, recorded, records, row, rows};
use crate::{ArmChoice, ReplayOptions};
use datasets::{Arm, LoggedRequest, Redaction, digest};
use std::collections::BTreeMap;
use wire::{Endpoint, ErrorKind};

fn calls() -> Vec<LoggedRequest> {
    let bodies = [
        (Endpoint::Completions, r#"{"model":"m","prompt":"a","stream":true}"#),
        (Endpoint::Embeddings, r#"{"model":"m","input":"abc"}"#),
        (Endpoint::Responses, r#"{"model":"m","input":"abc","stream":true,"store":false}"#),
        (Endpoint::Moderations, r#"{"model":"m","input":"abc"}"#),
    ];
    let call = |(endpoint, body): (Endpoint, &str)| LoggedRequest {
        endpoint,
        consumer: Some("shop".into()),
        ..row(endpoint.name(), 0, body)
    };
    bodies.into_iter().map(call).collect()
}

fn answers(body: &str) -> Reply {
    let event = |json: &str| (0, format!("data: {json}\n\n"));
    if body.contains("prompt") {
        let text = r#"{"choices":[{"index":0,"text":"hi","finish_reason":"stop"}]}"#;
        return Reply::Stream(200, EVENTS.into(), vec![event(text), event("[DONE]")]);
    }
    if body.contains("stream") {
        let done = r#"{"type":"response.completed","response":{"model":"m","status":"completed","usage":{"input_tokens":3,"output_tokens":2}}}"#;
        let text = r#"{"type":"response.output_text.delta","delta":"hello"}"#;
        return Reply::Stream(200, EVENTS.into(), vec![event(text), event(done)]);
    }
    json(200, r#"{"model":"m","data":[{"index":0,"embedding":[0.1]}],"usage":{"prompt_tokens":1}}"#)
}

#[tokio::test]
async fn each_endpoint_has_its_path_and_its_way_of_reading() {
    let server = Server::start(|_, body| answers(body)).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ndjson");
    let summary =
        play(calls(), ReplayOptions { out: Some(out.clone()), ..options(&server.url, "max:1") }).await.unwrap();
    assert_eq!((summary.ok, summary.planned), (4, 4), "{summary:?}");
    let heads: Vec<String> =
        server.seen.lock().unwrap().iter().map(|(head, _)| head.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(heads, ["/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/moderations"]);
    let all = records(&out);
    let seen: Vec<_> =
        all.iter().map(|r| (r.endpoint, r.answer_chars, r.streamed, r.form_failure.as_deref())).collect();
    assert_eq!(
        seen,
        [
            (Endpoint::Completions, 2, true, None),
            (Endpoint::Embeddings, 0, false, None),
            (Endpoint::Responses, 5, true, None),
            (Endpoint::Moderations, 0, false, None),
        ]
    );
    assert!(all.iter().all(|record| record.consumer.as_deref() == Some("shop")));
    assert_eq!(all[2].usage.unwrap().completion, 2);
}

#[tokio::test]
async fn what_the_provider_has_no_endpoint_for_is_skipped() {
    let server = Server::start(|_, body| answers(body)).await;
    let options = ReplayOptions {
        arm: ArmChoice::Forced(Arm::Candidate),
        models: BTreeMap::from([("*".into(), "deepseek-flash".into())]),
        ..options(&server.url, "max:1")
    };
    let summary = play(calls(), options).await.unwrap();
    let skipped = ["completions", "embeddings", "moderations"].map(|name| (name.to_owned(), 1));
    assert_eq!((summary.sent, summary.skipped), (1, BTreeMap::from(skipped)));
    assert!(server.seen.lock().unwrap()[0].0.starts_with("post /responses "));
}

#[tokio::test]
async fn an_empty_answer_has_a_digest_and_a_broken_one_has_none() {
    let server = Server::start(|n, _| match n {
        0 => Reply::Stream(200, EVENTS.into(), pieces(0, 0, 0)),
        _ => Reply::Cut(pieces(0, 2, 0)[..2].to_vec()),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ndjson");
    let redaction = Redaction::Full;
    play(rows(2, STREAMED), ReplayOptions { out: Some(out.clone()), redaction, ..options(&server.url, "max:1") })
        .await
        .unwrap();
    let all = records(&out);
    let nothing = digest::content("weighbridge", "");
    assert_eq!((all[0].answer_digest.as_deref(), all[0].answer.as_deref()), (Some(nothing.as_str()), Some("")));
    assert_eq!((all[1].error, all[1].answer_chars), (Some(ErrorKind::Truncated), 3));
    assert_eq!((&all[1].answer_digest, &all[1].answer), (&None, &None));
}

#[tokio::test]
async fn recorded_calls_and_refusals_are_compared_like_live_ones() {
    let server = Server::start(|_, body| answers(body)).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.ndjson");
    let mut log = rows(1, STREAMED);
    let tools = vec![("f".to_owned(), serde_json::json!({"b": 1, "a": 2}))];
    log[0].recorded = Some(datasets::Recorded { answer: None, refused: true, tools, duration_us: None, ..recorded() });
    let options = ReplayOptions {
        arm: ArmChoice::Forced(Arm::Candidate),
        models: BTreeMap::from([("*".into(), "deepseek-flash".into())]),
        baseline_recorded: true,
        out: Some(out.clone()),
        ..options(&server.url, "max:1")
    };
    play(log, options).await.unwrap();
    let baseline = &records(&out)[0];
    let calls = digest::content("weighbridge", r#"[["f",{"a":2,"b":1}]]"#);
    assert_eq!((baseline.tools_digest.as_deref(), baseline.refused), (Some(calls.as_str()), true));
    assert_eq!(baseline.recorded, Some(datasets::FromLog::Untimed));
}

#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_is_replaced_and_nothing_is_sent_twice() {
    let server =
        Server::start(|_, _| Reply::Stream(200, format!("{EVENTS}connection: close\r\n"), pieces(0, 1, 0))).await;
    let summary = play(rows(5, STREAMED), options(&server.url, "max:1")).await.unwrap();
    assert_eq!((summary.ok, server.count()), (5, 5));
}

/// Accepts one connection and reads the first bytes; then closes it or keeps it open in silence.
async fn silent(close: bool) -> (String, tokio::task::JoinHandle<u8>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let first = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let byte = tokio::io::AsyncReadExt::read_u8(&mut socket).await.unwrap();
        if !close {
            tokio::spawn(async move {
                let _open = socket;
                std::future::pending::<()>().await;
            });
        }
        byte
    });
    (url, first)
}

#[tokio::test]
async fn https_speaks_tls_and_the_deadline_of_a_connection_covers_it() {
    for close in [true, false] {
        let (url, first) = silent(close).await;
        let connect_timeout = std::time::Duration::from_millis(200);
        let summary =
            play(rows(1, STREAMED), ReplayOptions { connect_timeout, ..options(&url, "max:1") }).await.unwrap();
        // A TLS handshake begins with 22.
        assert_eq!(
            (first.await.unwrap(), summary.failed),
            (22, BTreeMap::from([(ErrorKind::Connect, 1)])),
            "nothing was asked"
        );
    }
}

#[tokio::test]
async fn what_is_no_http_is_malformed() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        tokio::io::AsyncReadExt::read_u8(&mut socket).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut socket, b"SSH-2.0-OpenSSH_9.6\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let summary = play(rows(1, STREAMED), options(&url, "max:1")).await.unwrap();
    assert_eq!(summary.failed, BTreeMap::from([(ErrorKind::Malformed, 1)]));
}
