//! Bytes that all replicas share.

use super::ledger::{awake, replicas};
use super::*;

async fn text(replicas: &crate::replicas::Replicas) -> Option<String> {
    let text = replicas.read_keys().await.unwrap()?;
    Some(String::from_utf8(text.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_is_replaced_by_whoever_read_the_last_one() {
    let Some(redis) = RedisServer::start() else { return };
    let (a, b) = (replicas(&redis.url(), "").await, replicas(&redis.url(), "").await);
    assert_eq!(text(&a).await, None);
    assert!(a.swap_keys(None, b"one").await.unwrap());
    assert!(!b.swap_keys(None, b"other").await.unwrap(), "there is one by now");
    assert_eq!(text(&b).await.as_deref(), Some("one"));
    let swaps = (0..20).map(|number| {
        let replica = if number % 2 == 0 { &a } else { &b };
        async move { replica.swap_keys(Some(b"one"), format!("two of {number}").as_bytes()).await.unwrap() }
    });
    let made = futures_util::future::join_all(swaps).await.into_iter().filter(|made| *made).count();
    assert_eq!(made, 1);
    assert_eq!(text(&a).await, text(&b).await);
    // Whoever read what is not there any more replaces nothing.
    let two = text(&a).await.unwrap();
    assert!(b.swap_keys(Some(two.as_bytes()), b"one").await.unwrap());
    assert!(!a.swap_keys(Some(two.as_bytes()), b"three").await.unwrap());
}

#[tokio::test]
async fn a_lost_document_is_given_back_and_a_file_does_not_win_over_it() {
    let Some(mut redis) = RedisServer::start() else { return };
    let (a, b) = (replicas(&redis.url(), "").await, replicas(&redis.url(), "").await);
    a.seed_keys(b"of a file").await.unwrap();
    b.seed_keys(b"of another file").await.unwrap();
    assert_eq!(text(&b).await.as_deref(), Some("of a file"));
    assert!(b.swap_keys(Some(b"of a file"), b"set").await.unwrap());
    // The first one saw only the file; the other one what was set.
    redis.restart();
    let fresh = replicas(&redis.url(), "").await;
    fresh.seed_keys(b"of an old file").await.unwrap();
    for replica in [&a, &b] {
        awake(replica).await;
    }
    assert_eq!(text(&b).await.as_deref(), Some("set"));
    for replica in [&a, &fresh] {
        assert_eq!(text(replica).await.as_deref(), Some("set"));
    }
}

#[tokio::test]
async fn a_text_that_somebody_else_wrote_is_not_used() {
    let Some(redis) = RedisServer::start() else { return };
    let (a, b) = (replicas(&redis.url(), "").await, replicas(&redis.url(), "").await);
    assert!(a.swap_keys(None, b"one").await.unwrap());
    redis.tell(&["HSET", "weighbridge:keys", "text", "forged"]);
    assert!(b.read_keys().await.is_err());
    redis.tell(&["HSET", "weighbridge:keys", "generation", "many"]);
    assert!(a.read_keys().await.is_err());
}
