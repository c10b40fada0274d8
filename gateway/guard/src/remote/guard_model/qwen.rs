//! The language of Qwen3Guard-Gen: a line `Safety:`, a line `Categories:`, and for answers a line `Refusal:`.
//!
//! Whether an answer refuses is not a harm and no part of the verdict: evidence has a place of its own for refusals.

use super::super::label::label;
use crate::verdict::{Category, Failure, Finding, Level, Verdict};

/// Its categories.
const CATEGORIES: [(&str, Category); 9] = [
    ("violent", Category::Violence),
    ("non-violent illegal acts", Category::Illicit),
    ("sexual content or sexual acts", Category::Sexual),
    ("pii", Category::SensitiveData),
    ("suicide & self-harm", Category::SelfHarm),
    ("unethical acts", Category::Other),
    ("politically sensitive topics", Category::Political),
    ("copyright violation", Category::Other),
    ("jailbreak", Category::PromptAttack),
];

pub(super) fn read(said: &str, controversial: Level) -> Result<Verdict, Failure> {
    let level = match line(said, "safety")?.ok_or(Failure::Malformed)?.to_ascii_lowercase().as_str() {
        "safe" => Level::None,
        "controversial" => controversial,
        "unsafe" => Level::High,
        _ => return Err(Failure::Malformed),
    };
    let names = line(said, "categories")?.unwrap_or_default();
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("none"));
    if level == Level::None {
        // It names nothing that it thinks harmless, or it was not understood.
        return if names.count() == 0 { Ok(Verdict::default()) } else { Err(Failure::Malformed) };
    }
    let mut findings: Vec<Finding> = Vec::new();
    for name in names {
        let known = CATEGORIES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        let category = known.map_or(Category::Other, |(_, category)| *category);
        let finding = Finding { category, label: label(name), level, score: None, spans: Vec::new() };
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    if findings.is_empty() {
        let (category, label) = (Category::Other, "unsafe".to_owned());
        findings.push(Finding { category, label, level, score: None, spans: Vec::new() });
    }
    Ok(Verdict { findings })
}

/// The value behind a name; the same name twice is not of the language.
fn line<'a>(said: &'a str, name: &str) -> Result<Option<&'a str>, Failure> {
    let mut values = said.lines().filter_map(|line| {
        let (before, value) = line.split_once(':')?;
        before.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    });
    let value = values.next();
    if values.next().is_some() { Err(Failure::Malformed) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(said: &str) -> Result<Vec<(Category, String, Level)>, Failure> {
        let verdict = read(said, Level::Medium)?;
        Ok(verdict.findings.into_iter().map(|one| (one.category, one.label, one.level)).collect())
    }

    #[test]
    fn its_three_words_are_levels() {
        assert_eq!(found("Safety: Safe\nCategories: None\n"), Ok(Vec::new()));
        assert_eq!(found("Safety: Safe\nCategories: None\nRefusal: Yes"), Ok(Vec::new()));
        assert_eq!(
            found("Safety: Unsafe\nCategories: Violent, Suicide & Self-Harm\nRefusal: No"),
            Ok(vec![
                (Category::Violence, "Violent".to_owned(), Level::High),
                (Category::SelfHarm, "Suicide & Self-Harm".to_owned(), Level::High),
            ])
        );
        let jailbreak = vec![(Category::PromptAttack, "Jailbreak".to_owned(), Level::Medium)];
        assert_eq!(found("Safety: Controversial\nCategories: Jailbreak"), Ok(jailbreak));
        assert_eq!(found("Safety: Unsafe"), Ok(vec![(Category::Other, "unsafe".to_owned(), Level::High)]));
        let own = vec![(Category::Other, "Own Category".to_owned(), Level::High)];
        assert_eq!(found("Safety: Unsafe\nCategories: Own Category"), Ok(own));
        for (name, _) in CATEGORIES {
            assert_eq!(found(&format!("Safety: Unsafe\nCategories: {name}")).unwrap()[0].1, name);
        }
    }

    #[test]
    fn anything_else_is_no_verdict() {
        for said in [
            "",
            "safe",
            "Safety:",
            "Safety: Fine",
            "Safety: Safe, Unsafe",
            "Categories: None",
            "Safety: Safe\nCategories: Violent",
            "Safety: Safe\nSafety: Unsafe",
            "The text is Safety: Safe",
        ] {
            assert_eq!(found(said), Err(Failure::Malformed), "{said:?}");
        }
    }
}
