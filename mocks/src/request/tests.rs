use serde_json::json;

use super::*;

fn read(body: &Value) -> ChatRequest {
    ChatRequest::read(body).unwrap()
}

#[test]
fn the_prompt_is_the_last_user_text_in_either_form() {
    let request = read(&json!({"model": "m", "messages": [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "answer"},
        {"role": "user", "content": [{"type": "text", "text": "second"}, {"type": "image_url", "image_url": {"url": "x"}},
                                     {"type": "text", "text": "part"}]},
    ]}));
    assert_eq!(request.prompt(), "second\npart");
    assert!(!request.has_tool_result());
}

#[test]
fn a_tool_result_counts_only_after_the_last_question() {
    let turn = |last: &str| {
        read(&json!({"model": "m", "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": null, "tool_calls": [{}]},
            {"role": "tool", "tool_call_id": "1", "content": "r"},
            {"role": last, "content": "x"},
        ]}))
        .has_tool_result()
    };
    assert!(turn("assistant"));
    assert!(!turn("user"));
}

#[test]
fn defaults_follow_the_vendors() {
    let request = read(&json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "n": null}));
    assert!(!request.stream && !request.include_usage && request.include_obfuscation);
    assert_eq!((request.n, request.thinking, &request.format), (1, None, &Format::Text));
    assert_eq!(request.tool_choice, ToolChoice::Absent);
}

#[test]
fn faults_name_the_field() {
    let user = json!([{"role": "user", "content": "x"}]);
    for (body, field, missing) in [
        (json!([]), "the body", false),
        (json!({"messages": user}), "model", true),
        (json!({"model": 3, "messages": user}), "model", false),
        (json!({"model": "m"}), "messages", true),
        (json!({"model": "m", "messages": []}), "messages", false),
        (json!({"model": "m", "messages": [{"content": "x"}]}), "messages[0].role", true),
        (json!({"model": "m", "messages": [{"role": "user", "content": 4}]}), "messages[0].content", false),
        (json!({"model": "m", "messages": user, "max_tokens": -1}), "max_tokens", false),
        (json!({"model": "m", "messages": user, "stream": "yes"}), "stream", false),
        (json!({"model": "m", "messages": user, "tool_choice": {"type": "function"}}), "tool_choice", false),
        (json!({"model": "m", "messages": user, "response_format": {"type": "xml"}}), "response_format.type", false),
        (json!({"model": "m", "messages": user, "thinking": true}), "thinking.type", false),
    ] {
        let fault = ChatRequest::read(&body).unwrap_err();
        assert_eq!((fault.field.as_str(), fault.missing), (field, missing), "{body}");
    }
}
