//! What traffic cost, what it would have cost elsewhere, and what moving it would save.
//!
//! Pure: priced lines in, sums and intervals out. Reading records and finding pairs is the evaluator's work; a log of
//! requests without answers is priced here too ([`project`]), because nothing of it needs a frame.
//!
//! Sums are integers (nano-dollars, tokens, characters), so that any order and any batching gives the same ones. The types
//! of the results are those of the verdict (`judge::verdict`): the command's document and the verdict say the same things.

pub mod book;
pub mod document;
pub mod money;
pub mod project;
pub mod reckon;
pub mod strata;
pub mod sums;
pub mod traffic;
