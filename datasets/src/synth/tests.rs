use super::*;
use serde_json::Value;
use std::collections::BTreeSet;

fn small(pattern: Pattern) -> MadeLog {
    demo_log(Settings { seed: 11, requests: 600, pattern }).unwrap()
}

fn body(request: &LoggedRequest) -> Value {
    serde_json::from_str(request.body.get()).unwrap()
}

fn messages(body: &Value) -> &[Value] {
    body["messages"].as_array().unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
    let (first, again) = (small(Pattern::Calm), small(Pattern::Calm));
    assert_eq!(first.requests_text().unwrap(), again.requests_text().unwrap());
    assert_eq!(first.script_text().unwrap(), again.script_text().unwrap());
    let other = demo_log(Settings { seed: 12, requests: 600, pattern: Pattern::Calm }).unwrap();
    assert_ne!(first.script_text().unwrap(), other.script_text().unwrap());
}

#[test]
fn every_last_question_is_unique_and_has_its_script_line() {
    let log = small(Pattern::Calm);
    assert_eq!((log.requests.len(), log.script.len()), (600, 600));
    let mut seen = BTreeSet::new();
    for (request, line) in log.requests.iter().zip(&log.script) {
        let body = body(request);
        let last = messages(&body).iter().rev().find(|message| message["role"] == "user").unwrap();
        assert_eq!(last["content"], Value::from(line.prompt.as_str()));
        assert!(seen.insert(line.prompt.clone()), "asked twice: {}", line.prompt);
        let recorded = request.recorded.as_ref().unwrap();
        let usage = recorded.usage.unwrap();
        assert_eq!((usage.prompt, usage.completion), (line.openai.prompt_tokens, line.openai.completion_tokens));
        assert_eq!(recorded.answer, line.openai.content);
        assert_eq!(recorded.finish_reason.as_ref(), Some(&line.openai.finish_reason));
        assert!(recorded.ttft_us <= recorded.duration_us);
        assert_eq!(recorded.ttft_us.is_some(), body["stream"] == true && line.openai.content.is_some());
    }
}

#[test]
fn later_turns_carry_what_was_said() {
    let log = small(Pattern::Calm);
    let mut later = 0;
    for (index, request) in log.requests.iter().enumerate().filter(|(_, request)| request.session.is_some()) {
        let before = log.requests.iter().take(index).rposition(|earlier| earlier.session == request.session);
        let Some(before) = before else { continue };
        let (body, earlier) = (body(request), body(&log.requests[before]));
        let mut expected = messages(&earlier).to_vec();
        let answer = log.script[before].openai.content.clone().unwrap();
        expected.push(serde_json::json!({"role": "assistant", "content": answer}));
        assert_eq!(messages(&body)[..expected.len()], expected);
        assert_eq!(messages(&body).len(), expected.len() + 1);
        assert!(log.script[index].openai.cached_tokens <= log.script[before].openai.prompt_tokens);
        later += 1;
    }
    assert!(later > 60, "{later}");
}

#[test]
fn json_requests_name_json_and_are_answered_in_it() {
    let log = small(Pattern::Calm);
    let mut found = 0;
    for (request, line) in log.requests.iter().zip(&log.script) {
        let body = body(request);
        if body["response_format"]["type"] != "json_object" {
            continue;
        }
        found += 1;
        assert!(line.prompt.to_lowercase().contains("json"), "{}", line.prompt);
        let parse = |answer: &ScriptAnswer| serde_json::from_str::<Value>(answer.content.as_ref().unwrap()).unwrap();
        let (openai, deepseek) = (parse(&line.openai), parse(&line.deepseek));
        assert!(openai.is_object());
        assert_eq!(openai, deepseek, "both say the same facts");
        assert!(openai.as_object().unwrap().values().all(|value| value.is_number() || value != ""), "{openai}");
    }
    assert!(found > 40, "{found}");
}

#[test]
fn functions_are_called_or_answered_as_the_api_demands() {
    let log = small(Pattern::Calm);
    let (mut calls, mut results) = (0, 0);
    for (request, line) in log.requests.iter().zip(&log.script) {
        let body = body(request);
        for answer in [&line.openai, &line.deepseek] {
            assert_eq!(answer.content.is_none(), !answer.tool_calls.is_empty());
            assert_eq!(answer.finish_reason == "tool_calls", answer.content.is_none());
        }
        if let Some(call) = line.openai.tool_calls.first() {
            let offered = body["tools"].as_array().unwrap().iter().map(|tool| &tool["function"]);
            let offer = offered.into_iter().find(|function| function["name"] == call.name.as_str()).unwrap();
            let needed = offer["parameters"]["required"][0].as_str().unwrap();
            assert!(call.arguments[needed].is_string(), "{call:?}");
            calls += 1;
        }
        let messages = messages(&body);
        if let Some(at) = messages.iter().position(|message| message["role"] == "tool") {
            assert_eq!(messages[at]["tool_call_id"], messages[at - 1]["tool_calls"][0]["id"]);
            assert!(serde_json::from_str::<Value>(messages[at]["content"].as_str().unwrap()).unwrap().is_object());
            results += 1;
        }
    }
    assert!(calls > 5 && results > 3, "{calls} {results}");
}

#[test]
fn limits_hold_both_answers_or_cut_both() {
    let log = demo_log(Settings { requests: 1_500, ..DEMO }).unwrap();
    let mut cut = 0;
    for (request, line) in log.requests.iter().zip(&log.script) {
        let body = body(request);
        let limit = body["max_tokens"].as_u64().unwrap_or(u64::MAX);
        for answer in [&line.openai, &line.deepseek] {
            assert!(answer.completion_tokens <= limit);
            assert_eq!(answer.finish_reason == "length", answer.completion_tokens == limit, "{line:?}");
            assert!(answer.cached_tokens <= answer.prompt_tokens);
        }
        cut += u32::from(line.openai.finish_reason == "length");
    }
    assert!((5..40).contains(&cut), "{cut}");
}

#[test]
fn no_place_of_a_template_is_left_open() {
    let names = [
        "person",
        "company",
        "product",
        "city",
        "order",
        "func",
        "other",
        "place",
        "colleague",
        "weekday",
        "hour",
        "days",
        "count",
        "amount",
        "code",
        "field",
    ];
    let log = small(Pattern::Calm);
    let text = log.requests_text().unwrap() + &log.script_text().unwrap();
    for name in names {
        assert!(!text.contains(&format!("{{{name}}}")), "{name}");
    }
    assert!(!text.contains('\r') && !text.contains('\u{2028}'));
}

#[test]
fn the_violent_pattern_comes_in_bursts() {
    let variation = |pattern| {
        let log = demo_log(Settings { seed: 1, requests: 1_000, pattern }).unwrap();
        let gaps: Vec<f64> = log.requests.windows(2).map(|pair| (pair[1].at_us - pair[0].at_us) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        variance.sqrt() / mean
    };
    let (calm, violent) = (variation(Pattern::Calm), variation(Pattern::Violent));
    assert!(calm < 1.3 && violent > 5.0, "{calm} {violent}, trace: {}", expected::CODE_GAP_VARIATION);
}
