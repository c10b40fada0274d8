//! Prompts for traces that have none: of the right length, and with equal beginnings where the trace says so.

use super::ImportOptions;
use super::entry::Lengths;
use super::finish::raw;
use serde_json::json;
use serde_json::value::RawValue;

/// The body of a chat request of these sizes. The same id, seed and sizes give the same text.
///
/// # Errors
/// It does not serialise, which would be a bug.
pub(super) fn body(lengths: &Lengths, id: &str, options: &ImportOptions) -> Result<Box<RawValue>, serde_json::Error> {
    let model = lengths.model.as_deref().unwrap_or(&options.model);
    let text = format!("{id} {}", "word ".repeat(usize::try_from(lengths.prompt_tokens).unwrap_or(0)));
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": text}]});
    if let Some(members) = body.as_object_mut() {
        if let Some(most) = lengths.completion_tokens {
            members.insert("max_tokens".to_owned(), most.into());
        }
        if options.stream {
            members.insert("stream".to_owned(), true.into());
            members.insert("stream_options".to_owned(), json!({"include_usage": true}));
        }
    }
    raw(body.to_string())
}
