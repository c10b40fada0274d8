//! What traffic cost, what it would have cost elsewhere, and what moving it would save.
//!
//! Pure: priced lines in, sums and intervals out. Reading records and finding pairs is the evaluator's work; a log of
//! requests without answers is priced here too ([`project`]), because nothing of it needs a frame.

pub mod project;
