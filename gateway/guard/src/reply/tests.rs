use super::*;
use crate::policy::tests::policy;
use crate::texts::of_event;
use crate::verdict::{Category, Level};
use wire::sse::{Decoder, Frame};

const ID: &str = "0123456789abcdefghijABCDEFGHI";

fn refused(endpoint: Endpoint, policy: &Policy, take: impl FnOnce(&Refusal<'_>)) {
    let decision = Decision { categories: [(Category::PromptAttack, Level::High)].into(), ..Decision::default() };
    let refusal = Refusal { endpoint, policy, decision: &decision, id: ID, request: "pair", created: 1_700_000_000 };
    take(&refusal);
}

fn events(bytes: Vec<u8>) -> Vec<String> {
    let mut decoder = Decoder::new();
    decoder.push(bytes.into());
    let frames: Vec<Frame> = std::iter::from_fn(|| decoder.next_frame()).collect();
    assert_eq!(decoder.pending_bytes(), 0, "whole frames only");
    frames.iter().filter_map(Frame::data).map(str::to_owned).collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_whole_answer_is_the_seeds() {
    refused(Endpoint::Chat, &policy(), |refusal| {
        let expected = format!(
            r#"{{"id":"chatcmpl-{ID}","object":"chat.completion","created":1700000000,"model":"from-security-guard","choices":[{{"index":0,"message":{{"role":"assistant","content":"no"}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}}}"#
        );
        assert_eq!(refusal.whole(), expected);
    });
}

#[test]
fn the_stream_is_the_seeds() {
    refused(Endpoint::Chat, &policy(), |refusal| {
        let events = events(refusal.stream(&Shape::default(), false));
        let head = format!(
            r#"{{"id":"chatcmpl-{ID}","object":"chat.completion.chunk","created":1700000000,"model":"from-security-guard","choices":[{{"index":0,"delta":"#
        );
        assert_eq!(
            events,
            [
                format!(r#"{head}{{"role":"assistant","content":"no"}},"logprobs":null,"finish_reason":null}}]}}"#),
                format!(
                    r#"{head}{{}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}}}"#
                ),
                "[DONE]".to_owned()
            ]
        );
    });
}

#[test]
fn a_stream_that_has_begun_ends_for_every_open_choice() {
    let mut shape = Shape::default();
    for chunk in [
        r#"{"id":"chatcmpl-real","created":7,"choices":[{"index":0,"delta":{"role":"assistant"}},{"index":1,"delta":{}},{"index":2,"delta":{}}]}"#,
        r#"{"id":"chatcmpl-real","created":7,"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#,
    ] {
        shape.sees(&of_event(Endpoint::Chat, chunk));
    }
    let policy = Policy { finish: Finish::ContentFilter, ..policy() };
    refused(Endpoint::Chat, &policy, |refusal| {
        for wants_usage in [false, true] {
            let events = events(refusal.stream(&shape, wants_usage));
            let chunks: Vec<Value> = events[..4].iter().map(|event| json(event)).collect();
            let seen = |chunk: &Value| {
                (
                    chunk["choices"][0]["index"].as_u64().unwrap(),
                    chunk["choices"][0]["finish_reason"].as_str().map(str::to_owned),
                )
            };
            let filtered = || Some("content_filter".to_owned());
            assert_eq!(
                chunks.iter().map(seen).collect::<Vec<_>>(),
                [(0, None), (2, None), (0, filtered()), (2, filtered())]
            );
            assert!(chunks.iter().all(|chunk| chunk["id"] == "chatcmpl-real" && chunk["created"] == 7));
            assert_eq!(chunks[0]["choices"][0]["delta"], serde_json::json!({"content": "no"}));
            assert_eq!(chunks[3].get("usage").is_some(), wants_usage);
            assert_eq!((events.len(), events[4].as_str()), (5, "[DONE]"));
        }
    });
}

#[test]
fn completions_have_their_own_words() {
    refused(Endpoint::Completions, &policy(), |refusal| {
        let whole = json(&refusal.whole());
        assert_eq!((&whole["object"], &whole["choices"][0]["text"]), (&"text_completion".into(), &"no".into()));
        let events = events(refusal.stream(&Shape::default(), false));
        assert_eq!(json(&events[0])["choices"][0]["text"], "no");
        assert_eq!(json(&events[1])["choices"][0]["finish_reason"], "stop");
        assert_eq!(events[2], "[DONE]");
    });
}

#[test]
fn responses_have_their_own_events() {
    refused(Endpoint::Responses, &policy(), |refusal| {
        let whole = json(&refusal.whole());
        assert_eq!((&whole["status"], &whole["model"]), (&"completed".into(), &MODEL.into()));
        assert_eq!(whole["output"][0]["content"][0]["text"], "no");
        let events: Vec<Value> =
            events(refusal.stream(&Shape::default(), false)).iter().map(|event| json(event)).collect();
        let names: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!((names[0], names[8], names.len()), ("response.created", "response.completed", 9));
        assert!(events.iter().zip(0..).all(|(event, number)| event["sequence_number"] == number));
        // One that has begun goes on counting, in an item of its own.
        let mut shape = Shape::default();
        for event in [
            r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_real","created_at":7,"output":[]}}"#,
            r#"{"type":"response.output_item.added","sequence_number":5,"output_index":0,"item":{"id":"m","type":"message","status":"in_progress","content":[]}}"#,
        ] {
            shape.sees(&of_event(Endpoint::Responses, event));
        }
        let events: Vec<Value> = self::events(refusal.stream(&shape, false)).iter().map(|event| json(event)).collect();
        let kinds: Vec<&str> = events.iter().take(2).map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!((events.len(), &kinds[..]), (8, &["response.output_item.done", "response.output_item.added"][..]));
        assert_eq!((&events[0]["item"]["id"], &events[0]["item"]["status"]), (&"m".into(), &"incomplete".into()));
        assert_eq!((&events[1]["sequence_number"], &events[1]["output_index"]), (&7.into(), &1.into()));
        assert_eq!(events[7]["response"]["id"], "resp_real");
    });
}

#[test]
fn the_other_forms() {
    let with = |answer| Policy { answer, ..policy() };
    refused(Endpoint::Chat, &with(AnswerForm::Json), |refusal| {
        let text = json(&refusal.whole())["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
        let said = json(&text);
        assert_eq!(said["blockedDetails"], serde_json::json!([{"type": "promptAttack", "level": "high"}]));
        assert_eq!(
            (&said["requestId"], &said["code"], &said["denyMessage"]),
            (&"pair".into(), &200.into(), &"no".into())
        );
    });
    refused(Endpoint::Chat, &with(AnswerForm::Error), |refusal| {
        assert!(refusal.is_error());
        assert_eq!(json(&refusal.error())["error"]["code"], "content_filter");
        assert_eq!(events(refusal.stream(&Shape::default(), true)), [refusal.error()]);
    });
    refused(Endpoint::Embeddings, &policy(), |refusal| assert!(refusal.is_error()));
}
