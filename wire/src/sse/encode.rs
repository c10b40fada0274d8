//! Events to bytes.

/// The end mark of a chat stream, as data.
pub const DONE: &str = "[DONE]";

/// Appends one event. Data with line breaks, as a provider may send it, gets one `data:` line for each of its lines.
pub fn data(out: &mut Vec<u8>, data: &str) {
    out.reserve(data.len() + 8);
    if memchr::memchr2(b'\n', b'\r', data.as_bytes()).is_none() {
        line(out, data);
    } else {
        // A CRLF would otherwise leave an empty line, which is nothing between the parts of JSON.
        data.split(['\n', '\r']).for_each(|part| line(out, part));
    }
    out.push(b'\n');
}

fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sse::Decoder;

    #[test]
    fn what_is_encoded_is_decoded_as_one_event() {
        for text in ["", "{\"a\":1}", "{\n  \"a\": 1\n}", " leading", ": no comment"] {
            let mut out = Vec::new();
            data(&mut out, text);
            let mut decoder = Decoder::new();
            decoder.push(out.into());
            assert_eq!(decoder.next_frame().unwrap().data(), Some(text));
            assert_eq!(decoder.pending_bytes(), 0);
        }
    }
}
