//! A guard model behind chat completions, as a server for open models serves it.
//!
//! A model whose name has `qwen` in it speaks as Qwen3Guard-Gen does, any other one as Llama Guard. What the last message
//! says is judged: as a prompt if it is the user's, as an answer if it is the assistant's. As the templates of these
//! models do, it demands that users and assistants take turns. Two test words make it do what models do now and then:
//! `TEST-CONTROVERSIAL` is neither safe nor unsafe to Qwen3Guard, and on `TEST-NONSENSE` both talk instead of judging.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::{Manners, Refused};
use crate::green::{self, Asked};
use crate::moderations;

/// Categories of the moderation mock, what they are to Llama Guard, and what to Qwen3Guard.
const HAZARDS: [(&str, &str, &str); 13] = [
    ("harassment", "S10", "Unethical Acts"),
    ("harassment/threatening", "S1", "Violent"),
    ("hate", "S10", "Unethical Acts"),
    ("hate/threatening", "S10", "Violent"),
    ("illicit", "S2", "Non-violent Illegal Acts"),
    ("illicit/violent", "S9", "Violent"),
    ("self-harm", "S11", "Suicide & Self-Harm"),
    ("self-harm/intent", "S11", "Suicide & Self-Harm"),
    ("self-harm/instructions", "S11", "Suicide & Self-Harm"),
    ("sexual", "S12", "Sexual Content or Sexual Acts"),
    ("sexual/minors", "S4", "Sexual Content or Sexual Acts"),
    ("violence", "S1", "Violent"),
    ("violence/graphic", "S1", "Violent"),
];

/// See the module's text.
pub(crate) struct GuardModel;

impl Manners for GuardModel {
    fn key<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
    }

    fn refused(&self, status: u16, code: &str, message: &str) -> Refused {
        let kind = if status >= 500 { "InternalServerError" } else { "BadRequestError" };
        let error = json!({"message": message, "type": kind, "param": null, "code": code});
        Refused { status, body: json!({"error": error}) }
    }

    fn answer(&self, asked: &Asked<'_>, body: &Value, stem: &str) -> Result<Value, Refused> {
        if asked.path != "/v1/chat/completions" {
            return Err(self.refused(404, "404", "there is nothing of this path"));
        }
        let bad = |message: &str| self.refused(400, "400", message);
        let model = body.get("model").and_then(Value::as_str).ok_or_else(|| bad("the field model is missing"))?;
        if body.get("stream") == Some(&Value::Bool(true)) {
            return Err(bad("this mock does not stream"));
        }
        let messages = body.get("messages").and_then(Value::as_array).filter(|messages| !messages.is_empty());
        let messages = messages.ok_or_else(|| bad("the field messages is missing or empty"))?;
        let mut judged = (false, String::new());
        for (place, message) in messages.iter().enumerate() {
            let from_user = match message.get("role").and_then(Value::as_str) {
                Some("user") => true,
                Some("assistant") => false,
                _ => return Err(bad("a role is neither user nor assistant")),
            };
            if from_user != place.is_multiple_of(2) {
                return Err(bad("conversation roles must alternate user/assistant/user/assistant"));
            }
            judged = (from_user, said(message).ok_or_else(|| bad("a content is neither a text nor parts of text"))?);
        }
        let (from_user, text) = judged;
        let said = verdict(&model.to_lowercase(), from_user, &text);
        let usage = json!({"prompt_tokens": 200, "completion_tokens": 8, "total_tokens": 208});
        let message = json!({"role": "assistant", "content": said});
        Ok(json!({"id": format!("chatcmpl-{stem}"), "object": "chat.completion", "created": asked.now, "model": model,
            "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"}], "usage": usage}))
    }
}

fn said(message: &Value) -> Option<String> {
    match message.get("content")? {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => parts.iter().map(|part| part.get("text")?.as_str()).collect(),
        _ => None,
    }
}

fn verdict(model: &str, from_user: bool, text: &str) -> String {
    if text.contains("TEST-NONSENSE") {
        return "I am here to help. What would you like to know?".to_owned();
    }
    let hits = moderations::hits(text);
    let found: Vec<_> = HAZARDS.iter().filter(|(name, _, _)| hits.contains(name)).collect();
    if !model.contains("qwen") {
        let codes = distinct(found.iter().map(|(_, code, _)| *code));
        return if codes.is_empty() { "\n\nsafe".to_owned() } else { format!("\n\nunsafe\n{}", codes.join(",")) };
    }
    let mut names = distinct(found.iter().map(|(_, _, name)| *name));
    if from_user && green::attacks(text) {
        names.push("Jailbreak");
    }
    let safety = match (names.is_empty(), text.contains("TEST-CONTROVERSIAL")) {
        (false, _) => "Unsafe",
        (true, true) => "Controversial",
        (true, false) => "Safe",
    };
    if names.is_empty() {
        names.push(if safety == "Safe" { "None" } else { "Unethical Acts" });
    }
    let mut said = format!("Safety: {safety}\nCategories: {}", names.join(", "));
    if !from_user {
        let lower = text.to_lowercase();
        let refuses = ["i can't", "i cannot", "抱歉"].iter().any(|word| lower.contains(word));
        said.push_str(if refuses { "\nRefusal: Yes" } else { "\nRefusal: No" });
    }
    said
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut distinct = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_says_what_it_finds() {
        for (text, llama, qwen) in [
            ("Hello", "\n\nsafe", "Safety: Safe\nCategories: None"),
            ("TEST-HATE TEST-VIOLENCE", "\n\nunsafe\nS10,S1", "Safety: Unsafe\nCategories: Unethical Acts, Violent"),
            ("TEST-CONTROVERSIAL", "\n\nsafe", "Safety: Controversial\nCategories: Unethical Acts"),
            ("TEST-ATTACK", "\n\nsafe", "Safety: Unsafe\nCategories: Jailbreak"),
        ] {
            assert_eq!(verdict("llama-guard-3-8b", true, text), llama);
            assert_eq!(verdict("qwen3guard-gen-8b", true, text), qwen);
        }
        let answer = verdict("qwen3guard", false, "Sorry, I can't. TEST-ATTACK");
        assert_eq!(answer, "Safety: Safe\nCategories: None\nRefusal: Yes");
    }

    #[test]
    fn the_hazards_are_those_of_the_moderation() {
        for (name, _, _) in HAZARDS {
            assert!(moderations::knows(name), "{name}");
        }
    }
}
