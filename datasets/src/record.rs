//! One arm's outcome of one request.

use serde::{Deserialize, Serialize};
use wire::{ErrorKind, Usage};

/// The two arms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arm {
    /// The provider in use today.
    Baseline,
    /// The provider that may take over.
    Candidate,
}

impl Arm {
    /// The name in records, headers and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Candidate => "candidate",
        }
    }
}

/// What the answer was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A client got it.
    Served,
    /// Nobody got it: a mirrored copy.
    Shadow,
    /// A replay that was sent to one arm on purpose.
    Replayed,
    /// Seen from the client's side of a gateway; the gateway's own records carry the evidence.
    Observed,
}

/// What became of the mirrored copy of a served request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShadowFate {
    /// Handed to the mirror.
    Sent,
    /// Left out by the configured share, before the answer was known.
    NotSampled,
    /// The mirror's queue was full.
    QueueFull,
    /// The other arm cannot serve the request without changing its meaning.
    Unfit,
    /// The gateway was shutting down.
    ShuttingDown,
}

/// What a moderator said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moderation {
    /// The provider itself refused the content.
    BlockedByProvider,
}

/// One exchange: one request as one arm answered it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// Joins the two arms' exchanges of one request.
    pub pair: String,
    /// Which arm answered.
    pub arm: Arm,
    /// What the answer was for.
    pub role: Role,
    /// Name of the migration.
    pub migration: String,
    /// Epoch of constant weight.
    pub epoch: u64,
    /// Candidate weight in that epoch, hundredths of a percent.
    pub weight_bp: u32,
    /// The caller's request id, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Digest of the assignment unit (conversation).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Provider name.
    pub provider: String,
    /// Model that was asked for at this provider.
    pub model: String,
    /// Model that answered, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_answered: Option<String>,
    /// The answer was streamed.
    pub streamed: bool,
    /// When the request arrived, microseconds since the Unix epoch. Both arms of a pair carry the same instant.
    pub at_us: i64,
    /// When it was sent to this provider, microseconds since the Unix epoch.
    pub sent_us: i64,
    /// From sending to the first visible or reasoning text; absent where none came or the answer was not streamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft_us: Option<u64>,
    /// From sending to the last byte, or to the failure.
    pub duration_us: u64,
    /// HTTP status of the provider; 0 if there was no answer.
    pub status: u16,
    /// What went wrong, if anything did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorKind>,
    /// Finish reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// How the answer fails its form (`length`, `content_filter`, `empty`, `not_json`, ...), if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_failure: Option<String>,
    /// What a moderator said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moderation: Option<Moderation>,
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Cost in nano-dollars; absent where there is no usage or no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_nanos: Option<i64>,
    /// Characters of the prompt.
    pub prompt_chars: u64,
    /// Characters of the visible answer.
    pub answer_chars: u64,
    /// Salted digest of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_digest: Option<String>,
    /// The answer, under redaction mode `full`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What became of the mirrored copy, on served exchanges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowFate>,
    /// Members that were dropped for this provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_the_first_version_stays_readable() {
        let line = r#"{"pair":"p","arm":"candidate","role":"shadow","migration":"m","epoch":1,"weight_bp":1000,"provider":"deepseek","model":"deepseek-flash","streamed":true,"at_us":1,"sent_us":2,"duration_us":3,"status":200,"prompt_chars":4,"answer_chars":5,"usage":{"prompt":1,"completion":2,"source":"provider"},"from_the_future":1}"#;
        let record: Exchange = serde_json::from_str(line).unwrap();
        assert_eq!((record.arm, record.role, record.error), (Arm::Candidate, Role::Shadow, None));
        let again: Exchange = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        assert_eq!(again, record);
    }
}
