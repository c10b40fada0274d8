//! What consumers may use: limits, the accounts they are kept on, and a ledger that sets aside before and settles after.
//!
//! **Reserve, then settle.** A call sets aside the most that it is expected to use, on every account that it touches or on
//! none. When it ends, what it did use takes the place of what was set aside. Many calls at once can therefore not pass a
//! limit together, as they can where a balance is looked at first and charged afterwards.
//!
//! **The bound.** In every window of every limit, whatever calls run at once, end, are given up or crash:
//!
//! ```text
//! used + set aside  <=  limit  +  sum over the calls of the window of max(0, used by the call - set aside for it)
//! ```
//!
//! Only a call that uses more than was set aside for it passes a limit, by that difference and no more. If what is set
//! aside is never too little, the sum is zero and the limit is never passed. The tests of this module prove the bound
//! against a plain model, with calls in any order, leases that run out and restarts from the journal.
//!
//! **When a call counts.** At the time at which it was reserved, to its end and beyond: a call that began in one window and
//! ended in the next one counts in the first.
//!
//! **Leases.** What is set aside has a time at which its lease ends. If nobody has settled it by then (a crash), what was
//! set aside counts as used: a crash never gives back what may have been spent.
//!
//! **Rolling windows** are counted in slots, [`SLOTS`] a window. The oldest slot counts whole until all of it has left
//! the window, so no true sliding window is ever exceeded. The price: capacity returns late by up to one slot, 1/60 of the
//! window.
//!
//! Deliberately absent: clocks, files, prices, and any idea of who calls. An account is a text.

mod account;
mod entry;
mod ledger;
mod limit;
mod window;

pub use account::Account;
pub use entry::{Entry, Part};
pub use ledger::{Claim, Ledger, Left, Refusal, Refused, Settled};
pub use limit::{AMOUNT_MAX, AccountName, Id, Limit, NAME_BYTES_MAX, Unit};
pub use window::{Period, SLOTS, Window};

#[cfg(test)]
mod tests;
