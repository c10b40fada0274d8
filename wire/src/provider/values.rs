//! Conditions on single values, and what to say of them, that several matrices share.

use super::draft::Scene;
use super::steps;
use super::toolbox::TOOLS_MAX;
use serde_json::value::RawValue;

/// Most alternatives to each token.
const ALTERNATIVES_MAX: u64 = 20;

/// Whether a value is no number, or one outside of what is taken.
pub(super) fn is_outside(value: &RawValue, least: f64, most: f64) -> bool {
    !real(value).is_some_and(|number| (least..=most).contains(&number))
}

fn real(value: &RawValue) -> Option<f64> {
    // Texts that Rust takes for numbers, such as `inf`, are no JSON.
    value.get().parse().ok()
}

/// Whether a value is a number other than this one.
pub(super) fn differs(value: &RawValue, from: f64) -> bool {
    real(value).is_some_and(|number| (number - from).abs() > f64::EPSILON)
}

/// Whether a limit of tokens is no whole number of at least 1.
pub(super) fn is_no_limit(value: &RawValue) -> bool {
    steps::number(value).is_none_or(|limit| limit == 0)
}

/// Whether a value is neither true nor false.
pub(super) fn is_no_flag(value: &RawValue) -> bool {
    !matches!(value.get(), "true" | "false")
}

/// Whether stop sequences are neither a text nor a list of texts.
pub(super) fn are_no_texts(value: &RawValue) -> bool {
    !value.get().starts_with('"') && serde_json::from_str::<Vec<String>>(value.get()).is_err()
}

/// Whether one of the stop sequences is empty.
pub(super) fn has_empty_text(value: &RawValue) -> bool {
    let texts: Vec<String> = serde_json::from_str(value.get()).unwrap_or_default();
    value.get() == "\"\"" || texts.iter().any(String::is_empty)
}

/// Whether more alternatives are asked for than are given.
pub(super) fn wants_too_many_alternatives(scene: &Scene<'_>, value: &RawValue) -> bool {
    let counts = scene.given("logprobs").is_some_and(|flag| flag.get() == "true");
    steps::number(value).is_none_or(|top| counts && top > ALTERNATIVES_MAX)
}

/// The number itself; nothing of a value that is none.
pub(super) fn number_detail(_scene: &Scene<'_>, value: &RawValue) -> Option<String> {
    real(value).map(|_| value.get().to_owned())
}

/// How many entries there are.
pub(super) fn count_detail(_scene: &Scene<'_>, value: &RawValue) -> Option<String> {
    Some(steps::list_length(value).to_string())
}

/// How many tools there are.
pub(super) fn tools_detail(_scene: &Scene<'_>, value: &RawValue) -> Option<String> {
    Some(format!("{} of {TOOLS_MAX}", steps::list_length(value)))
}

/// The place of a message, or of a tool.
pub(super) fn place(name: &str, index: Option<usize>) -> Option<String> {
    index.map(|index| format!("{name}[{index}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn numbers_are_told_from_what_only_looks_like_them() {
        for (text, outside) in [
            ("0", false),
            ("2.0", false),
            ("2e0", false),
            ("-0.1", true),
            ("2.0001", true),
            ("1e999", true),
            ("\"1\"", true),
            ("true", true),
            ("[1]", true),
        ] {
            assert_eq!(is_outside(&raw(text), 0.0, 2.0), outside, "{text}");
        }
        for (text, bad) in
            [("1", false), ("18446744073709551615", false), ("0", true), ("1.0", true), ("-1", true), ("\"5\"", true)]
        {
            assert_eq!(is_no_limit(&raw(text)), bad, "{text}");
        }
    }

    #[test]
    fn stops_are_texts() {
        for (text, none, empty) in [
            ("\"a\"", false, false),
            ("[\"a\",\"b\"]", false, false),
            ("[]", false, false),
            ("\"\"", false, true),
            ("[\"a\",\"\"]", false, true),
            ("7", true, false),
            ("[7]", true, false),
        ] {
            assert_eq!((are_no_texts(&raw(text)), has_empty_text(&raw(text))), (none, empty), "{text}");
        }
    }
}
