//! What a profile may say, and how it is told what it may not.

use crate::known::{DEFAULT_TOML, Profile};

fn problems(text: &str) -> Vec<String> {
    Profile::parse(text).unwrap_err().problems
}

#[test]
fn an_empty_profile_is_the_default_and_what_is_named_replaces_it() {
    let default = Profile::parse("").unwrap();
    assert_eq!(Profile::parse(DEFAULT_TOML).unwrap(), default);
    assert_eq!(default.candidate.model, "deepseek-flash");
    let own =
        Profile::parse("[candidate]\nblocked = 1\n[[epochs]]\nweight_percent = 5.5\n[[drift]]\nhours = 3").unwrap();
    assert_eq!((own.candidate.blocked.to_bits(), own.baseline), (1f64.to_bits(), default.baseline));
    let epoch = &own.epochs[0];
    assert_eq!(
        (own.epochs.len(), epoch.weight_percent.to_string(), epoch.hours.to_string()),
        (1, "5.5".into(), "24".into())
    );
    assert_eq!((own.drift[0].arm, own.drift[0].daily), (crate::known::profile::Whom::Candidate, false));
}

#[test]
fn the_commented_drift_of_the_default_can_be_used_as_it_stands() {
    let block = DEFAULT_TOML.split_once("# [[drift]]\n").unwrap().1;
    let block: String = block.lines().map(|line| line.trim_start_matches("# ").to_owned() + "\n").collect();
    assert_eq!(Profile::parse(&format!("[[drift]]\n{block}")).unwrap().drift.len(), 1);
}

#[test]
fn an_error_names_line_and_key_and_all_are_told_at_once() {
    for (text, expected) in [
        ("a = ", "line 1: not valid TOML"),
        (
            "\n[candidate]\neror = 0.1",
            "line 3: unknown key `candidate.eror`; the nearest known key is `candidate.error`",
        ),
        ("[candidat]\nerror = 0.1", "line 1: unknown key `candidat`; the nearest known key is `candidate`"),
        (
            "[[epochs]]\nhours = 1\nweight = 5",
            "line 3: unknown key `epochs[0].weight`; the nearest known key is `epochs[0].hours`",
        ),
        ("\nbaseline.error = \"much\"", "line 2: `baseline.error` must be a number, found a text"),
        ("consumers.count = 1.5", "line 1: `consumers.count` must be a whole number"),
        ("consumers.count = -1", "line 1: `consumers.count` must be a whole number"),
        ("start = 2026-11-17T00:00:00Z", "line 1: `start` must be a text, found a date without quotation marks"),
        ("epochs = 3", "line 1: `epochs` must be a list of tables"),
        ("epochs = [3]", "line 1: `epochs[0]` must be a table"),
        ("epochs = []", "line 1: `epochs` has no entry"),
        ("baseline = 3", "line 1: `baseline` must be a table"),
        (
            "consumers.assign_by = \"user\"",
            "line 1: `consumers.assign_by` is `user`; expected one of `conversation`, `consumer`",
        ),
        ("\n\ncandidate.error = 1.2", "line 3: `candidate.error` is 1.2; expected a number from 0 to 1"),
        ("candidate.error = nan", "line 1: `candidate.error` is NaN"),
        ("candidate.guard_flags = 2", "line 1: `candidate.guard_flags` is 2; expected a number from 0 to 1"),
        ("guard.category_bad = \"Self-Harm\"", "line 1: `guard.category_bad` is `Self-Harm`; expected lower-case"),
        ("guard.failure = \"dead\"", "line 1: `guard.failure` is `dead`; expected NAME:FAILURE"),
        ("candidate = { error = 0.6, timeout = 0.6 }", "with rate_limited and timeout is 1.2"),
        ("[[epochs]]\nhours = 1\n[[epochs]]\nweight_percent = 101", "line 4: `epochs[1].weight_percent` is 101"),
        ("start = \"yesterday\"", "line 1: `start` is `yesterday`; expected a time such as"),
        ("baseline.model = \"gpt-0\"", "line 1: `baseline.model` is `gpt-0`, which has no price at `openai`"),
        ("start = \"2025-11-17T00:00:00Z\"", "`candidate.model` is `deepseek-flash`, which has no price"),
        ("quality.spread = 0.3", "line 1: `quality.spread` is 0.3; with these means"),
        ("mirror.long_full_chars = 10", "line 1: `mirror.long_full_chars` is 10; expected more than long_from_chars"),
    ] {
        let problems = problems(text);
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{text}: {problems:?}");
    }
    assert_eq!(
        problems("candidate.error = 2\nload.error = 2\nmirror.lost = -1").len(),
        4,
        "the sum is too large as well"
    );
}
