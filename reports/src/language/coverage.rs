//! What a report in Chinese still says in English: the test prints it, text by text.

use super::{Catalogue, lines, page};
use crate::markdown;
use crate::tests::{billed, complete, fixture, guarded};
use judge::verdict::Verdict;
use std::collections::BTreeSet;
use std::path::Path;

/// The catalogue and the sentences are read when the test runs, so that whoever adds a text need not build anew.
fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/language").join(name)).unwrap()
}

fn catalogue() -> Catalogue {
    Catalogue::read(&read("zh.toml")).unwrap()
}

/// Sentences of the judge, of the bill and of the charts that the fixtures lack, as they come with a verdict; one a line.
const SENTENCES: &str = "sentences.txt";

/// So many English words in a row are a text that nobody translated; fewer are names.
const WORDS: usize = 3;

fn verdicts() -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = ["go", "hold", "no-go", "full"].into_iter().map(fixture).collect();
    verdicts.extend([billed(), guarded(), complete()]);
    verdicts
}

/// Texts of an HTML page in the order of the page; what is code, a style or somebody's answer is none.
fn texts(page: &str) -> Vec<String> {
    let told = regex::Regex::new(r#" (?:aria-label|title|alt|data-label)="([^"]*)""#).unwrap();
    let (mut texts, mut rest, mut raw_until) = (Vec::new(), page, None);
    while let Some((text, after)) = rest.split_once('<') {
        if raw_until.is_none() {
            texts.push(text.to_owned());
        }
        let (tag, after) = after.split_once('>').unwrap();
        let tag = format!("<{tag}>");
        texts.extend(told.captures_iter(&tag).map(|found| found[1].to_owned()));
        raw_until = match raw_until {
            Some(closing) => Some(closing).filter(|closing| tag != *closing),
            None => page::raw(&tag),
        };
        rest = after;
    }
    texts
}

/// Whether words in lower case or with a capital, no code and no name with signs in it, follow each other.
fn is_english(text: &str) -> bool {
    let mut run = 0;
    // A Chinese character ends a run as a name does.
    let apart: String = text.chars().map(|c| if c >= '\u{3000}' { " 中 ".to_owned() } else { c.to_string() }).collect();
    for word in apart.split_whitespace() {
        let bare = word.trim_matches(|sign: char| sign.is_ascii_punctuation() || "“”…–".contains(sign));
        let is_word =
            !bare.is_empty() && !word.starts_with('`') && bare.chars().all(|c| c.is_ascii_alphabetic() || c == '\'');
        run = if is_word { run + 1 } else { 0 };
        if run >= WORDS {
            return true;
        }
    }
    false
}

/// The English texts whose translation is still English.
fn missing(english: &[String], said: &[String]) -> BTreeSet<String> {
    assert_eq!(english.len(), said.len());
    let left = english.iter().zip(said).filter(|(_, said)| is_english(said));
    left.map(|(english, said)| format!("{}\n    {}", english.trim(), said.trim())).collect()
}

fn complain(missing: &BTreeSet<String>) {
    let list: Vec<&str> = missing.iter().map(String::as_str).collect();
    assert!(list.is_empty(), "{} texts are not in the catalogue:\n{}", list.len(), list.join("\n"));
}

#[test]
fn no_page_has_a_text_in_english() {
    let (catalogue, mut left) = (catalogue(), BTreeSet::new());
    for verdict in verdicts() {
        let english = crate::html(&verdict).unwrap();
        let said = page::translated(&english, &catalogue, "zh-CN");
        left.extend(missing(&texts(&english), &texts(&said)));
    }
    complain(&left);
}

/// The timeline of a log whose reasons are texts of the catalogue: what somebody else wrote stays as it is.
#[test]
fn no_timeline_has_a_text_in_english() {
    use crate::timeline::{Chain, Story, tests};
    let (catalogue, mut left) = (catalogue(), BTreeSet::new());
    let (mut entries, looks) = tests::ramp();
    entries.iter_mut().for_each(|entry| entry.why = "Guardrails".to_owned());
    let chains = [
        Chain::Whole { head: "0123456789abcdef".to_owned() },
        Chain::Torn { head: "0123456789abcdef".to_owned() },
        Chain::Broken { why: "Guardrails.".to_owned() },
    ];
    for chain in &chains {
        for (clock_speed, looks) in [(1, looks.as_slice()), (4800, &[])] {
            let story = Story { clock_speed, ..tests::story(&entries, looks, chain) };
            let english = crate::timeline_html(&story).unwrap();
            left.extend(missing(&texts(&english), &texts(&page::translated(&english, &catalogue, "zh-CN"))));
            let english = crate::timeline_markdown(&story).unwrap();
            let lines_of = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
            left.extend(missing(&lines_of(&english), &lines_of(&lines::translated(&english, &catalogue))));
        }
    }
    complain(&left);
}

#[test]
fn no_summary_has_a_line_in_english() {
    let (catalogue, mut left) = (catalogue(), BTreeSet::new());
    for verdict in verdicts() {
        let english = markdown::render(&verdict).unwrap();
        let said = lines::translated(&english, &catalogue);
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        left.extend(missing(&lines(&english), &lines(&said)));
    }
    complain(&left);
}

#[test]
fn no_sentence_of_the_judge_stays_english() {
    let catalogue = catalogue();
    let english: Vec<String> = read(SENTENCES).lines().map(str::to_owned).collect();
    let said: Vec<String> = english.iter().map(|sentence| catalogue.say(sentence)).collect();
    complain(&missing(&english, &said));
}

#[test]
fn what_is_english_is_recognised() {
    assert!(is_english("which nobody has translated"));
    assert!(is_english("错误：no worse than 3"));
    assert!(!is_english("no worse 3"));
    assert!(!is_english("`run weighbridge now` 错误 deepseek-chat at gpt-4o"));
}
