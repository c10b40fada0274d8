//! The typed view of a request: the few members that routing needs, beside the untouched rest.

mod asked;
mod form;
mod opening;
mod texts;

use crate::endpoint::Endpoint;
use crate::json::Object;
use crate::price::Tier;
use crate::usage::{Characters, Tally};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

pub use asked::Bound;
pub use form::Form;

/// The model of a moderation request that names none.
const MODERATION_MODEL: &str = "omni-moderation-latest";

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Where it was sent.
    pub endpoint: Endpoint,
    /// All members, untouched.
    pub object: Object<'a>,
    /// `model`.
    pub model: Cow<'a, str>,
    /// `stream`, absent means `false`; always `false` where the endpoint cannot stream.
    pub stream: bool,
    /// `stream_options.include_usage`: the client wants to see a usage chunk.
    pub include_usage: bool,
}

/// Why a body is no request of its endpoint.
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
    /// A member of the request does: `prompt_cache_key`, `safety_identifier` or `user`, and for responses
    /// `conversation` or `previous_response_id`, whichever comes first.
    Member(&'static str, String),
    /// SHA-256 of what all turns of a conversation share: the messages up to the first one of the user, or the whole
    /// text where an endpoint knows no turns.
    Opening([u8; 32]),
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

/// `{"type": ...}`, of whatever else.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

impl<'a> Request<'a> {
    /// Reads a request body.
    ///
    /// # Errors
    /// The body is not a JSON object; `model`, `messages`, `prompt`, `input` or `stream` stands twice where it counts, or in
    /// another case; or a member that routing needs is missing or of the wrong type: `model`,
    /// `stream`, and `messages` (chat) or `input` (embeddings, moderations). A moderation may leave `model` out, and
    /// so may a response that names a stored `prompt`.
    pub fn parse(endpoint: Endpoint, body: &'a [u8]) -> Result<Self, RequestError> {
        let object = Object::parse(body).map_err(|error| RequestError {
            param: None,
            message: format!("the request body is not a JSON object: {error}"),
        })?;
        for member in ["model", endpoint.subject(), "stream"] {
            // Parsers differ in which double counts, so what was checked might not be what is run.
            if object.keys().filter(|key| *key == member).count() > 1 {
                let message = format!("`{member}` stands twice: expected it once");
                return Err(RequestError { param: Some(member), message });
            }
        }
        for known in ["model", "messages", "prompt", "input", "stream"] {
            // Some servers read names whatever their case, so what was checked might not be what is run.
            if let Some(other) = object.keys().find(|key| *key != known && is_same_but_for_case(key, known)) {
                let message = format!("`{other}` is `{known}` in another case: expected it as `{known}` or not at all");
                return Err(RequestError { param: Some(known), message });
            }
        }
        let model = match object.text("model") {
            Some(model) => model,
            None if !object.has("model") && endpoint == Endpoint::Moderations => Cow::Borrowed(MODERATION_MODEL),
            None if !object.has("model") && endpoint == Endpoint::Responses && object.has("prompt") => {
                Cow::Borrowed("")
            }
            None => return Err(wrong("model", "a string", object.has("model"))),
        };
        check_subject(endpoint, &object)?;
        let stream = if object.has("stream") { required(&object, "stream", "true or false")? } else { false };
        let include_usage =
            object.read::<StreamOptions>("stream_options").and_then(|options| options.include_usage).unwrap_or(false);
        Ok(Self { endpoint, object, model, stream: stream && endpoint.may_stream(), include_usage })
    }

    /// What the assignment to an arm sticks to. `header` is the value of the conversation header, if the client
    /// sent one.
    #[must_use]
    pub fn unit(&self, header: Option<&str>) -> Unit {
        opening::unit(self, header)
    }

    /// The raw messages of a chat request or items of a response's `input`, in order; empty elsewhere.
    #[must_use]
    pub fn messages(&self) -> Vec<&RawValue> {
        let list = match self.endpoint {
            Endpoint::Chat | Endpoint::Responses => self.object.get(self.endpoint.subject()),
            Endpoint::Completions | Endpoint::Embeddings | Endpoint::Moderations => None,
        };
        list.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }

    /// Calls `see` with each piece of text that the model is asked: contents of messages and the `text` of their
    /// parts, instructions, prompts, inputs. Token numbers are no text.
    pub fn for_each_text(&self, see: impl FnMut(&str)) {
        texts::for_each(self, see);
    }

    /// Characters of all that [`Self::for_each_text`] shows, and what is billed of the prompt, found in the same walk.
    #[must_use]
    pub fn measure(&self) -> (Characters, Tally) {
        texts::measure(self)
    }

    /// Most completion tokens of one choice, as far as the request bounds them.
    #[must_use]
    pub fn bound(&self) -> Bound {
        asked::bound(self)
    }

    /// How many answers are asked for at once, 1 at least.
    #[must_use]
    pub fn choices(&self) -> u64 {
        asked::choices(self)
    }

    /// Most completion tokens that the request allows in all its choices; `None` where it names no bound that every provider
    /// would take for one.
    #[must_use]
    pub fn completion_max(&self) -> Option<u64> {
        asked::completion_max(self)
    }

    /// The service tier that is asked for, the standard one where none is. See [`Tier::at`] for what a provider makes of it.
    #[must_use]
    pub fn tier(&self) -> Tier {
        asked::tier(self)
    }

    /// Role of every message.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        self.messages().into_iter().filter_map(opening::role_of).map(Cow::into_owned).collect()
    }

    /// Whether the client speaks the deprecated form of tools, `functions`, and expects calls in it.
    #[must_use]
    pub fn uses_functions(&self) -> bool {
        self.endpoint == Endpoint::Chat && self.object.has("functions")
    }

    /// Whether the answer has to be JSON: the format asked for is `json_object` or `json_schema`.
    #[must_use]
    pub fn wants_json(&self) -> bool {
        matches!(self.response_format().as_deref(), Some("json_object" | "json_schema"))
    }

    /// The form that the request demands of its answer.
    #[must_use]
    pub fn form(&self) -> Form {
        form::of(self)
    }

    /// `response_format.type` of a chat request, `text.format.type` of a response.
    #[must_use]
    pub fn response_format(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct TextMember {
            format: Option<Kind>,
        }
        match self.endpoint {
            Endpoint::Chat => self.object.read::<Kind>("response_format").map(|format| format.kind),
            Endpoint::Responses => self.object.read::<TextMember>("text")?.format.map(|format| format.kind),
            Endpoint::Completions | Endpoint::Embeddings | Endpoint::Moderations => None,
        }
    }
}

/// Whether a name is another's but for case. Two signs beyond ASCII fold to a letter of ASCII: the long s and Kelvin's sign.
fn is_same_but_for_case(name: &str, known: &str) -> bool {
    if name.is_ascii() {
        return name.eq_ignore_ascii_case(known);
    }
    let folded = |sign: char| match sign {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    name.chars().map(folded).eq(known.chars())
}

/// What the model is asked has to be there where a request means nothing without it. What exactly it may be is the
/// provider's to say.
fn check_subject(endpoint: Endpoint, object: &Object<'_>) -> Result<(), RequestError> {
    let member = endpoint.subject();
    match endpoint {
        Endpoint::Chat if !object.get(member).is_some_and(|messages| messages.get().starts_with('[')) => {
            Err(wrong(member, "a list of messages", object.has(member)))
        }
        Endpoint::Embeddings | Endpoint::Moderations if !object.has(member) => {
            Err(wrong(member, "a text or a list of them", false))
        }
        _ => Ok(()),
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

    #[test]
    fn bad_bodies_name_the_member() {
        use Endpoint::{Chat, Completions, Embeddings, Moderations, Responses};
        for (endpoint, body, param) in [
            (Chat, "[]", None),
            (Chat, r#"{"messages":[]}"#, Some("model")),
            (Chat, r#"{"model":7,"messages":[]}"#, Some("model")),
            (Chat, r#"{"model":"m"}"#, Some("messages")),
            (Chat, r#"{"model":"m","messages":"x"}"#, Some("messages")),
            (Chat, r#"{"model":"m","messages":[],"stream":"yes"}"#, Some("stream")),
            (Chat, r#"{"model":"m","messages":[],"mod\u0065l":"other"}"#, Some("model")),
            (Chat, r#"{"model":"m","messages":[],"Messages":[]}"#, Some("messages")),
            (Chat, r#"{"model":"m","messages":[],"MODE\u004c":"o"}"#, Some("model")),
            (Chat, r#"{"model":"m","messages":[],"me\u017fsages":[]}"#, Some("messages")),
            (Chat, r#"{"model":"m","messages":[],"Stream":true}"#, Some("stream")),
            (Responses, r#"{"model":"m","input":"x","Prompt":{"id":"p"}}"#, Some("prompt")),
            (Embeddings, r#"{"model":"m","input":"x","INPUT":"y"}"#, Some("input")),
            (Completions, r#"{"prompt":"x"}"#, Some("model")),
            (Completions, r#"{"model":"m","prompt":"x","prompt":"y"}"#, Some("prompt")),
            (Embeddings, r#"{"model":"m"}"#, Some("input")),
            (Moderations, r#"{"model":null}"#, Some("input")),
            (Moderations, r#"{"model":1,"input":"x"}"#, Some("model")),
            (Responses, r#"{"input":"x"}"#, Some("model")),
        ] {
            assert_eq!(Request::parse(endpoint, body.as_bytes()).unwrap_err().param, param, "{body}");
        }
    }

    #[test]
    fn what_an_endpoint_lets_out_may_be_left_out() {
        let parse = |endpoint, body: &'static str| Request::parse(endpoint, body.as_bytes()).unwrap();
        assert_eq!(parse(Endpoint::Moderations, r#"{"input":"x"}"#).model, "omni-moderation-latest");
        assert_eq!(parse(Endpoint::Responses, r#"{"prompt":{"id":"p"}}"#).model, "");
        assert_eq!(parse(Endpoint::Completions, r#"{"model":"m\u0031"}"#).model, "m1");
        let embedding = parse(Endpoint::Embeddings, r#"{"model":"m","input":["x"],"stream":true}"#);
        assert!(!embedding.stream, "embeddings do not stream");
    }

    #[test]
    fn json_is_wanted_where_the_format_says_so() {
        for (endpoint, body, wanted) in [
            (Endpoint::Chat, r#"{"model":"m","messages":[],"response_format":{"type":"json_schema"}}"#, true),
            (Endpoint::Chat, r#"{"model":"m","messages":[],"response_format":{"type":"text"}}"#, false),
            (Endpoint::Responses, r#"{"model":"m","text":{"format":{"type":"json_object"}}}"#, true),
            (Endpoint::Responses, r#"{"model":"m","text":{"verbosity":"low"}}"#, false),
            (Endpoint::Embeddings, r#"{"model":"m","input":"x","response_format":{"type":"json_object"}}"#, false),
        ] {
            assert_eq!(Request::parse(endpoint, body.as_bytes()).unwrap().wants_json(), wanted, "{body}");
        }
    }
}
