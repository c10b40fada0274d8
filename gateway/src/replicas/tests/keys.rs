//! Keys that are made or taken back on one replica.

use super::*;
use std::time::Instant;

async fn guarded(redis: &RedisServer, more: &str, server: &str) -> Replica {
    let server = format!("server.authenticate = \"keys\"\n{server}");
    Replica::start_with(config_with(&redis.url(), 0.0, &format!("{PATIENT}\n{more}"), "", &server)).await
}

/// Makes a key; returns its id and itself.
async fn create(replica: &Replica, consumer: &str) -> (String, String) {
    let told = replica.post(&format!("/admin/v1/consumers/{consumer}/keys"), &json!({})).await;
    assert_eq!(told.status, 201, "{}", told.body);
    let issued = &told.body["issued"];
    (issued["id"].as_str().unwrap().to_owned(), issued["key"].as_str().unwrap().to_owned())
}

async fn until_status(replica: &Replica, key: &str, status: u16) -> Duration {
    let begun = Instant::now();
    let wait = async {
        while replica.knock(key).await != status {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "never {status}");
    begun.elapsed()
}

#[tokio::test]
async fn a_key_that_one_replica_takes_back_is_refused_on_the_other_within_a_second() {
    let Some(redis) = RedisServer::start() else { return };
    let (a, b) = (guarded(&redis, "", "").await, guarded(&redis, "", "").await);
    let (id, key) = create(&a, "team").await;
    assert_eq!(a.knock(&key).await, 502);
    assert!(until_status(&b, &key, 502).await < Duration::from_secs(1));
    // The other one changes what the first one made.
    let (_, second) = create(&b, "team").await;
    let revoked = a.post(&format!("/admin/v1/consumers/team/keys/{id}/revoke"), &json!({})).await;
    assert_eq!(revoked.status, 200, "{}", revoked.body);
    assert_eq!(a.knock(&key).await, 401);
    assert!(until_status(&b, &key, 401).await < Duration::from_secs(1));
    until_status(&a, &second, 502).await;
    // One that starts knows all of them at once.
    let c = guarded(&redis, "", "").await;
    assert_eq!((c.knock(&second).await, c.knock(&key).await), (502, 401));
    let held = redis.tell(&["HGET", "weighbridge:keys", "text"]);
    assert!(held.contains("team") && !held.contains(&second), "no key is kept, only what tells it");
}

#[tokio::test]
async fn without_redis_known_keys_stay_good_and_are_given_back() {
    let Some(mut redis) = RedisServer::start() else { return };
    let a = guarded(&redis, "", "").await;
    let (_, key) = create(&a, "team").await;
    redis.kill();
    let told = a.post("/admin/v1/consumers/team/keys", &json!({})).await;
    assert_eq!((told.status, &told.body["error"]["code"]), (503, &json!("replicas_unreachable")), "{}", told.body);
    assert_eq!((a.knock(&key).await, a.knock("wrong").await), (502, 401));
    // One that starts now knows none: it does not say that a key is wrong that may be right.
    let fresh = guarded(&redis, "", "").await;
    assert_eq!(fresh.knock(&key).await, 503);
    redis.restart();
    until_status(&fresh, &key, 502).await;
    assert_eq!(a.knock(&key).await, 502);
    assert!(redis.tell(&["HGET", "weighbridge:keys", "text"]).contains("team"));
}

#[tokio::test]
async fn where_the_file_says_so_no_key_is_good_while_redis_is_lost() {
    let Some(mut redis) = RedisServer::start_with(true) else { return };
    let a = guarded(&redis, "on_loss = { keys = \"refuse\" }", "").await;
    let (_, key) = create(&a, "team").await;
    redis.kill();
    until_status(&a, &key, 503).await;
    redis.restart();
    until_status(&a, &key, 502).await;
}

#[tokio::test]
async fn a_key_file_is_what_redis_begins_with() {
    let Some(redis) = RedisServer::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = format!("keys.file = \"{}\"", folder.path().join("consumers.json").display());
    // A gateway that is alone makes the file.
    let mut alone = config_with(&redis.url(), 0.0, "", "", &file);
    alone.redis = None;
    let (_, key) = create(&Replica::start_with(alone).await, "team").await;
    let (a, b) = (guarded(&redis, "", &file).await, guarded(&redis, "", "").await);
    assert_eq!((a.knock(&key).await, b.knock(&key).await), (502, 502));
    let (_, second) = create(&b, "team").await;
    until_status(&a, &second, 502).await;
}
