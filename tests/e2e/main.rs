//! End to end: one module a story. Everything runs on loopback and free ports, and waits for conditions, not for time.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod command;
mod door;
mod harness;
mod raw;
#[expect(dead_code, reason = "the gateway's own tests use the rest of it")]
mod redis_server;

mod admin;
mod architecture;
mod autopilot;
mod bad_input;
mod bill;
mod by_hand;
mod chaos;
mod clients;
mod console;
mod console_api;
mod demo;
mod docs;
mod fallback;
mod first_token;
mod gate;
mod gate_chaos;
mod guard_backends;
mod import;
mod keys;
mod logs;
mod metrics;
mod migrations;
mod pipelines;
mod plan;
mod preflight;
mod prices;
mod quota;
mod ramp;
mod reasoning;
mod reload;
mod replicas;
mod rollout;
mod safety;
mod security;
mod shadow;
mod shutdown;
mod split;
mod streaming;
mod survive;
mod transport;
mod usage;
mod verdict;
