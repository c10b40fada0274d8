//! One gateway.

use super::*;
use gate::audit::{Log, What};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candidate_that_breaks_is_taken_back_to_the_last_safe_rung_and_then_to_nothing() {
    let world = World::new().await;
    let hook = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(503)).up_to_n_times(1).mount(&hook).await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&hook).await;
    let path = world.folder.path().join("audit.ndjson");
    let guard = format!("webhook_url = \"{}/alarm?key=hidden\"\nwebhook_secret_env = \"HOOK\"", hook.uri());
    let gateway = world.gateway(20.0, &guard, &format!("[audit]\npath = \"{}\"", path.display())).await;
    let load = Load::start(&[&gateway]);
    gateway.until_counted(20).await;
    assert_eq!(gateway.set(50.0).await, 200);
    gateway.until_counted(60).await;
    assert_eq!(gateway.guard().await["state"], "watching");

    world.deepseek.fail_with(500);
    let took = until("the last safe rung", || gateway.weight() == 20.0).await;
    println!("back to the last safe rung after {took:?}, from the first failure on");
    let shown = gateway.guard().await;
    assert_eq!(
        (shown["last_alarm"]["from_percent"].as_f64(), shown["last_alarm"]["to_percent"].as_f64()),
        (Some(50.0), Some(20.0))
    );
    until("the second alarm", || gateway.weight() == 0.0).await;
    load.stop().await;
    let shown = gateway.guard().await;
    assert_eq!((shown["alarms"].as_u64(), &shown["state"]), (Some(2), &json!("idle")));
    let changes = gateway.get("/admin/v1/audit").await["changes"].as_array().unwrap().clone();
    let last = changes.last().unwrap();
    assert_eq!((&last["who"], &last["what"]), (&json!("live-guard"), &json!("rollback")));
    let page = gateway.get("/metrics").await;
    assert!(page.as_str().unwrap().contains("weighbridge_live_guard_alarms_total{migration=\"move\"} 2"), "{page}");

    // The messages: tried again, signed, the same id.
    let wait = async {
        while hook.received_requests().await.unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), wait).await.is_ok());
    let requests = hook.received_requests().await.unwrap();
    let bodies: Vec<Value> = requests.iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect();
    assert_eq!(bodies[0], bodies[1], "the same message again");
    assert_eq!(requests[0].headers["idempotency-key"].to_str().unwrap(), bodies[0]["id"]);
    assert!(requests[0].headers["x-weighbridge-signature"].to_str().unwrap().starts_with("sha256="));
    assert_eq!((&bodies[0]["schema"], &bodies[0]["everywhere"]), (&json!("weighbridge.alarm/1"), &json!(true)));

    let gateway = Arc::into_inner(gateway).unwrap();
    gateway.running.shutdown().await;
    let lines = Log::new(&path).read().unwrap();
    let of_guard: Vec<What> = lines.iter().filter(|line| line.who == "live-guard").map(|line| line.what).collect();
    assert_eq!(of_guard, [What::Alarm, What::Rollback, What::Alarm, What::Rollback]);
    assert!(lines.iter().any(|line| line.what == What::Set && line.to_percent == Some(50.0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_stops_at_once() {
    let world = World::new().await;
    let gateway = world.gateway(50.0, "", "").await;
    world.deepseek.fail_with(401);
    let load = Load::start(&[&gateway]);
    until("nothing", || gateway.weight() == 0.0).await;
    load.stop().await;
    let why = gateway.guard().await["last_alarm"]["alarm"].clone();
    assert!(why == "hard_stop_refused" || why == "errors", "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_full_weight_the_hard_stop_speaks() {
    let world = World::new().await;
    let gateway = world.gateway(100.0, "", "").await;
    gateway.ask_many(20).await;
    gateway.until_counted(20).await;
    assert_eq!(gateway.guard().await["state"], "hard-stops");
    world.deepseek.fail_with(500);
    let load = Load::start(&[&gateway]);
    until("nothing", || gateway.weight() == 0.0).await;
    load.stop().await;
    assert_eq!(gateway.guard().await["last_alarm"]["alarm"], "hard_stop_errors");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forced_arms_do_not_count_and_a_guard_that_is_off_does_nothing() {
    let world = World::new().await;
    let gateway = world.gateway(50.0, "", "").await;
    world.deepseek.fail_with(500);
    for _ in 0..60 {
        gateway.ask(Some("candidate")).await;
    }
    world.deepseek.fail_with(200);
    gateway.ask_many(60).await;
    gateway.until_counted(10).await;
    let shown = gateway.guard().await;
    assert_eq!((gateway.weight(), shown["candidate_errors"].as_u64()), (50.0, Some(0)), "{shown}");

    let off = world.gateway(50.0, "enabled = false", "").await;
    world.deepseek.fail_with(500);
    off.ask_many(80).await;
    let shown = off.guard().await;
    assert_eq!((off.weight(), &shown["state"], shown["alarms"].as_u64()), (50.0, &json!("off"), Some(0)));
    // The first one still watches the same provider.
    let load = Load::start(&[&gateway]);
    until("an alarm", || gateway.weight() == 0.0).await;
    load.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_both_fail_alike_the_bets_hold_still() {
    let world = World::new().await;
    let policy = world.folder.path().join("policy.toml");
    std::fs::write(&policy, "[hard_stop]\nerror_percent = 100\n").unwrap();
    let gateway = world.gateway(50.0, &format!("policy = \"{}\"", policy.display()), "").await;
    world.deepseek.fail_with(500);
    world.openai.fail_with(500);
    gateway.ask_many(300).await;
    gateway.until_counted(100).await;
    let shown = gateway.guard().await;
    assert_eq!((gateway.weight(), shown["alarms"].as_u64()), (50.0, Some(0)), "{shown}");
    assert!(shown["candidate_errors"].as_u64() > Some(50), "what fell back counts as the candidate's error: {shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_raises_the_weight_meanwhile_does_not_win() {
    let world = World::new().await;
    let gateway = world.gateway(50.0, "back_to = \"baseline\"", "").await;
    world.deepseek.fail_with(500);
    let load = Load::start(&[&gateway]);
    let raising = {
        let gateway = Arc::clone(&gateway);
        tokio::spawn(async move {
            // As an operator would who has not heard: again and again, until it is down for the first time.
            while gateway.weight() > 0.0 {
                gateway.set(if gateway.weight() == 50.0 { 60.0 } else { 50.0 }).await;
                tokio::time::sleep(Duration::from_millis(700)).await;
            }
        })
    };
    until("nothing", || gateway.weight() == 0.0).await;
    raising.await.unwrap();
    load.stop().await;
    until("it stays down", || gateway.weight() == 0.0).await;
}
