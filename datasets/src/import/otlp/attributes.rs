//! Attributes and events of a span, as plain JSON.

use crate::import::ImportError;
use crate::import::row::{self, Row};
use serde_json::{Map, Value};

/// Attributes by name.
#[derive(Debug, Default)]
pub(super) struct Attributes(Map<String, Value>);

/// Something that happened during a span.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) attributes: Attributes,
}

impl Attributes {
    /// The attributes of a span or a resource.
    ///
    /// # Errors
    /// They nest too deep.
    pub(super) fn of_row(row: &Row<'_>) -> Result<Self, ImportError> {
        Ok(row.value("attributes")?.map(Self::of_value).unwrap_or_default())
    }

    /// A list of keys with typed values, or, from exporters that do not write OTLP to the letter, an object.
    fn of_value(value: Value) -> Self {
        match value {
            Value::Object(members) => Self(members),
            Value::Array(list) => Self(list.into_iter().filter_map(pair).collect()),
            _ => Self::default(),
        }
    }

    /// The first of these that is there.
    pub(super) fn get(&self, names: &[&str]) -> Option<&Value> {
        names.iter().find_map(|name| self.0.get(*name)).filter(|value| !value.is_null())
    }

    /// As [`Attributes::get`], JSON that stands as text read.
    pub(super) fn unpacked(&self, names: &[&str]) -> Option<Value> {
        self.get(names).cloned().and_then(row::unpacked)
    }

    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        let text = match self.get(names)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    pub(super) fn count(&self, names: &[&str]) -> Option<u64> {
        self.get(names).and_then(row::count)
    }

    pub(super) fn number(&self, names: &[&str]) -> Option<f64> {
        match self.get(names)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(super) fn flag(&self, names: &[&str]) -> Option<bool> {
        match self.get(names)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
            _ => None,
        }
    }

    /// Objects from numbered attributes: `gen_ai.prompt.0.role` is `role` of the first. Deeper names keep their dots.
    pub(super) fn numbered(&self, prefix: &str) -> Vec<Map<String, Value>> {
        let mut found: std::collections::BTreeMap<u64, Map<String, Value>> = std::collections::BTreeMap::new();
        for (name, value) in &self.0 {
            let rest = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.'));
            let Some((number, member)) = rest.and_then(|rest| rest.split_once('.')) else { continue };
            if let Ok(number) = number.parse() {
                found.entry(number).or_default().insert(member.to_owned(), value.clone());
            }
        }
        found.into_values().collect()
    }
}

impl From<Map<String, Value>> for Attributes {
    fn from(members: Map<String, Value>) -> Self {
        Self(members)
    }
}

impl Event {
    /// The events of a span, in their order.
    ///
    /// # Errors
    /// They nest too deep.
    pub(super) fn of_row(row: &Row<'_>) -> Result<Vec<Self>, ImportError> {
        let Some(Value::Array(events)) = row.value("events")? else { return Ok(Vec::new()) };
        let event = |mut event: Value| {
            let attributes = event.get_mut("attributes").map(Value::take).map(Attributes::of_value);
            let name = event.get("name")?.as_str()?.to_owned();
            Some(Self { name, attributes: attributes.unwrap_or_default() })
        };
        Ok(events.into_iter().filter_map(event).collect())
    }
}

fn pair(mut attribute: Value) -> Option<(String, Value)> {
    let value = plain(attribute.get_mut("value")?.take());
    Some((attribute.get("key")?.as_str()?.to_owned(), value))
}

/// A typed value without its type. The parser's bound on depth bounds the recursion.
fn plain(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let Some((kind, value)) = members.into_iter().next() else { return Value::Null };
    match (kind.as_str(), value) {
        ("intValue" | "int_value", Value::String(text)) => text.parse::<i64>().map_or(Value::Null, Value::from),
        ("arrayValue" | "array_value", mut list) => match list.get_mut("values").map(Value::take) {
            Some(Value::Array(values)) => values.into_iter().map(plain).collect(),
            _ => Value::Array(Vec::new()),
        },
        ("kvlistValue" | "kvlist_value", mut list) => match list.get_mut("values").map(Value::take) {
            Some(Value::Array(values)) => Value::Object(values.into_iter().filter_map(pair).collect()),
            _ => Value::Object(Map::new()),
        },
        (_, value) => value,
    }
}
