use super::super::LogFormat;
use super::super::open as open_log;
use super::super::testing::endure;
use super::super::trial::{
    fills_only_what_it_says, import, import_with, member, prompt, prompt_tokens, real, round_trip, skips,
};
use super::*;
use proptest::prelude::*;
use std::collections::{BTreeSet, HashSet};

const ROWS: &str = concat!(
    r#"{"timestamp": 0, "input_length": 1030, "output_length": 500, "hash_ids": [0, 1, 2]}"#,
    "\r\n",
    r#"{"timestamp": 1500, "input_length": "1030", "output_length": 0, "hash_ids": [0, 1, 3]}"#,
    "\r\n",
    r#"{"timestamp": 2500, "input_length": 40, "block_size": 16, "hash_ids": ["a", -1]}"#,
    "\n",
);

#[test]
fn a_trace_becomes_prompts_that_begin_alike_where_their_hashes_do() {
    let outcome = import(ROWS);
    assert_eq!((outcome.format, outcome.untimed, outcome.requests.len()), (LogFormat::Mooncake, false, 3));
    let [first, second, third] = &outcome.requests[..] else { panic!() };
    assert_eq!([first.at_us, second.at_us, third.at_us], [0, 1_500_000, 2_500_000]);
    assert_eq!([first, second, third].map(prompt_tokens), [1030, 1030, 40]);
    assert_eq!((member(first, "max_tokens"), member(second, "max_tokens")), (500.into(), 1.into()));
    let shared = prompt(first).split(' ').zip(prompt(second).split(' ')).take_while(|(one, two)| one == two).count();
    // All of the third block is the request's own tail and the chat's frame: 1030 - 7 - 7 words have hashes.
    assert!((1_016..1_030).contains(&shared), "{shared}");
    assert!(outcome.report.notes.is_empty());
    fills_only_what_it_says(&outcome);
    round_trip(&outcome);
}

#[test]
fn the_other_dialects_are_read_by_their_members() {
    let aiperf = concat!(
        r#"{"session_id":"s","timestamp":1000,"text_input":"hello","output_length":20,"tools":[{"type":"function"}]}"#,
        "\n",
        r#"{"session_id":"s","delay":500,"messages":[{"role":"user","content":"again"}]}"#,
        "\n",
        r#"{"session_id":"t","timestamp":4000,"payload":{ "model":"m","messages":[]}}"#,
        "\n",
    );
    let outcome = import(aiperf);
    let [first, second, third] = &outcome.requests[..] else { panic!("{:?}", outcome.report) };
    assert_eq!((outcome.format, outcome.report.prompts_made), (LogFormat::Mooncake, 0));
    assert_eq!([first.at_us, second.at_us, third.at_us], [1_000_000, 1_500_000, 4_000_000]);
    assert_eq!((first.session.as_deref(), second.session.as_deref()), (Some("s"), Some("s")));
    assert_eq!(member(first, "messages")[0]["content"], "hello");
    assert_eq!(
        (member(first, "max_tokens"), member(first, "tools")[0]["type"].clone()),
        (20.into(), "function".into())
    );
    assert_eq!(member(second, "messages")[0]["content"], "again");
    assert_eq!(third.body.get(), r#"{ "model":"m","messages":[]}"#);
    fills_only_what_it_says(&outcome);
    round_trip(&outcome);

    let inputs = "{\n \"data\": [\n {\"session_id\":\"a\",\"payloads\":[{\"model\":\"m\",\"n\":1},{\"model\":\"m\"}]},\n {\"session_id\":\"b\",\"payloads\":[{}]}]}";
    let outcome = import(inputs);
    let sessions: Vec<_> = outcome.requests.iter().filter_map(|request| request.session.as_deref()).collect();
    assert_eq!((outcome.untimed, sessions), (true, vec!["a", "a", "b"]));
    let ids: BTreeSet<&str> = outcome.requests.iter().map(|request| request.id.as_str()).collect();
    assert_eq!(ids.len(), 3);
    round_trip(&outcome);

    let bailian = concat!(
        r#"{"chat_id":1,"parent_chat_id":-1,"timestamp":0.5,"input_length":50,"output_length":5,"type":"text","turn":1,"hash_ids":[1,2]}"#,
        "\n",
        r#"{"chat_id":2,"parent_chat_id":1,"timestamp":2.25,"input_length":50,"output_length":5,"turn":2,"hash_ids":[1,2]}"#,
        "\n",
        r#"{"chat_id":3,"parent_chat_id":2,"timestamp":3,"input_length":50,"output_length":5,"turn":3,"hash_ids":[1,9]}"#,
        "\n",
    );
    let outcome = import(bailian);
    let [first, second, third] = &outcome.requests[..] else { panic!("{:?}", outcome.report) };
    assert_eq!([first.at_us, second.at_us, third.at_us], [500_000, 2_250_000, 3_000_000]);
    assert_eq!([first, second, third].map(|request| request.session.as_deref()), [Some("1"); 3]);
    assert_eq!((first.id.as_str(), third.id.as_str()), ("1", "3"));
    let words = |request| prompt(request).split(' ').collect::<Vec<_>>();
    assert_eq!(words(first)[..32], words(second)[..32]);
    assert_eq!(words(first)[..16], words(third)[..16]);
    assert_ne!(words(first)[16..20], words(third)[16..20]);
    fills_only_what_it_says(&outcome);
}

#[test]
fn weka_sessions_and_rows_are_read_with_their_own_hashes() {
    let session = |id: &str| {
        format!(
            r#"{{"id":"{id}","models":["m"],"block_size":64,"hash_id_scope":"local","requests":[
            {{"t":0.0,"type":"n","model":"m","in":150,"out":9,"hash_ids":[1,2]}},
            {{"t":9,"type":"subagent","requests":[{{"t":5.5,"type":"n","in":150,"out":9,"hash_ids":[1,2]}}]}},
            {{"t":1,"type":"s","in":20,"out":1}}]}}"#
        )
    };
    let log = session("a") + "\n" + &session("b");
    let outcome = import(&log);
    let at: Vec<i64> = outcome.requests.iter().map(|request| request.at_us).collect();
    assert_eq!(at, [0, 1_000_000, 5_500_000, 0, 1_000_000, 5_500_000], "{:?}", outcome.report);
    assert_eq!(outcome.requests[4].session.as_deref(), Some("b"));
    assert_eq!(member(&outcome.requests[0], "model"), "m");
    let begin = |index: usize| &prompt(&outcome.requests[index])[..100];
    assert_eq!(begin(0), begin(2));
    assert_ne!(begin(0), begin(3), "hashes of one session mean nothing in another");
    let rows = import("{\"id\":\"x\",\"t\":1.5,\"in\":100,\"out\":3,\"hash_ids\":[7]}\n");
    assert_eq!((rows.requests[0].id.as_str(), rows.requests[0].at_us), ("x", 1_500_000));
}

#[test]
fn rows_that_cannot_be_used_are_told_by_line_and_member() {
    let deep = "{\"requests\":[".repeat(12) + &"]}".repeat(12);
    let log = [
        ROWS.trim(),
        r#"{"timestamp":0,"input_length":-5,"hash_ids":[]}"#,
        r#"{"timestamp":"soon","input_length":5}"#,
        r#"{"timestamp":1,"input_length":99999999999}"#,
        r#"{"timestamp":1,"input_length":5,"hash_ids":[[1]]}"#,
        r#"{"timestamp":1,"input_length":5,"#,
        r#"{"timestamp":1}"#,
        r#"{"timestamp":1,"payload":"no"}"#,
        deep.as_str(),
    ]
    .join("\n");
    let outcome = import(&log);
    let skips = skips(&outcome);
    assert_eq!((outcome.requests.len(), skips.len()), (3, 8), "{skips:?}");
    for (skip, words) in skips.iter().zip([
        "line 4: `input_length`",
        "line 5: `timestamp`",
        "line 6: `input_length`",
        "line 7: `hash_ids`",
        "line 8: expected a JSON object",
        "line 9: `input_length`",
        "line 10: `payload`",
        "line 11: `requests` are nested",
    ]) {
        assert!(skip.contains(words), "{skip}: {words}");
    }
}

#[test]
fn a_long_name_is_kept_as_its_digest_and_a_session_has_a_bound() {
    let long = "s".repeat(70_000);
    let rows = [
        format!(r#"{{"session_id":"{long}","payloads":[{{"model":"m"}},{{"model":"m"}}]}}"#),
        format!(r#"{{"session_id":"{long}","timestamp":5,"text_input":"x","output_length":1}}"#),
    ];
    let outcome = import(rows.join("\n"));
    let digest = ImportOptions::default().pseudonym(&long);
    let sessions: Vec<_> = outcome.requests.iter().map(|request| request.session.as_deref()).collect();
    assert_eq!(sessions, [Some(digest.as_str()); 3], "{:?}", outcome.report);
    for requests in [
        format!(r#"{{"session_id":"s","payloads":[{}]}}"#, ["{}"; 100_001].join(",")),
        format!(r#"{{"id":"s","block_size":1,"requests":[{}]}}"#, [r#"{"t":1,"in":9}"#; 100_001].join(",")),
    ] {
        let outcome = import(requests);
        assert!(outcome.requests.is_empty());
        assert!(skips(&outcome)[0].contains("line 1: the session has more than 100000 requests"));
    }
}

#[test]
fn requests_of_one_instant_are_spread_over_the_grid_in_their_order() {
    let row = |number: u64| {
        format!(
            "{{\"timestamp\":{},\"input_length\":{},\"output_length\":1,\"hash_ids\":[]}}\n",
            number / 5 * 3000,
            number % 50 + 20
        )
    };
    let log: String = (0..3_000).map(row).collect::<String>() + &row(3_000).replace(":1800000,", ":1800011,");
    let outcome = import(&log);
    assert!(outcome.report.notes[0].contains("grid of 3 s"), "{:?}", outcome.report.notes);
    assert_eq!((outcome.requests.len(), outcome.report.out_of_order, outcome.report.notes.len()), (3_001, 0, 1));
    for (number, request) in (0..3_000).zip(&outcome.requests) {
        let place = request.at_us - number / 5 * 3_000_000;
        assert!((0..3_000_000).contains(&place), "request {number} is {place} us into its step");
        assert_eq!(prompt_tokens(request), number.unsigned_abs() % 50 + 20);
    }
    assert_eq!(outcome.requests[3_000].at_us, 1_800_011_000, "off the grid");
    let places: Vec<i64> = outcome.requests.iter().take(3_000).map(|request| request.at_us % 3_000_000).collect();
    let mean = places.iter().sum::<i64>() / 3_000;
    assert!((1_450_000..1_550_000).contains(&mean), "{mean}");
    let times = |seed| -> Vec<i64> {
        let options = ImportOptions { seed, ..ImportOptions::default() };
        import_with(&[log.as_bytes()], options).requests.iter().map(|request| request.at_us).collect()
    };
    assert_eq!(times(1), outcome.requests.iter().map(|request| request.at_us).collect::<Vec<_>>());
    assert_ne!(times(1), times(2));
}

/// Tokens that an unlimited cache of whole blocks would have, of all tokens.
fn hits(blocks: impl Iterator<Item = (Vec<u64>, u64)>, block_tokens: u64) -> f64 {
    let (mut seen, mut hit, mut all) = (HashSet::new(), 0, 0);
    for (hashes, tokens) in blocks {
        all += tokens;
        let mut chain = 0_u64;
        let mut still = true;
        for hash in hashes {
            chain = crate::digest::short(&[chain.to_le_bytes(), hash.to_le_bytes()].concat());
            still &= seen.contains(&chain);
            hit += if still { block_tokens } else { 0 };
            seen.insert(chain);
        }
    }
    hit as f64 / all as f64
}

#[test]
fn the_real_trace_has_its_known_grid_and_prefix_hits() {
    let Some(path) = real("mooncake_conversation_2500.jsonl") else { return };
    let text = std::fs::read_to_string(&path).unwrap();
    let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let different: BTreeSet<u64> = rows.iter().map(|row| row["timestamp"].as_u64().unwrap()).collect();
    assert_eq!((rows.len(), different.len()), (2_500, 275));
    // Unoptimised code takes a minute for all thirty million tokens.
    let count = if cfg!(debug_assertions) { 500 } else { 2_500 };
    let told = |count: usize| {
        let blocks = rows.iter().take(count).map(|row| {
            let hashes: Vec<u64> = row["hash_ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
            let tokens = row["input_length"].as_u64().unwrap();
            let whole = usize::try_from(tokens / 512).unwrap();
            (hashes[..whole.min(hashes.len())].to_vec(), tokens)
        });
        hits(blocks, 512)
    };
    assert!((told(2_500) - 0.306).abs() < 0.002);
    let mut import = open_log(&[path], ImportOptions::default()).unwrap();
    let requests: Vec<_> = import.by_ref().take(count).map(Result::unwrap).collect();
    assert_eq!((requests.len(), import.report().skipped, import.report().out_of_order), (count, 0, 0));
    assert!(import.report().notes[0].contains("grid of 3 s"), "{:?}", import.report().notes);
    let instants: BTreeSet<i64> = requests.iter().map(|request| request.at_us).collect();
    assert!(instants.len() + 10 > count, "{} instants", instants.len());
    let mut ends = HashSet::new();
    let found = hits(
        requests.iter().map(|request| {
            let words: Vec<&str> = prompt(request).split(' ').collect();
            assert!(ends.insert(words[words.len() - 7..].join(" ")), "the end of every prompt is its own");
            let blocks =
                words.chunks_exact(512).map(|block| crate::digest::short(block.join(" ").as_bytes())).collect();
            (blocks, prompt_tokens(request))
        }),
        512,
    );
    let told = told(count);
    eprintln!("prefix hits, first {count}: {:.2} % by hashes, {:.2} % by texts", told * 100.0, found * 100.0);
    assert!((found - told).abs() < 0.002, "{found} of {told}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_hang_or_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60), at in 0_usize..250, whole in any::<bool>()) {
        if whole {
            let mut log = ROWS.as_bytes().to_vec();
            let end = (at + bytes.len()).min(log.len());
            log.splice(at.min(end)..end, bytes);
            bytes = log;
        }
        endure(LogFormat::Mooncake, &bytes);
    }
}
