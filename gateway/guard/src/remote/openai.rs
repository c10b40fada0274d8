//! OpenAI's moderation endpoint, and servers of the same shape.
//!
//! The answer has a yes or no for each of thirteen categories, and a score. The yes or no is the service's own bar, which
//! moves with its models; scores move too, but can be compared with a bar of one's own. So levels are made from scores
//! alone, by three thresholds for each category, and `flagged` decides nothing.

use super::label::label;
use super::merge::FINDINGS_MAX;
use super::{Call, Cut, Secret};
use crate::verdict::{Category, Failure, Finding, Level, Verdict};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The service, as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenAi {
    /// Such as `https://api.openai.com/v1`, without a slash at its end.
    pub base_url: String,
    /// Key; none for a server that wants none.
    pub key: Option<Secret>,
    /// Such as `omni-moderation-latest`.
    pub model: String,
    /// From scores to levels.
    pub thresholds: Thresholds,
    /// How long texts are cut.
    pub cut: Cut,
}

/// Scores from which on a category's level is low, medium and high, 0 to 1, not falling.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    default: [f64; 3],
    own: BTreeMap<String, [f64; 3]>,
}

impl Default for Thresholds {
    /// Ours, and not measured: scores are not calibrated. Where a life may be at stake or the law knows no middle, they are
    /// lower.
    fn default() -> Self {
        let own = [
            ("sexual/minors", [0.05, 0.2, 0.4]),
            ("self-harm/intent", [0.15, 0.35, 0.6]),
            ("self-harm/instructions", [0.15, 0.35, 0.6]),
        ];
        Self {
            default: [0.25, 0.5, 0.8],
            own: own.into_iter().map(|(name, bounds)| (name.to_owned(), bounds)).collect(),
        }
    }
}

impl Thresholds {
    /// Those of all categories that have none of their own.
    #[must_use]
    pub fn with_default(mut self, bounds: [f64; 3]) -> Self {
        self.default = bounds;
        self
    }

    /// Those of one category by the service's name.
    #[must_use]
    pub fn with(mut self, category: &str, bounds: [f64; 3]) -> Self {
        self.own.insert(category.to_owned(), bounds);
        self
    }

    fn level(&self, category: &str, score: f64) -> Level {
        let [low, medium, high] = *self.own.get(category).unwrap_or(&self.default);
        match score {
            score if score >= high => Level::High,
            score if score >= medium => Level::Medium,
            score if score >= low => Level::Low,
            _ => Level::None,
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Judged>,
}

#[derive(Deserialize)]
struct Judged {
    /// Older models have no score for newer categories: null.
    category_scores: BTreeMap<String, Option<f64>>,
}

impl OpenAi {
    /// The service's names of categories.
    pub const CATEGORIES: [&str; 13] = [
        "harassment",
        "harassment/threatening",
        "hate",
        "hate/threatening",
        "illicit",
        "illicit/violent",
        "self-harm",
        "self-harm/intent",
        "self-harm/instructions",
        "sexual",
        "sexual/minors",
        "violence",
        "violence/graphic",
    ];

    pub(super) fn call(&self, piece: &str) -> Call {
        let mut headers = vec![("content-type", "application/json".to_owned())];
        if let Some(key) = &self.key {
            headers.push(("authorization", format!("Bearer {}", key.expose())));
        }
        let body = serde_json::json!({"model": self.model, "input": piece}).to_string().into_bytes();
        Call { url: format!("{}/moderations", self.base_url), headers, body }
    }

    pub(super) fn read(&self, body: &[u8]) -> Result<Verdict, Failure> {
        let answer: Answer = serde_json::from_slice(body).map_err(|_| Failure::Malformed)?;
        let judged = answer.results.first().ok_or(Failure::Malformed)?;
        let mut findings = Vec::new();
        let mut scores = 0;
        for (name, score) in &judged.category_scores {
            let Some(score) = *score else { continue };
            if !(0.0..=1.0).contains(&score) {
                return Err(Failure::Malformed);
            }
            scores += 1;
            let level = self.thresholds.level(name, score);
            if level > Level::None && findings.len() < FINDINGS_MAX {
                let (category, label) = (category(name), label(name));
                findings.push(Finding { category, label, level, score: Some(score), spans: Vec::new() });
            }
        }
        if scores == 0 { Err(Failure::Malformed) } else { Ok(Verdict { findings }) }
    }
}

fn category(name: &str) -> Category {
    match name.split('/').next().unwrap_or_default() {
        "harassment" => Category::Harassment,
        "hate" => Category::Hate,
        "illicit" => Category::Illicit,
        "self-harm" => Category::SelfHarm,
        "sexual" if name == "sexual/minors" => Category::SexualMinors,
        "sexual" => Category::Sexual,
        "violence" => Category::Violence,
        _ => Category::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn backend() -> OpenAi {
        OpenAi {
            base_url: "https://api.openai.com/v1".to_owned(),
            key: Some(Secret::new("sk-secret".to_owned())),
            model: "omni-moderation-latest".to_owned(),
            thresholds: Thresholds::default(),
            cut: Cut::new(2000, 64),
        }
    }

    fn answer(scores: &Value) -> Vec<u8> {
        json!({"id": "modr-1", "model": "omni-moderation-latest", "results": [
            {"flagged": true, "categories": {"hate": true}, "category_scores": scores,
             "category_applied_input_types": {"hate": ["text"]}}]})
        .to_string()
        .into_bytes()
    }

    #[test]
    fn a_request_has_the_model_the_text_and_the_key() {
        let call = backend().call("Stärke \"+\" 中文\n");
        assert_eq!(call.url, "https://api.openai.com/v1/moderations");
        assert!(call.headers.contains(&("authorization", "Bearer sk-secret".to_owned())));
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(body, json!({"model": "omni-moderation-latest", "input": "Stärke \"+\" 中文\n"}));
        let seen = format!("{call:?} {:?}", backend());
        assert!(!seen.contains("sk-secret") && !seen.contains("中文"), "{seen}");
    }

    #[test]
    fn levels_come_from_scores_and_not_from_the_flag() {
        let scores = json!({"harassment": 0.2, "hate": 0.25, "violence": 0.5, "sexual": 0.8, "sexual/minors": 0.4,
            "self-harm/intent": 0.349, "illicit": null, "brand-new": 0.9});
        let verdict = backend().read(&answer(&scores)).unwrap();
        let found: Vec<_> = verdict.findings.iter().map(|one| (one.label.as_str(), one.category, one.level)).collect();
        assert_eq!(
            found,
            [
                ("brand-new", Category::Other, Level::High),
                ("hate", Category::Hate, Level::Low),
                ("self-harm/intent", Category::SelfHarm, Level::Low),
                ("sexual", Category::Sexual, Level::High),
                ("sexual/minors", Category::SexualMinors, Level::High),
                ("violence", Category::Violence, Level::Medium),
            ]
        );
        assert_eq!(verdict.findings[1].score, Some(0.25));
        assert_eq!(backend().read(&answer(&json!({"hate": 0.0}))), Ok(Verdict::default()), "flagged decides nothing");
        let own =
            OpenAi { thresholds: Thresholds::default().with("hate", [0.9; 3]).with_default([0.1; 3]), ..backend() };
        let verdict = own.read(&answer(&json!({"hate": 0.8, "violence": 0.1}))).unwrap();
        assert_eq!((verdict.findings.len(), verdict.level()), (1, Level::High));
    }

    #[test]
    fn every_category_of_the_service_is_known() {
        for name in OpenAi::CATEGORIES {
            assert_ne!(category(name), Category::Other, "{name}");
        }
        assert_eq!(category("sexual/minors"), Category::SexualMinors);
    }

    #[test]
    fn what_is_not_understood_is_not_safe() {
        for body in [
            &b""[..],
            b"{}",
            b"[]",
            b"null",
            br#"{"results":[]}"#,
            br#"{"results":[{"flagged":false}]}"#,
            br#"{"results":[{"flagged":false,"category_scores":{}}]}"#,
            br#"{"results":[{"category_scores":{"hate":null}}]}"#,
            br#"{"results":[{"category_scores":{"hate":"0.9"}}]}"#,
            br#"{"results":[{"category_scores":{"hate":1.5}}]}"#,
            br#"{"results":[{"category_scores":{"hate":-1}}]}"#,
        ] {
            assert_eq!(backend().read(body), Err(Failure::Malformed), "{}", String::from_utf8_lossy(body));
        }
    }
}
