//! A pause and a rollback hold everywhere.

use super::loss::until_up;
use super::*;

const SHADOW: &str = "/admin/v1/migrations/move/shadow";
const ROLLBACK: &str = "/admin/v1/migrations/move/rollback";

async fn reason(replica: &Replica) -> Option<String> {
    let shown = replica.get("/admin/v1/migrations/move/weight").await.body;
    shown["shadow_paused"]["reason"].as_str().map(str::to_owned)
}

/// Waits until a replica's mirror is paused for this reason, or not paused.
async fn until_paused(replica: &Replica, wanted: Option<&str>) {
    let wait = async {
        while reason(replica).await.as_deref() != wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "never came: {wanted:?}");
}

#[tokio::test]
async fn a_pause_that_one_replica_is_told_holds_on_all_and_on_those_that_come_later() {
    let Some(redis) = RedisServer::start() else { return };
    let (a, b) = (Replica::start(&redis, 5.0, "name = \"a\"").await, Replica::start(&redis, 5.0, "name = \"b\"").await);
    let state = a.state();
    assert_eq!(a.put(SHADOW, &json!({"paused": true, "reason": "too dear"})).await.status, 200);
    assert_eq!(reason(&a).await.as_deref(), Some("too dear"), "at once");
    until_paused(&b, Some("too dear")).await;
    let late = Replica::start(&redis, 5.0, "").await;
    until_paused(&late, Some("too dear")).await;
    assert_eq!((a.state(), b.state()), (state, state), "no epoch begins");
    // Said twice, the first reason stays; what the other one knows, it may end.
    assert_eq!(
        b.put(SHADOW, &json!({"paused": true, "reason": "again"})).await.body["shadow_paused"]["reason"],
        "too dear"
    );
    assert_eq!(b.put(SHADOW, &json!({"paused": false})).await.status, 200);
    until_paused(&a, None).await;
    let audit = a.get("/admin/v1/audit").await.body;
    let last: Vec<_> = audit["changes"].as_array().unwrap().iter().rev().take(2).cloned().collect();
    for (entry, replica) in last.iter().zip(["b", "a"]) {
        assert_eq!(
            (&entry["what"], &entry["who"], &entry["replica"]),
            (&json!("shadow"), &json!("token"), &json!(replica))
        );
    }
    assert_eq!(last[1]["reason"], "too dear");
}

#[tokio::test]
async fn without_redis_nothing_is_paused_and_what_was_paused_stays_so_when_it_has_lost_its_data() {
    let Some(mut redis) = RedisServer::start() else { return };
    let (a, b) = (Replica::start(&redis, 5.0, PATIENT).await, Replica::start(&redis, 5.0, PATIENT).await);
    assert_eq!(a.put(SHADOW, &json!({"paused": true, "reason": "too dear"})).await.status, 200);
    until_paused(&b, Some("too dear")).await;
    redis.kill();
    until_up(&a, 0.0).await;
    for told in [a.put(SHADOW, &json!({"paused": false})).await, a.post(ROLLBACK, &json!({})).await] {
        assert_eq!((told.status, &told.body["error"]["code"]), (503, &json!("replicas_unreachable")));
    }
    assert_eq!(reason(&a).await.as_deref(), Some("too dear"));
    redis.restart();
    until_up(&a, 1.0).await;
    until_up(&b, 1.0).await;
    until("the pause in Redis", || redis.tell(&["HGET", "weighbridge:pause:move", "reason"]).contains("too dear"))
        .await;
    assert_eq!((reason(&a).await.as_deref(), reason(&b).await.as_deref()), (Some("too dear"), Some("too dear")));
}

#[tokio::test]
async fn a_rollback_wins_over_a_weight_that_its_replica_has_not_heard_of() {
    let Some(redis) = RedisServer::start() else { return };
    let slow = "name = \"slow\"\npoll_interval = \"5s\"";
    let (a, b) = (Replica::start(&redis, 0.0, "name = \"a\"").await, Replica::start(&redis, 0.0, slow).await);
    // Nobody hears messages: the second replica knows only what it read at its start.
    redis.tell(&["CONFIG", "SET", "client-output-buffer-limit", "pubsub 1 1 1"]);
    redis.tell(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    assert_eq!(a.set(50.0, a.epoch()).await.status, 200);
    let back = b.post(ROLLBACK, &json!({"reason": "errors"})).await;
    assert_eq!((back.status, &back.body["weight_percent"]), (200, &json!(0.0)), "{}", back.body);
    until("the baseline everywhere", || a.weight() == 0.0 && a.state() == b.state()).await;
    let again = b.post(ROLLBACK, &json!({})).await;
    assert_eq!((again.status, again.body["epoch"].as_u64()), (200, Some(a.epoch())));
    let audit = a.get("/admin/v1/audit").await.body;
    let last = audit["changes"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["what"], &last["from_percent"], &last["to_percent"]),
        (&json!("rollback"), &json!(50.0), &json!(0.0))
    );
}
