//! What chat completions can do beyond text, and the ways in which they go wrong that only some providers know.

use mocks::{Faults, MockConfig, Profile, Provider};
use serde_json::{Value, json};

use crate::support::{Mock, ask, events, joined, parse, weigh_tool};

const PROMPT: &str = "What is a weighbridge?";

fn deltas<'a>(chunks: &'a [Value], member: &str) -> Vec<&'a Value> {
    let deltas = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]);
    deltas.filter(|delta| delta.get(member).is_some_and(|value| !value.is_null())).collect()
}

#[tokio::test]
async fn log_probabilities_are_the_same_streamed_and_whole() {
    for provider in Provider::ALL {
        let mock = Mock::instant(provider).await;
        let mut body = ask(
            "deepseek-flash",
            PROMPT,
            &json!({"logprobs": true, "top_logprobs": 2, "thinking": {"type": "disabled"}}),
        );
        let (_, whole) = mock.json(&body).await;
        let whole = whole["choices"][0]["logprobs"]["content"].as_array().unwrap().clone();
        assert!(whole.iter().all(|entry| entry["top_logprobs"].as_array().unwrap().len() == 2));
        body["stream"] = json!(true);
        let chunks = parse(&mock.stream(&body).await);
        let entries = chunks.iter().filter_map(|chunk| chunk["choices"][0]["logprobs"]["content"].as_array());
        assert_eq!(entries.flatten().cloned().collect::<Vec<_>>(), whole);
        let text: String = whole.iter().map(|entry| entry["token"].as_str().unwrap()).collect();
        assert_eq!(text, joined(&chunks, "content"));
    }
    let mock = Mock::instant(Provider::OpenAi).await;
    let (status, answer) = mock.json(&ask("gpt-4o", PROMPT, &json!({"top_logprobs": 2}))).await;
    assert_eq!((status, &answer["error"]["param"]), (400, &json!("top_logprobs")));
}

#[tokio::test]
async fn several_tools_are_called_at_once_unless_told_not_to() {
    let mut tools = weigh_tool();
    tools.as_array_mut().unwrap().push(json!({"type": "function", "function": {"name": "pay"}}));
    let extra = |more: Value| {
        let mut extra = json!({"tools": tools, "tool_choice": "required", "thinking": {"type": "disabled"}});
        extra.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        extra
    };
    for (provider, kept) in [(Provider::OpenAi, 1), (Provider::DeepSeek, 2)] {
        let mock = Mock::instant(provider).await;
        let count = async |extra: Value| {
            let (_, answer) = mock.json(&ask("deepseek-flash", PROMPT, &extra)).await;
            answer["choices"][0]["message"]["tool_calls"].as_array().unwrap().len()
        };
        assert_eq!(count(extra(json!({}))).await, 2);
        assert_eq!(
            count(extra(json!({"parallel_tool_calls": false}))).await,
            kept,
            "DeepSeek does not know the switch"
        );
        let chunks = parse(&mock.stream(&ask("deepseek-flash", PROMPT, &extra(json!({"stream": true})))).await);
        let opened: Vec<&Value> = deltas(&chunks, "tool_calls")
            .into_iter()
            .map(|delta| &delta["tool_calls"][0])
            .filter(|call| call.get("id").is_some())
            .collect();
        assert_eq!(opened.iter().map(|call| call["index"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1]);
        assert_ne!(opened[0]["id"], opened[1]["id"]);
    }
}

#[tokio::test]
async fn custom_tools_take_text() {
    let mock = Mock::instant(Provider::OpenAi).await;
    let extra = json!({"tools": [{"type": "custom", "custom": {"name": "sql"}}], "tool_choice": "required"});
    let (_, answer) = mock.json(&ask("gpt-5", PROMPT, &extra)).await;
    let call = &answer["choices"][0]["message"]["tool_calls"][0];
    assert_eq!((&call["type"], &call["custom"]["name"]), (&json!("custom"), &json!("sql")));
    assert!(call["custom"]["input"].is_string() && call.get("function").is_none());
}

#[tokio::test]
async fn pictures_cost_tokens_where_they_are_seen() {
    let with = |detail: &str| {
        json!({"thinking": {"type": "disabled"}, "messages": [{"role": "user", "content": [
            {"type": "text", "text": PROMPT},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": detail}}]}]})
    };
    let tokens = async |mock: &Mock, model: &str, extra: &Value| {
        mock.json(&ask(model, PROMPT, extra)).await.1["usage"]["prompt_tokens"].as_u64().unwrap()
    };
    let none = json!({"thinking": {"type": "disabled"}});
    let openai = Mock::instant(Provider::OpenAi).await;
    let plain = tokens(&openai, "gpt-4o", &none).await;
    assert_eq!(tokens(&openai, "gpt-4o", &with("low")).await, plain + 85);
    assert_eq!(tokens(&openai, "gpt-4o", &with("high")).await, plain + 765);
    let (_, answer) = openai.json(&ask("gpt-4o", PROMPT, &with("low"))).await;
    assert_eq!(answer["usage"]["prompt_tokens_details"]["image_tokens"], 85);
    let deepseek = Mock::instant(Provider::DeepSeek).await;
    let plain = tokens(&deepseek, "deepseek-flash", &none).await;
    assert_eq!(tokens(&deepseek, "deepseek-flash", &with("low")).await, plain + 180);
    // The larger model drops them without a word.
    assert_eq!(tokens(&deepseek, "deepseek-v4-pro", &with("low")).await, plain);
}

#[tokio::test]
async fn a_spoken_answer_has_sound_and_transcript() {
    let mock = Mock::scripted(Provider::OpenAi, PROMPT, "A scale for lorries.").await;
    let spoken = json!({"modalities": ["text", "audio"], "audio": {"format": "wav", "voice": "alloy"}});
    let (_, answer) = mock.json(&ask("gpt-audio-mini", PROMPT, &spoken)).await;
    let message = &answer["choices"][0]["message"];
    assert_eq!((&message["content"], &message["audio"]["transcript"]), (&Value::Null, &json!("A scale for lorries.")));
    assert!(message["audio"]["id"].as_str().unwrap().starts_with("audio_") && message["audio"]["expires_at"].is_u64());
    assert!(!message["audio"]["data"].as_str().unwrap().is_empty());
    let mut body = ask("gpt-audio-mini", PROMPT, &spoken);
    body["stream"] = json!(true);
    let chunks = parse(&mock.stream(&body).await);
    let parts = deltas(&chunks, "audio");
    let transcript: String = parts.iter().filter_map(|delta| delta["audio"]["transcript"].as_str()).collect();
    assert_eq!(transcript, "A scale for lorries.");
    assert!(parts[0]["audio"]["id"].is_string() && parts.last().unwrap()["audio"]["expires_at"].is_u64());
    let (status, answer) = mock.json(&ask("gpt-audio-mini", PROMPT, &json!({"modalities": ["audio"]}))).await;
    assert_eq!((status, &answer["error"]["param"]), (400, &json!("audio")));
}

#[tokio::test]
async fn inline_moderation_judges_input_and_output() {
    let mock = Mock::scripted(Provider::OpenAi, "Say TEST-HATE", "No.").await;
    let mut body = ask("gpt-4o", "Say TEST-HATE", &json!({"moderation": {"model": "omni-moderation-latest"}}));
    let (_, answer) = mock.json(&body).await;
    let verdict = |of: &Value, side: &str| of["moderation"][side]["results"][0]["flagged"].clone();
    assert_eq!((verdict(&answer, "input"), verdict(&answer, "output")), (json!(true), json!(false)));
    body["stream"] = json!(true);
    let chunks = parse(&mock.stream(&body).await);
    let judged: Vec<&Value> = chunks.iter().filter(|chunk| chunk.get("moderation").is_some()).collect();
    assert_eq!((judged.len(), &judged[0]["choices"]), (1, &json!([])));
    assert_eq!(verdict(judged[0], "input"), json!(true));
}

#[tokio::test]
async fn a_refusal_takes_the_place_of_content() {
    let mock = Mock::faulty(Provider::OpenAi, Faults { refusal: 1.0, ..Faults::default() }).await;
    let (_, answer) = mock.json(&ask("gpt-4o", PROMPT, &json!({}))).await;
    let choice = &answer["choices"][0];
    assert!(choice["message"]["content"].is_null() && choice["message"]["refusal"].is_string());
    assert_eq!(choice["finish_reason"], "stop");
    let chunks = parse(&mock.stream(&ask("gpt-4o", PROMPT, &json!({"stream": true}))).await);
    assert_eq!(joined(&chunks, "refusal"), choice["message"]["refusal"].as_str().unwrap());
    assert_eq!(joined(&chunks, "content"), "");
}

#[tokio::test]
async fn finish_reasons_that_only_deepseek_knows() {
    for (faults, reason) in [
        (Faults { insufficient_system_resource: 1.0, ..Faults::default() }, "insufficient_system_resource"),
        (Faults { aborted: 1.0, ..Faults::default() }, "aborted"),
    ] {
        let mock = Mock::faulty(Provider::DeepSeek, faults).await;
        let (status, answer) = mock.json(&ask("deepseek-flash", PROMPT, &json!({}))).await;
        assert_eq!((status, &answer["choices"][0]["finish_reason"]), (200, &json!(reason)));
        let chunks = parse(&mock.stream(&ask("deepseek-flash", PROMPT, &json!({"stream": true}))).await);
        assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], reason);
        assert_eq!(mock.running.requests().recent()[0].fault.unwrap().name(), reason);
    }
    let mock = Mock::faulty(Provider::DeepSeek, Faults { empty: 1.0, ..Faults::default() }).await;
    let (_, answer) = mock.json(&ask("deepseek-flash", PROMPT, &json!({}))).await;
    let message = &answer["choices"][0]["message"];
    assert_eq!((&message["content"], &answer["choices"][0]["finish_reason"]), (&json!(""), &json!("stop")));
    assert!(!message["reasoning_content"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn an_error_can_hide_behind_a_status_200() {
    let mock = Mock::faulty(Provider::DeepSeek, Faults { late_error: 1.0, ..Faults::default() }).await;
    let response = mock.send(&ask("deepseek-flash", PROMPT, &json!({}))).await;
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    assert!(text.starts_with("\n\n{"), "{text}");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["error"]["type"], "server_error");
    let response = mock.send(&ask("deepseek-flash", PROMPT, &json!({"stream": true}))).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    let text = response.text().await.unwrap();
    assert!(text.starts_with(": keep-alive\n\n"), "{text}");
    let events = events(&text);
    assert_eq!(events.len(), 1, "one event and no end mark");
    assert!(events[0].starts_with("{\"error\":"), "{events:?}");
    assert_eq!(mock.running.requests().counts().by_fault["late_error"], 2);
}

#[tokio::test]
async fn tool_calls_can_leak_into_the_text() {
    let mock = Mock::faulty(Provider::DeepSeek, Faults { tool_leak: 1.0, ..Faults::default() }).await;
    let extra = json!({"tools": weigh_tool(), "tool_choice": "required", "thinking": {"type": "disabled"}});
    let (_, answer) = mock.json(&ask("deepseek-flash", PROMPT, &extra)).await;
    let choice = &answer["choices"][0];
    assert_eq!((&choice["finish_reason"], choice["message"].get("tool_calls")), (&json!("stop"), None));
    let content = choice["message"]["content"].as_str().unwrap();
    assert!(
        content.contains("<｜DSML｜invoke name=\"weigh\">") && content.contains("name=\"axles\" string=\"false\""),
        "{content}"
    );
    // An answer without calls has nothing to leak.
    let (_, answer) = mock.json(&ask("deepseek-flash", PROMPT, &json!({}))).await;
    assert!(!answer["choices"][0]["message"]["content"].as_str().unwrap().contains("DSML"));
}

#[tokio::test]
async fn strict_tools_are_checked_on_the_beta_path_only() {
    let mock = Mock::instant(Provider::DeepSeek).await;
    let tool = |parameters: Value| json!({"type": "function", "function": {"name": "weigh", "strict": true, "parameters": parameters}});
    let fit = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let loose = json!({"type": "function", "function": {"name": "pay"}});
    let long = json!({"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}, "required": ["a"], "additionalProperties": false});
    let optional = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": [], "additionalProperties": false});
    for (tools, status) in [
        (json!([tool(fit.clone())]), 200),
        (json!([tool(fit), loose]), 400),
        (json!([tool(long)]), 400),
        (json!([tool(optional)]), 400),
    ] {
        let body = ask("deepseek-flash", PROMPT, &json!({"tools": tools}));
        assert_eq!(mock.post("/beta/chat/completions", &body).await.0, status, "{body}");
        assert_eq!(mock.post("/chat/completions", &body).await.0, 200);
    }
}

#[tokio::test]
async fn withdrawn_names_live_on_only_by_the_profile() {
    let profile = Profile { serves_retired_names: true, ..Profile::instant() };
    let mock = Mock::start(MockConfig { profile, ..MockConfig::instant(Provider::DeepSeek) }).await;
    for name in ["deepseek-chat", "deepseek-reasoner"] {
        let (status, answer) = mock.json(&ask(name, PROMPT, &json!({}))).await;
        assert_eq!((status, &answer["model"]), (200, &json!("deepseek-flash")));
        assert_eq!(Mock::instant(Provider::DeepSeek).await.json(&ask(name, PROMPT, &json!({}))).await.0, 400);
    }
    assert_eq!(mock.json(&ask("deepseek-nonsense", PROMPT, &json!({}))).await.0, 400);
}

#[tokio::test]
async fn a_prefix_cache_knows_the_beginning_of_a_grown_conversation() {
    let profile = Profile { prefix_cache: true, cache_block_tokens: 256, cache_tokens_min: 1024, ..Profile::instant() };
    let mock = Mock::start(MockConfig { profile, ..MockConfig::instant(Provider::DeepSeek) }).await;
    let long = "The weighbridge has a platform on load cells. ".repeat(150);
    let body = |user: &str, question: &str| {
        ask(
            "deepseek-flash",
            "",
            &json!({"user_id": user, "messages": [
            {"role": "system", "content": long}, {"role": "user", "content": question}]}),
        )
    };
    let usage = async |body: Value| mock.json(&body).await.1["usage"].clone();
    assert_eq!(usage(body("anna", "first")).await["prompt_cache_hit_tokens"], 0);
    let second = usage(body("anna", "second")).await;
    let hit = second["prompt_cache_hit_tokens"].as_u64().unwrap();
    assert!(hit >= 1024 && hit % 256 == 0, "{second}");
    assert_eq!(second["prompt_cache_miss_tokens"].as_u64().unwrap() + hit, second["prompt_tokens"].as_u64().unwrap());
    assert_eq!(second["prompt_tokens_details"]["cached_tokens"].as_u64(), Some(hit));
    assert_eq!(usage(body("bert", "third")).await["prompt_cache_hit_tokens"], 0, "users do not share");
}

#[tokio::test]
async fn the_log_tells_which_headers_arrived_and_shows_no_secret() {
    let mock = Mock::instant(Provider::OpenAi).await;
    let request = mock.chat(&ask("gpt-4o", PROMPT, &json!({})));
    request.header("cookie", "session=secret-cookie").header("x-internal", "1").send().await.unwrap();
    let recent = mock.running.requests().recent();
    assert_eq!(recent[0].header("cookie"), "session=secret-cookie");
    assert_eq!((recent[0].header("authorization"), recent[0].header("absent")), ("Bearer sk-test-1234", ""));
    assert!(recent[0].header_names().contains(&"x-internal"));
    assert_eq!(recent[0].json()["model"], "gpt-4o");
    let shown = format!("{recent:?}");
    assert!(!shown.contains("secret-cookie") && !shown.contains("sk-test-1234"));
}

#[tokio::test]
async fn conversations_and_tools_out_of_order_are_refused_by_both_vendors() {
    let call = json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "1"});
    let user = json!({"role": "user", "content": "q"});
    let tool = |name: &str, parameters: Value| json!({"type": "function", "function": {"name": name, "parameters": parameters}});
    let object = || json!({"type": "object", "properties": {}});
    for (provider, model) in [(Provider::OpenAi, "gpt-4o-mini"), (Provider::DeepSeek, "deepseek-flash")] {
        let mock = Mock::scripted(provider, "q", "a").await;
        let ask = |messages: Value, tools: Value| {
            let mut body = json!({"model": model, "messages": messages, "tools": tools});
            if provider == Provider::DeepSeek {
                body["thinking"] = json!({"type": "disabled"});
            }
            body
        };
        for (messages, tools, part) in [
            (json!([user, result("c")]), json!([]), "'tool_calls'"),
            (json!([user, call, result("d")]), json!([]), "'tool_calls'"),
            (json!([user, call, user]), json!([]), "must be followed"),
            (json!([user, call]), json!([]), "must be followed"),
            (json!([user, {"role": "assistant", "content": null}, user]), json!([]), "content"),
            (json!([{"role": "user", "content": [{"type": "video"}]}]), json!([]), "messages[0]"),
            (json!([{"role": "system", "content": null}, user]), json!([]), "messages[0].content"),
            (json!([user]), json!([tool("a b", object())]), "tools[0].function.name"),
            (json!([user]), json!([tool("f", json!({"type": "string"}))]), "tools[0]"),
        ] {
            let (status, answer) = mock.json(&ask(messages, tools)).await;
            assert_eq!(status, 400, "{provider:?}: {part}");
            assert!(answer["error"]["message"].as_str().unwrap().contains(part), "{provider:?}: {answer}");
        }
        let twice = json!([tool("f", object()), tool("f", object())]);
        let (status, _) = mock.json(&ask(json!([user]), twice)).await;
        assert_eq!(
            status,
            if provider == Provider::DeepSeek { 400 } else { 200 },
            "only one of them wants other names"
        );
        let (status, answer) = mock.json(&ask(json!([user, call, result("c")]), json!([tool("f", object())]))).await;
        assert_eq!(status, 200, "{provider:?}: {answer}");
    }
}
