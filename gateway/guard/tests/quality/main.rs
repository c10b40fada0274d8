//! How often the bundled lists are right, on texts that people have labelled.
//!
//! ```text
//! cargo nextest run -p guard --test quality --no-capture
//! ```
//!
//! The texts are the shared real data; where they are not at hand the test says so and passes. They are split into halves by a
//! hash of their identifiers. The lists were written with the developing half in view and never with the other one, so
//! that only the held-out half says how good they are; the distance between both says how far they were fitted. For
//! comparison there is a toy: twenty swear words of each language, looked for as they stand.
//!
//! `WEIGHBRIDGE_HALF=develop` prints the developing half alone, so that one can go on without spoiling the other.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "the figures are what this is for, and it fails by panicking"
)]

mod count;
mod texts;
mod toy;

use count::Counts;
use guard::{Category, Level, ListSource, Lists, Verdict};
use texts::{Half, Labelled, Prompt};
use toy::Toy;

/// The labels of the English texts and the categories that stand for them.
const LABELS: [(&str, &str, &[Category]); 7] = [
    ("S", "sexual", &[Category::Sexual, Category::SexualMinors]),
    ("H", "hate", &[Category::Hate]),
    ("V", "violence", &[Category::Violence]),
    ("HR", "harassment", &[Category::Harassment]),
    ("SH", "self-harm", &[Category::SelfHarm]),
    ("H2", "hate with threats", &[Category::Hate]),
    ("V2", "graphic violence", &[Category::Violence]),
];

/// What harms somebody; swear words by themselves do not.
const HARMS: [Category; 6] = [
    Category::Sexual,
    Category::SexualMinors,
    Category::Hate,
    Category::Violence,
    Category::Harassment,
    Category::SelfHarm,
];

const BARS: [Level; 3] = [Level::Low, Level::Medium, Level::High];

fn bundled() -> Lists {
    let sources: Vec<ListSource<'_>> =
        guard::lists::BUNDLED.iter().filter_map(|name| ListSource::bundled(name)).collect();
    Lists::compile(&sources).unwrap()
}

fn level(verdict: &Verdict, among: &[Category]) -> Level {
    let findings = verdict.findings.iter().filter(|one| among.is_empty() || among.contains(&one.category));
    findings.map(|one| one.level).max().unwrap_or_default()
}

/// Prints a row and returns its counts.
fn row(name: &str, bar: &str, judged: impl Iterator<Item = (bool, bool)>) -> Counts {
    let counts = judged.collect::<Counts>();
    println!("| {name} | {bar} | {counts} |");
    counts
}

const HEAD: &str = "| what | bar | n | labelled | precision | recall | F1 |\n|---|---|---|---|---|---|---|";

/// English: each label, and any of them. Returns the counts of "any" at medium, and those of the toy.
fn english(lists: &Lists, texts: &[Labelled]) -> (Counts, Counts) {
    println!("{HEAD}");
    let verdicts: Vec<(&Labelled, Verdict)> = texts.iter().map(|one| (one, lists.check(&one.text))).collect();
    for (label, name, categories) in LABELS {
        for bar in BARS {
            let known = verdicts
                .iter()
                .filter_map(|(one, verdict)| Some((one.label(label)?, level(verdict, categories) >= bar)));
            row(name, bar_name(bar), known);
        }
    }
    let any = |bar: Level| {
        verdicts.iter().filter_map(move |(one, verdict)| Some((one.any()?, level(verdict, &HARMS) >= bar)))
    };
    for bar in BARS {
        row("any of them", bar_name(bar), any(bar));
    }
    let toy = Toy::new();
    let judged = row("any of them, toy", "", texts.iter().filter_map(|one| Some((one.any()?, toy.has(&one.text)))));
    (any(Level::Medium).collect(), judged)
}

/// Chinese: offensive or not, and how much of each kind is found.
fn chinese(lists: &Lists, texts: &[Labelled]) -> (Counts, Counts) {
    println!("{HEAD}");
    let verdicts: Vec<(&Labelled, Verdict)> = texts.iter().map(|one| (one, lists.check(&one.text))).collect();
    let offensive = |bar: Level| verdicts.iter().map(move |(one, verdict)| (one.offensive, level(verdict, &[]) >= bar));
    for bar in BARS {
        row("offensive", bar_name(bar), offensive(bar));
    }
    let toy = Toy::new();
    let judged = row("offensive, toy", "", texts.iter().map(|one| (one.offensive, toy.has(&one.text))));
    println!("\n| found of | low | medium | high |\n|---|---|---|---|");
    for (fine, name) in
        [(0, "other, harmless"), (3, "against prejudice"), (1, "against a person"), (2, "against a group")]
    {
        let share = |bar: Level| {
            let of_kind = verdicts.iter().filter(|(one, _)| one.fine == fine);
            count::share(of_kind.map(|(_, verdict)| level(verdict, &[]) >= bar))
        };
        println!("| {name} | {} | {} | {} |", share(Level::Low), share(Level::Medium), share(Level::High));
    }
    (offensive(Level::Medium).collect(), judged)
}

/// Prompts that ask for nothing bad. Returns how many are found at the bar high, and how many there are.
fn harmless(lists: &Lists, prompts: &[Prompt]) -> (usize, usize) {
    println!("| harmless prompts of | low | medium | high |\n|---|---|---|---|");
    let verdicts: Vec<(&Prompt, Level)> = prompts.iter().map(|one| (one, lists.check(&one.text).level())).collect();
    for set in texts::PROMPTS {
        let share = |bar: Level| {
            let of_set = verdicts.iter().filter(|(one, _)| one.set == set);
            count::share(of_set.map(|(_, level)| *level >= bar))
        };
        println!("| {set} | {} | {} | {} |", share(Level::Low), share(Level::Medium), share(Level::High));
    }
    (verdicts.iter().filter(|(_, level)| *level >= Level::High).count(), verdicts.len())
}

fn bar_name(bar: Level) -> &'static str {
    match bar {
        Level::None => "none",
        Level::Low => "low",
        Level::Medium => "medium",
        Level::High => "high",
        Level::Max => "max",
    }
}

#[test]
fn the_bundled_lists_are_better_than_a_toy() {
    let Some(texts) = texts::read() else { return };
    let lists = bundled();
    let only_developing = std::env::var("WEIGHBRIDGE_HALF").is_ok_and(|half| half == "develop");
    let halves = if only_developing { vec![Half::Developing] } else { vec![Half::Developing, Half::HeldOut] };
    for half in halves {
        println!("\n## {half:?}: English texts\n");
        let (words, toy) = english(&lists, &texts::of_half(&texts.english, half));
        assert!(words.f1() > toy.f1() + 0.1, "English, {half:?}: {} against {}", words.f1(), toy.f1());
        println!("\n## {half:?}: Chinese texts\n");
        let (words, toy) = chinese(&lists, &texts::of_half(&texts.chinese, half));
        assert!(words.f1() > toy.f1() + 0.1, "Chinese, {half:?}: {} against {}", words.f1(), toy.f1());
        println!("\n## {half:?}: false alarms\n");
        let (alarms, all) = harmless(&lists, &texts::of_half(&texts.prompts, half));
        assert!(alarms * 100 <= all, "{half:?}: {alarms} of {all} harmless prompts are found at the bar high");
    }
}
