//! Numbers as logs write them: bare, in quotes, with a fraction of zeros, or not at all.

use super::ImportError;
use super::entry::Place;
use super::filler::TOKENS_MAX;
use serde_json::Value;

/// A whole number that is not negative: `472`, `472.0`, or either with blanks around it.
pub(super) fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let (number, fraction) = text.split_once('.')?;
    if fraction.bytes().all(|byte| byte == b'0') { number.parse().ok() } else { None }
}

/// As [`whole`], for a JSON value.
pub(super) fn whole_of(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| whole(&number.to_string())),
        Value::String(text) => whole(text),
        _ => None,
    }
}

/// A number of seconds (or of any unit) that is finite and not negative.
pub(super) fn decimal(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

/// As [`decimal`], for a JSON value.
pub(super) fn decimal_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64().filter(|number| number.is_finite() && *number >= 0.0),
        Value::String(text) => decimal(text),
        _ => None,
    }
}

/// A duration in units of so many microseconds, as whole microseconds. What is longer than three thousand years is
/// nonsense.
pub(super) fn micros(number: f64, unit_us: f64) -> Option<u64> {
    let micros = (number * unit_us).round();
    (0.0..1e17).contains(&micros).then_some(micros as u64)
}

/// A number of tokens of a prompt or an answer.
///
/// # Errors
/// It is no whole number, or larger than any model can take.
pub(super) fn tokens(place: &Place, member: &str, found: Option<u64>) -> Result<u64, ImportError> {
    let count = found.ok_or_else(|| {
        place.wrong(format!(
            "`{member}` is absent or no whole number, expected a number of tokens; mend or remove the row"
        ))
    })?;
    if count > TOKENS_MAX {
        let message = format!("`{member}` is {count} tokens, expected {TOKENS_MAX} at most; mend or remove the row");
        return Err(place.wrong(message));
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_read_in_every_dress_and_nothing_else_is() {
        for (text, number) in [("472", Some(472)), (" 3.0 ", Some(3)), ("3.", Some(3)), ("3.5", None), ("-1", None)] {
            assert_eq!((whole(text), whole_of(&json!(text))), (number, number), "{text}");
        }
        assert_eq!(whole_of(&json!(4.0)), Some(4));
        assert_eq!(whole_of(&json!(1e300)), None);
        assert_eq!(whole("99999999999999999999"), None);
        assert_eq!((decimal("0.25"), decimal("nan"), decimal("-1"), decimal("1e999")), (Some(0.25), None, None, None));
        assert_eq!((micros(0.25, 1e6), micros(1e300, 1e6)), (Some(250_000), None));
    }

    #[test]
    fn tokens_beyond_any_model_are_refused_by_name() {
        let place = Place { path: "t.csv".into(), line: 3 };
        assert_eq!(tokens(&place, "in", Some(5)).unwrap(), 5);
        for found in [None, Some(TOKENS_MAX + 1)] {
            let error = tokens(&place, "in", found).unwrap_err().to_string();
            assert!(error.starts_with("t.csv, line 3: `in` is "), "{error}");
        }
    }
}
