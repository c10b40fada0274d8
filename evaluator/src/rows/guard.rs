//! What the guard said, as a name: few different verdicts come in a file, so each is kept once, as its text.

use datasets::{GuardCheck, Guarded};

/// What the guard made of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuardSight {
    /// It did not look at the answer, or there was none.
    Unseen,
    /// It looked, and some back end gave no verdict.
    Unjudged,
    /// Nothing was found at its bar.
    Clean,
    /// Something was found.
    Flagged,
}

impl GuardSight {
    /// What a record's verdict says of the answer.
    #[must_use]
    pub fn of(guard: &Guarded) -> Self {
        match &guard.response {
            None => Self::Unseen,
            Some(check) if !check.is_whole() => Self::Unjudged,
            Some(check) if GuardCheck::is_flag(check) => Self::Flagged,
            Some(_) => Self::Clean,
        }
    }

    /// Whether it judged the answer whole.
    #[must_use]
    pub const fn is_judged(self) -> bool {
        matches!(self, Self::Clean | Self::Flagged)
    }
}

/// A verdict in its one form as a text. Nothing in it can fail to be written.
pub(crate) fn text_of(guard: &Guarded) -> String {
    serde_json::to_string(guard).unwrap_or_default()
}

/// The verdict of such a text.
pub(crate) fn of_text(text: &str) -> Guarded {
    serde_json::from_str(text).unwrap_or_default()
}
