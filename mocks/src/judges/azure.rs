//! Azure's content safety: `text:analyze` with categories, severities and block lists, and `text:shieldPrompt`.
//!
//! The account has one block list, `mock`, with the words that the mock was started with. Texts of errors are ours.

use std::collections::HashMap;

use http::HeaderMap;
use serde_json::{Value, json};

use super::{Manners, Refused, error_body};
use crate::green::{self, Asked};
use crate::moderations;

/// Its categories, and those of the moderation mock that fall into each.
const CATEGORIES: [(&str, &[&str]); 4] = [
    ("Hate", &["hate", "hate/threatening", "harassment"]),
    ("SelfHarm", &["self-harm", "self-harm/intent", "self-harm/instructions"]),
    ("Sexual", &["sexual", "sexual/minors"]),
    ("Violence", &["violence", "violence/graphic", "harassment/threatening", "illicit/violent"]),
];
/// Texts are judged up to here, code points.
const CHARACTERS_MAX: usize = 10_000;
const VERSIONS: [&str; 2] = ["2023-10-01", "2024-09-01"];
const BLOCKLIST: &str = "mock";

/// See the module's text.
pub(crate) struct Azure {
    pub(crate) blocked_words: Vec<String>,
}

impl Manners for Azure {
    fn key<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        headers.get("ocp-apim-subscription-key")?.to_str().ok().filter(|key| !key.is_empty())
    }

    fn refused(&self, status: u16, code: &str, message: &str) -> Refused {
        error_body(status, code, message)
    }

    fn answer(&self, asked: &Asked<'_>, body: &Value, _stem: &str) -> Result<Value, Refused> {
        let bad = |message: &str| error_body(400, "InvalidRequestBody", message);
        if self.key(asked.headers).is_none() {
            return Err(error_body(401, "401", "the header Ocp-Apim-Subscription-Key is missing"));
        }
        let query: HashMap<_, _> = form_urlencoded::parse(asked.query.as_bytes()).collect();
        let version = query.get("api-version").map(AsRef::as_ref).unwrap_or_default();
        if !VERSIONS.contains(&version) {
            return Err(error_body(404, "404", "there is nothing of this api-version"));
        }
        if !body.is_object() {
            return Err(bad("the body is no object"));
        }
        match asked.path {
            "/contentsafety/text:analyze" => self.analyze(body).map_err(bad),
            "/contentsafety/text:shieldPrompt" if version != VERSIONS[0] => shield(body).map_err(bad),
            _ => Err(error_body(404, "404", "there is nothing of this path")),
        }
    }
}

impl Azure {
    fn analyze(&self, body: &Value) -> Result<Value, &'static str> {
        let text = body.get("text").and_then(Value::as_str).filter(|text| !text.is_empty());
        let text = text.ok_or("the field text is missing, empty or no text")?;
        if text.chars().count() > CHARACTERS_MAX {
            return Err("the field text is longer than 10000 characters");
        }
        let is_eight = match body.get("outputType").map_or(Some("FourSeverityLevels"), Value::as_str) {
            Some("FourSeverityLevels") => false,
            Some("EightSeverityLevels") => true,
            _ => return Err("the field outputType is not one of its two values"),
        };
        let names = texts(body, "categories")?.unwrap_or_else(|| CATEGORIES.map(|(name, _)| name).to_vec());
        let hits = moderations::hits(text);
        let mut analysis = Vec::new();
        for name in names {
            let known = CATEGORIES.iter().find(|(known, _)| *known == name);
            let (name, parts) = known.ok_or("the field categories has one that is not known")?;
            let found: Vec<_> = hits.iter().filter(|hit| parts.contains(hit)).collect();
            // Some harms are worse than others: those with a second name.
            let severity = match found.iter().any(|hit| hit.contains('/')) {
                true => 6,
                false if found.is_empty() => 0,
                false => 4,
            };
            let severity = if is_eight && severity > 0 { severity + 1 } else { severity };
            analysis.push(json!({"category": name, "severity": severity}));
        }
        let matches = self.matches(body, text)?;
        if !matches.is_empty() && body.get("haltOnBlocklistHit") == Some(&Value::Bool(true)) {
            analysis.clear();
        }
        Ok(json!({"blocklistsMatch": matches, "categoriesAnalysis": analysis}))
    }

    fn matches(&self, body: &Value, text: &str) -> Result<Vec<Value>, &'static str> {
        let lists = texts(body, "blocklistNames")?.unwrap_or_default();
        if lists.iter().any(|name| *name != BLOCKLIST) {
            return Err("the field blocklistNames has one that is not known");
        }
        if lists.is_empty() {
            return Ok(Vec::new());
        }
        let lower = text.to_lowercase();
        let words = self.blocked_words.iter().enumerate();
        let hits = words.filter(|(_, word)| !word.is_empty() && lower.contains(&word.to_lowercase()));
        let shown = |(place, word): (usize, &String)| json!({"blocklistName": BLOCKLIST, "blocklistItemId": format!("item-{place}"), "blocklistItemText": word});
        Ok(hits.map(shown).collect())
    }
}

fn shield(body: &Value) -> Result<Value, &'static str> {
    let prompt = body.get("userPrompt").and_then(Value::as_str).unwrap_or_default();
    let documents = texts(body, "documents")?.unwrap_or_default();
    if prompt.is_empty() && documents.iter().all(|text| text.is_empty()) {
        return Err("there is neither a userPrompt nor a document");
    }
    let all = documents.iter().copied().chain([prompt]);
    if all.map(|text| text.chars().count()).max() > Some(CHARACTERS_MAX) {
        return Err("a text is longer than 10000 characters");
    }
    let of = |text: &str| json!({"attackDetected": green::attacks(text)});
    let documents: Vec<Value> = documents.into_iter().map(of).collect();
    Ok(json!({"userPromptAnalysis": of(prompt), "documentsAnalysis": documents}))
}

/// A list of texts, if it is there.
fn texts<'a>(body: &'a Value, name: &str) -> Result<Option<Vec<&'a str>>, &'static str> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(list)) => {
            let list: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            list.map(Some).ok_or("a list has something that is no text")
        }
        Some(_) => Err("a list is none"),
    }
}
