//! What an assignment sticks to: which conversation a request belongs to.
//!
//! A conversation's turns share their beginning, so its hash stands for the conversation where the client names none.
//! Only the beginning is read: a long history costs nothing.

use super::{Request, Unit};
use crate::endpoint::Endpoint;
use crate::json::Text;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;

/// Members that say who is talking, on every endpoint.
const MEMBERS: [&str; 3] = ["prompt_cache_key", "safety_identifier", "user"];

#[derive(Deserialize)]
struct Role<'a> {
    #[serde(borrow, default)]
    role: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

/// The role of a raw message.
pub(super) fn role_of(message: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Role<'_>>(message.get()).ok()?.role.map(|role| role.0)
}

pub(super) fn unit(request: &Request<'_>, header: Option<&str>) -> Unit {
    if let Some(value) = header.filter(|value| !value.is_empty()) {
        return Unit::Header(value.to_owned());
    }
    let object = &request.object;
    for member in MEMBERS {
        if let Some(value) = object.text(member).filter(|value| !value.is_empty()) {
            return Unit::Member(member, value.into_owned());
        }
    }
    if request.endpoint == Endpoint::Responses {
        if let Some(id) = conversation(request) {
            return Unit::Member("conversation", id);
        }
        if let Some(id) = object.text("previous_response_id").filter(|id| !id.is_empty()) {
            return Unit::Member("previous_response_id", id.into_owned());
        }
    }
    Unit::Opening(opening(request))
}

/// `conversation` of a response: an id, or an object with one.
fn conversation(request: &Request<'_>) -> Option<String> {
    let raw = request.object.get("conversation")?.get();
    let id = match serde_json::from_str::<Text<'_>>(raw) {
        Ok(id) => id.0,
        Err(_) => serde_json::from_str::<Identity<'_>>(raw).ok()?.id.0,
    };
    Some(id.into_owned()).filter(|id| !id.is_empty())
}

fn opening(request: &Request<'_>) -> [u8; 32] {
    let mut hash = Sha256::new();
    if request.endpoint == Endpoint::Responses
        && let Some(instructions) = request.object.get("instructions")
    {
        hash.update(instructions.get().as_bytes());
        hash.update([0]);
    }
    if let Some(subject) = request.object.get(request.endpoint.subject()) {
        match request.endpoint {
            Endpoint::Chat | Endpoint::Responses if subject.get().starts_with('[') => {
                // Reading ends early on purpose, which the parser reports as trailing text.
                let _ended_early =
                    serde_json::Deserializer::from_str(subject.get()).deserialize_seq(UpToUser { hash: &mut hash });
            }
            _ => hash.update(subject.get().as_bytes()),
        }
    }
    hash.finalize().into()
}

/// Hashes messages up to and with the first one of the user.
struct UpToUser<'a> {
    hash: &'a mut Sha256,
}

impl<'de> Visitor<'de> for UpToUser<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut messages: A) -> Result<(), A::Error> {
        while let Some(message) = messages.next_element::<&'de RawValue>()? {
            self.hash.update(message.get().as_bytes());
            self.hash.update([0]);
            if role_of(message).is_some_and(|role| role == "user") {
                return Ok(());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit_at(endpoint: Endpoint, body: &str, header: Option<&str>) -> Unit {
        Request::parse(endpoint, body.as_bytes()).unwrap().unit(header)
    }

    fn unit(body: &str, header: Option<&str>) -> Unit {
        unit_at(Endpoint::Chat, body, header)
    }

    #[test]
    fn the_unit_follows_the_documented_order() {
        let body = r#"{"model":"m","messages":[],"user":"u","prompt_cache_key":"k"}"#;
        assert_eq!(unit(body, Some("h")), Unit::Header("h".into()));
        assert_eq!(unit(body, Some("")), Unit::Member("prompt_cache_key", "k".into()));
        assert_eq!(unit(r#"{"model":"m","messages":[],"user":"u"}"#, None), Unit::Member("user", "u".into()));
        let both = r#"{"model":"m","messages":[],"user":"u","safety_identifier":"s"}"#;
        assert_eq!(unit(both, None), Unit::Member("safety_identifier", "s".into()));
    }

    #[test]
    fn responses_stick_to_their_conversation() {
        let unit =
            |members: &str| unit_at(Endpoint::Responses, &format!(r#"{{"model":"m","input":"x"{members}}}"#), None);
        assert_eq!(unit(r#","conversation":"c1""#), Unit::Member("conversation", "c1".into()));
        let both = r#","conversation":{"id":"c2"},"previous_response_id":"r""#;
        assert_eq!(unit(both), Unit::Member("conversation", "c2".into()));
        assert_eq!(unit(r#","previous_response_id":"r1""#), Unit::Member("previous_response_id", "r1".into()));
        assert_eq!(unit(r#","user":"u","conversation":"c""#), Unit::Member("user", "u".into()));
    }

    #[test]
    fn all_turns_of_a_conversation_share_a_unit_and_others_do_not() {
        for (endpoint, member) in [(Endpoint::Chat, "messages"), (Endpoint::Responses, "input")] {
            let turn = |messages: &str| unit_at(endpoint, &format!(r#"{{"model":"m","{member}":[{messages}]}}"#), None);
            let first = r#"{"role":"system","content":"s"},{"role":"user","content":"hello"}"#;
            let later = format!(r#"{first},{{"role":"assistant","content":"hi"}},{{"role":"user","content":"more"}}"#);
            let other = r#"{"role":"system","content":"s"},{"role":"user","content":"hello!"}"#;
            assert_eq!(turn(first), turn(&later));
            assert_ne!(turn(first), turn(other));
            assert_ne!(turn(first), turn(r#"{"role":"system","content":"s"}"#));
        }
    }

    #[test]
    fn endpoints_without_turns_stick_to_their_whole_text() {
        for endpoint in [Endpoint::Completions, Endpoint::Embeddings, Endpoint::Moderations, Endpoint::Responses] {
            let of =
                |text: &str| unit_at(endpoint, &format!(r#"{{"model":"m","{}":{text}}}"#, endpoint.subject()), None);
            assert_eq!(of("\"a\""), of("\"a\""));
            assert_ne!(of("\"a\""), of("\"b\""));
        }
        let instructed = |text: &str| {
            unit_at(Endpoint::Responses, &format!(r#"{{"model":"m","input":"x","instructions":"{text}"}}"#), None)
        };
        assert_ne!(instructed("a"), instructed("b"));
    }
}
