//! Mooncake traces and those of their shape: sizes, times and hashes of the prompt's blocks, sometimes texts.
//!
//! One row is recognised by its members, so that the dialects need no names:
//!
//! | dialect | members | time | block |
//! | --- | --- | --- | --- |
//! | Mooncake | `timestamp`, `input_length`, `output_length`, `hash_ids` | milliseconds | 512 tokens |
//! | AIPerf | these, `session_id`, `delay`; `text_input`, `messages` or a whole `payload` in place of sizes; `tools` | milliseconds | 512 |
//! | AIPerf inputs | `{"data": [{"session_id", "payloads": [...]}]}` | none | |
//! | Bailian | `chat_id`, `parent_chat_id`, `timestamp`, `input_length`, `output_length`, `hash_ids` | seconds | 16 |
//! | Weka | `t`, `in`, `out`, `id`, `hash_ids`, a row each; or a session a row, with these in its `requests` | seconds | 64 |
//!
//! A `block_size` in the row is believed before the table. AIPerf's `delay` counts from the end of the turn before, which
//! the trace does not tell, so it is counted from that turn's beginning: the turn comes too early rather than not at all.
//! The sessions of a Weka file all begin at their own 0, and where `hash_id_scope` is `local` their hashes are their own.
//! A Bailian chat belongs to the session of its first ancestor; of the last [`CHATS_MAX`] chats that is remembered.
//!
//! Some of these clocks are coarse, see [`grid`]. There is no answer in any of them: `output_length` becomes
//! `max_tokens`. Sources: the traces' own repositories; for AIPerf's and Weka's rows the readers of AIPerf 0.13.
//!
//! [`CHATS_MAX`]: shape::CHATS_MAX

mod grid;
mod shape;

use super::detect::Head;
use super::entry::{Entry, Reader};
use super::format::Field;
use super::input::Input;
use super::rows::Rows;
use super::{ImportError, ImportOptions};
use grid::Jittered;
use shape::Shaper;
use std::collections::VecDeque;

/// What the format can fill.
pub(super) const FILLS: &[Field] = &[Field::Id, Field::Time, Field::Session, Field::Prompt, Field::PromptLength];

/// Whether a file begins like one of this format.
pub(super) fn is_it(head: &Head) -> bool {
    let sizes = head.has(&["input_length"]) || head.has(&["in", "out"]);
    // Seconds with a fraction and no hashes are guidellm's minimal trace.
    let minimal = head.member("timestamp").is_some_and(serde_json::Value::is_f64) && !head.has(&["hash_ids"]);
    (sizes && (head.has(&["hash_ids"]) || head.has(&["timestamp"]) || head.has(&["session_id"])) && !minimal)
        || head.has(&["text_input"])
        || head.has(&["session_id", "payloads"])
        || (head.has(&["session_id"]) && (head.has(&["payload"]) || head.has(&["delay"])))
        || (head.has(&["requests"]) && (head.has(&["block_size"]) || head.has(&["hash_id_scope"])))
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    let rows = Mooncake { rows: Rows::new(inputs), shaper: Shaper::new(options), ready: VecDeque::new() };
    Ok(Box::new(Jittered::new(rows, options.seed)))
}

struct Mooncake {
    rows: Rows,
    shaper: Shaper,
    /// Requests of the last row.
    ready: VecDeque<Entry>,
}

impl Reader for Mooncake {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Ok(Some(entry));
            }
            let Some(row) = self.rows.next_row()? else { return Ok(None) };
            self.ready = self.shaper.entries(&row)?;
        }
    }
}

#[cfg(test)]
mod tests;
