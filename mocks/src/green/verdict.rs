//! Verdicts in the service's two forms.

use serde_json::{Map, Value, json};

use super::judge::{self, Finding, Level};

/// What is judged: a text, and what stands in its pictures.
pub(super) struct Subject<'a> {
    pub(super) text: &'a str,
    pub(super) data_id: Option<&'a str>,
    /// The account's own words.
    pub(super) blocked_words: &'a [String],
    /// Whether it is what a user says, which can be an attack; else it is what a model says.
    pub(super) from_user: bool,
}

/// `Data` of a TextModerationPlus answer.
pub(super) fn text_plus(subject: &Subject<'_>) -> Value {
    let Subject { text, data_id, blocked_words, from_user } = *subject;
    let risks = judge::risks(text, blocked_words);
    let attacks = if from_user { judge::attacks(text) } else { Vec::new() };
    let sensitive = judge::personal_data(text);
    let level = judge::worst(&risks);
    let mut data = json!({
        "RiskLevel": level.name(),
        "Result": if risks.is_empty() { vec![json!({"Label": "nonLabel", "Description": "no risk was found"})] }
                  else { risks.iter().map(|finding| risk(text, finding)).collect() },
        "AttackLevel": judge::worst(&attacks).name(),
        "AttackResult": attacks.iter().map(|finding| json!({
            "AttackLevel": finding.level.name(), "Label": finding.label, "Confidence": finding.confidence,
            "Description": finding.label,
        })).collect::<Vec<_>>(),
        "SensitiveLevel": judge::worst(&sensitive).sensitivity(),
        "SensitiveResult": sensitive.iter().map(|finding| json!({
            "SensitiveLevel": finding.level.sensitivity(), "Label": finding.label, "SensitiveData": finding.words,
            "Description": finding.label,
        })).collect::<Vec<_>>(),
        "DetectedLanguage": if text.chars().any(|character| ('\u{4E00}'..='\u{9FFF}').contains(&character)) { "zh" }
                            else { "en" },
        "Score": risks.iter().map(|finding| finding.confidence).fold(0.0, f64::max),
    });
    if level == Level::High {
        let worst = risks.iter().find(|finding| finding.level == level);
        data["Advice"] = json!([{
            "Answer": "抱歉,我无法回答这个问题。",
            "HitLabel": worst.map(|finding| finding.label),
            "HitLibName": "mock",
        }]);
    }
    with_data_id(data, data_id)
}

fn risk(text: &str, finding: &Finding) -> Value {
    let positions = finding.words.iter().filter_map(|word| {
        let start = text.find(word.as_str())?;
        let start = text.get(..start)?.chars().count();
        Some(json!({"RiskWord": word, "StartPos": start, "EndPos": start + word.chars().count()}))
    });
    let mut value = json!({
        "Label": finding.label,
        "Confidence": finding.confidence,
        "RiskWords": finding.words.join(","),
        "Description": finding.label,
        "RiskPositions": positions.collect::<Vec<_>>(),
    });
    if finding.custom {
        value["CustomizedHit"] = json!([{"LibName": "mock", "KeyWords": finding.words.join(",")}]);
    }
    value
}

/// `Data` of a MultiModalGuard answer.
pub(super) fn guard(subject: &Subject<'_>) -> Value {
    let Subject { text, data_id, blocked_words, from_user } = *subject;
    let mut details = Vec::new();
    let (own, risks): (Vec<_>, Vec<_>) =
        judge::risks(text, blocked_words).into_iter().partition(|finding| finding.custom);
    details.push(Detail { kind: "contentModeration", findings: risks });
    details.push(Detail { kind: "customLabel", findings: own });
    if from_user {
        details.push(Detail { kind: "promptAttack", findings: judge::attacks(text) });
    }
    details.push(Detail { kind: "maliciousUrl", findings: judge::addresses(text) });
    details.push(Detail { kind: "sensitiveData", findings: judge::personal_data(text) });
    let suggestions: Vec<&str> = details.iter().map(Detail::suggestion).collect();
    let worst = ["block", "mask"].into_iter().find(|suggestion| suggestions.contains(suggestion)).unwrap_or("pass");
    let details: Vec<Value> = details.iter().map(|detail| detail.value(text)).collect();
    with_data_id(json!({"Suggestion": worst, "Detail": details}), data_id)
}

struct Detail {
    kind: &'static str,
    findings: Vec<Finding>,
}

impl Detail {
    fn is_sensitive(&self) -> bool {
        self.kind == "sensitiveData"
    }

    fn suggestion(&self) -> &'static str {
        match judge::worst(&self.findings) {
            Level::None | Level::Low => "pass",
            _ if self.is_sensitive() => "mask",
            Level::Medium => "pass",
            Level::High => "block",
        }
    }

    fn level_name(&self, level: Level) -> &'static str {
        if self.is_sensitive() { level.sensitivity() } else { level.name() }
    }

    fn value(&self, text: &str) -> Value {
        let result = |finding: &Finding| {
            let mut value = Map::new();
            value.insert("Label".to_owned(), Value::from(finding.label));
            value.insert("Level".to_owned(), Value::from(self.level_name(finding.level)));
            value.insert("Confidence".to_owned(), Value::from(finding.confidence));
            value.insert("Description".to_owned(), Value::from(finding.label));
            if self.is_sensitive() {
                let masked =
                    |text: String, word: &String| text.replace(word.as_str(), &"*".repeat(word.chars().count()));
                let masked = self.findings.iter().flat_map(|finding| &finding.words).fold(text.to_owned(), masked);
                value.insert("Ext".to_owned(), json!({"Desensitization": masked, "SensitiveData": finding.words}));
            }
            Value::Object(value)
        };
        json!({
            "Type": self.kind,
            "Level": self.level_name(judge::worst(&self.findings)),
            "Suggestion": self.suggestion(),
            "Result": self.findings.iter().map(result).collect::<Vec<_>>(),
        })
    }
}

fn with_data_id(mut data: Value, data_id: Option<&str>) -> Value {
    if let Some(data_id) = data_id {
        data["DataId"] = Value::from(data_id);
    }
    data
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::dice::Dice;

    #[test]
    fn no_text_is_too_strange_to_be_judged() {
        const PARTS: [&str; 12] = [
            "TEST-SEXUAL",
            "kill THEM",
            "13800138000",
            "11010519491231002X",
            "a@b.c",
            "@.",
            "杀死",
            "İ",
            "\u{0}",
            "-",
            " ",
            "ß",
        ];
        let mut dice = Dice::seed_from_u64(11);
        let own = ["ß".to_owned(), "杀".to_owned()];
        for _ in 0..2_000 {
            let parts = (0..dice.random_range(0..8_usize)).map(|_| PARTS[dice.random_range(0..PARTS.len())]);
            let text: String = parts.collect();
            let subject = Subject { text: &text, data_id: None, blocked_words: &own, from_user: dice.random() };
            let (plus, guard) = (text_plus(&subject), guard(&subject));
            assert_eq!(plus["RiskLevel"] == "high", plus.get("Advice").is_some());
            let blocks = guard["Detail"].as_array().unwrap().iter().any(|detail| detail["Suggestion"] == "block");
            assert_eq!(blocks, guard["Suggestion"] == "block", "{text:?}");
        }
    }
}
