//! Rates of clients over time, as ServeGen publishes them: not a log of requests but the law they follow.
//!
//! **Input.** A table with `client`, `window_start_s`, `rate_rps`, `interarrival_family` (Gamma or Weibull), `param1`
//! (shape) and `param2` (scale; with `cv` for people to look at). A second file may have the lengths: `client`,
//! `window_start_s`, `field` (`input_tokens`, `output_tokens`; others, such as `reason_ratio`, are not needed, for the
//! output has the reasoning in it) and quantiles `p1` to `p99`. Without it, lengths are those of the Azure conversation
//! trace (median 1,033 in, 136 out), and a note says so.
//!
//! **Arrivals.** Each client draws its own in each of its windows, as a renewal process of the window's family and shape,
//! scaled to the window's rate: the fitted scale misses it by some percent, and the rate is what was counted. The first
//! gap is drawn as a clock finds it that looks at a process long under way. Begun at an arrival instead, bursty clients
//! (a coefficient of variation of 6.7 is in the data) would send far more than their rate. See [`arrivals`].
//!
//! **Merging.** Clients are merged by time in a heap of one instant each, so memory holds the tables and nothing of the
//! million requests of a day. The same seed gives the same requests.

mod arrivals;
mod lengths;
mod rates;

use super::detect::Head;
use super::entry::{Content, Entry, Identity, Lengths, Reader};
use super::format::Field;
use super::input::Input;
use super::{ImportError, ImportOptions};
use arrivals::Merged;
use lengths::LengthTable;
use rates::RateTable;
use std::collections::VecDeque;

/// What the format can fill.
pub(super) const FILLS: &[Field] = &[Field::Time, Field::Consumer, Field::PromptLength];

/// Whether a file begins like one of this format.
pub(super) fn is_it(head: &Head) -> bool {
    let columns = head.columns();
    let has = |names: &[&str]| names.iter().all(|name| columns.contains(name));
    has(&rates::COLUMNS) || has(&lengths::COLUMNS)
}

/// Reads the files.
///
/// # Errors
/// The options do not fit, or a file cannot be read.
pub(super) fn open(inputs: Vec<Input>, options: &ImportOptions) -> Result<Box<dyn Reader>, ImportError> {
    let (lengths, rates): (Vec<Input>, Vec<Input>) = inputs.into_iter().partition(|input| {
        let head = Head::new(input.head());
        lengths::COLUMNS.iter().all(|name| head.columns().contains(name))
    });
    if rates.is_empty() {
        let message = "the files have lengths but no rates; name the table with the clients' rates too".to_owned();
        return Err(ImportError::Options(message));
    }
    Ok(Box::new(ServeGen {
        tables: Some((rates, lengths)),
        seed: options.seed,
        errors: VecDeque::new(),
        drawn: None,
        note: None,
    }))
}

struct ServeGen {
    /// Files that are to be read first.
    tables: Option<(Vec<Input>, Vec<Input>)>,
    seed: u64,
    /// Rows of the tables that cannot be used.
    errors: VecDeque<ImportError>,
    drawn: Option<Drawn>,
    note: Option<String>,
}

struct Drawn {
    merged: Merged,
    lengths: LengthTable,
}

impl ServeGen {
    fn read(&mut self, rates: Vec<Input>, lengths: Vec<Input>) -> Result<(), ImportError> {
        let measured = !lengths.is_empty();
        let rates = RateTable::read(rates, &mut self.errors)?;
        let lengths = LengthTable::read(lengths, &mut self.errors)?;
        let source = if measured { "the table of lengths" } else { "the Azure conversation trace of 2023" };
        self.note = Some(format!(
            "the requests are drawn, by the seed, from the rates of {} clients in {} windows of {} s; lengths are those of \
             {source}",
            rates.clients.len(),
            rates.windows,
            rates.window_us / 1_000_000,
        ));
        self.drawn = Some(Drawn { merged: Merged::new(rates, self.seed), lengths });
        Ok(())
    }
}

impl Reader for ServeGen {
    fn next_entry(&mut self) -> Result<Option<Entry>, ImportError> {
        if let Some((rates, lengths)) = self.tables.take() {
            self.read(rates, lengths)?;
        }
        if let Some(error) = self.errors.pop_front() {
            return Err(error);
        }
        let Some(Drawn { merged, lengths }) = &mut self.drawn else { return Ok(None) };
        let Some(arrival) = merged.next_arrival() else { return Ok(None) };
        let lengths = Lengths {
            prompt_tokens: lengths.prompt(&arrival),
            completion_tokens: Some(lengths.completion(&arrival)),
            ..Lengths::default()
        };
        Ok(Some(Entry {
            at_us: i64::try_from(arrival.at_us).ok(),
            consumer: Some(Identity::Name(format!("client-{}", arrival.client))),
            ..Entry::new(arrival.place, Content::Lengths(lengths))
        }))
    }

    fn take_note(&mut self) -> Option<String> {
        self.note.take()
    }
}

#[cfg(test)]
mod tests;
