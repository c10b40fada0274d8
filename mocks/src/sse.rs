//! Small pieces of JSON and server-sent events, written without building values.

/// The last event of a chat completion stream.
pub(crate) const DONE: &[u8] = b"data: [DONE]\n\n";

/// A comment that keeps a connection alive; clients ignore it.
pub(crate) const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// A frame whose JSON breaks off, as a proxy or a crash can produce.
pub(crate) const BROKEN: &[u8] =
    b"data: {\"id\":\"broken\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"del\n\n";

/// Writes one event.
pub(crate) fn event(out: &mut Vec<u8>, data: &str) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data.as_bytes());
    out.extend_from_slice(b"\n\n");
}

/// Writes a text as a JSON string with its quotes.
pub(crate) fn quoted(out: &mut Vec<u8>, text: &str) {
    // Writing a string into memory cannot fail; an empty one would still be valid JSON.
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.extend_from_slice(b"\"\"");
    }
}

/// A text as a JSON string with its quotes.
pub(crate) fn to_quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
