//! Other people's pipelines: each is played as its documents describe it, by the manifest in `deploy`, against a running gateway.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod access;
mod answers;
mod argo;
mod ci;
mod flagger;
mod house;
mod kayenta;
mod yaml;
