//! Where the time to the first visible text goes: a queue and thinking at the provider are found in the records and in the
//! verdict.
//!
//! A chunk never leaves the mock before it is due, and due times count from the arrival of the request. So whatever the speed
//! of this machine, queue and thinking together are a lower bound, and the order of events is certain.

use crate::harness::{House, Plan, chat};
use crate::rollout::{evaluate, files};
use datasets::{Arm, Exchange, Role};
use mocks::{Latency, Profile, Provider, Script, ScriptAnswer};
use serde_json::{Value, json};

const QUEUE_MS: u64 = 80;
/// Signs of life in the queue, which are no events.
const KEEP_ALIVE_MS: u64 = 20;
const FIRST_TOKEN_MS: u64 = 20;
const GAP_MS: u64 = 5;
const THOUGHTS: u64 = 20;

/// Queues everybody; one token is one chunk.
fn queued_thinker() -> Profile {
    Profile {
        time_scale: 1.0,
        queue_share: 1.0,
        queue_ms: QUEUE_MS,
        keep_alive_ms: KEEP_ALIVE_MS,
        tokens_per_chunk: 1,
        first_token: Latency { median_ms: FIRST_TOKEN_MS as f64, sigma: 0.0 },
        gap: Latency { median_ms: GAP_MS as f64, sigma: 0.0 },
        ..Profile::instant()
    }
}

/// The same answer of both, which only the candidate thinks about aloud.
fn script(prompts: &[String]) -> Script {
    let mut script = Script::new();
    let said = ScriptAnswer { content: Some("It is on its way.".to_owned()), ..ScriptAnswer::default() };
    let reasoning = Some("One. Two. Three. Four. Five. Six. Seven.".to_owned());
    let thought = ScriptAnswer { reasoning, reasoning_tokens: Some(THOUGHTS), ..said.clone() };
    for prompt in prompts {
        script.insert(Provider::OpenAi, prompt, said.clone());
        script.insert(Provider::DeepSeek, prompt, thought.clone());
    }
    script
}

/// Both arms serve, and the candidate gets a copy of what the baseline serves; the last three requests are not streamed.
async fn played() -> (House, usize) {
    let prompts: Vec<String> = (0..27).map(|number| format!("Where is order {number}?")).collect();
    let (weight_percent, shadow_percent, script) = (50.0, 100.0, script(&prompts));
    let house = Plan { weight_percent, shadow_percent, script, deepseek: queued_thinker(), ..Plan::default() };
    let house = house.build().await;
    let streamed = prompts.len() - 3;
    let asked = prompts.iter().enumerate().map(|(number, prompt)| {
        let more = json!({"stream": number < streamed, "reasoning_effort": "medium", "user": format!("u{number}")});
        let (body, house) = (chat(prompt, &more), &house);
        async move { house.ask(&body).await }
    });
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    (house, streamed)
}

/// First event, first text, first visible text.
fn firsts(record: &Exchange) -> [Option<u64>; 3] {
    [record.first_event_us, record.ttft_us, record.first_visible_us]
}

#[tokio::test]
async fn queue_and_thinking_are_told_apart_in_the_records_and_in_the_verdict() {
    let (house, streamed) = played().await;
    let records = house.records().await;
    let (mut timed, mut copies) = (0, Vec::new());
    for record in &records {
        assert_eq!(record.error, None, "{record:?}");
        let [Some(event), Some(text), Some(visible)] = firsts(record) else {
            assert_eq!((record.streamed, firsts(record)), (false, [None; 3]), "{record:?}");
            continue;
        };
        assert!(record.streamed && event <= text && text <= visible && visible <= record.duration_us, "{record:?}");
        if record.arm == Arm::Baseline {
            assert_eq!(visible, text, "it thinks to itself: {record:?}");
            continue;
        }
        assert_eq!(record.usage.and_then(|usage| usage.reasoning), Some(THOUGHTS), "{record:?}");
        assert!(event >= (QUEUE_MS + FIRST_TOKEN_MS) * 1000, "signs of life are no events: {record:?}");
        assert!(visible >= (QUEUE_MS + FIRST_TOKEN_MS + THOUGHTS * GAP_MS) * 1000, "{record:?}");
        timed += 1;
        if record.role == Role::Shadow {
            copies.push([event, text - event, visible - text]);
        }
    }
    assert_eq!(timed, streamed, "served or mirrored, the candidate answers each request and all are timed");
    assert!(!copies.is_empty() && copies.len() < streamed, "both arms serve: {records:?}");

    let (ran, verdict) = evaluate(&house, &files()).await;
    let found = &verdict["evidence"]["first_token"];
    let of = |arm: &str, segment: &str| -> &Value {
        let is = |entry: &&Value| entry["arm"] == arm && entry["segment"] == segment;
        found.as_array().and_then(|all| all.iter().find(is)).unwrap_or_else(|| panic!("{arm}, {segment}: {ran:?}"))
    };
    let candidate = of("candidate", "all");
    assert_eq!((&candidate["n"], &candidate["unknown"]), (&copies.len().into(), &0.into()), "{found}");
    for (part, name) in ["queue_us", "first_text_us", "thinking_us"].into_iter().enumerate() {
        let mean = copies.iter().map(|parts| parts[part] as f64).sum::<f64>() / copies.len() as f64;
        assert!((candidate[name].as_f64().unwrap() - mean).abs() < 1e-6, "{name}: {mean}, {candidate}");
    }
    let whole_us = ((QUEUE_MS + FIRST_TOKEN_MS + THOUGHTS * GAP_MS) * 1000) as f64;
    let quantile = |share: &str| candidate[share].as_f64().unwrap();
    let (p50, p95) = (quantile("visible_p50_us"), quantile("visible_p95_us"));
    assert!(p50 >= whole_us * 0.998 && p95 >= p50, "to within a bucket: {candidate}");
    let baseline = of("baseline", "all");
    assert_eq!((&baseline["n"], &baseline["thinking_us"]), (&copies.len().into(), &0.0.into()), "{found}");
    // What clients were served, by arm: together all of the streamed requests.
    let served = ["baseline", "candidate"].map(|arm| of(arm, "canary")["n"].as_u64().unwrap());
    assert!(served.iter().sum::<u64>() == streamed as u64 && served.iter().all(|n| *n > 0), "{found}");
}
