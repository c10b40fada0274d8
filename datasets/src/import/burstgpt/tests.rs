use super::super::LogFormat;
use super::super::open as open_log;
use super::super::testing::endure;
use super::super::trial::{drain, fills_only_what_it_says, import, member, prompt_tokens, real, round_trip, skips};
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const OLD: &str = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
    5,ChatGPT,472,18,490,Conversation log\n\
    118,GPT-4,0,0,0,API log\n\
    119,Claude,10,5,15,API log\n";
const NEW: &str = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\r\n\
    19440110.5,1722ac82,43,GPT-4,906,446,1352,Conversation log\r\n\
    19440111.0,,0.25,ChatGPT,36,29,65,API log\r\n\
    x,,,GPT-4,1,1,2,API log\r\n\
    -5,,,GPT-4,1,1,2,API log\r\n\
    1,,,GPT-4,1.5,1,2,API log\r\n";

#[test]
fn the_old_columns_and_failures_come_in() {
    let outcome = import(OLD);
    assert_eq!((outcome.format, outcome.requests.len(), outcome.report.skipped), (LogFormat::BurstGpt, 3, 0));
    let [first, failed, other] = &outcome.requests[..] else { panic!() };
    assert_eq!((first.at_us, prompt_tokens(first), member(first, "model")), (5_000_000, 472, "gpt-3.5-turbo".into()));
    let recorded = first.recorded.as_ref().unwrap();
    assert_eq!((recorded.provider.as_str(), recorded.model.as_str(), recorded.status), ("azure", "gpt-3.5-turbo", 200));
    let usage = recorded.usage.unwrap();
    assert_eq!((usage.prompt, usage.completion, recorded.duration_us, recorded.error), (472, 18, None, None));
    let recorded = failed.recorded.as_ref().unwrap();
    assert_eq!((recorded.status, recorded.error, recorded.usage), (0, Some(ErrorKind::Server), None));
    assert_eq!((recorded.model.as_str(), member(failed, "max_tokens")), ("gpt-4", 1.into()));
    assert_eq!(member(other, "model"), "Claude");
    fills_only_what_it_says(&outcome);
    round_trip(&outcome);
}

#[test]
fn the_new_columns_in_the_middle_are_found_by_name() {
    let outcome = import(NEW);
    let [first, second] = &outcome.requests[..] else { panic!("{:?}", outcome.report) };
    assert_eq!((first.at_us, first.session.as_deref()), (19_440_110_500_000, Some("1722ac82")));
    assert_eq!(first.recorded.as_ref().unwrap().duration_us, Some(43_000_000));
    assert_eq!((second.session.as_ref(), second.recorded.as_ref().unwrap().duration_us), (None, Some(250_000)));
    let skips = skips(&outcome);
    assert!(skips[0].contains("line 4: `Timestamp`") && skips[1].contains("line 5: `Timestamp`"), "{skips:?}");
    assert!(skips[2].contains("line 6: `Request tokens`") && skips.len() == 3, "{skips:?}");
    fills_only_what_it_says(&outcome);
    round_trip(&outcome);
}

#[test]
fn the_real_heads_have_their_known_failures_and_sessions() {
    for (name, rows, failures, sessions) in
        [("burstgpt_v1_head.csv", 379, 15, None), ("burstgpt_v3_head_sessions.csv", 188, 1, Some((71, 24)))]
    {
        let Some(path) = real(name) else { return };
        let outcome = drain(open_log(&[path], ImportOptions::default()).unwrap());
        let failed = outcome.requests.iter().filter(|request| request.recorded.as_ref().unwrap().error.is_some());
        assert_eq!((outcome.requests.len(), outcome.report.skipped, failed.count()), (rows, 0, failures), "{name}");
        let mut turns = BTreeMap::<&str, u32>::new();
        for session in outcome.requests.iter().filter_map(|request| request.session.as_deref()) {
            *turns.entry(session).or_default() += 1;
        }
        let found = (!turns.is_empty()).then(|| (turns.len(), turns.into_values().max().unwrap()));
        assert_eq!(found, sessions, "{name}");
        if sessions.is_some() {
            for (model, known) in [("gpt-4", 0.104), ("gpt-3.5-turbo", 0.019)] {
                let (mut seconds, mut tokens) = (0.0, 0.0);
                for recorded in outcome.requests.iter().filter_map(|request| request.recorded.as_ref()) {
                    if let (true, Some(usage), Some(micros)) =
                        (recorded.model == model, recorded.usage, recorded.duration_us)
                    {
                        seconds += micros as f64 / 1e6;
                        tokens += usage.completion as f64;
                    }
                }
                let found = seconds / tokens;
                assert!((found / known - 1.0).abs() < 0.25, "{model}: {found} seconds a token");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_hang_or_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60), at in 0_usize..300, whole in any::<bool>()) {
        if whole {
            let mut log = NEW.as_bytes().to_vec();
            let end = (at + bytes.len()).min(log.len());
            log.splice(at.min(end)..end, bytes);
            bytes = log;
        }
        endure(LogFormat::BurstGpt, &bytes);
    }
}
