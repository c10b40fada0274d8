//! The format's rules on made-up lines, and known answers on the real files where they are at hand.

use super::*;
use std::io::Write;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

const LINE: &str = r#"{"id":"a","prompt":"one\u2028two","prompt_tokens":{"o200k":3,"deepseek":4},"answers":{"gpt-4o-mini-x":{"text":"m","tokens":{"o200k":1},"exact":true},"gpt-4o-2024-08-06":{"text":"b","tokens":{"o200k":5,"deepseek":6},"exact":true},"deepseek-v2.5":{"text":"c","tokens":{"o200k":7,"deepseek":8},"exact":false}}}"#;

#[test]
fn models_are_chosen_by_name_and_counted_by_their_own_tokenizers() {
    // U+2028 stands unescaped in the second line: it ends no line.
    let file = file(&format!("{LINE}\n\n{}\n", LINE.replace("\\u2028", "\u{2028}")));
    let answers = read(file.path(), None, None).unwrap();
    assert_eq!(answers.metric.as_deref(), Some("exact"));
    assert_eq!(
        (answers.baseline_model.as_str(), answers.candidate_model.as_str()),
        ("gpt-4o-2024-08-06", "deepseek-v2.5")
    );
    assert_eq!(answers.rows.len(), 2);
    let row = &answers.rows[1];
    assert_eq!(row.prompt, "one\u{2028}two");
    assert_eq!((row.baseline.prompt_tokens, row.baseline.completion_tokens, row.baseline.good), (3, 5, Some(true)));
    assert_eq!((row.candidate.prompt_tokens, row.candidate.completion_tokens, row.candidate.good), (4, 8, Some(false)));
    let named = read(file.path(), Some("deepseek-v2.5"), Some("gpt-4o-mini-x")).unwrap();
    assert_eq!((named.rows[0].baseline.text.as_str(), named.rows[0].candidate.text.as_str()), ("c", "m"));
}

#[test]
fn mistakes_name_line_and_field() {
    for (line, words) in [
        (LINE.replace("\"prompt\"", "\"prompd\""), vec!["line 2", "prompt"]),
        (LINE.replace("deepseek-v2.5", "other"), vec!["line 2", "answers.deepseek-v2.5", "missing", "gpt-4o-mini-x"]),
        (
            LINE.replace(r#""deepseek":8"#, r#""mystery":8"#),
            vec!["answers.deepseek-v2.5.tokens", "no count by deepseek"],
        ),
        (LINE.replace(r#","exact":false"#, ""), vec!["answers.deepseek-v2.5", "all_followed"]),
    ] {
        let error = read(file(&format!("{LINE}\n{line}\n")).path(), None, None).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
    let one =
        r#"{"id":"a","prompt":"p","prompt_tokens":{"o200k":3},"answers":{"gpt-5":{"text":"m","tokens":{"o200k":1}}}}"#;
    let error = read(file(one).path(), None, None).unwrap_err().to_string();
    assert!(error.contains("line 1") && error.contains("no candidate among the models gpt-5"), "{error}");
    assert!(matches!(read(file("\n").path(), None, None), Err(PairedAnswersError::Empty { .. })));
    assert!(matches!(read(Path::new("no/such"), None, None), Err(PairedAnswersError::File { .. })));
}

/// Folder of the real data, if it is at hand; says so where it is not.
fn real_data() -> Option<PathBuf> {
    let folder = std::env::var_os("WEIGHBRIDGE_REAL_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/datasets"), PathBuf::from);
    let there = folder.join("pairs").is_dir();
    if !there {
        writeln!(std::io::stderr(), "skipped: no real data here").unwrap();
    }
    there.then(|| folder.join("pairs"))
}

/// Rows, good baseline, good candidate, only baseline good, only candidate good.
fn table(answers: &PairedAnswers) -> [usize; 5] {
    let count = |keep: fn(bool, bool) -> bool| {
        answers.rows.iter().filter(|row| keep(row.baseline.good.unwrap(), row.candidate.good.unwrap())).count()
    };
    [answers.rows.len(), count(|b, _| b), count(|_, c| c), count(|b, c| b && !c), count(|b, c| !b && c)]
}

#[test]
fn real_files_give_the_known_tables() {
    let Some(folder) = real_data() else { return };
    for (name, baseline, candidate, metric, expected) in [
        ("zeroeval_gsm8k_500", None, None, "exact", [500, 465, 457, 22, 14]),
        ("zeroeval_math_l5_200", None, None, "exact", [200, 111, 80, 48, 17]),
        ("zeroeval_crux_250", None, None, "exact", [250, 163, 96, 72, 5]),
        ("mifeval_en_250", None, None, "followed", [250, 207, 91, 121, 5]),
        ("mifeval_en_250", None, Some("gpt-4o-mini-2024-07-18"), "followed", [250, 207, 201, 16, 10]),
        ("zeroeval_numersense_200", None, Some("gpt-4o-2024-05-13@t1"), "exact", [200, 197, 197, 3, 3]),
        (
            "zeroeval_numersense_200",
            Some("gpt-4o-mini-2024-07-18"),
            Some("gpt-4o-mini-2024-07-18@t1"),
            "exact",
            [200, 178, 167, 22, 11],
        ),
    ] {
        let answers = read(&folder.join(format!("{name}.jsonl")), baseline, candidate).unwrap();
        assert_eq!(answers.metric.as_deref(), Some(metric), "{name}");
        assert_eq!(table(&answers), expected, "{name} {candidate:?}");
    }
}

#[test]
fn real_token_ratios_are_the_known_ones() {
    let Some(folder) = real_data() else { return };
    for (name, ratio) in [("zeroeval_gsm8k_500", 1.14), ("zeroeval_math_l5_200", 0.81), ("zeroeval_crux_250", 0.67)] {
        let answers = read(&folder.join(format!("{name}.jsonl")), None, None).unwrap();
        let sum = |tokens: fn(&PairedAnswer) -> u64| answers.rows.iter().map(tokens).sum::<u64>() as f64;
        let found = sum(|row| row.candidate.completion_tokens) / sum(|row| row.baseline.completion_tokens);
        assert!((found - ratio).abs() < 0.005, "{name}: {found}");
    }
}

#[test]
fn real_open_ended_answers_have_no_grade() {
    let Some(folder) = real_data() else { return };
    let arena = read(&folder.join("arena_hard_v01_gpt_150.jsonl"), None, None).unwrap();
    assert_eq!((arena.metric.as_deref(), arena.rows.len()), (None, 150));
    assert_eq!(arena.candidate_model, "gpt-3.5-turbo-0125");
    assert!(arena.rows.iter().all(|row| row.baseline.good.is_none()));
    let error = read(&folder.join("zh_arena_hard_v2_o3mini.jsonl"), None, None).unwrap_err().to_string();
    assert!(error.contains("no baseline among the models o3-mini-2025-01-31"), "{error}");
}
