//! The mocks over real sockets, on port 0.
#![cfg(test)]

mod compatible;
mod deepseek;
mod delivery;
mod endpoints;
mod features;
mod guard;
mod moderation;
mod openai;
mod responses;
mod server;
mod support;
mod tiers;
mod world;
