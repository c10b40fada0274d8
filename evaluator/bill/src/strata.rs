//! Kinds of requests whose money compares alike.
//!
//! Two tokenizers disagree most by script (Chinese text takes fewer tokens at DeepSeek than at OpenAI, English more), and
//! two models by what is asked of them: a JSON object has a length of its own, a thinking model thinks.

use serde::{Deserialize, Serialize};
use wire::price::Tier;

/// The script of a prompt, by its share of wide characters (Chinese, Japanese, Korean).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Less than a tenth.
    Latin,
    /// A tenth to a half.
    Mixed,
    /// More than a half.
    Wide,
    /// The record does not say, or the prompt has no characters.
    Unknown,
}

impl Language {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Latin, Self::Mixed, Self::Wide, Self::Unknown];

    /// By characters of the prompt and the wide ones among them, if they were counted.
    #[must_use]
    pub fn of(prompt_chars: u64, wide_chars: Option<u64>) -> Self {
        match wide_chars {
            None => Self::Unknown,
            Some(_) if prompt_chars == 0 => Self::Unknown,
            Some(wide) if wide.saturating_mul(10) < prompt_chars => Self::Latin,
            Some(wide) if wide.saturating_mul(2) <= prompt_chars => Self::Mixed,
            Some(_) => Self::Wide,
        }
    }

    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latin => "latin",
            Self::Mixed => "mixed",
            Self::Wide => "wide",
            Self::Unknown => "unknown",
        }
    }
}

/// What was asked for, as far as a record tells; the first that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// No text is generated.
    Embeddings,
    /// A form of the answer was demanded.
    Structured,
    /// The answer called tools.
    Tools,
    /// The model reasoned before it answered.
    Thinking,
    /// Plain text, streamed.
    Streamed,
    /// Plain text in one piece.
    Whole,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Embeddings, Self::Structured, Self::Tools, Self::Thinking, Self::Streamed, Self::Whole];

    /// The name in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Embeddings => "embeddings",
            Self::Structured => "structured",
            Self::Tools => "tools",
            Self::Thinking => "thinking",
            Self::Streamed => "streamed",
            Self::Whole => "whole",
        }
    }
}

/// What [`can_wait`] takes to be able to wait, for people.
pub const CAN_WAIT: &str = "Taken to be able to wait: batch and flex tiers, and everything that was not streamed. Records \
                            do not tell who waits for an answer, so this is the most that could be moved.";

/// Whether a request can be sent at a cheaper time of its day.
#[must_use]
pub const fn can_wait(tier: Tier, streamed: bool) -> bool {
    matches!(tier, Tier::Batch | Tier::Flex) || !streamed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_a_share_of_wide_characters() {
        for (chars, wide, expected) in [
            (100, Some(0), Language::Latin),
            (100, Some(9), Language::Latin),
            (100, Some(10), Language::Mixed),
            (100, Some(50), Language::Mixed),
            (100, Some(51), Language::Wide),
            (100, None, Language::Unknown),
            (0, Some(0), Language::Unknown),
            (u64::MAX, Some(u64::MAX), Language::Mixed),
        ] {
            assert_eq!(Language::of(chars, wide), expected, "{chars} {wide:?}");
        }
    }
}
