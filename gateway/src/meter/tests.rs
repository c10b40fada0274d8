//! What is timed of a stream, at instants of the test's own.

use super::*;
use wire::provider::Provider;

/// The outcome of a stream whose pieces came so many milliseconds after sending.
fn timed(endpoint: Endpoint, pieces: &[(u64, &'static str)]) -> [Option<u64>; 3] {
    let sent = Instant::now();
    let at = |ms| sent + Duration::from_millis(ms);
    let mut meter = Meter::new(sent, 200, true, Provider::DeepSeek.adapter(), endpoint, 1_000);
    for (ms, piece) in pieces {
        meter.bytes(Bytes::from_static(piece.as_bytes()), at(*ms), None).unwrap();
    }
    let outcome = meter.finish(None, at(10_000));
    assert_eq!(outcome.duration_us, 10_000_000);
    [outcome.first_event_us, outcome.ttft_us, outcome.first_visible_us]
}

const ROLE: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n";
const THOUGHT: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":null,\"reasoning_content\":\"hm\"}}]}\n\n";
const SAID: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
const CALLED: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\"}}]}}]}\n\n";

#[test]
fn queue_first_text_and_thinking_are_told_apart() {
    let chat = |pieces: &[(u64, &'static str)]| timed(Endpoint::Chat, pieces);
    let queued = [(100, ": keep-alive\n\n"), (200, ": keep-alive\n\n"), (300, ROLE)];
    let spoken = [(310, THOUGHT), (900, THOUGHT), (2_000, SAID), (2_100, SAID), (2_200, "data: [DONE]\n\n")];
    assert_eq!(chat(&[&queued[..], &spoken].concat()), [Some(300_000), Some(310_000), Some(2_000_000)]);
    assert_eq!(chat(&[(5, ROLE), (7, SAID), (9, THOUGHT)]), [Some(5_000), Some(7_000), Some(7_000)]);
    assert_eq!(chat(&[(5, ROLE), (7, THOUGHT), (40, CALLED)]), [Some(5_000), Some(7_000), Some(40_000)]);
    assert_eq!(chat(&[(5, ": keep-alive\n\n")]), [None; 3]);
    assert_eq!(
        chat(&[(5, ": keep-alive\n\n"), (6, "data: {\"error\":{\"message\":\"no\"}}\n\n")]),
        [Some(6_000), None, None]
    );
    // An event is there when its last byte is.
    let (start, rest) = SAID.split_at(20);
    assert_eq!(chat(&[(5, start), (8, rest)]), [Some(8_000); 3]);
}

#[test]
fn events_of_responses_are_timed_alike() {
    let created = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{}}\n\n";
    let said = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n";
    assert_eq!(timed(Endpoint::Responses, &[(5, created), (90, said)]), [Some(5_000), Some(90_000), Some(90_000)]);
}

#[test]
fn a_whole_answer_has_no_firsts() {
    let sent = Instant::now();
    let mut meter = Meter::new(sent, 200, false, Provider::OpenAi.adapter(), Endpoint::Chat, 1_000);
    let body = Bytes::from_static(b"{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"}}]}");
    meter.bytes(body, sent, None).unwrap();
    let outcome = meter.finish(None, sent);
    assert_eq!((outcome.first_event_us, outcome.ttft_us, outcome.first_visible_us), (None, None, None));
    assert_eq!(outcome.error, None);
}
