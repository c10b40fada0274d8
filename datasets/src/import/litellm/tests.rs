use super::super::testing::{assert_round_trip, body, read};
use super::super::{Field, LogFormat};
use super::FILLS;
use serde_json::{Value, json};
use wire::price::Tier;
use wire::{Endpoint, ErrorKind};

const SPEND: &str = include_str!("../../../tests/import/litellm-spend.jsonl");
const PAYLOAD: &str = include_str!("../../../tests/import/litellm-payload.json");

#[test]
fn spend_logs_give_what_the_client_sent_and_how_it_was_answered() {
    let (format, requests, report) = read(SPEND);
    assert_eq!((format, report.requests, report.skipped, report.passed_over), (LogFormat::LiteLlm, 5, 0, 1));
    let first = &requests[0];
    assert_eq!((first.id.as_str(), first.at_us), ("chatcmpl-9f1", 1_763_800_000_250_000));
    assert_eq!((first.session.as_deref(), first.consumer.as_deref()), (Some("s-1"), Some("shop")));
    assert!(first.body.get().starts_with("{\"model\": \"gpt-4o-mini\", \"stream\": true, \"temperature\": 0.20"));
    let answer = first.recorded.as_ref().unwrap();
    assert_eq!(
        (answer.provider.as_str(), answer.model.as_str(), answer.status),
        ("openai", "gpt-4o-mini-2024-07-18", 200)
    );
    assert_eq!((answer.ttft_us, answer.duration_us, answer.cost_nanos), (Some(400_000), Some(2_000_000), Some(31_500)));
    assert_eq!(
        (answer.answer.as_deref(), answer.finish_reason.as_deref()),
        (Some("It left this morning."), Some("stop"))
    );
    let usage = answer.usage.unwrap();
    assert_eq!((usage.prompt, usage.completion, usage.cached, usage.reasoning), (40, 20, Some(16), Some(4)));
    assert_eq!((usage.cache_write, usage.prompt_audio, usage.prompt_image), (Some(8), Some(5), Some(6)));
    assert_eq!((usage.completion_audio, answer.tier), (Some(3), Tier::Flex));
    let failed = requests[2].recorded.as_ref().unwrap();
    assert_eq!(
        (failed.status, failed.error, failed.usage, failed.cost_nanos),
        (429, Some(ErrorKind::RateLimit), None, None)
    );
    assert_eq!((failed.provider.as_str(), failed.duration_us, failed.ttft_us), ("openai", Some(500_000), None));
    assert_round_trip(&requests);
}

#[test]
fn without_prompts_only_their_length_is_played_and_no_person_is_named() {
    let (_, requests, report) = read(SPEND);
    assert_eq!(report.prompts_made, 2);
    for (index, tokens) in [(1, 800), (4, 9_000)] {
        let body = body(&requests[index]);
        assert_eq!(body["model"], "gpt-4o-mini");
        assert!(body["messages"][0]["content"].as_str().unwrap().len() > tokens);
        assert!(!body.to_string().contains("truncated"));
    }
    let second = requests[1].recorded.as_ref().unwrap();
    assert_eq!((second.answer.as_ref(), second.ttft_us, second.duration_us), (None, None, Some(3_000_000)));
    assert_eq!((second.usage.unwrap().prompt, second.cost_nanos), (800, Some(120_000)));
    // The hash of a key stands for nobody outside.
    let consumer = requests[1].consumer.as_deref().unwrap();
    assert!(consumer.len() == 32 && !consumer.starts_with("88dc"), "{consumer}");
    assert_eq!(requests[1].consumer, requests[2].consumer);
}

#[test]
fn an_answer_from_the_proxys_cache_has_no_times_and_no_cost() {
    let (_, requests, _) = read(SPEND);
    let cached = requests[3].recorded.as_ref().unwrap();
    assert_eq!((cached.ttft_us, cached.duration_us, cached.cost_nanos), (None, None, None));
    assert_eq!(cached.answer.as_deref(), Some("It left this morning."));
}

#[test]
fn the_standard_payload_is_read_too() {
    let (format, requests, report) = read(PAYLOAD);
    assert_eq!((format, report.requests, report.skipped), (LogFormat::LiteLlm, 2, 0), "{:?}", report.skips);
    let first = &requests[0];
    assert_eq!(
        (first.id.as_str(), first.at_us, first.session.as_deref()),
        ("chatcmpl-a1", 1_763_800_000_250_000, Some("trace-1"))
    );
    assert_eq!(
        body(first),
        json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Where is my parcel?"}],
            "temperature": 0.2, "stream": true})
    );
    let answer = first.recorded.as_ref().unwrap();
    assert_eq!((answer.provider.as_str(), answer.ttft_us, answer.cost_nanos), ("openai", Some(400_000), Some(31_500)));
    assert_eq!(answer.tools, [("find_order".to_owned(), json!({"number": 4711}))]);
    assert_eq!((answer.answer.as_ref(), answer.usage.unwrap().completion), (None, 20));
    let second = &requests[1];
    assert_eq!(second.endpoint, Endpoint::Embeddings);
    assert_eq!(body(second), json!({"model": "embed", "input": "a red bicycle", "dimensions": 256}));
    let failed = second.recorded.as_ref().unwrap();
    assert_eq!((failed.status, failed.error, failed.duration_us), (0, Some(ErrorKind::Timeout), Some(60_000_000)));
    assert_round_trip(&requests);
    // In a callback's own object, and one a line.
    let lines: String = serde_json::from_str::<Vec<Value>>(PAYLOAD)
        .unwrap()
        .into_iter()
        .map(|payload| format!("{}\n", json!({"kwargs": 1, "standard_logging_object": payload})))
        .collect();
    let (format, again, _) = read(lines);
    assert_eq!(format, LogFormat::LiteLlm);
    assert_eq!(again[0].recorded, first.recorded);
}

#[test]
fn a_dump_of_the_table_gives_the_same_requests() {
    let rows: Vec<serde_json::Map<String, Value>> =
        SPEND.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&String> = rows[0].keys().collect();
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(&names).unwrap();
    for row in &rows {
        let cell = |name: &&String| match row.get(*name) {
            Some(Value::String(text)) => text.replace('T', if name.ends_with("Time") { " " } else { "T" }),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        table.write_record(names.iter().map(cell)).unwrap();
    }
    let (format, requests, report) = read(table.into_inner().unwrap());
    assert_eq!((format, report.passed_over), (LogFormat::LiteLlm, 1));
    let (_, expected, expected_report) = read(SPEND);
    for (left, right) in requests.iter().zip(&expected) {
        assert_eq!(serde_json::to_value(left).unwrap(), serde_json::to_value(right).unwrap());
    }
    assert_eq!((requests.len(), report.filled), (expected.len(), expected_report.filled));
}

#[test]
fn both_together_fill_what_is_promised() {
    let mut filled: Vec<Field> = [SPEND, PAYLOAD].iter().flat_map(|text| read(text).2.filled.into_keys()).collect();
    filled.sort_unstable();
    filled.dedup();
    assert_eq!(filled, FILLS);
}

#[test]
fn rows_that_are_wrong_name_their_line_and_member() {
    let row =
        |more: &str| format!("{{\"request_id\":\"a\",\"call_type\":\"completion\",\"startTime\":1763800000{more}}}\n");
    let text = [
        row(",\"prompt_tokens\":12"),
        row(",\"prompt_tokens\":\"sk-no\""),
        row(""),
        row(",\"prompt_tokens\":1,\"startTime\":\"sk-no\""),
        row(",\"prompt_tokens\":1e300"),
        row(",\"messages\":\"[{\\\"role\\\"\",\"prompt_tokens\":3"),
    ]
    .concat();
    let (_, requests, report) = read(text);
    assert_eq!((requests.len(), report.skipped), (2, 4), "{:?}", report.skips);
    for (skip, words) in report.skips.iter().zip([
        "line 2: `prompt_tokens` is a text, expected a whole number",
        "line 3: the row has neither the prompt",
        "line 4: `startTime` is a text, expected an instant",
        "line 5: `prompt_tokens` is a number",
    ]) {
        assert!(skip.message.contains(words) && !skip.message.contains("sk-no"), "{}", skip.message);
    }
}
