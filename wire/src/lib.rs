//! The vocabulary that gateway, replay and mocks share: requests and answers of every endpoint, server-sent events,
//! what each provider does differently, and what tokens cost.
//!
//! Everything here is pure: bytes and numbers in, bytes and numbers out. There is no socket, no file and no clock
//! in this crate, so each rule can be tested without a server.

pub mod chat;
pub mod endpoint;
pub mod error;
pub mod json;
pub mod models;
pub mod price;
pub mod provider;
pub mod request;
pub mod sse;
pub mod usage;

pub use endpoint::Endpoint;
pub use error::ErrorKind;
pub use request::{Form, Request, RequestError, Unit};
pub use usage::{Usage, UsageSource};

#[cfg(test)]
mod readme;
