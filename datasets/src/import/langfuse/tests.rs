use super::super::LogFormat;
use super::super::testing::{assert_round_trip, body, read};
use super::FILLS;
use serde_json::{Value, json};
use wire::ErrorKind;
use wire::price::Tier;

const ANSWER: &str = include_str!("../../../tests/import/langfuse.json");

#[test]
fn generations_are_requests_and_nothing_else_is() {
    let (format, requests, report) = read(ANSWER);
    assert_eq!((format, report.requests, report.skipped, report.passed_over), (LogFormat::Langfuse, 3, 0, 1));
    let first = &requests[0];
    assert_eq!(
        (first.id.as_str(), first.at_us, first.session.as_deref()),
        ("obs-1", 1_763_800_000_250_000, Some("s-1"))
    );
    let consumer = first.consumer.as_deref().unwrap();
    assert!(consumer.len() == 32 && !consumer.contains('@'), "{consumer}");
    assert_eq!(
        body(first),
        json!({"model": "gpt-4o-mini-2024-07-18",
            "messages": [{"role": "system", "content": "You help."}, {"role": "user", "content": "Where is my parcel?"}],
            "temperature": 0.2, "max_tokens": 100, "tools": [{"type": "function", "function": {"name": "find_order"}}]})
    );
    let answer = first.recorded.as_ref().unwrap();
    assert_eq!((answer.provider.as_str(), answer.model.as_str()), ("openai", "gpt-4o-mini-2024-07-18"));
    assert_eq!((answer.status, answer.ttft_us, answer.duration_us), (200, Some(400_000), Some(2_000_000)));
    assert_eq!((answer.cost_nanos, answer.answer.as_deref()), (Some(31_500), Some("It left this morning.")));
    let usage = answer.usage.unwrap();
    assert_eq!((usage.prompt, usage.completion, usage.cached, usage.reasoning), (40, 20, Some(16), Some(4)));
    assert_eq!((usage.cache_write, usage.prompt_audio, usage.prompt_image), (Some(8), Some(5), Some(6)));
    assert_eq!((usage.completion_audio, answer.tier), (Some(3), Tier::Standard));
    assert_eq!(report.filled.keys().copied().collect::<Vec<_>>(), FILLS);
    assert_round_trip(&requests);
}

#[test]
fn failures_and_older_usage_are_read() {
    let (_, requests, _) = read(ANSWER);
    assert_eq!(body(&requests[1])["messages"], json!([{"role": "user", "content": "And mine?"}]));
    assert_eq!(requests[1].session.as_deref(), Some("trace-2"));
    let failed = requests[1].recorded.as_ref().unwrap();
    assert_eq!((failed.status, failed.error), (429, Some(ErrorKind::RateLimit)));
    assert_eq!((failed.duration_us, failed.usage, failed.provider.as_str()), (Some(500_000), None, "unknown"));
    // Its input was cut by the client library.
    assert!(body(&requests[2])["messages"][0]["content"].as_str().unwrap().len() > 900);
    let third = requests[2].recorded.as_ref().unwrap();
    let usage = third.usage.unwrap();
    assert_eq!((usage.prompt, usage.completion, usage.cached), (900, 30, None));
    assert_eq!(third.tier, Tier::Flex);
    assert_eq!((third.cost_nanos, third.finish_reason.as_deref()), (Some(120_000), Some("tool_calls")));
    assert_eq!(third.tools, [("find_order".to_owned(), json!({"number": 4711}))]);
}

#[test]
fn exports_with_underscores_as_lines_and_as_a_table_give_the_same() {
    let (_, expected, _) = read(ANSWER);
    let answer: Value = serde_json::from_str(ANSWER).unwrap();
    let rows: Vec<serde_json::Map<String, Value>> =
        answer["data"].as_array().unwrap().iter().map(|row| underscored(row.as_object().unwrap())).collect();
    let lines: String = rows.iter().map(|row| format!("{}\n", Value::Object(row.clone()))).collect();
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut names: Vec<&String> = rows.iter().flat_map(|row| row.keys()).collect();
    names.sort();
    names.dedup();
    table.write_record(&names).unwrap();
    for row in &rows {
        let cell = |name: &&String| match row.get(*name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        table.write_record(names.iter().map(cell)).unwrap();
    }
    for text in [lines.into_bytes(), table.into_inner().unwrap()] {
        let (format, requests, report) = read(text);
        assert_eq!((format, requests.len(), report.skipped), (LogFormat::Langfuse, 3, 0), "{:?}", report.skips);
        for (left, right) in requests.iter().zip(&expected) {
            assert_eq!(serde_json::to_value(left).unwrap(), serde_json::to_value(right).unwrap());
        }
    }
}

/// As exports name them: words with underscores, the model as it was told, times without a zone.
fn underscored(row: &serde_json::Map<String, Value>) -> serde_json::Map<String, Value> {
    let mut renamed = serde_json::Map::new();
    for (name, value) in row {
        let mut other = String::new();
        for letter in name.chars() {
            if letter.is_ascii_uppercase() {
                other.push('_');
            }
            other.push(letter.to_ascii_lowercase());
        }
        let value = match value {
            Value::String(text) if name.ends_with("Time") => Value::from(text.replace('T', " ").replace('Z', "000")),
            other => other.clone(),
        };
        renamed.insert(if other == "model" { "provided_model_name".to_owned() } else { other }, value);
    }
    renamed
}

#[test]
fn kinds_of_tokens_that_overlap_are_not_added() {
    let row = |usage: &str| {
        let text = format!(
            "{{\"id\":\"a\",\"traceId\":\"t\",\"type\":\"GENERATION\",\"startTime\":\"2025-11-22T08:26:40Z\",\
             \"model\":\"m\",\"input\":\"hi\",\"usageDetails\":{usage}}}\n"
        );
        let usage = read(text).1[0].recorded.as_ref().unwrap().usage;
        usage.map(|usage| (usage.prompt, usage.completion, usage.cached))
    };
    assert_eq!(row(r#"{"input":40,"input_cached_tokens":16,"output":20,"total":60}"#), Some((40, 20, Some(16))));
    assert_eq!(row(r#"{"input":24,"cache_read_input_tokens":16,"output":20,"total":60}"#), Some((40, 20, Some(16))));
    assert_eq!(row(r#"{"input":40,"output":20}"#), Some((40, 20, None)));
    assert_eq!(row(r#"{"total":60}"#), None);
}

#[test]
fn rows_that_are_wrong_name_their_line_and_member() {
    let row = |more: &str| {
        format!("{{\"traceId\":\"t\",\"type\":\"GENERATION\",\"startTime\":\"2025-11-22T08:26:40Z\"{more}}}\n")
    };
    let text = [
        row(",\"input\":\"hi\""),
        row(",\"input\":[{\"x\":\"sk-no\"}]"),
        row(",\"input\":\"hi\",\"startTime\":\"sk-no\""),
        row(",\"input\":\"hi\",\"totalCost\":\"sk-no\""),
        "{\"traceId\":\n".to_owned(),
        row(",\"input\":\"hi\",\"type\":{}"),
    ]
    .concat();
    let (_, requests, report) = read(text);
    assert_eq!((requests.len(), report.skipped), (1, 5), "{:?}", report.skips);
    for (skip, words) in report.skips.iter().zip([
        "line 2: `input` is a list, expected messages or a text",
        "line 3: `startTime` is a text",
        "line 4: `totalCost` is a text",
        "line 5: expected a JSON object",
        "line 6: `type` is an object",
    ]) {
        assert!(skip.message.contains(words) && !skip.message.contains("sk-no"), "{}", skip.message);
    }
}
