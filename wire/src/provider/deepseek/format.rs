//! The answer's format. Chat knows JSON objects but no schemas, and wants to read the word JSON in the prompt.

use super::super::draft::{Draft, Scene};
use super::super::steps;
use serde::Deserialize;
use serde_json::value::RawValue;

const OBJECT: &str = "Answer with a single json object and nothing else.";
const SCHEMA: &str =
    "Answer with a single json object and nothing else. It has to be valid against this JSON schema:\n";

#[derive(Deserialize)]
struct Format<'a> {
    #[serde(borrow)]
    json_schema: Named<'a>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    schema: &'a RawValue,
}

/// Whether a format is of this type.
pub(super) fn is(format: &RawValue, kind: &str) -> bool {
    format.get().starts_with('{') && steps::kind(format) == kind
}

/// Whether a format is of none of the types that there are.
pub(in super::super) fn is_odd(format: &RawValue) -> bool {
    !["text", "json_object", "json_schema"].iter().any(|kind| is(format, kind))
}

/// Whether the format in the `text` of a response is none of the types that there are, or lacks its schema.
pub(super) fn of_response_is_odd(text: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Member<'a> {
        #[serde(borrow, default)]
        format: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Flat<'a> {
        #[serde(borrow)]
        schema: Option<&'a RawValue>,
    }
    let Ok(Member { format: Some(format) }) = serde_json::from_str::<Member<'_>>(text.get()) else { return false };
    let schema = || serde_json::from_str::<Flat<'_>>(format.get()).is_ok_and(|flat| flat.schema.is_some());
    is_odd(format) || (is(format, "json_schema") && !schema())
}

/// Whether a format names a schema and brings none.
pub(in super::super) fn has_no_schema(format: &RawValue) -> bool {
    is(format, "json_schema") && serde_json::from_str::<Format<'_>>(format.get()).is_err()
}

/// Whether the prompt says the word, without which the API refuses the format. Only texts count: the word may stand in
/// a picture's address, too.
pub(in super::super) fn says_json(scene: &Scene<'_>) -> bool {
    let raw = scene.given("messages").map_or("", RawValue::get);
    let mut says = false;
    if holds_json(raw) {
        scene.request.for_each_text(|text| says |= holds_json(text));
    }
    says
}

fn holds_json(text: &str) -> bool {
    let text = text.as_bytes();
    memchr::memmem::find(text, b"json").is_some() || text.windows(4).any(|word| word.eq_ignore_ascii_case(b"json"))
}

/// Says the word where the prompt does not.
pub(super) fn json_object(draft: &mut Draft<'_>, _format: &RawValue) {
    if !says_json(&draft.scene) {
        draft.instructions.push(OBJECT.to_owned());
    }
}

/// The schema becomes an instruction.
pub(super) fn instruct(draft: &mut Draft<'_>, format: &RawValue) {
    let Ok(format) = serde_json::from_str::<Format<'_>>(format.get()) else { return };
    draft.set("response_format", r#"{"type":"json_object"}"#.to_owned());
    draft.instructions.push(format!("{SCHEMA}{}", format.json_schema.schema.get()));
}
