//! Small changes to JSON text, without reading it into a tree and writing it back: what is not changed keeps its bytes.
//!
//! Each streamed chunk goes through here when a provider's answers need a touch, so a splice notes what to cut by
//! position and copies the rest once.

use serde_json::value::RawValue;

/// Changes to one text.
pub(super) struct Splice<'a> {
    text: &'a str,
    cuts: Vec<Cut<'a>>,
}

struct Cut<'a> {
    start: usize,
    end: usize,
    instead: &'a str,
}

impl<'a> Splice<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, cuts: Vec::new() }
    }

    /// Whether nothing is to be changed.
    pub(super) const fn is_empty(&self) -> bool {
        self.cuts.is_empty()
    }

    /// Where a value that was read from this very text stands; `None` if it was not.
    fn place(&self, value: &RawValue) -> Option<(usize, usize)> {
        let start = (value.get().as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let end = start + value.get().len();
        (end <= self.text.len()).then_some((start, end))
    }

    /// Puts JSON in a value's place.
    pub(super) fn replace(&mut self, value: &RawValue, instead: &'a str) {
        if let Some((start, end)) = self.place(value) {
            self.cuts.push(Cut { start, end, instead });
        }
    }

    /// Puts a text at the beginning of what a JSON string or object holds.
    pub(super) fn prefix(&mut self, value: &RawValue, prefix: &'a str) {
        if let Some((start, _)) = self.place(value) {
            self.cuts.push(Cut { start: start + 1, end: start + 1, instead: prefix });
        }
    }

    /// Takes a member out of its object. Of one object only one member may be taken out.
    pub(super) fn remove(&mut self, name: &str, value: &RawValue) {
        let Some((start, end)) = self.place(value) else { return };
        let Some(key) = key_start(self.text, name, start) else {
            // The name is spelled with escapes.
            self.cuts.push(Cut { start, end, instead: "null" });
            return;
        };
        let after = self.text.get(end..).unwrap_or_default();
        let following = after.trim_start();
        let (start, end) = if following.starts_with(',') {
            (key, end + (after.len() - following.len()) + 1)
        } else {
            let before = self.text.get(..key).unwrap_or_default().trim_end();
            (before.len() - usize::from(before.ends_with(',')), end)
        };
        self.cuts.push(Cut { start, end, instead: "" });
    }

    /// The changed text.
    pub(super) fn finish(mut self) -> String {
        self.cuts.sort_by_key(|cut| cut.start);
        let more: usize = self.cuts.iter().map(|cut| cut.instead.len()).sum();
        let mut out = String::with_capacity(self.text.len() + more);
        let mut from = 0;
        for cut in &self.cuts {
            out.push_str(self.text.get(from..cut.start).unwrap_or_default());
            out.push_str(cut.instead);
            from = cut.end;
        }
        out.push_str(self.text.get(from..).unwrap_or_default());
        out
    }
}

/// Where the key of the value at `value` starts.
fn key_start(text: &str, name: &str, value: usize) -> Option<usize> {
    let before = text.get(..value)?.trim_end().strip_suffix(':')?.trim_end();
    let before = before.strip_suffix('"')?.strip_suffix(name)?.strip_suffix('"')?;
    Some(before.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Members<'a> {
        #[serde(borrow)]
        a: &'a RawValue,
        #[serde(borrow)]
        b: &'a RawValue,
    }

    fn with(text: &str, change: impl for<'a> Fn(&mut Splice<'a>, &Members<'a>)) -> String {
        let members: Members<'_> = serde_json::from_str(text).unwrap();
        let mut splice = Splice::new(text);
        change(&mut splice, &members);
        splice.finish()
    }

    #[test]
    fn changes_touch_nothing_else() {
        let text = r#" {"a" : "x",  "b":1.50}"#;
        assert_eq!(with(text, |splice, members| splice.prefix(members.a, "y")), r#" {"a" : "yx",  "b":1.50}"#);
        assert_eq!(with(text, |splice, members| splice.replace(members.b, "2")), r#" {"a" : "x",  "b":2}"#);
        assert_eq!(
            with(text, |splice, members| {
                splice.replace(members.b, "2");
                splice.prefix(members.a, "y");
            }),
            r#" {"a" : "yx",  "b":2}"#
        );
        assert_eq!(with(text, |_, _| {}), text);
    }

    #[test]
    fn removal_takes_one_comma_along() {
        assert_eq!(with(r#"{"a":1,"b":2}"#, |splice, members| splice.remove("a", members.a)), r#"{"b":2}"#);
        assert_eq!(with(r#"{"a":1 , "b":2 }"#, |splice, members| splice.remove("b", members.b)), r#"{"a":1  }"#);
        assert_eq!(
            with(r#"{"a":1,"b" : 2,"c":3}"#, |splice, members| splice.remove("b", members.b)),
            r#"{"a":1,"c":3}"#
        );
        assert_eq!(
            with(r#"{"\u0061":1,"b":2}"#, |splice, members| splice.remove("a", members.a)),
            r#"{"\u0061":null,"b":2}"#
        );
    }

    #[test]
    fn a_value_from_elsewhere_changes_nothing() {
        let other: &RawValue = serde_json::from_str("[1]").unwrap();
        let mut splice = Splice::new("{}");
        splice.replace(other, "2");
        assert!(splice.is_empty());
    }
}
