//! Server-sent events as chat APIs use them.

pub mod decode;
pub mod encode;

pub use decode::{Decoder, Frame};
