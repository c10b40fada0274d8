//! The typed view of a chat request: the few members that routing needs, beside the untouched rest.

use crate::json::{Object, Text};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// A chat request as it came in.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// All members, untouched.
    pub object: Object<'a>,
    /// `model`.
    pub model: String,
    /// `stream`, absent means `false`.
    pub stream: bool,
    /// `stream_options.include_usage`: the client wants to see a usage chunk.
    pub include_usage: bool,
}

/// Why a body is no chat request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RequestError {
    /// Member at fault.
    pub param: Option<&'static str>,
    /// What was expected and found.
    pub message: String,
}

/// What an assignment to an arm sticks to, in the documented order of preference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// The client's own header says which conversation this is.
    Header(String),
    /// A member of the request does: `prompt_cache_key`, `safety_identifier` or `user`, whichever comes first.
    Member(&'static str, String),
    /// SHA-256 of the messages up to the first one of the user: the part that all turns of a conversation share.
    Opening([u8; 32]),
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct Role<'a> {
    #[serde(borrow)]
    role: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Option<Text<'a>>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
}

impl<'a> Request<'a> {
    /// Reads a request body.
    ///
    /// # Errors
    /// The body is not a JSON object, or `model`, `messages` or `stream` is missing or of the wrong type.
    pub fn parse(body: &'a [u8]) -> Result<Self, RequestError> {
        let object = Object::parse(body).map_err(|error| RequestError {
            param: None,
            message: format!("the request body is not a JSON object: {error}"),
        })?;
        for member in ["model", "messages", "stream"] {
            // Parsers differ in which double counts, so what was checked might not be what is run.
            if object.keys().filter(|key| *key == member).count() > 1 {
                let message = format!("`{member}` stands twice: expected it once");
                return Err(RequestError { param: Some(member), message });
            }
        }
        let model: String = required(&object, "model", "a string")?;
        if !object.get("messages").is_some_and(|messages| messages.get().starts_with('[')) {
            return Err(wrong("messages", "a list of messages", object.has("messages")));
        }
        let stream = if object.has("stream") { required(&object, "stream", "true or false")? } else { false };
        let include_usage =
            object.read::<StreamOptions>("stream_options").and_then(|options| options.include_usage).unwrap_or(false);
        Ok(Self { object, model, stream, include_usage })
    }

    /// What the assignment to an arm sticks to. `header` is the value of the conversation header, if the client
    /// sent one.
    #[must_use]
    pub fn unit(&self, header: Option<&str>) -> Unit {
        if let Some(value) = header.filter(|value| !value.is_empty()) {
            return Unit::Header(value.to_owned());
        }
        for member in ["prompt_cache_key", "safety_identifier", "user"] {
            if let Some(value) = self.object.read::<String>(member).filter(|value| !value.is_empty()) {
                return Unit::Member(member, value);
            }
        }
        Unit::Opening(self.opening())
    }

    fn opening(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for message in self.messages() {
            hash.update(message.get().as_bytes());
            hash.update([0]);
            let role = serde_json::from_str::<Role<'_>>(message.get()).ok().and_then(|message| message.role);
            if role.is_some_and(|role| role.0 == "user") {
                break;
            }
        }
        hash.finalize().into()
    }

    /// The raw messages, in order.
    #[must_use]
    pub fn messages(&self) -> Vec<&RawValue> {
        self.object.get("messages").and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }

    /// Calls `see` with each piece of text in the messages: their contents, and the `text` of content parts.
    pub fn for_each_text(&self, mut see: impl FnMut(&str)) {
        for raw in self.messages() {
            let Ok(message) = serde_json::from_str::<Message<'_>>(raw.get()) else { continue };
            let Some(content) = message.content else { continue };
            if let Ok(text) = serde_json::from_str::<Text<'_>>(content.get()) {
                see(&text.0);
            } else if let Ok(parts) = serde_json::from_str::<Vec<Part<'_>>>(content.get()) {
                parts.iter().filter_map(|part| part.text.as_ref()).for_each(|text| see(&text.0));
            }
        }
    }

    /// Role of every message.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        let role =
            |raw: &RawValue| serde_json::from_str::<Message<'_>>(raw.get()).ok()?.role.map(|role| role.0.into_owned());
        self.messages().into_iter().filter_map(role).collect()
    }

    /// Whether the answer has to be JSON: `response_format` is `json_object` or `json_schema`.
    #[must_use]
    pub fn wants_json(&self) -> bool {
        matches!(self.response_format().as_deref(), Some("json_object" | "json_schema"))
    }

    /// `response_format.type`.
    #[must_use]
    pub fn response_format(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Format {
            #[serde(rename = "type")]
            kind: String,
        }
        self.object.read::<Format>("response_format").map(|format| format.kind)
    }
}

fn required<T: serde::de::DeserializeOwned>(
    object: &Object<'_>,
    member: &'static str,
    expected: &str,
) -> Result<T, RequestError> {
    object.read(member).ok_or_else(|| wrong(member, expected, object.has(member)))
}

fn wrong(member: &'static str, expected: &str, present: bool) -> RequestError {
    let found = if present { "has another type" } else { "is missing" };
    RequestError { param: Some(member), message: format!("`{member}` {found}: expected {expected}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(body: &str, header: Option<&str>) -> Unit {
        Request::parse(body.as_bytes()).unwrap().unit(header)
    }

    #[test]
    fn bad_bodies_name_the_member() {
        for (body, param) in [
            ("[]", None),
            (r#"{"messages":[]}"#, Some("model")),
            (r#"{"model":7,"messages":[]}"#, Some("model")),
            (r#"{"model":"m"}"#, Some("messages")),
            (r#"{"model":"m","messages":"x"}"#, Some("messages")),
            (r#"{"model":"m","messages":[],"stream":"yes"}"#, Some("stream")),
            (r#"{"model":"m","messages":[],"mod\u0065l":"other"}"#, Some("model")),
        ] {
            assert_eq!(Request::parse(body.as_bytes()).unwrap_err().param, param, "{body}");
        }
    }

    #[test]
    fn the_unit_follows_the_documented_order() {
        let body = r#"{"model":"m","messages":[],"user":"u","prompt_cache_key":"k"}"#;
        assert_eq!(unit(body, Some("h")), Unit::Header("h".into()));
        assert_eq!(unit(body, Some("")), Unit::Member("prompt_cache_key", "k".into()));
        assert_eq!(unit(r#"{"model":"m","messages":[],"user":"u"}"#, None), Unit::Member("user", "u".into()));
    }

    #[test]
    fn all_turns_of_a_conversation_share_a_unit_and_others_do_not() {
        let turn = |messages: &str| unit(&format!(r#"{{"model":"m","messages":[{messages}]}}"#), None);
        let first = r#"{"role":"system","content":"s"},{"role":"user","content":"hello"}"#;
        let later = format!(r#"{first},{{"role":"assistant","content":"hi"}},{{"role":"user","content":"more"}}"#);
        let other = r#"{"role":"system","content":"s"},{"role":"user","content":"hello!"}"#;
        assert_eq!(turn(first), turn(&later));
        assert_ne!(turn(first), turn(other));
    }

    #[test]
    fn texts_come_from_strings_and_parts() {
        let body = r#"{"model":"m","messages":[{"role":"system","content":"a"},
            {"role":"user","content":[{"type":"text","text":"b"},{"type":"image_url","image_url":{"url":"x"}}]},
            {"role":"assistant","content":null}]}"#;
        let mut texts = Vec::new();
        Request::parse(body.as_bytes()).unwrap().for_each_text(|text| texts.push(text.to_owned()));
        assert_eq!(texts, ["a", "b"]);
    }
}
