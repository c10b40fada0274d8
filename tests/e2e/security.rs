//! What somebody who means harm may try, and what comes of it. The promises stand in the gateway's README, under
//! SECURITY; each story here is named there.

use crate::harness::{House, Plan, TOKEN, chat, client};
use crate::raw::{Client, soon};
use serde_json::{Value, json};
use std::io::Write;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

mod admin;
mod secrets;

/// The connection ends with the answer, so that nobody waits for a second one that does not come.
const HEAD: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n";

/// A chat request by its text alone.
fn question(prompt: &str) -> String {
    chat(prompt, &json!({})).to_string()
}

/// Sends bytes, and reads until the gateway hangs up; says the status of every answer.
async fn statuses(house: &House, bytes: &str) -> Vec<u16> {
    use tokio::io::AsyncWriteExt;
    let mut socket = TcpStream::connect(house.gateway.address).await.unwrap();
    socket.write_all(bytes.as_bytes()).await.unwrap();
    let mut text = String::new();
    let read = soon("the gateway ends the connection", socket.read_to_string(&mut text)).await;
    assert!(read.is_ok() || !text.is_empty(), "{read:?}");
    text.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].parse().unwrap()).collect()
}

/// What the baseline was asked, in its words.
fn asked(house: &House) -> String {
    let requests = house.openai.requests().recent();
    requests.iter().map(|request| format!("{}\n", String::from_utf8_lossy(&request.body))).collect()
}

#[tokio::test]
async fn what_could_be_read_as_two_requests_is_read_as_one_or_refused() {
    let house = Plan::default().build().await;
    let (first, hidden) = (question("first"), question("smuggled"));
    let second = format!("{HEAD}content-length: {}\r\n\r\n{hidden}", hidden.len());
    let chunked = format!("{:x}\r\n{first}\r\n0\r\n\r\n", first.len());
    let (short, long) = (first.len(), first.len() + second.len());
    let all = chunked.len() + second.len();
    for (name, bytes, expected) in [
        // The length is ignored, as RFC 9112 6.3 demands, and so is everything behind the last chunk.
        (
            "length, chunks",
            format!("{HEAD}content-length: {all}\r\ntransfer-encoding: chunked\r\n\r\n{chunked}{second}"),
            200,
        ),
        (
            "chunks, length",
            format!("{HEAD}transfer-encoding: chunked\r\ncontent-length: {all}\r\n\r\n{chunked}{second}"),
            200,
        ),
        ("two lengths", format!("{HEAD}content-length: {short}\r\ncontent-length: {long}\r\n\r\n{first}{second}"), 400),
        ("a list of lengths", format!("{HEAD}content-length: {short}, {long}\r\n\r\n{first}{second}"), 400),
        ("a sign", format!("{HEAD}content-length: +{short}\r\n\r\n{first}"), 400),
        ("unknown encoding", format!("{HEAD}transfer-encoding: xchunked\r\n\r\n{chunked}"), 400),
        ("chunked is not last", format!("{HEAD}transfer-encoding: chunked, identity\r\n\r\n{chunked}"), 400),
        ("a space before the colon", format!("{HEAD}transfer-encoding : chunked\r\n\r\n{chunked}"), 400),
        ("a folded line", format!("{HEAD}x-a: b\r\n content-length: 3\r\ncontent-length: {short}\r\n\r\n{first}"), 400),
        ("a NUL", format!("{HEAD}x-a: b\0c\r\ncontent-length: {short}\r\n\r\n{first}"), 400),
        ("a bare CR", format!("{HEAD}x-a: b\rcontent-length: 3\r\ncontent-length: {short}\r\n\r\n{first}"), 400),
        (
            "chunks in HTTP/1.0",
            format!("{}transfer-encoding: chunked\r\n\r\n{chunked}", HEAD.replace("1.1", "1.0")),
            400,
        ),
        ("a length beyond all", format!("{HEAD}transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n{first}"), 408),
    ] {
        assert_eq!(statuses(&house, &bytes).await, [expected], "{name}");
    }
    assert!(!asked(&house).contains("smuggled"), "{}", asked(&house));
    assert_eq!(house.openai.requests().counts().received, 2);
}

#[tokio::test]
async fn only_the_exact_addresses_lead_anywhere() {
    let house = Plan::default().build().await;
    let body = question("hello");
    let ask = async |line: &str| {
        let bytes = format!(
            "{line} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        statuses(&house, &bytes).await
    };
    for path in [
        "/admin/v1/audit",
        "/v1/../admin/v1/audit",
        "/v1/%2e%2e/admin/v1/audit",
        "/metrics",
        "/healthz",
        "//v1/chat/completions",
        "/v1//chat/completions",
        "/v1/./chat/completions",
        "/v1/chat/completions/",
        "/v1/chat%2Fcompletions",
        "/v1/chat/completions;x",
        "/v1/chat/completions%00",
        "/v1/v1/chat/completions",
        "/V1/chat/completions",
        "*",
    ] {
        for method in ["POST", "GET", "PUT", "DELETE"] {
            assert_eq!(ask(&format!("{method} {path}")).await, [404], "{method} {path}");
        }
    }
    assert_eq!(ask("GET /v1/chat/completions").await, [405]);
    assert_eq!(ask("CONNECT elsewhere:443").await, [404]);
    assert_eq!(house.openai.requests().counts().received, 0);
    // The gateway answers for itself, whatever host it is called by: it is no proxy to anywhere.
    assert_eq!(ask("POST http://elsewhere/v1/chat/completions").await, [200]);
    assert_eq!(house.openai.requests().counts().received, 1);
}

#[tokio::test]
async fn json_of_any_depth_is_refused_or_passed_on_and_nothing_falls() {
    for weight_percent in [0.0, 100.0] {
        let house = Plan { weight_percent, ..Plan::default() }.build().await;
        for depth in [1_000, 200_000] {
            let nested = |open: &str, middle: &str, close: &str| open.repeat(depth) + middle + &close.repeat(depth);
            let list = nested("[", "", "]");
            let object = nested("{\"type\":", "1", "}");
            let user = r#"{"role":"user","content":"x"}"#;
            for body in [
                "[".repeat(depth),
                format!("{{\"model\":\"gpt-4o-mini\",\"messages\":{list}}}"),
                format!("{{\"model\":\"gpt-4o-mini\",\"messages\":[{{\"role\":\"user\",\"content\":{list}}}]}}"),
                format!("{{\"model\":\"gpt-4o-mini\",\"messages\":[{user}],\"tools\":{list}}}"),
                format!("{{\"model\":\"gpt-4o-mini\",\"messages\":[{user}],\"response_format\":{object}}}"),
                format!("{{\"model\":\"gpt-4o-mini\",\"messages\":[{user}],\"stream_options\":{object}}}"),
                format!("{{\"model\":\"gpt-4o-mini\",\"messages\":[{user}],\"metadata\":{object}}}"),
            ] {
                let response = house.client.post(house.url()).body(body).send().await.unwrap();
                let status = response.status().as_u16();
                let text = response.text().await.unwrap();
                assert!([200, 400, 422].contains(&status), "{status}: {}", &text[..text.len().min(200)]);
                assert!(serde_json::from_str::<Value>(&text).is_ok());
            }
        }
        assert_eq!(house.ask(&chat("still there?", &json!({}))).await.status, 200);
    }
}

#[tokio::test]
async fn compressed_bodies_are_refused_before_they_are_read() {
    let house = Plan::default().build().await;
    // A hundred megabytes of spaces, in a hundred kilobytes.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..100 {
        bomb.write_all(&[b' '; 1_000_000]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    for encoding in ["gzip", "br", "zstd", "identity, gzip", "x"] {
        let request = house.client.post(house.url()).header("content-encoding", encoding).body(bomb.clone());
        let answer = crate::harness::read(request.send().await.unwrap()).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (415, &json!("unsupported_content_encoding")));
    }
    let plain = house.ask_as(&chat("hello", &json!({})), &[("content-encoding", "identity")]).await;
    assert_eq!(plain.status, 200);
    assert_eq!(house.openai.requests().counts().received, 1);
}

#[tokio::test]
async fn clients_that_send_slowly_hold_up_nobody_else() {
    let house = Plan::default().build().await;
    // Half a head, half a body, one byte of a chunk: each waits for its deadline, on its own.
    let mut slow = Vec::new();
    for part in [
        HEAD.to_owned(),
        format!("{HEAD}content-length: 1000\r\n\r\n{{\"model\":"),
        format!("{HEAD}transfer-encoding: chunked\r\n\r\nff\r\n{{"),
    ] {
        for _ in 0..50 {
            let mut client = Client::connect(house.gateway.address).await;
            client.send(&part).await;
            slow.push(client);
        }
    }
    for _ in 0..20 {
        assert_eq!(house.ask(&chat("quick", &json!({}))).await.status, 200);
    }
    assert_eq!(house.openai.requests().counts().received, 20, "nobody's half request was sent on");
    drop(slow);
}

#[tokio::test]
async fn nothing_of_a_clients_headers_reaches_a_provider_or_decides_who_he_is() {
    let house = Plan::default().build().await;
    let forged = [
        ("x-mse-consumer", "somebody-else"),
        ("x-consumer", "somebody-else"),
        ("x-weighbridge-consumer", "somebody-else"),
        ("x-forwarded-for", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
        ("cookie", "session=somebody-else"),
        ("openai-organization", "org-somebody-else"),
        ("openai-project", "proj-somebody-else"),
        ("x-weighbridge-arm", "candidate"),
        ("connection", "authorization"),
        ("te", "trailers"),
    ];
    assert_eq!(house.ask_as(&chat("hello", &json!({})), &forged).await.status, 200);
    let request = house.openai.requests().recent().remove(0);
    let sent = format!("{:?}", request.headers);
    assert!(!sent.contains("somebody-else") && !sent.contains("10.0.0.1"), "{sent}");
    assert_eq!(request.headers["authorization"], format!("Bearer {}", crate::harness::PROVIDER_KEY));
    let record = house.records().await.remove(0);
    assert_eq!(record.consumer, None, "no header makes anybody a consumer");
}
