//! A policy text over the default text: flat keys with lines, and typed access to them.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::PolicyError;

/// Keys that may be named although the defaults leave them out; `*` stands for any one name.
const OPTIONAL: [&str; 6] = [
    "guardrails.errors.reference_error_percent",
    "capacity.requests_per_minute",
    "capacity.tokens_per_minute",
    "capacity.concurrency",
    "labels.*.enabled",
    "labels.*.margin_points",
];

/// A value with the line it stands on.
#[derive(Debug, Clone)]
struct Entry {
    value: Value,
    line: usize,
}

#[derive(Debug, Clone)]
enum Value {
    Flag(bool),
    Number(f64),
    Text(String),
    Numbers(Vec<f64>),
    Texts(Vec<String>),
    /// `[]`, which is a list of anything.
    EmptyList,
    EmptyTable,
    Other(&'static str),
}

impl Value {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Flag(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Numbers(_) => "a list of numbers",
            Self::Texts(_) => "a list of strings",
            Self::EmptyList => "an empty list",
            Self::EmptyTable => "an empty table",
            Self::Other(kind) => kind,
        }
    }
}

/// All keys of a policy, the reader's own over the defaults.
#[derive(Debug)]
pub(super) struct Layers {
    entries: BTreeMap<String, Entry>,
}

impl Layers {
    /// Reads both texts; keys of `text` must be known from `defaults` or be optional ones.
    pub(super) fn read(defaults: &str, text: &str) -> Result<Self, PolicyError> {
        let mut known = flatten(defaults)?;
        let own = flatten(text)?;
        for (key, entry) in &own {
            let empty_table_of_known_keys = || known.keys().any(|have| have.starts_with(&format!("{key}.")));
            let empty_label = || is_optional(&format!("{key}.enabled"));
            let harmless = matches!(entry.value, Value::EmptyTable) && (empty_table_of_known_keys() || empty_label());
            if !known.contains_key(key) && !is_optional(key) && !harmless {
                return Err(PolicyError::UnknownKey {
                    line: entry.line,
                    key: key.clone(),
                    nearest: nearest(key, known.keys().map(String::as_str).chain(OPTIONAL)),
                });
            }
        }
        known.extend(own);
        Ok(Self { entries: known })
    }

    /// A number in `smallest..=largest`.
    pub(super) fn number(&self, key: &str, smallest: f64, largest: f64) -> Result<f64, PolicyError> {
        let entry = self.entry(key)?;
        let Value::Number(value) = entry.value else { return Err(wrong_kind(key, entry, "a number")) };
        if value.is_finite() && (smallest..=largest).contains(&value) {
            Ok(value)
        } else {
            let expected = format!("a number from {smallest} to {largest}");
            Err(PolicyError::OutOfRange { line: entry.line, key: key.to_owned(), found: value.to_string(), expected })
        }
    }

    /// A number in `smallest..limit`.
    pub(super) fn number_below(&self, key: &str, smallest: f64, limit: f64) -> Result<f64, PolicyError> {
        let value = self.number(key, smallest, limit)?;
        if value < limit {
            return Ok(value);
        }
        let (line, found) = (self.entry(key)?.line, value.to_string());
        let expected = format!("a number from {smallest} to below {limit}");
        Err(PolicyError::OutOfRange { line, key: key.to_owned(), found, expected })
    }

    /// The same for a key that may be absent.
    pub(super) fn number_if_named(&self, key: &str, low: f64, high: f64) -> Result<Option<f64>, PolicyError> {
        if self.entries.contains_key(key) { self.number(key, low, high).map(Some) } else { Ok(None) }
    }

    /// A whole number of at least `smallest`.
    pub(super) fn count(&self, key: &str, smallest: u64) -> Result<u64, PolicyError> {
        let entry = self.entry(key)?;
        let Value::Number(value) = entry.value else { return Err(wrong_kind(key, entry, "a whole number")) };
        let whole = value.fract().abs() < f64::EPSILON;
        if whole && value >= smallest as f64 && value <= 1e15 {
            Ok(value as u64)
        } else {
            let expected = format!("a whole number of {smallest} or more");
            Err(PolicyError::OutOfRange { line: entry.line, key: key.to_owned(), found: value.to_string(), expected })
        }
    }

    /// True or false.
    pub(super) fn flag(&self, key: &str) -> Result<bool, PolicyError> {
        let entry = self.entry(key)?;
        match entry.value {
            Value::Flag(value) => Ok(value),
            _ => Err(wrong_kind(key, entry, "true or false")),
        }
    }

    /// The same for a key that may be absent.
    pub(super) fn flag_if_named(&self, key: &str) -> Result<Option<bool>, PolicyError> {
        if self.entries.contains_key(key) { self.flag(key).map(Some) } else { Ok(None) }
    }

    /// One of some words, each with what it stands for.
    pub(super) fn one_of<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<T, PolicyError> {
        let entry = self.entry(key)?;
        let Value::Text(text) = &entry.value else { return Err(wrong_kind(key, entry, "a string")) };
        let names: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        words.iter().find(|(word, _)| word == text).map(|(_, value)| *value).ok_or_else(|| PolicyError::OutOfRange {
            line: entry.line,
            key: key.to_owned(),
            found: format!("\"{text}\""),
            expected: format!("one of {}", names.join(", ")),
        })
    }

    /// A list of strings, each of which must be allowed; `expected` says which are.
    pub(super) fn texts(
        &self,
        key: &str,
        expected: &str,
        allowed: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, PolicyError> {
        let entry = self.entry(key)?;
        let texts = match &entry.value {
            Value::EmptyList => return Ok(Vec::new()),
            Value::Texts(texts) => texts,
            _ => return Err(wrong_kind(key, entry, "a list of strings")),
        };
        match texts.iter().find(|text| !allowed(text)) {
            None => Ok(texts.clone()),
            Some(text) => Err(PolicyError::OutOfRange {
                line: entry.line,
                key: key.to_owned(),
                found: format!("\"{text}\""),
                expected: expected.to_owned(),
            }),
        }
    }

    /// Ascending percentages above 0 and up to 100, in the steps in which a weight can be set.
    pub(super) fn ladder(&self, key: &str) -> Result<Vec<f64>, PolicyError> {
        let entry = self.entry(key)?;
        let rungs: &[f64] = match &entry.value {
            Value::Numbers(rungs) => rungs,
            // A ladder without a rung is out of range, not of the wrong kind.
            Value::EmptyList => &[],
            _ => return Err(wrong_kind(key, entry, "a list of numbers")),
        };
        let in_range = rungs.iter().all(|rung| *rung > 0.0 && *rung <= 100.0);
        let ascending = rungs.windows(2).all(|pair| pair[0] < pair[1]);
        let settable = rungs.iter().all(|rung| (rung * 100.0 - (rung * 100.0).round()).abs() < 1e-6);
        if in_range && ascending && settable && !rungs.is_empty() {
            Ok(rungs.to_vec())
        } else {
            Err(PolicyError::OutOfRange {
                line: entry.line,
                key: key.to_owned(),
                found: format!("{rungs:?}"),
                expected: "ascending percentages, each above 0 and at most 100, in steps of 0.01".to_owned(),
            })
        }
    }

    /// Names of the tables directly below `table`, the defaults' own `default` left out.
    pub(super) fn names_below(&self, table: &str) -> Vec<String> {
        let prefix = format!("{table}.");
        let mut names: Vec<String> = self
            .entries
            .iter()
            .filter_map(|(key, entry)| {
                let below = key.strip_prefix(&prefix)?;
                match below.rsplit_once('.') {
                    Some((name, _)) => Some(name.to_owned()),
                    None => matches!(entry.value, Value::EmptyTable).then(|| below.to_owned()),
                }
            })
            .filter(|name| name != "default")
            .collect();
        names.dedup();
        names
    }

    fn entry(&self, key: &str) -> Result<&Entry, PolicyError> {
        self.entries.get(key).ok_or_else(|| PolicyError::Missing { key: key.to_owned() })
    }
}

fn wrong_kind(key: &str, entry: &Entry, expected: &'static str) -> PolicyError {
    PolicyError::WrongKind { line: entry.line, key: key.to_owned(), expected, found: entry.value.kind() }
}

/// Reads a TOML text into `table.table.key` with lines.
fn flatten(text: &str) -> Result<BTreeMap<String, Entry>, PolicyError> {
    let table = DeTable::parse(text).map_err(|error| PolicyError::Syntax {
        line: error.span().map_or(1, |span| line_of(text, span.start)),
        message: error.message().to_owned(),
    })?;
    let mut entries = BTreeMap::new();
    collect(text, "", table.get_ref(), &mut entries);
    Ok(entries)
}

fn collect(text: &str, prefix: &str, table: &DeTable<'_>, entries: &mut BTreeMap<String, Entry>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        let line = line_of(text, name.span().start);
        match value.get_ref() {
            // An empty table that nobody knows must be an error as well, so it is kept as an entry.
            DeValue::Table(inner) if inner.is_empty() => {
                entries.insert(key, Entry { value: Value::EmptyTable, line });
            }
            DeValue::Table(inner) => collect(text, &key, inner, entries),
            other => {
                entries.insert(key, Entry { value: read_value(other), line });
            }
        }
    }
}

fn read_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Integer(_) | DeValue::Float(_) => {
            number(value).map_or(Value::Other("a number that cannot be read"), Value::Number)
        }
        DeValue::Array(items) if items.is_empty() => Value::EmptyList,
        DeValue::Array(items) => {
            let items = || items.iter().map(Spanned::get_ref);
            items().map(number).collect::<Option<Vec<f64>>>().map(Value::Numbers).unwrap_or_else(|| {
                let texts: Option<Vec<String>> = items().map(text).collect();
                texts.map_or(Value::Other("a list of different things"), Value::Texts)
            })
        }
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Table(_) => Value::Other("a table"),
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|n| n as f64),
        DeValue::Float(float) => float.as_str().parse().ok(),
        _ => None,
    }
}

fn text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        _ => None,
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Whether a key may be named although the defaults leave it out.
///
/// A label may not have the name of a fixed guardrail: its row could not be told from the guardrail's own.
fn is_optional(key: &str) -> bool {
    let label = key.strip_prefix("labels.").and_then(|rest| rest.split('.').next());
    let taken = label.is_some_and(crate::metric::is_fixed_name);
    !taken
        && OPTIONAL.iter().any(|pattern| {
            let (parts, known): (Vec<_>, Vec<_>) = (key.split('.').collect(), pattern.split('.').collect());
            parts.len() == known.len() && parts.iter().zip(&known).all(|(part, want)| *want == "*" || part == want)
        })
}

/// The known key with the smallest edit distance; ties go to the first in order.
fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> String {
    known.min_by_key(|candidate| strsim::levenshtein(key, candidate)).unwrap_or_default().to_owned()
}
