use super::super::LogFormat;
use super::super::testing::endure;
use super::super::trial::{fills_only_what_it_says, import, round_trip, skips};
use super::*;
use proptest::prelude::*;
use serde_json::json;

const ASKED: &str = r#"{ "model":"gpt-4o", "messages":[{"role":"user","content":"Hi \u2028"}], "stream":true }"#;
const STREAM: &str = concat!(
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hel\"},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"fast\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11,\"prompt_tokens_details\":{\"cached_tokens\":4,\"cache_write_tokens\":2,\"image_tokens\":1},\"completion_tokens_details\":{\"reasoning_tokens\":1}}}\n\n",
    "data: [DONE]\n\n",
);

fn call(response: &Value) -> Value {
    json!({
        "startedDateTime": "2026-11-20T10:00:00.250Z", "time": 9999,
        "request": {
            "method": "POST", "url": "https://api.openai.com/v1/chat/completions?x=1", "httpVersion": "h2",
            "headers": [{"name": "Authorization", "value": "Bearer sk-very-secret"}, {"name": "X-Session-Id", "value": "anna-7"}],
            "postData": {"mimeType": "application/json", "text": ASKED}
        },
        "response": response,
        "timings": {"blocked": 100, "dns": -1, "connect": 50, "send": 0.5, "wait": 400, "receive": 800}
    })
}

fn archive(entries: &[Value]) -> String {
    serde_json::to_string_pretty(
        &json!({"log": {"version": "1.2", "creator": {"name": "x"}, "pages": [], "entries": entries}}),
    )
    .unwrap()
}

fn streamed() -> Value {
    json!({"status": 200, "headers": [{"name": "x-request-id", "value": "req_1"}],
        "content": {"mimeType": "text/event-stream", "size": 9, "text": STREAM}})
}

fn log() -> String {
    let body = json!({"id": "c", "object": "chat.completion", "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": null,
            "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
            "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}});
    let whole = json!({"status": 200, "headers": [],
        "content": {"text": STANDARD.encode(body.to_string()), "encoding": "base64"}});
    let limited = json!({"status": 429, "headers": [],
        "content": {"text": "{\"error\":{\"message\":\"no\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}"}});
    let mut unanswered = call(&json!({"status": 0, "headers": [], "content": {}, "_error": "net::ERR_ABORTED"}));
    unanswered["timings"] = json!({"send": -1, "wait": -1, "receive": -1});
    unanswered["request"]["url"] =
        json!("https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=1");
    let page = json!({"startedDateTime": "2026-11-20T10:00:01Z", "request": {"method": "GET", "url": "https://x/v1/chat/completions"}});
    let models = json!({"request": {"method": "POST", "url": "https://x/v1/images/generations"}});
    archive(&[call(&streamed()), page, call(&whole), models, call(&limited), unanswered])
}

#[test]
fn streamed_and_whole_answers_come_in_with_all_that_the_archive_tells() {
    let outcome = import(log());
    assert_eq!((outcome.format, outcome.untimed), (LogFormat::Har, false));
    assert_eq!((outcome.report.skipped, outcome.report.passed_over), (0, 2));
    let [stream, whole, limited, unanswered] = &outcome.requests[..] else { panic!("{:?}", outcome.report) };
    assert_eq!((stream.id.as_str(), stream.at_us, stream.body.get()), ("req_1", 1_795_168_800_250_000, ASKED));
    let recorded = stream.recorded.as_ref().unwrap();
    assert_eq!((recorded.provider.as_str(), recorded.model.as_str()), ("openai", "gpt-4o-2024-08-06"));
    assert_eq!((recorded.status, recorded.error, recorded.ttft_us), (200, None, None));
    assert_eq!((recorded.duration_us, recorded.answer.as_deref()), (Some(1_200_500), Some("Hello")));
    assert_eq!(recorded.finish_reason.as_deref(), Some("stop"));
    let usage = recorded.usage.unwrap();
    assert_eq!((usage.prompt, usage.completion, usage.cached, usage.reasoning), (9, 2, Some(4), Some(1)));
    assert_eq!((usage.cache_write, usage.prompt_image, recorded.tier), (Some(2), Some(1), wire::price::Tier::Priority));
    let recorded = whole.recorded.as_ref().unwrap();
    assert_eq!((recorded.tools.clone(), recorded.answer.clone()), (vec![("f".to_owned(), json!({"a": 1}))], None));
    let recorded = limited.recorded.as_ref().unwrap();
    assert_eq!((recorded.status, recorded.error), (429, Some(ErrorKind::Quota)));
    let recorded = unanswered.recorded.as_ref().unwrap();
    assert_eq!(
        (recorded.status, recorded.error, recorded.provider.as_str()),
        (0, Some(ErrorKind::ClientCancelled), "azure")
    );
    assert_eq!(recorded.duration_us, Some(9_999_000));
    fills_only_what_it_says(&outcome);
    round_trip(&outcome);
}

#[test]
fn keys_and_sessions_are_digests_and_nothing_else_of_them_is_kept() {
    let outcome = import(log());
    let (first, third) = (&outcome.requests[0], &outcome.requests[2]);
    let consumer = first.consumer.as_deref().unwrap();
    assert_eq!((consumer.len(), first.consumer.as_ref()), (32, third.consumer.as_ref()));
    assert_eq!(first.session.as_deref().unwrap().len(), 32);
    for request in &outcome.requests {
        let text = serde_json::to_string(request).unwrap();
        assert!(!text.contains("secret") && !text.contains("anna"), "{text}");
    }
}

#[test]
fn an_answer_whose_text_was_not_saved_has_status_and_duration_only() {
    let outcome =
        import(archive(&[call(&json!({"status": 200, "content": {"size": 900}})), call(&json!({"status": 503}))]));
    let [saved, overloaded] = &outcome.requests[..] else { panic!("{:?}", outcome.report) };
    let recorded = saved.recorded.as_ref().unwrap();
    assert_eq!((recorded.status, recorded.error, recorded.answer.as_ref()), (200, None, None));
    assert_eq!((recorded.model.as_str(), recorded.duration_us), ("gpt-4o", Some(1_200_500)));
    assert_eq!(overloaded.recorded.as_ref().unwrap().error, Some(ErrorKind::Overloaded));
}

#[test]
fn entries_that_cannot_be_used_are_told_without_their_content() {
    let mut bodiless = call(&streamed());
    bodiless["request"]["postData"] = json!({"params": []});
    let mut cut = call(&streamed());
    cut["request"]["postData"]["text"] = json!("{\"model\":\"gpt-4o\",\"mess");
    let mut list = call(&streamed());
    list["request"]["postData"]["text"] = json!("[1]");
    let mut late = call(&streamed());
    late["startedDateTime"] = json!("sk-yesterday");
    let outcome = import(archive(&[call(&streamed()), bodiless, json!({"request": "sk-x"}), cut, list, late]));
    let skips = skips(&outcome);
    assert_eq!((outcome.requests.len(), skips.len()), (1, 5), "{skips:?}");
    for (skip, words) in
        skips.iter().zip(["postData.text", "none of HAR 1.2", "no JSON object", "no JSON object", "startedDateTime"])
    {
        assert!(skip.contains(words) && skip.contains("line ") && !skip.contains("sk-"), "{skip}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_hang_or_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60), at in 0_usize..9_000, whole in any::<bool>()) {
        if whole {
            let mut log = log().into_bytes();
            let end = (at + bytes.len()).min(log.len());
            log.splice(at.min(end)..end, bytes);
            bytes = log;
        }
        endure(LogFormat::Har, &bytes);
    }
}
