use mocks::{MockConfig, Provider};
use serde_json::{Value, json};

use crate::support::{Mock, ask, joined, parse, weigh_tool};

const PROMPT: &str = "What is a weighbridge?";

async fn mock() -> Mock {
    Mock::scripted(Provider::OpenAi, PROMPT, "A scale for lorries.").await
}

#[tokio::test]
async fn a_stream_with_usage_has_the_vendors_order() {
    let mock = mock().await;
    let body = ask("gpt-4o-mini", PROMPT, &json!({"stream": true, "stream_options": {"include_usage": true}}));
    let events = mock.stream(&body).await;
    assert_eq!(events.last().unwrap(), "[DONE]");
    let chunks = parse(&events);
    let (usage, rest) = chunks.split_last().unwrap();
    let (finish, rest) = rest.split_last().unwrap();
    let (role, content) = rest.split_first().unwrap();

    assert_eq!(role["choices"][0]["delta"], json!({"role": "assistant", "content": "", "refusal": null}));
    assert!(content.len() > 2);
    assert_eq!(joined(content, "content"), "A scale for lorries.");
    for chunk in content {
        assert_eq!(chunk["choices"][0]["delta"].as_object().unwrap().keys().collect::<Vec<_>>(), ["content"]);
    }
    assert_eq!(finish["choices"][0]["delta"], json!({}));
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    for chunk in &chunks[..chunks.len() - 2] {
        assert_eq!(chunk["choices"][0]["finish_reason"], Value::Null);
    }
    assert_eq!(usage["choices"], json!([]));
    let counts = &usage["usage"];
    assert_eq!(counts["completion_tokens"].as_u64().unwrap(), content.len() as u64);
    assert_eq!(
        counts["total_tokens"].as_u64(),
        Some(counts["prompt_tokens"].as_u64().unwrap() + counts["completion_tokens"].as_u64().unwrap())
    );
    for chunk in &chunks[..chunks.len() - 1] {
        assert!(chunk.as_object().unwrap().contains_key("usage") && chunk["usage"].is_null());
        assert!(chunk["obfuscation"].is_string());
    }
    for chunk in &chunks {
        for field in ["id", "created", "model", "system_fingerprint", "service_tier"] {
            assert_eq!(chunk[field], role[field], "{field}");
        }
        assert_eq!(chunk["object"], "chat.completion.chunk");
    }
    assert!(role["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(role["model"], "gpt-4o-mini-2024-07-18");
}

#[tokio::test]
async fn a_stream_without_usage_never_mentions_it() {
    let mock = mock().await;
    let options = json!({"stream": true, "stream_options": {"include_obfuscation": false}});
    let events = mock.stream(&ask("gpt-4o", PROMPT, &options)).await;
    assert!(events.iter().all(|event| !event.contains("usage") && !event.contains("obfuscation")));
    let chunks = parse(&events);
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn a_whole_answer_has_the_vendors_shape_and_headers() {
    let mock = mock().await;
    let response = mock.send(&ask("gpt-4o", PROMPT, &json!({}))).await;
    let headers = response.headers().clone();
    assert!(headers["x-request-id"].to_str().unwrap().starts_with("req_"));
    assert_eq!(headers["openai-version"], "2020-10-01");
    for name in ["openai-processing-ms", "x-ratelimit-remaining-requests", "x-ratelimit-reset-tokens"] {
        assert!(headers.contains_key(name), "{name}");
    }
    assert!(!headers.contains_key("x-ds-trace-id"));
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(
        answer["choices"][0]["message"],
        json!({"role": "assistant", "content": "A scale for lorries.", "refusal": null, "annotations": []})
    );
    assert_eq!(answer["usage"]["completion_tokens_details"]["reasoning_tokens"], 0);
}

#[tokio::test]
async fn streamed_and_whole_answers_agree() {
    let mock = Mock::instant(Provider::OpenAi).await;
    let (_, whole) = mock.json(&ask("gpt-4o", "Something not recorded", &json!({"n": 2}))).await;
    let body = ask("gpt-4o", "Something not recorded", &json!({"n": 2, "stream": true}));
    let chunks = parse(&mock.stream(&body).await);
    for index in 0..2 {
        let of_choice: Vec<Value> =
            chunks.iter().filter(|chunk| chunk["choices"][0]["index"] == index).cloned().collect();
        assert_eq!(whole["choices"][index]["message"]["content"], joined(&of_choice, "content"));
    }
}

#[tokio::test]
async fn tool_calls_are_streamed_in_fragments() {
    let mock = Mock::instant(Provider::OpenAi).await;
    let extra = json!({"tools": weigh_tool(), "tool_choice": "required"});
    let (_, whole) = mock.json(&ask("gpt-4o", PROMPT, &extra)).await;
    let call = &whole["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(whole["choices"][0]["message"]["content"], Value::Null);
    assert_eq!(call["function"]["name"], "weigh");
    let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
    assert!(arguments["lorry"].is_string() && arguments["axles"].is_i64());

    let mut body = ask("gpt-4o", PROMPT, &extra);
    body["stream"] = json!(true);
    let chunks = parse(&mock.stream(&body).await);
    let deltas: Vec<&Value> = chunks
        .iter()
        .map(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0])
        .filter(|delta| !delta.is_null())
        .collect();
    assert!(deltas[0]["id"].as_str().unwrap().starts_with("call_"));
    assert_eq!(deltas[0]["function"], json!({"name": "weigh", "arguments": ""}));
    assert!(deltas.len() > 2 && deltas[1..].iter().all(|delta| delta["id"].is_null() && delta["index"] == 0));
    let fragments: String = deltas.iter().filter_map(|delta| delta["function"]["arguments"].as_str()).collect();
    assert_eq!(fragments, call["function"]["arguments"].as_str().unwrap());
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
}

#[tokio::test]
async fn errors_have_the_vendors_shape() {
    let config = MockConfig {
        accept_key: Some("sk-test-1234".to_owned()),
        models: Some(vec!["gpt-4o".to_owned(), "o3".to_owned()]),
        ..MockConfig::instant(Provider::OpenAi)
    };
    let mock = Mock::start(config).await;
    for (body, status, code, param) in [
        (ask("gpt-9", PROMPT, &json!({})), 404, json!("model_not_found"), Value::Null),
        (ask("gpt-4o", PROMPT, &json!({"stream_options": {}})), 400, Value::Null, json!("stream_options")),
        (ask("o3", PROMPT, &json!({"max_tokens": 5})), 400, json!("unsupported_parameter"), json!("max_tokens")),
        (ask("gpt-4o", PROMPT, &json!({"n": 0})), 400, json!("invalid_value"), json!("n")),
        (ask("gpt-4o", PROMPT, &json!({"stream": 1})), 400, json!("invalid_type"), json!("stream")),
        (
            ask("gpt-4o", PROMPT, &json!({"messages": [{"role": "robot", "content": "x"}]})),
            400,
            json!("invalid_value"),
            json!("messages[0].role"),
        ),
        (
            ask("gpt-4o", PROMPT, &json!({"response_format": {"type": "json_object"}})),
            400,
            Value::Null,
            json!("messages"),
        ),
        (json!({"messages": []}), 400, json!("missing_required_parameter"), json!("model")),
    ] {
        let (found, answer) = mock.json(&body).await;
        let error = &answer["error"];
        assert_eq!((found, &error["code"], &error["param"]), (status, &code, &param), "{body}: {error}");
        assert_eq!(error["type"], "invalid_request_error");
        assert!(!error["message"].as_str().unwrap().is_empty());
    }
    // Developers' messages and JSON schemas are fine here, unlike at DeepSeek.
    let developer =
        json!({"messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "x"}]});
    assert_eq!(mock.send(&ask("gpt-4o", PROMPT, &developer)).await.status(), 200);
}

#[tokio::test]
async fn keys_urls_and_broken_bodies_are_refused() {
    let config = MockConfig { accept_key: Some("sk-right".to_owned()), ..MockConfig::instant(Provider::OpenAi) };
    let mock = Mock::start(config).await;
    let wrong = mock.send(&ask("gpt-4o", PROMPT, &json!({}))).await;
    assert_eq!(wrong.status(), 401);
    let text = wrong.text().await.unwrap();
    assert!(text.contains("invalid_api_key") && !text.contains("sk-test-1234"), "{text}");

    let open = Mock::instant(Provider::OpenAi).await;
    let bare = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/chat/completions", open.running.base_url());
    let response = bare.post(url).json(&ask("gpt-4o", PROMPT, &json!({}))).send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert!(response.headers().contains_key("x-request-id"));
    assert_eq!(open.request("/v1/images/edits").body("{}").send().await.unwrap().status(), 404);
    assert_eq!(open.request("/v1/chat/completions").body("{").send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn models_are_listed() {
    let mock =
        Mock::start(MockConfig { models: Some(vec!["gpt-4o".to_owned()]), ..MockConfig::instant(Provider::OpenAi) })
            .await;
    let list: Value = mock.get("/v1/models").send().await.unwrap().json().await.unwrap();
    assert_eq!(list["data"][0]["id"], "gpt-4o");
    assert_eq!(list["object"], "list");
    assert_eq!(mock.get("/v1/models/gpt-4o").send().await.unwrap().status(), 200);
    assert_eq!(mock.get("/v1/models/gpt-9").send().await.unwrap().status(), 404);
}
