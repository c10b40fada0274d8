use super::super::testing::{assert_round_trip, files, read, read_files};
use super::super::{Field, ImportOptions, LogFormat, open};
use super::FILLS;
use wire::price::Tier;
use wire::{ErrorKind, UsageSource};

const INPUT: &str = include_str!("../../../tests/import/openai-batch-in.jsonl");
const OUTPUT: &str = include_str!("../../../tests/import/openai-batch-out.jsonl");
const FAILED: &str = include_str!("../../../tests/import/openai-batch-failed.jsonl");

#[test]
fn the_input_alone_gives_untimed_requests_with_their_own_bodies() {
    let (format, requests, report) = read(INPUT);
    assert_eq!(format, LogFormat::OpenAiBatch);
    assert_eq!(requests.iter().map(|request| request.id.as_str()).collect::<Vec<_>>(), ["w-1", "w-2", "w-3", "w-4"]);
    assert_eq!((report.requests, report.skipped, report.passed_over), (4, 0, 1));
    assert!(requests.iter().all(|request| request.at_us == 0 && request.recorded.is_none()));
    let body = requests[0].body.get();
    assert!(body.contains("\"temperature\": 0.20") && INPUT.contains(body), "{body}");
    assert_eq!(requests[3].endpoint, wire::Endpoint::Embeddings);
    assert_round_trip(&requests);
}

#[test]
fn answers_are_joined_whatever_the_order_of_the_files() {
    for texts in [[INPUT, OUTPUT, FAILED], [FAILED, OUTPUT, INPUT]] {
        let (requests, report, untimed) = read_files(&texts);
        assert!(untimed);
        assert_eq!((report.requests, report.skipped, report.passed_over), (4, 0, 2), "{:?}", report.skips);
        let answer = |index: usize| requests[index].recorded.clone().unwrap();
        let first = answer(0);
        assert_eq!((first.provider.as_str(), first.model.as_str()), ("openai", "gpt-4o-mini-2024-07-18"));
        assert_eq!((first.status, first.error, first.refused), (200, None, false));
        assert_eq!((first.ttft_us, first.duration_us, first.cost_nanos), (None, None, None));
        assert_eq!(first.answer.as_deref(), Some("The parcel left Ghent this morning."));
        assert_eq!(first.finish_reason.as_deref(), Some("stop"));
        let usage = first.usage.unwrap();
        assert_eq!((usage.prompt, usage.completion, usage.cached, usage.reasoning), (31, 9, Some(16), Some(0)));
        // None of the sixteen cached tokens is written, and the prompt has fifteen others.
        assert_eq!((usage.cache_write, usage.prompt_audio, usage.prompt_image), (Some(8), Some(5), Some(6)));
        assert_eq!((usage.completion_audio, first.tier), (Some(3), Tier::Batch));
        assert_eq!(usage.source, UsageSource::Provider);
        let second = answer(1);
        assert_eq!((second.answer, second.finish_reason.as_deref()), (None, Some("tool_calls")));
        assert_eq!(second.tools, [("find_order".to_owned(), serde_json::json!({"number": 4711}))]);
        let third = answer(2);
        assert_eq!((third.status, third.error, third.answer), (429, Some(ErrorKind::Quota), None));
        let fourth = answer(3);
        assert_eq!((fourth.status, fourth.error), (0, Some(ErrorKind::Timeout)));
        let filled: Vec<Field> = report.filled.keys().copied().collect();
        assert_eq!(filled, FILLS);
        assert_round_trip(&requests);
    }
}

#[test]
fn answers_without_their_requests_ask_for_the_input() {
    let folder = tempfile::tempdir().unwrap();
    let error = open(&files(folder.path(), &[OUTPUT]), ImportOptions::default()).unwrap_err().to_string();
    assert!(error.contains("input file too") && error.contains("log-0"), "{error}");
}

#[test]
fn rows_that_are_wrong_name_their_line_and_member() {
    let input = "{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":\"sk-no\"}\n\
                 {\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{}}\n{\"custom_id\":\"c\n\
                 {\"custom_id\":\"d\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"m\"}}\n";
    let output = "{\"custom_id\":\"d\",\"response\":{\"status_code\":\"fine\"}}\n{\"custom_id\":\"d\",\"error\":null}\n\
                  {\"custom_id\":\"d\",\"response\":{\"status_code\":200,\"body\":{\"choices\":[]}}}\n\
                  {\"custom_id\":\"d\",\"response\":{\"status_code\":500,\"body\":{}}}\n";
    let (requests, report, _) = read_files(&[input, output]);
    assert_eq!((requests.len(), report.skipped), (1, 6), "{:?}", report.skips);
    assert_eq!(requests[0].recorded.as_ref().unwrap().status, 200);
    for (skip, words) in report.skips.iter().zip([
        "log-1, line 1: `status_code` is a text",
        "log-1, line 2: `response` is nothing",
        "log-1, line 4: `custom_id` has an answer already",
        "log-0, line 1: `body` is a text, expected an object",
        "log-0, line 2: `custom_id` is nothing",
        "log-0, line 3: expected a JSON object",
    ]) {
        assert!(skip.message.contains(words) && !skip.message.contains("sk-no"), "{}", skip.message);
    }
}
