//! Which format a file has, told from its beginning.

use super::input::Input;
use super::{ImportError, ImportOptions, LogFormat};
use serde_json::Value;
use std::path::PathBuf;

/// The order in which formats are tried: those that cannot be mistaken first, and last those that share their columns
/// with others.
const ORDER: [LogFormat; 16] = [
    LogFormat::Own,
    LogFormat::GoReplay,
    LogFormat::Har,
    LogFormat::Otlp,
    LogFormat::OpenAiBatch,
    LogFormat::Higress,
    LogFormat::LiteLlm,
    LogFormat::Helicone,
    LogFormat::Langfuse,
    LogFormat::ShareGpt,
    LogFormat::Mooncake,
    LogFormat::BurstGpt,
    LogFormat::AzureLlm,
    LogFormat::ServeGen,
    LogFormat::GuideLlm,
    LogFormat::Vllm,
];

/// Depth to which a value that is longer than the head is looked at.
const CLOSED_DEPTH_MAX: usize = 32;

/// The beginning of a file.
#[derive(Debug)]
pub(crate) struct Head {
    text: String,
    first: Option<Value>,
    wrapped: Option<&'static str>,
}

/// Members in which answers of an API have their rows.
const WRAPPERS: [&str; 4] = ["data", "observations", "logs", "rows"];

impl Head {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let mut first = first_value(text.trim_start_matches('\u{feff}'));
        let mut wrapped = None;
        for name in WRAPPERS {
            let rows = first.as_mut().and_then(|first| first.get_mut(name)?.as_array_mut());
            if let Some(row) = rows.and_then(|rows| rows.first_mut()).filter(|row| row.is_object()) {
                first = Some(row.take());
                wrapped = Some(name);
                break;
            }
        }
        Self { text, first, wrapped }
    }

    /// The member of the outermost object in whose list the rows are, if they are in one. [`Head::first`] is then the
    /// first of that list.
    pub(crate) const fn wrapped(&self) -> Option<&'static str> {
        self.wrapped
    }

    /// The first quarter of a MiB, what is no UTF-8 replaced.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The first line.
    pub(crate) fn line(&self) -> &str {
        self.text.lines().next().unwrap_or_default().trim_start_matches('\u{feff}')
    }

    /// The first JSON value: of the first line, of the file, or the first element of its list. `None` where it is no
    /// JSON. Of a value that is longer than the head, the members that are in it.
    pub(crate) const fn first(&self) -> Option<&Value> {
        self.first.as_ref()
    }

    /// A member of the first value.
    pub(crate) fn member(&self, name: &str) -> Option<&Value> {
        self.first.as_ref()?.get(name)
    }

    /// Whether the first value has all these members.
    pub(crate) fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.member(name).is_some())
    }

    /// The names in the first line, taken as the heading of a table.
    pub(crate) fn columns(&self) -> Vec<&str> {
        self.line().split(',').map(|name| name.trim().trim_matches('"')).collect()
    }
}

fn first_value(text: &str) -> Option<Value> {
    let text = text.trim_start();
    let text = text.strip_prefix('[').unwrap_or(text);
    match serde_json::Deserializer::from_str(text).into_iter::<Value>().next()? {
        Ok(value) => Some(value),
        Err(error) if error.is_eof() => serde_json::from_str(&closed(text)?).ok(),
        Err(_) => None,
    }
}

/// A text that was cut off somewhere in a JSON value, without what stands behind the last comma and with the brackets
/// closed that are open there: long prompts must not hide which members a row has.
fn closed(text: &str) -> Option<String> {
    let (mut open, mut quoted, mut escaped) = (Vec::new(), false, false);
    let mut best: Option<(usize, Vec<char>)> = None;
    for (place, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => {
                open.pop();
            }
            ',' if open.len() <= CLOSED_DEPTH_MAX => best = Some((place, open.clone())),
            _ => {}
        }
    }
    let (end, open) = best?;
    Some(text.get(..end)?.chars().chain(open.into_iter().rev()).collect())
}

/// Opens the files and tells their format.
///
/// # Errors
/// A file cannot be read, nobody knows its format, or the files differ in it.
pub(super) fn open(paths: &[PathBuf], options: &ImportOptions) -> Result<(LogFormat, Vec<Input>), ImportError> {
    let mut inputs = Vec::with_capacity(paths.len());
    for path in paths {
        inputs.push(Input::open(path)?);
    }
    let format = tell(&inputs, options)?;
    Ok((format, inputs))
}

/// The one format of all files.
///
/// # Errors
/// There is no file, nobody knows its format, or the files differ in it.
pub(super) fn tell(inputs: &[Input], options: &ImportOptions) -> Result<LogFormat, ImportError> {
    let mut format = options.format;
    for input in inputs.iter().filter(|_| options.format.is_none()) {
        let path = input.path().to_owned();
        let found = recognise(&Head::new(input.head()), options).ok_or_else(|| unknown(path.clone(), input))?;
        if let Some(other) = format.filter(|format| *format != found) {
            let message = format!("the file is of format {found}, the one before it of {other}; import them apart");
            return Err(ImportError::Format { path, message });
        }
        format = Some(found);
    }
    let nothing = || ImportError::Options("no log is named: name a file, or `-` for standard input".to_owned());
    format.filter(|_| !inputs.is_empty()).ok_or_else(nothing)
}

/// The format of a file that begins like this. Access logs have columns of the user's choice: what maps them says what
/// they are.
fn recognise(head: &Head, options: &ImportOptions) -> Option<LogFormat> {
    if options.mapping.is_some() {
        return Some(LogFormat::Nginx);
    }
    ORDER.into_iter().find(|format| format.is_it(head))
}

fn unknown(path: PathBuf, input: &Input) -> ImportError {
    let message = if input.head().is_empty() {
        "the file is empty, expected a log".to_owned()
    } else {
        format!(
            "the format cannot be told from the beginning of the file; name it with --format ({}), or give the columns of \
             an access log with --mapping",
            LogFormat::ALL.map(LogFormat::name).join(", ")
        )
    };
    ImportError::Format { path, message }
}
