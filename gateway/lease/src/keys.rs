//! Keys of consumers: who may call, with which key, for what, and until when.
//!
//! A consumer is a name with groups, scopes and any number of keys. Issued keys are made here and shown once; adopted ones
//! are what clients used before, known by value or only by hash, and usually have a sunset. Nothing that is kept holds a
//! key, only its SHA-256; an issued key has 256 bits of chance, so its digest gives nothing away, and an adopted one is as
//! strong as whoever made it chose.
//!
//! Three types carry it. A [`Document`] is what is kept (a file, or an entry of Redis): consumers, and a generation that
//! grows by one with each change. A [`Change`] makes the next document of one ([`changed`] does so from bytes to bytes,
//! and refuses if the generation is not the expected one). A [`Ring`] is what requests ask: it is built whole from one or
//! more lists of consumers and never altered, so that a request sees one state or the other and never half of each.
//!
//! Looking a key up takes the first eight bytes of its digest to find the one entry it may be, and compares the whole
//! digest in constant time; where there is no entry, a decoy is compared, so that a wrong key costs what a right one does.

mod address;
mod adopt;
mod apply;
mod change;
mod digest;
mod document;
mod instant;
mod issue;
mod listing;
mod name;
mod ring;
mod scopes;
mod slow;
mod usage;

pub use address::{Network, source};
pub use adopt::{AdoptError, READING_MAX, Reading, read_list};
pub use apply::{Issued, Outcome, changed};
pub use change::{Change, ChangeError, Old, Until};
pub use digest::Digest;
pub use document::{Consumer, Document, DocumentError, Key, Origin, State, syntax};
pub use instant::Instant;
pub use issue::Chance;
pub use listing::{ConsumerView, KeyView, Listing, Place};
pub use name::is_name;
pub use ring::{Entry, Part, Refusal, Ring, RingError};
pub use scopes::{Pattern, Scopes, Wish};
pub use slow::{Brake, BrakePolicy};
pub use usage::{Day, KeyUsage, Usage, UsageError};
