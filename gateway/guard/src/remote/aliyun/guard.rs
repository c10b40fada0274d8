//! What an answer of MultiModalGuard says: a list of dimensions, each with a level, a suggestion, and what was found.

use super::super::label::label;
use super::super::locate;
use super::super::merge::FINDINGS_MAX;
use super::label::{category, is_none};
use super::text_plus::completed;
use super::{level, listed, score};
use crate::verdict::{Category, Failure, Finding, Level, Verdict};
use serde::Deserialize;
use serde_json::Value;
use std::ops::Range;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Data {
    suggestion: Option<String>,
    detail: Option<Vec<Detail>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Detail {
    #[serde(rename = "Type")]
    kind: String,
    level: Option<String>,
    suggestion: Option<String>,
    #[serde(rename = "Result")]
    results: Option<Vec<Found>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    label: Option<String>,
    level: Option<String>,
    confidence: Option<f64>,
    /// An object, or a list of them.
    ext: Option<Value>,
}

pub(super) fn read(piece: &str, data: Value) -> Result<Verdict, Failure> {
    let data: Data = serde_json::from_value(data).map_err(|_| Failure::Malformed)?;
    let suggested = data.suggestion.as_deref().map(suggested).transpose()?;
    if suggested.is_none() && data.detail.is_none() {
        return Err(Failure::Malformed);
    }
    let mut findings = Vec::new();
    for detail in data.detail.into_iter().flatten().take(FINDINGS_MAX) {
        findings.extend(dimension(piece, detail)?);
    }
    findings.truncate(FINDINGS_MAX);
    // A suggestion to stop it that nothing explains is a finding.
    if findings.is_empty() && suggested == Some(Level::High) {
        let (category, label) = (Category::Other, "suggestion".to_owned());
        findings.push(Finding { category, label, level: Level::High, score: None, spans: Vec::new() });
    }
    Ok(Verdict { findings })
}

/// The level that a suggestion amounts to where there is no other.
fn suggested(name: &str) -> Result<Level, Failure> {
    match name.to_ascii_lowercase().as_str() {
        "pass" => Ok(Level::None),
        "watch" => Ok(Level::Low),
        "review" | "mask" | "block" => Ok(Level::High),
        _ => Err(Failure::Malformed),
    }
}

fn dimension(piece: &str, detail: Detail) -> Result<Vec<Finding>, Failure> {
    let of_all = match (&detail.level, &detail.suggestion) {
        (Some(name), _) => level(name)?,
        (None, Some(suggestion)) => suggested(suggestion)?,
        (None, None) => return Err(Failure::Malformed),
    };
    let kind = match detail.kind.as_str() {
        "promptAttack" => Some(Category::PromptAttack),
        "sensitiveData" => Some(Category::SensitiveData),
        "maliciousUrl" => Some(Category::MaliciousUrl),
        "modelHallucination" => Some(Category::Hallucination),
        "customLabel" => Some(Category::Custom),
        // Its labels tell; so they do for dimensions to come.
        _ => None,
    };
    let mut findings = Vec::new();
    for found in detail.results.into_iter().flatten().take(FINDINGS_MAX) {
        let name = found.label.as_deref().unwrap_or_default();
        if is_none(name) {
            continue;
        }
        findings.push(Finding {
            category: kind.unwrap_or_else(|| category(name)),
            label: label(name),
            level: found.level.as_deref().map_or(Ok(of_all), level)?,
            score: score(found.confidence),
            spans: found.ext.map(|ext| spans(piece, &ext)).unwrap_or_default(),
        });
    }
    Ok(completed(findings, Some(of_all), kind.unwrap_or(Category::Other), &label(&detail.kind)))
}

/// By the words that it names, else by the masked form that it gives.
fn spans(piece: &str, ext: &Value) -> Vec<Range<usize>> {
    let parts = || ext.as_array().map_or(std::slice::from_ref(ext), Vec::as_slice).iter();
    let texts = |name: &'static str| parts().filter_map(move |part| part.get(name)).filter_map(Value::as_str);
    let lists = parts().filter_map(|part| part.get("SensitiveData")).filter_map(Value::as_array).flatten();
    let words = lists.filter_map(Value::as_str).chain(texts("RiskWords").flat_map(listed));
    let spans = locate::words(piece, words);
    if !spans.is_empty() {
        return spans;
    }
    texts("Desensitization").flat_map(|masked| locate::masked(piece, masked)).collect()
}
