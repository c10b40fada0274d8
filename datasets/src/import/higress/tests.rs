use super::super::testing::{assert_round_trip, body, read};
use super::super::{Field, LogFormat};
use super::FILLS;
use serde_json::json;
use wire::ErrorKind;
use wire::price::Tier;

const LOG: &str = include_str!("../../../tests/import/higress.log");

#[test]
fn a_row_gives_what_was_asked_and_answered() {
    let (format, requests, report) = read(LOG);
    assert_eq!((format, report.requests, report.skipped, report.passed_over), (LogFormat::Higress, 4, 0, 1));
    let first = &requests[0];
    assert_eq!((first.id.as_str(), first.at_us), ("5895f5a9", 1_763_800_000_250_000));
    assert_eq!((first.session.as_deref(), first.consumer.as_deref()), (Some("s-1"), Some("shop")));
    assert_eq!(
        body(first),
        json!({"model": "gpt-4o-mini", "stream": true, "messages": [
            {"role": "system", "content": "You help."}, {"role": "user", "content": "我的包裹在哪里？"}]})
    );
    let answer = first.recorded.as_ref().unwrap();
    assert_eq!((answer.provider.as_str(), answer.model.as_str(), answer.status), ("openai", "gpt-4o-mini", 200));
    assert_eq!((answer.ttft_us, answer.duration_us), (Some(400_000), Some(2_000_000)));
    assert_eq!((answer.answer.as_deref(), answer.error), (Some("今天早上已经发出。"), None));
    let usage = answer.usage.unwrap();
    assert_eq!((usage.prompt, usage.completion, usage.cached, usage.reasoning), (40, 20, Some(16), Some(4)));
    assert_eq!((usage.cache_write, usage.prompt_audio, usage.prompt_image), (Some(8), Some(5), Some(6)));
    assert_eq!((usage.completion_audio, answer.tier), (Some(3), Tier::Priority));
    assert_eq!(report.filled.keys().copied().collect::<Vec<_>>(), FILLS);
    assert_round_trip(&requests);
}

#[test]
fn a_question_is_played_in_the_first_round_and_only_its_length_later() {
    let (_, requests, report) = read(LOG);
    assert_eq!(body(&requests[1])["messages"], json!([{"role": "user", "content": "And mine?"}]));
    assert_eq!((body(&requests[1]).get("stream"), requests[1].consumer.as_ref()), (None, None));
    let second = requests[1].recorded.as_ref().unwrap();
    assert_eq!((second.ttft_us, second.answer.as_ref(), second.usage.unwrap().cached), (None, None, Some(8)));
    assert_eq!(second.tools, [("find_order".to_owned(), json!({"number": 4711}))]);
    assert_eq!(report.filled[&Field::PromptLength], 1);
    assert!(body(&requests[2])["messages"][0]["content"].as_str().unwrap().len() > 300);
}

#[test]
fn who_broke_off_is_told() {
    let (_, requests, _) = read(LOG);
    let third = requests[2].recorded.as_ref().unwrap();
    assert_eq!((third.status, third.error, third.duration_us), (200, Some(ErrorKind::ClientCancelled), Some(700_000)));
    let fourth = requests[3].recorded.as_ref().unwrap();
    assert_eq!((fourth.status, fourth.error, fourth.provider.as_str()), (503, Some(ErrorKind::Overloaded), "unknown"));
}

#[test]
fn cut_values_are_not_played_and_broken_rows_are_named() {
    let cut =
        json!({"model": "m", "input_token": 5000, "question": "aaaa [truncated] bbbb", "answer": "a [truncated] b"});
    let rows = [
        json!({"start_time": "2025-11-22T08:26:40Z", "ai_log": cut.to_string()}),
        json!({"start_time": "2025-11-22T08:26:40Z", "ai_log": "{\"model\":\"sk-no"}),
        json!({"start_time": "2025-11-22T08:26:40Z", "ai_log": "{\"model\":\"m\",\"input_token\":\"sk-no\"}"}),
        json!({"start_time": "2025-11-22T08:26:40Z", "ai_log": {"model": "m", "messages": "[{\"role\""}}),
        json!({"start_time": "2025-11-22T08:26:40Z", "ai_log": {"model": "m", "input_token": 1e15}}),
    ];
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let (_, requests, report) = read(text);
    assert_eq!((requests.len(), report.skipped, report.prompts_made), (1, 4, 1), "{:?}", report.skips);
    assert_eq!(requests[0].recorded.as_ref().unwrap().answer, None);
    for (skip, words) in report.skips.iter().zip([
        "line 2: `ai_log` is a text, expected a list or an object",
        "line 3: `input_token` is a text",
        "line 4: `ai_log` has neither `messages` nor `question`",
        "line 5: the prompt has 1000000000000000 tokens",
    ]) {
        assert!(skip.message.contains(words) && !skip.message.contains("sk-no"), "{}", skip.message);
    }
}
