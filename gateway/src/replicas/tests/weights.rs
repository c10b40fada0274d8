//! One weight for all.

use super::*;
use std::time::Instant;

#[tokio::test]
async fn a_weight_that_one_replica_is_told_holds_on_the_other_within_a_second() {
    let Some(redis) = RedisServer::start() else { return };
    let (a, b) = (Replica::start(&redis, 5.0, "name = \"a\"").await, Replica::start(&redis, 5.0, "name = \"b\"").await);
    assert_eq!((a.weight(), a.state()), (5.0, b.state()), "the second takes the first one's epoch");

    let begun = Instant::now();
    assert_eq!(a.set(12.34, a.epoch()).await.status, 200);
    until("the weight on the other replica", || b.state() == a.state()).await;
    let taken = begun.elapsed();
    println!("the other replica had it after {taken:?}");
    assert!(taken < Duration::from_secs(1), "{taken:?}");
    assert_eq!(b.weight(), 12.34);

    // What the other one saw is what it may change, at once.
    assert_eq!(b.set(50.0, a.epoch()).await.status, 200);
    until("the weight on the first replica", || a.state() == b.state()).await;

    for replica in [&a, &b] {
        let audit = replica.get("/admin/v1/audit").await.body;
        assert_eq!(audit["shared"], true);
        let last: Vec<_> = audit["changes"].as_array().unwrap().iter().rev().take(2).collect();
        assert_eq!((&last[0]["replica"], &last[0]["to_percent"]), (&json!("b"), &json!(50.0)), "{audit}");
        assert_eq!((&last[0]["from_percent"], &last[0]["epoch"]), (&json!(12.34), &json!(a.epoch())), "{audit}");
        assert_eq!((&last[1]["replica"], &last[1]["from_percent"]), (&json!("a"), &json!(5.0)), "{audit}");
    }
    let shown = a.get("/admin/v1/replicas").await.body;
    let names: Vec<_> = shown["replicas"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert!(names.contains(&json!("a")) && names.contains(&json!("b")), "{shown}");
    assert_eq!(a.metric("weighbridge_redis_up").await, 1.0);
}

#[tokio::test]
async fn a_lost_message_costs_one_poll_and_not_the_weight() {
    let Some(redis) = RedisServer::start() else { return };
    let (a, b) = (Replica::start(&redis, 5.0, "").await, Replica::start(&redis, 5.0, "").await);
    // Nobody hears messages any more; those who subscribe again lose their connection again.
    redis.tell(&["CONFIG", "SET", "client-output-buffer-limit", "pubsub 1 1 1"]);
    redis.tell(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    let begun = Instant::now();
    assert_eq!(a.set(30.0, a.epoch()).await.status, 200);
    until("the weight on the other replica", || b.state() == a.state()).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_changes_at_the_same_time_exactly_one_is_made() {
    let Some(redis) = RedisServer::start() else { return };
    let (a, b) = (Replica::start(&redis, 5.0, "").await, Replica::start(&redis, 5.0, "").await);
    for round in 1..=10_u32 {
        let epoch = a.epoch();
        let percents: Vec<f64> = (1..=6).map(|number| f64::from(round * 6 + number) / 2.0).collect();
        let changes = percents.iter().enumerate().map(|(place, percent)| {
            let replica = if place % 2 == 0 { &a } else { &b };
            async move { (*percent, replica.set(*percent, epoch).await) }
        });
        let told = futures_util::future::join_all(changes).await;
        let made: Vec<f64> = told.iter().filter(|(_, told)| told.status == 200).map(|(percent, _)| *percent).collect();
        assert_eq!(made.len(), 1, "{:?}", told.iter().map(|(_, told)| (told.status, &told.body)).collect::<Vec<_>>());
        assert!(told.iter().all(|(_, told)| [200, 412].contains(&told.status)));
        until("both have it", || a.state() == b.state() && a.epoch() > epoch).await;
        assert_eq!(a.weight(), made[0]);
    }
}

#[tokio::test]
async fn a_replica_that_starts_takes_the_weight_of_the_others() {
    let Some(redis) = RedisServer::start() else { return };
    let a = Replica::start(&redis, 5.0, "").await;
    assert_eq!(a.set(40.0, a.epoch()).await.status, 200);
    let b = Replica::start(&redis, 0.0, "").await;
    assert_eq!(b.state(), a.state());
    // With other providers, the weight stays and an epoch begins, for both.
    let epoch = a.epoch();
    let moved = config(&redis.url(), 0.0, "", "salt = \"another\"");
    let c = crate::start(moved, None).await.unwrap();
    assert_eq!(c.weight_percent(), 40.0);
    assert!(c.epoch() > epoch);
    until("the epoch on the others", || a.epoch() == c.epoch() && b.epoch() == c.epoch()).await;
    assert_eq!((a.weight(), b.weight()), (40.0, 40.0));
}

#[tokio::test]
async fn a_changed_file_counts_once() {
    let Some(redis) = RedisServer::start() else { return };
    let (a, b) = (Replica::start(&redis, 5.0, "").await, Replica::start(&redis, 5.0, "").await);
    let changed = || config(&redis.url(), 30.0, "", "");
    a.running.reload(changed()).await.unwrap();
    assert_eq!(a.weight(), 30.0);
    until("the file's weight on the other replica", || b.state() == a.state()).await;
    assert_eq!(b.set(45.0, b.epoch()).await.status, 200);
    // The second replica reads the file later; what was set since stays.
    b.running.reload(changed()).await.unwrap();
    assert_eq!(b.weight(), 45.0);
    until("the same on the first", || a.state() == b.state()).await;
    assert_eq!(a.weight(), 45.0);
}

#[tokio::test]
async fn other_gateways_of_the_same_redis_are_others() {
    let Some(redis) = RedisServer::start() else { return };
    let (a, b) = (Replica::start(&redis, 5.0, "").await, Replica::start(&redis, 7.0, "prefix = \"other:\"").await);
    assert_eq!((a.weight(), b.weight()), (5.0, 7.0));
    assert_eq!(a.set(50.0, a.epoch()).await.status, 200);
    let keys = redis.tell(&["KEYS", "*"]);
    assert!(keys.contains("weighbridge:weight:move") && keys.contains("other:weight:move"), "{keys}");
    assert_eq!(b.weight(), 7.0);
}
