//! What is done to records on their way from one file to another: sorting and taking content out.

mod redact;
mod sort;

pub use redact::{ContentRedaction, Redacted};
pub use sort::Sorter;
