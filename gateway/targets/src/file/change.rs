//! What a place says, what is asked of it, and how its text changes.

use super::edit::Edit;
use super::split;

/// What a place says, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) weight: u32,
    /// `None` where nothing is mirrored to the candidate.
    pub(super) mirror: Option<u32>,
}

/// What is asked of a place, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) weight: u32,
    /// `None` leaves it.
    pub(super) mirror: Option<u32>,
}

/// How the text changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) edits: Vec<Edit>,
    /// What people should know, such as what was rounded down.
    pub(super) notes: Vec<String>,
}

/// The largest part of `whole` that says no more than `asked`, and a note where it says less.
pub(super) fn rounded_down(asked: u32, whole: u64, what: &str, finer: &str) -> (u64, Option<String>) {
    let part = split::floor(asked, whole);
    let note = (!split::is_exact(asked, whole)).then(|| {
        let asked = split::written(asked);
        format!(
            "{what} of {asked}% is finer than {whole} parts can say and is rounded down to {part} of them: never more traffic \
             than was proven; {finer}"
        )
    });
    (part, note)
}
