use super::*;
use proptest::prelude::*;
use serde_json::Value;

fn text_of(lengths: &Lengths, id: &str, options: &ImportOptions) -> String {
    let value: Value = serde_json::from_str(body(lengths, id, options).unwrap().get()).unwrap();
    value["messages"][0]["content"].as_str().unwrap().to_owned()
}

fn of(prompt_tokens: u64) -> Lengths {
    Lengths { prompt_tokens, ..Lengths::default() }
}

#[test]
fn the_word_lists_are_whole_and_have_no_word_twice() {
    for (language, count, bits) in [(Language::English, 1024, 10), (Language::Chinese, 512, 9)] {
        let words = language.words();
        let different: std::collections::HashSet<&String> = words.list.iter().collect();
        assert_eq!((words.list.len(), different.len(), words.bits), (count, count, bits));
    }
    assert!(Language::English.words().list.iter().all(|word| word[1..].bytes().all(|byte| byte.is_ascii_lowercase())));
    assert!(Language::Chinese.words().list.iter().all(|word| word.chars().count() == 2));
}

#[test]
fn a_prompt_has_a_word_for_each_token_that_the_chat_leaves() {
    let options = ImportOptions::default();
    for (tokens, words) in [(0, 7), (1, 7), (14, 7), (15, 8), (1_000, 993), (100_000, 99_993)] {
        assert_eq!(text_of(&of(tokens), "a", &options).split(' ').count(), words, "{tokens}");
    }
    let chinese = ImportOptions { chinese_percent: 100, ..ImportOptions::default() };
    assert_eq!(text_of(&of(1_000), "a", &chinese).chars().count(), 2 * 993);
    let cut = body(&of(u64::MAX), "a", &options).unwrap();
    assert!(cut.get().len() < 40_000_000);
}

#[test]
fn the_body_asks_for_what_the_trace_and_the_options_say() {
    let lengths = Lengths { completion_tokens: Some(0), model: Some("a\"b".to_owned()), ..of(20) };
    let plain = ImportOptions { stream: false, ..ImportOptions::default() };
    let value: Value = serde_json::from_str(body(&lengths, "a", &plain).unwrap().get()).unwrap();
    assert_eq!((&value["model"], &value["max_tokens"]), (&"a\"b".into(), &1.into()));
    assert!(value.get("stream").is_none());
    let value: Value = serde_json::from_str(body(&of(20), "a", &ImportOptions::default()).unwrap().get()).unwrap();
    assert_eq!(value["model"], "gpt-4o-mini");
    assert_eq!(value["stream_options"]["include_usage"], true);
    assert!(value.get("max_tokens").is_none());
}

#[test]
fn the_same_request_gives_the_same_text_and_another_id_or_seed_another() {
    let (options, other) = (ImportOptions::default(), ImportOptions { seed: 2, ..ImportOptions::default() });
    let first = text_of(&of(50), "a", &options);
    assert_eq!(first, text_of(&of(50), "a", &options));
    assert_ne!(first, text_of(&of(50), "b", &options));
    assert_ne!(first, text_of(&of(50), "a", &other));
    assert!(first.starts_with(&text_of(&of(20), "a", &options)));
    let short: std::collections::HashSet<String> =
        (0..20_000).map(|number| text_of(&of(1), &format!("line-{number}"), &options)).collect();
    assert_eq!(short.len(), 20_000);
}

#[test]
fn languages_mix_by_the_chosen_share_and_stay_with_the_prefix() {
    let options = ImportOptions { chinese_percent: 30, ..ImportOptions::default() };
    let chinese = |lengths: &Lengths, id: &str| !text_of(lengths, id, &options).is_ascii();
    let count = (0..2_000).filter(|number| chinese(&of(30), &format!("id-{number}"))).count();
    assert!((540..660).contains(&count), "{count}");
    for hash in 0..50 {
        let lengths = Lengths { prefix_blocks: vec![hash], block_tokens: 16, ..of(40) };
        assert_eq!(chinese(&lengths, "a"), chinese(&lengths, "b"));
    }
}

/// Throughput, to be looked at in a release build: `cargo test --release -p datasets filler_speed -- --nocapture`.
#[test]
fn filler_speed() {
    let options = ImportOptions::default();
    let rows = if cfg!(debug_assertions) { 200_u32 } else { 100_000 };
    let start = std::time::Instant::now();
    let mut bytes = 0;
    for number in 0..rows {
        let body = body(&of(1_000), &format!("line-{number}"), &options).unwrap();
        bytes += body.get().len();
    }
    let seconds = start.elapsed().as_secs_f64();
    eprintln!(
        "{rows} prompts of 1,000 tokens: {:.0} MB/s, {:.0} a second",
        bytes as f64 / seconds / 1e6,
        f64::from(rows) / seconds
    );
    assert!(bytes > 4_000 * rows as usize);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equal_leading_hashes_give_equal_leading_words_and_no_more(
        blocks in prop::collection::vec(0_u64..4, 1..6), others in prop::collection::vec(0_u64..4, 1..6),
        block_tokens in prop::sample::select(vec![16_u64, 64, 512]), extra in 14_u64..600,
    ) {
        let options = ImportOptions::default();
        let lengths = |blocks: &Vec<u64>| Lengths {
            prompt_tokens: blocks.len() as u64 * block_tokens + extra,
            prefix_blocks: blocks.clone(), block_tokens, ..Lengths::default()
        };
        let (one, two) = (text_of(&lengths(&blocks), "one", &options), text_of(&lengths(&others), "two", &options));
        let shared = blocks.iter().zip(&others).take_while(|(one, two)| one == two).count();
        let equal = one.split(' ').zip(two.split(' ')).take_while(|(one, two)| one == two).count();
        let whole = shared * usize::try_from(block_tokens).unwrap();
        // Two words in a row are equal by accident in one of a million draws.
        prop_assert!(equal >= whole && equal < whole + 4, "{equal} words for {shared} blocks of {block_tokens}");
    }
}
