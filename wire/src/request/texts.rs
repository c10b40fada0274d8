//! The text in a request, whatever its shape: a string, a list of strings, messages with strings or parts.
//!
//! Every member is looked at, those that stand twice too: what counts less than a provider reads is a way past a quota.
//! What cannot be read counts with all its bytes.

use super::Request;
use crate::endpoint::Endpoint;
use crate::json::loose::{list, object, string};
use serde_json::value::RawValue;

/// Deepest nesting at which texts are told apart; what lies deeper counts with all its bytes.
const DEPTH_MAX: usize = 12;

/// Members with text. Parts of a moderation stand in the list itself, and a response's items may be bare parts; `output`
/// is what a tool gave back, in a response's input.
const MEMBERS: [&str; 3] = ["content", "text", "output"];

pub(super) fn for_each(request: &Request<'_>, mut see: impl FnMut(&str)) {
    if request.endpoint == Endpoint::Responses
        && let Some(instructions) = request.object.get("instructions")
    {
        value(instructions.get(), 0, &mut see);
    }
    let Some(subject) = request.object.get(request.endpoint.subject()) else { return };
    value(subject.get(), 0, &mut see);
}

/// A string, a list of texts, or an object with texts in its members. Token numbers are no text, nor is a picture's address.
fn value(raw: &str, depth: usize, see: &mut impl FnMut(&str)) {
    match raw.as_bytes().first() {
        Some(b'"') => match borrowed(raw) {
            Some(text) => see(text),
            None => see(string(raw).as_deref().unwrap_or(raw)),
        },
        Some(b'[' | b'{') if depth >= DEPTH_MAX => see(raw),
        Some(b'[') => match list(raw) {
            Some(items) => items.into_iter().for_each(|item: &RawValue| value(item.get(), depth + 1, see)),
            None => see(raw),
        },
        Some(b'{') => match object(raw) {
            Some(object) => object
                .members()
                .filter(|(name, _)| MEMBERS.contains(name))
                .for_each(|(_, member)| value(member.get(), depth + 1, see)),
            None => see(raw),
        },
        _ => {}
    }
}

/// What a string without escapes says.
fn borrowed(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(endpoint: Endpoint, body: &str) -> Vec<String> {
        let mut texts = Vec::new();
        Request::parse(endpoint, body.as_bytes()).unwrap().for_each_text(|text| texts.push(text.to_owned()));
        texts
    }

    #[test]
    fn texts_come_from_strings_and_parts() {
        let body = r#"{"model":"m","messages":[{"role":"system","content":"a"},
            {"role":"user","content":[{"type":"text","text":"b"},{"type":"image_url","image_url":{"url":"x"}}]},
            {"role":"assistant","content":null}]}"#;
        assert_eq!(texts(Endpoint::Chat, body), ["a", "b"]);
    }

    #[test]
    fn every_endpoint_shows_its_text() {
        for (endpoint, body, expected) in [
            (Endpoint::Completions, r#"{"model":"m","prompt":"a"}"#, vec!["a"]),
            (Endpoint::Completions, r#"{"model":"m","prompt":["a","b"]}"#, vec!["a", "b"]),
            (Endpoint::Embeddings, r#"{"model":"m","input":[1,2,3]}"#, vec![]),
            (Endpoint::Embeddings, r#"{"model":"m","input":[[1],[2]]}"#, vec![]),
            (Endpoint::Moderations, r#"{"input":[{"type":"text","text":"a"},{"type":"image_url"}]}"#, vec!["a"]),
            (Endpoint::Responses, r#"{"model":"m","instructions":"i","input":"a"}"#, vec!["i", "a"]),
            (
                Endpoint::Responses,
                r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"a"}]},
                    {"type":"function_call_output","call_id":"c","output":"b"}]}"#,
                vec!["a", "b"],
            ),
        ] {
            assert_eq!(texts(endpoint, body), expected, "{body}");
        }
    }

    #[test]
    fn no_odd_shape_counts_less() {
        for (messages, expected) in [
            (r#"{"role":"user","content":"a","content":"b"}"#, vec!["a", "b"]),
            (r#"{"role":"user","role":"user","content":"a"}"#, vec!["a"]),
            (
                r#"{"role":"user","content":[{"type":"text","text":"a"},"b",7,{"text":"c","text":"d"}]}"#,
                vec!["a", "b", "c", "d"],
            ),
            (r#"{"role":"user","content":"a\ud800"}"#, vec!["a\u{fffd}"]),
            (r#"{"role":"user","content":[{"text":"a\ud800","\ud800":0},{"text":"b"}]}"#, vec!["a\u{fffd}", "b"]),
            (r#"{"role":"user","content":{"text":"a"},"\ud800":0}"#, vec!["a"]),
            (r#"{"role":"user","content":"a\"b\n"}"#, vec!["a\"b\n"]),
        ] {
            let body = format!(r#"{{"model":"m","messages":[{messages}]}}"#);
            assert_eq!(texts(Endpoint::Chat, &body), expected, "{body}");
        }
    }

    #[test]
    fn what_lies_too_deep_counts_with_all_its_bytes() {
        let deep = format!("{}\"x\"{}", "[".repeat(100_000), "]".repeat(100_000));
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":{deep}}}]}}"#);
        let bytes: usize = texts(Endpoint::Chat, &body).iter().map(String::len).sum();
        assert_eq!(bytes, deep.len() - 2 * (DEPTH_MAX - 2));
    }
}
