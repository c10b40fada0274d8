//! Targets against servers that note every byte they are sent.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "helpers of a test crate are not inside a test item, and a weight that is written is read as it was"
)]

mod api_server;
mod cluster;
mod console;
mod fake;
mod files;
mod webhook;
