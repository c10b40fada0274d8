//! What stands in the logs `calm` and `violent` makes sense, request by request.

use super::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wire::Endpoint;
use wire::ErrorKind;
use wire::request::Request;
use wire::usage::Characters;

const MIXED: [Bundled; 2] = [CALM, VIOLENT];

/// What a mild moderation service looks for; these phrases give the delicate prompts away, and nothing else has them.
const PHRASES: [&str; 6] =
    ["forge a passport", "launder money", "shut up, idiot", "i will find you", "you are worthless", "stab"];

struct Read {
    log: LoggedRequest,
    body: Value,
}

impl Read {
    fn messages(&self) -> &[Value] {
        self.body["messages"].as_array().unwrap()
    }

    fn recorded(&self) -> &crate::Recorded {
        self.log.recorded.as_ref().unwrap()
    }

    fn prompt(&self) -> &str {
        let last = self.messages().iter().rev().find(|message| message["role"] == "user").unwrap();
        last["content"].as_str().unwrap()
    }
}

fn read(log: &Bundled) -> Vec<Read> {
    let read = |log: LoggedRequest| Read { body: serde_json::from_str(log.body.get()).unwrap(), log };
    log.requests().unwrap().into_iter().map(read).collect()
}

#[test]
fn ids_are_unique_times_rise_and_everyone_has_a_name() {
    for log in MIXED {
        let requests = read(&log);
        let ids: BTreeSet<&str> = requests.iter().map(|request| request.log.id.as_str()).collect();
        assert_eq!(ids.len(), requests.len());
        assert!(requests.windows(2).all(|pair| pair[0].log.at_us < pair[1].log.at_us));
        let consumers: BTreeSet<&str> =
            requests.iter().map(|request| request.log.consumer.as_deref().unwrap()).collect();
        assert!((5..=8).contains(&consumers.len()), "{consumers:?}");
    }
}

#[test]
fn every_body_is_a_request_of_the_wire() {
    for log in MIXED {
        for Read { log, body } in read(&log) {
            assert_eq!(log.endpoint, Endpoint::Chat);
            let request = Request::parse(Endpoint::Chat, log.body.get().as_bytes()).unwrap();
            assert_eq!(request.model, body["model"].as_str().unwrap());
            assert_eq!(request.stream, body["stream"] == true, "{}", log.id);
            assert_eq!(request.wants_json(), !body["response_format"].is_null());
        }
    }
}

#[test]
fn a_retry_is_the_same_request_again_soon_after_a_failure() {
    for log in MIXED {
        let requests = read(&log);
        let mut last: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let (mut retries, mut kinds) = (0, BTreeSet::new());
        for (index, request) in requests.iter().enumerate() {
            let recorded = request.recorded();
            assert_eq!(recorded.error.is_some(), recorded.status != 200);
            kinds.extend(recorded.error.map(|kind| (recorded.status, kind)));
            let Some(session) = request.log.session.as_deref() else {
                assert_eq!(recorded.error, None, "a failure is part of a session");
                continue;
            };
            let before = last.insert((session, request.log.body.get()), index).map(|before| &requests[before]);
            if let Some(before) = before {
                assert!(before.recorded().error.is_some(), "{} repeats an answered request", request.log.id);
                let failed_us = before.log.at_us + i64::try_from(before.recorded().duration_us.unwrap()).unwrap();
                let pause_us = request.log.at_us - failed_us;
                assert!((400_000..13_000_000).contains(&pause_us), "{}: {pause_us}", request.log.id);
                assert_eq!(request.log.consumer, before.log.consumer);
                retries += 1;
            }
        }
        let failures = requests.iter().filter(|request| request.recorded().error.is_some()).count();
        assert_eq!(retries, failures, "{}: every failure is tried again", log.name);
        assert!((12..120).contains(&failures), "{}: {failures}", log.name);
        let expected = [
            (0, ErrorKind::Timeout),
            (429, ErrorKind::RateLimit),
            (500, ErrorKind::Server),
            (503, ErrorKind::Overloaded),
        ];
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected, "{}", log.name);
    }
}

#[test]
fn failures_have_no_answer_and_answers_have_usage() {
    for log in MIXED {
        for request in read(&log) {
            let recorded = request.recorded();
            let duration_us = recorded.duration_us.unwrap();
            if recorded.error.is_some() {
                assert_eq!((&recorded.answer, &recorded.usage, &recorded.finish_reason), (&None, &None, &None));
                continue;
            }
            let usage = recorded.usage.unwrap();
            assert!(usage.cached.unwrap() <= usage.prompt && usage.completion > 0);
            assert!(recorded.ttft_us.is_none_or(|first_us| first_us <= duration_us));
            let shapes = [recorded.answer.is_some(), recorded.refused, !recorded.tools.is_empty()];
            assert_eq!(shapes.iter().filter(|shape| **shape).count(), 1, "{}: {shapes:?}", request.log.id);
            let limit = request.body["max_tokens"].as_u64().unwrap_or(u64::MAX);
            assert_eq!(recorded.finish_reason.as_deref() == Some("length"), usage.completion == limit);
            assert!(usage.completion <= limit);
        }
    }
}

#[test]
fn the_script_says_what_was_recorded() {
    for log in MIXED {
        let script = script(&log);
        let lines: BTreeMap<&str, &synth::ScriptLine> =
            script.iter().map(|line| (line.prompt.as_str(), line)).collect();
        let mut asked = BTreeSet::new();
        for request in read(&log) {
            let line = lines[request.prompt()];
            asked.insert(line.prompt.as_str());
            let recorded = request.recorded();
            let Some(usage) = recorded.usage else { continue };
            let answer = &line.openai;
            assert_eq!((usage.prompt, usage.completion), (answer.prompt_tokens, answer.completion_tokens));
            assert_eq!(recorded.finish_reason.as_ref(), Some(&answer.finish_reason));
            let calls: Vec<_> =
                answer.tool_calls.iter().map(|call| (call.name.clone(), call.arguments.clone())).collect();
            assert_eq!(recorded.tools, calls);
            if !recorded.refused {
                assert_eq!(recorded.answer, answer.content);
            }
        }
        assert_eq!(asked.len(), lines.len(), "every line is asked for");
    }
}

#[test]
fn later_turns_carry_what_was_said_and_find_it_in_the_cache() {
    for log in MIXED {
        let mut sessions: BTreeMap<String, Read> = BTreeMap::new();
        let (mut later, mut hits) = (0, 0);
        for request in read(&log) {
            let Some(session) = request.log.session.clone() else { continue };
            if request.recorded().error.is_some() {
                continue;
            }
            if let Some(before) = sessions.get(&session) {
                let known = before.messages();
                assert_eq!(&request.messages()[..known.len()], known, "{}", request.log.id);
                let reply = &request.messages()[known.len()];
                assert_eq!(reply["role"], "assistant");
                assert_eq!(reply["content"], json!(before.recorded().answer), "{}", request.log.id);
                assert_eq!(reply["tool_calls"].is_array(), !before.recorded().tools.is_empty());
                let answered_us = before.log.at_us + i64::try_from(before.recorded().duration_us.unwrap()).unwrap();
                assert!(request.log.at_us >= answered_us + 3_000_000, "nobody reads as fast");
                let usage = |read: &Read| read.recorded().usage.unwrap();
                let (now, earlier) = (usage(&request), usage(before));
                assert!(now.cached >= earlier.cached && now.cached.unwrap() <= earlier.prompt);
                later += 1;
                hits += u32::from(now.cached > earlier.cached);
            }
            sessions.insert(session, request);
        }
        assert!(later > 150 && hits > 60, "{}: {later} later turns, {hits} with more cache hits", log.name);
    }
}

#[test]
fn calls_fit_what_was_offered_and_results_follow_their_calls() {
    for log in MIXED {
        let (mut calls, mut results, mut parallel) = (0, 0, 0);
        for request in read(&log) {
            let empty = Vec::new();
            let offered = request.body["tools"].as_array().unwrap_or(&empty);
            for (name, arguments) in &request.recorded().tools {
                let offer = offered.iter().find(|tool| tool["function"]["name"] == name.as_str()).unwrap();
                fits(arguments, &offer["function"]["parameters"], name);
                calls += 1;
            }
            parallel += u32::from(request.recorded().tools.len() > 1);
            for (index, message) in request.messages().iter().enumerate().filter(|(_, said)| said["role"] == "tool") {
                let called =
                    request.messages()[..index].iter().rev().find(|said| said["tool_calls"].is_array()).unwrap();
                let ids: Vec<&Value> =
                    called["tool_calls"].as_array().unwrap().iter().map(|call| &call["id"]).collect();
                assert!(ids.contains(&&message["tool_call_id"]), "{}", request.log.id);
                assert!(serde_json::from_str::<Value>(message["content"].as_str().unwrap()).unwrap().is_object());
                results += 1;
            }
        }
        assert!(calls > 40 && results > 25 && parallel > 5, "{}: {calls} {results} {parallel}", log.name);
    }
}

#[test]
fn answers_fit_the_schema_that_was_demanded() {
    for log in MIXED {
        let script = script(&log);
        let lines: BTreeMap<&str, &synth::ScriptLine> =
            script.iter().map(|line| (line.prompt.as_str(), line)).collect();
        let (mut with_schema, mut without) = (0, 0);
        for request in read(&log) {
            let format = &request.body["response_format"];
            let line = lines[request.prompt()];
            for answer in [&line.openai, &line.deepseek] {
                match format["type"].as_str() {
                    None => continue,
                    Some("json_schema") => {
                        let value = serde_json::from_str(answer.content.as_ref().unwrap()).unwrap();
                        fits(&value, &format["json_schema"]["schema"], &request.log.id);
                        with_schema += 1;
                    }
                    Some(kind) => {
                        assert_eq!(kind, "json_object");
                        assert!(request.prompt().contains("JSON"));
                        assert!(serde_json::from_str::<Value>(answer.content.as_ref().unwrap()).unwrap().is_object());
                        without += 1;
                    }
                }
            }
        }
        assert!(with_schema > 100 && without > 30, "{}: {with_schema} {without}", log.name);
    }
}

/// Holds a value against the part of JSON Schema that strict mode allows.
fn fits(value: &Value, schema: &Value, place: &str) {
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    let is = |kind: &Value| match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{place}: unknown type {other}"),
    };
    assert!(kinds.iter().any(is), "{place}: {value} is none of {kinds:?}");
    if let Some(options) = schema["enum"].as_array() {
        assert!(options.contains(value), "{place}: {value} is none of {options:?}");
    }
    if let Some(members) = value.as_object() {
        assert_eq!(schema["additionalProperties"], false, "{place}");
        let properties = schema["properties"].as_object().unwrap();
        let required: Vec<&str> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(properties.keys().collect::<Vec<_>>(), required, "{place}: strict mode wants all of them");
        assert_eq!(members.keys().collect::<Vec<_>>(), required, "{place}");
        members.iter().for_each(|(name, member)| fits(member, &properties[name], &format!("{place}.{name}")));
    }
    for item in value.as_array().into_iter().flatten() {
        fits(item, &schema["items"], place);
    }
}

#[test]
fn what_a_moderator_looks_for_stands_in_delicate_prompts_only() {
    for log in MIXED {
        let (mut answered, mut refused, mut filtered) = (0, 0, 0);
        for request in read(&log) {
            let texts = request.messages().iter().filter_map(|message| message["content"].as_str());
            let flagged = texts.map(str::to_lowercase).any(|text| PHRASES.iter().any(|phrase| text.contains(phrase)));
            let recorded = request.recorded();
            let blocked = recorded.finish_reason.as_deref() == Some("content_filter");
            assert!(flagged || !(blocked || recorded.refused), "{} is blocked for nothing", request.log.id);
            if flagged && recorded.error.is_none() {
                *(if recorded.refused {
                    &mut refused
                } else if blocked {
                    &mut filtered
                } else {
                    &mut answered
                }) += 1;
            }
        }
        assert!(answered >= 5 && refused >= 5 && filtered >= 3, "{}: {answered} {refused} {filtered}", log.name);
    }
}

#[test]
fn token_counts_are_those_of_the_texts() {
    for log in MIXED {
        for request in read(&log) {
            let Some(usage) = request.recorded().usage else { continue };
            let of = |text: &str| Characters::of(text).tokens();
            let texts = request.messages().iter().map(|message| message["content"].as_str().map_or(0, of) + 4);
            let least: u64 = texts.sum();
            // Beside the texts there are calls, offers and schemas.
            assert!((least..least + 900).contains(&usage.prompt), "{}: {} for {least}", request.log.id, usage.prompt);
            if let Some(answer) = &request.recorded().answer {
                assert!(usage.completion.abs_diff(of(answer)) <= 1, "{}: {}", request.log.id, usage.completion);
            }
        }
    }
}

#[test]
fn no_place_of_a_template_is_left_open() {
    for log in MIXED {
        let text = unpacked(log.name, log.requests_zstd).unwrap() + &log.script_text().unwrap();
        for name in ["person", "colleague", "product", "other", "code", "items", "number", "line", "count", "weekday"] {
            assert!(!text.contains(&format!("{{{name}}}")), "{}: {name}", log.name);
        }
        assert!(!text.contains('\r') && !text.contains('\u{2028}'));
    }
}
