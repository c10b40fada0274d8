//! Several gateways before a real Redis.

use super::*;
use crate::replicas::redis_server::RedisServer;

fn tables(redis: &RedisServer, name: &str) -> String {
    format!(
        "[redis]\nname = \"{name}\"\nurl = \"{}\"\ntimeout = \"400ms\"\npoll_interval = \"50ms\"\nlost_after = \"20s\"",
        redis.url()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_judge_the_sum_and_all_go_back() {
    let Some(redis) = RedisServer::start() else { return };
    let world = World::new().await;
    let mut all = Vec::new();
    for name in ["a", "b", "c"] {
        all.push(world.gateway(25.0, "", &tables(&redis, name)).await);
    }
    let (a, b, c) = (&all[0], &all[1], &all[2]);
    until("one epoch", || a.running.epoch() == b.running.epoch() && b.running.epoch() == c.running.epoch()).await;
    for gateway in &all {
        gateway.ask_many(40).await;
    }
    // Each knows what all have served.
    let own =
        |shown: &Value| shown["candidate_requests"].as_u64().unwrap() + shown["baseline_requests"].as_u64().unwrap();
    for gateway in &all {
        let wait = async {
            while own(&gateway.guard().await) < 120 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "{}", gateway.guard().await);
    }
    world.deepseek.fail_with(500);
    let load = Load::start(&[a, b, c]);
    let took = until("the baseline everywhere", || all.iter().all(|one| one.weight() == 0.0)).await;
    load.stop().await;
    println!("three replicas went back {took:?} after the first failure could come");
    until("one epoch again", || a.running.epoch() == b.running.epoch() && b.running.epoch() == c.running.epoch()).await;
    let mut alarms = 0;
    for gateway in &all {
        alarms += gateway.guard().await["alarms"].as_u64().unwrap();
    }
    assert!((1..=3).contains(&alarms), "{alarms}");
    let changes = a.get("/admin/v1/audit").await["changes"].as_array().unwrap().clone();
    let rollbacks = changes.iter().filter(|one| one["who"] == "live-guard").count();
    assert_eq!(rollbacks, 1, "one of them was first, and the others had nothing left to lower: {changes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_each_serves_the_baseline_itself_and_tells_when_it_is_back() {
    let Some(mut redis) = RedisServer::start() else { return };
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.ndjson");
    let audit = format!("{}\n[audit]\npath = \"{}\"", tables(&redis, "a"), log.display());
    let a = world.gateway(50.0, "", &audit).await;
    let b = world.gateway(50.0, "", &tables(&redis, "b")).await;
    until("one epoch", || a.running.epoch() == b.running.epoch()).await;
    a.ask_many(20).await;
    redis.kill();
    world.deepseek.fail_with(500);
    let load = Load::start(&[&a]);
    let took = until("the baseline here", || a.weight() == 0.0).await;
    load.stop().await;
    println!("without Redis the baseline served {took:?} after the first failure could come");
    assert_eq!(b.weight(), 50.0, "nobody has told the other one, and it has seen nothing");
    assert_eq!(a.guard().await["state"], "standing-in");

    redis.restart();
    until("the baseline everywhere", || b.weight() == 0.0 && a.running.epoch() == b.running.epoch()).await;
    assert_eq!(a.weight(), 0.0);
    until("it is told", || a.weight() == 0.0 && b.weight() == 0.0).await;
    let wait = async {
        while a.guard().await["state"] != "idle" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "{}", a.guard().await);
    let lines = || gate::audit::Log::new(&log).read().unwrap_or_default();
    let back = || lines().into_iter().find(|line| line.what == gate::audit::What::Rollback);
    until("the line", || back().is_some()).await;
    let back = back().unwrap();
    assert_eq!((back.from_percent, back.to_percent), (Some(50.0), Some(0.0)), "from what all shared");
}
