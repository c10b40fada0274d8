//! Requests: judged before any provider hears of them.

use super::{ADDRESS, BAD, BOTH, MILD, SENTENCE, events, guarded, guarded_by};
use crate::harness::{Plan, chat};
use datasets::GuardAction;
use serde_json::{Value, json};

/// The seed's shape of an answer to a violation, member by member.
fn is_seeds(answer: &Value) {
    let id = answer["id"].as_str().unwrap().strip_prefix("chatcmpl-").unwrap();
    assert!(id.len() == 29 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    assert_eq!((&answer["object"], &answer["model"]), (&json!("chat.completion"), &json!("from-security-guard")));
    assert!(answer["created"].as_i64().unwrap() > 1_700_000_000);
    let choice = json!({
        "index": 0, "message": {"role": "assistant", "content": SENTENCE}, "logprobs": null, "finish_reason": "stop"
    });
    assert_eq!(answer["choices"], json!([choice]));
    assert_eq!(answer["usage"], json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}));
}

#[tokio::test]
async fn a_blocked_request_is_answered_in_the_seeds_shape_and_no_provider_hears_of_it() {
    let house = guarded(BOTH).build().await;
    let answer = house.ask(&chat(&format!("give me {BAD}"), &json!({}))).await;
    assert_eq!((answer.status, answer.header("x-weighbridge-guard")), (200, "blocked"));
    assert_eq!(answer.header("content-type"), "application/json");
    is_seeds(&answer.json());
    let streamed =
        house.ask(&chat(&format!("give me F o r b i d d e n  fruit, {BAD}"), &json!({"stream": true}))).await;
    assert_eq!((streamed.status, streamed.header("content-type")), (200, "text/event-stream;charset=UTF-8"));
    let events = events(&streamed.text);
    assert_eq!((events.len(), events[2].as_str()), (3, "[DONE]"), "{}", streamed.text);
    let chunk = |at: usize| serde_json::from_str::<Value>(&events[at]).unwrap();
    assert_eq!(chunk(0)["choices"][0]["delta"], json!({"role": "assistant", "content": SENTENCE}));
    assert_eq!(
        (&chunk(0)["choices"][0]["finish_reason"], &chunk(0)["object"]),
        (&Value::Null, &json!("chat.completion.chunk"))
    );
    assert_eq!(
        (&chunk(1)["choices"][0]["delta"], &chunk(1)["choices"][0]["finish_reason"]),
        (&json!({}), &json!("stop"))
    );
    assert_eq!(chunk(1)["usage"]["total_tokens"], 0);
    assert!(house.openai.requests().recent().is_empty(), "the provider was asked");
    assert!(house.records().await.is_empty(), "there was no exchange");
    let found = "weighbridge_guard_found_total{policy=\"guarded\",phase=\"request\",category=\"illicit\",action=\"blocked\",consumer=\"anonymous\"}";
    assert!((house.sample(found).await - 2.0).abs() < 0.1);
    let page = house.admin("/metrics").await.text;
    assert!(page.contains("weighbridge_guard_delay_seconds_count{at=\"request\"} 2"), "{page}");
    assert!(!page.contains(BAD));
}

#[tokio::test]
async fn every_endpoint_is_guarded_in_its_own_words() {
    let house = guarded(BOTH).build().await;
    let prompt = format!("give me {BAD}");
    let completion = house.ask_at("completions", &json!({"model": "gpt-4o-mini", "prompt": prompt})).await;
    assert_eq!((completion.status, &completion.json()["choices"][0]["text"]), (200, &json!(SENTENCE)));
    let response = house.ask_at("responses", &json!({"model": "gpt-4o-mini", "input": prompt})).await;
    assert_eq!(response.json()["output"][0]["content"][0]["text"], SENTENCE);
    let streamed = house.ask_at("responses", &json!({"model": "gpt-4o-mini", "input": prompt, "stream": true})).await;
    assert!(streamed.text.starts_with("event: response.created\n") && streamed.text.contains("response.completed"));
    let embedding = house.ask_at("embeddings", &json!({"model": "gpt-4o-mini", "input": ["ok", prompt]})).await;
    assert_eq!((embedding.status, &embedding.json()["error"]["code"]), (400, &json!("content_filter")));
    assert!(house.openai.requests().recent().is_empty());
    // What is for a moderation is a moderation's to judge.
    let moderation = house.ask_at("moderations", &json!({"input": prompt})).await;
    assert!(moderation.json()["results"].is_array(), "{}", moderation.text);
}

#[tokio::test]
async fn other_forms_of_the_answer_are_the_owners_choice() {
    let house = guarded(&format!("{BOTH}answer = \"json\"")).build().await;
    let answer = house.ask(&chat(BAD, &json!({}))).await.json();
    let said: Value = serde_json::from_str(answer["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    assert_eq!(said["blockedDetails"], json!([{"type": "contentModeration", "level": "high"}]));
    assert_eq!((&said["code"], &said["denyMessage"]), (&json!(200), &json!(SENTENCE)));
    let house = guarded(&format!("{BOTH}answer = \"error\"")).build().await;
    for stream in [false, true] {
        let answer = house.ask(&chat(BAD, &json!({"stream": stream}))).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!("content_filter")));
    }
}

#[tokio::test]
async fn an_attack_in_an_earlier_message_is_found_where_the_policy_says_so() {
    let turns = |first: &str| {
        json!({"model": "gpt-4o-mini", "messages": [
            {"role": "user", "content": first}, {"role": "assistant", "content": "go on"}, {"role": "user", "content": "do it"}
        ]})
    };
    let tool = json!({"model": "gpt-4o-mini", "messages": [
        {"role": "user", "content": "what does it say?"},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "read", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": BAD}]}
    ]});
    for (check, earlier, by_tool) in [("last_user", false, false), ("user", true, false), ("all", true, true)] {
        let house = guarded(&format!("{BOTH}check = \"{check}\"")).build().await;
        for (body, is_blocked) in [(turns(BAD), earlier), (tool.clone(), by_tool)] {
            let answer = house.ask(&body).await;
            assert_eq!(answer.json()["model"] == "from-security-guard", is_blocked, "{check}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn masked_requests_differ_in_nothing_else() {
    let house = guarded(BOTH).build().await;
    let body = format!(
        r#"{{"model":"gpt-4o-mini","temperature":0.50,"messages":[{{"role":"user","content":"Write to {ADDRESS} \u00e9"}},{{"content":"ok","role":"user"}}],"seed":7}}"#
    );
    let answer = house.client.post(house.url()).body(body.clone()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let sent = house.openai.requests().recent().pop().unwrap();
    let sent = String::from_utf8(sent.body.to_vec()).unwrap();
    assert_eq!(sent, body.replace(&format!("{ADDRESS} \\u00e9"), "[email] é"));
    let record = house.records_of(1).await.remove(0);
    let check = record.guard.unwrap().request.unwrap();
    assert_eq!((check.action, check.categories), (GuardAction::Masked, vec!["sensitive_data".to_owned()]));
}

#[tokio::test]
async fn bars_and_policies_are_those_of_the_consumer_then_the_migration() {
    let more = "[safety.policies.lax]\nrequest = [\"words\"]\nbars = { default = \"max\" }\n\
                [[safety.consumers]]\nname = \"anna\"\npolicy = \"lax\"\n\
                [[safety.consumers]]\nprefix = \"be\"\nbars = { profanity = \"high\" }\n\
                [consumers.anna]\nkeys_sha256 = [\"ANNA\"]\n[consumers.ben]\nkeys_sha256 = [\"BEN\"]\n\
                [consumers.carl]\nkeys_sha256 = [\"CARL\"]\n";
    let digest = |key: &str| datasets::digest::of_bytes(key.as_bytes());
    let more = more.replace("ANNA", &digest("a")).replace("BEN", &digest("b")).replace("CARL", &digest("c"));
    let house = guarded(&format!("{BOTH}\n{more}")).build().await;
    for (key, prompt, is_blocked) in
        [("a", BAD, false), ("b", BAD, true), ("b", MILD, false), ("c", MILD, true), ("nobody's", MILD, true)]
    {
        let request = house.client.post(house.url()).bearer_auth(key).json(&chat(prompt, &json!({})));
        let answer = crate::harness::read(request.send().await.unwrap()).await;
        assert_eq!(answer.json()["model"] == "from-security-guard", is_blocked, "{key}: {prompt}");
    }
    let none = Plan { migration: "safety = \"none\"", ..guarded(BOTH) }.build().await;
    let answer = none.ask(&chat(BAD, &json!({}))).await;
    assert_ne!(answer.json()["model"], "from-security-guard");
    assert!(none.records_of(1).await[0].guard.is_none(), "nobody looked");
}

#[tokio::test]
async fn observing_changes_nothing_and_is_on_record() {
    let house = guarded(&format!("{BOTH}mode = \"observe\"")).build().await;
    let answer = house.ask(&chat(&format!("{BAD} for {ADDRESS}"), &json!({}))).await;
    assert_ne!(answer.json()["model"], "from-security-guard");
    let sent = house.openai.requests().recent().pop().unwrap().json().to_string();
    assert!(sent.contains(ADDRESS), "{sent}");
    let check = house.records_of(1).await.remove(0).guard.unwrap().request.unwrap();
    assert_eq!((check.action, check.categories.len()), (GuardAction::Flagged, 2));
}

#[tokio::test]
async fn without_a_policy_nothing_is_asked() {
    let plan = guarded_by(BACKENDS_ONLY, "request = [\"words\"]");
    let extra = plan.extra.replace("policy = \"guarded\"\n", "");
    let house = Plan { extra: Box::leak(extra.into_boxed_str()), ..plan }.build().await;
    let answer = house.ask(&chat(BAD, &json!({}))).await;
    assert_ne!(answer.json()["model"], "from-security-guard");
    assert!(house.records_of(1).await[0].guard.is_none());
    assert!(house.sample("weighbridge_guard_checks_total{backend=\"words\"}").await < 0.5);
}

const BACKENDS_ONLY: &str = super::BACKENDS;
