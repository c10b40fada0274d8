//! The text in a request, whatever its shape: a string, a list of strings, messages with strings or parts.

use super::Request;
use crate::endpoint::Endpoint;
use crate::json::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    /// Parts of a moderation stand in the list itself, and a response's items may be bare parts.
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    /// What a tool gave back, in a response's input.
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
}

pub(super) fn for_each(request: &Request<'_>, mut see: impl FnMut(&str)) {
    if request.endpoint == Endpoint::Responses
        && let Some(instructions) = request.object.text("instructions")
    {
        see(&instructions);
    }
    let Some(subject) = request.object.get(request.endpoint.subject()) else { return };
    if subject.get().starts_with('"') {
        content(subject, &mut see);
        return;
    }
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(subject.get()) else { return };
    for item in items {
        match item.get().as_bytes().first() {
            Some(b'"') => content(item, &mut see),
            Some(b'{') => message(item, &mut see),
            // Token numbers, or lists of them.
            _ => {}
        }
    }
}

fn message(raw: &RawValue, see: &mut impl FnMut(&str)) {
    let Ok(message) = serde_json::from_str::<Message<'_>>(raw.get()) else { return };
    for member in [message.content, message.text, message.output].into_iter().flatten() {
        content(member, see);
    }
}

/// A string, or a list of parts with a `text` each.
fn content(raw: &RawValue, see: &mut impl FnMut(&str)) {
    if let Ok(text) = serde_json::from_str::<Text<'_>>(raw.get()) {
        see(&text.0);
    } else if let Ok(parts) = serde_json::from_str::<Vec<Part<'_>>>(raw.get()) {
        parts.iter().filter_map(|part| part.text.as_ref()).for_each(|text| see(&text.0));
    }
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
}
