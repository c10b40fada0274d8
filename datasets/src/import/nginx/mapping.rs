//! The mapping file: which column of the log is what. See [`EXAMPLE`].

use super::super::ImportError;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use toml::{Table, Value};

/// A whole mapping, for nginx with `escape=json`.
pub(super) const EXAMPLE: &str = r#"[columns]                       # names in the log; a dot leads into an object
body = "request_body"           # the only one that is needed
time = "msec"
path = "request"                # a path or a whole request line; without it, all are chats
method = "request_method"
status = "status"
duration = "request_time"
ttft = "time_to_first_token"
consumer = "remote_user"
session = "http_x_session_id"
id = "request_id"
answer = "response_body"

[settings]                      # these are the defaults
time_is = "end"                 # or "start": what the time of a line means
duration_unit = "s"             # or "ms", "us", "ns"
ttft_unit = "s"
lists = "sum"                   # or "last": durations such as "0.1, 0.2"
consumer_is = "secret"          # or "name": a secret is kept as a digest
provider = "unknown"            # who answered
"#;

/// Longest mapping, in bytes.
const BYTES_MAX: u64 = 1024 * 1024;
/// Names at least as near as this are offered.
const NEAR: f64 = 0.75;

/// What a column can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Time,
    Body,
    Status,
    Duration,
    Ttft,
    Consumer,
    Session,
    Path,
    Method,
    Id,
    Answer,
}

const COLUMNS: [(&str, Column); 11] = [
    ("time", Column::Time),
    ("body", Column::Body),
    ("status", Column::Status),
    ("duration", Column::Duration),
    ("ttft", Column::Ttft),
    ("consumer", Column::Consumer),
    ("session", Column::Session),
    ("path", Column::Path),
    ("method", Column::Method),
    ("id", Column::Id),
    ("answer", Column::Answer),
];

const UNITS: [(&str, f64); 4] = [("s", 1e6), ("ms", 1e3), ("us", 1.0), ("ns", 1e-3)];

/// What becomes of a list of durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lists {
    Sum,
    Last,
}

/// A mapping that was checked.
#[derive(Debug)]
pub(super) struct Mapping {
    columns: BTreeMap<Column, String>,
    time_is_end: bool,
    duration_unit_us: f64,
    ttft_unit_us: f64,
    lists: Lists,
    consumer_is_name: bool,
    provider: String,
}

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// It cannot be read, is no TOML, or has a key or a value that is not known.
    pub(super) fn open(path: &Path) -> Result<Self, ImportError> {
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(|source| ImportError::file(path, source))?;
        file.take(BYTES_MAX).read_to_string(&mut text).map_err(|source| ImportError::file(path, source))?;
        Self::parse(&text).map_err(|message| ImportError::Format { path: path.to_owned(), message })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: Table = text.parse().map_err(|error: toml::de::Error| format!("no TOML: {}", error.message()))?;
        only(&file, "the mapping", &["columns", "settings"])?;
        let columns = table(&file, "columns")?;
        only(&columns, "[columns]", &COLUMNS.map(|(name, _)| name))?;
        let mut named = BTreeMap::new();
        for (key, column) in COLUMNS {
            if let Some(name) = text_of(&columns, "columns", key)? {
                named.insert(column, name.to_owned());
            }
        }
        if !named.contains_key(&Column::Body) {
            return Err(format!("[columns] lacks `body`: name the column with the request's body\n{EXAMPLE}"));
        }
        let settings = table(&file, "settings")?;
        let known = ["time_is", "duration_unit", "ttft_unit", "lists", "consumer_is", "provider"];
        only(&settings, "[settings]", &known)?;
        Ok(Self {
            columns: named,
            time_is_end: choice(&settings, "time_is", &[("end", true), ("start", false)])?,
            duration_unit_us: choice(&settings, "duration_unit", &UNITS)?,
            ttft_unit_us: choice(&settings, "ttft_unit", &UNITS)?,
            lists: choice(&settings, "lists", &[("sum", Lists::Sum), ("last", Lists::Last)])?,
            consumer_is_name: choice(&settings, "consumer_is", &[("secret", false), ("name", true)])?,
            provider: text_of(&settings, "settings", "provider")?.unwrap_or("unknown").to_owned(),
        })
    }

    /// The name of a column in the log.
    pub(super) fn name(&self, column: Column) -> Option<&str> {
        self.columns.get(&column).map(String::as_str)
    }

    /// As [`Mapping::name`], for messages.
    pub(super) fn shown(&self, column: Column) -> &str {
        self.name(column).unwrap_or("?")
    }

    pub(super) const fn time_is_end(&self) -> bool {
        self.time_is_end
    }

    pub(super) const fn unit_us(&self, column: Column) -> f64 {
        match column {
            Column::Ttft => self.ttft_unit_us,
            _ => self.duration_unit_us,
        }
    }

    pub(super) const fn lists(&self) -> Lists {
        self.lists
    }

    pub(super) const fn consumer_is_name(&self) -> bool {
        self.consumer_is_name
    }

    pub(super) fn provider(&self) -> &str {
        &self.provider
    }
}

/// Refuses keys that are not known, and offers the nearest that is.
fn only(found: &Table, place: &str, known: &[&str]) -> Result<(), String> {
    let Some(key) = found.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    let near = known.iter().map(|name| (strsim::jaro_winkler(key, name), *name)).filter(|(near, _)| *near >= NEAR);
    let near = near.max_by(|(one, _), (two, _)| one.total_cmp(two));
    let offer = near.map(|(_, name)| format!("; is `{name}` meant?")).unwrap_or_default();
    Err(format!("{place} has the key `{key}`, expected one of {}{offer}", known.join(", ")))
}

fn table(file: &Table, name: &str) -> Result<Table, String> {
    match file.get(name) {
        None => Ok(Table::new()),
        Some(Value::Table(table)) => Ok(table.clone()),
        Some(_) => Err(format!("`{name}` is a value, expected a table [{name}]")),
    }
}

fn text_of<'a>(table: &'a Table, place: &str, key: &str) -> Result<Option<&'a str>, String> {
    match table.get(key) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(format!("`{key}` in [{place}] is empty or no text, expected a name in quotes")),
    }
}

/// A word out of a list; the first is the default.
fn choice<T: Copy>(settings: &Table, key: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let expected = || {
        format!(
            "`{key}` in [settings] is another word, expected one of {}",
            choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
        )
    };
    let default = choices.first().map(|(name, _)| *name).unwrap_or_default();
    let found = text_of(settings, "settings", key)?.unwrap_or(default);
    choices.iter().find(|(name, _)| *name == found).map(|(_, value)| *value).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_mapping_and_its_settings_are_the_defaults() {
        let example = Mapping::parse(EXAMPLE).unwrap();
        let (columns, _) = EXAMPLE.split_once("[settings]").unwrap();
        assert_eq!(format!("{example:?}"), format!("{:?}", Mapping::parse(columns).unwrap()));
        assert!(COLUMNS.iter().all(|(_, column)| example.name(*column).is_some()), "the example shows every column");
    }

    #[test]
    fn mistakes_are_told_with_the_nearest_name() {
        for (text, words) in [
            ("[columns]\nboddy = \"b\"", "key `boddy`, expected one of time, body"),
            ("[columns]\nboddy = \"b\"", "is `body` meant?"),
            ("[column]\nbody = \"b\"", "is `columns` meant?"),
            ("[columns]\nbody = \"b\"\n[settings]\nlist = \"sum\"", "is `lists` meant?"),
            ("[columns]\nbody = \"b\"\n[settings]\nlists = \"mean\"", "expected one of sum, last"),
            ("[columns]\nbody = \"b\"\n[settings]\nduration_unit = 5", "no text"),
            ("[columns]\nbody = \"\"", "empty or no text"),
            ("columns = 1", "expected a table"),
            ("[columns]\ntime = \"t\"", "lacks `body`"),
            ("[columns", "no TOML"),
            ("", "lacks `body`"),
        ] {
            let error = Mapping::parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        let far = Mapping::parse("[columns]\nzzz = \"b\"").unwrap_err();
        assert!(!far.contains("meant"), "{far}");
    }
}
