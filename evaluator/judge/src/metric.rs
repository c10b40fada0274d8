//! What is measured: the registry of metrics, by name.
//!
//! A metric is one of four kinds. A *share* is how often something bad happens (an effect is a difference of shares).
//! A *latency* is compared at its quantiles (a ratio). Money and tokens are compared by their means (a ratio), the
//! quality score by its mean (a difference). Every metric is turned so that larger is worse.

use serde::{Deserialize, Serialize};

/// Yes/no outcomes of one arm of one request; yes is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// The provider failed: 5xx, transport, malformed answer, timeout, 429. Moderation blocks are not among them.
    Errors,
    /// The provider refused for want of quota or rate (429). Asked of served traffic only: it shows real load.
    RateLimited,
    /// The provider's moderation blocked request or answer. Two-sided: more and less both harm.
    Blocked,
    /// The baseline blocked it and the other arm did not. Pairs only.
    Missed,
    /// The model itself refused to answer. Two-sided.
    Refusals,
    /// The answer arrived and is no use: cut off, filtered, empty, not in the demanded format.
    AnswerFailures,
    /// The same among the requests that demanded a form (JSON, a tool call).
    StructuredFailures,
    /// The answer was cut off at its length.
    Truncations,
    /// The first token came later than the policy's fixed limit.
    SlowTtft,
    /// The last byte came later than the policy's fixed limit.
    SlowDuration,
    /// The client gave up. Asked of served traffic only.
    Cancellations,
    /// The tool calls differ from the baseline's; net of how often the baseline differs from itself.
    ToolDisagreement,
    /// The answers differ from the baseline's; net of how often the baseline differs from itself.
    AnswerDisagreement,
    /// The gateway's guard flagged the answer: the same guard over both arms, so neither the provider's block nor the
    /// model's refusal. Asked where every back end gave its verdict. Two-sided.
    GuardFlags,
}

impl Share {
    /// How many there are.
    pub const COUNT: usize = 14;

    /// All of them, in the order in which they are judged.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Errors,
        Self::RateLimited,
        Self::Blocked,
        Self::Missed,
        Self::Refusals,
        Self::AnswerFailures,
        Self::StructuredFailures,
        Self::Truncations,
        Self::SlowTtft,
        Self::SlowDuration,
        Self::Cancellations,
        Self::ToolDisagreement,
        Self::AnswerDisagreement,
        Self::GuardFlags,
    ];

    /// The name in verdicts, policies and records of evidence.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::RateLimited => "rate_limited",
            Self::Blocked => "blocked",
            Self::Missed => "missed",
            Self::Refusals => "refusals",
            Self::AnswerFailures => "answer_failures",
            Self::StructuredFailures => "structured_failures",
            Self::Truncations => "truncations",
            Self::SlowTtft => "slow_ttft",
            Self::SlowDuration => "slow_duration",
            Self::Cancellations => "cancellations",
            Self::ToolDisagreement => "tool_disagreement",
            Self::AnswerDisagreement => "answer_disagreement",
            Self::GuardFlags => "guard_flags",
        }
    }

    /// Its place in a [`ShareSet`] and in the counters.
    #[must_use]
    pub const fn slot(self) -> usize {
        self as usize
    }

    /// Whether less of it harms as well, so that both directions are bounded.
    #[must_use]
    pub const fn two_sided(self) -> bool {
        matches!(self, Self::Blocked | Self::Refusals | Self::GuardFlags)
    }
}

/// Places before the first labelled metric in a [`ShareSet`]; the fixed shares come first, with room to grow.
pub const FIRST_LABEL: usize = 16;
/// Labelled metrics that one evaluation can hold.
pub const LABELS_MAX: usize = 16;
/// Places in a [`ShareSet`].
pub const SHARE_SLOTS: usize = FIRST_LABEL + LABELS_MAX;

/// A set of shares and labelled metrics, one bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ShareSet(u32);

impl ShareSet {
    /// Adds what is at a place; see [`Share::slot`] and [`FIRST_LABEL`]. Places beyond [`SHARE_SLOTS`] are ignored.
    pub const fn insert(&mut self, slot: usize) {
        if slot < SHARE_SLOTS {
            self.0 |= 1 << slot;
        }
    }

    /// Adds what is at a place if `yes`.
    pub const fn insert_if(&mut self, slot: usize, yes: bool) {
        if yes {
            self.insert(slot);
        }
    }

    /// Whether it holds what is at this place.
    #[must_use]
    pub const fn contains(self, slot: usize) -> bool {
        slot < SHARE_SLOTS && self.0 & (1 << slot) != 0
    }

    /// The places that are in it, ascending.
    pub fn slots(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            (rest != 0).then(|| {
                let slot = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                slot
            })
        })
    }
}

/// A latency, compared at quantiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Latency {
    /// From sending to the first text; streamed requests only.
    Ttft,
    /// From sending to the last byte.
    Duration,
    /// Mean gap between output tokens of one request; streamed answers of two tokens or more only.
    InterToken,
}

impl Latency {
    /// All of them, in the order in which they are judged.
    pub const ALL: [Self; 3] = [Self::Ttft, Self::Duration, Self::InterToken];

    /// The name before `_p50` in verdicts and policies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ttft => "ttft",
            Self::Duration => "duration",
            Self::InterToken => "inter_token",
        }
    }

    /// Its place in the counters.
    #[must_use]
    pub const fn slot(self) -> usize {
        self as usize
    }
}

/// A judged quantile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantile {
    /// The median.
    P50,
    /// The 95th percentile.
    P95,
    /// The 99th percentile.
    P99,
}

impl Quantile {
    /// All of them, ascending.
    pub const ALL: [Self; 3] = [Self::P50, Self::P95, Self::P99];

    /// Its share of the distribution, 0 to 1.
    #[must_use]
    pub const fn share(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P95 => 0.95,
            Self::P99 => 0.99,
        }
    }

    /// The name after the latency's in verdicts and policies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
        }
    }

    /// Its place in the counters.
    #[must_use]
    pub const fn slot(self) -> usize {
        self as usize
    }
}

/// Names that a labelled metric may not have, because a guardrail has them.
#[must_use]
pub fn is_fixed_name(name: &str) -> bool {
    let latency = |metric: Latency| {
        Quantile::ALL.into_iter().any(|quantile| {
            name.strip_prefix(metric.name())
                == Some(match quantile {
                    Quantile::P50 => "_p50",
                    Quantile::P95 => "_p95",
                    Quantile::P99 => "_p99",
                })
        })
    };
    matches!(name, "cost" | "quality" | "answer_chars")
        || Share::ALL.into_iter().any(|share| share.name() == name)
        || Share::ALL.into_iter().any(|share| share.two_sided() && name.strip_prefix("fewer_") == Some(share.name()))
        || Latency::ALL.into_iter().any(latency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_distinct_and_leave_room() {
        for (place, share) in Share::ALL.into_iter().enumerate() {
            assert_eq!(share.slot(), place);
            assert!(place < FIRST_LABEL);
        }
        let mut set = ShareSet::default();
        for slot in [0, 5, 31, 32, 99] {
            set.insert(slot);
        }
        assert_eq!(set.slots().collect::<Vec<_>>(), [0, 5, 31]);
    }

    #[test]
    fn names_of_guardrails_are_taken() {
        for name in
            ["errors", "cost", "ttft_p99", "inter_token_p50", "quality", "missed", "fewer_blocked", "fewer_refusals"]
        {
            assert!(is_fixed_name(name), "{name}");
        }
        for name in ["exact", "ttft", "ttft_p90", "p50", "fewer_errors"] {
            assert!(!is_fixed_name(name), "{name}");
        }
    }
}
