//! What holds for all formats of rows: each file is told for what it is, no bytes stop or hang a reader, and what was
//! written in a foreign format comes back.

use super::detect::{Head, tell};
use super::input::Input;
use super::testing::{body, endure, read};

use super::{ImportOptions, LogFormat, Report};
use crate::{LoggedRequest, Recorded};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::io::Cursor;
use std::path::Path;
use wire::price::Tier;
use wire::{Usage, UsageSource};

const FILES: [(LogFormat, &str); 9] = [
    (LogFormat::OpenAiBatch, include_str!("../../tests/import/openai-batch-in.jsonl")),
    (LogFormat::OpenAiBatch, include_str!("../../tests/import/openai-batch-out.jsonl")),
    (LogFormat::OpenAiBatch, include_str!("../../tests/import/openai-batch-failed.jsonl")),
    (LogFormat::LiteLlm, include_str!("../../tests/import/litellm-spend.jsonl")),
    (LogFormat::LiteLlm, include_str!("../../tests/import/litellm-payload.json")),
    (LogFormat::Higress, include_str!("../../tests/import/higress.log")),
    (LogFormat::Helicone, include_str!("../../tests/import/helicone.jsonl")),
    (LogFormat::Langfuse, include_str!("../../tests/import/langfuse.json")),
    (LogFormat::Otlp, include_str!("../../tests/import/otlp.json")),
];

#[test]
fn every_file_is_told_for_exactly_what_it_is() {
    for (format, text) in FILES {
        let head = Head::new(text.as_bytes());
        assert_eq!(read_any(text), format, "{}", &text[..80]);
        // Those that share their columns with others, and are therefore asked last.
        let shared = [LogFormat::GuideLlm, LogFormat::Vllm];
        let mut found = LogFormat::ALL.into_iter().filter(|other| other.is_it(&head) && !shared.contains(other));
        assert_eq!((found.next(), found.next()), (Some(format), None), "{}", &text[..80]);
        let marked = Head::new(format!("\u{feff}\r\n{}", text.replace('\n', "\r\n")).as_bytes());
        assert!(format.is_it(&marked), "{format} with a mark and other line ends");
    }
}

/// The format that a file is taken for.
fn read_any(text: &str) -> LogFormat {
    let input = Input::unpack(Path::new("log"), Box::new(Cursor::new(text.to_owned()))).unwrap();
    tell(&[input], &ImportOptions::default()).unwrap()
}

#[test]
fn a_first_row_longer_than_the_beginning_hides_no_format() {
    let (long, mut tried) = ("x".repeat(300_000), 0);
    for (format, text) in FILES {
        // The last short text before the end of the row that all have becomes very long.
        let row = text.find("\"gpt-4o-mini").or_else(|| text.find("gpt-4o-mini")).unwrap_or(0);
        let place = text[row..].find("parcel").map(|place| row + place);
        let Some(place) = place.filter(|_| row > 0) else { continue };
        let long_row = format!("{}{long}{}", &text[..place], &text[place..]);
        let head = Head::new(&long_row.as_bytes()[..256 * 1024]);
        assert!(format.is_it(&head), "{format}");
        tried += 1;
    }
    assert!(tried >= 4, "{tried} files were tried");
}

fn usage() -> impl Strategy<Value = Usage> {
    (1_u64..100_000, 1_u64..5_000, 0_u64..100, 0_u64..100).prop_map(|(prompt, completion, cached, reasoning)| Usage {
        cached: Some(cached.min(prompt)),
        reasoning: Some(reasoning.min(completion)),
        ..Usage::new(prompt, completion, UsageSource::Provider)
    })
}

/// A request with all members, whose texts have what breaks readers.
fn request() -> impl Strategy<Value = LoggedRequest> {
    let text = "[a-zA-Z ,\"\\\\\n\u{2028}é中😀]{1,40}";
    let times = (1_700_000_000_000_000_i64..1_800_000_000_000_000, 1_u64..1_000_000, 1_000_000_u64..90_000_000);
    (text, text, times, usage(), 0_i64..2_000_000_000, any::<bool>(), "[a-z0-9-]{4,20}").prop_map(
        |(asked, answer, (at_us, ttft_us, duration_us), usage, cost_nanos, calls, id)| {
            let mut recorded = Recorded::new("openai", "gpt-4o-mini-2024-07-18", 200);
            (recorded.ttft_us, recorded.duration_us) = (Some(ttft_us), Some(duration_us));
            (recorded.usage, recorded.cost_nanos) = (Some(usage), Some(cost_nanos));
            if calls {
                recorded.tools = vec![("find".to_owned(), json!({"text": answer}))];
                recorded.finish_reason = Some("tool_calls".to_owned());
            } else {
                recorded.answer = Some(answer);
                recorded.finish_reason = Some("stop".to_owned());
            }
            let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": asked}],
                "temperature": 0.25, "stream": true});
            let raw = serde_json::value::to_raw_value(&body).unwrap();
            let mut request = LoggedRequest::chat(id, at_us, raw);
            request.session = Some("s-1".to_owned());
            request.consumer = Some("shop".to_owned());
            request.recorded = Some(recorded);
            request
        },
    )
}

fn completion(recorded: &Recorded) -> Value {
    let calls: Vec<Value> = recorded
        .tools
        .iter()
        .map(|(name, arguments)| {
            json!({"id": "c", "type": "function", "function": {"name": name, "arguments": arguments.to_string()}})
        })
        .collect();
    let mut message = json!({"role": "assistant", "content": recorded.answer});
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    json!({"object": "chat.completion", "model": recorded.model,
        "choices": [{"index": 0, "message": message, "finish_reason": recorded.finish_reason}],
        "usage": reported(recorded.usage.unwrap())})
}

fn reported(usage: Usage) -> Value {
    json!({"prompt_tokens": usage.prompt, "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning}})
}

fn instant(at_us: i64) -> String {
    jiff::Timestamp::from_microsecond(at_us).unwrap().to_string()
}

#[expect(clippy::cast_precision_loss, reason = "sums of a few dollars are exact enough to come back")]
fn dollars(recorded: &Recorded) -> f64 {
    recorded.cost_nanos.unwrap() as f64 / 1e9
}

fn after(request: &LoggedRequest, duration_us: Option<u64>) -> i64 {
    request.at_us + i64::try_from(duration_us.unwrap()).unwrap()
}

fn one(row: &Value, format: LogFormat) -> (LoggedRequest, Report) {
    let (found, mut requests, report) = read(format!("{row}\n"));
    assert_eq!((found, requests.len()), (format, 1), "{:?}", report.skips);
    (requests.remove(0), report)
}

fn assert_same(found: &LoggedRequest, written: &LoggedRequest) {
    assert_eq!(serde_json::to_value(found).unwrap(), serde_json::to_value(written).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn litellm_gives_everything_back(request in request()) {
        let recorded = request.recorded.as_ref().unwrap();
        let usage = recorded.usage.unwrap();
        let row = json!({"request_id": request.id, "call_type": "acompletion", "spend": dollars(recorded),
            "prompt_tokens": usage.prompt, "completion_tokens": usage.completion,
            "startTime": instant(request.at_us), "endTime": instant(after(&request, recorded.duration_us)),
            "completionStartTime": instant(after(&request, recorded.ttft_us)), "model": recorded.model,
            "metadata": json!({"user_api_key_team_alias": "shop"}).to_string(), "session_id": "s-1",
            "custom_llm_provider": "openai", "response": completion(recorded).to_string(),
            "proxy_server_request": request.body.get()});
        assert_same(&one(&row, LogFormat::LiteLlm).0, &request);
    }

    #[test]
    fn helicone_gives_everything_back_but_who_asked(mut request in request()) {
        let recorded = request.recorded.clone().unwrap();
        let usage = recorded.usage.unwrap();
        let row = json!({"request_id": request.id, "request_created_at": instant(request.at_us),
            "request_body": body(&request), "response_body": completion(&recorded), "response_status": 200,
            "provider": "OPENAI", "request_path": "/v1/chat/completions", "costUSD": dollars(&recorded),
            "delay_ms": recorded.duration_us.unwrap() as f64 / 1e3,
            "time_to_first_token": recorded.ttft_us.unwrap() as f64 / 1e3,
            "prompt_tokens": usage.prompt, "request_properties": {"Helicone-Session-Id": "s-1"}});
        request.consumer = None;
        assert_same(&one(&row, LogFormat::Helicone).0, &request);
    }

    #[test]
    fn langfuse_gives_everything_back_but_who_asked(mut request in request()) {
        let recorded = request.recorded.clone().unwrap();
        let members = body(&request);
        let usage = recorded.usage.unwrap();
        let (cached, reasoning) = (usage.cached.unwrap(), usage.reasoning.unwrap());
        let row = json!({"id": request.id, "traceId": "t", "sessionId": "s-1", "type": "GENERATION",
            "startTime": instant(request.at_us), "endTime": instant(after(&request, recorded.duration_us)),
            "completionStartTime": instant(after(&request, recorded.ttft_us)), "model": "gpt-4o-mini",
            "modelParameters": {"temperature": 0.25, "stream": "true"}, "metadata": {"ls_provider": "openai"},
            "input": members["messages"], "output": completion(&recorded), "totalCost": dollars(&recorded),
            "usageDetails": {"input": usage.prompt - cached, "input_cached_tokens": cached,
                "output": usage.completion - reasoning, "output_reasoning_tokens": reasoning}});
        request.consumer = None;
        assert_same(&one(&row, LogFormat::Langfuse).0, &request);
    }

    #[test]
    fn higress_gives_back_all_but_parameters_cost_and_why_it_ended(mut request in request()) {
        let mut recorded = request.recorded.clone().unwrap();
        // It counts whole milliseconds.
        recorded.ttft_us = recorded.ttft_us.map(|time_us| time_us.next_multiple_of(1000));
        recorded.duration_us = recorded.duration_us.map(|time_us| time_us.next_multiple_of(1000));
        let usage = recorded.usage.unwrap();
        let message = completion(&recorded)["choices"][0]["message"].clone();
        let log = json!({"model": recorded.model, "messages": body(&request)["messages"], "session_id": "s-1",
            "consumer": "shop", "answer": message["content"], "tool_calls": message["tool_calls"],
            "input_token": usage.prompt.to_string(), "output_token": usage.completion.to_string(),
            "cached_tokens": usage.cached, "reasoning_tokens": usage.reasoning, "response_type": "stream",
            "llm_first_token_duration": (recorded.ttft_us.unwrap() / 1000).to_string(),
            "llm_service_duration": (recorded.duration_us.unwrap() / 1000).to_string()});
        let row = json!({"ai_log": log.to_string(), "start_time": instant(request.at_us), "request_id": request.id,
            "path": "/v1/chat/completions", "response_code": "200", "upstream_cluster": "outbound|443||llm-openai.internal.dns"});
        let sent = json!({"model": recorded.model, "messages": body(&request)["messages"], "stream": true});
        request.body = serde_json::value::to_raw_value(&sent).unwrap();
        (recorded.finish_reason, recorded.cost_nanos) = (None, None);
        request.recorded = Some(recorded);
        assert_same(&one(&row, LogFormat::Higress).0, &request);
    }

    #[test]
    fn batches_give_back_what_was_asked_and_answered(mut requests in prop::collection::vec(request(), 1..5)) {
        let (mut input, mut output) = (String::new(), String::new());
        for (number, request) in requests.iter_mut().enumerate() {
            request.id = format!("{}-{number}", request.id);
            let recorded = request.recorded.as_mut().unwrap();
            (recorded.ttft_us, recorded.duration_us, recorded.cost_nanos) = (None, None, None);
            recorded.tier = Tier::Batch;
            let answer = json!({"id": "b", "custom_id": request.id, "error": null,
                "response": {"status_code": 200, "request_id": "r", "body": completion(recorded)}});
            // The output comes in another order.
            output = format!("{answer}\n{output}");
            (request.at_us, request.session, request.consumer) = (0, None, None);
            input += &format!("{{\"custom_id\":\"{}\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{}}}\n",
                request.id, request.body.get());
        }
        let (found, _, untimed) = super::testing::read_files(&[&output, &input]);
        prop_assert!(untimed && found.len() == requests.len());
        for (found, written) in found.iter().zip(&requests) {
            assert_same(found, written);
            prop_assert_eq!(found.body.get(), written.body.get());
        }
    }

    #[test]
    fn spans_give_everything_back(request in request()) {
        let recorded = request.recorded.as_ref().unwrap();
        let usage = recorded.usage.unwrap();
        let members = body(&request);
        let part = match recorded.tools.first() {
            Some((name, arguments)) => json!({"type": "tool_call", "id": "c", "name": name, "arguments": arguments}),
            None => json!({"type": "text", "content": recorded.answer}),
        };
        let text = |key: &str, value: String| json!({"key": key, "value": {"stringValue": value}});
        let whole = |key: &str, value: u64| json!({"key": key, "value": {"intValue": value.to_string()}});
        let double = |key: &str, value: f64| json!({"key": key, "value": {"doubleValue": value}});
        let asked = json!([{"role": "user", "parts": [{"type": "text", "content": members["messages"][0]["content"]}]}]);
        let attributes = [
            text("gen_ai.operation.name", "chat".to_owned()), text("gen_ai.provider.name", "openai".to_owned()),
            text("gen_ai.request.model", "gpt-4o-mini".to_owned()), text("gen_ai.response.model", recorded.model.clone()),
            text("gen_ai.conversation.id", "s-1".to_owned()), text("gen_ai.input.messages", asked.to_string()),
            text("gen_ai.output.messages",
                json!([{"role": "assistant", "parts": [part], "finish_reason": recorded.finish_reason}]).to_string()),
            double("gen_ai.request.temperature", 0.25), double("gen_ai.usage.cost", dollars(recorded)),
            json!({"key": "gen_ai.request.stream", "value": {"boolValue": true}}),
            double("gen_ai.response.time_to_first_chunk", recorded.ttft_us.unwrap() as f64 / 1e6),
            whole("gen_ai.usage.input_tokens", usage.prompt), whole("gen_ai.usage.output_tokens", usage.completion),
            whole("gen_ai.usage.cache_read.input_tokens", usage.cached.unwrap()),
            whole("gen_ai.usage.reasoning.output_tokens", usage.reasoning.unwrap()),
        ];
        let row = json!({"resourceSpans": [{"resource": {"attributes": [text("service.name", "shop".to_owned())]},
            "scopeSpans": [{"spans": [{"traceId": "t", "spanId": request.id, "kind": 3,
                "startTimeUnixNano": format!("{}000", request.at_us),
                "endTimeUnixNano": format!("{}000", after(&request, recorded.duration_us)), "attributes": attributes}]}]}]});
        assert_same(&one(&row, LogFormat::Otlp).0, &request);
    }

    #[test]
    fn no_bytes_stop_a_reader(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for (format, _) in FILES {
            endure(format, &bytes);
        }
    }

    #[test]
    fn no_damage_to_a_file_stops_a_reader(
        which in 0..FILES.len(), cut in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(),
        junk in prop_oneof![
            Just("".to_owned()), Just("\"".to_owned()), Just("null".to_owned()), Just("[[[[".to_owned()),
            Just("}".to_owned()), Just("\n".to_owned()), Just("1e999".to_owned()), Just("\\u0000".to_owned()), ".{0,6}",
        ],
        length in 0_usize..12,
    ) {
        let (format, text) = FILES[which];
        let mut bytes = text.as_bytes().to_vec();
        let start = place.index(bytes.len());
        let end = (start + length).min(bytes.len());
        bytes.splice(start..end, junk.into_bytes());
        endure(format, &bytes);
        bytes.truncate(cut.index(bytes.len()));
        endure(format, &bytes);
    }
}

#[test]
fn what_nests_without_end_is_refused_and_not_followed() {
    let deep = |open: &str| open.repeat(100_000);
    for (format, _) in FILES {
        for text in
            [deep("["), deep("{\"a\":"), format!("{{\"custom_id\":\"a\",\"ai_log\":{}", deep("[")), deep("{\"data\":[")]
        {
            endure(format, text.as_bytes());
        }
    }
    let row =
        format!("{{\"call_type\":\"completion\",\"startTime\":1,\"messages\":{}{}}}\n", deep("["), "]".repeat(100_000));
    endure(LogFormat::LiteLlm, row.as_bytes());
}
