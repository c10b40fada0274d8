use super::super::LogFormat;
use super::super::testing::endure;
use super::super::trial::{fills_only_what_it_says, import, member, round_trip, skips};
use super::*;
use proptest::prelude::*;

const LOG: &str = r#"[
  {"id": "abc", "conversations": [
    {"from": "system", "value": "Be brief."},
    {"from": "human", "value": "Hello?"},
    {"from": "gpt", "value": "Hi."},
    {"from": "human", "value": "And now?"}
  ]},
  {"model": "gpt-4", "items": [{"from": "user", "value": "a"}, {"from": "chatgpt", "value": "b"}]},
  {"id": "silent", "conversations": [{"from": "gpt", "value": "x"}]},
  {"id": "odd", "conversations": [{"from": "robot", "value": "x"}]},
  {"id": "none"},
  {"id": "r", "conversations": [{"role": "user", "content": "c"}]}
]"#;

#[test]
fn each_turn_of_the_human_is_a_request_with_its_history() {
    let outcome = import(LOG);
    assert_eq!((outcome.format, outcome.untimed), (LogFormat::ShareGpt, true));
    let [first, second, third, fourth] = &outcome.requests[..] else { panic!("{:?}", outcome.report) };
    let texts = |request| {
        let messages = member(request, "messages");
        messages
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["content"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(texts(first), ["Be brief.", "Hello?"]);
    assert_eq!(member(first, "messages")[0]["role"], "system");
    assert_eq!(texts(second), ["Be brief.", "Hello?", "Hi.", "And now?"]);
    assert_eq!((first.id.as_str(), second.id.as_str()), ("abc-2", "abc-4"));
    assert_eq!((first.session.as_deref(), second.session.as_deref()), (Some("abc"), Some("abc")));
    let recorded = first.recorded.as_ref().unwrap();
    assert_eq!((recorded.answer.as_deref(), recorded.provider.as_str()), (Some("Hi."), "sharegpt"));
    assert_eq!((recorded.model.as_str(), recorded.status, recorded.duration_us), ("unknown", 200, None));
    assert!(second.recorded.is_none());
    assert_eq!((third.id.as_str(), third.recorded.as_ref().unwrap().model.as_str()), ("conversation-2-1", "gpt-4"));
    assert_eq!(texts(fourth), ["c"]);
    let skips = skips(&outcome);
    assert_eq!((skips.len(), outcome.report.passed_over), (2, 1), "{skips:?}");
    assert!(
        skips[0].contains("line 10: a turn in `conversations`") && skips[1].contains("line 11: `conversations`"),
        "{skips:?}"
    );
    fills_only_what_it_says(&outcome);
    round_trip(&outcome);
}

#[test]
fn long_names_become_digests_and_turns_have_a_bound() {
    let (long, turn) = ("c".repeat(70_000), r#"{"from":"human","value":"x"}"#);
    let outcome = import(format!(r#"{{"id":"{long}","conversations":[{turn},{turn}]}}"#));
    let digest = ImportOptions::default().pseudonym(&long);
    let found: Vec<_> = outcome.requests.iter().map(|request| (request.id.clone(), request.session.clone())).collect();
    assert_eq!(found, [1, 2].map(|turn| (format!("{digest}-{turn}"), Some(digest.clone()))));
    let outcome = import(format!(r#"{{"id":"d","conversations":[{}]}}"#, vec![turn; TURNS_MAX + 1].join(",")));
    assert!(outcome.requests.is_empty() && skips(&outcome)[0].contains("more than 4096 turns"), "{:?}", outcome.report);
}

#[test]
fn a_line_each_is_the_same() {
    let lines: String =
        serde_json::from_str::<Vec<Value>>(LOG).unwrap().iter().map(|value| format!("{value}\n")).collect();
    let (list, lines) = (import(LOG), import(lines));
    assert_eq!(lines.format, LogFormat::ShareGpt);
    let bodies = |outcome: &super::super::trial::Outcome| -> Vec<(String, String)> {
        outcome.requests.iter().map(|request| (request.id.clone(), request.body.get().to_owned())).collect()
    };
    assert_eq!(bodies(&list), bodies(&lines));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_hang_or_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60), at in 0_usize..500, whole in any::<bool>()) {
        if whole {
            let mut log = LOG.as_bytes().to_vec();
            let end = (at + bytes.len()).min(log.len());
            log.splice(at.min(end)..end, bytes);
            bytes = log;
        }
        endure(LogFormat::ShareGpt, &bytes);
    }
}
