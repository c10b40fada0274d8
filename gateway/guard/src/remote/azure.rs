//! Azure's content safety: four categories with severities and the owner's block lists, or attacks on the prompt.
//!
//! Severities go from 0 to 7; with four levels only the even ones are used, and each stands for itself and the next. That is
//! how they become levels here in either form: 0 and 1 nothing, 2 and 3 low, 4 and 5 medium, 6 and 7 high.

use super::label::label;
use super::locate;
use super::merge::FINDINGS_MAX;
use super::{Call, Cut, Secret};
use crate::verdict::{Category, Failure, Finding, Level, Phase, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};

/// The service, as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Azure {
    /// The resource's endpoint, without a slash at its end.
    pub base_url: String,
    /// Subscription key.
    pub key: Secret,
    /// Such as `2024-09-01`.
    pub api_version: String,
    /// What is looked for.
    pub check: AzureCheck,
    /// How long texts are cut.
    pub cut: Cut,
}

/// What the service is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AzureCheck {
    /// Harmful content: `text:analyze`.
    Content {
        /// Categories of [`AzureCheck::CATEGORIES`]; an answer without one of them is not understood.
        categories: Vec<String>,
        /// Names of the owner's block lists.
        blocklists: Vec<String>,
        /// Whether a hit of a block list ends the judgement.
        halt_on_blocklist_hit: bool,
        /// Whether all eight severities are told.
        eight_levels: bool,
    },
    /// Attempts to talk the model out of its instructions: `text:shieldPrompt`.
    Attacks,
}

impl AzureCheck {
    /// All categories of content.
    pub const CATEGORIES: [&str; 4] = ["Hate", "SelfHarm", "Sexual", "Violence"];
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    blocklists_match: Option<Vec<Hit>>,
    categories_analysis: Option<Vec<Severity>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hit {
    blocklist_name: String,
    blocklist_item_text: Option<String>,
}

#[derive(Deserialize)]
struct Severity {
    category: String,
    severity: u8,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shield {
    user_prompt_analysis: Option<Attack>,
    documents_analysis: Option<Vec<Attack>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attack {
    attack_detected: bool,
}

impl Azure {
    pub(super) fn call(&self, phase: Phase, piece: &str) -> Call {
        let (operation, body) = match &self.check {
            AzureCheck::Content { categories, blocklists, halt_on_blocklist_hit, eight_levels } => {
                let levels = if *eight_levels { "EightSeverityLevels" } else { "FourSeverityLevels" };
                let mut body = json!({"text": piece, "categories": categories, "outputType": levels});
                if !blocklists.is_empty() {
                    body["blocklistNames"] = json!(blocklists);
                    body["haltOnBlocklistHit"] = Value::Bool(*halt_on_blocklist_hit);
                }
                ("analyze", body)
            }
            // What a model says is a document to the service: a text that comes from somewhere else than the user.
            AzureCheck::Attacks if phase == Phase::Response => {
                ("shieldPrompt", json!({"userPrompt": "", "documents": [piece]}))
            }
            AzureCheck::Attacks => ("shieldPrompt", json!({"userPrompt": piece, "documents": []})),
        };
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            ("ocp-apim-subscription-key", self.key.expose().to_owned()),
        ];
        let (base, version) = (&self.base_url, &self.api_version);
        let url = format!("{base}/contentsafety/text:{operation}?api-version={version}");
        Call { url, headers, body: body.to_string().into_bytes() }
    }

    pub(super) fn read(&self, piece: &str, body: &[u8]) -> Result<Verdict, Failure> {
        match &self.check {
            AzureCheck::Content { categories, .. } => analysis(piece, categories, body),
            AzureCheck::Attacks => shield(body),
        }
    }
}

fn analysis(piece: &str, expected: &[String], body: &[u8]) -> Result<Verdict, Failure> {
    let answer: Analysis = serde_json::from_slice(body).map_err(|_| Failure::Malformed)?;
    let hits = answer.blocklists_match.unwrap_or_default();
    let severities = answer.categories_analysis.unwrap_or_default();
    let is_missing = |name: &String| !severities.iter().any(|severity| severity.category == *name);
    // A hit of a block list may have ended the judgement; then there are no severities.
    if hits.is_empty() && (severities.is_empty() || expected.iter().any(is_missing)) {
        return Err(Failure::Malformed);
    }
    let mut findings = Vec::new();
    for hit in hits.into_iter().take(FINDINGS_MAX) {
        findings.push(Finding {
            category: Category::Custom,
            label: label(&hit.blocklist_name),
            level: Level::High,
            score: None,
            spans: locate::words(piece, hit.blocklist_item_text.as_deref()),
        });
    }
    for Severity { category: name, severity } in severities.into_iter().take(FINDINGS_MAX) {
        let level = level(severity)?;
        if level > Level::None {
            findings.push(Finding {
                category: category(&name),
                label: label(&name),
                level,
                score: None,
                spans: Vec::new(),
            });
        }
    }
    Ok(Verdict { findings })
}

fn shield(body: &[u8]) -> Result<Verdict, Failure> {
    let answer: Shield = serde_json::from_slice(body).map_err(|_| Failure::Malformed)?;
    let said: Vec<Attack> =
        answer.user_prompt_analysis.into_iter().chain(answer.documents_analysis.into_iter().flatten()).collect();
    if said.is_empty() {
        return Err(Failure::Malformed);
    }
    let mut findings = Vec::new();
    if said.iter().any(|attack| attack.attack_detected) {
        let (category, label) = (Category::PromptAttack, "attackDetected".to_owned());
        findings.push(Finding { category, label, level: Level::High, score: None, spans: Vec::new() });
    }
    Ok(Verdict { findings })
}

fn level(severity: u8) -> Result<Level, Failure> {
    match severity {
        0 | 1 => Ok(Level::None),
        2 | 3 => Ok(Level::Low),
        4 | 5 => Ok(Level::Medium),
        6 | 7 => Ok(Level::High),
        _ => Err(Failure::Malformed),
    }
}

fn category(name: &str) -> Category {
    match name {
        "Hate" => Category::Hate,
        "SelfHarm" => Category::SelfHarm,
        "Sexual" => Category::Sexual,
        "Violence" => Category::Violence,
        _ => Category::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn azure(check: AzureCheck) -> Azure {
        Azure {
            base_url: "https://name.cognitiveservices.azure.com".to_owned(),
            key: Secret::new("the-key".to_owned()),
            api_version: "2024-09-01".to_owned(),
            check,
            cut: Cut::new(10_000, 64),
        }
    }

    fn content(blocklists: &[&str], eight_levels: bool) -> Azure {
        azure(AzureCheck::Content {
            categories: AzureCheck::CATEGORIES.map(str::to_owned).to_vec(),
            blocklists: blocklists.iter().map(|name| (*name).to_owned()).collect(),
            halt_on_blocklist_hit: true,
            eight_levels,
        })
    }

    fn severities(values: [u8; 4]) -> Value {
        let of = |(name, severity)| json!({"category": name, "severity": severity});
        Value::Array(AzureCheck::CATEGORIES.into_iter().zip(values).map(of).collect())
    }

    #[test]
    fn a_request_says_what_is_looked_for() {
        let call = content(&["mine"], false).call(Phase::Request, "中文 \"x\"");
        let base = "https://name.cognitiveservices.azure.com/contentsafety";
        assert_eq!(call.url, format!("{base}/text:analyze?api-version=2024-09-01"));
        assert!(call.headers.contains(&("ocp-apim-subscription-key", "the-key".to_owned())));
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        let categories = ["Hate", "SelfHarm", "Sexual", "Violence"];
        let expected = json!({"text": "中文 \"x\"", "categories": categories, "outputType": "FourSeverityLevels",
            "blocklistNames": ["mine"], "haltOnBlocklistHit": true});
        assert_eq!(body, expected);
        let body: Value = serde_json::from_slice(&content(&[], true).call(Phase::Response, "x").body).unwrap();
        assert_eq!(body, json!({"text": "x", "categories": categories, "outputType": "EightSeverityLevels"}));
        let call = azure(AzureCheck::Attacks).call(Phase::Request, "x");
        assert_eq!(call.url, format!("{base}/text:shieldPrompt?api-version=2024-09-01"));
        assert_eq!(call.body, br#"{"userPrompt":"x","documents":[]}"#);
        let call = azure(AzureCheck::Attacks).call(Phase::Response, "x");
        assert_eq!(call.body, br#"{"userPrompt":"","documents":["x"]}"#);
        assert!(!format!("{call:?} {:?}", content(&[], true)).contains("the-key"));
    }

    #[test]
    fn severities_become_levels() {
        let body = json!({"blocklistsMatch": [], "categoriesAnalysis": severities([1, 2, 5, 7])}).to_string();
        let verdict = content(&[], true).read("x", body.as_bytes()).unwrap();
        let found: Vec<_> = verdict.findings.iter().map(|one| (one.category, one.label.as_str(), one.level)).collect();
        assert_eq!(
            found,
            [
                (Category::SelfHarm, "SelfHarm", Level::Low),
                (Category::Sexual, "Sexual", Level::Medium),
                (Category::Violence, "Violence", Level::High),
            ]
        );
        let body = json!({"blocklistsMatch": [], "categoriesAnalysis": severities([0; 4])}).to_string();
        assert_eq!(content(&[], false).read("x", body.as_bytes()), Ok(Verdict::default()));
    }

    #[test]
    fn a_hit_of_a_block_list_is_the_owners_own_and_has_its_place() {
        let body = json!({"categoriesAnalysis": [], "blocklistsMatch": [
            {"blocklistName": "mine", "blocklistItemId": "1", "blocklistItemText": "Rival"}]});
        let verdict = content(&["mine"], false).read("no rival, RIVAL", body.to_string().as_bytes()).unwrap();
        let spans = vec![3..8, 10..15];
        let (category, label) = (Category::Custom, "mine".to_owned());
        assert_eq!(verdict.findings, [Finding { category, label, level: Level::High, score: None, spans }]);
    }

    #[test]
    fn attacks_are_found_or_not() {
        let shield = azure(AzureCheck::Attacks);
        let read = |body: &str| shield.read("x", body.as_bytes());
        let none = r#"{"userPromptAnalysis":{"attackDetected":false},"documentsAnalysis":[]}"#;
        assert_eq!(read(none), Ok(Verdict::default()));
        for attack in [
            r#"{"userPromptAnalysis":{"attackDetected":true},"documentsAnalysis":[]}"#,
            r#"{"userPromptAnalysis":{"attackDetected":false},"documentsAnalysis":[{"attackDetected":true}]}"#,
        ] {
            assert_eq!(read(attack).unwrap().findings[0].category, Category::PromptAttack);
        }
        for body in ["{}", r#"{"documentsAnalysis":[]}"#, r#"{"userPromptAnalysis":{}}"#, "no"] {
            assert_eq!(read(body), Err(Failure::Malformed), "{body}");
        }
    }

    #[test]
    fn what_is_not_understood_is_not_safe() {
        for body in [
            json!({}),
            json!({"blocklistsMatch": [], "categoriesAnalysis": []}),
            json!({"categoriesAnalysis": [{"category": "Hate", "severity": 0}]}),
            json!({"categoriesAnalysis": severities([0, 0, 0, 8])}),
            json!({"categoriesAnalysis": [{"category": "Hate"}]}),
            json!({"error": {"code": "InvalidRequestBody", "message": "m"}}),
        ] {
            assert_eq!(content(&[], false).read("x", body.to_string().as_bytes()), Err(Failure::Malformed), "{body}");
        }
    }
}
