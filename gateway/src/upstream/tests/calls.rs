//! What is sent, what is tried again, and what a failure says.

use super::provider::{Act, answer, bad, good};
use super::{STREAM, WHOLE, body, send, upstream};
use http_body_util::BodyExt;
use std::time::{Duration, Instant};
use wire::ErrorKind;

#[tokio::test]
async fn exactly_the_prepared_headers_are_sent() {
    let (provider, upstream) = upstream(vec![good()], |_| {}).await;
    let sent = send(&upstream, WHOLE).await.unwrap();
    assert_eq!(sent.attempts, 1);
    assert_eq!(body(sent).await, "{}");
    let request = provider.requests().remove(0);
    let (head, sent_body) = request.split_once("\r\n\r\n").unwrap();
    assert_eq!(sent_body, "{\"a\":1}");
    let mut lines: Vec<_> = head.lines().map(str::to_owned).collect();
    assert_eq!(lines.remove(0), "POST /v1/chat/completions HTTP/1.1");
    lines.sort();
    let expected = [
        "accept-encoding: identity".to_owned(),
        "accept: */*".to_owned(),
        "authorization: Bearer key-1".to_owned(),
        "content-length: 7".to_owned(),
        "content-type: application/json".to_owned(),
        format!("host: {}", provider.address),
        format!("user-agent: weighbridge/{}", env!("CARGO_PKG_VERSION")),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_server_without_keys_gets_none() {
    let (provider, upstream) = upstream(vec![good()], |config| config.keys.clear()).await;
    body(send(&upstream, WHOLE).await.unwrap()).await;
    assert!(!provider.requests().remove(0).contains("authorization"));
}

#[tokio::test]
async fn connections_are_kept_open() {
    let (provider, upstream) = upstream(vec![good()], |_| {}).await;
    for _ in 0..5 {
        body(send(&upstream, WHOLE).await.unwrap()).await;
    }
    assert_eq!((provider.connections(), upstream.counts().connects), (1, 1));
}

#[tokio::test]
async fn a_connection_that_died_while_it_was_kept_costs_no_attempt() {
    // The provider takes the second request on the kept connection and closes instead of answering.
    let (provider, upstream) = upstream(vec![good(), Act::Close, good()], |config| config.retry.attempts_max = 1).await;
    body(send(&upstream, WHOLE).await.unwrap()).await;
    let sent = send(&upstream, WHOLE).await.unwrap();
    assert_eq!(sent.attempts, 1);
    assert_eq!(body(sent).await, "{}");
    assert_eq!((provider.requests().len(), provider.connections()), (3, 2));
    assert_eq!(upstream.counts().resends, 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_after_its_answer_costs_nothing_at_all() {
    let (provider, upstream) = upstream(vec![Act::AnswerAndClose(answer("200 OK", "", "{}"))], |_| {}).await;
    for _ in 0..3 {
        body(send(&upstream, WHOLE).await.unwrap()).await;
    }
    assert_eq!(provider.connections(), 3);
    assert_eq!(upstream.counts().attempts, 3);
}

#[tokio::test]
async fn a_new_connection_that_breaks_is_a_failed_attempt() {
    let (provider, upstream) = upstream(vec![Act::Close], |_| {}).await;
    let failure = send(&upstream, WHOLE).await.unwrap_err();
    assert_eq!((failure.kind, failure.status, failure.attempts), (ErrorKind::Connect, 0, 2));
    assert_eq!(provider.requests().len(), 2);
    assert_eq!(upstream.counts().resends, 0);
    let (_provider, patient) = self::upstream(vec![Act::Close], |config| config.retry.attempts_max = 1).await;
    let failure = send(&patient, WHOLE).await.unwrap_err();
    assert_eq!(failure.attempts, 1, "one try is one try");
}

#[tokio::test]
async fn an_answer_that_begins_and_breaks_off_is_not_sent_again() {
    let half_a_head = Act::AnswerAndClose("HTTP/1.1 200 OK\r\ncontent-".to_owned());
    let (provider, upstream) = upstream(vec![good(), half_a_head], |config| config.retry.attempts_max = 1).await;
    body(send(&upstream, WHOLE).await.unwrap()).await;
    let failure = send(&upstream, WHOLE).await.unwrap_err();
    assert_eq!((failure.status, upstream.counts().resends), (0, 0));
    assert_eq!(provider.requests().len(), 2);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_readers_to_see() {
    let broken = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_owned();
    let (_provider, upstream) = upstream(vec![Act::AnswerAndClose(broken)], |_| {}).await;
    let sent = send(&upstream, STREAM).await.unwrap();
    assert!(sent.response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn what_is_no_http_is_malformed() {
    let (_provider, upstream) = upstream(vec![Act::AnswerAndClose("SSH-2.0-hello\r\n\r\n".to_owned())], |_| {}).await;
    let failure = send(&upstream, WHOLE).await.unwrap_err();
    assert_eq!((failure.kind, failure.attempts), (ErrorKind::Malformed, 1));
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_not_followed() {
    let (elsewhere, _) = upstream(vec![good()], |_| {}).await;
    let to = format!("location: http://{}/v1/chat/completions\r\n", elsewhere.address);
    let (_provider, upstream) = upstream(vec![Act::Answer(answer("307 Temporary Redirect", &to, ""))], |_| {}).await;
    let failure = send(&upstream, WHOLE).await.unwrap_err();
    assert_eq!((failure.kind, failure.status, failure.attempts), (ErrorKind::Malformed, 307, 1));
    assert!(failure.client.is_none());
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_wait_that_the_provider_asks_for_is_kept() {
    let busy = bad("503 Service Unavailable", "retry-after-ms: 80\r\n");
    let (_provider, upstream) = upstream(vec![busy, good()], |_| {}).await;
    let begun = Instant::now();
    let sent = send(&upstream, WHOLE).await.unwrap();
    assert_eq!(sent.attempts, 2);
    assert!(begun.elapsed() >= Duration::from_millis(80), "{:?}", begun.elapsed());
    assert!(sent.sent - begun < Duration::from_millis(80), "a client's wait counts from the first try");
    assert_eq!((upstream.counts().attempts, upstream.counts().retries), (2, 1));
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_handed_on() {
    let headers = "retry-after: 30\r\nx-should-retry: true\r\n";
    let (provider, upstream) = upstream(vec![bad("429 Too Many Requests", headers)], |_| {}).await;
    let failure = send(&upstream, WHOLE).await.unwrap_err();
    assert_eq!((failure.kind, failure.attempts), (ErrorKind::RateLimit, 1));
    assert_eq!(failure.retry_after.as_ref().unwrap(), "30");
    assert_eq!(failure.should_retry.as_ref().unwrap(), "true");
    assert_eq!(failure.client.as_ref().unwrap().body.error.message, "no");
    assert_eq!(provider.requests().len(), 1);
}

#[tokio::test]
async fn a_long_error_is_cut_and_a_silent_one_ends_with_the_deadline() {
    let long = "x".repeat(200_000);
    let hanging = "HTTP/1.1 500 Oops\r\ncontent-length: 10\r\n\r\n{".to_owned();
    let acts = vec![Act::Answer(answer("400 Bad Request", "", &long)), Act::Hang(hanging)];
    let (_provider, upstream) = upstream(acts, |config| config.timeouts.total = Duration::from_millis(300)).await;
    let failure = send(&upstream, WHOLE).await.unwrap_err();
    assert!(failure.client.as_ref().unwrap().body.error.message.len() < 1000);
    let failure = send(&upstream, WHOLE).await.unwrap_err();
    assert_eq!((failure.kind, failure.status), (ErrorKind::Server, 500));
}

#[tokio::test(start_paused = true)]
async fn headers_are_due_early_in_streams_and_with_the_total_in_whole_answers() {
    let (_provider, upstream) = upstream(vec![Act::Hang(String::new())], |config| {
        config.timeouts.headers = Duration::from_secs(3);
        config.timeouts.total = Duration::from_secs(10);
    })
    .await;
    for (wish, seconds) in [(STREAM, 3), (WHOLE, 10)] {
        let begun = tokio::time::Instant::now();
        let failure = send(&upstream, wish).await.unwrap_err();
        assert_eq!((failure.kind, failure.status, failure.attempts), (ErrorKind::Timeout, 0, 1));
        assert_eq!(begun.elapsed().as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_sent_is_tried_again_only_where_that_is_allowed() {
    let (provider, upstream) = upstream(vec![Act::Hang(String::new())], |config| {
        config.timeouts.headers = Duration::from_secs(3);
        config.retry.after_timeout = true;
    })
    .await;
    let failure = send(&upstream, STREAM).await.unwrap_err();
    assert_eq!((failure.kind, failure.attempts), (ErrorKind::Timeout, 2));
    assert_eq!(provider.requests().len(), 2);
}
