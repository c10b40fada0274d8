//! One leader for all, on the time of Redis.

use super::*;

const LEASE: &str = "/admin/v1/migrations/move/lease";

impl Replica {
    async fn take(&self, holder: &str, ttl_ms: u64) -> Value {
        let told = self.post(LEASE, &json!({"holder": holder, "ttl_ms": ttl_ms})).await;
        assert_eq!(told.status, 200, "{}", told.body);
        told.body
    }

    /// Sets a weight as whoever leads with this fence.
    async fn lead_to(&self, percent: f64, fence: &Value) -> Told {
        let url = format!("http://{}/admin/v1/migrations/move/weight", self.running.admin_address);
        let request = self.client.put(url).bearer_auth(TOKEN).header("if-match", format!("\"{}\"", self.epoch()));
        let request = request.header("x-weighbridge-lease", fence.to_string());
        told(request.json(&json!({"weight_percent": percent, "reason": "lead"}))).await
    }

    async fn until_taken(&self, holder: &str) -> Value {
        let wait = async {
            loop {
                let lease = self.take(holder, 60_000).await;
                if lease["held"] == true {
                    return lease;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap()
    }
}

#[tokio::test]
async fn one_leads_on_all_replicas_and_who_was_asleep_changes_nothing() {
    let Some(redis) = RedisServer::start() else { return };
    let (a, b) = (Replica::start(&redis, 5.0, "name = \"a\"").await, Replica::start(&redis, 5.0, "name = \"b\"").await);
    let first = a.take("one", 60_000).await;
    assert_eq!((&first["held"], &first["holder"]), (&json!(true), &json!("one")), "{first}");
    let other = b.take("two", 60_000).await;
    assert_eq!((&other["held"], &other["holder"], &other["fence"]), (&json!(false), &json!("one"), &first["fence"]));
    assert!(other["left_ms"].as_u64().unwrap() > 0, "{other}");
    assert_eq!(a.take("one", 60_000).await["fence"], first["fence"], "a longer lease is the same one");
    assert_eq!(a.lead_to(10.0, &first["fence"]).await.status, 200);
    until("the weight on the other replica", || b.state() == a.state()).await;

    // The leader sleeps, its lease ends, and another one takes over at the other replica.
    a.take("one", 100).await;
    let second = b.until_taken("two").await;
    assert!(second["fence"].as_u64() > first["fence"].as_u64(), "{second}");
    let late = a.lead_to(50.0, &first["fence"]).await;
    assert_eq!((late.status, &late.body["error"]["code"]), (409, &json!("lease_lost")), "{}", late.body);
    assert_eq!(a.weight(), 10.0);
    assert_eq!(b.lead_to(25.0, &second["fence"]).await.status, 200);
    until("the weight on the first replica", || b.state() == a.state()).await;

    // Given back, it is free at once; by somebody else it is not given back.
    let url = format!("http://{}{LEASE}", b.running.admin_address);
    for (holder, left) in [("one", true), ("two", false)] {
        let body = json!({"holder": holder, "fence": second["fence"]});
        let told = told(b.client.delete(&url).bearer_auth(TOKEN).json(&body)).await;
        assert_eq!((told.status, told.body["left_ms"].as_u64().unwrap() > 0), (200, left), "{}", told.body);
    }
    assert_eq!(b.lead_to(50.0, &second["fence"]).await.status, 409, "what was given back leads no more");
    assert_eq!(a.take("one", 60_000).await["held"], true);

    let audit = a.get("/admin/v1/audit").await.body;
    let who: Vec<_> = audit["changes"].as_array().unwrap().iter().map(|entry| entry["who"].clone()).collect();
    assert!(who.contains(&json!("autopilot")), "{audit}");
    // People need no lease.
    assert_eq!(b.set(7.0, b.epoch()).await.status, 200);
}

#[tokio::test]
async fn while_redis_is_away_nobody_leads_and_a_fence_grows_over_its_loss() {
    let Some(mut redis) = RedisServer::start() else { return };
    let a = Replica::start(&redis, 5.0, "").await;
    let first = a.take("one", 60_000).await;
    redis.kill();
    let wait = async {
        while a.post(LEASE, &json!({"holder": "one", "ttl_ms": 1000})).await.status != 503 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap();
    assert_eq!(a.lead_to(10.0, &first["fence"]).await.status, 503);

    // It comes back without its data: who led does not lead any more.
    redis.restart();
    let wait = async {
        while a.get(LEASE).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap();
    assert_eq!(a.lead_to(10.0, &first["fence"]).await.status, 409);
    let second = a.until_taken("two").await;
    assert!(second["fence"].as_u64() > first["fence"].as_u64(), "{first} {second}");
}

#[tokio::test]
async fn what_is_no_lease_is_refused_with_what_was_expected() {
    let Some(redis) = RedisServer::start() else { return };
    let a = Replica::start(&redis, 5.0, "").await;
    for (body, expected) in [
        (json!({"holder": "", "ttl_ms": 1000}), "1 to 200"),
        (json!({"holder": "x".repeat(201), "ttl_ms": 1000}), "1 to 200"),
        (json!({"holder": "x", "ttl_ms": 5}), "100 to 600000"),
        (json!({"holder": "x", "ttl_ms": u64::MAX}), "100 to 600000"),
        (json!({"holder": "x", "ttl_ms": -1}), "ttl_ms"),
        (json!({"holder": "x", "ttl_ms": 1000, "more": 1}), "more"),
    ] {
        let told = a.post(LEASE, &body).await;
        let message = told.body["error"]["message"].as_str().unwrap_or_default();
        assert!(told.status == 400 && (message.contains(expected) || expected == "ttl_ms"), "{body}: {message}");
    }
    assert_eq!(a.lead_to(10.0, &json!("soon")).await.status, 400);
    assert_eq!(a.lead_to(10.0, &json!(1)).await.status, 409);
    assert_eq!(a.post("/admin/v1/migrations/none/lease", &json!({"holder": "x", "ttl_ms": 1000})).await.status, 404);
    assert_eq!(a.get(LEASE).await.body, json!({"held": false, "holder": "", "fence": 0, "left_ms": 0}));
}
