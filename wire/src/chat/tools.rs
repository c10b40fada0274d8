//! Tool calls of an answer, put together from their pieces, in a form in which equal calls are equal texts.
//!
//! Two models that call the same function write its arguments with other blanks and another order of keys, and a
//! stream cuts them anywhere. What is compared is therefore a canonical text, close to RFC 8785: no blanks, keys sorted
//! by their bytes, integers as integers. The collector is bounded; what goes beyond it has no canonical text at all,
//! because a part of a call is another call.

use super::fold::TOOL_CALLS_MAX;
use crate::json::write_string;
use serde_json::Value;

/// Bytes of names, ids and arguments of one answer's tool calls that are kept.
pub const TOOL_BYTES_MAX: usize = 256 * 1024;

/// The tool calls of an answer's first choice, in the order in which they began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolCalls {
    calls: Vec<Call>,
    bytes: usize,
    overflowed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    place: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    /// The arguments are any text, not JSON.
    free: bool,
}

/// A piece of a call, as one stream event or one entry of a list has it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Piece<'a> {
    /// Index of the call, if the provider numbers them.
    pub(super) place: Option<u64>,
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) arguments: &'a str,
    pub(super) free: bool,
}

impl ToolCalls {
    /// No calls.
    #[must_use]
    pub const fn new() -> Self {
        Self { calls: Vec::new(), bytes: 0, overflowed: false }
    }

    /// The calls as one JSON text, `[["name",arguments],...]`: keys sorted, no blanks, calls in their order. Arguments
    /// that are blank count as `{}`; those that are no JSON stand as a string. `None` if there is no call, or if the
    /// calls were longer than what is kept.
    #[must_use]
    pub fn canonical(&self) -> Option<String> {
        if self.overflowed || self.calls.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(self.bytes + 2);
        out.push(b'[');
        for (index, call) in self.calls.iter().enumerate() {
            out.extend_from_slice(if index > 0 { b",[" } else { b"[" });
            write_string(&mut out, &call.name);
            out.push(b',');
            match call.json() {
                Some(arguments) => write_canonical(&mut out, &arguments),
                None => write_string(&mut out, &call.arguments),
            }
            out.push(b']');
        }
        out.push(b']');
        String::from_utf8(out).ok()
    }

    /// Whether a function was called with arguments that are no JSON. What was too long to keep is not known to be.
    #[must_use]
    pub fn are_broken(&self) -> bool {
        !self.overflowed && self.calls.iter().any(|call| !call.free && call.json().is_none())
    }

    /// Takes a piece. It belongs to the call with its index; without an index, a new id or a name begins a call, and
    /// what has neither goes on with the last one.
    pub(super) fn see(&mut self, piece: Piece<'_>) {
        if self.overflowed {
            return;
        }
        let others = |call: &Call| !piece.id.is_empty() && !call.id.is_empty() && call.id != piece.id;
        let found = match piece.place {
            Some(_) => self.calls.iter_mut().rev().find(|call| call.place == piece.place),
            None => self.calls.last_mut().filter(|call| {
                let again = !piece.id.is_empty() && call.id == piece.id;
                again || (piece.id.is_empty() && piece.name.is_empty())
            }),
        };
        let known = found.filter(|call| !others(call));
        self.bytes += piece.name.len() + piece.arguments.len();
        if let Some(call) = known {
            call.name.push_str(piece.name);
            call.arguments.push_str(piece.arguments);
        } else {
            self.bytes += piece.id.len();
            let Piece { place, id, name, arguments, free } = piece;
            let [id, name, arguments] = [id, name, arguments].map(str::to_owned);
            self.calls.push(Call { place, id, name, arguments, free });
        }
        if self.bytes > TOOL_BYTES_MAX || self.calls.len() > TOOL_CALLS_MAX {
            self.give_up();
        }
    }

    /// Keeps nothing from now on: what is not known as a whole has no canonical text.
    pub(super) fn give_up(&mut self) {
        *self = Self { overflowed: true, ..Self::new() };
    }
}

impl Call {
    fn json(&self) -> Option<Value> {
        if self.free {
            return None;
        }
        let text = if self.arguments.trim().is_empty() { "{}" } else { &self.arguments };
        serde_json::from_str(text).ok()
    }
}

/// The value without blanks, keys sorted by their bytes. The parser's own bound on depth bounds the recursion.
fn write_canonical(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| key.as_bytes());
            out.push(b'{');
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(out, key);
                out.push(b':');
                write_canonical(out, value);
            }
            out.push(b'}');
        }
        Value::Array(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_canonical(out, value);
            }
            out.push(b']');
        }
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_string(out, text),
        Value::Null | Value::Bool(_) => out.extend_from_slice(value.to_string().as_bytes()),
    }
}

/// `1.0` and `1e0` are `1`; other fractions are the shortest decimal of their double.
fn write_number(out: &mut Vec<u8>, number: &serde_json::Number) {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let text = match number.as_f64().filter(|value| number.is_f64() && value.fract() == 0.0) {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53 fits")]
        Some(whole) if whole.abs() < EXACT_MAX => (whole as i64).to_string(),
        _ => number.to_string(),
    };
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &[&str]) -> ToolCalls {
        let mut calls = ToolCalls::new();
        for (place, arguments) in (0..).zip(arguments) {
            calls.see(Piece { place: Some(place), name: "f", arguments, ..Piece::default() });
        }
        calls
    }

    #[test]
    fn the_same_call_in_other_words_is_the_same_text() {
        let one = of(&[r#"{"b": [1, 2.0, 1e2], "a": {"y": null, "x": "\u00e9"}}"#]).canonical().unwrap();
        assert_eq!(one, r#"[["f",{"a":{"x":"é","y":null},"b":[1,2,100]}]]"#);
        assert_eq!(of(&[r#"{"a":{"x":"é","y":null},"b":[1,2,100.0]}"#]).canonical().unwrap(), one);
        assert_ne!(of(&[r#"{"a":{"x":"é","y":null},"b":[2,1,100]}"#]).canonical().unwrap(), one, "order of lists");
        assert_eq!(
            of(&["1.25", "18446744073709551615"]).canonical().unwrap(),
            r#"[["f",1.25],["f",18446744073709551615]]"#
        );
        assert_ne!(of(&["1", "2"]).canonical(), of(&["2", "1"]).canonical(), "order of calls");
        assert_eq!(of(&[" "]).canonical(), of(&["{}"]).canonical());
    }

    #[test]
    fn broken_arguments_are_compared_as_they_are() {
        let broken = of(&["{\"a\":", "{}"]);
        assert_eq!(
            (broken.canonical().unwrap().as_str(), broken.are_broken()),
            (r#"[["f","{\"a\":"],["f",{}]]"#, true)
        );
        assert!(!of(&[""]).are_broken());
        let mut free = ToolCalls::new();
        free.see(Piece { name: "grep", arguments: "a b", free: true, ..Piece::default() });
        assert_eq!((free.canonical().unwrap().as_str(), free.are_broken()), (r#"[["grep","a b"]]"#, false));
    }

    #[test]
    fn a_provider_that_numbers_all_calls_zero_is_told_by_its_ids() {
        let mut calls = ToolCalls::new();
        for (id, arguments) in [("a", "{"), ("", "}"), ("b", ""), ("b", "[]")] {
            calls.see(Piece { place: Some(0), id, name: if id.is_empty() { "" } else { "f" }, arguments, free: false });
        }
        assert_eq!(calls.canonical().unwrap(), r#"[["f",{}],["ff",[]]]"#);
    }

    #[test]
    fn beyond_the_bound_nothing_is_kept_and_nothing_claimed() {
        let long = format!("\"{}\"", "x".repeat(TOOL_BYTES_MAX));
        let calls = of(&["{oops", &long]);
        assert_eq!((calls.canonical(), calls.are_broken(), calls.calls.len()), (None, false, 0));
        assert_eq!(of(&vec!["{}"; TOOL_CALLS_MAX + 1]).canonical(), None);
        assert!(of(&vec!["{}"; TOOL_CALLS_MAX]).canonical().is_some());
        assert_eq!(ToolCalls::new().canonical(), None);
    }
}
