//! Record files: what a request log, an exchange record and a label are, and how they are read and written.
//!
//! The types here *are* the file formats; `README.md` in this folder is their normative text. Other crates convert
//! at their edges. A file is NDJSON, plain or zstd, lines ended by LF only (texts may hold U+2028), and its first
//! line is a [`Header`].

pub mod bundled;
pub mod digest;
pub mod file;
pub mod header;
pub mod label;
pub mod read;
pub mod record;
pub mod request;
pub mod synth;
pub mod write;

pub use header::{Format, Header, Redaction};
pub use label::Label;
pub use read::{Lines, ReadError};
pub use record::{Arm, Exchange, Moderation, Role, ShadowFate};
pub use request::{LoggedRequest, Recorded};
pub use write::{Appender, WriteError};
