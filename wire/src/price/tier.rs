//! Service tiers: the same tokens at another price.

use crate::provider::Provider;
use serde::{Deserialize, Serialize};

/// The tier that a request was served in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// The usual one.
    #[default]
    Standard,
    /// Answered within a day, as a part of a batch.
    Batch,
    /// Answered when there is room.
    Flex,
    /// Answered before others; OpenAI asks for it as `fast` or `priority`.
    Priority,
    /// The preview above it.
    Ultrafast,
}

impl Tier {
    /// The tier that an answer's `service_tier` names; an unknown name is the standard tier.
    #[must_use]
    pub fn of_answer(name: &str) -> Self {
        match name {
            "batch" => Self::Batch,
            "flex" => Self::Flex,
            "priority" | "fast" => Self::Priority,
            "ultrafast" => Self::Ultrafast,
            _ => Self::Standard,
        }
    }

    /// The tier in which a provider serves a request for this one. Only OpenAI has more than one; for all others the
    /// member is dropped.
    #[must_use]
    pub fn at(self, provider: &str) -> Self {
        if provider == Provider::OpenAi.name() { self } else { Self::Standard }
    }
}
