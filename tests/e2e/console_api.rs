//! What the console shows and what it does, against real answers: the numbers, the record of a paused mirror, a verdict that
//! an evaluation gives to the gateway.

use crate::command::{run, weighbridge};
use crate::harness::{House, PROVIDER_KEY, Plan, TOKEN, chat, read};
use crate::rollout::{files, play};
use datasets::{Role, ShadowFate};
use serde_json::{Value, json};

async fn document(house: &House) -> Value {
    house.admin("/admin/v1/console").await.json()
}

async fn pause(house: &House, paused: bool) {
    let url = format!("http://{}/admin/v1/migrations/move/shadow", house.gateway.admin_address);
    let body = json!({"paused": paused, "reason": "too dear"});
    let told = read(house.client.put(url).bearer_auth(TOKEN).json(&body).send().await.unwrap()).await;
    assert_eq!(told.status, 200, "{}", told.text);
}

#[tokio::test]
async fn numbers_are_those_of_the_records_and_hold_no_secret() {
    let house = Plan { weight_percent: 50.0, shadow_percent: 100.0, ..Plan::default() }.build().await;
    for turn in 0..40 {
        let body = chat(&format!("the secret question {turn}"), &json!({"stream": turn % 2 == 0}));
        assert_eq!(house.ask(&body).await.status, 200);
    }
    let records = house.records().await;
    let told = house.admin("/admin/v1/console").await;
    for secret in [TOKEN, PROVIDER_KEY, "secret question", "sk-old-key"] {
        assert!(!told.text.contains(secret), "{secret}");
    }
    let document = told.json();
    for arm in document["migrations"][0]["arms"].as_array().unwrap() {
        let role = if arm["role"] == "served" { Role::Served } else { Role::Shadow };
        let of_arm = || records.iter().filter(|one| arm["arm"] == one.arm.name() && one.role == role);
        assert_eq!(arm["requests"].as_u64(), Some(of_arm().count() as u64), "{arm}");
        assert_eq!(arm["since_start"]["requests"], arm["requests"]);
        let cost: i64 = of_arm().filter_map(|one| one.cost_nanos).sum();
        assert_eq!(arm["cost_nanos"].as_i64(), Some(cost), "{arm}");
        let completion: u64 = of_arm().filter_map(|one| one.usage).map(|usage| usage.completion).sum();
        assert_eq!(arm["tokens"]["completion"].as_u64(), Some(completion), "{arm}");
        assert!(arm["duration_us"]["p99"].as_u64() >= arm["duration_us"]["p50"].as_u64());
        let streams = of_arm().any(|one| one.ttft_us.is_some());
        assert_eq!(arm["ttft_us"].is_object(), streams, "{arm}");
    }
    assert_eq!(document["records"]["written"].as_u64(), Some(records.len() as u64));
    assert_eq!((document["in_flight"].as_u64(), document["records"]["lost"].as_u64()), (Some(0), Some(0)));
}

#[tokio::test]
async fn a_paused_mirror_is_on_record_as_that() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    house.ask(&chat("before", &json!({}))).await;
    pause(&house, true).await;
    house.ask(&chat("meanwhile", &json!({}))).await;
    pause(&house, false).await;
    house.ask(&chat("after", &json!({}))).await;
    let mut served: Vec<_> = house.records().await.into_iter().filter(|one| one.role == Role::Served).collect();
    served.sort_by_key(|one| one.at_us);
    let fates: Vec<_> = served.iter().map(|one| (one.shadow, one.shadow_bp)).collect();
    let sent = (Some(ShadowFate::Sent), Some(10_000));
    assert_eq!(fates, [sent, (Some(ShadowFate::Paused), Some(0)), sent]);
    assert!(served.windows(2).all(|pair| pair[0].epoch == pair[1].epoch));
}

#[tokio::test]
async fn an_evaluation_gives_its_verdict_to_the_gateway() {
    let house = Plan { shadow_percent: 100.0, ..Plan::default() }.build().await;
    let files = files();
    play(&house, 0, 50).await;
    let target = format!("http://{}", house.gateway.admin_address);
    let args = |target: &str| {
        let [records, policy, out] =
            [&house.records, &files.policy, &files.verdict].map(|path| path.display().to_string());
        ["evaluate", &records, "--policy", &policy, "--out", &out, "--publish", target].map(str::to_owned)
    };
    let ran = run(args(&target)).await;
    assert!([0, 1, 3].contains(&ran.code), "{ran:?}");
    assert!(ran.err.contains(&format!("gateway  {target}")), "{ran:?}");
    let written = std::fs::read_to_string(&files.verdict).unwrap();
    assert_eq!(house.admin("/admin/v1/migrations/move/verdict").await.text, written);
    let verdict: Value = serde_json::from_str(&written).unwrap();
    let shown = &document(&house).await["migrations"][0]["verdict"];
    assert_eq!(
        (&shown["verdict"], &shown["epoch"], &shown["matches"]),
        (&verdict["verdict"], &verdict["epoch"], &json!(true))
    );

    // Nothing is read where nobody could be told, and a verdict is not lost because nobody listens.
    std::fs::remove_file(&files.verdict).unwrap();
    let ran = run(args("127.0.0.1:8081")).await;
    assert!(ran.code == 2 && ran.err.contains("--publish is `127.0.0.1:8081`"), "{ran:?}");
    let mut command = weighbridge(args(&target));
    command.env_remove("WEIGHBRIDGE_ADMIN_TOKEN");
    let ran = crate::command::finish(command).await;
    assert!(ran.code == 2 && ran.err.contains("WEIGHBRIDGE_ADMIN_TOKEN"), "{ran:?}");
    assert!(!files.verdict.exists());
    let ran = run(args(&house.openai.base_url())).await;
    assert!(ran.code == 2 && ran.err.contains(&house.openai.base_url()), "{ran:?}");
    assert!(files.verdict.exists());
    let mut command = weighbridge(args(&target));
    command.env("WEIGHBRIDGE_ADMIN_TOKEN", "wrong-token");
    let ran = crate::command::finish(command).await;
    assert!(ran.code == 2 && ran.err.contains("--publish") && !ran.err.contains("wrong-token"), "{ran:?}");
}
