//! What depends on the date, on money and on what was asked before.

use std::collections::BTreeMap;

use mocks::{Account, Checkpoint, Clock, Faults, Latency, Length, MockConfig, Peak, Price, Profile, Provider};
use serde_json::{Value, json};

use crate::support::{Mock, ask, joined, parse};

/// Noon of days in 2026, Unix seconds.
const JULY_23: u64 = 1_784_808_000;
const JULY_25: u64 = 1_784_980_800;
const NOVEMBER_23: u64 = 1_795_435_200;

async fn on(provider: Provider, now: u64, profile: Profile) -> Mock {
    let clock = Clock::starting_at(now, 0.0);
    Mock::start(MockConfig { profile, clock, ..MockConfig::instant(provider) }).await
}

fn quiet(model: &str) -> Value {
    ask(model, "How heavy is it?", &json!({"thinking": {"type": "disabled"}}))
}

fn account(topped_up_micros: u64, low_concurrency_max: u64) -> Account {
    let price = Price { hit_micros: 3_000, miss_micros: 150_000, output_micros: 600_000 };
    Account {
        currency: "USD".to_owned(),
        topped_up_micros,
        granted_micros: 0,
        low_balance_micros: 1_000_000,
        low_concurrency_max,
        peak_percent: 200,
        prices: [("deepseek-flash".to_owned(), price)].into(),
    }
}

#[tokio::test]
async fn the_clock_of_the_mock_is_the_one_in_its_answers() {
    let mock = on(Provider::OpenAi, NOVEMBER_23, Profile::instant()).await;
    let (_, answer) = mock.json(&ask("gpt-4o", "Hello", &json!({}))).await;
    assert_eq!(answer["created"], NOVEMBER_23);
    let clock = Clock::starting_at(NOVEMBER_23, 3_600_000.0);
    let fast = Mock::start(MockConfig { clock, ..MockConfig::instant(Provider::OpenAi) }).await;
    loop {
        let (_, answer) = fast.json(&ask("gpt-4o", "Hello", &json!({}))).await;
        if answer["created"].as_u64().unwrap() > NOVEMBER_23 + 3_600 {
            break;
        }
    }
}

#[tokio::test]
async fn models_go_on_their_last_day() {
    for (now, status) in [(JULY_23, 200), (JULY_25, 400)] {
        let mock = on(Provider::DeepSeek, now, Profile::instant()).await;
        let (found, answer) = mock.json(&quiet("deepseek-chat")).await;
        assert_eq!(found, status, "{answer}");
        if status == 200 {
            assert_eq!(answer["model"], "deepseek-flash");
        }
    }
    let strict = Profile { retires_models_by_date: true, ..Profile::instant() };
    for (profile, model, now, status) in [
        (Profile::instant(), "gpt-3.5-turbo", NOVEMBER_23, 200),
        (strict.clone(), "gpt-3.5-turbo", NOVEMBER_23, 404),
        (strict.clone(), "gpt-3.5-turbo", JULY_23, 200),
        (strict.clone(), "gpt-4-turbo-2024-04-09", NOVEMBER_23, 404),
        (strict.clone(), "gpt-4o", NOVEMBER_23, 200),
        (strict, "gpt-4o-mini-2024-07-18", NOVEMBER_23, 200),
    ] {
        let (found, answer) = on(Provider::OpenAi, now, profile).await.json(&ask(model, "Hello", &json!({}))).await;
        assert_eq!(found, status, "{model}: {answer}");
        if status == 404 {
            assert_eq!(answer["error"]["code"], "model_not_found");
        }
    }
}

#[tokio::test]
async fn money_runs_out_and_comes_back() {
    // A prompt of a few tokens and an answer of some sixty costs about 40 millionths; 100 are gone after three.
    let profile = Profile { account: Some(account(100, 0)), ..Profile::instant() };
    let mock = on(Provider::DeepSeek, NOVEMBER_23, profile).await;
    let mut statuses = Vec::new();
    for index in 0..8 {
        let body = ask("deepseek-flash", &format!("question {index}"), &json!({"thinking": {"type": "disabled"}}));
        statuses.push(mock.json(&body).await.0);
    }
    assert_eq!((statuses[0], statuses[7]), (200, 402), "{statuses:?}");
    assert!(statuses.is_sorted());
    let (_, answer) = mock.json(&quiet("deepseek-flash")).await;
    assert_eq!(answer["error"]["message"], "Insufficient Balance");
    let balance = async || mock.get("/user/balance").send().await.unwrap().json::<Value>().await.unwrap();
    let empty = balance().await;
    assert_eq!((&empty["is_available"], &empty["balance_infos"][0]["total_balance"]), (&json!(false), &json!("0.00")));
    mock.running.top_up(10_000_000);
    assert_eq!(mock.json(&quiet("deepseek-flash")).await.0, 200);
    let full = balance().await;
    assert_eq!((&full["is_available"], &full["balance_infos"][0]["total_balance"]), (&json!(true), &json!("9.99")));
    // OpenAI calls it a quota, and does not advise to wait.
    let profile = Profile { account: Some(account(0, 0)), ..Profile::instant() };
    let response = on(Provider::OpenAi, NOVEMBER_23, profile).await.send(&ask("gpt-4o", "Hello", &json!({}))).await;
    assert!(!response.headers().contains_key("retry-after"));
    assert_eq!(response.status(), 429);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["error"]["code"], "insufficient_quota");
}

#[tokio::test]
async fn an_account_without_settings_has_plenty() {
    let mock = Mock::instant(Provider::DeepSeek).await;
    let balance: Value = mock.get("/user/balance").send().await.unwrap().json().await.unwrap();
    assert_eq!(balance["balance_infos"][0]["total_balance"], "100.00");
}

#[tokio::test]
async fn a_low_balance_lowers_the_cap_and_money_raises_it_again() {
    let faults = Faults { stall: 1.0, ..Faults::default() };
    let profile = Profile {
        account: Some(account(500_000, 2)),
        concurrency_by_model: BTreeMap::from([("deepseek-flash".to_owned(), 4)]),
        faults,
        ..Profile::instant()
    };
    let mock = on(Provider::DeepSeek, NOVEMBER_23, profile).await;
    let stream = |model: &str| ask(model, "Hello", &json!({"stream": true, "thinking": {"type": "disabled"}}));
    let mut hanging = vec![mock.send(&stream("deepseek-flash")).await, mock.send(&stream("deepseek-flash")).await];
    let (status, answer) = mock.json(&stream("deepseek-flash")).await;
    assert_eq!(status, 429);
    assert!(answer["error"]["message"].as_str().unwrap().ends_with("is 2"), "{answer}");
    mock.running.top_up(10_000_000);
    hanging.push(mock.send(&stream("deepseek-flash")).await);
    hanging.push(mock.send(&stream("deepseek-flash")).await);
    let (status, answer) = mock.json(&stream("deepseek-flash")).await;
    assert_eq!(status, 429);
    assert!(answer["error"]["message"].as_str().unwrap().ends_with("is 4"), "{answer}");
    // Each model has a lane of its own.
    assert_eq!(mock.send(&stream("deepseek-v4-pro")).await.status(), 200);
    // A stream that ends makes room.
    hanging.pop();
    let left = mock.running.requests().wait_until(|counts| counts.cancelled >= 1);
    tokio::time::timeout(crate::support::DEADLINE, left).await.unwrap();
    assert_eq!(mock.send(&stream("deepseek-flash")).await.status(), 200);
}

#[tokio::test]
async fn busy_hours_cost_time_and_money() {
    let gap = Latency { median_ms: 0.0, sigma: 0.0 };
    let first_token = Latency { median_ms: 20.0, sigma: 0.0 };
    // A cent a token.
    let price = Price { hit_micros: 0, miss_micros: 10_000_000_000, output_micros: 10_000_000_000 };
    let hours = |now: u64| {
        let peak =
            Peak { windows: vec!["06:00-10:00".to_owned()], weekdays_only: true, holidays: vec![], wait_factor: 4.0 };
        let account = Account { prices: [("deepseek-flash".to_owned(), price)].into(), ..account(1_000_000_000, 0) };
        let profile = Profile { time_scale: 1.0, first_token, gap, peak: Some(peak), ..Profile::instant() };
        on(Provider::DeepSeek, now, Profile { account: Some(account), ..profile })
    };
    let spent_cents = async |mock: &Mock| {
        let balance: Value = mock.get("/user/balance").send().await.unwrap().json().await.unwrap();
        let left: f64 = balance["balance_infos"][0]["total_balance"].as_str().unwrap().parse().unwrap();
        ((1000.0 - left) * 100.0).round() as u64
    };
    let noon = hours(NOVEMBER_23).await;
    let peak = hours(NOVEMBER_23 - 5 * 3600).await;
    let before = std::time::Instant::now();
    let (_, answer) = peak.json(&quiet("deepseek-flash")).await;
    assert!(before.elapsed().as_millis() >= 80);
    // The words do not depend on the hour, but what they cost does.
    assert_eq!(noon.json(&quiet("deepseek-flash")).await.1["usage"], answer["usage"]);
    let tokens = answer["usage"]["total_tokens"].as_u64().unwrap();
    assert_eq!((spent_cents(&noon).await, spent_cents(&peak).await), (tokens, 2 * tokens));
}

#[tokio::test]
async fn a_checkpoint_changes_the_words_and_not_the_name() {
    let checkpoint = |new_fingerprint| Checkpoint {
        at: "2026-07-24T00:00:00Z".to_owned(),
        length_factor: 3.0,
        opening: "**In short:** ".to_owned(),
        new_fingerprint,
    };
    let answer = Length { median_tokens: 30.0, sigma: 0.0, tokens_max: 100 };
    let with =
        |new_fingerprint| Profile { checkpoint: Some(checkpoint(new_fingerprint)), answer, ..Profile::instant() };
    let mut answers = Vec::new();
    for (now, new_fingerprint) in [(JULY_23, true), (JULY_25, false), (JULY_25, true)] {
        answers.push(on(Provider::DeepSeek, now, with(new_fingerprint)).await.json(&quiet("deepseek-flash")).await.1);
    }
    let text = |index: usize| answers[index]["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(!text(0).contains("In short") && text(1).starts_with("**In short:** "));
    assert_eq!(text(1), text(2));
    assert!(text(1).len() > 2 * text(0).len());
    assert!(answers.iter().all(|answer| answer["model"] == "deepseek-flash"));
    let fingerprint = |index: usize| &answers[index]["system_fingerprint"];
    assert_eq!(fingerprint(0), fingerprint(1));
    assert_ne!(fingerprint(1), fingerprint(2));
}

#[tokio::test]
async fn what_is_said_decides_where_content_is_filtered() {
    let filtering = Profile { filters_content: true, ..Profile::instant() };
    let start = async |provider, said: &str| {
        let mut script = mocks::Script::new();
        script.say(provider, "Tell me.", said);
        let script = std::sync::Arc::new(script);
        Mock::start(MockConfig { script, profile: filtering.clone(), ..MockConfig::instant(provider) }).await
    };
    let no_thinking = json!({"thinking": {"type": "disabled"}});
    let deepseek = start(Provider::DeepSeek, "First TEST-VIOLENCE, then more words, and more of them.").await;
    let (status, answer) = deepseek.json(&ask("deepseek-flash", "TEST-HATE", &no_thinking)).await;
    assert_eq!((status, &answer["error"]["message"]), (400, &json!("Content Exists Risk")));
    let (status, answer) = deepseek.json(&ask("deepseek-flash", "Tell me.", &no_thinking)).await;
    assert_eq!((status, &answer["choices"][0]["finish_reason"]), (200, &json!("content_filter")));
    assert_eq!(deepseek.json(&ask("deepseek-flash", "Harmless.", &no_thinking)).await.0, 200);
    let faults = deepseek.running.requests().counts().by_fault;
    assert_eq!((faults["prompt_filter"], faults["answer_filter"]), (1, 1));
    let openai = start(Provider::OpenAi, "Fine.").await;
    let (status, answer) = openai.json(&ask("gpt-4o", "TEST-HATE", &json!({}))).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("invalid_prompt")));
    assert_eq!(openai.json(&ask("gpt-4o", "Tell me.", &json!({}))).await.0, 200);
}

#[tokio::test]
async fn effort_decides_how_long_the_model_thinks() {
    let reasoning = Length { median_tokens: 200.0, sigma: 0.0, tokens_max: 2000 };
    let mock = on(Provider::DeepSeek, NOVEMBER_23, Profile { reasoning, ..Profile::instant() }).await;
    let mut lengths = Vec::new();
    for effort in ["low", "high", "max"] {
        let body = ask("deepseek-flash", "Why?", &json!({"stream": true, "reasoning_effort": effort}));
        lengths.push(joined(&parse(&mock.stream(&body).await), "reasoning_content").len());
    }
    assert!(lengths[0] * 3 < lengths[1] * 2 && lengths[1] * 3 < lengths[2] * 2, "{lengths:?}");
    let (status, answer) = mock.json(&ask("deepseek-flash", "Why?", &json!({"reasoning_effort": "huge"}))).await;
    assert_eq!(status, 400);
    assert!(answer["error"]["message"].as_str().unwrap().contains("unknown variant `huge`"));
}

#[tokio::test]
async fn a_models_limit_holds_for_answers_from_memory_too() {
    let faults = Faults { stall: 1.0, ..Faults::default() };
    let concurrency_by_model = BTreeMap::from([("deepseek-flash".to_owned(), 2)]);
    let mock =
        on(Provider::DeepSeek, NOVEMBER_23, Profile { concurrency_by_model, faults, ..Profile::instant() }).await;
    let body = ask("deepseek-flash", "Hello", &json!({"stream": true}));
    let (first, second) = (mock.send(&body).await, mock.send(&body).await);
    assert_eq!((first.status(), second.status()), (reqwest::StatusCode::OK, reqwest::StatusCode::OK));
    assert_eq!(mock.json(&body).await.0, 429);
    drop(first);
    let left = mock.running.requests().wait_until(|counts| counts.cancelled == 1);
    tokio::time::timeout(crate::support::DEADLINE, left).await.unwrap();
    assert_eq!(mock.send(&body).await.status(), 200);
}
