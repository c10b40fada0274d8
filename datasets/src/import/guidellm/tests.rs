use super::super::LogFormat;
use super::super::testing::endure;
use super::super::trial::{drain, file, fills_only_what_it_says, import, member, prompt_tokens, round_trip, skips};
use super::*;
use proptest::prelude::*;

const LINES: &str = concat!(
    r#"{"prompt":"one","prompt_tokens_count":3,"output_tokens_count":64,"relative_timestamp":0.5}"#,
    "\n",
    r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"two"}],"tools":[{"type":"function"}],"relative_timestamp":"1.25"}"#,
    "\n",
    r#"{"prompt_tokens_count":100,"output_tokens_count":5,"relative_timestamp":2}"#,
    "\n",
);
const TABLE: &str = "text,output_tokens_count,messages,relative_timestamp,tools\r\n\
    \"a, \"\"quoted\"\"\nprompt\",9,,0,\r\n\
    ,,\"[{\"\"role\"\":\"\"user\"\",\"\"content\"\":\"\"b\"\"}]\",3.5,\"[{\"\"type\"\":\"\"function\"\"}]\"\r\n\
    ,,{},4,\r\n\
    c,x,,5,\r\n\
    c,1,,soon,\r\n";

#[test]
fn json_lines_bring_texts_messages_or_lengths() {
    let outcome = import(LINES);
    assert_eq!((outcome.format, outcome.untimed), (LogFormat::GuideLlm, false));
    let [first, second, third] = &outcome.requests[..] else { panic!("{:?}", outcome.report) };
    assert_eq!([first.at_us, second.at_us, third.at_us], [500_000, 1_250_000, 2_000_000]);
    assert_eq!(
        (member(first, "messages")[0]["content"].clone(), member(first, "max_tokens")),
        ("one".into(), 64.into())
    );
    assert_eq!(member(second, "messages")[1]["content"], "two");
    assert_eq!(member(second, "tools")[0]["type"], "function");
    assert_eq!((prompt_tokens(third), member(third, "max_tokens")), (100, 5.into()));
    fills_only_what_it_says(&outcome);
    round_trip(&outcome);
}

#[test]
fn tables_bring_the_same_with_json_as_text() {
    let outcome = import(TABLE);
    assert_eq!(outcome.format, LogFormat::GuideLlm);
    let [first, second] = &outcome.requests[..] else { panic!("{:?}", outcome.report) };
    assert_eq!((member(first, "messages")[0]["content"].clone(), first.at_us), ("a, \"quoted\"\nprompt".into(), 0));
    assert_eq!(member(first, "max_tokens"), 9);
    assert_eq!((member(second, "messages")[0]["content"].clone(), second.at_us), ("b".into(), 3_500_000));
    assert_eq!(member(second, "tools")[0]["type"], "function");
    let skips = skips(&outcome);
    assert_eq!(skips.len(), 3, "{skips:?}");
    assert!(
        skips[0].contains("line 5: the row has neither") && skips[1].contains("line 6: `output_tokens_count`"),
        "{skips:?}"
    );
    assert!(skips[2].contains("line 7: `relative_timestamp`"), "{skips:?}");
    round_trip(&outcome);
}

#[test]
fn a_minimal_trace_counts_seconds() {
    let outcome =
        import("{\"timestamp\":0.5,\"input_length\":50,\"output_length\":5}\n{\"timestamp\":2,\"input_length\":50}\n");
    assert_eq!((outcome.format, outcome.requests[1].at_us), (LogFormat::GuideLlm, 2_000_000));
    let whole = file("{\"timestamp\":3,\"input_length\":50,\"output_length\":5}\n");
    let options = ImportOptions { format: Some(LogFormat::GuideLlm), ..ImportOptions::default() };
    let outcome = drain(super::super::open(&[whole.path().to_owned()], options).unwrap());
    assert_eq!((outcome.requests[0].at_us, prompt_tokens(&outcome.requests[0])), (3_000_000, 50));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_hang_or_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60), at in 0_usize..300, whole in 0..3) {
        if whole > 0 {
            let mut log = if whole == 1 { LINES } else { TABLE }.as_bytes().to_vec();
            let end = (at + bytes.len()).min(log.len());
            log.splice(at.min(end)..end, bytes);
            bytes = log;
        }
        endure(LogFormat::GuideLlm, &bytes);
    }
}
