use super::super::testing::{assert_round_trip, body, read};
use super::super::{Field, LogFormat};
use super::FILLS;
use crate::import::input::Input;
use crate::import::otlp::spans::Spans;
use serde_json::{Value, json};
use wire::price::Tier;
use wire::{Endpoint, ErrorKind};

const DOCUMENT: &str = include_str!("../../../tests/import/otlp.json");

#[test]
fn an_inference_gives_what_was_asked_and_answered() {
    let (format, requests, report) = read(DOCUMENT);
    assert_eq!((format, report.requests, report.skipped), (LogFormat::Otlp, 4, 0), "{:?}", report.skips);
    // The framework's span around the call, and the tool.
    assert_eq!(report.passed_over, 2);
    let first = &requests[0];
    assert_eq!((first.id.as_str(), first.at_us), ("eee19b7ec3c1b174", 1_763_800_000_250_000));
    assert_eq!((first.session.as_deref(), first.consumer.as_deref()), (Some("s-1"), Some("shop")));
    assert_eq!(
        body(first),
        json!({"model": "gpt-4o-mini", "messages": [
            {"role": "system", "content": "You help."},
            {"role": "user", "content": "Where is my parcel?"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "find_order", "arguments": "{\"number\":4711}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "left"}],
            "temperature": 0.2, "max_tokens": 100, "stop": ["END"], "stream": true,
            "tools": [{"type": "function", "function": {"name": "find_order", "parameters": {"type": "object"}}}]})
    );
    let answer = first.recorded.as_ref().unwrap();
    assert_eq!((answer.provider.as_str(), answer.model.as_str()), ("openai", "gpt-4o-mini-2024-07-18"));
    assert_eq!((answer.status, answer.ttft_us, answer.duration_us), (200, Some(400_000), Some(2_000_000)));
    assert_eq!((answer.cost_nanos, answer.finish_reason.as_deref()), (Some(31_500), Some("stop")));
    assert_eq!((answer.answer.as_deref(), answer.error), (Some("It left this morning."), None));
    let usage = answer.usage.unwrap();
    assert_eq!((usage.prompt, usage.completion, usage.cached, usage.reasoning), (40, 20, Some(16), Some(4)));
    assert_eq!((usage.cache_write, answer.tier), (Some(8), Tier::Flex));
    assert_eq!(report.filled.keys().copied().collect::<Vec<_>>(), FILLS);
    assert_round_trip(&requests);
}

#[test]
fn older_names_numbered_attributes_and_events_are_read() {
    let (_, requests, report) = read(DOCUMENT);
    let numbered = &requests[1];
    assert_eq!(body(numbered)["messages"], json!([{"role": "user", "content": "And mine?"}]));
    assert_eq!(body(numbered)["tools"][0]["function"], json!({"name": "find_order", "parameters": {"type": "object"}}));
    assert_eq!(numbered.session.as_deref(), Some("5b8efff798038103d269b633813fc60d"));
    assert_eq!(numbered.consumer.as_ref().unwrap().len(), 32, "a digest of the user, not the made-up service");
    let answer = numbered.recorded.as_ref().unwrap();
    assert_eq!((answer.answer.as_ref(), answer.usage.unwrap().prompt), (None, 12));
    assert_eq!(answer.tools, [("find_order".to_owned(), json!({"number": 4712}))]);
    assert_eq!(answer.finish_reason.as_deref(), Some("tool_calls"));
    let evented = &requests[2];
    let messages = json!([{"role": "system", "content": "You help."}, {"content": "Hello?", "role": "user"}]);
    assert_eq!(body(evented)["messages"], messages);
    let failed = evented.recorded.as_ref().unwrap();
    assert_eq!((failed.status, failed.error), (429, Some(ErrorKind::RateLimit)));
    // A file that a chat cannot carry.
    assert_eq!(report.filled[&Field::PromptLength], 1);
    assert!(body(&requests[3])["messages"][0]["content"].as_str().unwrap().len() > 900);
}

#[test]
fn lines_lists_and_answers_of_a_trace_store_give_the_same() {
    let (_, expected, _) = read(DOCUMENT);
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let elements = document["resourceSpans"].as_array().unwrap();
    let lines: String = elements.iter().map(|element| format!("{}\n", json!({"resourceSpans": [element]}))).collect();
    let old = json!({"batches": elements}).to_string().replace("scopeSpans", "instrumentationLibrarySpans");
    for text in [lines, document.to_string(), json!([document]).to_string(), old] {
        let (format, requests, report) = read(&text);
        assert_eq!((format, report.skipped, requests.len()), (LogFormat::Otlp, 0, expected.len()), "{text}");
        for (left, right) in requests.iter().zip(&expected) {
            assert_eq!(serde_json::to_value(left).unwrap(), serde_json::to_value(right).unwrap());
        }
    }
}

fn span(attributes: &Value, more: &str) -> String {
    let list: Vec<Value> = attributes
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
        .collect();
    format!(
        "{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{{\"spanId\":\"a\",\"startTimeUnixNano\":\"1763800000250000000\",\
         \"attributes\":{}{more}}}]}}]}}]}}\n",
        Value::Array(list)
    )
}

#[test]
fn completions_are_told_from_chats_and_producers_are_no_calls() {
    let completion = json!({"gen_ai.operation.name": "text_completion", "gen_ai.request.model": "m",
        "gen_ai.input.messages": "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"Once\"}]}]"});
    let embeddings = json!({"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "m"});
    let text =
        [span(&completion, ""), span(&embeddings, ""), span(&completion, ",\"kind\":\"SPAN_KIND_PRODUCER\"")].concat();
    let (_, requests, report) = read(text);
    assert_eq!((requests.len(), report.skipped, report.passed_over), (1, 0, 2));
    assert_eq!((requests[0].endpoint, body(&requests[0])["prompt"].clone()), (Endpoint::Completions, json!("Once")));
}

#[test]
fn rows_that_are_wrong_name_their_line_and_member() {
    let chat = json!({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": "12"});
    let bare = json!({"gen_ai.operation.name": "chat"});
    let text = [
        span(&chat, ""),
        span(&bare, ""),
        span(&chat, ",\"endTimeUnixNano\":\"sk-no\""),
        "{\"resourceSpans\":\n".to_owned(),
        "{\"resourceSpans\":[{\"scopeSpans\":{}}]}\n".to_owned(),
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[7]}]}]}\n".to_owned(),
        span(&chat, ""),
    ]
    .concat();
    let (_, requests, report) = read(text);
    assert_eq!((requests.len(), report.skipped), (2, 5), "{:?}", report.skips);
    for (skip, words) in report.skips.iter().zip([
        "line 2: the span has neither `gen_ai.input.messages`",
        "line 3: `endTimeUnixNano` is a text",
        "line 4: expected a JSON object",
        "line 5: `scopeSpans` is an object, expected a list",
        "line 6: expected a JSON object",
    ]) {
        assert!(skip.message.contains(words) && !skip.message.contains("sk-no"), "{}", skip.message);
    }
    // In a pretty document the line of the span counts.
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&span(&bare, "")).unwrap()).unwrap();
    let (_, _, report) = read(pretty);
    assert!(report.skips[0].message.contains("line 7: the span has"), "{:?}", report.skips);
}
#[test]
fn each_span_of_a_long_element_knows_its_line_and_shares_the_name_of_its_service() {
    let span = r#"{"spanId":"s","attributes":{"gen_ai.operation.name":"chat","gen_ai.request.model":"m"}}"#;
    let name = "s".repeat(1_000_000);
    let element = |count: usize| {
        let service = format!(r#"{{"attributes":{{"service.name":"{name}"}}}}"#);
        format!(r#"{{"resource":{service},"scopeSpans":[{{"spans":[{}]}}]}}"#, vec![span; count].join(",\n"))
    };
    let document = format!("{{\"resourceSpans\":[{},\n\n{}]}}", element(300), element(2));
    let input = Input::unpack("log".as_ref(), Box::new(std::io::Cursor::new(document))).unwrap();
    let mut spans = Spans::new(vec![input]);
    let mut found = Vec::new();
    while let Some(span) = spans.next_span().unwrap() {
        found.push(span);
    }
    let lines: Vec<u64> = found.iter().map(|span| span.place.line).collect();
    assert_eq!(lines, (1..=300).chain([302, 303]).collect::<Vec<u64>>());
    let names: Vec<_> = found.iter().map(|span| span.service.clone().unwrap()).collect();
    assert!(names[..300].iter().all(|name| std::sync::Arc::ptr_eq(name, &names[0])), "300 copies of a long name");
    assert_eq!(&*names[301], name);
}
