//! The language of Llama Guard 3 and 4: `safe`, or `unsafe` and below it the codes of hazards, S1 to S14.

use crate::verdict::{Category, Failure, Finding, Level, Verdict};

/// Hazards by their number: what they are called, and what they are here.
const HAZARDS: [(&str, Category); 14] = [
    ("S1 violent crimes", Category::Violence),
    ("S2 non-violent crimes", Category::Illicit),
    ("S3 sex-related crimes", Category::Sexual),
    ("S4 child sexual exploitation", Category::SexualMinors),
    ("S5 defamation", Category::Harassment),
    ("S6 specialized advice", Category::Other),
    ("S7 privacy", Category::SensitiveData),
    ("S8 intellectual property", Category::Other),
    ("S9 indiscriminate weapons", Category::Illicit),
    ("S10 hate", Category::Hate),
    ("S11 suicide and self-harm", Category::SelfHarm),
    ("S12 sexual content", Category::Sexual),
    ("S13 elections", Category::Political),
    ("S14 code interpreter abuse", Category::Illicit),
];

pub(super) fn read(said: &str) -> Result<Verdict, Failure> {
    let said = said.trim().to_ascii_lowercase();
    let mut words = said.split(|character: char| character.is_whitespace() || character == ',');
    let verdict = words.next();
    let mut codes = words.filter(|word| !word.is_empty());
    match verdict {
        Some("safe") if codes.next().is_none() => Ok(Verdict::default()),
        Some("unsafe") => {
            let mut findings: Vec<Finding> = Vec::new();
            for code in codes {
                let finding = finding(code)?;
                // A code said twice is said once.
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
            if findings.is_empty() {
                findings.push(unsafe_as(Category::Other, "unsafe"));
            }
            Ok(Verdict { findings })
        }
        _ => Err(Failure::Malformed),
    }
}

/// Numbers beyond the list are hazards of an owner's own prompt or of later models.
fn finding(code: &str) -> Result<Finding, Failure> {
    let number: u8 = code.strip_prefix('s').and_then(|digits| digits.parse().ok()).ok_or(Failure::Malformed)?;
    let known = usize::from(number).checked_sub(1).and_then(|place| HAZARDS.get(place));
    Ok(known.map_or_else(
        || unsafe_as(Category::Other, &format!("S{number}")),
        |(name, category)| unsafe_as(*category, name),
    ))
}

fn unsafe_as(category: Category, label: &str) -> Finding {
    Finding { category, label: label.to_owned(), level: Level::High, score: None, spans: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(said: &str) -> Result<Vec<String>, Failure> {
        Ok(read(said)?.findings.into_iter().map(|finding| finding.label).collect())
    }

    #[test]
    fn safe_is_safe_and_unsafe_has_its_hazards() {
        assert_eq!(read("\n\nsafe"), Ok(Verdict::default()));
        assert_eq!(read("safe\n"), Ok(Verdict::default()));
        let both = Ok(vec!["S1 violent crimes".to_owned(), "S10 hate".to_owned()]);
        for said in ["unsafe\nS1,S10", "\n\nunsafe\nS1, S10\n", "unsafe\nS1\nS10", "Unsafe\ns1,s10,s1"] {
            assert_eq!(labels(said), both, "{said:?}");
        }
        assert_eq!(labels("unsafe"), Ok(vec!["unsafe".to_owned()]));
        assert_eq!(labels("unsafe\nS15"), Ok(vec!["S15".to_owned()]));
        assert_eq!(read("unsafe\nS4").unwrap().findings[0].category, Category::SexualMinors);
        assert_eq!(read("unsafe\nS4").unwrap().level(), Level::High);
        for (place, (name, _)) in HAZARDS.iter().enumerate() {
            assert!(name.starts_with(&format!("S{} ", place + 1)), "{name}");
        }
    }

    #[test]
    fn anything_else_is_no_verdict() {
        let others = [
            "",
            " ",
            "Sure, here is",
            "safe\nS1",
            "safe and sound",
            "unsafely",
            "unsafe\nviolence",
            "unsafe\nS",
            "s1",
            "safe.",
        ];
        for said in others {
            assert_eq!(read(said), Err(Failure::Malformed), "{said:?}");
        }
    }
}
