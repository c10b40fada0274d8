//! vLLM's custom benchmark data: a prompt a line, with the number of tokens that are wanted as an answer.
//!
//! `{"prompt": "...", "output_tokens": 128}`. vLLM plays them as completions or as chats; here they become a chat with
//! one message of the user. A prompt that is a list of messages is taken as that. There are no times.

use super::calls;
use super::detect::Head;
use super::entry::{Content, Entry, Reader};
use super::format::Field;
use super::input::Input;
use super::made::Made;
use super::number::tokens;
use super::row::Row;
use super::rows::Rows;
use super::{ImportError, ImportOptions};

/// What the format can fill.
pub(super) const FILLS: &[Field] = &[Field::Prompt];

/// Whether a file begins like one of this format.
pub(super) fn is_it(head: &Head) -> bool {
    head.has(&["prompt"])
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    Ok(Box::new(Vllm { rows: Rows::new(inputs), options: options.clone() }))
}

struct Vllm {
    rows: Rows,
    options: ImportOptions,
}

impl Reader for Vllm {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        self.rows.next_row()?.map(|row| entry(&row, &self.options)).transpose()
    }
}

fn entry(row: &Row<'_>, options: &ImportOptions) -> Result<Entry, ImportError> {
    let messages = row.value("prompt")?.and_then(calls::messages);
    let messages = messages.ok_or_else(|| row.wrong("prompt", "a text that is not empty"))?;
    let output_tokens = row.count("output_tokens")?.map(|count| tokens(&row.place, "output_tokens", Some(count)));
    let made = Made { messages, output_tokens: output_tokens.transpose()?, ..Made::default() };
    Ok(Entry::new(row.place.clone(), Content::Body(made.body(&row.place, options)?)))
}

#[cfg(test)]
mod tests;
