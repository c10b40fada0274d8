//! The text in a request, whatever its shape: a string, a list of strings, messages with strings or parts; and what else of
//! it a provider bills.
//!
//! Every member is looked at, those that stand twice too: what counts less than a provider reads is a way past a quota.
//! What cannot be read counts with all its bytes.
//!
//! One walk serves both. Visible is what people and models say to each other. Billed beside it are calls of tools in
//! earlier turns, names, reasoning that is sent back, definitions of tools and schemas, frames, pictures, sounds and files.

use super::Request;
use crate::endpoint::Endpoint;
use crate::json::loose::{list, object, string};
use crate::usage::{Characters, Effort, FILE_TOKENS, Tally};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Deepest nesting at which texts are told apart; what lies deeper counts with all its bytes.
const DEPTH_MAX: usize = 12;

/// Members with text. Parts of a moderation stand in the list itself, and a response's items may be bare parts; `output`
/// is what a tool gave back, in a response's input.
const VISIBLE: [&str; 3] = ["content", "text", "output"];
/// Members with what is billed beside the text.
const BILLED: [&str; 10] = [
    "name",
    "arguments",
    "input",
    "tool_calls",
    "function_call",
    "function",
    "custom",
    "reasoning_content",
    "summary",
    "refusal",
];
/// Top-level members that become a part of the prompt as JSON.
const DEFINITIONS: [&str; 4] = ["tools", "functions", "response_format", "text"];
/// Bytes of base64 for a token of speech: MP3 at a usual rate; other forms are longer.
const SOUND_BYTES_PER_TOKEN: usize = 2000;
/// Where `detail` stands in a picture, before or behind its address.
const DETAIL_BYTES: usize = 48;

/// What a walk finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found<'t> {
    Visible(&'t str),
    Billed(&'t str),
    /// A number of a token.
    Number,
    Picture {
        rough: bool,
    },
    Sound {
        bytes: usize,
    },
    File,
}

pub(super) fn for_each(request: &Request<'_>, mut see: impl FnMut(&str)) {
    walk(request, &mut |found| {
        if let Found::Visible(text) = found {
            see(text);
        }
    });
}

/// Characters of all visible text, and what is billed.
pub(super) fn measure(request: &Request<'_>) -> (Characters, Tally) {
    let (mut visible, mut tally) = (Characters::default(), Tally::default());
    let messages = walk(request, &mut |found| match found {
        Found::Visible(text) => {
            visible.add(text);
            tally.text.add(text);
        }
        Found::Billed(text) => tally.text.add(text),
        Found::Number => tally.text.add_tokens(1),
        Found::Picture { rough } => tally.picture(rough),
        Found::Sound { bytes } => tally.text.add_tokens((bytes / SOUND_BYTES_PER_TOKEN) as u64 + 1),
        Found::File => tally.text.add_tokens(FILE_TOKENS),
    });
    match request.endpoint {
        Endpoint::Chat | Endpoint::Responses => {
            tally.frames(messages);
            tally.effort = effort(request);
            definitions(request, &mut tally);
        }
        Endpoint::Completions => {
            if let Some(suffix) = request.object.get("suffix") {
                tally.text.add_json(suffix.get());
            }
        }
        Endpoint::Embeddings | Endpoint::Moderations => {}
    }
    (visible, tally)
}

fn definitions(request: &Request<'_>, tally: &mut Tally) {
    for (name, value) in request.object.members().filter(|(name, _)| DEFINITIONS.contains(name)) {
        // A format without a schema is a few letters that nobody reads.
        if name.ends_with('s') || memchr::memmem::find(value.get().as_bytes(), b"\"schema\"").is_some() {
            tally.text.add_json(value.get());
        }
    }
}

/// Thinking that is asked for, in chat's words, in those of responses or in DeepSeek's.
fn effort(request: &Request<'_>) -> Effort {
    #[derive(Deserialize)]
    struct Reasoning {
        effort: Option<String>,
    }
    let nested = || request.object.read::<Reasoning>("reasoning").and_then(|reasoning| reasoning.effort);
    let named = request.object.text("reasoning_effort").map(std::borrow::Cow::into_owned).or_else(nested);
    match named.as_deref() {
        None => Effort::Unsaid,
        Some("none" | "minimal") => Effort::Off,
        Some(_) => Effort::On,
    }
}

/// Goes through what the model is asked; returns how many messages it is.
fn walk(request: &Request<'_>, see: &mut impl FnMut(Found<'_>)) -> u64 {
    let mut messages = 0;
    if request.endpoint == Endpoint::Responses
        && let Some(instructions) = request.object.get("instructions")
    {
        value(instructions.get(), 0, true, see);
        messages += 1;
    }
    let Some(subject) = request.object.get(request.endpoint.subject()) else { return messages };
    let raw = subject.get();
    match raw.as_bytes().first() {
        Some(b'[') => match list(raw) {
            Some(items) => {
                messages += items.len() as u64;
                items.into_iter().for_each(|item: &RawValue| value(item.get(), 1, true, see));
            }
            None => see(Found::Visible(raw)),
        },
        _ => {
            messages += 1;
            value(raw, 0, true, see);
        }
    }
    messages
}

/// A string, a list of texts, or an object with texts in its members. A picture's address is no text.
fn value(raw: &str, depth: usize, visible: bool, see: &mut impl FnMut(Found<'_>)) {
    let text = |text: &str, see: &mut dyn FnMut(Found<'_>)| {
        // A closure cannot name the lifetime that the variants share.
        if visible { see(Found::Visible(text)) } else { see(Found::Billed(text)) }
    };
    match raw.as_bytes().first() {
        Some(b'"') => match borrowed(raw) {
            Some(borrowed) => text(borrowed, see),
            None => text(string(raw).as_deref().unwrap_or(raw), see),
        },
        Some(b'[' | b'{') if depth >= DEPTH_MAX => text(raw, see),
        Some(b'[') => match list(raw) {
            Some(items) => items.into_iter().for_each(|item: &RawValue| value(item.get(), depth + 1, visible, see)),
            None => text(raw, see),
        },
        Some(b'{') => match object(raw) {
            Some(object) => {
                for (name, member) in object.members() {
                    if VISIBLE.contains(&name) {
                        value(member.get(), depth + 1, visible, see);
                    } else if BILLED.contains(&name) {
                        value(member.get(), depth + 1, false, see);
                    } else {
                        medium(name, member.get(), see);
                    }
                }
            }
            None => text(raw, see),
        },
        Some(b'0'..=b'9') => see(Found::Number),
        _ => {}
    }
}

/// What is no text: pictures, sounds, files. Those named only by an id stand by their type.
fn medium(name: &str, raw: &str, see: &mut impl FnMut(Found<'_>)) {
    match name {
        "image_url" => see(Found::Picture { rough: is_rough(raw) }),
        "input_audio" => see(Found::Sound { bytes: raw.len() }),
        "file" | "file_data" | "file_url" => see(Found::File),
        _ => {}
    }
}

/// Whether a picture, which may be megabytes long, says that it is looked at roughly.
fn is_rough(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    let begin = bytes.get(..DETAIL_BYTES.min(bytes.len())).unwrap_or_default();
    let end = bytes.get(bytes.len().saturating_sub(DETAIL_BYTES)..).unwrap_or_default();
    [begin, end].iter().any(|part| memchr::memmem::find(part, b"\"low\"").is_some())
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

    fn tally(endpoint: Endpoint, body: &str) -> Tally {
        Request::parse(endpoint, body.as_bytes()).unwrap().measure().1
    }

    #[test]
    fn both_walks_see_the_same_text() {
        let body = r#"{"model":"m","messages":[{"role":"user","name":"n","content":[{"type":"text","text":"ab"},"cd"]},
            {"role":"assistant","content":"ef","tool_calls":[{"id":"i","function":{"name":"f","arguments":"{}"}}]}]}"#;
        let request = Request::parse(Endpoint::Chat, body.as_bytes()).unwrap();
        let mut characters = Characters::default();
        request.for_each_text(|text| characters.add(text));
        assert_eq!((request.measure().0, characters.total()), (characters, 6));
    }

    #[test]
    fn everything_that_is_billed_counts() {
        let plain = r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#;
        let tokens = |body: &str| tally(Endpoint::Chat, body).text.most();
        let usual = tokens(plain);
        assert_eq!(usual, 1 + 4 + 3);
        let word = "seven words of text make up this ".repeat(10);
        for more in [
            format!(r#""tools":[{{"type":"function","function":{{"name":"f","description":"{word}"}}}}]"#),
            format!(r#""functions":[{{"name":"f","description":"{word}"}}]"#),
            format!(
                r#""response_format":{{"type":"json_schema","json_schema":{{"schema":{{"description":"{word}"}}}}}}"#
            ),
        ] {
            assert!(tokens(&plain.replacen('{', &format!("{{{more},"), 1)) >= usual + 65, "{more}");
        }
        assert_eq!(tokens(&plain.replacen('{', r#"{"response_format":{"type":"json_object"},"#, 1)), usual);
        for more in [
            format!(r#""tool_calls":[{{"id":"x","type":"function","function":{{"name":"f","arguments":"{word}"}}}}]"#),
            format!(r#""function_call":{{"name":"f","arguments":"{word}"}}"#),
            format!(r#""tool_calls":[{{"id":"x","type":"custom","custom":{{"name":"f","input":"{word}"}}}}]"#),
            format!(r#""reasoning_content":"{word}""#),
            format!(r#""refusal":"{word}""#),
            format!(r#""name":"{word}""#),
        ] {
            assert!(tokens(&plain.replace(r#""role""#, &format!(r#"{more},"role""#))) >= usual + 65, "{more}");
        }
        let instructed = format!(r#"{{"model":"m","instructions":"{word}","input":"a"}}"#);
        assert!(tally(Endpoint::Responses, &instructed).text.most() >= 70 + 8);
        let called = format!(r#"{{"model":"m","input":[{{"type":"function_call","name":"f","arguments":"{word}"}}]}}"#);
        assert!(tally(Endpoint::Responses, &called).text.most() >= 70);
        // Other vendors escape what others write out.
        let escaped = tokens(&plain.replacen('{', r#"{"tools":[{"description":"\u4f60\u597d\u4f60\u597d"}],"#, 1));
        assert_eq!(escaped, tokens(&plain.replacen('{', r#"{"tools":[{"description":"你好你好"}],"#, 1)));
    }

    #[test]
    fn numbers_are_tokens_and_media_are_flat() {
        assert_eq!(tally(Endpoint::Embeddings, r#"{"model":"m","input":[[1,2,3],[4]]}"#).text.most(), 4);
        assert_eq!(tally(Endpoint::Completions, r#"{"model":"m","prompt":[1,2,3]}"#).text.most(), 3);
        let data = "A".repeat(100_000);
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":[
            {{"type":"image_url","image_url":{{"url":"data:{data}"}}}},
            {{"type":"image_url","image_url":{{"url":"data:{data}","detail":"low"}}}},
            {{"type":"image_url","image_url":{{"detail":"low","url":"data:{data}"}}}},
            {{"type":"input_audio","input_audio":{{"data":"{data}","format":"mp3"}}}},
            {{"type":"file","file":{{"file_data":"{data}","filename":"f.pdf"}}}}]}}]}}"#
        );
        let found = tally(Endpoint::Chat, &body);
        assert_eq!((found.pictures, found.pictures_rough), (3, 2));
        assert_eq!(found.text.most(), 4 + 3 + 51 + 1500);
        let responses = r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"data:x","detail":"low"}]}]}"#;
        assert_eq!(tally(Endpoint::Responses, responses).pictures, 1);
    }

    #[test]
    fn thinking_is_read_in_every_vendors_words() {
        let chat = |more: &str| tally(Endpoint::Chat, &format!(r#"{{"model":"m","messages":[]{more}}}"#)).effort;
        assert_eq!(chat(""), Effort::Unsaid);
        assert_eq!(chat(r#","reasoning_effort":"high""#), Effort::On);
        assert_eq!(chat(r#","reasoning_effort":"none""#), Effort::Off);
        let response = r#"{"model":"m","input":"x","reasoning":{"effort":"low"}}"#;
        assert_eq!(tally(Endpoint::Responses, response).effort, Effort::On);
    }
}
