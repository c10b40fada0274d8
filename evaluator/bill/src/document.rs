//! The command's document: the verdict's bill, and what was paid by the columns that were asked for.

use judge::verdict::{Bill, Input, Paid, Window};
use serde::{Deserialize, Serialize};

/// Value of [`Document::schema`] that this version writes.
pub const SCHEMA: &str = "weighbridge.bill/1";

/// A bill over record files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: String,
    /// Migration whose traffic it is.
    pub migration: String,
    /// First and last sending.
    pub window: Window,
    /// The instant at which everything is priced (RFC 3339); absent where each exchange is priced at its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priced_at: Option<String>,
    /// Columns of `paid`.
    pub columns: Vec<String>,
    /// What was paid, by these columns; the dearest first, with a day or an hour among them in the order of time.
    pub paid: Vec<Paid>,
    /// What was paid altogether.
    pub total: Paid,
    /// Everything else, as a verdict says it.
    pub bill: Bill,
    /// What was read and is in no sum, one sentence each.
    pub left_out: Vec<String>,
    /// Input files, sorted by name.
    pub inputs: Vec<Input>,
    /// SHA-256 of the price table.
    pub tariff_digest: String,
    /// Version of weighbridge.
    pub version: String,
}
