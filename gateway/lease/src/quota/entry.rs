//! What a ledger's journal holds: everything that changed it, and what it was when the journal was begun.

use super::limit::{AccountName, Id};
use serde::{Deserialize, Serialize};

/// What one call took of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Account.
    pub account: AccountName,
    /// Slot of its window.
    pub slot: i64,
    /// Amount.
    pub amount: u64,
}

/// One line of a journal. Instants are microseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A call set something aside.
    Reserve {
        /// Call.
        id: Id,
        /// When.
        at_us: i64,
        /// End of its lease.
        until_us: i64,
        /// Accounts and amounts.
        claims: Vec<(AccountName, u64)>,
    },
    /// A call has ended.
    Settle {
        /// Call.
        id: Id,
        /// When.
        at_us: i64,
        /// What it used, in the order of its claims; what is missing counts as it was set aside.
        amounts: Vec<u64>,
    },
    /// Something was used for which nothing was set aside.
    Charge {
        /// Account.
        account: AccountName,
        /// When.
        at_us: i64,
        /// Amount.
        amount: u64,
    },
    /// A balance was topped up or lowered.
    Top {
        /// Account.
        account: AccountName,
        /// What is added to the limit's own amount from now on.
        topped: i64,
    },
    /// Everything that is still open belongs to nobody any more: its calls ended with their process.
    Abandon {
        /// When.
        at_us: i64,
    },
    /// The ledger had come as far as this.
    Clock {
        /// When.
        at_us: i64,
    },
    /// An account as it stood.
    Account {
        /// Account.
        account: AccountName,
        /// Slots and amounts.
        slots: Vec<(i64, u64)>,
        /// What was added to the limit's own amount.
        topped: i64,
    },
    /// A call under way as it stood.
    Open {
        /// Call.
        id: Id,
        /// End of its lease.
        until_us: i64,
        /// What it took.
        parts: Vec<Part>,
    },
}
