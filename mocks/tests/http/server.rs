use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mocks::{Faults, Latency, MockConfig, MockError, Outcome, Profile, Provider, Script, ScriptAnswer, start};
use serde_json::{Value, json};

use crate::support::{DEADLINE, Mock, ask};

#[tokio::test]
async fn a_port_in_use_is_named_with_a_way_out() {
    let first = Mock::instant(Provider::OpenAi).await;
    let error = start(first.running.addr, MockConfig::instant(Provider::DeepSeek)).await.unwrap_err();
    assert!(matches!(error, MockError::InUse { .. }));
    let text = error.to_string();
    assert!(text.contains(&first.running.addr.to_string()) && text.contains("--listen"), "{text}");
}

#[tokio::test]
async fn a_senseless_profile_is_refused_at_the_start() {
    let profile = Profile { time_scale: -1.0, ..Profile::instant() };
    let config = MockConfig { profile, ..MockConfig::instant(Provider::OpenAi) };
    let error = start(([127, 0, 0, 1], 0).into(), config).await.unwrap_err();
    assert!(error.to_string().contains("time_scale"), "{error}");
}

#[tokio::test]
async fn recorded_answers_come_from_the_file_by_last_user_message() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, r#"{{"prompt":"2+2?","openai":{{"content":"4","prompt_tokens":11,"completion_tokens":1}}}}"#)
        .unwrap();
    let script = Arc::new(Script::read(file.path()).unwrap());
    let mock = Mock::start(MockConfig { script, ..MockConfig::instant(Provider::OpenAi) }).await;
    let (_, answer) = mock.json(&ask("gpt-4o", "2+2?", &json!({}))).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "4");
    assert_eq!((&answer["usage"]["prompt_tokens"], &answer["usage"]["total_tokens"]), (&json!(11), &json!(12)));
    let parts = json!({"messages": [{"role": "system", "content": "Be brief."},
                                    {"role": "user", "content": [{"type": "text", "text": "2+2?"}]}]});
    let (_, answer) = mock.json(&ask("gpt-4o", "", &parts)).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "4");
    let (_, other) = mock.json(&ask("gpt-4o", "3+3?", &json!({}))).await;
    assert_ne!(other["choices"][0]["message"]["content"], "4");
}

#[tokio::test]
async fn the_log_keeps_what_arrived() {
    let mock = Mock::instant(Provider::OpenAi).await;
    let body = ask("gpt-4o", "Hello", &json!({}));
    mock.json(&body).await;
    mock.get("/v1/models").send().await.unwrap().bytes().await.unwrap();
    let counts = mock.running.requests().counts();
    assert_eq!((counts.received, counts.finished, counts.in_flight), (2, 2, 0));
    let recent = mock.running.requests().recent();
    assert_eq!((recent[0].method.as_str(), recent[0].path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(serde_json::from_slice::<Value>(&recent[0].body).unwrap(), body);
    assert_eq!(recent[0].headers["authorization"], "Bearer sk-test-1234");
    assert_eq!((recent[0].status, recent[0].outcome), (200, Outcome::Finished));
    assert!(recent[0].arrived_us <= recent[1].arrived_us);
}

#[tokio::test]
async fn shutdown_ends_stalled_streams_and_frees_the_port() {
    let profile = Profile { faults: Faults { stall: 1.0, ..Faults::default() }, ..Profile::instant() };
    let mock = Mock::start(MockConfig { profile, ..MockConfig::instant(Provider::OpenAi) }).await;
    let address = mock.running.addr;
    let mut hanging = mock.send(&ask("gpt-4o", "Hello", &json!({"stream": true}))).await;
    assert!(hanging.chunk().await.unwrap().is_some());
    tokio::time::timeout(DEADLINE, mock.running.shutdown()).await.unwrap();
    assert!(hanging.chunk().await.is_err());
    start(address, MockConfig::instant(Provider::OpenAi)).await.unwrap();
}

#[tokio::test]
async fn no_answer_comes_before_it_is_due() {
    let exactly = |median_ms| Latency { median_ms, sigma: 0.0 };
    let profile = Profile { time_scale: 0.5, first_token: exactly(80.0), gap: exactly(10.0), ..Profile::instant() };
    for provider in Provider::ALL {
        let mut script = Script::new();
        // Eight tokens leave at 40, 45, ... 75 ms.
        let answer = ScriptAnswer {
            content: Some("A scale for lorries.".to_owned()),
            reasoning: Some(String::new()),
            completion_tokens: Some(8),
            ..ScriptAnswer::default()
        };
        script.insert(provider, "Hello", answer);
        let profile = profile.clone();
        let mock = Mock::start(MockConfig { profile, script: Arc::new(script), ..MockConfig::new(provider) }).await;
        for stream in [true, false] {
            let before = Instant::now();
            let mut response = mock.send(&ask("deepseek-flash", "Hello", &json!({"stream": stream}))).await;
            response.chunk().await.unwrap().unwrap();
            assert!(before.elapsed() >= Duration::from_millis(if stream { 40 } else { 75 }));
            while response.chunk().await.unwrap().is_some() {}
            assert!(before.elapsed() >= Duration::from_millis(75));
        }
    }
}

#[tokio::test]
async fn a_repeated_question_is_answered_alike_and_still_counted() {
    let mock = Mock::instant(Provider::OpenAi).await;
    let body = ask("gpt-4o", "Hello", &json!({"stream": true}));
    let mut texts = HashSet::new();
    for _ in 0..50 {
        let text = mock.send(&body).await.text().await.unwrap();
        let (before, after) = text.split_once("\"created\":").unwrap();
        texts.insert(format!(
            "{before}{}",
            after.split("\"created\":").next().unwrap().trim_start_matches(char::is_numeric)
        ));
    }
    assert_eq!(texts.len(), 1);
    let counts = mock.running.requests().counts();
    assert_eq!((counts.received, counts.finished, counts.by_status[&200]), (50, 50, 50));
    // Another key, another fate.
    let config = MockConfig { accept_key: Some("sk-test-1234".to_owned()), ..MockConfig::instant(Provider::OpenAi) };
    let mock = Mock::start(config).await;
    assert_eq!(mock.send(&body).await.status(), 200);
    let wrong = [("authorization".parse().unwrap(), "Bearer sk-wrong".parse().unwrap())].into_iter().collect();
    assert_eq!(mock.chat(&body).headers(wrong).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn measured_tables_decide_times_and_lengths() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let table = |value: f64| format!("{:?}", [value; 18]);
    writeln!(
        file,
        "base = \"instant\"\ntime_scale = 1.0\n[measured]\nfirst_token_ms = {}\ngap_ms = {}\nanswer_tokens = {}\n\
         [measured_by_model.tiny]\nfirst_token_ms = {}\ngap_ms = {}\nanswer_tokens = {}",
        table(40.0),
        table(3.0),
        table(21.0),
        table(0.0),
        table(0.0),
        table(5.0),
    )
    .unwrap();
    let profile = Profile::read(file.path()).unwrap();
    let mock = Mock::start(MockConfig { profile, ..MockConfig::new(Provider::OpenAi) }).await;
    let before = Instant::now();
    let (_, answer) = mock.json(&ask("gpt-4o", "Hello", &json!({}))).await;
    assert_eq!(answer["usage"]["completion_tokens"], 21);
    assert!(before.elapsed() >= Duration::from_millis(100), "{:?}", before.elapsed());
    let (_, answer) = mock.json(&ask("tiny", "Hello", &json!({}))).await;
    assert_eq!(answer["usage"]["completion_tokens"], 5);
}
