//! What an answer of TextModerationPlus says: three dimensions, each with a level of its own.
//!
//! Content has one level for all its labels; attacks and sensitive data have one for each. A level that no label explains is
//! a finding all the same, and a label without a level counts as high: it was worth naming.

use super::super::label::label;
use super::super::locate;
use super::super::merge::FINDINGS_MAX;
use super::label::{category, is_none};
use super::{level, listed, score};
use crate::verdict::{Category, Failure, Finding, Level, Verdict};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Data {
    risk_level: Option<String>,
    #[serde(rename = "Result")]
    risks: Option<Vec<Risk>>,
    attack_level: Option<String>,
    #[serde(rename = "AttackResult")]
    attacks: Option<Vec<Attack>>,
    sensitive_level: Option<String>,
    #[serde(rename = "SensitiveResult")]
    sensitives: Option<Vec<Sensitive>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Risk {
    label: Option<String>,
    confidence: Option<f64>,
    risk_words: Option<String>,
    customized_hit: Option<Vec<CustomizedHit>>,
    risk_positions: Option<Vec<Position>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CustomizedHit {
    key_words: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Position {
    risk_word: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attack {
    attack_level: Option<String>,
    label: Option<String>,
    confidence: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sensitive {
    sensitive_level: Option<String>,
    label: Option<String>,
    sensitive_data: Option<Vec<String>>,
}

pub(super) fn read(piece: &str, data: Value) -> Result<Verdict, Failure> {
    let data: Data = serde_json::from_value(data).map_err(|_| Failure::Malformed)?;
    let says_something = data.risk_level.is_some() || data.attack_level.is_some() || data.sensitive_level.is_some();
    if !says_something && data.risks.is_none() {
        return Err(Failure::Malformed);
    }
    let mut findings = content(piece, data.risk_level.as_deref(), data.risks.unwrap_or_default())?;
    findings.extend(attacks(data.attack_level.as_deref(), data.attacks.unwrap_or_default())?);
    findings.extend(sensitive(piece, data.sensitive_level.as_deref(), data.sensitives.unwrap_or_default())?);
    Ok(Verdict { findings })
}

fn content(piece: &str, of_all: Option<&str>, risks: Vec<Risk>) -> Result<Vec<Finding>, Failure> {
    let of_all = of_all.map(level).transpose()?;
    let mut findings = Vec::new();
    for risk in risks.into_iter().take(FINDINGS_MAX) {
        let name = risk.label.as_deref().unwrap_or_default();
        if is_none(name) {
            continue;
        }
        let hits = risk.customized_hit.unwrap_or_default();
        let positions = risk.risk_positions.unwrap_or_default();
        let hit_words = hits.iter().filter_map(|hit| hit.key_words.as_deref()).flat_map(listed);
        let risk_words = risk.risk_words.as_deref().into_iter().flat_map(listed);
        let placed = positions.iter().filter_map(|position| position.risk_word.as_deref());
        findings.push(Finding {
            category: if hits.is_empty() { category(name) } else { Category::Custom },
            label: label(name),
            level: of_all.unwrap_or(Level::High),
            score: score(risk.confidence),
            spans: locate::words(piece, placed.chain(risk_words).chain(hit_words)),
        });
    }
    Ok(completed(findings, of_all, Category::Other, "content"))
}

fn attacks(of_all: Option<&str>, attacks: Vec<Attack>) -> Result<Vec<Finding>, Failure> {
    let of_all = of_all.map(level).transpose()?;
    let mut findings = Vec::new();
    for attack in attacks.into_iter().take(FINDINGS_MAX) {
        let own = attack.attack_level.as_deref().map(level).transpose()?;
        findings.push(Finding {
            category: Category::PromptAttack,
            label: label(attack.label.as_deref().unwrap_or("attack")),
            level: own.or(of_all).unwrap_or(Level::High),
            score: score(attack.confidence),
            spans: Vec::new(),
        });
    }
    Ok(completed(findings, of_all, Category::PromptAttack, "attack"))
}

fn sensitive(piece: &str, of_all: Option<&str>, sensitives: Vec<Sensitive>) -> Result<Vec<Finding>, Failure> {
    let of_all = of_all.map(level).transpose()?;
    let mut findings = Vec::new();
    for sensitive in sensitives.into_iter().take(FINDINGS_MAX) {
        let own = sensitive.sensitive_level.as_deref().map(level).transpose()?;
        let words = sensitive.sensitive_data.unwrap_or_default();
        findings.push(Finding {
            category: Category::SensitiveData,
            label: label(sensitive.label.as_deref().unwrap_or("sensitive")),
            level: own.or(of_all).unwrap_or(Level::High),
            score: None,
            spans: locate::words(piece, words.iter().map(String::as_str)),
        });
    }
    Ok(completed(findings, of_all, Category::SensitiveData, "sensitive"))
}

/// Without what is no finding, and with one of the dimension's own level if no other has it.
pub(super) fn completed(
    mut findings: Vec<Finding>,
    of_all: Option<Level>,
    category: Category,
    name: &str,
) -> Vec<Finding> {
    findings.retain(|finding| finding.level > Level::None);
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or_default();
    if let Some(level) = of_all.filter(|level| *level > worst) {
        findings.push(Finding { category, label: name.to_owned(), level, score: None, spans: Vec::new() });
    }
    findings
}
