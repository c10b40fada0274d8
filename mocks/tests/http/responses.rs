//! Responses: items, named events in their order, and turns that go on from earlier ones.

use mocks::{Faults, MockConfig, Profile, Provider};
use serde_json::{Value, json};

use crate::support::{Mock, named_events};

const PATH: &str = "/v1/responses";

fn weigh() -> Value {
    json!([{"type": "function", "name": "weigh", "strict": true, "parameters": {
        "type": "object", "properties": {"lorry": {"type": "string"}}}}])
}

#[tokio::test]
async fn a_whole_response_has_items_and_its_own_usage() {
    let mock = Mock::scripted(Provider::OpenAi, "How heavy?", "Forty tonnes.").await;
    let body = json!({"model": "gpt-4o", "input": "How heavy?", "instructions": "Be brief.", "metadata": {"a": "b"}});
    let (status, answer) = mock.post(PATH, &body).await;
    assert_eq!((status, &answer["object"], &answer["status"]), (200, &json!("response"), &json!("completed")));
    assert!(answer["id"].as_str().unwrap().starts_with("resp_"));
    assert_eq!((&answer["instructions"], &answer["metadata"]["a"]), (&json!("Be brief."), &json!("b")));
    assert_eq!((&answer["error"], &answer["incomplete_details"]), (&Value::Null, &Value::Null));
    let message = &answer["output"][0];
    assert_eq!(
        (&message["type"], &message["role"], &message["status"]),
        (&json!("message"), &json!("assistant"), &json!("completed"))
    );
    assert_eq!(
        message["content"],
        json!([{"type": "output_text", "text": "Forty tonnes.", "annotations": [], "logprobs": []}])
    );
    let usage = &answer["usage"];
    assert!(
        usage["input_tokens_details"]["cached_tokens"].is_u64()
            && usage["output_tokens_details"]["reasoning_tokens"].is_u64()
    );
    assert_eq!(
        usage["total_tokens"].as_u64(),
        Some(usage["input_tokens"].as_u64().unwrap() + usage["output_tokens"].as_u64().unwrap())
    );
    assert!(usage.get("prompt_tokens").is_none());

    let parts = json!({"model": "gpt-4o", "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "How heavy?"}, {"type": "input_image", "image_url": "data:,", "detail": "low"}]}]});
    let (_, answer) = mock.post(PATH, &parts).await;
    assert_eq!(answer["output"][0]["content"][0]["text"], "Forty tonnes.");
    assert!(answer["usage"]["input_tokens"].as_u64().unwrap() > 85, "pictures cost");
}

#[tokio::test]
async fn a_streamed_response_has_the_documented_order() {
    let mock = Mock::scripted(Provider::OpenAi, "How heavy?", "Forty tonnes.").await;
    let text = mock.text(PATH, &json!({"model": "gpt-4o", "input": "How heavy?", "stream": true})).await;
    assert!(!text.contains("[DONE]"));
    let events = named_events(&text);
    let mut names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    assert_eq!(
        names,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    for (number, (name, event)) in events.iter().enumerate() {
        assert_eq!((&event["type"], &event["sequence_number"]), (&json!(name), &json!(number)));
    }
    let deltas: Vec<&Value> =
        events.iter().filter(|(name, _)| name.ends_with(".delta")).map(|(_, event)| event).collect();
    assert_eq!(deltas.iter().map(|event| event["delta"].as_str().unwrap()).collect::<String>(), "Forty tonnes.");
    let item = &events[2].1["item"];
    assert_eq!((&item["status"], &item["content"]), (&json!("in_progress"), &json!([])));
    assert!(deltas.iter().all(|event| event["item_id"] == item["id"] && event["obfuscation"].is_string()));
    let (first, last) = (&events[0].1["response"], &events.last().unwrap().1["response"]);
    assert_eq!(
        (&first["status"], &first["output"], &first["usage"]),
        (&json!("in_progress"), &json!([]), &Value::Null)
    );
    assert_eq!((&last["status"], &last["id"]), (&json!("completed"), &first["id"]));
    assert!(last["usage"]["total_tokens"].as_u64().unwrap() > 0);
    let plain = json!({"model": "gpt-4o", "input": "How heavy?", "stream": true, "stream_options": {"include_obfuscation": false}});
    assert!(!mock.text(PATH, &plain).await.contains("obfuscation"));
}

#[tokio::test]
async fn tools_become_call_items_and_their_arguments_stream() {
    let mock = Mock::instant(Provider::OpenAi).await;
    let mut body = json!({"model": "gpt-4o", "input": "How heavy?", "tools": weigh(), "tool_choice": "required"});
    let (_, answer) = mock.post(PATH, &body).await;
    let call = &answer["output"][0];
    assert_eq!((&call["type"], &call["name"]), (&json!("function_call"), &json!("weigh")));
    assert!(call["call_id"].as_str().unwrap().starts_with("call_") && call["id"].as_str().unwrap().starts_with("fc_"));
    assert!(serde_json::from_str::<Value>(call["arguments"].as_str().unwrap()).unwrap()["lorry"].is_string());

    body["stream"] = json!(true);
    let events = named_events(&mock.text(PATH, &body).await);
    let of =
        |wanted: &str| events.iter().filter(|(name, _)| name == wanted).map(|(_, event)| event).collect::<Vec<_>>();
    let fragments: String =
        of("response.function_call_arguments.delta").iter().map(|event| event["delta"].as_str().unwrap()).collect();
    assert_eq!(json!(fragments), call["arguments"]);
    assert_eq!(of("response.function_call_arguments.done")[0]["arguments"], call["arguments"]);
    assert!(of("response.content_part.added").is_empty());

    // The result comes back, and the model speaks.
    let body = json!({"model": "gpt-4o", "tools": weigh(), "input": [
        {"role": "user", "content": "Please weigh it"},
        {"type": "function_call", "call_id": "call_1", "name": "weigh", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "40 t"}]});
    assert_eq!(mock.post(PATH, &body).await.1["output"][0]["type"], "message");
    let custom = json!({"model": "gpt-5", "input": "x", "tools": [{"type": "custom", "name": "sql"}], "tool_choice": "required"});
    let (_, answer) = mock.post(PATH, &custom).await;
    assert_eq!(
        (&answer["output"][0]["type"], answer["output"][0]["input"].is_string()),
        (&json!("custom_tool_call"), true)
    );
}

#[tokio::test]
async fn a_schema_is_satisfied_and_a_limit_leaves_it_incomplete() {
    let mock = Mock::instant(Provider::OpenAi).await;
    let schema = json!({"type": "object", "properties": {"tonnes": {"type": "integer"}}});
    let format = json!({"format": {"type": "json_schema", "name": "weight", "schema": schema, "strict": true}});
    let (_, answer) = mock.post(PATH, &json!({"model": "gpt-4o", "input": "How heavy?", "text": format})).await;
    let value: Value = serde_json::from_str(answer["output"][0]["content"][0]["text"].as_str().unwrap()).unwrap();
    assert!(value["tonnes"].is_i64());
    let cut = json!({"model": "gpt-4o", "input": "How heavy?", "max_output_tokens": 2, "stream": true});
    let events = named_events(&mock.text(PATH, &cut).await);
    let (name, last) = events.last().unwrap();
    assert_eq!(name, "response.incomplete");
    assert_eq!(last["response"]["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!(last["response"]["usage"]["output_tokens"], 2);
}

#[tokio::test]
async fn later_turns_go_on_from_kept_ones() {
    let mock = Mock::instant(Provider::OpenAi).await;
    let (_, first) = mock.post(PATH, &json!({"model": "gpt-4o", "input": "My lorry weighs forty tonnes"})).await;
    let next = json!({"model": "gpt-4o", "input": "And empty?", "previous_response_id": first["id"]});
    let (status, second) = mock.post(PATH, &next).await;
    assert_eq!((status, &second["previous_response_id"]), (200, &first["id"]));
    let (_, alone) = mock.post(PATH, &json!({"model": "gpt-4o", "input": "And empty?"})).await;
    let tokens = |answer: &Value| answer["usage"]["input_tokens"].as_u64().unwrap();
    assert!(tokens(&second) > tokens(&alone) + tokens(&first) / 2, "the earlier turn is part of the prompt");
    let path = format!("{PATH}/{}", first["id"].as_str().unwrap());
    let kept: Value = mock.get(&path).send().await.unwrap().json().await.unwrap();
    assert_eq!(kept, first);

    let (status, answer) =
        mock.post(PATH, &json!({"model": "m", "input": "x", "previous_response_id": "resp_0"})).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("previous_response_not_found")));
    assert_eq!(mock.get("/v1/responses/resp_0").send().await.unwrap().status(), 404);
    let (_, unkept) = mock.post(PATH, &json!({"model": "gpt-4o", "input": "Forget this", "store": false})).await;
    let path = format!("{PATH}/{}", unkept["id"].as_str().unwrap());
    assert_eq!(mock.get(&path).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn faults_come_as_named_events() {
    let mock = Mock::faulty(Provider::OpenAi, Faults { error_event: 1.0, ..Faults::default() }).await;
    let events = named_events(&mock.text(PATH, &json!({"model": "gpt-4o", "input": "x", "stream": true})).await);
    let (name, last) = events.last().unwrap();
    assert_eq!((name.as_str(), &last["type"], &last["code"]), ("error", &json!("error"), &json!("server_error")));
    assert!(events.len() > 3);
    let mock = Mock::faulty(Provider::OpenAi, Faults { refusal: 1.0, ..Faults::default() }).await;
    let (_, answer) = mock.post(PATH, &json!({"model": "gpt-4o", "input": "x"})).await;
    assert_eq!(answer["output"][0]["content"][0]["type"], "refusal");
    let mock = Mock::faulty(Provider::DeepSeek, Faults { aborted: 1.0, ..Faults::default() }).await;
    let body = json!({"model": "deepseek-flash", "input": "x", "stream": true});
    let events = named_events(&mock.text("/responses", &body).await);
    assert_eq!(events.last().unwrap().0, "response.failed");
}

#[tokio::test]
async fn deepseek_keeps_nothing_but_accepts_schemas_and_developers() {
    let mock = Mock::start(MockConfig { profile: Profile::instant(), ..MockConfig::new(Provider::DeepSeek) }).await;
    let schema = json!({"type": "object", "properties": {"tonnes": {"type": "integer"}}});
    let body = json!({"model": "deepseek-flash", "store": true, "reasoning": {"effort": "none"},
                      "input": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "How heavy?"}],
                      "text": {"format": {"type": "json_schema", "name": "weight", "schema": schema}}});
    for path in ["/responses", "/v1/responses"] {
        let (status, answer) = mock.post(path, &body).await;
        assert_eq!((status, &answer["output"][0]["type"]), (200, &json!("message")), "{answer}");
        assert!(answer["output"][0]["content"][0]["text"].as_str().unwrap().contains("tonnes"));
        let stored = mock.get(&format!("{path}/{}", answer["id"].as_str().unwrap())).send().await.unwrap();
        assert_eq!(stored.status(), 404);
    }
    for name in ["previous_response_id", "conversation"] {
        let (status, answer) =
            mock.post("/responses", &json!({"model": "deepseek-flash", "input": "x", name: "y"})).await;
        assert_eq!(status, 400);
        assert!(answer["error"]["message"].as_str().unwrap().contains(name));
    }
    // Thinking is on unless switched off, and comes as an item of its own.
    let (_, answer) = mock.post("/responses", &json!({"model": "deepseek-flash", "input": "x"})).await;
    assert_eq!((&answer["output"][0]["type"], &answer["output"][1]["type"]), (&json!("reasoning"), &json!("message")));
    assert!(answer["usage"]["output_tokens_details"]["reasoning_tokens"].as_u64().unwrap() > 0);
}
