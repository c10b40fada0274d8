//! Record files: what a request log, an exchange record and a label are, and how they are read and written; and the
//! logs that come with the program.
//!
//! The types here *are* the file formats. Other crates convert at their edges. A file is read by [`Lines`], plain or
//! zstd, and its first line is a [`Header`]. [`bundled`] has the logs that are part of the program, [`synth`] the
//! generator they were made with.
//!
//! What follows is the normative text of the formats, `README.md` of this folder.
#![doc = include_str!("../README.md")]

pub mod bundled;
pub mod check;
pub mod convert;
pub mod digest;
pub mod file;
pub mod header;
pub mod import;
pub mod known;
pub mod label;
pub mod parts;
pub mod read;
pub mod record;
pub mod redact;
pub mod request;
pub mod schema;
pub mod summary;
pub mod synth;
pub mod write;

pub use header::{Format, Header, Redaction};
pub use label::Label;
pub use parts::PartNames;
pub use read::{Lines, ReadError};
pub use record::{
    Arm, AssignedBy, Exchange, FromLog, GuardAction, GuardCheck, GuardLevel, Guarded, Moderation, NO_MIGRATION, Role,
    ShadowFate,
};
pub use request::{LoggedRequest, Recorded};
pub use wire::Endpoint;
pub use write::{Appender, Medium, WriteError, line_ends};

#[cfg(test)]
mod calibration;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod versions;
