//! A guard model behind chat completions: Llama Guard or Qwen3Guard-Gen, as vLLM and others serve them.
//!
//! The server's own template turns messages into the model's question; which role speaks last decides what is judged. A
//! text to the model is sent as the user's; an answer is sent as the assistant's behind a stand-in for the question, which
//! templates demand and which is not known here. What comes back is a text of a small language, and anything that is not of
//! that language is no verdict.

mod llama;
mod qwen;

use super::{Call, Cut, Secret};
use crate::verdict::{Failure, Level, Phase, Verdict};
use serde::Deserialize;
use serde_json::json;

/// Stands for the question of an answer.
const QUESTION: &str = "...";

/// The model, as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct GuardModel {
    /// Such as `http://127.0.0.1:8000/v1`, without a slash at its end.
    pub base_url: String,
    /// Key; none for a server that wants none.
    pub key: Option<Secret>,
    /// The server's name of the model.
    pub model: String,
    /// Its language.
    pub dialect: Dialect,
    /// How bad it is what Qwen3Guard calls controversial.
    pub controversial: Level,
    /// How long texts are cut.
    pub cut: Cut,
}

/// What a guard model answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Llama Guard 3 and 4: `safe`, or `unsafe` and codes of hazards.
    LlamaGuard,
    /// Qwen3Guard-Gen: lines with safety, categories, and whether an answer refuses.
    Qwen3Guard,
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    content: String,
}

impl GuardModel {
    pub(super) fn call(&self, phase: Phase, piece: &str) -> Call {
        let mut headers = vec![("content-type", "application/json".to_owned())];
        if let Some(key) = &self.key {
            headers.push(("authorization", format!("Bearer {}", key.expose())));
        }
        let messages = match phase {
            Phase::Request => json!([{"role": "user", "content": piece}]),
            Phase::Response => {
                json!([{"role": "user", "content": QUESTION}, {"role": "assistant", "content": piece}])
            }
        };
        // Room for all codes and categories at once.
        let body = json!({"model": self.model, "messages": messages, "temperature": 0, "max_tokens": 128});
        Call { url: format!("{}/chat/completions", self.base_url), headers, body: body.to_string().into_bytes() }
    }

    pub(super) fn read(&self, body: &[u8]) -> Result<Verdict, Failure> {
        let completion: Completion = serde_json::from_slice(body).map_err(|_| Failure::Malformed)?;
        let said = completion.choices.first().ok_or(Failure::Malformed)?.message.content.as_str();
        match self.dialect {
            Dialect::LlamaGuard => llama::read(said),
            Dialect::Qwen3Guard => qwen::read(said, self.controversial),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn model(dialect: Dialect) -> GuardModel {
        GuardModel {
            base_url: "http://127.0.0.1:8000/v1".to_owned(),
            key: Some(Secret::new("the-key".to_owned())),
            model: "guard".to_owned(),
            dialect,
            controversial: Level::Medium,
            cut: Cut::new(8000, 64),
        }
    }

    #[test]
    fn the_role_that_speaks_last_is_judged() {
        let messages = |phase| {
            let call = model(Dialect::LlamaGuard).call(phase, "中文 \"x\"");
            assert_eq!(call.url, "http://127.0.0.1:8000/v1/chat/completions");
            assert!(!format!("{call:?}").contains("the-key"));
            let body: Value = serde_json::from_slice(&call.body).unwrap();
            assert_eq!((&body["model"], &body["temperature"]), (&json!("guard"), &json!(0)));
            body["messages"].clone()
        };
        assert_eq!(messages(Phase::Request), json!([{"role": "user", "content": "中文 \"x\""}]));
        let expected = json!([{"role": "user", "content": "..."}, {"role": "assistant", "content": "中文 \"x\""}]);
        assert_eq!(messages(Phase::Response), expected);
    }

    #[test]
    fn the_first_choice_is_read_in_the_models_language() {
        let body = |content: Value| {
            json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": content}}]}).to_string()
        };
        let read = |dialect, content| model(dialect).read(body(content).as_bytes());
        assert_eq!(read(Dialect::LlamaGuard, json!("\n\nsafe")), Ok(Verdict::default()));
        assert_eq!(read(Dialect::LlamaGuard, json!("Safety: Safe\nCategories: None")), Err(Failure::Malformed));
        assert_eq!(read(Dialect::Qwen3Guard, json!("Safety: Safe\nCategories: None")), Ok(Verdict::default()));
        assert_eq!(read(Dialect::Qwen3Guard, json!("safe")), Err(Failure::Malformed));
        assert_eq!(read(Dialect::LlamaGuard, json!(null)), Err(Failure::Malformed));
        for body in ["", "{}", r#"{"choices":[]}"#, r#"{"choices":[{"message":{}}]}"#] {
            assert_eq!(model(Dialect::LlamaGuard).read(body.as_bytes()), Err(Failure::Malformed), "{body}");
        }
    }
}
