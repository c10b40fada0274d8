//! What is set aside is never less than what is charged.

use super::*;
use proptest::prelude::*;
use wire::usage::Ended;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z ,.]{0,200}",
        "[0-9a-f]{0,100}",
        "[\\u4e00-\\u4fff，。]{0,60}",
        "[а-яА-Я ]{0,80}",
        "\\PC{0,60}",
        Just("x".repeat(500)),
    ]
}

fn body() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::json;
    let message = (text(), text(), 0u8..5).prop_map(|(one, two, kind)| match kind {
        0 => json!({"role": "user", "content": one}),
        1 => json!({"role": "user", "content": [{"type": "text", "text": one},
            {"type": "image_url", "image_url": {"url": two}}]}),
        2 => json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": one}}]}),
        3 => json!({"role": "tool", "tool_call_id": "a", "content": one}),
        _ => json!({"role": "system", "content": [one, two]}),
    });
    let tools = prop::option::of(text());
    let bound = prop::option::of(1u64..3000);
    (prop::collection::vec(message, 0..6), tools, bound, 1u64..4).prop_map(|(messages, tools, bound, n)| {
        let mut body = json!({"model": "gpt-4o", "messages": messages, "n": n});
        if let Some(description) = tools {
            body["tools"] = json!([{"type": "function", "function": {"name": "f", "description": description}}]);
        }
        if let Some(bound) = bound {
            body["max_tokens"] = bound.into();
        }
        body
    })
}

proptest! {
    /// What is set aside is more than what is charged where the provider's count is lost, on either arm and whatever
    /// it wrote.
    #[test]
    fn what_is_set_aside_is_more_than_an_estimate(body in body(), said in text(), duration_us in 0u64..100_000_000) {
        let text = body.to_string();
        let request = Request::parse(Endpoint::Chat, text.as_bytes()).unwrap();
        let tally = request.measure().1;
        let mut fold = wire::chat::Fold::new(Endpoint::Chat, 0);
        fold.unread(said.as_bytes());
        let answer = fold.answer();
        for prompt_reserve in [PromptReserve::Likely, PromptReserve::Certain] {
            let config = QuotaStore { prompt_reserve, ..QuotaStore::default() };
            let most = most(&request, None, &tally, text.len(), &config);
            for (provider, model) in [("openai", "gpt-4o"), ("deepseek", "deepseek-flash"), ("compatible", "llama")] {
                let ended = Ended {
                    provider, model, duration_us,
                    endpoint: Endpoint::Chat,
                    streamed: false,
                    prompt: &tally,
                    completion_max: request.completion_max(),
                    status: 200,
                    error: Some(wire::ErrorKind::Timeout),
                    answer: Some(&answer),
                    ttft_us: None,
                };
                let usage = ended.usage().unwrap();
                prop_assert!(most.input >= usage.prompt, "{} < {}", most.input, usage.prompt);
                if request.completion_max().is_some() {
                    prop_assert!(most.output >= usage.completion);
                }
            }
        }
    }
}
