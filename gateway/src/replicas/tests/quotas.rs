//! Limits that hold for all replicas together.

use super::*;
use std::time::Instant;

/// Two replicas that let through `amount` requests a day, together.
async fn limited(redis: &RedisServer, times: &str, more: &str, amount: u64) -> (Replica, Replica) {
    let quotas = format!("[[quotas]]\nname = \"day\"\nwindow = \"day\"\nrequests = {amount}");
    let start = async || {
        let config = config_with(&redis.url(), 0.0, &format!("{times}\n{more}"), "", &quotas);
        Replica::start_with(config).await
    };
    (start().await, start().await)
}

/// How many of so many requests at once get as far as the provider, which is not there.
async fn passed(replicas: &[&Replica], count: usize) -> (usize, usize, usize) {
    let calls = (0..count).map(|number| replicas[number % replicas.len()].knock("anybody"));
    let told = futures_util::future::join_all(calls).await;
    let of = |status: u16| told.iter().filter(|told| **told == status).count();
    (of(502), of(429), of(503))
}

async fn left(replica: &Replica) -> u64 {
    let told = replica.get("/admin/v1/quotas").await;
    told.body["quotas"][0]["accounts"][0]["left"].as_u64().unwrap_or_else(|| panic!("{}", told.body))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_requests_over_two_replicas_exactly_as_many_pass_as_may() {
    let Some(redis) = RedisServer::start() else { return };
    let (a, b) = limited(&redis, PATIENT, "", 23).await;
    assert_eq!(passed(&[&a, &b], 60).await, (23, 37, 0));
    assert_eq!((left(&a).await, left(&b).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_is_refused_while_redis_is_away_and_goes_on_by_itself() {
    let Some(mut redis) = RedisServer::start_with(true) else { return };
    let (a, b) = limited(&redis, PATIENT, "", 20).await;
    assert_eq!(passed(&[&a, &b], 10).await, (10, 0, 0));
    redis.kill();
    assert_eq!(passed(&[&a, &b], 10).await, (0, 0, 10));
    assert_eq!(a.metric("weighbridge_quota_refused_total{limit=\"away\"}").await, 5.0);
    assert_eq!(a.get("/admin/v1/quotas").await.status, 503);
    redis.restart();
    for replica in [&a, &b] {
        loss::until_up(replica, 1.0).await;
    }
    // What was counted before counts on.
    assert_eq!(passed(&[&a, &b], 20).await, (10, 10, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_file_says_so_each_replica_counts_for_itself_and_the_bill_is_paid_later() {
    let Some(mut redis) = RedisServer::start_with(true) else { return };
    let (a, b) = limited(&redis, PATIENT, "on_loss = { quotas = \"local\" }", 20).await;
    assert_eq!(passed(&[&a, &b], 4).await, (4, 0, 0));
    redis.kill();
    // As many times the limit as there are replicas, and no more.
    assert_eq!(passed(&[&a, &b], 60).await, (40, 20, 0));
    redis.restart();
    for replica in [&a, &b] {
        loss::until_up(replica, 1.0).await;
    }
    let told = async {
        while a.get("/admin/v1/quotas").await.body["quotas"][0]["accounts"][0]["taken"] != json!(44) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), told).await.is_ok(), "all of it is counted");
    assert_eq!(passed(&[&a, &b], 4).await, (0, 4, 0));
}

#[tokio::test]
async fn a_redis_that_hangs_holds_a_client_no_longer_than_its_deadline() {
    let Some(redis) = RedisServer::start() else { return };
    let (a, _b) = limited(&redis, HASTY, "", 1000).await;
    assert_eq!(a.knock("anybody").await, 502);
    redis.hang();
    let mut slow = 0;
    for _ in 0..20 {
        let begun = Instant::now();
        assert_eq!(a.knock("anybody").await, 503);
        // The deadline, and what a busy machine needs.
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        slow += usize::from(begun.elapsed() >= Duration::from_millis(400));
    }
    assert!(slow <= 4, "{slow} of 20 waited for a Redis that is known to hang");
    redis.resume();
    loss::until_up(&a, 1.0).await;
    assert_eq!(a.knock("anybody").await, 502);
    // What hung was carried out afterwards, and was given back.
    let given_back = async {
        while left(&a).await != 998 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), given_back).await.is_ok(), "{} left", left(&a).await);
}
