use super::super::testing::{assert_round_trip, body, read};
use super::super::{Field, LogFormat};
use super::FILLS;
use serde_json::{Value, json};
use wire::ErrorKind;
use wire::price::Tier;

const LINES: &str = include_str!("../../../tests/import/helicone.jsonl");

#[test]
fn a_row_gives_what_was_asked_and_answered() {
    let (format, requests, report) = read(LINES);
    assert_eq!((format, report.requests, report.skipped, report.passed_over), (LogFormat::Helicone, 6, 0, 1));
    let first = &requests[0];
    assert_eq!((first.id.as_str(), first.at_us, first.session.as_deref()), ("q-1", 1_763_800_000_250_000, Some("s-1")));
    assert!(first.body.get().contains("\"temperature\":0.20") && LINES.contains(first.body.get()));
    let consumer = first.consumer.as_deref().unwrap();
    assert!(consumer.len() == 32 && !consumer.contains('@'), "{consumer}");
    let answer = first.recorded.as_ref().unwrap();
    assert_eq!((answer.provider.as_str(), answer.model.as_str()), ("openai", "gpt-4o-mini-2024-07-18"));
    assert_eq!((answer.status, answer.ttft_us, answer.duration_us), (200, Some(400_000), Some(1_990_000)));
    assert_eq!((answer.cost_nanos, answer.finish_reason.as_deref()), (Some(31_500), Some("stop")));
    assert_eq!(answer.answer.as_deref(), Some("It left this morning."));
    let usage = answer.usage.unwrap();
    assert_eq!((usage.prompt, usage.completion, usage.cached, usage.reasoning), (40, 20, Some(16), Some(4)));
    assert_eq!((usage.cache_write, usage.prompt_audio, usage.prompt_image), (Some(8), Some(5), Some(6)));
    assert_eq!((usage.completion_audio, answer.tier), (Some(3), Tier::Priority));
    assert_eq!(report.filled.keys().copied().collect::<Vec<_>>(), FILLS);
    assert!(!serde_json::to_string(&requests).unwrap().contains("signature"));
    assert_round_trip(&requests);
}

#[test]
fn bodies_that_must_be_fetched_are_played_by_their_length() {
    let (_, requests, report) = read(LINES);
    assert_eq!(report.filled[&Field::PromptLength], 1);
    assert!(body(&requests[1])["messages"][0]["content"].as_str().unwrap().len() > 800);
    let answer = requests[1].recorded.as_ref().unwrap();
    assert_eq!((answer.usage.unwrap().prompt, answer.answer.as_ref(), answer.cost_nanos), (800, None, Some(120_000)));
}

#[test]
fn failures_and_helicones_own_states_are_told_apart() {
    let (_, requests, _) = read(LINES);
    let answer = |index: usize| requests[index].recorded.as_ref().unwrap();
    assert_eq!((answer(2).status, answer(2).error), (429, Some(ErrorKind::Quota)));
    assert_eq!((answer(3).status, answer(3).error), (0, Some(ErrorKind::ClientCancelled)));
    assert_eq!((answer(3).provider.as_str(), answer(3).duration_us), ("azure", Some(20_000_000)));
    let cached = answer(4);
    assert_eq!((cached.ttft_us, cached.duration_us, cached.cost_nanos), (None, None, None));
    assert_eq!(cached.tools, [("find_order".to_owned(), json!({"number": 4711}))]);
    assert!(requests[5].recorded.is_none(), "pending");
}

#[test]
fn answers_of_the_api_and_pretty_files_give_the_same() {
    let rows: Vec<Value> = LINES.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (_, expected, _) = read(LINES);
    for text in [json!({"data": rows, "error": null}).to_string(), serde_json::to_string_pretty(&rows).unwrap()] {
        let (format, requests, _) = read(text);
        assert_eq!((format, requests.len()), (LogFormat::Helicone, expected.len()));
        for (left, right) in requests.iter().zip(&expected) {
            assert_eq!((&left.id, &left.recorded), (&right.id, &right.recorded));
        }
    }
}

#[test]
fn the_export_tools_table_is_read() {
    let heading = "response_id,response_created_at,response_status,request_created_at,request_body,request_properties,\
                   request_user_id,model,prompt_tokens,completion_tokens,latency,cost\n";
    let row = r#""r-1","2025-11-22T08:26:42.250Z","200","2025-11-22T08:26:40.250Z","{""model"":""gpt-4o-mini"",""messages"":[{""role"":""user"",""content"":""Hi, you""}]}","{""Helicone-Session-Id"":""s-1""}",,"gpt-4o-mini","40","20","2000","0.0000315""#;
    let (format, requests, _) = read(format!("{heading}{row}\n"));
    assert_eq!(format, LogFormat::Helicone);
    assert_eq!((requests[0].id.as_str(), requests[0].session.as_deref()), ("r-1", Some("s-1")));
    assert_eq!(body(&requests[0])["messages"][0]["content"], "Hi, you");
    let answer = requests[0].recorded.as_ref().unwrap();
    assert_eq!(
        (answer.duration_us, answer.cost_nanos, answer.model.as_str()),
        (Some(2_000_000), Some(31_500), "gpt-4o-mini")
    );
    assert_eq!((answer.usage.unwrap().completion, answer.answer.as_ref()), (20, None));
}

#[test]
fn rows_that_are_wrong_name_their_line_and_member() {
    let row =
        |more: &str| format!("{{\"request_created_at\":\"2025-11-22T08:26:40Z\",\"response_status\":200{more}}}\n");
    let text = [
        row(",\"prompt_tokens\":5"),
        row(""),
        row(",\"prompt_tokens\":5,\"response_status\":\"sk-no\""),
        row(",\"prompt_tokens\":5,\"response_status\":70000"),
        row(",\"request_body\":\"sk-no\""),
        row(",\"prompt_tokens\":5,\"delay_ms\":[]"),
    ]
    .concat();
    let (_, requests, report) = read(text);
    assert_eq!((requests.len(), report.skipped), (1, 5), "{:?}", report.skips);
    for (skip, words) in report.skips.iter().zip([
        "line 2: `request_body` is nothing",
        "line 3: `response_status` is a text",
        "line 4: `response_status` is a number",
        "line 5: `request_body` is a text",
        "line 6: `delay_ms` is a list, expected a text or a number",
    ]) {
        assert!(skip.message.contains(words) && !skip.message.contains("sk-no"), "{}", skip.message);
    }
}
