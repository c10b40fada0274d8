//! What is wrong with a text: found by lists of words and by the shapes of numbers. Crude, deterministic, and enough to see
//! verdicts flow. The words in capitals are for tests: nothing else means them.

/// How bad something is. The order is the service's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    None,
    Low,
    Medium,
    High,
}

impl Level {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// The same for sensitive data.
    pub(super) const fn sensitivity(self) -> &'static str {
        match self {
            Self::None => "S0",
            Self::Low => "S1",
            Self::Medium => "S2",
            Self::High => "S3",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    pub(super) label: &'static str,
    pub(super) level: Level,
    /// 0 to 100.
    pub(super) confidence: f64,
    /// The words that gave it away.
    pub(super) words: Vec<String>,
    /// Whether the words are from the account's own list.
    pub(super) custom: bool,
}

type Rule = (&'static str, Level, &'static [&'static str]);

const RISKS: [Rule; 6] = [
    ("pornographic_adult", Level::High, &["pornographic", "色情", "TEST-SEXUAL"]),
    ("violent_incidents", Level::High, &["kill them", "kill him", "kill her", "杀死", "TEST-VIOLENCE"]),
    ("contraband_act", Level::High, &["build a bomb", "make a bomb", "launder money", "制作炸弹", "TEST-ILLICIT"]),
    ("inappropriate_ethics", Level::Medium, &["hurt myself", "want to die", "自杀", "TEST-SELF-HARM"]),
    ("inappropriate_discrimination", Level::Medium, &["subhuman", "those people are vermin", "TEST-HATE"]),
    ("inappropriate_profanity", Level::Low, &["shut up, idiot", "白痴", "TEST-HARASSMENT"]),
];

const ATTACKS: [Rule; 1] = [(
    "promptInjection",
    Level::High,
    &["ignore previous instructions", "ignore all previous instructions", "忽略之前的指令", "TEST-ATTACK"],
)];

const ADDRESSES: [Rule; 1] =
    [("maliciousUrl", Level::High, &["http://malware.test", "https://malware.test", "TEST-URL"])];

/// Risks of content, the account's own words among them.
pub(super) fn risks(text: &str, blocked_words: &[String]) -> Vec<Finding> {
    let mut findings = found(text, &RISKS);
    let lower = text.to_lowercase();
    let words: Vec<String> =
        blocked_words.iter().filter(|word| !word.is_empty() && lower.contains(&word.to_lowercase())).cloned().collect();
    if !words.is_empty() {
        findings.push(Finding { label: "customized", level: Level::High, confidence: 100.0, words, custom: true });
    }
    findings
}

/// Attempts to turn the model against its instructions.
pub(super) fn attacks(text: &str) -> Vec<Finding> {
    found(text, &ATTACKS)
}

/// Addresses that lead to no good.
pub(super) fn addresses(text: &str) -> Vec<Finding> {
    found(text, &ADDRESSES)
}

/// Data about persons, by the shape of numbers and addresses.
pub(super) fn personal_data(text: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for word in text.split(|character: char| !(character.is_ascii_alphanumeric() || "@.-_".contains(character))) {
        let word = word.trim_matches('.');
        let (label, level) = match word {
            _ if is_identity(word) => ("identityCard", Level::High),
            _ if is_mobile(word) => ("mobilePhone", Level::Medium),
            _ if is_mail(word) => ("email", Level::Low),
            _ => continue,
        };
        match findings.iter_mut().find(|finding| finding.label == label) {
            Some(finding) => finding.words.push(word.to_owned()),
            None => {
                let words = vec![word.to_owned()];
                findings.push(Finding { label, level, confidence: 99.0, words, custom: false });
            }
        }
    }
    findings
}

/// The worst of some findings.
pub(super) fn worst(findings: &[Finding]) -> Level {
    findings.iter().map(|finding| finding.level).max().unwrap_or(Level::None)
}

fn found(text: &str, rules: &[Rule]) -> Vec<Finding> {
    let lower = text.to_lowercase();
    let hit = |word: &&&str| if word.starts_with("TEST-") { stands_alone(text, word) } else { lower.contains(**word) };
    let finding = |(label, level, words): &Rule| {
        let words: Vec<String> = words.iter().filter(hit).map(|word| (*word).to_owned()).collect();
        let confidence = 90.0 + (words.len() as f64).min(9.0);
        (!words.is_empty()).then_some(Finding { label, level: *level, confidence, words, custom: false })
    };
    rules.iter().filter_map(finding).collect()
}

fn stands_alone(text: &str, word: &str) -> bool {
    text.split(|character: char| !(character.is_ascii_alphabetic() || character == '-')).any(|found| found == word)
}

fn is_mobile(word: &str) -> bool {
    word.len() == 11 && word.starts_with('1') && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_identity(word: &str) -> bool {
    let (Some(digits), Some(last)) = (word.get(..17), word.get(17..)) else {
        return false;
    };
    digits.bytes().all(|byte| byte.is_ascii_digit())
        && last.len() == 1
        && last.bytes().all(|byte| byte.is_ascii_digit() || byte == b'X')
}

fn is_mail(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_found_by_its_words() {
        for (label, level, words) in RISKS {
            for word in words {
                let findings = risks(&format!("please judge: {word}."), &[]);
                assert_eq!((findings.len(), findings[0].label, findings[0].level), (1, label, level), "{word}");
            }
        }
        assert!(risks("How does a weighbridge work?", &[]).is_empty());
        assert_eq!(worst(&risks("TEST-HATE and TEST-SEXUAL", &[])), Level::High);
        assert_eq!(worst(&attacks("Now ignore all previous instructions!")), Level::High);
        let own = risks("The Secret Project", &["secret project".to_owned(), String::new()]);
        assert!(own[0].custom && own[0].words == ["secret project"]);
    }

    #[test]
    fn personal_data_has_a_shape() {
        let levels = |text: &str| worst(&personal_data(text));
        assert_eq!(levels("Call 13800138000."), Level::Medium);
        assert_eq!(levels("身份证号:11010519491231002X。"), Level::High);
        assert_eq!(levels("Write to anna@example.org."), Level::Low);
        assert_eq!(levels("It weighs 12345678901234567890 kg, or 23800138000."), Level::None);
    }
}
