//! The compact rows that everything after reading works on.
//!
//! A record as it lies in a file is an [`Exchange`] of about a kilobyte, most of it text that an evaluation only
//! compares or counts. A [`Row`] is 168 bytes and `Copy`: ids and digests become hashes ([`key`]), names become numbers
//! of a table ([`names`]), times and counts take as many bytes as they need. Five million of them fit into 0.8 GB.
//!
//! Nothing here depends on the order of files: the numbers of names follow the sorted names ([`Names::sorted`]), hashes
//! depend on the text alone, and [`Rows`] are sorted by content.
//!
//! What is deliberately absent: the texts themselves, and whatever no metric reads (dropped members, the answer).

mod fault;
mod fields;
mod guard;
pub mod key;
pub mod names;
mod packed;
mod row;
mod sorted;

pub use fault::Fault;
pub(crate) use fault::NO_NUMBER;
pub(crate) use fields::Fields;
pub use guard::GuardSight;
pub(crate) use guard::{of_text as guard_of_text, text_of as guard_text};
pub(crate) use key::hash32;
pub use key::{PairKey, hash64};
pub use names::{Ending, EndingId, GuardNote, NameId, Names, Route, RouteId};
pub(crate) use names::{EndingNames, MigrationId, RouteNames};
pub use row::{Row, role_rank};
pub(crate) use sorted::ROWS_MAX;
pub use sorted::Rows;

#[cfg(test)]
mod tests;
