//! What was used: by UTC day, consumer, model, provider, arm and role; tokens by class, and money to the nano-dollar.
//!
//! Every row is a sum of exchange records, so the book and the records of the same time agree exactly. The same code adds
//! records up in the gateway as they are written ([`Book`] behind the quota store) and from record files afterwards
//! (`weighbridge usage`).
//!
//! **Who pays.** Copies to the candidate and repeated calls of the baseline are made for the experiment, and so is a call
//! of a candidate that failed before its first byte while the baseline answered in its place. These stand in rows whose
//! payer is the experiment. A consumer pays for the call whose answer it got, and for nothing else.
//!
//! **Bounds.** A book has at most a configured number of rows. What would need another one is counted in a row of the same
//! day whose consumer, model and migration are `other`: sums stay exact, only the names are lost, and how often that
//! happened is counted. Days beyond the configured number are forgotten, oldest first.

mod book;
mod query;
mod report;

pub use book::{Book, Key, Payer, Sums};
pub use query::{By, Query};
pub use report::{Report, Row, SCHEMA, Tokens};

#[cfg(test)]
mod tests;
