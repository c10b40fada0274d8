//! Bytes on their way: frames of a stream are never split, merged, reordered or held back, whatever the provider's
//! writes look like; and clients speak HTTP/1.1 or HTTP/2 as they like.

use crate::harness::{House, Plan, chat, read};
use crate::raw::{self, Client, Provider, soon};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Frames as a provider sends them, and what the client gets of each.
fn frames() -> Vec<(String, String)> {
    let chunk = |delta: &str| {
        format!(
            r#"{{"id":"chatcmpl-c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#
        )
    };
    let text = |word: &str| chunk(&format!(r#"{{"content":"{word}"}}"#));
    let (head, tail) =
        (r#"{"id":"chatcmpl-c","object":"chat.completion.chunk","created":1,"model":"m","#, r#""choices":[]}"#);
    let same = |frame: String| (frame.clone(), frame);
    vec![
        same(": keep-alive\n\n".to_owned()),
        same(format!("data: {}\n\n", chunk(r#"{"role":"assistant","content":""}"#))),
        same(format!("data: {}\n\n", text("plain"))),
        same(format!("data: {}\r\n\r\n", text("carriage returns"))),
        same(format!("data:{}\n\n", text("no space"))),
        same(format!("data: {}\n\n", text("\u{4f60}\u{597d} \\n\\n data: no frame"))),
        same(": queued\n: still\n\n".to_owned()),
        same(format!("data: {head}\ndata: {tail}\n\n")),
        same(format!("event: message\ndata: {}\n\n", text("named"))),
        (format!("id: 7\ndata: {}\n\n", text("numbered")), format!("data: {}\n\n", text("numbered"))),
        (format!("retry: 1000\r\ndata: {}\r\nid\r\n\r\n", text("both")), format!("data: {}\r\n\r\n", text("both"))),
        ("retry: 3000\n\n".to_owned(), String::new()),
        ("id: 8\n\n".to_owned(), String::new()),
        same("\n".to_owned()),
        same(format!("data: {}\n\n", text(&"long ".repeat(20_000)))),
        same("data: [DONE]\n\n".to_owned()),
    ]
}

/// A house whose answering arm is a socket.
async fn behind(provider: &Provider, weight_percent: f64) -> House {
    let url = Some(provider.url.clone());
    let plan = Plan { weight_percent, ..Plan::default() };
    if weight_percent > 0.0 {
        Plan { candidate_url: url, ..plan }.build().await
    } else {
        Plan { baseline_url: url, ..plan }.build().await
    }
}

fn streamed(prompt: &str) -> Value {
    chat(prompt, &json!({"stream": true, "stream_options": {"include_usage": true}}))
}

#[tokio::test]
async fn each_frame_reaches_the_client_before_the_provider_sends_the_next() {
    for weight_percent in [0.0, 100.0] {
        let provider = Provider::start().await;
        let house = behind(&provider, weight_percent).await;
        let mut client = Client::connect(house.gateway.address).await;
        client.ask(&streamed("hello")).await;
        let mut call = provider.call().await;
        call.begin_stream().await;
        let mut headed = false;
        for (sent, seen) in frames() {
            // Byte by byte; long ones in pieces.
            for piece in sent.as_bytes().chunks(1 + sent.len() / 200) {
                call.send(piece).await;
            }
            // The head may wait for the first event where another arm could still answer.
            if !headed && !sent.starts_with(':') {
                assert_eq!(client.head().await.0, 200);
                let mut got = Vec::new();
                while got.len() < ": keep-alive\n\n".len() + seen.len() {
                    got.extend(client.chunk().await.unwrap());
                }
                assert_eq!(String::from_utf8(got).unwrap(), format!(": keep-alive\n\n{seen}"));
                headed = true;
            } else if headed && !seen.is_empty() {
                let got = client.chunk().await.unwrap();
                assert_eq!(String::from_utf8(got).unwrap(), seen, "one frame, whole and alone");
            }
        }
        drop(call);
        assert_eq!(client.chunk().await, None);
    }
}

/// Where frames of `stream` may end.
fn ends(frames: &[(String, String)]) -> BTreeSet<usize> {
    frames
        .iter()
        .scan(0, |end, (_, seen)| {
            *end += seen.len();
            Some(*end)
        })
        .collect()
}

/// Asks, and lets the provider send these pieces; returns the client's bytes after checking that every chunk ends where
/// a frame does.
async fn relayed(provider: &Provider, house: &House, pieces: &[&[u8]], ends: &BTreeSet<usize>) -> Vec<u8> {
    let mut client = Client::connect(house.gateway.address).await;
    client.ask(&streamed("hello")).await;
    let mut call = provider.call().await;
    call.begin_stream().await;
    for piece in pieces {
        call.send(piece).await;
        tokio::task::yield_now().await;
    }
    drop(call);
    assert_eq!(client.head().await.0, 200);
    let mut got = Vec::new();
    while let Some(chunk) = client.chunk().await {
        got.extend(chunk);
        assert!(ends.contains(&got.len()), "a frame was split: {}", String::from_utf8_lossy(&got));
    }
    got
}

#[tokio::test]
async fn many_frames_in_one_write_arrive_as_they_are() {
    let provider = Provider::start().await;
    let house = behind(&provider, 0.0).await;
    let frames = frames();
    let sent: String = frames.iter().map(|(sent, _)| sent.as_str()).collect();
    let seen: String = frames.iter().map(|(_, seen)| seen.as_str()).collect();
    let got = relayed(&provider, &house, &[sent.as_bytes()], &ends(&frames)).await;
    assert_eq!(String::from_utf8(got).unwrap(), seen);
}

#[test]
fn a_recorded_stream_arrives_the_same_however_it_is_cut() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (provider, house, recorded) = runtime.block_on(async {
        let provider = Provider::start().await;
        let house = behind(&provider, 0.0).await;
        let url = format!("{}/chat/completions", house.openai.base_url());
        let recorded = house.client.post(url).bearer_auth("k").json(&streamed("a story")).send().await.unwrap();
        (provider, house, recorded.text().await.unwrap())
    });
    let frames: Vec<(String, String)> =
        recorded.split_inclusive("\n\n").map(|frame| (frame.to_owned(), frame.to_owned())).collect();
    assert!(frames.len() > 10, "a stream worth cutting");
    let (ends, length) = (ends(&frames), recorded.len());
    let cuts = proptest::collection::btree_set(1..length, 0..60);
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let ran = runner.run(&cuts, |cuts| {
        let starts = std::iter::once(0).chain(cuts.iter().copied());
        let stops = cuts.iter().copied().chain([length]);
        let pieces: Vec<&[u8]> = starts.zip(stops).map(|(start, stop)| &recorded.as_bytes()[start..stop]).collect();
        let got = runtime.block_on(relayed(&provider, &house, &pieces, &ends));
        prop_assert_eq!(String::from_utf8(got).unwrap(), recorded.as_str());
        Ok(())
    });
    ran.unwrap();
}

/// What the model said, of a whole answer or a stream.
fn said(answer: &crate::harness::Answer) -> String {
    let text = |value: Value, part: &str| value["choices"][0][part]["content"].as_str().unwrap_or_default().to_owned();
    if answer.header("content-type").starts_with("text/event-stream") {
        let events = answer.events();
        let (last, chunks) = events.split_last().unwrap();
        assert_eq!(*last, "[DONE]");
        return chunks.iter().map(|chunk| text(serde_json::from_str(chunk).unwrap(), "delta")).collect();
    }
    text(answer.json(), "message")
}

#[tokio::test]
async fn two_hundred_streams_share_one_http_2_connection() {
    let house = Plan { extra: "server.connections_max = 1\n", ..Plan::default() }.build().await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let ask = |index: usize| {
        let body = chat(&format!("question {index}"), &json!({"stream": !index.is_multiple_of(4)}));
        let request = client.post(house.url()).bearer_auth("k").json(&body);
        async move {
            let response = request.send().await.unwrap();
            assert_eq!((response.status(), response.version()), (http::StatusCode::OK, http::Version::HTTP_2));
            read(response).await
        }
    };
    let all = soon("all answers", futures_util::future::join_all((0..200).map(ask))).await;
    // What each was asked, and not what its neighbour was.
    let direct = format!("{}/chat/completions", house.openai.base_url());
    for (index, answer) in all.iter().enumerate().step_by(20) {
        let body = chat(&format!("question {index}"), &json!({}));
        let direct = read(house.client.post(&direct).bearer_auth("k").json(&body).send().await.unwrap()).await;
        assert_eq!(said(answer), said(&direct), "question {index}");
    }
    let ids: BTreeSet<&str> = all.iter().map(|answer| answer.header("x-request-id")).collect();
    assert_eq!(ids.len(), 200);
    assert_eq!(house.records().await.len(), 200);
}

#[tokio::test]
async fn requests_on_one_http_1_connection_are_answered_in_their_order() {
    let house = Plan { extra: "server.connections_max = 1\n", ..Plan::default() }.build().await;
    let mut socket = Client::connect(house.gateway.address).await;
    let questions: Vec<Value> = (0..8).map(|index| chat(&format!("question {index}"), &json!({}))).collect();
    let content = |text: &str| serde_json::from_str::<Value>(text).unwrap()["choices"][0]["message"].clone();
    let mut kept_alive = Vec::new();
    for question in &questions {
        socket.ask(question).await;
        let (status, text) = socket.whole().await;
        assert_eq!(status, 200);
        kept_alive.push(content(&text));
    }
    let distinct: BTreeSet<String> = kept_alive.iter().map(Value::to_string).collect();
    assert_eq!(distinct.len(), questions.len(), "else the order would not show");
    // The same once more, all written before anything is read.
    socket.send(questions.iter().map(raw::request).collect::<String>()).await;
    for expected in &kept_alive {
        let (status, text) = socket.whole().await;
        assert_eq!((status, &content(&text)), (200, expected));
    }
}

#[tokio::test]
async fn a_request_in_many_chunks_is_one_request() {
    let house = Plan::default().build().await;
    let body = chat("hello in pieces", &json!({"unknown_to_us": [1, {"a": null}]})).to_string();
    let mut socket = Client::connect(house.gateway.address).await;
    socket.send("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for byte in body.as_bytes() {
        socket.send([b"1\r\n".as_slice(), &[*byte], b"\r\n"].concat()).await;
    }
    socket.send("0\r\n\r\n").await;
    let (status, text) = socket.whole().await;
    assert_eq!(status, 200, "{text}");
    let arrived = &house.openai.requests().recent()[0];
    assert_eq!(arrived.body, body.as_bytes(), "byte for byte");
    assert_eq!(arrived.header("transfer-encoding"), "");

    // By HTTP/2, too, where a body has no length of its own.
    let pieces = body.as_bytes().chunks(7).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect::<Vec<_>>();
    let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let two = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    assert_eq!(two.post(house.url()).body(stream).send().await.unwrap().status(), 200);
    assert_eq!(house.openai.requests().recent()[1].body, body.as_bytes());
}

#[tokio::test]
async fn a_request_that_waits_behind_a_stream_does_not_hold_its_frames_up() {
    let provider = Provider::start().await;
    let house = behind(&provider, 0.0).await;
    let mut client = Client::connect(house.gateway.address).await;
    // Both at once, and more behind them than is read ahead.
    client.send([raw::request(&streamed("first")), raw::request(&streamed("second"))].concat()).await;
    for _ in 0..2 {
        let mut call = provider.call().await;
        call.begin_stream().await;
        assert_eq!(client.head().await.0, 200);
        for (sent, _) in frames().iter().filter(|(sent, seen)| sent == seen) {
            call.send(sent).await;
            assert_eq!(client.chunk().await.unwrap(), sent.as_bytes());
        }
        drop(call);
        assert_eq!(client.chunk().await, None);
    }
}
