//! Events to bytes.

/// The end mark of a chat stream, as data.
pub const DONE: &str = "[DONE]";

/// Appends one event with a single `data:` line. `data` must not contain line breaks: JSON written by us has none.
pub fn data(out: &mut Vec<u8>, data: &str) {
    out.reserve(data.len() + 8);
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data.as_bytes());
    out.extend_from_slice(b"\n\n");
}
