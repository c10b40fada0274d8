//! Server-sent events as chat APIs use them.

pub mod decode;
pub mod encode;
pub mod frame;

pub use decode::Decoder;
pub use frame::Frame;
