//! A real Prometheus scrapes a gateway that has everything happen to it: rules are loaded, evaluated and sound, and every
//! expression of the dashboard returns data.
//!
//! The files under test are those that are shipped (`deploy/`); only addresses, times and folders are put in their places.
//! Prometheus and promtool are Debian's package `prometheus`. Where they are missing, the tests say so and pass;
//! `WEIGHBRIDGE_REQUIRE_PROMETHEUS` makes that a failure.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod dashboard;
mod house;
mod promtool;
#[path = "../../../tests/e2e/redis_server.rs"]
#[expect(dead_code, reason = "the gateway's own tests use the rest of it")]
mod redis_server;
mod scrape;
mod server;
