use super::*;
use crate::document::Document;
use crate::route::Chosen;
use crate::{Route, counterpart};
use datasets::Recorded;
use serde_json::value::RawValue;
use std::sync::Arc;
use wire::provider::Effect;

const NOW_US: i64 = 1_795_392_000_000_000;

pub(crate) fn options() -> Options {
    Options {
        version: "0".to_owned(),
        migration: "openai-to-deepseek".to_owned(),
        baseline: Provider::OpenAi,
        candidate: Provider::DeepSeek,
        candidate_name: "deepseek".to_owned(),
        untimed: false,
        policy: Policy::default(),
        now_us: NOW_US,
    }
}

fn by_default(asked: &Asked<'_>) -> Route {
    match counterpart(Provider::DeepSeek, asked.model) {
        Some(model) if asked.model != "stays" => Route::To(Arc::from(model), Chosen::Default),
        _ => Route::Outside,
    }
}

/// A log of chat requests: consumer, and members beside an empty list of messages.
fn chats(rows: &[(&str, &str)]) -> Document {
    let tariffs = Tariffs::embedded().unwrap();
    let mut preflight = Preflight::new(options(), &tariffs, by_default);
    preflight.file("log.ndjson");
    for (index, (consumer, members)) in rows.iter().enumerate() {
        let body = format!(r#"{{"messages":[{{"role":"user","content":"a secret of the user"}}],{members}}}"#);
        let mut logged = LoggedRequest::chat(format!("r{index}"), index as i64, RawValue::from_string(body).unwrap());
        logged.consumer = Some((*consumer).to_owned());
        logged.recorded = Some(Recorded { duration_us: Some(10), ..Recorded::new("openai", "m", 200) });
        let request = index as u64 + 1;
        preflight.see(&logged, &Place { file: "log.ndjson", line: Some(request + 1), request });
    }
    preflight.finish()
}

#[test]
fn each_request_is_counted_once_by_its_worst() {
    let document = chats(&[
        ("calm", r#""model":"gpt-4o-mini""#),
        ("calm", r#""model":"gpt-4o-mini","max_completion_tokens":9"#),
        ("wild", r#""model":"gpt-4o-mini","seed":1,"n":3"#),
        ("wild", r#""model":"gpt-4o-mini","seed":1"#),
        ("wild", r#""model":"stays","n":3"#),
        ("wild", r#""model":5"#),
    ]);
    let expected = Totals { same: 1, rewritten: 1, loses: 1, fails: 1, outside: 1, not_requests: 1, loses_harmless: 0 };
    assert_eq!(document.totals, expected);
    assert_eq!((document.log.requests, document.totals.all(), document.totals.judged()), (6, 6, 4));
    assert_eq!(document.log.span_us, Some((0, 5)));
    assert_eq!(
        document.log.not_requests.examples,
        ["log.ndjson, line 7: `model` is missing, doubled or of another type"]
    );
    let worst = &document.groups[0];
    assert_eq!((worst.consumer.as_deref(), worst.totals.fails), (Some("wild"), 1));
    assert_eq!(worst.worst, [("n>1".to_owned(), 1), ("seed".to_owned(), 1)]);
    assert_eq!(document.flight.models[0].peak, Some(3), "what fails is not sent");
}

#[test]
fn features_stand_worst_first_with_lines_to_find_them_and_no_content() {
    let row = ("c", r#""model":"gpt-4o-mini","seed":1,"max_completion_tokens":77"#);
    let document = chats(&[row, row, row, row, row, ("c", r#""model":"gpt-4o-mini","n":2"#)]);
    assert_eq!((&*document.features[0].feature, document.features[0].effect), ("n>1", Effect::Fails));
    assert!(document.features[0].examples[0].changes.is_empty(), "it is not sent");
    let seed = &document.features[1];
    assert_eq!((&*seed.feature, seed.requests, seed.examples.len()), ("seed", 5, 3));
    assert!((seed.share - 5.0 / 6.0).abs() < 1e-9);
    assert_eq!((seed.examples[0].line, &*seed.examples[0].id), (Some(2), "r0"));
    let changes: Vec<String> = seed.examples[0].changes.iter().map(ToString::to_string).collect();
    assert!(changes.contains(&"max_completion_tokens renamed to max_tokens".to_owned()), "{changes:?}");
    assert!(changes.contains(&"seed left out".to_owned()), "{changes:?}");
    let rule = seed.remedy.as_ref().unwrap().toml.as_deref().unwrap();
    assert!(rule.starts_with("[[migrations.openai-to-deepseek.stay]]\nfeatures = [\"seed\"]\n"), "{rule}");
    assert!(!serde_json::to_string(&document).unwrap().contains("secret"));
}

#[test]
fn endpoints_that_are_not_there_are_named() {
    let tariffs = Tariffs::embedded().unwrap();
    let mut preflight = Preflight::new(options(), &tariffs, by_default);
    let body = RawValue::from_string(r#"{"model":"text-embedding-3-small","input":"x"}"#.to_owned()).unwrap();
    let logged = LoggedRequest { endpoint: Endpoint::Embeddings, ..LoggedRequest::chat("e", 0, body) };
    preflight.see(&logged, &Place { file: "f", line: None, request: 1 });
    let document = preflight.finish();
    assert_eq!(document.missing_endpoints, [MissingEndpoint { endpoint: Endpoint::Embeddings, requests: 1 }]);
    assert_eq!((document.totals.fails, document.flight.models.len()), (1, 0));
}

#[test]
fn the_document_has_a_schema_and_serialises() {
    let schema = schemars::schema_for!(Document);
    let text = serde_json::to_value(&schema).unwrap();
    let document = serde_json::to_value(chats(&[("c", r#""model":"gpt-4o-mini""#)])).unwrap();
    let required: Vec<&str> = text["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    for name in required {
        assert!(document.get(name).is_some(), "{name}");
    }
    assert_eq!(document["schema"], "weighbridge.preflight/1");
}
