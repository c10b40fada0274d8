//! The answer to a query, as JSON.

use super::book::{Book, Sums};
use super::query::{Query, date};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
}
