//! The mocks over real sockets, on port 0.
#![cfg(test)]

mod deepseek;
mod delivery;
mod openai;
mod server;
mod support;
