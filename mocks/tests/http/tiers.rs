//! What makes the same tokens cost something else: service tiers, cache writes, pictures and speech.

use mocks::{MockConfig, Profile, Provider};
use serde_json::{Value, json};
use wire::Usage;
use wire::price::Tier;

use crate::support::{Mock, ask, parse};

const PROMPT: &str = "What is a weighbridge?";

/// Tiers that are asked for, and what is answered.
const TIERS: [(Option<&str>, &str, Tier); 7] = [
    (None, "default", Tier::Standard),
    (Some("auto"), "default", Tier::Standard),
    (Some("default"), "default", Tier::Standard),
    (Some("flex"), "flex", Tier::Flex),
    (Some("fast"), "priority", Tier::Priority),
    (Some("priority"), "priority", Tier::Priority),
    (Some("ultrafast"), "ultrafast", Tier::Ultrafast),
];

#[tokio::test]
async fn openai_names_the_tier_that_it_answers_in() {
    let mock = Mock::instant(Provider::OpenAi).await;
    for (asked, answered, tier) in TIERS {
        let body = ask("gpt-4o", PROMPT, &json!({"service_tier": asked}));
        let (_, whole) = mock.json(&body).await;
        assert_eq!(whole["service_tier"], answered, "{asked:?}");
        assert_eq!(Tier::of_answer(answered), tier);
        let streamed = ask("gpt-4o", PROMPT, &json!({"service_tier": asked, "stream": true}));
        let chunks = parse(&mock.stream(&streamed).await);
        assert!(chunks.iter().all(|chunk| chunk["service_tier"] == answered), "{asked:?}");
        let (_, response) =
            mock.post("/v1/responses", &json!({"model": "gpt-4o", "input": PROMPT, "service_tier": asked})).await;
        assert_eq!(response["service_tier"], answered, "{asked:?}");
    }
}

#[tokio::test]
async fn deepseek_and_compatible_servers_have_one_tier_and_do_not_name_it() {
    for provider in [Provider::DeepSeek, Provider::Compatible] {
        let mock = Mock::instant(provider).await;
        let (status, whole) = mock.json(&ask("deepseek-flash", PROMPT, &json!({"service_tier": "flex"}))).await;
        assert_eq!((status, whole.get("service_tier")), (200, None));
    }
}

/// A conversation of a long system prompt and a question; the breakpoint is behind the first.
fn long(explicit: bool, breakpoint: bool) -> Value {
    let manual = "A lorry is weighed when it comes and when it goes. ".repeat(400);
    let mut part = json!({"type": "text", "text": manual});
    if breakpoint {
        part["prompt_cache_breakpoint"] = json!({"mode": "explicit", "ttl": "30m"});
    }
    let mut body = json!({"model": "deepseek-flash", "messages": [
        {"role": "system", "content": [part]}, {"role": "user", "content": PROMPT}]});
    if explicit {
        body["prompt_cache_options"] = json!({"mode": "explicit"});
    }
    body
}

async fn remembering(provider: Provider) -> Mock {
    let profile = Profile { prefix_cache: true, cache_block_tokens: 128, cache_tokens_min: 1024, ..Profile::instant() };
    Mock::start(MockConfig { profile, ..MockConfig::instant(provider) }).await
}

async fn usage(mock: &Mock, body: &Value) -> Usage {
    let (status, answer) = mock.json(body).await;
    assert_eq!(status, 200, "{answer}");
    Usage::from_json(&answer["usage"].to_string()).unwrap()
}

#[tokio::test]
async fn what_stands_before_a_breakpoint_is_written_once_and_read_from_then_on() {
    let mock = remembering(Provider::OpenAi).await;
    let first = usage(&mock, &long(true, true)).await;
    let written = first.cache_write.unwrap();
    assert!(written > 1_024 && written < first.prompt, "{first:?}");
    assert_eq!(first.cached, Some(0));
    let mut other = long(true, true);
    other["messages"][1]["content"] = json!("How heavy is it?");
    let second = usage(&mock, &other).await;
    assert!(second.cached.unwrap() > 1_024, "{second:?}");
    assert_eq!(second.cached.unwrap() + second.cache_write.unwrap_or(0), written, "{second:?}");
}

#[tokio::test]
async fn without_a_breakpoint_or_without_asking_nothing_is_written() {
    let mock = remembering(Provider::OpenAi).await;
    for (explicit, breakpoint) in [(true, false), (false, true), (false, false)] {
        assert_eq!(usage(&mock, &long(explicit, breakpoint)).await.cache_write, None);
    }
    // It is in the cache by now, and is not read where nothing is marked.
    assert_eq!(usage(&mock, &long(true, false)).await.cached, Some(0));
    assert!(usage(&mock, &long(false, false)).await.cached.unwrap() > 1_024);
    let deepseek = remembering(Provider::DeepSeek).await;
    assert_eq!(usage(&deepseek, &long(true, true)).await.cache_write, None);
    assert!(usage(&deepseek, &long(true, true)).await.cached.unwrap() > 1_024, "its cache has no switch");
}

#[tokio::test]
async fn responses_tell_cache_writes_in_their_own_words() {
    let mock = remembering(Provider::OpenAi).await;
    let mut body = long(true, true);
    body["messages"][0]["content"][0]["type"] = json!("input_text");
    let body =
        json!({"model": "gpt-5.6-luna", "input": body["messages"], "prompt_cache_options": {"mode": "explicit"}});
    let (_, answer) = mock.post("/v1/responses", &body).await;
    let details = &answer["usage"]["input_tokens_details"];
    assert!(details["cache_write_tokens"].as_u64().unwrap() > 1_024, "{details}");
    assert_eq!(details["cached_tokens"], 0);
}

#[tokio::test]
async fn speech_and_pictures_are_parts_of_the_prompt_and_speech_of_the_answer() {
    let mock = Mock::instant(Provider::OpenAi).await;
    // Two seconds at 16 kHz and 16 bits: 64,000 bytes, whose base64 is a third longer.
    let sound = "A".repeat(64_000 / 3 * 4);
    let parts = json!([{"type": "text", "text": PROMPT},
        {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}]);
    let extra = json!({"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}});
    let mut body = ask("gpt-4o-audio", PROMPT, &extra);
    let plain = usage(&mock, &ask("gpt-4o-audio", PROMPT, &json!({}))).await;
    assert_eq!((plain.prompt_audio, plain.prompt_image, plain.completion_audio), (None, None, None));
    body["messages"][0]["content"] = parts;
    let all = usage(&mock, &body).await;
    assert_eq!((all.prompt_audio, all.prompt_image), (Some(20), Some(85)));
    assert_eq!(all.prompt, plain.prompt + 20 + 85);
    let spoken = all.completion_audio.unwrap();
    assert!(spoken > 0 && spoken <= all.completion, "{all:?}");
    let deepseek = Mock::instant(Provider::DeepSeek).await;
    body["model"] = json!("deepseek-flash");
    let (status, answer) = deepseek.json(&body).await;
    if status == 200 {
        let usage = Usage::from_json(&answer["usage"].to_string()).unwrap();
        assert_eq!((usage.prompt_audio, usage.prompt_image, usage.completion_audio), (None, None, None));
    }
}
