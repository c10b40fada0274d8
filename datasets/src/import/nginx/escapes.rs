//! Escapes that nginx writes and JSON does not know.

/// Copies a line, with `\x22` and its like as JSON has them. Sound JSON stays as it is: there, an `x` never stands behind
/// a backslash that is not itself escaped.
pub(super) fn undone(line: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut rest = line;
    while let Some(place) = memchr::memchr(b'\\', rest) {
        let (before, behind) = rest.split_at(place);
        out.extend_from_slice(before);
        match behind {
            [_, b'x' | b'X', high, low, more @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                put(nibble(*high) * 16 + nibble(*low), out);
                rest = more;
            }
            [backslash, next, more @ ..] => {
                out.extend_from_slice(&[*backslash, *next]);
                rest = more;
            }
            short => {
                out.extend_from_slice(short);
                rest = &[];
            }
        }
    }
    out.extend_from_slice(rest);
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.saturating_sub(b'A') + 10,
    }
}

/// A byte inside a JSON text.
fn put(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        0..=0x1F => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        _ => out.push(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn undo(line: &str) -> String {
        let mut out = Vec::new();
        undone(line.as_bytes(), &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn escapes_become_what_they_stand_for() {
        assert_eq!(
            undo(r#"{"b":"{\x22a\x22:\x22\xE4\xBD\xA0\x5Cn\x0A\x22}"}"#),
            "{\"b\":\"{\\\"a\\\":\\\"你\\\\n\\u000a\\\"}\"}"
        );
        assert_eq!(undo(r#"{"b":"\\x22 \" \u0041"}"#), r#"{"b":"\\x22 \" \u0041"}"#);
        assert_eq!((undo(r"\x2"), undo(r"\"), undo(r"\xzz")), (r"\x2".to_owned(), r"\".to_owned(), r"\xzz".to_owned()));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn sound_json_stays_as_it_is(text in ".{0,60}") {
            let json = serde_json::json!({ "a": text, "b": format!("\\x22{text}") }).to_string();
            prop_assert_eq!(undo(&json), json);
        }

        #[test]
        fn what_nginx_escapes_comes_back(body in ".{0,40}") {
            let escaped: String = body
                .bytes()
                .map(|byte| if !(32..=126).contains(&byte) || byte == b'"' || byte == b'\\' { format!("\\x{byte:02X}") } else { char::from(byte).to_string() })
                .collect();
            let value: serde_json::Value = serde_json::from_str(&undo(&format!("{{\"b\":\"{escaped}\"}}"))).unwrap();
            prop_assert_eq!(value["b"].as_str().unwrap(), body);
        }
    }
}
