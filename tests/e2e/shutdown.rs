//! Stopping: what was promised is kept, and nobody can hold it up.

use crate::harness::{House, Plan, chat, until};
use datasets::{Exchange, Format, Lines};
use mocks::{Latency, Length, Profile};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wire::ErrorKind;

/// A provider whose next word takes ten minutes.
fn endless(first_token_ms: f64) -> Profile {
    Profile {
        time_scale: 1.0,
        first_token: Latency { median_ms: first_token_ms, sigma: 0.0 },
        gap: Latency { median_ms: 600_000.0, sigma: 0.0 },
        ..Profile::instant()
    }
}

const SOON: &str = "server.drain_timeout = \"200ms\"\n";

fn read(path: &Path) -> Vec<Exchange> {
    Lines::open(path, Format::Exchanges).unwrap().map(Result::unwrap).collect()
}

/// Stops; a stop that never ends fails the test.
async fn stop(house: House) -> Vec<Exchange> {
    let House { gateway, records, _folder, .. } = house;
    tokio::time::timeout(Duration::from_secs(20), gateway.shutdown()).await.expect("the stop ends");
    read(&records)
}

#[tokio::test]
async fn an_open_stream_is_cut_with_an_error_event_and_no_blame() {
    let house = Plan { openai: endless(1.0), extra: SOON, ..Plan::default() }.build().await;
    let request = house.client.post(house.url()).bearer_auth("k").json(&chat("hello", &json!({"stream": true})));
    let response = request.send().await.unwrap();
    let records = stop(house).await;
    let text = response.text().await.unwrap();
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    assert!(last.starts_with("data: {\"error\"") && last.contains("shutting down"), "{text}");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].error, Some(ErrorKind::GatewayStopped));
}

#[tokio::test]
async fn a_request_without_an_answer_is_told_and_recorded() {
    let house = Plan { openai: endless(600_000.0), extra: SOON, ..Plan::default() }.build().await;
    let request = house.client.post(house.url()).bearer_auth("k").json(&chat("hello", &json!({})));
    let answer = tokio::spawn(request.send());
    until("the provider was asked", || house.openai.requests().counts().received == 1).await;
    let records = stop(house).await;
    assert_eq!(answer.await.unwrap().unwrap().status(), 503);
    assert_eq!(records[0].error, Some(ErrorKind::GatewayStopped));
}

#[tokio::test]
async fn a_client_that_never_sends_its_body_does_not_hold_the_stop_up() {
    let house = Plan { extra: SOON, ..Plan::default() }.build().await;
    let mut socket = tokio::net::TcpStream::connect(house.gateway.address).await.unwrap();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1000\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    // The gateway says so when it begins to wait for the body.
    let mut waiting = [0; 25];
    socket.read_exact(&mut waiting).await.unwrap();
    assert_eq!(&waiting, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert!(stop(house).await.is_empty());
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}

#[tokio::test]
async fn a_client_that_never_reads_does_not_hold_the_stop_up() {
    // Some 60 MB: more than the buffers of both connections take, so the answer stands still half way.
    let length = Length { median_tokens: 200_000.0, sigma: 0.0, tokens_max: 200_000 };
    let house = Plan { openai: Profile { answer: length, ..Profile::instant() }, extra: SOON, ..Plan::default() };
    let house = house.build().await;
    let mut socket = tokio::net::TcpStream::connect(house.gateway.address).await.unwrap();
    let body = chat("hello", &json!({"stream": true})).to_string();
    let head = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    socket.write_all((head + &body).as_bytes()).await.unwrap();
    let mut first = [0; 64];
    socket.read_exact(&mut first).await.unwrap();
    assert!(first.starts_with(b"HTTP/1.1 200"));
    let records = stop(house).await;
    // An answer that had fitted into the buffers would be on record as whole.
    assert!(records.iter().all(|record| record.error == Some(ErrorKind::GatewayStopped)), "{records:?}");
}

#[tokio::test]
async fn the_admin_plane_tells_that_the_gateway_stops() {
    let house =
        Plan { openai: endless(1.0), extra: "server.drain_timeout = \"2s\"\n", ..Plan::default() }.build().await;
    let request = house.client.post(house.url()).bearer_auth("k").json(&chat("hello", &json!({"stream": true})));
    let open = request.send().await.unwrap();
    let (client, ready) = (house.client.clone(), format!("http://{}/readyz", house.gateway.admin_address));
    let stopping = tokio::spawn(stop(house));
    // Either the stop is seen while the answer is still open, or the gateway went away without a word.
    loop {
        let status = client.get(&ready).send().await.expect("the admin plane answers until the end").status();
        if status == 503 {
            break;
        }
        tokio::task::yield_now().await;
    }
    drop(open);
    stopping.await.unwrap();
}
