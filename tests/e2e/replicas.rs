//! Two gateways that are one: the same weight, while Redis comes and goes under load.

use crate::harness::{House, Plan, chat};
use crate::redis_server::RedisServer;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Longest answer of a mock that answers at once, on a machine that is busy with other tests. What hangs hangs longer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// A gateway before mocks of its own; `more` are lines of its `[redis]`, `extra` lines before all tables.
async fn house(redis: &RedisServer, more: &str, extra: &str) -> House {
    let lines = format!(
        "{extra}\n[redis]\nurl = \"{}\"\ntimeout = \"150ms\"\npoll_interval = \"100ms\"\nlost_after = \"500ms\"\n{more}\n",
        redis.url()
    );
    Plan { weight_percent: 20.0, extra: lines.leak(), ..Plan::default() }.build().await
}

async fn metric(house: &House, sample: &str) -> f64 {
    let page = house.admin("/metrics").await.text;
    let line = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {sample} in\n{page}")).parse().unwrap()
}

async fn until_up(house: &House, up: f64) {
    let wait = async {
        while (metric(house, "weighbridge_redis_up").await - up).abs() > 0.5 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "weighbridge_redis_up is never {up}");
}

/// Clients that ask until they are told to stop.
struct Load {
    over: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn start(houses: [&Arc<House>; 2]) -> Self {
        let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let clients = (0..6)
            .map(|client: usize| {
                let house = Arc::clone(houses[client % 2]);
                let (over, answered) = (Arc::clone(&over), Arc::clone(&answered));
                tokio::spawn(async move {
                    while !over.load(Ordering::SeqCst) {
                        let number = answered.fetch_add(1, Ordering::SeqCst);
                        let begun = Instant::now();
                        let body = chat(&format!("question {number}"), &json!({"max_tokens": 1}));
                        let answer = house.ask(&body).await;
                        assert_eq!(answer.status, 200, "{}", answer.text);
                        assert!(begun.elapsed() < ANSWER_MAX, "{:?}", begun.elapsed());
                    }
                })
            })
            .collect();
        Self { over, answered, clients }
    }

    /// Waits until as many more requests were answered.
    async fn more(&self, count: u64) {
        let enough = self.answered.load(Ordering::SeqCst) + count;
        let wait = async {
            while self.answered.load(Ordering::SeqCst) < enough {
                assert!(!self.clients.iter().any(tokio::task::JoinHandle::is_finished), "a client has failed");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(30), wait).await.is_ok(), "clients are not answered");
    }

    async fn stop(self) {
        self.over.store(true, Ordering::SeqCst);
        for client in self.clients {
            client.await.unwrap();
        }
    }
}

/// Waits until both have the same epoch.
async fn until_alike(a: &House, b: &House) {
    crate::harness::until("the same weight on both", || {
        a.gateway.epoch() == b.gateway.epoch() && (a.gateway.weight_percent() - b.gateway.weight_percent()).abs() < 1e-9
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_killed_hangs_and_comes_back_empty_and_no_request_notices() {
    let Some(mut redis) = RedisServer::start() else { return };
    let a = Arc::new(house(&redis, "name = \"a\"", "").await);
    let b = Arc::new(house(&redis, "name = \"b\"", "").await);
    until_alike(&a, &b).await;
    let load = Load::start([&a, &b]);
    load.more(50).await;
    assert_eq!(a.set_weight(30.0, a.gateway.epoch()).await.status, 200);
    until_alike(&a, &b).await;

    redis.kill();
    until_up(&a, 0.0).await;
    until_up(&b, 0.0).await;
    let refused = b.set_weight(90.0, b.gateway.epoch()).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &json!("replicas_unreachable")));
    load.more(50).await;
    assert_eq!((a.gateway.weight_percent(), b.gateway.weight_percent()), (30.0, 30.0));
    assert!(metric(&b, "weighbridge_redis_failures_total{function=\"weights\"}").await >= 1.0);

    redis.restart();
    until_up(&a, 1.0).await;
    until_up(&b, 1.0).await;
    until_alike(&a, &b).await;
    assert_eq!(a.gateway.weight_percent(), 30.0);

    redis.hang();
    load.more(50).await;
    until_up(&a, 0.0).await;
    load.more(50).await;
    redis.resume();
    until_up(&a, 1.0).await;
    until_up(&b, 1.0).await;
    until_alike(&a, &b).await;
    assert_eq!(b.set_weight(40.0, b.gateway.epoch()).await.status, 200);
    until_alike(&a, &b).await;
    assert_eq!(a.gateway.weight_percent(), 40.0);
    load.more(50).await;
    load.stop().await;
}
