use super::super::LogFormat;
use super::super::testing::endure;
use super::super::trial::{fills_only_what_it_says, import, round_trip, skips};
use super::*;
use proptest::prelude::*;
use std::io::Write;
use wire::ErrorKind;

const SEPARATOR: &str = "\n🐵🙈🙉\n";
const ANSWER: &str = r#"{"id":"c","object":"chat.completion","model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#;

fn asked(text: &str) -> String {
    format!("{{ \"model\":\"gpt-4o\",\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}] }}")
}

fn record(meta: &str, message: impl AsRef<[u8]>) -> Vec<u8> {
    [meta.as_bytes(), b"\n", message.as_ref(), SEPARATOR.as_bytes()].concat()
}

fn post(path: &str, body: &str, more: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: api.openai.com\r\nAuthorization: Bearer sk-secret\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn answer(headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{headers}\r\n").as_bytes(), body].concat()
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in body.chunks(50) {
        out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// Requests a to e; answers in every dress, one before its request, one without any.
fn log() -> Vec<u8> {
    let path = "/v1/chat/completions";
    let stream = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"streamed\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    [
        record("1 a 1000000000 0", post(path, &asked("a\\nb 🐵🙈🙉"), "")),
        record("1 b 1500000000", post(path, &asked("b"), "X-Session-Id: s\r\n")),
        record("2 c 1600000000 400000000", answer("Transfer-Encoding: chunked\r\n", &chunked(stream.as_bytes()))),
        record("1 health 1650000000", "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"),
        record(
            "2 b 2500000000 500000000",
            answer(
                "Content-Length: 7\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
                &chunked(&gzip(ANSWER.as_bytes())),
            ),
        ),
        record("2 health 1660000000 1000", answer("", b"ok")),
        record("3 a 1100000000 1000", answer("", b"of a copy")),
        record("2 a 1200000000 300000500", answer("Content-Length: 5\r\n", ANSWER.as_bytes())),
        record("1 c 1550000000", post(path, &asked("c"), "")),
        record("1 d 1700000000", post(path, &asked("d"), "")),
        record("2 lone 1800000000 5", answer("", b"{}")),
        record("1 e 1900000000", post(path, &asked("e"), "")),
        record("2 e 2000000000 5000", answer("Content-Length: 999\r\n", &ANSWER.as_bytes()[..60])),
    ]
    .concat()
}

#[test]
fn answers_find_their_requests_in_any_order_and_dress() {
    let outcome = import(log());
    assert_eq!((outcome.format, outcome.untimed, outcome.report.skipped), (LogFormat::GoReplay, false, 0));
    let ids: Vec<&str> = outcome.requests.iter().map(|request| request.id.as_str()).collect();
    assert_eq!((ids, outcome.report.passed_over), (vec!["a", "b", "c", "d", "e"], 1));
    let [a, b, c, d, e] = &outcome.requests[..] else { panic!() };
    assert_eq!((a.at_us, a.body.get()), (1_000_000, asked("a\\nb 🐵🙈🙉").as_str()));
    for (request, duration_us) in [(a, 500_000), (b, 1_500_000)] {
        let recorded = request.recorded.as_ref().unwrap();
        assert_eq!((recorded.provider.as_str(), recorded.model.as_str()), ("openai", "gpt-4o-2024-08-06"));
        assert_eq!((recorded.status, recorded.error, recorded.answer.as_deref()), (200, None, Some("Hello")));
        assert_eq!((recorded.duration_us, recorded.ttft_us), (Some(duration_us), None));
        assert_eq!(recorded.usage.unwrap().completion, 2);
    }
    let recorded = c.recorded.as_ref().unwrap();
    assert_eq!((recorded.answer.as_deref(), recorded.duration_us), (Some("streamed"), Some(450_000)));
    assert!(d.recorded.is_none());
    let cut = e.recorded.as_ref().unwrap();
    assert_eq!((cut.status, cut.error, cut.answer.as_ref()), (200, None, None), "the capture cut it, not the provider");
    assert_eq!((b.session.as_deref().map(str::len), a.session.as_ref()), (Some(32), None));
    assert_eq!((a.consumer.as_deref().map(str::len), a.consumer.as_ref()), (Some(32), b.consumer.as_ref()));
    assert!(outcome.report.notes[0].starts_with("1 answers"), "{:?}", outcome.report.notes);
    let text = format!("{:?}", outcome.requests);
    assert!(!text.contains("sk-secret") && !text.contains("Bearer"));
    fills_only_what_it_says(&outcome);
    round_trip(&outcome);
}

#[test]
fn provider_errors_are_named_and_captures_may_be_packed() {
    let limited = b"HTTP/1.1 429 Too Many Requests\r\n\r\n{\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":\"rate_limit_exceeded\"}}";
    let log = [
        record("1 a 1 0", post("/v1/embeddings", "{\"model\":\"e\",\"input\":\"x\"}", "")),
        record("2 a 5000 5000", limited),
    ]
    .concat();
    for log in [log.clone(), gzip(&log)] {
        let outcome = import(log);
        let [request] = &outcome.requests[..] else { panic!("{:?}", outcome.report) };
        let recorded = request.recorded.as_ref().unwrap();
        assert_eq!((recorded.status, recorded.error, recorded.duration_us), (429, Some(ErrorKind::RateLimit), Some(9)));
        assert_eq!(request.endpoint, wire::Endpoint::Embeddings);
    }
}

#[test]
fn waiting_has_a_bound_in_count_and_in_time() {
    let path = "/v1/chat/completions";
    let mut log = Vec::new();
    for number in 0..5_000 {
        log.extend(record(&format!("1 r{number} {}", 1_000 + number), post(path, &asked("x"), "")));
    }
    log.extend(record("2 r0 9000 1", answer("", ANSWER.as_bytes())));
    log.extend(record("2 r4999 9000 1", answer("", ANSWER.as_bytes())));
    let outcome = import(&log);
    assert_eq!(outcome.requests.len(), 5_000);
    assert!(outcome.requests[0].recorded.is_none() && outcome.requests[4_999].recorded.is_some());
    assert!(outcome.report.notes[0].starts_with("1 answers"), "{:?}", outcome.report.notes);
    let log = [
        record("1 a 0", post(path, &asked("x"), "")),
        record(&format!("1 b {}", WAIT_NANOS_MAX + 1), post(path, &asked("x"), "")),
        record(&format!("2 a {} 1", WAIT_NANOS_MAX + 2), answer("", ANSWER.as_bytes())),
        record(&format!("2 b {} 1", WAIT_NANOS_MAX + 2), answer("", ANSWER.as_bytes())),
    ]
    .concat();
    let answered: Vec<bool> = import(&log).requests.iter().map(|request| request.recorded.is_some()).collect();
    assert_eq!(answered, [false, true]);
}

#[test]
fn answers_that_wait_behind_a_request_without_one_have_a_bound_in_bytes() {
    const ANSWER_BYTES: usize = 12 * 1024 * 1024;
    let path = "/v1/chat/completions";
    let body = ANSWER.replace("Hello", &"x".repeat(ANSWER_BYTES));
    let packed = answer("Content-Encoding: gzip\r\n", &gzip(body.as_bytes()));
    let mut log = record("1 first 1", post(path, &asked("x"), ""));
    for number in 0..8 {
        log.extend(record(&format!("1 a{number} 2"), post(path, &asked("x"), "")));
        log.extend(record(&format!("2 a{number} 3 1"), &packed));
    }
    log.extend(record("2 first 4 1", answer("", ANSWER.as_bytes())));
    assert!(log.len() < 1024 * 1024, "they unpack to a hundred times as much");
    let source = Box::new(std::io::Cursor::new(log));
    let mut records = Records::new(Input::unpack("log".as_ref(), source).unwrap());
    let mut pairs = Pairs::default();
    let mut taken = 0;
    let first = loop {
        pairs.take(records.next_record().unwrap().unwrap()).unwrap();
        taken += 1;
        if let Some(first) = pairs.ready(false) {
            break first;
        }
    };
    assert!(first.recorded.is_none(), "it went out before its answer");
    assert_eq!(taken, 1 + 2 * WAITING_BYTES_MAX.div_ceil(ANSWER_BYTES));
    while pairs.ready(false).is_some() {}
    let (requests, _) = (records.next_record().unwrap(), pairs.take(records.next_record().unwrap().unwrap()));
    assert!(requests.is_some() && pairs.ready(false).is_none(), "what went out is not counted any more");
}

#[test]
fn records_that_cannot_be_used_are_told_by_their_line() {
    let path = "/v1/chat/completions";
    let log = [
        record("1 a 1", post(path, &asked("x"), "")),
        record("9 b 1", "x"),
        record("1 c soon", "x"),
        record("1 d 1", "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"),
        record("1 e 1", post(path, "{\"model\":\"sk-1", "")),
        record("1 f 1", post(path, "zzz", "Content-Encoding: br\r\n")),
        record(&format!("1 {} 1", "i".repeat(201)), post(path, &asked("x"), "")),
        record("2 a 2 1", "garbage"),
        b"1 g".to_vec(),
    ]
    .concat();
    let outcome = import(&log);
    let skips = skips(&outcome);
    assert_eq!((outcome.requests.len(), skips.len()), (1, 7), "{skips:?}");
    for (skip, words) in skips.iter().zip([
        "line 9: the record has no type",
        "line 12: the record has no time",
        "no HTTP",
        "no JSON",
        "encoding",
        "longer than 200 bytes",
        "no time",
    ]) {
        assert!(skip.contains(words) && !skip.contains("sk-1"), "{skip}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_hang_or_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60), at in 0_usize..4_000, whole in any::<bool>()) {
        if whole {
            let mut log = log();
            let end = (at + bytes.len()).min(log.len());
            log.splice(at.min(end)..end, bytes);
            bytes = log;
        }
        endure(LogFormat::GoReplay, &bytes);
    }

    #[test]
    fn chunks_of_any_size_come_back(body in prop::collection::vec(any::<u8>(), 0..400)) {
        let (whole, complete) = super::super::exchange::without_chunks(&chunked(&body));
        prop_assert!(complete);
        prop_assert_eq!(whole, body);
    }
}
