//! One row of a log, with members that may be anything.
//!
//! Real rows vary: members are missing, `null` or empty, numbers stand as text, and JSON stands as text inside JSON. All
//! of that is read here alike. What is of a wrong type is an error that names the member and says what was expected, and
//! never quotes what was found.

use super::entry::Place;
use super::finish::NAME_BYTES_MAX;
use super::{ImportError, ImportOptions, decimal, instant};
use serde_json::Value;
use serde_json::value::RawValue;
use wire::json::Object;

/// A row.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) place: Place,
    members: Object<'a>,
}

impl<'a> Row<'a> {
    /// Reads one object.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn parse(place: Place, bytes: &'a [u8]) -> Result<Self, ImportError> {
        match Object::parse(bytes) {
            Ok(members) => Ok(Self { place, members }),
            Err(error) => Err(place.wrong(format!("expected a JSON object, found {}", cause(&error)))),
        }
    }

    /// A member that is there, not `null` and not an empty text.
    pub(super) fn get(&self, name: &str) -> Option<&RawValue> {
        self.members.get(name).filter(|value| !matches!(value.get(), "null" | "\"\""))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The row as JSON text.
    pub(super) fn as_json(&self) -> Vec<u8> {
        self.members.to_bytes()
    }

    pub(super) fn wrong(&self, name: &str, expected: &str) -> ImportError {
        let found = self.members.get(name).map_or("nothing", kind);
        self.place.wrong(format!("`{name}` is {found}, expected {expected}"))
    }

    /// The first of these members that is there. Where none is, the last name: reading it finds nothing.
    pub(super) fn either<'n>(&self, names: &[&'n str]) -> &'n str {
        names.iter().find(|name| self.has(name)).or(names.last()).copied().unwrap_or_default()
    }

    /// A text, or the digits of a number.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ImportError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.get().bytes().next() {
            Some(b'"') => serde_json::from_str(value.get()).map(Some).map_err(|_| self.wrong(name, "a text")),
            Some(b'{' | b'[') => Err(self.wrong(name, "a text or a number")),
            _ => Ok(Some(value.get().to_owned())),
        }
    }

    /// As [`Row::text`], for a name that several requests share or that is remembered. One that is too long to be kept
    /// becomes its digest here already, so that it does not stand in memory many times.
    pub(super) fn name(&self, name: &str, options: &ImportOptions) -> Result<Option<String>, ImportError> {
        let text = self.text(name)?;
        Ok(text.map(|text| if text.len() > NAME_BYTES_MAX { options.pseudonym(&text) } else { text }))
    }

    /// A whole number that is not negative, perhaps as text, perhaps with a fraction of zero.
    pub(super) fn count(&self, name: &str) -> Result<Option<u64>, ImportError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        count_of(&text).map(Some).ok_or_else(|| self.wrong(name, "a whole number"))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, ImportError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "t" => Ok(Some(true)),
            "false" | "0" | "f" => Ok(Some(false)),
            "none" => Ok(None),
            _ => Err(self.wrong(name, "true or false")),
        }
    }

    /// An instant in microseconds since the epoch.
    pub(super) fn instant(&self, name: &str) -> Result<Option<i64>, ImportError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        instant::of_text(&text).map(Some).ok_or_else(|| self.wrong(name, "an instant"))
    }

    /// A duration in microseconds, which stands in units of that many microseconds. Negative ones count as unknown.
    pub(super) fn duration_us(&self, name: &str, unit_us: f64) -> Result<Option<u64>, ImportError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number: f64 = text.trim().parse().map_err(|_| self.wrong(name, "a number"))?;
        Ok(duration_of(number, unit_us))
    }

    /// Nano-dollars of a sum in dollars.
    pub(super) fn money(&self, name: &str) -> Result<Option<i64>, ImportError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        decimal::nanos(&text).map(Some).ok_or_else(|| self.wrong(name, "a sum in dollars"))
    }

    /// The JSON text of a list or an object, which may stand as text inside the row; `None` if there is none, or it is
    /// an empty one.
    pub(super) fn json(&self, name: &str) -> Result<Option<String>, ImportError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = match value.get().bytes().next() {
            Some(b'"') => serde_json::from_str::<String>(value.get()).map_err(|_| self.wrong(name, "JSON"))?,
            _ => value.get().to_owned(),
        };
        let text = text.trim();
        if is_nothing(text) {
            return Ok(None);
        }
        if text.starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            return Ok(Some(text.to_owned()));
        }
        Err(self.wrong(name, "a list or an object, or one as text"))
    }

    /// As it stands, text that is JSON included.
    pub(super) fn plain(&self, name: &str) -> Result<Option<Value>, ImportError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        serde_json::from_str(value.get())
            .map(Some)
            .map_err(|error| self.wrong(name, &format!("less: {}", cause(&error))))
    }

    /// As [`Row::json`], read; text that is no JSON is a text.
    pub(super) fn value(&self, name: &str) -> Result<Option<Value>, ImportError> {
        Ok(self.plain(name)?.and_then(unpacked))
    }
}

/// A value of which text that is a list or an object was read as that; `None` if it is empty.
pub(super) fn unpacked(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) if is_nothing(text.trim()) => None,
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => match serde_json::from_str(&text) {
            Ok(inner) => Some(inner),
            Err(_) => Some(Value::String(text)),
        },
        Value::Object(members) if members.is_empty() => None,
        Value::Array(list) if list.is_empty() => None,
        other => Some(other),
    }
}

/// What stands where nothing was kept.
fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "null" | "{}" | "[]" | "None" | "\\N")
}

/// A whole number, of a JSON value or a text.
pub(super) fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => count_of(&number.to_string()),
        Value::String(text) => count_of(text),
        _ => None,
    }
}

/// A whole number as digits, perhaps as a double without a fraction.
pub(super) fn count_of(text: &str) -> Option<u64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole and in range")]
        (number.fract() == 0.0 && (0.0..=EXACT_MAX).contains(&number)).then_some(number as u64)
    })
}

/// Microseconds of a duration in some unit; `None` if it is negative or beyond sense.
pub(super) fn duration_of(number: f64, unit_us: f64) -> Option<u64> {
    const YEAR_US: f64 = 3.2e13;
    let duration_us = (number * unit_us).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    (0.0..=YEAR_US).contains(&duration_us).then_some(duration_us as u64)
}

/// From one instant to a later one.
pub(super) fn between(from_us: Option<i64>, to_us: Option<i64>) -> Option<u64> {
    u64::try_from(to_us?.checked_sub(from_us?)?).ok()
}

fn kind(value: &RawValue) -> &'static str {
    match value.get().bytes().next() {
        Some(b'"') => "a text",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// What is wrong with a text that should be JSON, without quoting it: the parser's own words may hold a piece of it.
fn cause(error: &serde_json::Error) -> String {
    let words = match error.classify() {
        serde_json::error::Category::Eof => "a text that ends too early",
        serde_json::error::Category::Data => "something else",
        _ => "no valid JSON",
    };
    format!("{words} at column {}", error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Row<'_> {
        Row::parse(Place { path: "log".into(), line: 3 }, text.as_bytes()).unwrap()
    }

    #[test]
    fn members_are_read_however_they_are_written() {
        let row = row(r#"{"a":"12","b":12.0,"c":null,"d":"","e":"{\"x\":[1]}","f":{"x":[1]},"g":"{}","h":"hello",
            "i":"0.5","j":0.0000315,"k":"true","l":[],"m":-1}"#);
        assert_eq!((row.count("a").unwrap(), row.count("b").unwrap()), (Some(12), Some(12)));
        assert_eq!((row.count("c").unwrap(), row.count("d").unwrap(), row.count("z").unwrap()), (None, None, None));
        assert_eq!(row.json("e").unwrap().as_deref(), Some(r#"{"x":[1]}"#));
        assert_eq!(row.json("f").unwrap().as_deref(), Some(r#"{"x":[1]}"#));
        assert_eq!((row.json("g").unwrap(), row.json("l").unwrap()), (None, None));
        assert_eq!(row.value("h").unwrap(), Some(Value::from("hello")));
        assert_eq!(row.value("e").unwrap(), Some(serde_json::json!({"x": [1]})));
        assert_eq!(row.duration_us("i", 1e6).unwrap(), Some(500_000));
        assert_eq!(row.duration_us("m", 1e6).unwrap(), None);
        assert_eq!((row.money("j").unwrap(), row.flag("k").unwrap()), (Some(31_500), Some(true)));
    }

    #[test]
    fn what_is_wrong_is_named_and_not_quoted() {
        let row = row(r#"{"a":"sk-secret","b":["sk-secret"],"c":-3}"#);
        for (message, name) in [
            (row.count("a").unwrap_err(), "`a` is a text, expected a whole number"),
            (row.text("b").unwrap_err(), "`b` is a list, expected a text or a number"),
            (row.count("c").unwrap_err(), "`c` is a number"),
            (row.json("a").unwrap_err(), "`a` is a text"),
            (row.money("a").unwrap_err(), "dollars"),
            (row.instant("a").unwrap_err(), "an instant"),
            (row.flag("a").unwrap_err(), "true or false"),
        ] {
            let message = message.to_string();
            assert!(message.contains(name) && message.contains("log, line 3"), "{message}");
            assert!(!message.contains("secret"), "{message}");
        }
        for text in ["", "[1]", "{\"a\":sk-secret}", "{\"a\":1"] {
            let error = Row::parse(Place { path: "log".into(), line: 3 }, text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("expected a JSON object") && !error.contains("secret"), "{error}");
        }
    }
}
