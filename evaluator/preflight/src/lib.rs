//! Which recorded requests would be the same, rewritten, poorer or refused at the candidate, told before any is sent.
//!
//! The findings are [`wire::provider::outlook`]'s, which is also the gateway's rule: what is told here and what `serve` does
//! cannot differ. Here they are counted by consumer, model and feature, with examples that point at lines of the log and
//! never repeat what stands in them.
//!
//! ```text
//! LoggedRequest ─► route (which model, or outside) ─► outlook + rewrite ─► tallies: totals, groups, features
//!                                                                      └─► flight (how many at once), prompts (how long)
//! ```
//!
//! One pass in bounded memory: what is kept by name has a bound and a rest that is counted as "other". Pure: no clock, no
//! file, no randomness. It deliberately knows nothing of reports; [`Document`] is complete and says nothing about looks.

mod changes;
mod counterpart;
mod document;
mod facts;
mod features;
mod flight;
mod groups;
mod look;
mod mapping;
mod prompts;
mod remedy;
mod retiring;
mod route;
mod see;
mod text;

pub use counterpart::counterpart;
pub use document::{
    Change, Document, Example, Feature, Flight, Group, InFlight, Log, Mapped, MissingEndpoint, Prompts, Remedy,
    Retiring, SCHEMA, Side, Totals, Unread,
};
pub use look::{Look, look};
pub use route::{Asked, Chosen, Route};
pub use see::{Options, Place, Preflight};
