//! Answers as the client sees them.

use super::*;

const PLAIN: View<'_> = View { wants_usage: false, model: None, reasoning: false };
const USAGE: View<'_> = View { wants_usage: true, ..PLAIN };

fn edit(data: &str, view: &View<'_>) -> Vec<String> {
    match DeepSeek.edit(Endpoint::Chat, data, view) {
        Edit::Keep => vec![data.to_owned()],
        Edit::Drop => Vec::new(),
        Edit::Replace(events) => events,
    }
}

#[test]
fn usage_takes_the_shape_that_the_client_asked_for() {
    let finish = r#"{"id":"u","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    assert_eq!(
        edit(finish, &USAGE),
        [
            r#"{"id":"chatcmpl-u","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":null}"#,
            r#"{"id":"chatcmpl-u","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
        ]
    );
    assert_eq!(
        edit(finish, &PLAIN),
        [r#"{"id":"chatcmpl-u","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}]}"#]
    );
    let separate = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    assert_eq!(edit(separate, &PLAIN), [""; 0]);
    assert_eq!(edit(separate, &USAGE), [separate]);
    let silent = r#"{"choices":[{"index":0,"delta":{"content":"\"usage\""}}],"usage":null}"#;
    assert_eq!(edit(silent, &PLAIN), [r#"{"choices":[{"index":0,"delta":{"content":"\"usage\""}}]}"#]);
    assert_eq!(edit(silent, &USAGE), [silent]);
}

#[test]
fn reasoning_ids_and_names_are_shown_as_the_view_says() {
    let chunk = r#"{"id":"1-2","model":"deepseek-flash","choices":[{"index":0,"delta":{"content":null,"reasoning_content":"hm"},"logprobs":{"content":null,"reasoning_content":[]},"finish_reason":null}]}"#;
    let view = View { model: Some("gpt-\"4o"), ..PLAIN };
    assert_eq!(
        edit(chunk, &view),
        [
            r#"{"id":"chatcmpl-1-2","model":"gpt-\"4o","choices":[{"index":0,"delta":{"content":null},"logprobs":{"content":null},"finish_reason":null}]}"#
        ]
    );
    let seen = edit(chunk, &View { reasoning: true, ..PLAIN });
    assert!(seen[0].contains(r#""reasoning_content":"hm""#) && seen[0].contains("chatcmpl-1-2"));
}

#[test]
fn an_answer_given_up_is_an_error_event() {
    for reason in ["insufficient_system_resource", "aborted"] {
        let chunk = format!(r#"{{"id":"u","choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#);
        let events = edit(&chunk, &PLAIN);
        let event: Value = serde_json::from_str(&events[0]).unwrap();
        assert_eq!((events.len(), &event["error"]["code"]), (1, &Value::from("server_is_overloaded")));
    }
    let events = edit(r#"{"error":{"message":"Content Exists Risk","type":"x","code":"y"}}"#, &PLAIN);
    assert_eq!(serde_json::from_str::<Value>(&events[0]).unwrap()["error"]["code"], "content_filter");
}

#[test]
fn what_is_no_chunk_passes() {
    for data in ["[DONE]", "{oops", r#"{"x":1}"#, r#"{"choices":7}"#] {
        assert_eq!(DeepSeek.edit(Endpoint::Chat, data, &PLAIN), Edit::Keep, "{data}");
    }
}

#[test]
fn a_whole_answer_loses_what_openai_does_not_know() {
    let body = br#"

{"id":"u","model":"deepseek-flash","choices":[{"index":0,"message":{"role":"assistant","content":"a","reasoning_content":"r"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"prompt_cache_hit_tokens":2,"prompt_cache_miss_tokens":1}}"#;
    let view = View { model: Some("gpt-4o"), ..PLAIN };
    let edited = DeepSeek.edit_whole(Endpoint::Chat, body, &view).unwrap().unwrap();
    assert_eq!(
        String::from_utf8(edited).unwrap(),
        r#"{"id":"chatcmpl-u","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens_details":{"cached_tokens":2},"prompt_tokens":3,"completion_tokens":1,"prompt_cache_hit_tokens":2,"prompt_cache_miss_tokens":1}}"#
    );
    let ready = br#"{"id":"chatcmpl-u","choices":[]}"#;
    assert_eq!(DeepSeek.edit_whole(Endpoint::Chat, ready, &PLAIN).unwrap(), None);
}

#[test]
fn responses_keep_their_own_ids_and_get_the_name() {
    let event = r#"{"type":"response.created","response":{"id":"resp_1","model":"deepseek-flash"}}"#;
    assert_eq!(DeepSeek.edit(Endpoint::Responses, event, &PLAIN), Edit::Keep);
    let view = View { model: Some("gpt-4o"), ..PLAIN };
    assert_eq!(
        DeepSeek.edit(Endpoint::Responses, event, &view),
        Edit::Replace(vec![r#"{"type":"response.created","response":{"id":"resp_1","model":"gpt-4o"}}"#.into()])
    );
    let whole = br#"{"id":"resp_1","model":"deepseek-flash","output":[]}"#;
    assert_eq!(DeepSeek.edit_whole(Endpoint::Responses, whole, &PLAIN).unwrap(), None);
}
