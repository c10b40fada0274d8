//! One arm's outcome of one request.

mod guard;

pub use guard::{GuardAction, GuardCheck, GuardLevel, Guarded};
use serde::{Deserialize, Serialize};
use wire::price::Tier;
use wire::{Endpoint, ErrorKind, Usage};

/// Migration name on record for traffic that no migration took.
pub const NO_MIGRATION: &str = "none";

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
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Ord, Eq, Hash, Serialize, Deserialize)]
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
    /// A client got it from the baseline, after the candidate had failed before its first byte. The candidate's failure
    /// has a record of its own, as `Served`.
    Fallback,
    /// Nobody got it: the baseline was asked the same once more, to see how much it differs from itself.
    Repeat,
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
    /// The mirror's queue held too many bytes.
    BytesFull,
    /// The mirror's money for the day was spent.
    BudgetSpent,
    /// The other arm's provider was at its limit of requests in flight.
    CandidateBusy,
    /// The other arm's circuit breaker was open.
    BreakerOpen,
    /// Somebody had paused the mirror: nothing was drawn.
    Paused,
}

/// How a request came to its arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssignedBy {
    /// Drawn by the weight.
    Weight,
    /// Sent there by the value of a header.
    Header,
    /// Sent there by a pattern that a header matched.
    HeaderPattern,
    /// Sent there by a cookie.
    Cookie,
    /// The other arm cannot serve it without changing its meaning.
    Unfit,
    /// Nothing was to be assigned: no migration takes part in it.
    None,
}

impl AssignedBy {
    /// The name in records, headers and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Header => "header",
            Self::HeaderPattern => "header_pattern",
            Self::Cookie => "cookie",
            Self::Unfit => "unfit",
            Self::None => "none",
        }
    }
}

/// What a moderator said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moderation {
    /// The provider itself refused the content.
    BlockedByProvider,
}

/// What the times of an answer that was taken from a request log are worth. Either way they are not of the time and load
/// under which the other arm answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FromLog {
    /// Times as the log has them.
    Timed,
    /// The log did not tell how long it took: `duration_us` is 0 and means nothing.
    Untimed,
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
    /// What was asked of the provider.
    #[serde(default = "chat")]
    pub endpoint: Endpoint,
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
    /// Consumer that asked, by its configured name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// How the request came to its arm; absent in files before 1.1, where the weight drew every request that was fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_by: Option<AssignedBy>,
    /// Probability of being assigned the arm that it got, hundredths of a percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_bp: Option<u32>,
    /// Probability of being mirrored, hundredths of a percent, as it stood before the answer was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow_bp: Option<u32>,
    /// Provider name.
    pub provider: String,
    /// Model that was asked for at this provider.
    pub model: String,
    /// Model that answered, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_answered: Option<String>,
    /// The answer was streamed.
    pub streamed: bool,
    /// The request demanded a form of its answer (`json_object`, `json_schema`, or a forced tool call). Files before 1.2
    /// do not say.
    #[serde(default, skip_serializing_if = "is_false")]
    pub structured: bool,
    /// When the request arrived, microseconds since the Unix epoch. Both arms of a pair carry the same instant.
    pub at_us: i64,
    /// When it was sent to this provider, microseconds since the Unix epoch.
    pub sent_us: i64,
    /// From sending to the first event of the stream that has data, whatever is in it; absent where none came or the answer
    /// was not streamed. Files before 1.6 do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_event_us: Option<u64>,
    /// From sending to the first visible or reasoning text; absent where none came or the answer was not streamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft_us: Option<u64>,
    /// From sending to the first visible text or call of a tool; absent where none came or the answer was not streamed.
    /// Files before 1.6 do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_visible_us: Option<u64>,
    /// From sending to the last byte, or to the failure.
    pub duration_us: u64,
    /// HTTP status of the provider; 0 if there was no answer.
    pub status: u16,
    /// Calls that were made for this outcome, the first one included.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub attempts: u32,
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
    /// The model itself refused, in the member that is made for it. Files before 1.2 do not say.
    #[serde(default, skip_serializing_if = "is_false")]
    pub refused: bool,
    /// What the gateway's guard said, of the request and of the answer; absent where none looked. Files before 1.4 do not
    /// say.
    #[serde(default, skip_serializing_if = "guard::is_absent", deserialize_with = "guard::there")]
    pub guard: Option<Guarded>,
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Service tier that it was answered in, where it was not the standard one. Files before 1.5 do not say.
    #[serde(default, skip_serializing_if = "is_standard")]
    pub tier: Tier,
    /// Cost in nano-dollars; absent where there is no usage or no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_nanos: Option<i64>,
    /// Characters of the prompt.
    pub prompt_chars: u64,
    /// Characters of the prompt in wide scripts (Chinese, Japanese, Korean); absent in files before 1.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_wide_chars: Option<u64>,
    /// Characters of the visible answer.
    pub answer_chars: u64,
    /// Characters of the reasoning beside the visible answer; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_chars: Option<u64>,
    /// Salted digest of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_digest: Option<String>,
    /// Salted digest of the canonical tool calls; absent where there was none, or where they were too long to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools_digest: Option<String>,
    /// The answer, under redaction mode `full`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Score of the answer by a judge or a label, from 0 (worst) to 1 (best).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<f64>,
    /// What became of the mirrored copy, on served exchanges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowFate>,
    /// The answer was not asked for but taken from a request log, whose times it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<FromLog>,
    /// Members that were dropped for this provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
}

/// What was asked before other endpoints could be.
const fn chat() -> Endpoint {
    Endpoint::Chat
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
const fn is_one(attempts: &u32) -> bool {
    *attempts == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_standard(tier: &Tier) -> bool {
    *tier == Tier::Standard
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_the_first_version_stays_readable() {
        let line = r#"{"pair":"p","arm":"candidate","role":"shadow","migration":"m","epoch":1,"weight_bp":1000,"provider":"deepseek","model":"deepseek-flash","streamed":true,"at_us":1,"sent_us":2,"duration_us":3,"status":200,"prompt_chars":4,"answer_chars":5,"usage":{"prompt":1,"completion":2,"source":"provider"},"from_the_future":1}"#;
        let record: Exchange = serde_json::from_str(line).unwrap();
        assert_eq!((record.arm, record.role, record.error), (Arm::Candidate, Role::Shadow, None));
        assert_eq!((record.endpoint, record.attempts, record.assigned_by), (Endpoint::Chat, 1, None));
        assert_eq!((record.structured, record.refused, record.prompt_wide_chars), (false, false, None));
        assert_eq!((&record.tools_digest, record.quality), (&None, None));
        let again: Exchange = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        assert_eq!(again, record);
    }
}
