//! A text laid over the default profile: keys and kinds checked, lines remembered.

use super::{DEFAULT_TOML, Profile, ProfileError};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

/// An element of each list of tables, complete: what a list of one's own leaves out is as here.
const ELEMENTS: &str = r#"
epochs = [{ weight_percent = 0, hours = 24 }]
drift = [{ arm = "candidate", from_hour = 0, hours = 24, daily = false, error = 0.0, latency_ratio = 1.0 }]
"#;

/// Keys that take one of a few words.
const WORDS: [(&str, &[&str]); 4] = [
    ("assign_by", &["conversation", "consumer"]),
    ("long_drop_as", &["lost", "queue_full"]),
    ("block_as", &["filter", "error"]),
    ("arm", &["baseline", "candidate", "both"]),
];

/// Keys that count things; all other numbers may have fractions.
const WHOLE: [&str; 1] = ["count"];

/// On which line each key of the reader's own text stands.
#[derive(Debug, Default)]
pub(super) struct Lines(BTreeMap<String, usize>);

impl Lines {
    /// A problem with its line, as far as the text names the key or the table around it.
    pub(super) fn tell(&self, key: &str, message: &str) -> String {
        let mut place = key;
        loop {
            if let Some(line) = self.0.get(place) {
                return format!("line {line}: `{key}` {message}");
            }
            match place.rsplit_once(['.', '[']) {
                Some((around, _)) => place = around,
                None => return format!("`{key}` {message}"),
            }
        }
    }
}

/// What is found on the way.
struct Reading<'a> {
    text: &'a str,
    lines: Lines,
    problems: Vec<String>,
}

/// Reads `text` over the default profile.
pub(super) fn over_default(text: &str) -> Result<(Profile, Lines), ProfileError> {
    let own = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        one(format!("line {line}: not valid TOML: {}", error.message()))
    })?;
    let built_in = |text: &str| text.parse::<Table>().map_err(|error| one(format!("the default profile: {error}")));
    let (mut merged, elements) = (built_in(DEFAULT_TOML)?, built_in(ELEMENTS)?);
    let mut reading = Reading { text, lines: Lines::default(), problems: Vec::new() };
    reading.lay(own.get_ref(), &mut merged, &elements, "");
    if !reading.problems.is_empty() {
        return Err(ProfileError { problems: reading.problems });
    }
    let profile = Profile::deserialize(merged).map_err(|error| one(error.to_string()))?;
    Ok((profile, reading.lines))
}

fn one(problem: String) -> ProfileError {
    ProfileError { problems: vec![problem] }
}

impl Reading<'_> {
    fn lay(&mut self, own: &DeTable<'_>, merged: &mut Table, elements: &Table, prefix: &str) {
        for (name, value) in own {
            let key =
                if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
            let line = line_of(self.text, name.span().start);
            self.lines.0.insert(key.clone(), line);
            let name = &**name.get_ref();
            if let Some(Value::Array(sample)) = elements.get(name).filter(|_| prefix.is_empty()) {
                let list = self.list(value.get_ref(), sample, &key, line);
                merged.insert(name.to_owned(), Value::Array(list));
                continue;
            }
            match (merged.get_mut(name), value.get_ref()) {
                (Some(Value::Table(inner)), DeValue::Table(own)) => self.lay(own, inner, &Table::new(), &key),
                (Some(known), own) => match converted(name, known, own) {
                    Some(value) => *known = self.word(name, &key, line, value),
                    None => self.wrong_kind(line, &key, kind(name, known), own),
                },
                (None, _) => {
                    let known = merged.keys().map(String::as_str).chain(elements.keys().map(String::as_str));
                    let nearest = known.min_by_key(|known| strsim::levenshtein(name, known)).unwrap_or_default();
                    let nearest = if prefix.is_empty() { nearest.to_owned() } else { format!("{prefix}.{nearest}") };
                    self.problems
                        .push(format!("line {line}: unknown key `{key}`; the nearest known key is `{nearest}`"));
                }
            }
        }
    }

    /// A list of tables, each laid over the sample.
    fn list(&mut self, own: &DeValue<'_>, sample: &[Value], key: &str, line: usize) -> Vec<Value> {
        let mut list = Vec::new();
        let DeValue::Array(items) = own else {
            self.wrong_kind(line, key, "a list of tables", own);
            return list;
        };
        for (number, item) in items.iter().enumerate() {
            let key = format!("{key}[{number}]");
            self.lines.0.insert(key.clone(), line_of(self.text, item.span().start));
            match (sample.first(), item.get_ref()) {
                (Some(Value::Table(sample)), DeValue::Table(own)) => {
                    let mut element = sample.clone();
                    self.lay(own, &mut element, &Table::new(), &key);
                    list.push(Value::Table(element));
                }
                (_, other) => self.wrong_kind(line, &key, "a table", other),
            }
        }
        list
    }

    /// A value that has to be one of a few words.
    fn word(&mut self, name: &str, key: &str, line: usize, value: Value) -> Value {
        let words = WORDS.iter().find(|(of, _)| *of == name);
        if let (Some((_, words)), Some(word)) = (words, value.as_str())
            && !words.contains(&word)
        {
            let expected = words.join("`, `");
            self.problems.push(format!("line {line}: `{key}` is `{word}`; expected one of `{expected}`"));
        }
        value
    }

    fn wrong_kind(&mut self, line: usize, key: &str, expected: &str, found: &DeValue<'_>) {
        let found = match found {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "another kind of number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date without quotation marks",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.problems.push(format!("line {line}: `{key}` must be {expected}, found {found}"));
    }
}

/// The value as the kind that the default has; a whole number may stand for any number.
fn converted(name: &str, known: &Value, own: &DeValue<'_>) -> Option<Value> {
    let integer = |own: &DeValue<'_>| match own {
        DeValue::Integer(value) => i64::from_str_radix(value.as_str(), value.radix()).ok(),
        _ => None,
    };
    let float = |own: &DeValue<'_>| match own {
        DeValue::Float(value) => value.as_str().parse::<f64>().ok(),
        _ => integer(own).map(|value| value as f64),
    };
    match known {
        Value::String(_) => match own {
            DeValue::String(text) => Some(Value::String(text.to_string())),
            _ => None,
        },
        Value::Boolean(_) => match own {
            DeValue::Boolean(flag) => Some(Value::Boolean(*flag)),
            _ => None,
        },
        Value::Integer(_) if WHOLE.contains(&name) => integer(own).filter(|value| *value >= 0).map(Value::Integer),
        Value::Integer(_) => integer(own).map(Value::Integer).or_else(|| float(own).map(Value::Float)),
        Value::Float(_) => float(own).map(Value::Float),
        Value::Array(_) | Value::Table(_) | Value::Datetime(_) => None,
    }
}

fn kind(name: &str, value: &Value) -> &'static str {
    match value {
        Value::Integer(_) if WHOLE.contains(&name) => "a whole number",
        Value::String(_) => "a text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
