use super::super::LogFormat;
use super::super::testing::endure;
use super::super::trial::{fills_only_what_it_says, import, member, round_trip, skips};
use proptest::prelude::*;

const LOG: &str = "{\"prompt\": \"Say \u{2028}hi\", \"output_tokens\": 128}\r\n{\"prompt\":\"again\",\"output_tokens\":\"0\"}\n{\"prompt\":\"\"}\n{\"output_tokens\":1}\n{\"prompt\":\"x\",\"output_tokens\":-1}\n{\"prompt\":[{\"role\":\"user\",\"content\":\"c\"}]}\n";

#[test]
fn prompts_become_chats_with_the_wanted_length() {
    let outcome = import(LOG);
    assert_eq!((outcome.format, outcome.untimed, outcome.requests.len()), (LogFormat::Vllm, true, 3));
    let [first, second, third] = &outcome.requests[..] else { panic!() };
    assert_eq!(member(first, "messages")[0]["content"], "Say \u{2028}hi");
    assert_eq!((member(first, "max_tokens"), member(second, "max_tokens")), (128.into(), 1.into()));
    assert_eq!((member(first, "stream"), member(first, "model")), (true.into(), "gpt-4o-mini".into()));
    assert_eq!((member(third, "messages")[0]["content"].clone(), member(third, "max_tokens")), ("c".into(), ().into()));
    let skips = skips(&outcome);
    assert_eq!(skips.len(), 3, "{skips:?}");
    assert!(skips[0].contains("line 3: `prompt`") && skips[1].contains("line 4: `prompt`"), "{skips:?}");
    assert!(skips[2].contains("line 5: `output_tokens`"), "{skips:?}");
    fills_only_what_it_says(&outcome);
    round_trip(&outcome);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_hang_or_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60), at in 0_usize..200, whole in any::<bool>()) {
        if whole {
            let mut log = LOG.as_bytes().to_vec();
            let end = (at + bytes.len()).min(log.len());
            log.splice(at.min(end)..end, bytes);
            bytes = log;
        }
        endure(LogFormat::Vllm, &bytes);
    }
}
