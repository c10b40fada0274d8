//! Redis dies, hangs, comes back empty.

use super::*;
use std::time::Instant;

pub(super) async fn until_up(replica: &Replica, up: f64) {
    let wait = async {
        while (replica.metric("weighbridge_redis_up").await - up).abs() > 0.5 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "never up: {up}");
}

#[tokio::test]
async fn without_redis_the_last_weight_holds_and_none_is_changed() {
    let Some(mut redis) = RedisServer::start() else { return };
    let (a, b) = (Replica::start(&redis, 5.0, PATIENT).await, Replica::start(&redis, 5.0, PATIENT).await);
    assert_eq!(a.set(40.0, a.epoch()).await.status, 200);
    until("the weight on the other replica", || b.state() == a.state()).await;
    let state = a.state();

    redis.kill();
    until_up(&a, 0.0).await;
    let refused = a.set(50.0, a.epoch()).await;
    assert_eq!((refused.status, &refused.body["error"]["code"]), (503, &json!("replicas_unreachable")));
    let message = refused.body["error"]["message"].as_str().unwrap();
    assert!(message.contains("Redis is away") && message.contains("nothing has changed"), "{message}");
    assert!(a.metric("weighbridge_redis_failures_total{function=\"weights\"}").await >= 1.0);
    assert_eq!((a.state(), b.state()), (state, state));
    assert_eq!(a.get("/readyz").await.status, 200);
    assert_eq!(a.get("/admin/v1/audit").await.body["shared"], false);
    let error = a.running.reload(config(&redis.url(), 60.0, PATIENT, "")).await.unwrap_err().to_string();
    assert!(error.contains("Redis is away") && error.contains("nothing has changed"), "{error}");
    // A file that changes no epoch needs nobody.
    a.running.reload(config(&redis.url(), 5.0, PATIENT, "")).await.unwrap();
    assert_eq!(a.state(), state);

    // It comes back without its data: the weight is written back, by whoever is first, and is still the same.
    redis.restart();
    until_up(&a, 1.0).await;
    until_up(&b, 1.0).await;
    let stored = || redis.tell(&["HGET", "weighbridge:weight:move", "weight"]);
    until("the weight in Redis", || stored().contains("4000")).await;
    assert_eq!((a.state(), b.state()), (state, state));
    assert_eq!(a.set(41.0, a.epoch()).await.status, 200);
    until("changes go on", || b.weight() == 41.0).await;
}

#[tokio::test]
async fn a_fresh_replica_does_not_win_over_what_was_set_when_redis_lost_its_data() {
    let Some(mut redis) = RedisServer::start() else { return };
    let a = Replica::start(&redis, 5.0, PATIENT).await;
    assert_eq!(a.set(40.0, a.epoch()).await.status, 200);
    redis.kill();
    until_up(&a, 0.0).await;
    // Nobody can tell the new one: it serves what its file says, and offers nothing while it cannot ask.
    let fresh = Replica::start(&redis, 0.0, PATIENT).await;
    assert_eq!(fresh.weight(), 0.0);
    redis.restart();
    until("what was set is in force everywhere", || fresh.weight() == 40.0 && fresh.state() == a.state()).await;
    assert_eq!(a.weight(), 40.0);
}

#[tokio::test]
async fn without_redis_at_the_start_the_file_counts_until_it_answers() {
    let Some(mut redis) = RedisServer::start() else { return };
    let a = Replica::start(&redis, 5.0, HASTY).await;
    assert_eq!(a.set(40.0, a.epoch()).await.status, 200);
    redis.hang();
    let begun = Instant::now();
    let b = Replica::start(&redis, 7.0, HASTY).await;
    assert!(begun.elapsed() < Duration::from_secs(3), "a start does not wait for a server that hangs");
    assert_eq!(b.weight(), 7.0);
    redis.resume();
    until("the shared weight", || b.state() == a.state()).await;
    assert_eq!(b.weight(), 40.0);
    redis.kill();
}

#[tokio::test]
async fn where_the_file_says_so_the_baseline_serves_while_redis_is_lost() {
    let Some(mut redis) = RedisServer::start_with(true) else { return };
    let more = format!("{PATIENT}\non_loss = {{ weights = \"baseline\" }}");
    let a = Replica::start(&redis, 5.0, &more).await;
    assert_eq!(a.set(40.0, a.epoch()).await.status, 200);
    let state = a.state();
    redis.kill();
    until("the baseline", || a.weight() == 0.0).await;
    assert!(a.epoch() > state.1, "records of the loss are no evidence of the weight before");
    redis.restart();
    until("the weight as before", || a.state() == state).await;
}

#[tokio::test]
async fn a_redis_that_hangs_costs_a_few_deadlines_and_then_nothing() {
    let Some(redis) = RedisServer::start() else { return };
    let a = Replica::start(&redis, 5.0, HASTY).await;
    redis.hang();
    let begun = Instant::now();
    let refused = a.set(50.0, a.epoch()).await;
    assert_eq!(refused.status, 503);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    until_up(&a, 0.0).await;
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(a.set(50.0, a.epoch()).await.status, 503);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "known to be away, it is not asked: {:?}", begun.elapsed());
    redis.resume();
    until_up(&a, 1.0).await;
    // What was sent into the silence may have been done; the answer said that this is not known.
    let mut status = 0;
    for _ in 0..50 {
        status = a.set(60.0, a.epoch()).await.status;
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(status, 200);
}

#[tokio::test]
async fn an_old_copy_of_the_data_gets_the_newer_weight_back() {
    let Some(redis) = RedisServer::start() else { return };
    let a = Replica::start(&redis, 5.0, PATIENT).await;
    let old = a.epoch();
    assert_eq!(a.set(40.0, a.epoch()).await.status, 200);
    let state = a.state();
    redis.tell(&["HSET", "weighbridge:weight:move", "epoch", &old.to_string(), "weight", "0"]);
    until("the newer weight is written back", || {
        redis.tell(&["HGET", "weighbridge:weight:move", "weight"]).contains("4000")
    })
    .await;
    assert_eq!(a.state(), state);
    // What is no weight is never taken for one.
    redis.tell(&["HSET", "weighbridge:weight:move", "epoch", "9999999999999", "weight", "many"]);
    let wait = async {
        while a.metric("weighbridge_redis_failures_total{function=\"weights\"}").await < 2.0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "it is said");
    assert_eq!(a.state(), state);
    assert_eq!(a.set(50.0, a.epoch()).await.status, 503);
    redis.tell(&["DEL", "weighbridge:weight:move"]);
    let written = || redis.tell(&["HGET", "weighbridge:weight:move", "weight"]).contains("4000");
    until("the weight is written back", written).await;
    assert_eq!(a.state(), state);
}
