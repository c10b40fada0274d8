//! guidellm's data: prompts with their lengths and times, as JSON lines or as a table.
//!
//! Columns (guidellm 0.8.1): `prompt` or `text`, or `messages`; `prompt_tokens_count`, `output_tokens_count`,
//! `relative_timestamp` (seconds), `tools`. In a table, `messages` and `tools` are JSON as text. Rows with a length and
//! no text get a prompt of that length; that is also what guidellm's *minimal* trace is (`timestamp` in seconds,
//! `input_length`, `output_length`). The wanted length of the answer becomes `max_tokens`.

use super::calls;
use super::detect::Head;
use super::entry::{Content, Entry, Lengths, Reader};
use super::format::Field;
use super::input::Input;
use super::made::Made;
use super::number::{decimal, micros, tokens};
use super::row::Row;
use super::rows::Rows;
use super::{ImportError, ImportOptions};
use serde_json::Value;

/// What the format can fill.
pub(super) const FILLS: &[Field] = &[Field::Time, Field::Prompt, Field::PromptLength];

const TEXTS: [&str; 2] = ["prompt", "text"];
const INPUTS: [&str; 2] = ["prompt_tokens_count", "input_length"];
const OUTPUTS: [&str; 2] = ["output_tokens_count", "output_length"];
const TIMES: [&str; 2] = ["relative_timestamp", "timestamp"];

/// Whether a file begins like one of this format.
pub(super) fn is_it(head: &Head) -> bool {
    let columns = head.columns();
    let has = |name: &str| match head.first() {
        Some(_) => head.has(&[name]),
        None => columns.contains(&name),
    };
    let counted = has("prompt_tokens_count") || has("output_tokens_count") || has("relative_timestamp");
    let table = head.first().is_none() && has("prompt");
    counted || table || has("text") || has("messages") || (has("timestamp") && has("input_length"))
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    Ok(Box::new(GuideLlm { rows: Rows::new(inputs), options: options.clone() }))
}

struct GuideLlm {
    rows: Rows,
    options: ImportOptions,
}

impl Reader for GuideLlm {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        self.rows.next_row()?.map(|row| entry(&row, &self.options)).transpose()
    }
}

fn entry(row: &Row<'_>, options: &ImportOptions) -> Result<Entry, ImportError> {
    let one_of = |names: [&'static str; 2]| names.into_iter().find(|name| row.has(name));
    let count = |name: &'static str| tokens(&row.place, name, row.count(name)?);
    let at_us = one_of(TIMES).map(|name| seconds(row, name)).transpose()?;
    let output_tokens = one_of(OUTPUTS).map(count).transpose()?;
    let messages = match row.value("messages")? {
        Some(messages) => Some(calls::messages(messages).ok_or_else(|| row.wrong("messages", "a list of messages"))?),
        None => match one_of(TEXTS) {
            Some(name) => row.text(name)?.and_then(|text| calls::messages(Value::String(text))),
            None => None,
        },
    };
    let content = match messages {
        Some(messages) => {
            let made = Made { messages, tools: row.value("tools")?, output_tokens, model: None };
            Content::Body(made.body(&row.place, options)?)
        }
        None => {
            let name = one_of(INPUTS)
                .ok_or_else(|| row.place.wrong("the row has neither `prompt`, `text`, `messages` nor a length"))?;
            let prompt_tokens = count(name)?;
            Content::Lengths(Lengths { prompt_tokens, completion_tokens: output_tokens, ..Lengths::default() })
        }
    };
    Ok(Entry { at_us, ..Entry::new(row.place.clone(), content) })
}

fn seconds(row: &Row<'_>, name: &str) -> Result<i64, ImportError> {
    let found = row.text(name)?.and_then(|text| decimal(&text)).and_then(|seconds| micros(seconds, 1e6));
    found.and_then(|micros| i64::try_from(micros).ok()).ok_or_else(|| row.wrong(name, "seconds"))
}

#[cfg(test)]
mod tests;
