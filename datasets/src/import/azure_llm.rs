//! Azure LLM inference traces, 2023 and 2024: when, how many tokens in, how many out. No text, no model, no one who
//! asked, and whether a request failed is not told either; so there is no recorded answer, only a limit of its length.
//!
//! Columns `TIMESTAMP`, `ContextTokens`, `GeneratedTokens`, by name (the trace of 2025 has more). Instants are civil
//! times in ticks of 100 ns without an offset (2023) or with one (2024); UTC is meant where none stands, and less than a
//! microsecond is cut off. The original files have CR and LF.

use super::detect::Head;
use super::entry::{Content, Entry, Lengths, Reader};
use super::format::Field;
use super::in_turn::InTurn;
use super::input::Input;
use super::number::tokens;
use super::row::count_of;
use super::table::Table;
use super::{ImportError, ImportOptions, instant};

/// What the format can fill.
pub(super) const FILLS: &[Field] = &[Field::Time, Field::PromptLength];

const COLUMNS: [&str; 3] = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"];

/// Whether a file begins like one of this format.
pub(super) fn is_it(head: &Head) -> bool {
    let columns = head.columns();
    COLUMNS.iter().all(|needed| columns.iter().any(|column| column.eq_ignore_ascii_case(needed)))
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, _options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    InTurn::open(inputs, |input| Ok(AzureLlm { table: Table::open(input, &COLUMNS)? }))
}

struct AzureLlm {
    table: Table,
}

impl Reader for AzureLlm {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        let Some(row) = self.table.next_row()? else { return Ok(None) };
        let place = row.place();
        let [time, context, generated] = COLUMNS;
        let at_us = instant::of_text(row.needed(time)?).ok_or_else(|| {
            place.wrong(format!("`{time}` is no instant, expected one like `2023-11-16 18:15:46.6805900`"))
        })?;
        let prompt_tokens = tokens(&place, context, row.text(context)?.and_then(count_of))?;
        let completion_tokens = Some(tokens(&place, generated, row.text(generated)?.and_then(count_of))?);
        let content = Content::Lengths(Lengths { prompt_tokens, completion_tokens, ..Lengths::default() });
        Ok(Some(Entry { at_us: Some(at_us), ..Entry::new(place, content) }))
    }
}

#[cfg(test)]
mod tests;
