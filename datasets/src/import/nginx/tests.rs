use super::super::LogFormat;
use super::super::trial::{Outcome, file};
use super::super::trial::{fills_only_what_it_says, import_with, round_trip, skips};
use super::*;
use proptest::prelude::*;

fn import(mapping: &str, log: &[u8]) -> Outcome {
    let mapping = file(mapping);
    import_with(&[log], ImportOptions { mapping: Some(mapping.path().to_owned()), ..ImportOptions::default() })
}

const BODY: &str = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"你好 \"x\"\n"}]}"#;
const ANSWER: &str = r#"{"id":"c","object":"chat.completion","model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#;

fn line(changes: &[(&str, serde_json::Value)]) -> String {
    let mut line = serde_json::json!({
        "msec": "1763800001.500", "request": "POST /v1/chat/completions HTTP/1.1", "request_method": "POST", "status": "200",
        "request_time": "0.250, 1.000", "time_to_first_token": 0.5, "remote_user": "anna", "http_x_session_id": "s-1",
        "request_id": "r-1", "request_body": BODY, "response_body": ANSWER,
    });
    for (name, value) in changes {
        line[name] = value.clone();
    }
    line.to_string() + "\n"
}

#[test]
fn every_mapped_column_comes_in() {
    let outcome = import(mapping::EXAMPLE, line(&[]).as_bytes());
    assert_eq!((outcome.format, outcome.untimed), (LogFormat::Nginx, false));
    let [request] = &outcome.requests[..] else { panic!("{:?}", outcome.report) };
    assert_eq!((request.id.as_str(), request.at_us, request.body.get()), ("r-1", 1_763_800_000_250_000, BODY));
    assert_eq!(request.endpoint, Endpoint::Chat);
    assert!(request.consumer.as_deref().is_some_and(|consumer| consumer.len() == 32 && consumer != "anna"));
    assert_eq!(request.session.as_deref().map(str::len), Some(32));
    let recorded = request.recorded.as_ref().unwrap();
    assert_eq!((recorded.provider.as_str(), recorded.model.as_str()), ("unknown", "gpt-4o-2024-08-06"));
    assert_eq!((recorded.status, recorded.duration_us, recorded.ttft_us), (200, Some(1_250_000), Some(500_000)));
    assert_eq!((recorded.answer.as_deref(), recorded.usage.unwrap().prompt), (Some("Hello"), 9));
    assert_eq!(recorded.finish_reason.as_deref(), Some("stop"));
    fills_only_what_it_says(&outcome);
    round_trip(&outcome);
}

#[test]
fn settings_change_what_the_columns_mean() {
    let mapping = "[columns]\nbody = \"req.body\"\ntime = \"ts\"\nduration = \"took\"\nstatus = \"res.status\"\nconsumer = \"team\"\nanswer = \"res.body\"\n\
        [settings]\ntime_is = \"start\"\nduration_unit = \"ms\"\nlists = \"last\"\nconsumer_is = \"name\"\nprovider = \"openai\"\n";
    let log = format!(
        "<190>Nov 22 proxy: {{\"ts\":\"22/Nov/2025:08:26:40 +0000\",\"took\":\"7, 12.5 : 40\",\"team\":\"shop\",\"res\":{{\"status\":502,\"body\":\"oops\"}},\"req\":{{\"body\":{BODY}}}}}\n"
    );
    let outcome = import(mapping, log.as_bytes());
    let [request] = &outcome.requests[..] else { panic!("{:?}", outcome.report) };
    assert_eq!(
        (request.at_us, request.consumer.as_deref(), request.body.get()),
        (1_763_800_000_000_000, Some("shop"), BODY)
    );
    let recorded = request.recorded.as_ref().unwrap();
    assert_eq!((recorded.provider.as_str(), recorded.status, recorded.duration_us), ("openai", 502, Some(40_000)));
    assert_eq!((recorded.error, recorded.answer.as_ref()), (Some(ErrorKind::Server), None));
}

#[test]
fn the_escapes_of_nginx_by_default_are_undone() {
    let escaped: String = BODY
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | 0..=31 | 127.. => format!("\\x{byte:02X}"),
            _ => char::from(byte).to_string(),
        })
        .collect();
    let log = format!("{{\"t\":\"2025-11-22T08:26:40+00:00\",\"b\":\"{escaped}\",\"s\":\"-\"}}\r\n");
    let outcome = import("[columns]\nbody = \"b\"\ntime = \"t\"\nstatus = \"s\"\n", log.as_bytes());
    let [request] = &outcome.requests[..] else { panic!("{:?}", outcome.report) };
    assert_eq!((request.body.get(), request.at_us), (BODY, 1_763_800_000_000_000));
    assert!(request.recorded.is_none());
}

#[test]
fn what_is_no_call_is_passed_over_and_what_cannot_be_used_is_told() {
    let log = [
        line(&[("request", "GET /health HTTP/1.1".into()), ("request_body", "-".into())]),
        line(&[("request", "/v1/embeddings?x".into())]),
        line(&[("request", "/v1/embeddings".into()), ("request_method", "GET".into())]),
        line(&[("request", "-".into())]),
        line(&[("status", 499.into()), ("response_body", "".into()), ("http_x_session_id", "-".into())]),
        line(&[("status", "000".into()), ("response_body", "-".into())]),
        line(&[("response_body", ANSWER[..80].into())]),
        line(&[("response_body", "a plain answer".into())]),
        line(&[("request_body", "-".into())]),
        line(&[("request_body", BODY[..30].into())]),
        line(&[("status", "fine".into())]),
        line(&[("request_time", "slow".into())]),
        line(&[("msec", "soon".into())]),
        "no object\n\n{\"cut\n".to_owned(),
    ]
    .concat();
    let outcome = import(mapping::EXAMPLE, log.as_bytes());
    assert_eq!((outcome.requests.len(), outcome.report.passed_over), (5, 3), "{:?}", outcome.report);
    assert_eq!(outcome.requests[0].endpoint, Endpoint::Embeddings);
    let recorded: Vec<&Recorded> = outcome.requests.iter().filter_map(|request| request.recorded.as_ref()).collect();
    assert_eq!((recorded[1].status, recorded[1].error), (499, Some(ErrorKind::ClientCancelled)));
    assert_eq!(
        (outcome.requests[1].session.as_ref(), recorded[2].status, recorded[2].error),
        (None, 0, Some(ErrorKind::Connect))
    );
    assert_eq!((recorded[3].status, recorded[3].error, recorded[3].answer.as_ref()), (200, None, None));
    assert_eq!(recorded[4].answer.as_deref(), Some("a plain answer"));
    let skips = skips(&outcome);
    let words = [
        "line 9: `request_body`",
        "line 10: ",
        "line 11: `status`",
        "line 12: `request_time`",
        "line 13: `msec`",
        "line 14: the line has no JSON",
        "line 16: expected a JSON object",
    ];
    assert_eq!(skips.len(), words.len(), "{skips:?}");
    for (skip, words) in skips.iter().zip(words) {
        assert!(skip.contains(words), "{skip}: {words}");
    }
}

#[test]
fn without_a_mapping_the_message_shows_one() {
    let log = file(line(&[]));
    let options = ImportOptions { format: Some(LogFormat::Nginx), ..ImportOptions::default() };
    let error = super::super::open(&[log.path().to_owned()], options).unwrap_err().to_string();
    assert!(error.contains("--mapping") && error.contains("[columns]"), "{error}");
    let options = ImportOptions { mapping: Some("no-such-file.toml".into()), ..ImportOptions::default() };
    let error = super::super::open(&[log.path().to_owned()], options).unwrap_err().to_string();
    assert!(error.contains("no-such-file.toml"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_hang_or_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60), at in 0_usize..700, whole in any::<bool>()) {
        if whole {
            let mut log = line(&[]).into_bytes();
            let end = (at + bytes.len()).min(log.len());
            log.splice(at.min(end)..end, bytes);
            bytes = log;
        }
        let outcome = import(mapping::EXAMPLE, &bytes);
        prop_assert!(outcome.requests.len() <= bytes.len());
    }
}
