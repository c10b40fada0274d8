//! Tests of the fold.

use super::*;
use crate::error::ErrorKind;
use crate::request::Form;
use proptest::prelude::*;

#[test]
fn an_openai_stream_folds_to_text_usage_and_finish() {
    let mut fold = Fold::new(Endpoint::Chat, 1000);
    let seen: Vec<Seen> = [
        r#"{"model":"gpt-4o","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}],"usage":null}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"Hel\u006co"},"finish_reason":null}],"usage":null}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#,
        "[DONE]",
    ]
    .iter()
    .map(|data| fold.chunk(data))
    .collect();
    assert_eq!(seen, [Seen::Frame, Seen::Content, Seen::Frame, Seen::Frame, Seen::Done]);
    let answer = fold.answer();
    assert_eq!(answer.text, "Hello");
    assert_eq!(answer.usage.unwrap().prompt, 3);
    assert_eq!(answer.finish_reason.as_deref(), Some("stop"));
    assert_eq!(answer.form_failure(Form::Free), None);
    assert!(answer.complete);
}

#[test]
fn a_deepseek_stream_shows_reasoning_before_content() {
    let mut fold = Fold::new(Endpoint::Chat, 1000);
    assert_eq!(
        fold.chunk(r#"{"choices":[{"index":0,"delta":{"content":null,"reasoning_content":"hm"}}]}"#),
        Seen::Reasoning
    );
    assert_eq!(
        fold.chunk(r#"{"choices":[{"index":0,"delta":{"content":"x","reasoning_content":null}}]}"#),
        Seen::Content
    );
    let last = r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":9}}"#;
    assert_eq!(fold.chunk(last), Seen::Frame);
    let answer = fold.answer();
    assert_eq!((answer.reasoning.total(), answer.characters.total(), answer.usage.unwrap().completion), (2, 1, 9));
}

#[test]
fn a_whole_answer_with_a_tool_call_is_not_empty() {
    let mut fold = Fold::new(Endpoint::Chat, 10);
    fold.whole(br#"{"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#);
    let answer = fold.answer();
    assert_eq!((answer.tool_calls, answer.form_failure(Form::Json)), (1, None));
}

#[test]
fn form_failures_have_names() {
    let form = |body: &str, json: bool| {
        let mut fold = Fold::new(Endpoint::Chat, 1000);
        fold.whole(body.as_bytes());
        fold.answer().form_failure(if json { Form::Json } else { Form::Free })
    };
    let of = |text: &str, finish: &str| {
        format!(r#"{{"choices":[{{"index":0,"message":{{"content":{text}}},"finish_reason":"{finish}"}}]}}"#)
    };
    assert_eq!(form(&of("\"x\"", "length"), false), Some("length"));
    assert_eq!(form(&of("\"x\"", "content_filter"), false), Some("content_filter"));
    assert_eq!(form(&of("\"x\"", "insufficient_system_resource"), false), Some("other_finish"));
    assert_eq!(form(&of("\"\"", "stop"), false), Some("empty"));
    assert_eq!(form(&of("\"x\"", "stop"), true), Some("not_json"));
    assert_eq!(form(&of(r#""{\"a\":1}""#, "stop"), true), None);
    assert_eq!(form("{}", false), Some("no_finish"));
}

#[test]
fn text_is_capped_and_counts_go_on() {
    let mut fold = Fold::new(Endpoint::Chat, 4);
    fold.chunk(r#"{"choices":[{"index":0,"delta":{"content":"你好世界"}}]}"#);
    let answer = fold.answer();
    assert_eq!((answer.text.as_str(), answer.truncated, answer.characters.total()), ("你", true, 4));
}

#[test]
fn errors_and_garbage_are_told_apart() {
    let mut fold = Fold::new(Endpoint::Chat, 4);
    assert_eq!(fold.chunk(r#"{"error":{"message":"boom"}}"#), Seen::Error);
    assert_eq!(fold.chunk("{oops"), Seen::Malformed);
    let answer = fold.answer();
    assert_eq!((answer.error.as_deref(), answer.malformed, answer.complete), (Some("boom"), 1, false));
    assert_eq!(answer.fault(), Some(ErrorKind::Server));
    assert_eq!(Fold::new(Endpoint::Chat, 4).answer().fault(), Some(ErrorKind::Truncated));
}

fn streamed(endpoint: Endpoint, chunks: &[&str]) -> (Vec<Seen>, Answer) {
    let mut fold = Fold::new(endpoint, 1000);
    let seen = chunks.iter().map(|data| fold.chunk(data)).collect();
    (seen, fold.answer())
}

#[test]
fn reasoning_and_call_ids_are_kept_for_sending_them_back() {
    let (_, answer) = streamed(
        Endpoint::Chat,
        &[
            r#"{"choices":[{"index":0,"delta":{"reasoning_content":"I "}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"reasoning_content":"think"}},{"index":1,"delta":{"reasoning_content":"no"}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}},{"index":1,"id":"b"}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}"#,
        ],
    );
    assert_eq!((&*answer.reasoning_text, answer.tool_calls, answer.characters.total()), ("I think", 2, 2));
    assert_eq!(answer.tool_call_ids, ["a", "b"]);
}

#[test]
fn reasoning_that_is_too_long_to_send_back_is_not_kept_in_part() {
    let mut fold = Fold::new(Endpoint::Chat, 10);
    let piece = "x".repeat(100 * 1024);
    for _ in 0..4 {
        fold.chunk(&format!(r#"{{"choices":[{{"index":0,"delta":{{"reasoning_content":"{piece}"}}}}]}}"#));
    }
    let answer = fold.answer();
    assert_eq!((answer.reasoning_text.len(), answer.reasoning.total()), (0, 4 * 100 * 1024));
}

#[test]
fn a_tool_call_in_the_text_is_a_leak() {
    let form = |text: &str| {
        let mut fold = Fold::new(Endpoint::Chat, 1000);
        for piece in text.chars().map(String::from).collect::<Vec<_>>().chunks(3) {
            let piece = serde_json::to_string(&piece.concat()).unwrap();
            fold.chunk(&format!(r#"{{"choices":[{{"index":0,"delta":{{"content":{piece}}}}}]}}"#));
        }
        fold.chunk(r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#);
        fold.answer().form_failure(Form::Free)
    };
    assert_eq!(form("Sure. <｜tool▁calls▁begin｜>f"), Some("tool_leak"));
    assert_eq!(form("<|DSML|function_calls>"), Some("tool_leak"));
    assert_eq!(form("a <|b|> c <tool_call>"), None);
}

#[test]
fn an_answer_given_up_is_the_providers_fault() {
    let (_, answer) = streamed(
        Endpoint::Chat,
        &[
            r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"insufficient_system_resource"}]}"#,
            "[DONE]",
        ],
    );
    assert_eq!(answer.fault(), Some(ErrorKind::Overloaded));
}

#[test]
fn functions_of_old_count_as_calls() {
    let (seen, answer) = streamed(
        Endpoint::Chat,
        &[
            r#"{"choices":[{"index":0,"delta":{"function_call":{"name":"f","arguments":""}}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"function_call":{"arguments":"{}"}}}]}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"function_call"}]}"#,
        ],
    );
    assert_eq!((seen[0], answer.tool_calls, answer.form_failure(Form::Free)), (Seen::Content, 1, None));
}

#[test]
fn completions_say_text() {
    let (seen, answer) = streamed(
        Endpoint::Completions,
        &[
            r#"{"model":"m","choices":[{"index":0,"text":"ab","finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"text":"","finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
            "[DONE]",
        ],
    );
    assert_eq!(seen, [Seen::Content, Seen::Frame, Seen::Done]);
    assert_eq!((&*answer.text, answer.form_failure(Form::Free), answer.fault()), ("ab", None, None));
}

#[test]
fn embeddings_and_moderations_need_no_finish() {
    for (endpoint, body, prompt) in [
        (
            Endpoint::Embeddings,
            r#"{"object":"list","data":[{"embedding":[0.1]}],"model":"m","usage":{"prompt_tokens":5,"total_tokens":5}}"#,
            Some((5, 0)),
        ),
        (Endpoint::Moderations, r#"{"id":"modr-1","model":"m","results":[{"flagged":false}]}"#, None),
    ] {
        let mut fold = Fold::new(endpoint, 10);
        fold.whole(body.as_bytes());
        let answer = fold.answer();
        assert_eq!((answer.form_failure(Form::Free), answer.fault(), answer.model.as_deref()), (None, None, Some("m")));
        assert_eq!(answer.usage.map(|usage| (usage.prompt, usage.completion)), prompt);
    }
}

#[test]
fn a_stream_of_responses_folds_like_a_chat() {
    let (seen, answer) = streamed(
        Endpoint::Responses,
        &[
            r#"{"type":"response.created","response":{"id":"resp_1","model":"m","status":"in_progress","usage":null}}"#,
            r#"{"type":"response.output_item.added","item":{"type":"reasoning","id":"rs"}}"#,
            r#"{"type":"response.reasoning_summary_text.delta","delta":"hm"}"#,
            r#"{"type":"response.output_text.delta","delta":"Hel","output_index":1}"#,
            r#"{"type":"response.output_text.delta","delta":"lo"}"#,
            r#"{"type":"response.output_text.done","text":"Hello"}"#,
            r#"{"type":"response.output_item.added","item":{"type":"function_call","call_id":"c1","name":"f","arguments":""}}"#,
            r#"{"type":"response.function_call_arguments.delta","delta":"{}"}"#,
            r#"{"type":"response.completed","response":{"model":"m","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"Hello"}]}],
            "usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":12}}}"#,
        ],
    );
    use Seen::{Content, Done, Frame, Reasoning};
    assert_eq!(seen, [Frame, Frame, Reasoning, Content, Content, Frame, Content, Content, Done]);
    let usage = answer.usage.unwrap();
    assert_eq!((usage.prompt, usage.cached, usage.completion, usage.reasoning), (9, Some(4), 3, Some(1)));
    assert_eq!((&*answer.text, answer.tool_calls, answer.finish_reason.as_deref()), ("Hello", 1, Some("tool_calls")));
    assert_eq!((answer.tool_call_ids, &*answer.reasoning_text, answer.complete), (vec!["c1".to_owned()], "hm", true));
}

#[test]
fn responses_end_in_several_ways() {
    let end = |data: &str| {
        let (seen, answer) = streamed(Endpoint::Responses, &[data]);
        (seen[0], answer.finish_reason.unwrap_or_default(), answer.error, answer.complete)
    };
    let cut = r#"{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#;
    assert_eq!(end(cut), (Seen::Done, "length".into(), None, true));
    let filtered = cut.replace("max_output_tokens", "content_filter");
    assert_eq!(end(&filtered), (Seen::Done, "content_filter".into(), None, true));
    let failed =
        r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"boom"}}}"#;
    assert_eq!(end(failed), (Seen::Error, String::new(), Some("boom".into()), false));
    assert_eq!(end(r#"{"type":"error","code":"x","message":"bang"}"#).2, Some("bang".into()));
    assert_eq!(end("{}").0, Seen::Malformed);
}

#[test]
fn a_whole_response_folds_its_items() {
    let mut fold = Fold::new(Endpoint::Responses, 1000);
    fold.whole(br#"{"id":"resp_1","model":"m","status":"completed","error":null,"output":[
        {"type":"reasoning","summary":[{"type":"summary_text","text":"because"}]},
        {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi","annotations":[]}]},
        {"type":"function_call","call_id":"c","name":"f","arguments":"{}"}],"usage":{"input_tokens":1,"output_tokens":2}}"#);
    let answer = fold.answer();
    assert_eq!((&*answer.text, &*answer.reasoning_text, answer.tool_calls), ("Hi", "because", 1));
    assert_eq!((answer.usage.unwrap().completion, answer.form_failure(Form::Free), answer.fault()), (2, None, None));
}

/// A text cut into pieces of at most so many characters.
fn cut(text: &str, sizes: &[usize]) -> Vec<String> {
    let mut sizes = sizes.iter().copied().cycle();
    let (mut pieces, mut rest) = (Vec::new(), text.chars().peekable());
    while rest.peek().is_some() {
        pieces.push(rest.by_ref().take(sizes.next().unwrap_or(1)).collect());
    }
    pieces
}

fn call_chunk(index: usize, function: &serde_json::Value, id: Option<&str>) -> String {
    let call = serde_json::json!({"index": index, "id": id, "function": function});
    serde_json::json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}).to_string()
}

const ARGUMENTS: [&str; 2] = [r#"{ "city": "Z\u00fcrich 北京", "days": [1, 2.0], "a": {"z": 0, "b": "\""} }"#, "{}"];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn a_streamed_call_in_any_cut_is_the_whole_call(
        sizes in prop::collection::vec(1usize..9, 1..6), mixed in any::<bool>(),
    ) {
        let names = ["weather", "now"];
        let mut fold = Fold::new(Endpoint::Chat, 10);
        let mut waiting: Vec<Vec<String>> = Vec::new();
        for index in 0..2 {
            let first = serde_json::json!({"name": names[index], "arguments": ""});
            let pieces = cut(ARGUMENTS[index], &sizes);
            let pieces = pieces.iter().map(|piece| call_chunk(index, &serde_json::json!({"arguments": piece}), None));
            let first = call_chunk(index, &first, Some(["a", "b"][index]));
            waiting.push(std::iter::once(first).chain(pieces).rev().collect());
        }
        // One after the other, or piece by piece in turn.
        while waiting.iter().any(|chunks| !chunks.is_empty()) {
            for chunks in &mut waiting {
                while let Some(chunk) = chunks.pop() {
                    fold.chunk(&chunk);
                    if mixed {
                        break;
                    }
                }
            }
        }
        let streamed = fold.answer();
        let calls: Vec<_> = (0..2).map(|index| serde_json::json!({"id": "x", "type": "function",
            "function": {"name": names[index], "arguments": ARGUMENTS[index]}})).collect();
        let body = serde_json::json!({"choices": [{"index": 0, "message": {"tool_calls": calls}}]}).to_string();
        let mut fold = Fold::new(Endpoint::Chat, 10);
        fold.whole(body.as_bytes());
        let whole = fold.answer();
        let canonical = Some(r#"[["weather",{"a":{"b":"\"","z":0},"city":"Zürich 北京","days":[1,2]}],["now",{}]]"#.to_owned());
        prop_assert_eq!(streamed.tools.canonical(), canonical.clone());
        prop_assert_eq!(whole.tools.canonical(), canonical);
        prop_assert_eq!((streamed.tool_calls, streamed.characters), (2, whole.characters));
    }
}

#[test]
fn responses_and_functions_of_old_have_the_same_canonical_calls() {
    let expected = Some(r#"[["f",{"a":1}]]"#.to_owned());
    let (_, streamed) = streamed(
        Endpoint::Responses,
        &[
            r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","call_id":"c1","name":"f","arguments":""}}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"{ \"a\""}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":":1 }"}"#,
            r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","call_id":"c1","name":"f","arguments":"{ \"a\":1 }"}}"#,
        ],
    );
    assert_eq!(streamed.tools.canonical(), expected);
    let whole = |endpoint, body: &str| {
        let mut fold = Fold::new(endpoint, 10);
        fold.whole(body.as_bytes());
        fold.answer()
    };
    let item = |item: &str| {
        whole(Endpoint::Responses, &format!(r#"{{"status":"completed","output":[{item}]}}"#)).tools.canonical()
    };
    assert_eq!(item(r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}"}"#), expected);
    let custom = r#"{"type":"custom_tool_call","call_id":"c","name":"f","input":"{\"a\":1}"}"#;
    assert_eq!(item(custom).as_deref(), Some(r#"[["f","{\"a\":1}"]]"#));
    assert_eq!(item(r#"{"type":"computer_call","call_id":"c","action":{}}"#), None, "it cannot be compared");
    let old = r#"{"choices":[{"index":0,"message":{"function_call":{"name":"f","arguments":"{\"a\":1.0}"}}}]}"#;
    assert_eq!(whole(Endpoint::Chat, old).tools.canonical(), expected);
}

#[test]
fn a_demanded_call_has_to_come_and_to_be_json() {
    let form = |message: &str, demanded: Form| {
        let mut fold = Fold::new(Endpoint::Chat, 100);
        let body = format!(r#"{{"choices":[{{"index":0,"message":{message},"finish_reason":"stop"}}]}}"#);
        fold.whole(body.as_bytes());
        fold.answer().form_failure(demanded)
    };
    let call = |arguments: &str| {
        format!(r#"{{"tool_calls":[{{"id":"a","function":{{"name":"f","arguments":"{arguments}"}}}}]}}"#)
    };
    assert_eq!(form(&call("{}"), Form::Call), None);
    assert_eq!(form(&call("{"), Form::Call), Some("tool_not_json"));
    assert_eq!(form(&call("{"), Form::Free), Some("tool_not_json"));
    assert_eq!(form(r#"{"content":"I would rather talk."}"#, Form::Call), Some("no_tool_call"));
    assert_eq!(form(r#"{"content":"I would rather talk."}"#, Form::Free), None);
    assert_eq!(form(r#"{"refusal":"No."}"#, Form::Call), None, "a refusal is counted as one");
}
