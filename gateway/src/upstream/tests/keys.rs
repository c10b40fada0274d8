//! A provider with several keys, over real sockets.

use super::provider::{answer, bad, good};
use super::{BREAKER, STREAM, WHOLE, body, send, upstream};
use crate::config::ProviderConfig;
use crate::upstream::BreakerState;
use wire::ErrorKind;

/// No retry, so that every further try is one with another key.
fn keys(config: &mut ProviderConfig, count: usize) {
    config.keys = (1..=count).map(|number| format!("Bearer key-{number}").parse().unwrap()).collect();
    config.retry.attempts_max = 1;
    config.breaker = Some(BREAKER);
}

/// The key of each request that the provider got.
fn used(provider: &super::provider::Provider) -> Vec<String> {
    let key = |request: &String| {
        let line = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap_or("none");
        line.to_owned()
    };
    provider.requests().iter().map(key).collect()
}

#[tokio::test]
async fn keys_take_turns() {
    let (provider, upstream) = upstream(vec![good()], |config| keys(config, 3)).await;
    for _ in 0..4 {
        body(send(&upstream, WHOLE).await.unwrap()).await;
    }
    assert_eq!(used(&provider), ["key-1", "key-2", "key-3", "key-1"]);
}

#[tokio::test]
async fn a_refused_key_costs_the_client_nothing_and_the_provider_no_trust() {
    for refusal in ["401 Unauthorized", "402 Payment Required", "429 Too Many Requests"] {
        let acts = vec![bad(refusal, ""), good()];
        let (provider, upstream) = upstream(acts, |config| keys(config, 2)).await;
        for streamed in [WHOLE, STREAM, WHOLE] {
            let sent = send(&upstream, streamed).await.unwrap();
            assert_eq!(body(sent).await, "{}");
        }
        assert_eq!(used(&provider), ["key-1", "key-2", "key-2", "key-2"], "{refusal}: the first one rests");
        let counts = upstream.counts();
        assert_eq!((counts.key_failovers, counts.keys, counts.keys_resting), (1, 2, 1), "{refusal}");
        assert_eq!(counts.breaker, BreakerState::Closed, "{refusal}");
    }
}

#[tokio::test]
async fn each_key_is_tried_once_and_then_the_provider_has_the_last_word() {
    let (provider, upstream) = upstream(vec![bad("401 Unauthorized", "")], |config| keys(config, 3)).await;
    let failure = send(&upstream, WHOLE).await.unwrap_err();
    assert_eq!((failure.kind, failure.status, failure.attempts), (ErrorKind::Auth, 401, 3));
    assert_eq!(used(&provider), ["key-1", "key-2", "key-3"]);
    assert_eq!(upstream.counts().breaker, BreakerState::Open, "nobody is left to ask with");
}

#[tokio::test]
async fn what_another_key_cannot_mend_is_not_tried_again() {
    let body = r#"{"error":{"message":"no","type":"t","param":null,"code":null}}"#;
    for status in ["400 Bad Request", "403 Forbidden", "500 Internal Server Error"] {
        let acts = vec![super::provider::Act::Answer(answer(status, "", body))];
        let (provider, upstream) = upstream(acts, |config| keys(config, 2)).await;
        assert!(send(&upstream, WHOLE).await.is_err());
        assert_eq!(provider.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_retry_is_still_there_after_a_key_was_refused() {
    let acts = vec![bad("401 Unauthorized", ""), bad("500 Internal Server Error", ""), good()];
    let (provider, upstream) = upstream(acts, |config| {
        keys(config, 3);
        config.retry.attempts_max = 2;
    })
    .await;
    assert_eq!(send(&upstream, WHOLE).await.unwrap().attempts, 3);
    assert_eq!(provider.requests().len(), 3);
}
