use mocks::{MockConfig, Profile, Provider};
use serde_json::{Value, json};

use crate::support::{Mock, ask, events, joined, parse, weigh_tool};

const PROMPT: &str = "What is a weighbridge?";

async fn mock() -> Mock {
    Mock::scripted(Provider::DeepSeek, PROMPT, "A scale for lorries.").await
}

fn quiet(extra: &Value) -> Value {
    let mut body = ask("deepseek-flash", PROMPT, extra);
    body["thinking"] = json!({"type": "disabled"});
    body
}

#[tokio::test]
async fn usage_rides_on_the_finish_chunk_asked_for_or_not() {
    let mock = mock().await;
    for include_usage in [false, true] {
        let body = quiet(&json!({"stream": true, "stream_options": {"include_usage": include_usage}}));
        let events = mock.stream(&body).await;
        assert_eq!(events.last().unwrap(), "[DONE]");
        let chunks = parse(&events);
        let (finish, rest) = chunks.split_last().unwrap();
        assert!(chunks.iter().all(|chunk| chunk["choices"].as_array().unwrap().len() == 1));
        assert_eq!(rest[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
        assert_eq!(joined(&chunks, "content"), "A scale for lorries.");
        assert_eq!(finish["choices"][0]["delta"], json!({"content": ""}));
        assert_eq!(finish["choices"][0]["finish_reason"], "stop");
        let usage = &finish["usage"];
        assert_eq!(usage["completion_tokens"].as_u64().unwrap(), rest.len() as u64 - 1);
        assert_eq!(usage["prompt_cache_hit_tokens"], 0);
        assert_eq!(usage["prompt_cache_miss_tokens"], usage["prompt_tokens"]);
        assert!(usage["completion_tokens_details"].is_null());
        for chunk in rest {
            assert_eq!(chunk.as_object().unwrap().contains_key("usage"), include_usage);
            assert!(chunk["usage"].is_null());
        }
        for chunk in &chunks {
            assert!(chunk["service_tier"].is_null() && chunk["obfuscation"].is_null());
            let id = chunk["id"].as_str().unwrap();
            assert_eq!((id.len(), id.matches('-').count()), (36, 4));
        }
    }
}

#[tokio::test]
async fn thinking_is_on_by_default_and_comes_first() {
    let mock = mock().await;
    let chunks = parse(&mock.stream(&ask("deepseek-flash", PROMPT, &json!({"stream": true}))).await);
    let delta = |chunk: &Value| chunk["choices"][0]["delta"].clone();
    assert_eq!(delta(&chunks[0]), json!({"role": "assistant", "content": null, "reasoning_content": ""}));
    let (_, inner) = chunks.split_last().unwrap();
    let thought = inner[1..].iter().take_while(|chunk| delta(chunk)["content"].is_null()).count();
    assert!(thought > 3);
    for chunk in &inner[1 + thought..] {
        assert!(delta(chunk)["content"].is_string() && delta(chunk)["reasoning_content"].is_null());
    }
    let usage = &chunks.last().unwrap()["usage"];
    let reasoning = usage["completion_tokens_details"]["reasoning_tokens"].as_u64().unwrap();
    assert_eq!(reasoning, thought as u64);
    assert!(usage["completion_tokens"].as_u64().unwrap() > reasoning);

    let (_, whole) = mock.json(&ask("deepseek-flash", PROMPT, &json!({}))).await;
    assert_eq!(whole["choices"][0]["message"]["reasoning_content"], joined(&chunks, "reasoning_content"));
    let (_, quiet) = mock.json(&quiet(&json!({}))).await;
    assert_eq!(quiet["choices"][0]["message"], json!({"role": "assistant", "content": "A scale for lorries."}));
}

#[tokio::test]
async fn what_openai_accepts_and_deepseek_refuses() {
    let mock = mock().await;
    let schema = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}});
    let forced = json!({"tools": weigh_tool(), "tool_choice": "required"});
    let named = json!({"tools": weigh_tool(), "tool_choice": {"type": "function", "function": {"name": "weigh"}}});
    let forgetful = json!({"tools": weigh_tool(), "messages": [
        {"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}, {"role": "user", "content": "z"}]});
    for (body, part) in [
        (
            ask("deepseek-flash", PROMPT, &json!({"messages": [{"role": "developer", "content": "x"}]})),
            "unknown variant `developer`",
        ),
        (ask("deepseek-flash", PROMPT, &json!({"n": 2})), "currently only n = 1"),
        (
            ask("deepseek-flash", PROMPT, &json!({"response_format": schema})),
            "This response_format type is unavailable now",
        ),
        (ask("deepseek-flash", PROMPT, &json!({"response_format": {"type": "json_object"}})), "json"),
        (ask("deepseek-flash", PROMPT, &forced), "Thinking mode does not support this tool_choice"),
        (ask("deepseek-flash", PROMPT, &named), "Thinking mode does not support this tool_choice"),
        (ask("deepseek-flash", PROMPT, &forgetful), "`reasoning_content`"),
        (ask("deepseek-chat", PROMPT, &json!({})), "deepseek-flash, deepseek-v4-pro"),
        (ask("gpt-4o", PROMPT, &json!({})), "deepseek-flash, deepseek-v4-pro"),
        (ask("deepseek-flash", PROMPT, &json!({"stream_options": {"include_usage": true}})), "stream_options"),
        (ask("deepseek-flash", PROMPT, &json!({"max_tokens": 400_000})), "[1, 393216]"),
        (ask("deepseek-flash", PROMPT, &json!({"user_id": "x".repeat(513)})), "user_id"),
        (ask("deepseek-flash", &"word ".repeat(700_000), &json!({"max_tokens": 393_216})), "maximum context length"),
        (
            ask("deepseek-flash", PROMPT, &json!({"tools": [{"type": "custom", "custom": {"name": "f"}}]})),
            "unknown variant `custom`",
        ),
    ] {
        let (status, answer) = mock.json(&body).await;
        let error = &answer["error"];
        assert_eq!(status, 400, "{body}");
        assert!(error["message"].as_str().unwrap().contains(part), "{error}");
        assert_eq!((&error["code"], &error["param"]), (&json!("invalid_request_error"), &Value::Null));
    }
    let (status, answer) = mock.json(&quiet(&forced)).await;
    assert_eq!(status, 200);
    let call = &answer["choices"][0]["message"]["tool_calls"][0];
    assert!(call["id"].as_str().unwrap().starts_with("call_00_"));
    assert_eq!(call["function"]["name"], "weigh");
}

#[tokio::test]
async fn unknown_parameters_are_ignored_in_silence() {
    let mock = mock().await;
    let body = quiet(&json!({"max_completion_tokens": 1, "seed": 7, "service_tier": "flex", "logit_bias": {"1": 2}}));
    let (status, answer) = mock.json(&body).await;
    assert_eq!(status, 200);
    assert_eq!(answer["choices"][0]["message"]["content"], "A scale for lorries.");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn urls_aliases_headers_and_keys() {
    let mock = mock().await;
    for path in ["/chat/completions", "/v1/chat/completions"] {
        let response = mock.request(path).json(&ask("deepseek-v4-flash", PROMPT, &json!({}))).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers().contains_key("x-ds-trace-id"));
        assert!(response.headers()["via"].to_str().unwrap().contains("CloudFront"));
        let foreign = ["x-request-id", "openai-version", "x-ratelimit-limit-requests"];
        assert!(foreign.iter().all(|name| !response.headers().contains_key(*name)));
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["model"], "deepseek-flash");
        assert!(answer["choices"][0]["message"].get("refusal").is_none());
    }
    let list: Value = mock.get("/models").send().await.unwrap().json().await.unwrap();
    let names: Vec<&str> = list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(names, ["deepseek-flash", "deepseek-v4-pro"]);

    let config = MockConfig { accept_key: Some("other".to_owned()), ..MockConfig::instant(Provider::DeepSeek) };
    let (status, answer) = Mock::start(config).await.json(&quiet(&json!({}))).await;
    assert_eq!(status, 401);
    assert_eq!(answer["error"]["type"], "authentication_error");
    assert!(answer["error"]["message"].as_str().unwrap().contains("****1234"));
}

#[tokio::test]
async fn while_queued_streams_get_comments_and_bodies_get_blank_lines() {
    let profile = Profile { time_scale: 1.0, queue_share: 1.0, queue_ms: 35, keep_alive_ms: 10, ..Profile::instant() };
    let gap = mocks::Latency { median_ms: 0.0, sigma: 0.0 };
    let profile = Profile { first_token: gap, gap, ..profile };
    let mock = Mock::start(MockConfig { profile, ..MockConfig::instant(Provider::DeepSeek) }).await;
    let text = mock.send(&quiet(&json!({"stream": true}))).await.text().await.unwrap();
    assert!(text.starts_with(": keep-alive\n\n: keep-alive\n\n: keep-alive\n\ndata: {"), "{text}");
    assert_eq!(events(&text).last().unwrap(), "[DONE]");
    let text = mock.send(&quiet(&json!({}))).await.text().await.unwrap();
    assert!(text.starts_with("\n\n\n{"), "{text}");
    assert!(serde_json::from_str::<Value>(&text).is_ok());
}

#[tokio::test]
async fn a_legacy_completion_is_short() {
    let mock = mock().await;
    let body = |max_tokens: u64| json!({"model": "deepseek-flash", "prompt": "fn main", "max_tokens": max_tokens});
    let (status, answer) = mock.post("/beta/completions", &body(4097)).await;
    assert_eq!(status, 400);
    assert!(answer["error"]["message"].as_str().unwrap().contains("[1, 4096]"));
    assert_eq!(mock.post("/beta/completions", &body(4096)).await.0, 200);
}
