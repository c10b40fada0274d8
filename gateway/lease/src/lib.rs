//! What the gateway leases out: keys to consumers, and a bounded share of what providers sell.
//!
//! Everything here is pure: time, chance and files are arguments. The gateway brings clocks, disks and Redis.

pub mod keys;
pub mod quota;
