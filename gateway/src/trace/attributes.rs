//! Attributes of a span, in the types of OTLP. Every text is bounded, because some of them come from providers and clients.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};

/// Longest text, in bytes; what is longer is cut.
const TEXT_BYTES_MAX: usize = 256;
/// Most texts of a list.
const LIST_MAX: usize = 32;

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn add(&mut self, key: &str, value: Value) {
        let value = Some(AnyValue { value: Some(value) });
        self.0.push(KeyValue { key: key.to_owned(), value, ..KeyValue::default() });
    }

    pub(super) fn text(&mut self, key: &str, text: &str) {
        self.add(key, Value::StringValue(short(text).to_owned()));
    }

    pub(super) fn maybe_text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// Nothing where there is none.
    pub(super) fn texts(&mut self, key: &str, texts: &[String]) {
        let texts = texts.iter().take(LIST_MAX).map(|text| Value::StringValue(short(text).to_owned()));
        let values: Vec<AnyValue> = texts.map(|text| AnyValue { value: Some(text) }).collect();
        if !values.is_empty() {
            self.add(key, Value::ArrayValue(ArrayValue { values }));
        }
    }

    pub(super) fn integer(&mut self, key: &str, number: i64) {
        self.add(key, Value::IntValue(number));
    }

    /// OTLP has signed numbers only; what is larger than they can be is the largest.
    pub(super) fn number(&mut self, key: &str, number: u64) {
        self.integer(key, i64::try_from(number).unwrap_or(i64::MAX));
    }

    pub(super) fn maybe_number(&mut self, key: &str, number: Option<u64>) {
        if let Some(number) = number {
            self.number(key, number);
        }
    }

    pub(super) fn real(&mut self, key: &str, number: f64) {
        self.add(key, Value::DoubleValue(number));
    }

    /// Seconds, as the conventions want them.
    pub(super) fn maybe_seconds(&mut self, key: &str, micros: Option<u64>) {
        if let Some(micros) = micros {
            self.real(key, micros as f64 / 1e6);
        }
    }

    pub(super) fn flag(&mut self, key: &str, is_set: bool) {
        self.add(key, Value::BoolValue(is_set));
    }

    pub(super) fn into_inner(self) -> Vec<KeyValue> {
        self.0
    }
}

/// As much of a text as an attribute may have, cut between two characters.
pub(super) fn short(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(short("gpt-4o"), "gpt-4o");
        let long = "é".repeat(200);
        assert_eq!(short(&long), "é".repeat(128));
        let odd = format!("a{long}");
        assert_eq!(short(&odd), format!("a{}", "é".repeat(127)));
    }
}
