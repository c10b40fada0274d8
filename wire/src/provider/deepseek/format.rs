//! The answer's format. Chat knows JSON objects but no schemas, and wants to read the word JSON in the prompt.

use super::super::Unfit;
use super::super::draft::Draft;
use super::super::steps;
use serde::Deserialize;
use serde_json::value::RawValue;

const OBJECT: &str = "Answer with a single json object and nothing else.";
const SCHEMA: &str =
    "Answer with a single json object and nothing else. It has to be valid against this JSON schema:\n";

/// Whether a format is of this type.
pub(super) fn is(format: &RawValue, kind: &str) -> bool {
    steps::kind(format) == kind
}

/// Without the word in the prompt the API refuses the format.
#[expect(clippy::unnecessary_wraps, reason = "is a step")]
pub(super) fn json_object(draft: &mut Draft<'_>, _format: &RawValue) -> Result<(), Unfit> {
    let says_so = draft.given("messages").is_some_and(|messages| {
        let text = messages.get().as_bytes();
        memchr::memmem::find(text, b"json").is_some()
            || text.windows(4).any(|window| window.eq_ignore_ascii_case(b"json"))
    });
    if !says_so {
        draft.instructions.push(OBJECT.to_owned());
    }
    Ok(())
}

/// The schema becomes an instruction.
pub(super) fn instruct(draft: &mut Draft<'_>, format: &RawValue) -> Result<(), Unfit> {
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
    let format: Format<'_> =
        serde_json::from_str(format.get()).map_err(|_| Unfit { feature: "json_schema without a schema" })?;
    draft.set("response_format", r#"{"type":"json_object"}"#.to_owned());
    draft.instructions.push(format!("{SCHEMA}{}", format.json_schema.schema.get()));
    Ok(())
}
