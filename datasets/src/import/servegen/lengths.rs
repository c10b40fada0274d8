//! Lengths of prompts and answers, by client and time.

use super::super::ImportError;
use super::super::input::Input;
use super::super::number::decimal;
use super::super::table::{Row, Table};
use super::arrivals::Arrival;
use super::rates::{client, collect, start_us};
use crate::import::filler::TOKENS_MAX;
use crate::synth::figures::{COMPLETION_TOKENS, PROMPT_TOKENS};
use std::collections::{BTreeMap, HashMap, VecDeque};

pub(super) const COLUMNS: [&str; 5] = ["client", "window_start_s", "field", "p1", "p99"];

/// The columns of quantiles, and the share that each stands for.
const QUANTILES: [(&str, f64); 9] = [
    ("p1", 0.01),
    ("p5", 0.05),
    ("p10", 0.10),
    ("p25", 0.25),
    ("p50", 0.50),
    ("p75", 0.75),
    ("p90", 0.90),
    ("p95", 0.95),
    ("p99", 0.99),
];
/// Distributions that are kept: some 50 MB.
const DISTRIBUTIONS_MAX: usize = 200_000;

/// Share and value, both rising. Below the first and above the last the value stays.
type Quantiles = Vec<(f64, f64)>;

/// Which of the two lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Which {
    Prompt,
    Completion,
}

/// All distributions.
#[derive(Debug, Default)]
pub(super) struct LengthTable {
    /// By client and kind, then by the second from which they hold.
    known: HashMap<(String, Which), BTreeMap<u64, Quantiles>>,
}

impl LengthTable {
    /// Reads the files; rows that are wrong go to `errors`.
    ///
    /// # Errors
    /// A file cannot be read, or has too many rows.
    pub(super) fn read(inputs: Vec<Input>, errors: &mut VecDeque<ImportError>) -> Result<Self, ImportError> {
        let mut known: HashMap<(String, Which), BTreeMap<u64, Quantiles>> = HashMap::new();
        let mut count = 0;
        for input in inputs {
            let mut table = Table::open(input, &COLUMNS)?;
            while let Some(row) = table.next_row()? {
                match distribution(&row) {
                    Ok(None) => {}
                    Ok(Some((client, which, start_us, quantiles))) => {
                        count += 1;
                        if count > DISTRIBUTIONS_MAX {
                            let place = row.place();
                            let message = format!("the table has more than {DISTRIBUTIONS_MAX} distributions");
                            return Err(ImportError::broken(&place.path, place.line, message));
                        }
                        known.entry((client, which)).or_default().insert(start_us, quantiles);
                    }
                    Err(error) => collect(errors, error, &row)?,
                }
            }
        }
        Ok(Self { known })
    }

    pub(super) fn prompt(&self, arrival: &Arrival) -> u64 {
        self.length(arrival, Which::Prompt, arrival.lengths[0])
    }

    pub(super) fn completion(&self, arrival: &Arrival) -> u64 {
        self.length(arrival, Which::Completion, arrival.lengths[1])
    }

    /// The client's distribution that began last, or its first; that of the Azure trace for clients that have none.
    fn length(&self, arrival: &Arrival, which: Which, share: f64) -> u64 {
        let times = self.known.get(&(arrival.client.clone(), which));
        let quantiles = times.and_then(|times| {
            times.range(..=arrival.window_us).next_back().or_else(|| times.first_key_value()).map(|(_, found)| found)
        });
        let length = match quantiles {
            Some(quantiles) => at(quantiles.iter().copied(), share),
            None => {
                let table = if which == Which::Prompt { PROMPT_TOKENS } else { COMPLETION_TOKENS };
                at(table.iter().map(|(share, value)| (*share as f64 / 10_000.0, *value as f64)), share)
            }
        };
        (length.round() as u64).clamp(1, TOKENS_MAX)
    }
}

/// The value at a share, in a straight line between two quantiles.
fn at(quantiles: impl Iterator<Item = (f64, f64)>, share: f64) -> f64 {
    let mut before: Option<(f64, f64)> = None;
    for (end, value) in quantiles {
        if share <= end {
            let Some((begin, low)) = before else { return value };
            return low + (value - low) * (share - begin) / (end - begin);
        }
        before = Some((end, value));
    }
    before.map_or(1.0, |(_, value)| value)
}

/// A row's distribution; `None` for what is no length of prompt or answer.
fn distribution(row: &Row<'_>) -> Result<Option<(String, Which, u64, Quantiles)>, ImportError> {
    let which = match row.needed("field")? {
        "input_tokens" => Which::Prompt,
        "output_tokens" => Which::Completion,
        _ => return Ok(None),
    };
    let mut quantiles = Quantiles::with_capacity(QUANTILES.len());
    let mut lowest = 0.0;
    for (name, share) in QUANTILES {
        let Some(text) = row.text(name)? else { continue };
        let value = decimal(text).filter(|value| *value >= lowest && *value <= TOKENS_MAX as f64);
        lowest = value.ok_or_else(|| {
            row.place()
                .wrong(format!("`{name}` is no number, too large, or below the quantile before it, expected tokens"))
        })?;
        quantiles.push((share, lowest));
    }
    if quantiles.is_empty() {
        return Err(row.place().wrong("no quantile has a value, expected `p1` to `p99`"));
    }
    Ok(Some((client(row)?, which, start_us(row)?, quantiles)))
}
