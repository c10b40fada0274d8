//! What a model thought before it called a tool goes back to the provider that demands it, although no client of OpenAI
//! would ever send it.

use crate::harness::{Answer, House, Plan, chat, read};
use mocks::RecordedRequest;
use serde_json::{Value, json};

const ANNA: &str = "key-of-anna";
const BEN: &str = "key-of-ben";
/// SHA-256 of the two keys.
const CONSUMERS: &str = r#"
[consumers.anna]
keys_sha256 = ["4ec09e0f005569aa1e1f579f993d94d9a96b8c2d51fdb8f17cd711aaf2798398"]
[consumers.ben]
keys_sha256 = ["37f550767902f9edd26b5572672dfe734f26baa32a94f4fb26cef116e2ea636f"]
"#;
const WEATHER: &str = "What does get_weather say of Berlin?";

fn candidate() -> Plan {
    Plan { weight_percent: 100.0, extra: CONSUMERS, ..Plan::default() }
}

/// A request that has the model think, offers a tool, and mentions it, which makes the mock call it.
fn first_turn(streamed: bool) -> Value {
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let tool = json!({"type": "function", "function": {"name": "get_weather", "parameters": parameters}});
    chat(WEATHER, &json!({"tools": [tool], "reasoning_effort": "medium", "stream": streamed}))
}

async fn ask(house: &House, key: &str, body: &Value) -> Answer {
    let answer = read(house.client.post(house.url()).bearer_auth(key).json(body).send().await.unwrap()).await;
    assert_eq!((answer.status, answer.header("x-weighbridge-arm")), (200, "candidate"), "{}", answer.text);
    assert_eq!(answer.header("x-weighbridge-fallback"), "");
    answer
}

/// What was said under `member`, whole or in pieces.
fn said(answer: &Answer, member: &str) -> String {
    let of = |message: &Value| message[member].as_str().unwrap_or_default().to_owned();
    let chunks: Vec<Value> = answer.events().iter().filter_map(|data| serde_json::from_str(data).ok()).collect();
    if chunks.is_empty() {
        return of(&answer.json()["choices"][0]["message"]);
    }
    chunks.iter().map(|chunk| of(&chunk["choices"][0]["delta"])).collect()
}

/// The id of the one tool that was called.
fn call_of(answer: &Answer) -> String {
    let (_, rest) = answer.text.split_once("\"tool_calls\":[{").expect("a tool call");
    let (_, id) = rest.split_once("\"id\":\"").expect("its id");
    id.split('"').next().unwrap().to_owned()
}

/// The conversation goes on as a client of OpenAI does it: without a word of reasoning.
fn second_turn(first: &Value, call: &str) -> Value {
    let mut body = first.clone();
    let messages = body["messages"].as_array_mut().unwrap();
    let function = json!({"name": "get_weather", "arguments": "{\"city\":\"Berlin\"}"});
    let called = json!({"id": call, "type": "function", "function": function});
    messages.push(json!({"role": "assistant", "content": null, "tool_calls": [called]}));
    messages.push(json!({"role": "tool", "tool_call_id": call, "content": "18 degrees"}));
    body
}

/// What the provider itself says to a request that it was sent: the mock says the same again.
async fn directly(house: &House, request: &RecordedRequest) -> Answer {
    let url = format!("{}{}", house.deepseek.base_url(), request.path);
    let answer = house.client.post(url).bearer_auth("k").body(request.body.clone()).send().await.unwrap();
    read(answer).await
}

/// Tokens of reasoning that were paid for.
fn thinking(record: &datasets::Exchange) -> u64 {
    record.usage.and_then(|usage| usage.reasoning).unwrap_or(0)
}

#[tokio::test]
async fn the_reasoning_of_the_first_turn_goes_back_in_the_second() {
    for (first_streamed, second_streamed) in [(false, false), (true, true), (true, false), (false, true)] {
        let house = candidate().build().await;
        let mut body = first_turn(first_streamed);
        let first = ask(&house, ANNA, &body).await;
        let sent = house.deepseek.requests().recent().pop().unwrap();
        assert_ne!(sent.json()["thinking"]["type"], "disabled", "the caller asked for reasoning");
        let thought = said(&directly(&house, &sent).await, "reasoning_content");
        assert!(!thought.is_empty());
        assert!(!first.text.contains("reasoning_content"), "not in any form: {}", first.text);

        body["stream"] = json!(second_streamed);
        let second = ask(&house, ANNA, &second_turn(&body, &call_of(&first))).await;
        let sent = house.deepseek.requests().recent().pop().unwrap();
        let messages = sent.json()["messages"].clone();
        assert_eq!(messages[1]["reasoning_content"], json!(thought), "streamed {first_streamed}: {messages}");
        assert_eq!((&messages[1]["role"], &messages[2]["role"]), (&json!("assistant"), &json!("tool")));
        assert_ne!(sent.json()["thinking"]["type"], "disabled");
        assert_eq!((sent.status, second.header("x-weighbridge-dropped")), (200, ""), "{}", second.text);
        assert!(!said(&second, "content").is_empty() && !second.text.contains("reasoning_content"), "{}", second.text);

        // It would not have gone without.
        let mut bare = sent.json();
        bare["messages"][1].as_object_mut().unwrap().remove("reasoning_content");
        let url = format!("{}/chat/completions", house.deepseek.base_url());
        let refused = read(house.client.post(url).bearer_auth("k").json(&bare).send().await.unwrap()).await;
        assert!(refused.status == 400 && refused.text.contains("must be passed back"), "{}", refused.text);
    }
}

#[tokio::test]
async fn nobody_recalls_what_another_ones_model_thought() {
    let house = candidate().build().await;
    let body = first_turn(false);
    let first = ask(&house, ANNA, &body).await;
    let next = second_turn(&body, &call_of(&first));
    for key in [BEN, "key-of-nobody"] {
        let answer = ask(&house, key, &next).await;
        assert_eq!(answer.header("x-weighbridge-dropped"), "reasoning_effort");
        let sent = house.deepseek.requests().recent().pop().unwrap().json();
        assert_eq!(sent["thinking"]["type"], "disabled", "{sent}");
        assert!(!sent.to_string().contains("reasoning_content"), "{sent}");
    }
    // The one whose it is still does.
    let answer = ask(&house, ANNA, &next).await;
    assert_eq!(answer.header("x-weighbridge-dropped"), "");
}

#[tokio::test]
async fn what_was_forgotten_is_done_without_thinking_and_said() {
    let extra = "server.reasoning_bytes_max = 1\n";
    for streamed in [false, true] {
        let house = Plan { extra, ..candidate() }.build().await;
        let body = first_turn(streamed);
        let first = ask(&house, ANNA, &body).await;
        assert_eq!(first.header("x-weighbridge-dropped"), "", "the first turn thinks");
        let answer = ask(&house, ANNA, &second_turn(&body, &call_of(&first))).await;
        assert_eq!(answer.header("x-weighbridge-dropped"), "reasoning_effort");
        assert!(!said(&answer, "content").is_empty(), "{}", answer.text);
        let sent = house.deepseek.requests().recent().pop().unwrap().json();
        assert_eq!((&sent["thinking"]["type"], sent.get("reasoning_effort")), (&json!("disabled"), None), "{sent}");
        let records = house.records().await;
        assert_eq!(
            (records[0].dropped.len(), records[1].dropped.as_slice()),
            (0, ["reasoning_effort".to_owned()].as_slice())
        );
        assert!(thinking(&records[0]) > 0 && thinking(&records[1]) == 0, "{records:?}");
    }
}

#[tokio::test]
async fn a_client_that_sends_its_reasoning_back_is_believed() {
    let house = candidate().build().await;
    let body = first_turn(false);
    let first = ask(&house, ANNA, &body).await;
    let mut next = second_turn(&body, &call_of(&first));
    next["messages"][1]["reasoning_content"] = json!("because I say so");
    ask(&house, ANNA, &next).await;
    let sent = house.deepseek.requests().recent().pop().unwrap().json();
    assert_eq!(sent["messages"][1]["reasoning_content"], "because I say so");
    assert_ne!(sent["thinking"]["type"], "disabled");
}

#[tokio::test]
async fn reasoning_is_shown_only_where_the_configuration_says_so() {
    for (deepseek_extra, shown) in [("", false), ("reasoning_to_client = true", true)] {
        for streamed in [false, true] {
            let house = Plan { deepseek_extra, ..candidate() }.build().await;
            let body = chat("Why is the sky blue?", &json!({"reasoning_effort": "high", "stream": streamed}));
            let answer = ask(&house, ANNA, &body).await;
            let sent = house.deepseek.requests().recent().pop().unwrap();
            let thought = said(&directly(&house, &sent).await, "reasoning_content");
            assert!(!thought.is_empty() && !said(&answer, "content").is_empty());
            let expected = if shown { thought.as_str() } else { "" };
            assert_eq!(said(&answer, "reasoning_content"), expected, "streamed {streamed}");
            assert_eq!(answer.text.contains("reasoning_content"), shown, "{}", answer.text);
            let record = &house.records().await[0];
            assert_eq!(record.reasoning_chars, Some(thought.chars().count() as u64), "on record in any case");
            assert_eq!(record.answer.as_deref(), Some(said(&answer, "content").as_str()));
        }
    }
}

#[tokio::test]
async fn who_did_not_ask_pays_for_no_thinking() {
    let house = candidate().build().await;
    for effort in [None, Some("none")] {
        let body = chat("Why is the sky blue?", &json!({"reasoning_effort": effort}));
        let answer = ask(&house, ANNA, &body).await;
        assert_eq!(answer.header("x-weighbridge-dropped"), "", "nothing that was wanted is missing");
        let sent = house.deepseek.requests().recent().pop().unwrap().json();
        assert_eq!(sent["thinking"]["type"], "disabled", "{sent}");
    }
    assert!(house.records().await.iter().all(|record| thinking(record) == 0));
}
