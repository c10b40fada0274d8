//! End to end: one module a story. Everything runs in process on port 0 and waits for conditions, not for time.

mod harness;

mod admin;
mod shadow;
mod split;
mod streaming;
