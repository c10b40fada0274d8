//! The answer to a query, as JSON and as a table.

use super::book::{Book, Sums};
use super::query::{Query, date};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Name and version of the JSON.
pub const SCHEMA: &str = "weighbridge.usage/1";

/// Sums by columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// First day asked for; `None` from the beginning.
    pub since: Option<String>,
    /// Only this consumer.
    pub consumer: Option<String>,
    /// Columns.
    pub by: Vec<String>,
    /// One row for each combination that was there.
    pub rows: Vec<Row>,
    /// All rows together.
    pub total: Row,
    /// Records counted under `other` because there were too many rows.
    pub folded: u64,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Row {
    /// Values of the columns, by their names.
    pub of: BTreeMap<String, String>,
    /// Calls of providers.
    pub requests: u64,
    /// Those that ended with an error.
    pub failures: u64,
    /// Tokens.
    pub tokens: Tokens,
    /// Calls with tokens but without a known price.
    pub unpriced: u64,
    /// Money, nano-dollars.
    pub cost_nanos: i64,
    /// The same in US dollars, exact, with nine decimals.
    pub cost_usd: String,
    /// Calls whose tokens are estimated, because no report came.
    #[serde(default)]
    pub estimated_requests: u64,
    /// Of the money that of estimated tokens, nano-dollars.
    #[serde(default)]
    pub estimated_cost_nanos: i64,
}

/// Tokens by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// Prompt, cached included.
    pub prompt: u64,
    /// Of these from the cache.
    pub cached: u64,
    /// Completion, reasoning included.
    pub completion: u64,
    /// Of these reasoning.
    pub reasoning: u64,
    /// Of prompt and completion together: estimated, because no report came.
    pub estimated: u64,
}

impl Row {
    fn new(of: BTreeMap<String, String>, sums: &Sums) -> Self {
        let Sums { requests, failures, prompt, cached, completion, reasoning, estimated, .. } = *sums;
        Self {
            of,
            requests,
            failures,
            tokens: Tokens { prompt, cached, completion, reasoning, estimated },
            unpriced: sums.unpriced,
            cost_nanos: sums.nanos,
            cost_usd: wire::price::decimal(sums.nanos, 9),
            estimated_requests: sums.estimated_requests,
            estimated_cost_nanos: sums.estimated_nanos,
        }
    }
}

impl Row {
    /// How much of it is estimated, in a sentence with its line feed; empty if nothing is.
    fn estimates(&self) -> String {
        if self.estimated_requests == 0 {
            return String::new();
        }
        let percent = |part: u64, whole: u64| {
            // Upwards: what is there is never shown as nothing.
            let tenths = (u128::from(part) * 1000).div_ceil(u128::from(whole.max(1)));
            format!("{}.{} %", tenths / 10, tenths % 10)
        };
        let tokens = percent(self.tokens.estimated, self.tokens.prompt.saturating_add(self.tokens.completion));
        let nanos = |nanos: i64| u64::try_from(nanos).unwrap_or(0);
        let money = percent(nanos(self.estimated_cost_nanos), nanos(self.cost_nanos));
        let (calls, all) = (self.estimated_requests, self.requests);
        format!(
            "no count came for {calls} of {all} calls: {tokens} of the tokens and {money} of the money are estimates\n"
        )
    }
}

impl Report {
    /// What a book says.
    #[must_use]
    pub fn new(book: &Book, query: &Query) -> Self {
        let columns: Vec<String> = query.by.iter().map(|by| by.name().to_owned()).collect();
        let mut total = Sums::default();
        let row = |(values, sums): (Vec<String>, Sums)| {
            total.add(&sums);
            Row::new(columns.iter().cloned().zip(values).collect(), &sums)
        };
        let rows = query.sum(book).into_iter().map(row).collect();
        Self {
            schema: SCHEMA.to_owned(),
            since: query.since_day.map(date),
            consumer: query.consumer.clone(),
            by: columns,
            rows,
            total: Row::new(BTreeMap::new(), &total),
            folded: book.folded(),
        }
    }

    /// For people: one line a row, the sum last. Numbers stand right, money has six decimals.
    #[must_use]
    pub fn table(&self) -> String {
        const NUMBERS: [&str; 8] =
            ["requests", "failures", "prompt", "cached", "completion", "reasoning", "estimated", "usd"];
        let heading = self.by.iter().map(String::as_str).chain(NUMBERS).map(str::to_owned).collect();
        let line = |row: &Row, first: &str| -> Vec<String> {
            let names = self.by.iter().enumerate().map(|(place, name)| match row.of.get(name) {
                Some(value) => value.clone(),
                None => {
                    if place == 0 {
                        first.to_owned()
                    } else {
                        String::new()
                    }
                }
            });
            let Tokens { prompt, cached, completion, reasoning, estimated } = row.tokens;
            let numbers = [row.requests, row.failures, prompt, cached, completion, reasoning, estimated];
            let money = wire::price::decimal(row.cost_nanos, 6);
            names.chain(numbers.map(|number| number.to_string())).chain([money]).collect()
        };
        let mut lines: Vec<Vec<String>> = vec![heading];
        lines.extend(self.rows.iter().map(|row| line(row, "")));
        lines.push(line(&self.total, "total"));
        let mut text = aligned(&lines, self.by.len());
        text.push_str(&self.total.estimates());
        if self.total.unpriced > 0 {
            let _written = writeln!(text, "{} calls have no known price: the money is too low", self.total.unpriced);
        }
        text
    }
}

/// Columns as wide as their longest value; the first `left` of them stand left.
fn aligned(lines: &[Vec<String>], left: usize) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in lines {
        let mut row = String::new();
        for (place, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let gap = if place == 0 { "" } else { "  " };
            let _written =
                if place < left { write!(row, "{gap}{cell:<width$}") } else { write!(row, "{gap}{cell:>width$}") };
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}
