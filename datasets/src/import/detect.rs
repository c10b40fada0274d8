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

/// The beginning of a file.
#[derive(Debug)]
pub(crate) struct Head {
    text: String,
    first: Option<Value>,
}

impl Head {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let first = first_value(text.trim_start_matches('\u{feff}'));
        Self { text, first }
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
    /// JSON, or is longer than the head.
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
    serde_json::Deserializer::from_str(text).into_iter::<Value>().next()?.ok()
}

/// Opens the files and tells their format.
///
/// # Errors
/// A file cannot be read, nobody knows its format, or the files differ in it.
pub(super) fn open(paths: &[PathBuf], options: &ImportOptions) -> Result<(LogFormat, Vec<Input>), ImportError> {
    let mut inputs = Vec::with_capacity(paths.len());
    let mut format = options.format;
    for path in paths {
        let input = Input::open(path)?;
        if options.format.is_none() {
            let found = recognise(&Head::new(input.head()), options).ok_or_else(|| unknown(path.clone(), &input))?;
            if let Some(other) = format.filter(|format| *format != found) {
                let message = format!("the file is of format {found}, the one before it of {other}; import them apart");
                return Err(ImportError::Format { path: path.clone(), message });
            }
            format = Some(found);
        }
        inputs.push(input);
    }
    match format {
        Some(format) => Ok((format, inputs)),
        None => Err(ImportError::Options("no log is named: name a file, or `-` for standard input".to_owned())),
    }
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
