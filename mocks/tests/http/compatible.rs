//! The compatible server: OpenAI's language in vLLM's accent.

use mocks::{Faults, MockConfig, Profile, Provider};
use serde_json::{Value, json};

use crate::support::{Mock, ask, events, joined, parse, weigh_tool};

const PROMPT: &str = "What is a weighbridge?";

#[tokio::test]
async fn answers_have_no_fingerprint_and_spell_out_nulls() {
    let mock = Mock::scripted(Provider::Compatible, PROMPT, "A scale for lorries.").await;
    let (status, answer) = mock.json(&ask("any-model", PROMPT, &json!({}))).await;
    assert_eq!(status, 200);
    let id = answer["id"].as_str().unwrap().strip_prefix("chatcmpl-").unwrap();
    assert!(id.len() == 32 && id.chars().all(|digit| digit.is_ascii_hexdigit()), "{id}");
    let members = answer.as_object().unwrap();
    assert!(!members.contains_key("system_fingerprint") && !members.contains_key("service_tier"));
    assert!(members.contains_key("prompt_logprobs") && answer["prompt_logprobs"].is_null());
    assert_eq!(
        answer["choices"][0],
        json!({"index": 0, "message": {"role": "assistant", "content": "A scale for lorries.", "reasoning_content": null,
               "tool_calls": []}, "logprobs": null, "finish_reason": "stop", "stop_reason": null})
    );
    let usage = answer["usage"].as_object().unwrap();
    assert!(usage["prompt_tokens_details"].is_null() && usage.contains_key("prompt_tokens_details"));
}

#[tokio::test]
async fn streams_report_usage_in_a_chunk_of_its_own_and_nowhere_else() {
    let mock = Mock::scripted(Provider::Compatible, PROMPT, "A scale for lorries.").await;
    let body = ask("any", PROMPT, &json!({"stream": true, "stream_options": {"include_usage": true}}));
    let chunks = parse(&mock.stream(&body).await);
    let (usage, rest) = chunks.split_last().unwrap();
    assert_eq!(usage["choices"], json!([]));
    assert!(usage["usage"]["total_tokens"].as_u64().unwrap() > 0);
    assert_eq!(rest[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    assert_eq!(joined(rest, "content"), "A scale for lorries.");
    for chunk in rest {
        assert!(chunk.get("usage").is_none() && chunk.get("obfuscation").is_none());
        assert!(chunk.get("system_fingerprint").is_none());
    }
    let without = mock.stream(&ask("any", PROMPT, &json!({"stream": true}))).await;
    assert!(without.iter().all(|event| !event.contains("usage")));
}

#[tokio::test]
async fn tools_and_the_other_endpoints_work() {
    let mock = Mock::instant(Provider::Compatible).await;
    let (_, answer) = mock.json(&ask("any", PROMPT, &json!({"tools": weigh_tool(), "tool_choice": "required"}))).await;
    let call = &answer["choices"][0]["message"]["tool_calls"][0];
    assert!(call["id"].as_str().unwrap().starts_with("chatcmpl-tool-"));
    assert_eq!(mock.post("/v1/completions", &json!({"model": "any", "prompt": "x"})).await.0, 200);
    let (_, answer) = mock.post("/v1/embeddings", &json!({"model": "any", "input": "x", "dimensions": 3})).await;
    assert_eq!(answer["data"][0]["embedding"].as_array().unwrap().len(), 3);
    let list: Value = mock.get("/v1/models").send().await.unwrap().json().await.unwrap();
    assert_eq!((&list["data"][0]["owned_by"], &list["data"][0]["object"]), (&json!("vllm"), &json!("model")));
    for path in ["/v1/responses", "/v1/moderations"] {
        assert_eq!(
            mock.post(path, &json!({"model": "any", "input": "x"})).await,
            (404, json!({"detail": "Not Found"}))
        );
    }
}

#[tokio::test]
async fn errors_have_the_servers_own_shape() {
    let mock =
        Mock::start(MockConfig { models: Some(vec!["a".to_owned()]), ..MockConfig::instant(Provider::Compatible) })
            .await;
    let developer = json!({"messages": [{"role": "developer", "content": "x"}]});
    for (body, status, kind) in [
        (ask("a", PROMPT, &developer), 400, "BadRequestError"),
        (ask("a", PROMPT, &json!({"stream_options": {}})), 400, "BadRequestError"),
        (ask("a", PROMPT, &json!({"messages": 3})), 400, "BadRequestError"),
        (ask("b", PROMPT, &json!({})), 404, "NotFoundError"),
    ] {
        let (found, answer) = mock.json(&body).await;
        assert_eq!(found, status, "{body}");
        assert_eq!(
            answer,
            json!({"object": "error", "message": answer["message"], "type": kind, "param": null, "code": status})
        );
    }
    let broken = Mock::faulty(Provider::Compatible, Faults { error_event: 1.0, ..Faults::default() }).await;
    let last =
        events(&broken.send(&ask("a", PROMPT, &json!({"stream": true}))).await.text().await.unwrap()).pop().unwrap();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(last["error"]["code"], 500);
}

#[tokio::test]
async fn a_key_is_needed_only_if_one_is_configured() {
    let bare = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask_without_key = async |mock: &Mock| {
        let url = format!("{}/chat/completions", mock.running.base_url());
        bare.post(url).json(&ask("a", PROMPT, &json!({}))).send().await.unwrap().status().as_u16()
    };
    let open = Mock::instant(Provider::Compatible).await;
    assert_eq!(ask_without_key(&open).await, 200);
    let config = MockConfig { accept_key: Some("sk-right".to_owned()), ..MockConfig::instant(Provider::Compatible) };
    assert_eq!(ask_without_key(&Mock::start(config).await).await, 401);
}

#[tokio::test]
async fn the_newer_limit_counts_unless_the_server_is_old() {
    let body = ask("a", PROMPT, &json!({"max_completion_tokens": 2}));
    let new = Mock::instant(Provider::Compatible).await;
    assert_eq!(new.json(&body).await.1["usage"]["completion_tokens"], 2);
    let profile = Profile { ignores_max_completion_tokens: true, ..Profile::instant() };
    let old = Mock::start(MockConfig { profile, ..MockConfig::instant(Provider::Compatible) }).await;
    assert!(old.json(&body).await.1["usage"]["completion_tokens"].as_u64().unwrap() > 2);
}
