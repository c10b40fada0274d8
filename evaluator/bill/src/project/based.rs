//! Money whose size rests on something that is not known yet.
//!
//! A request without a recorded count is estimated, and how far the usual estimate is off in this log is known only at its
//! end. What a request costs is proportional to its tokens, so sums are kept apart by what they will be multiplied with,
//! and one pass is enough.

/// What a sum of money is proportional to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    /// Recorded tokens: exact.
    Recorded,
    /// The text of a prompt in narrow scripts, at its usual tokens.
    PromptNarrow,
    /// That of one in wide scripts.
    PromptWide,
    /// The text of an answer in narrow scripts.
    AnswerNarrow,
    /// That of one in wide scripts.
    AnswerWide,
    /// An answer of which nothing is known, at [`ANSWER_TOKENS`].
    AnswerUnseen,
    /// The same answer at the most tokens that its request allows.
    AnswerLimit,
}

/// Kinds of basis.
pub(super) const BASES: usize = 7;

/// Tokens that an unseen answer is booked with, until the log's own mean is known.
pub(super) const ANSWER_TOKENS: u64 = 1000;

impl Basis {
    pub(super) const ALL: [Self; BASES] = [
        Self::Recorded,
        Self::PromptNarrow,
        Self::PromptWide,
        Self::AnswerNarrow,
        Self::AnswerWide,
        Self::AnswerUnseen,
        Self::AnswerLimit,
    ];
}

/// A sum in nano-dollars, by its basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Based([i128; BASES]);

impl Based {
    pub(super) fn add(&mut self, basis: Basis, nanos: i128) {
        self.0[basis as usize] += nanos;
    }

    pub(super) fn plus(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum += more;
        }
    }

    pub(super) const fn of(&self, basis: Basis) -> i128 {
        self.0[basis as usize]
    }
}
