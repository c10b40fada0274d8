//! Whole answers: judged before their first byte goes out.

use super::{ADDRESS, BAD, BOTH, SENTENCE, by_hand, guarded, is_blocked, of_answer};
use crate::harness::{Plan, chat};
use datasets::GuardAction;
use mocks::{Provider, Script};
use serde_json::{Value, json};

/// Both providers answer `tell` with this.
fn says(content: &str) -> Script {
    let mut script = Script::new();
    for provider in [Provider::OpenAi, Provider::DeepSeek] {
        script.say(provider, "tell", content);
    }
    script
}

#[tokio::test]
async fn a_blocked_answer_is_replaced_and_paid_for() {
    for weight_percent in [0.0, 100.0] {
        let plan = Plan { weight_percent, script: says(&format!("first, take a {BAD} and eat")), ..guarded(BOTH) };
        let house = plan.build().await;
        let answer = house.ask(&chat("tell", &json!({}))).await;
        assert_eq!((answer.status, answer.header("x-weighbridge-guard")), (200, "blocked"));
        assert_eq!(answer.json()["model"], "from-security-guard");
        assert_eq!(answer.json()["choices"][0]["message"]["content"], SENTENCE);
        assert!(!answer.text.contains("fruit"));
        let record = house.records_of(1).await.remove(0);
        assert!(is_blocked(of_answer(&record), "illicit"), "{record:?}");
        // The provider did its work: its usage is on record, and nothing of the three is mistaken for another.
        assert!(record.usage.unwrap().completion > 0 && record.cost_nanos.is_some());
        assert_eq!((record.error, record.moderation, record.refused), (None, None, false));
    }
}

#[tokio::test]
async fn masked_answers_differ_in_nothing_else() {
    let house = Plan { script: says(&format!("Write to {ADDRESS} today")), ..guarded(BOTH) }.build().await;
    let answer = house.ask(&chat("tell", &json!({"logprobs": true}))).await;
    assert_eq!(answer.header("x-weighbridge-guard"), "masked");
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "Write to [email] today");
    assert_eq!(answer.json()["choices"][0]["logprobs"], Value::Null, "tokens would spell it out");
    assert!(!answer.text.contains("jane"), "{}", answer.text);
    let record = house.records_of(1).await.remove(0);
    assert_eq!(of_answer(&record).action, GuardAction::Masked);
    assert!(answer.json()["usage"]["total_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn every_choice_every_call_and_all_reasoning_is_looked_at() {
    for message in [
        json!([{"index": 0, "message": {"content": "fine"}, "finish_reason": "stop"},
            {"index": 1, "message": {"content": format!("take a {BAD}")}, "finish_reason": "stop"}]),
        json!([{"index": 0, "message": {"content": null, "tool_calls": [{"id": "c", "type": "function",
            "function": {"name": "f", "arguments": format!("{{\"query\":\"{BAD}\"}}")}}]}, "finish_reason": "tool_calls"}]),
        json!([{"index": 0, "message": {"content": "fine", "reasoning_content": format!("perhaps {BAD}")}, "finish_reason": "stop"}]),
        json!([{"index": 0, "message": {"content": null, "refusal": format!("no {BAD}")}, "finish_reason": "stop"}]),
    ] {
        let (provider, house) = by_hand(guarded(BOTH)).await;
        let body =
            json!({"id": "x", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini", "choices": message});
        let request = chat("tell", &json!({"n": 2}));
        let (answer, ()) = tokio::join!(house.ask(&request), async {
            provider.call().await.answer(200, "", &body.to_string()).await;
        });
        assert_eq!(answer.json()["model"], "from-security-guard", "{body}");
        assert!(is_blocked(of_answer(&house.records_of(1).await[0]), "illicit"));
    }
}

#[tokio::test]
async fn an_observed_answer_is_the_providers() {
    let content = format!("take a {BAD}");
    let house = Plan { script: says(&content), ..guarded(&format!("{BOTH}mode = \"observe\"")) }.build().await;
    for stream in [false, true] {
        let answer = house.ask(&chat("tell", &json!({"stream": stream}))).await;
        assert!(answer.text.contains("fruit") && !answer.text.contains("from-security-guard"));
    }
    for record in house.records_of(2).await {
        assert_eq!(of_answer(&record).action, GuardAction::Flagged);
        assert_eq!(of_answer(&record).categories, ["illicit"]);
    }
    let seen = "weighbridge_guard_verdicts_total{policy=\"guarded\",phase=\"response\",action=\"flagged\"}";
    assert!((house.sample(seen).await - 2.0).abs() < 0.1);
}

#[tokio::test]
async fn an_answer_that_nobody_can_read_is_not_called_safe() {
    for (on_failure, passes) in [("open", true), ("closed", false)] {
        let (provider, house) = by_hand(guarded(&format!("{BOTH}on_failure = \"{on_failure}\""))).await;
        let request = chat("tell", &json!({}));
        let (answer, ()) = tokio::join!(house.ask(&request), async {
            provider.call().await.answer(200, "", &format!("<p>{BAD}</p>")).await;
        });
        assert_eq!(answer.text.contains("fruit"), passes, "{}", answer.text);
        let record = house.records_of(1).await.remove(0);
        assert_eq!(of_answer(&record).failed, ["personal:malformed", "words:malformed"]);
    }
}
