//! Records to a bill alone: no judge, no policy, and nobody is called.

use super::account::{Account, AccountOptions, Column};
use super::{bill, price_pairs_at};
use crate::counts::Counts;
use crate::error::EvaluateError;
use crate::load::{self, Loaded};
use crate::pair;
use crate::run::rfc3339;
use ::bill::document::{Document, SCHEMA};
use judge::verdict::Window;
use std::path::PathBuf;
use wire::price::Tariffs;

/// Groups in a document.
const ROWS_MAX: usize = 10_000;

/// How to make a statement.
#[derive(Debug, Clone)]
pub struct StatementOptions {
    /// Migration, where the records hold several.
    pub migration: Option<String>,
    /// Count broken lines instead of stopping at them.
    pub skip_broken: bool,
    /// Prices.
    pub tariffs: Tariffs,
    /// Columns by which payments are told apart.
    pub columns: Vec<Column>,
    /// The instant at which everything is priced, if not each exchange at its own; microseconds since the Unix epoch.
    pub priced_at_us: Option<i64>,
    /// Requests a month, if somebody said so.
    pub month_requests: Option<f64>,
    /// The instant at which prices are doubted; without it that of the newest row.
    pub doubted_at_us: Option<i64>,
    /// Version of weighbridge, for the document.
    pub version: String,
}

/// The bill of record files. The same input in any split and order of files gives the same bill.
///
/// # Errors
/// As [`crate::evaluate`]; there is no policy and no label to be wrong.
pub fn statement(inputs: &[PathBuf], options: &StatementOptions) -> Result<Document, EvaluateError> {
    let Loaded { rows, aside, inputs, counts, migration } =
        load::load(inputs, options.migration.as_deref(), options.skip_broken)?;
    // However old: a bill is about what was paid.
    let pairing = pair::pair(&rows, f64::MAX);
    let priced = price_pairs_at(&pairing.pairs, &rows, &options.tariffs, options.priced_at_us);
    let account_options = AccountOptions {
        priced_at_us: options.priced_at_us,
        month_requests: options.month_requests,
        doubted_at_us: options.doubted_at_us,
        by_consumer: options.columns.contains(&Column::Consumer),
        by_hour: options.columns.contains(&Column::Hour),
    };
    let account = Account::of(&pairing, &rows, &aside, &options.tariffs, account_options);
    let sent = || rows.all().iter().chain(&aside).map(|row| row.sent_us);
    Ok(Document {
        schema: SCHEMA.to_owned(),
        migration,
        window: Window { from_us: sent().min().unwrap_or(0), to_us: sent().max().unwrap_or(0) },
        priced_at: options.priced_at_us.map(rfc3339),
        columns: options.columns.iter().map(|column| column.name().to_owned()).collect(),
        paid: account.paid(&options.columns, ROWS_MAX),
        total: account.total(),
        bill: bill(&priced, &account, counts.fallbacks),
        left_out: Counts { exchanges: rows.len() as u64, load: counts, ..Counts::default() }.remarks(),
        inputs,
        tariff_digest: options.tariffs.digest().to_owned(),
        version: options.version.clone(),
    })
}
