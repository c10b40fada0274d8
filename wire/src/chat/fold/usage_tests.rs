//! What an answer costs: its report in every endpoint's shape, its tier, and what it was seen to write.

use super::*;
use crate::usage::{Tokens, Usage, UsageSource};

fn whole(endpoint: Endpoint, body: &str) -> Answer {
    let mut fold = Fold::new(endpoint, 10);
    fold.whole(body.as_bytes());
    fold.answer()
}

fn streamed(endpoint: Endpoint, events: &[&str]) -> Answer {
    let mut fold = Fold::new(endpoint, 10);
    events.iter().for_each(|event| {
        fold.chunk(event);
    });
    fold.answer()
}

#[test]
fn all_parts_of_a_report_are_read_in_every_shape() {
    let expected = Usage {
        cached: Some(30),
        cache_write: Some(40),
        prompt_audio: Some(5),
        prompt_image: Some(6),
        reasoning: Some(7),
        completion_audio: Some(8),
        ..Usage::new(100, 20, UsageSource::Provider)
    };
    let of_prompt =
        r#"{"cached_tokens":30,"cache_write_tokens":40,"audio_tokens":5,"image_tokens":6,"text_tokens":89}"#;
    let of_completion = r#"{"reasoning_tokens":7,"audio_tokens":8,"text_tokens":5,"accepted_prediction_tokens":0}"#;
    let chat = format!(
        r#"{{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_tokens_details":{of_prompt},"completion_tokens_details":{of_completion}}}"#
    );
    let responses = format!(
        r#"{{"input_tokens":100,"output_tokens":20,"total_tokens":120,"input_tokens_details":{of_prompt},"output_tokens_details":{of_completion}}}"#
    );
    let choices = format!(r#"{{"choices":[],"usage":{chat}}}"#);
    for endpoint in [Endpoint::Chat, Endpoint::Completions] {
        assert_eq!(whole(endpoint, &choices).usage, Some(expected), "{endpoint:?}");
        assert_eq!(streamed(endpoint, &[&choices]).usage, Some(expected), "{endpoint:?}");
    }
    let response = format!(r#"{{"status":"completed","output":[],"usage":{responses}}}"#);
    assert_eq!(whole(Endpoint::Responses, &response).usage, Some(expected));
    let event = format!(r#"{{"type":"response.completed","response":{response}}}"#);
    assert_eq!(streamed(Endpoint::Responses, &[&event]).usage, Some(expected));
    let embedding = whole(Endpoint::Embeddings, r#"{"data":[],"usage":{"prompt_tokens":9,"total_tokens":9}}"#);
    assert_eq!(embedding.usage, Some(Usage::new(9, 0, UsageSource::Provider)));
}

#[test]
fn the_tier_is_the_one_that_served_it() {
    let chat = |tier: &str| whole(Endpoint::Chat, &format!(r#"{{"choices":[],"service_tier":{tier}}}"#)).tier;
    for (name, tier) in [
        (r#""default""#, Some(Tier::Standard)),
        (r#""flex""#, Some(Tier::Flex)),
        (r#""priority""#, Some(Tier::Priority)),
        (r#""unheard""#, Some(Tier::Standard)),
        (r#""auto""#, None),
        ("null", None),
        ("7", None),
    ] {
        assert_eq!(chat(name), tier, "{name}");
    }
    assert_eq!(whole(Endpoint::Chat, r#"{"choices":[{"message":{"content":"x"}}],"service_tier":7}"#).malformed, 0);
    let chunk = |tier: &str| format!(r#"{{"choices":[{{"delta":{{"content":"x"}}}}],"service_tier":"{tier}"}}"#);
    assert_eq!(streamed(Endpoint::Chat, &[&chunk("auto"), &chunk("priority")]).tier, Some(Tier::Priority));
    let response = |kind: &str, tier: &str| {
        format!(r#"{{"type":"response.{kind}","response":{{"status":"{kind}","service_tier":"{tier}"}}}}"#)
    };
    let events = [response("in_progress", "auto"), response("completed", "flex")];
    assert_eq!(streamed(Endpoint::Responses, &[&events[0], &events[1]]).tier, Some(Tier::Flex));
    assert_eq!(
        whole(Endpoint::Responses, r#"{"status":"completed","service_tier":"priority"}"#).tier,
        Some(Tier::Priority)
    );
}

#[test]
fn everything_that_was_written_counts() {
    let sum = |texts: &[&str]| {
        let mut tokens = Tokens::NONE;
        texts.iter().for_each(|text| tokens.add(text));
        tokens
    };
    let body = r#"{"choices":[{"index":0,"message":{"content":"one","reasoning_content":"two","refusal":"three",
        "tool_calls":[{"id":"i","function":{"name":"four","arguments":"{}"}}]}},{"index":1,"message":{"content":"five"}}]}"#;
    let answer = whole(Endpoint::Chat, body);
    assert_eq!(answer.written, sum(&["one", "two", "three", "four", "{}", "five"]));
    assert_eq!(answer.characters.total(), 3 + 2 + 4, "what is compared is what is visible, without names");
    let events = streamed(
        Endpoint::Responses,
        &[
            r#"{"type":"response.reasoning_summary_text.delta","delta":"one"}"#,
            r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","call_id":"c","name":"two"}}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"{}"}"#,
            r#"{"type":"response.refusal.delta","delta":"three"}"#,
        ],
    );
    assert_eq!(events.written, sum(&["one", "two", "{}", "three"]));
}

#[test]
fn what_cannot_be_read_was_written_all_the_same() {
    let text = "<html><body>The gateway between here and there has a bad day</body></html>";
    assert_eq!(whole(Endpoint::Chat, text).written, Tokens::of(text));
    let mut fold = Fold::new(Endpoint::Chat, 10);
    fold.whole(&[0xFF; 400]);
    assert_eq!(fold.answer().written.most(), 100);
    let mut fold = Fold::new(Endpoint::Chat, 10);
    fold.unread(br#"{"choices":[{"message":{"content":"half an ans"#);
    let answer = fold.answer();
    assert!(answer.written.most() > 5 && !answer.complete && answer.malformed == 0);
}
