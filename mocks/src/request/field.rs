//! Reading single fields from JSON, with faults that name the field.

use serde_json::Value;

/// A field that cannot be read.
#[derive(Debug, PartialEq)]
pub(crate) struct FieldFault {
    /// Path of the field, such as `messages[0].role`.
    pub(crate) field: String,
    /// What was expected there.
    pub(crate) expected: &'static str,
    /// Whether it is missing rather than of the wrong type.
    pub(crate) missing: bool,
}

impl FieldFault {
    pub(crate) fn wrong(field: impl Into<String>, expected: &'static str) -> Self {
        Self { field: field.into(), expected, missing: false }
    }

    pub(crate) fn missing(field: impl Into<String>, expected: &'static str) -> Self {
        Self { field: field.into(), expected, missing: true }
    }
}

/// A member that is there and not null.
pub(crate) fn present<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

pub(crate) fn text(value: &Value, field: &str) -> Result<String, FieldFault> {
    value.as_str().map(str::to_owned).ok_or_else(|| FieldFault::wrong(field, "a string"))
}

/// A text that must be there.
pub(crate) fn required_text(body: &Value, name: &str) -> Result<String, FieldFault> {
    match present(body, name) {
        None => Err(FieldFault::missing(name, "a string")),
        Some(value) => text(value, name),
    }
}

pub(crate) fn flag(body: &Value, name: &str) -> Result<Option<bool>, FieldFault> {
    present(body, name).map(|value| value.as_bool().ok_or_else(|| FieldFault::wrong(name, "a boolean"))).transpose()
}

pub(crate) fn count(body: &Value, name: &str) -> Result<Option<u64>, FieldFault> {
    present(body, name)
        .map(|value| value.as_u64().ok_or_else(|| FieldFault::wrong(name, "an integer that is not negative")))
        .transpose()
}

pub(crate) fn number(body: &Value, name: &str) -> Result<Option<f64>, FieldFault> {
    present(body, name).map(|value| value.as_f64().ok_or_else(|| FieldFault::wrong(name, "a number"))).transpose()
}

/// The body itself, which must be an object.
pub(crate) fn object(body: &Value) -> Result<&Value, FieldFault> {
    if body.is_object() { Ok(body) } else { Err(FieldFault::wrong("the body", "an object")) }
}
