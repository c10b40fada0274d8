//! Every service that judges, behind the gateway: asked over HTTP, signed where it has to be, believed, and never waited for
//! longer than was said.

use crate::harness::{ANY, House, PROVIDER_KEY, Plan, chat};
use mocks::{
    Latency, ModerationConfig, ModerationService, Profile, Provider, RunningModeration, Script, start_moderation,
};
use serde_json::json;
use std::time::{Duration, Instant};

/// Signs that encodings and signatures stumble over.
const ODD: &str = "1 + 1 = 2 & 100% \"中文\" ~*'()/?#[]@ \\ \n\t😀ß";
/// What each service takes for harmful, and what it calls it.
const BAD: &str = "TEST-VIOLENCE";

/// The lines that reach each mock; `URL` is its address.
const SECTIONS: [(ModerationService, &str); 6] = [
    (ModerationService::OpenAi, "kind = \"openai\"\nbase_url = \"URL\"\napi_key_env = \"KEY\""),
    (
        ModerationService::Aliyun,
        "kind = \"aliyun\"\nbase_url = \"URL\"\naccess_key_id_env = \"KEY\"\naccess_key_secret_env = \"KEY\"\n\
         security_token_env = \"KEY\"",
    ),
    (
        ModerationService::Aliyun,
        "kind = \"aliyun\"\nbase_url = \"URL\"\naccess_key_id_env = \"KEY\"\naccess_key_secret_env = \"KEY\"\n\
         security_token_env = \"KEY\"\naction = \"MultiModalGuard\"",
    ),
    (ModerationService::Azure, "kind = \"azure\"\nbase_url = \"URL\"\napi_key_env = \"KEY\"\nseverities = \"eight\""),
    (
        ModerationService::Guard,
        "kind = \"guard_model\"\nbase_url = \"URL\"\nmodel = \"llama-guard-3-8b\"\ndialect = \"llama_guard\"",
    ),
    (
        ModerationService::Guard,
        "kind = \"guard_model\"\nbase_url = \"URL\"\nmodel = \"qwen3guard-gen\"\ndialect = \"qwen3_guard\"\n\
         api_key_env = \"KEY\"",
    ),
];

async fn judge(service: ModerationService, profile: Profile) -> RunningModeration {
    let key = || PROVIDER_KEY.to_owned();
    let accept_key = (service == ModerationService::OpenAi || service == ModerationService::Azure).then(key);
    let config = ModerationConfig {
        profile,
        accept_key,
        access_key_id: key(),
        access_key_secret: key(),
        security_token: Some(key()),
        ..ModerationConfig::instant(service)
    };
    start_moderation(ANY, config).await.unwrap()
}

async fn house(judge: &RunningModeration, section: &str, policy: &str) -> House {
    let section = section.replace("URL", &judge.base_url());
    let extra = format!(
        "[safety]\npolicy = \"guarded\"\n[safety.backends.judge]\n{section}\n[safety.policies.guarded]\n\
         request = [\"judge\"]\nbars = {{ default = \"medium\" }}\n{policy}\n"
    );
    let mut script = Script::new();
    script.say(Provider::OpenAi, "tell me", format!("Well then: {BAD}, and more."));
    Plan { extra: Box::leak(extra.into_boxed_str()), script, ..Plan::default() }.build().await
}

/// The sum of all samples whose lines begin so.
async fn sample(house: &House, start: &str) -> f64 {
    let page = house.admin("/metrics").await.text;
    assert!(!page.contains(PROVIDER_KEY));
    let lines = page.lines().filter(|line| line.starts_with(start));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

#[tokio::test]
async fn each_service_is_asked_in_its_own_way_and_believed() {
    for (service, section) in SECTIONS {
        let judge = judge(service, Profile::instant()).await;
        let house = house(&judge, section, "response = [\"judge\"]\non_failure = \"closed\"").await;
        for stream in [false, true] {
            let more = json!({"stream": stream});
            let clean = house.ask(&chat(ODD, &more)).await;
            assert_eq!(clean.status, 200);
            assert!(!clean.text.contains("from-security-guard"), "{section}: {}", clean.text);
            let asked = house.openai.requests().counts().received;
            let blocked = house.ask(&chat(&format!("{ODD} {BAD}"), &more)).await;
            assert!(blocked.text.contains("from-security-guard"), "{section}: {}", blocked.text);
            assert_eq!(house.openai.requests().counts().received, asked, "the provider was not asked");
            let answer = house.ask(&chat("tell me", &more)).await;
            assert!(!answer.text.contains(BAD), "{section}: {}", answer.text);
        }
        let failures = sample(&house, "weighbridge_guard_failures_total{backend=\"judge\"").await;
        assert!(failures.abs() < 0.1, "{section}");
        assert!(sample(&house, "weighbridge_guard_calls_total{backend=\"judge\"}").await > 2.5, "{section}");
        // The second time a request comes, it is known.
        assert!(sample(&house, "weighbridge_guard_cached_total{backend=\"judge\"}").await > 1.5, "{section}");
    }
}

#[tokio::test]
async fn a_slow_service_costs_its_deadline_and_a_dead_one_nothing() {
    let (service, section) = SECTIONS[0];
    let wait = Latency { median_ms: 60_000.0, sigma: 0.0 };
    let slow = Profile { time_scale: 1.0, first_token: wait, ..Profile::instant() };
    let judge = judge(service, slow).await;
    let section = format!("{section}\ntimeout = \"150ms\"");
    let house = house(&judge, &section, "on_failure = \"open\"").await;
    let start = Instant::now();
    let prompts: Vec<_> = (0..8).map(|number| chat(&format!("hello {number}"), &json!({}))).collect();
    let answers = futures_util::future::join_all(prompts.iter().map(|prompt| house.ask(prompt))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && !answer.text.contains("from-security-guard")));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(sample(&house, "weighbridge_guard_failures_total{backend=\"judge\",reason=\"timeout\"}").await > 4.5);
    // Half a dozen deadlines are enough to leave it alone; a second later it may be tried.
    assert!(sample(&house, "weighbridge_guard_breaker_state{backend=\"judge\",state=\"closed\"}").await < 0.5);
    let calls = sample(&house, "weighbridge_guard_calls_total{backend=\"judge\"}").await;
    let answer = house.ask(&chat("hello again", &json!({}))).await;
    assert_eq!(answer.status, 200);
    let more = sample(&house, "weighbridge_guard_calls_total{backend=\"judge\"}").await - calls;
    assert!(more < 1.5, "at most one call tries whether it is back");
}
