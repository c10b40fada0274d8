//! BurstGPT traces: sizes, times and models of a university's calls of ChatGPT and GPT-4 through Azure, no text.
//!
//! Columns by name: `Timestamp` (seconds), `Model`, `Request tokens`, `Response tokens`, `Total tokens`, `Log Type`; the
//! newer files have `Session ID` and `Elapsed time` (seconds to the last token) in the middle. Either may be empty.
//!
//! A call without response tokens failed; as a rule all three counts are 0. The trace does not say why: it becomes an
//! answer with status 0 and the error `server`, and its request, whose size nobody knows, the shortest prompt there is.
//!
//! The models are names of products, not of models. What is asked for and what answered is taken as below; other names
//! stay as they are.
//!
//! | trace | model |
//! | --- | --- |
//! | `ChatGPT` | `gpt-3.5-turbo` |
//! | `GPT-4` | `gpt-4` |

use super::detect::Head;
use super::entry::{Content, Entry, Identity, Lengths, Reader};
use super::format::Field;
use super::in_turn::InTurn;
use super::input::Input;
use super::number::{decimal, micros, tokens};
use super::row::count_of;
use super::table::{Row, Table};
use super::{ImportError, ImportOptions};
use crate::Recorded;
use wire::{ErrorKind, Usage, UsageSource};

/// What the format can fill.
pub(super) const FILLS: &[Field] =
    &[Field::Time, Field::Session, Field::PromptLength, Field::Answered, Field::Duration, Field::Usage, Field::Error];

const TIME: &str = "Timestamp";
const MODEL: &str = "Model";
const REQUEST: &str = "Request tokens";
const RESPONSE: &str = "Response tokens";
const SESSION: &str = "Session ID";
const ELAPSED: &str = "Elapsed time";
const COLUMNS: [&str; 4] = [TIME, MODEL, REQUEST, RESPONSE];
/// Who answered.
const PROVIDER: &str = "azure";

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
    InTurn::open(inputs, |input| Ok(BurstGpt { table: Table::open(input, &COLUMNS)? }))
}

struct BurstGpt {
    table: Table,
}

impl Reader for BurstGpt {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        self.table.next_row()?.map(|row| entry(&row)).transpose()
    }
}

fn entry(row: &Row<'_>) -> Result<Entry, ImportError> {
    let place = row.place();
    let time = decimal(row.needed(TIME)?).and_then(|seconds| micros(seconds, 1e6));
    let at_us = time.and_then(|micros| i64::try_from(micros).ok());
    let at_us = at_us.ok_or_else(|| place.wrong(format!("`{TIME}` is no number, expected seconds")))?;
    let prompt = tokens(&place, REQUEST, row.text(REQUEST)?.and_then(count_of))?;
    let completion = tokens(&place, RESPONSE, row.text(RESPONSE)?.and_then(count_of))?;
    let model = row.text(MODEL)?.map(|name| real_model(name).to_owned());
    let session = row.text(SESSION)?.map(|session| Identity::Name(session.to_owned()));
    let elapsed = row.text(ELAPSED)?.and_then(decimal).and_then(|seconds| micros(seconds, 1e6));
    let failed = completion == 0;
    let recorded = Recorded {
        duration_us: elapsed,
        error: failed.then_some(ErrorKind::Server),
        usage: (!failed).then_some(Usage::new(prompt, completion, UsageSource::Provider)),
        ..Recorded::new(PROVIDER, model.clone().unwrap_or_default(), if failed { 0 } else { 200 })
    };
    let lengths = Lengths { prompt_tokens: prompt, completion_tokens: Some(completion), model, ..Lengths::default() };
    Ok(Entry { at_us: Some(at_us), session, recorded: Some(recorded), ..Entry::new(place, Content::Lengths(lengths)) })
}

/// The model behind the product's name.
fn real_model(name: &str) -> &str {
    match name.trim() {
        "ChatGPT" => "gpt-3.5-turbo",
        "GPT-4" => "gpt-4",
        other => other,
    }
}

#[cfg(test)]
mod tests;
