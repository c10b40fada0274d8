//! The ratios' source, and projections of public traces. These tests run where the shared data lie beside the repository, or
//! where `WEIGHBRIDGE_REAL_DATA` says; elsewhere they say that they were skipped.

#![expect(clippy::print_stderr, clippy::unwrap_used, reason = "a test that shows what it measured")]

use bill::project::ratio::{CORPORA, Ratios, Script};
use bill::project::{Document, Options, Projection};
use datasets::import::{self, ImportOptions};
use std::path::{Path, PathBuf};
use wire::price::{Tariffs, decimal};
use wire::usage::Vocabulary;

/// The file, if the data are there.
fn real(file: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/datasets");
    let path = std::env::var_os("WEIGHBRIDGE_REAL_DATA").map_or_else(beside, PathBuf::from).join(file);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: no real data here ({} is missing; see WEIGHBRIDGE_REAL_DATA)", path.display());
    None
}

/// DeepSeek's tokens for each of `o200k`, over all texts that have both counts: of the prompts, or of all answers.
fn ratio(file: &Path, answers: bool) -> (usize, f64) {
    let (mut texts, mut openai, mut deepseek) = (0, 0u64, 0u64);
    for line in std::fs::read_to_string(file).unwrap().split('\n').filter(|line| !line.is_empty()) {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let counts: Vec<&serde_json::Value> = if answers {
            row["answers"].as_object().unwrap().values().map(|answer| &answer["tokens"]).collect()
        } else {
            vec![&row["prompt_tokens"]]
        };
        for count in counts {
            texts += 1;
            openai += count["o200k"].as_u64().unwrap();
            deepseek += count["deepseek"].as_u64().unwrap();
        }
    }
    (texts, deepseek as f64 / openai as f64)
}

/// The Chinese counts that come with the data are of the vocabulary that V4 still has, so they are the table's own.
#[test]
fn chinese_ratios_are_those_of_the_data() {
    for (file, answers, name) in [
        ("prompts/belle_eval_zh_400.jsonl", false, "BELLE prompts"),
        ("pairs/zh_arena_hard_v2_o3mini.jsonl", false, "Arena Hard 2 Chinese prompts"),
        ("pairs/zh_arena_hard_v2_o3mini.jsonl", true, "Arena Hard 2 Chinese answers"),
    ] {
        let Some(path) = real(file) else { return };
        let (texts, measured) = ratio(&path, answers);
        let row = CORPORA.iter().find(|corpus| corpus.name == name).unwrap();
        println!("{name}: {texts} texts, {measured:.4}; the table has {:.4}", row.ratio);
        assert_eq!(texts, row.texts as usize, "{name}");
        assert!((measured - row.ratio).abs() < 0.002, "{name}: {measured}, the table has {}", row.ratio);
    }
}

/// The English counts that come with the data are of V2.5: more than a tenth too many for the models of today, which is
/// why the table has counts of its own.
#[test]
fn english_counts_of_an_older_vocabulary_are_not_taken() {
    let ratios = Ratios::default();
    let english = ratios.between(Some(Vocabulary::OpenAi), Some(Vocabulary::DeepSeek), Script::English);
    for file in ["pairs/zeroeval_gsm8k_500.jsonl", "pairs/zeroeval_crux_250.jsonl"] {
        let Some(path) = real(file) else { return };
        let (texts, measured) = ratio(&path, false);
        println!("{file}: {texts} prompts, {measured:.4} with V2.5");
        assert!(measured > english.high && (1.13..1.21).contains(&measured), "{measured}");
    }
}

/// Prices for the names that the trace of 2023 has.
const OWN: &str = r#"
schema = "weighbridge.tariffs/1"
currency = "USD"
checked = 2026-11-22
[[prices]]
provider = "azure"
model = "gpt-3.5-turbo"
valid_from = 2023-01-01
input = "0.50"
cached_input = "0.50"
output = "1.50"
source = "a test"
[[prices]]
provider = "azure"
model = "gpt-4"
valid_from = 2023-01-01
input = "30"
cached_input = "30"
output = "60"
source = "a test"
"#;

/// The first thousand requests.
fn projected(file: &Path) -> Document {
    let tariffs = Tariffs::embedded().unwrap().overlaid_by(Tariffs::parse(OWN).unwrap());
    let now_us = "2026-11-23T00:00:00Z".parse::<jiff::Timestamp>().unwrap().as_microsecond();
    let mut rows = import::open(&[file.to_owned()], ImportOptions::default()).unwrap();
    let mut projection = Projection::new(Options {
        alternatives: vec!["deepseek-flash".to_owned(), "deepseek-v4-pro".to_owned()],
        month_requests: Some(1e6),
        ..Options::new(&tariffs, now_us)
    });
    for row in rows.by_ref().take(1_000) {
        projection.see(&row.unwrap(), Some("deepseek-flash"));
    }
    projection.finish()
}

#[test]
fn public_traces_give_sane_bills() {
    for (file, requests) in [
        ("traces/azure_llm_2023_conv_10k.csv", 1_000),
        ("traces/azure_llm_2023_code_5k.csv", 1_000),
        ("traces/burstgpt_v1_head.csv", 379),
    ] {
        let Some(path) = real(file) else { return };
        let document = projected(&path);
        let show = |nanos: i64| decimal(nanos, 2);
        println!("{file}: {:?}\n  today {}", document.log, show(document.baseline.today.value.0));
        for choice in &document.choices {
            let month = choice.month.as_ref().map(|month| (month.requests, month.saving));
            println!(
                "  {}: against {}, cost {} [{}, {}], month {month:?}",
                choice.name,
                show(choice.against.value.0),
                show(choice.cost.value.0),
                show(choice.cost.lower.0),
                show(choice.cost.upper.0)
            );
        }
        println!(
            "  by language {:?}\n  unpriced {:?}\n  notes {:?}",
            document.by_language, document.unpriced, document.notes
        );
        assert_eq!(
            (document.log.requests, document.log.unreadable, document.unpriced.len()),
            (requests, 0, 0),
            "{file}"
        );
        for choice in &document.choices {
            let saving = choice.saving.unwrap();
            assert!(choice.cost.lower <= choice.cost.value && choice.cost.value <= choice.cost.upper);
            assert!(saving.lower <= saving.value && saving.value <= saving.upper && choice.cost.lower.0 > 0);
        }
        // Flash is cheaper than pro, whatever the log.
        assert!(document.choices[1].cost.value < document.choices[2].cost.value);
    }
}
