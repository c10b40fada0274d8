//! Evidence that people look at: how it came about, where the time goes, and which pairs differ most.
//!
//! Nothing here decides anything; it is drawn from the same records as the verdict. Texts of answers are in it only where
//! somebody asked for them.

use super::{Scale, State};
use serde::{Deserialize, Serialize};

/// How the bounds of one guardrail closed in on its margin while evidence came in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Name of the guardrail.
    pub metric: String,
    /// Its part of the traffic.
    pub segment: String,
    /// Scale of the bounds and of the margin.
    pub scale: Scale,
    /// Non-inferiority margin.
    pub margin: f64,
    /// Looks in order of time, at most 48; the last one is the verdict's own.
    pub looks: Vec<Look>,
}

/// What a guardrail said when evidence had come in up to an instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Newest evidence in it, microseconds since the Unix epoch.
    pub at_us: i64,
    /// Observations.
    pub n: u64,
    /// Point estimate; larger is worse. Absent where there was none.
    pub estimate: Option<f64>,
    /// Lower bound at the alarm level; absent means unbounded.
    pub lower: Option<f64>,
    /// Upper bound; absent means unbounded.
    pub upper: Option<f64>,
    /// What followed from them.
    pub state: State,
}

/// A latency at one quantile on both arms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuantileDifference {
    /// `ttft`, `duration` or `inter_token`.
    pub metric: String,
    /// `all` or `canary`.
    pub segment: String,
    /// Share of requests that are at least this fast, 0 to 1.
    pub share: f64,
    /// The baseline's, microseconds; absent where it lies among failed requests.
    pub baseline_us: Option<u64>,
    /// The candidate's.
    pub candidate_us: Option<u64>,
    /// Candidate less baseline; absent where either is.
    pub difference_us: Option<i64>,
    /// Lower end of its two-sided 95 % interval, for one look; absent means unbounded.
    pub lower_us: Option<i64>,
    /// Upper end of it.
    pub upper_us: Option<i64>,
}

/// What the time to the first visible text is made of on one arm: means, because only they add up. Over streamed answers
/// that did not fail and whose record has all parts. Where that is none of them (`n` is 0), every time is 0 and means
/// nothing. An arm without streamed answers has no entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FirstToken {
    /// `baseline` or `candidate`.
    pub arm: String,
    /// `all`: the paired requests; `canary`: what clients were served in the judged epoch.
    pub segment: String,
    /// Answers in it.
    pub n: u64,
    /// Streamed answers that are left out, because their record does not have all parts: it is from before records 1.6 or
    /// from a request log, or nothing visible came.
    pub unknown: u64,
    /// From sending to the provider's first event, microseconds: the way, the queue and the reading of the prompt.
    pub queue_us: f64,
    /// From there to the first text of any kind.
    pub first_text_us: f64,
    /// From the first reasoning text to the first visible one; 0 where there is no reasoning.
    pub thinking_us: f64,
    /// Median of the whole, from sending to the first visible text.
    pub visible_p50_us: u64,
    /// Its 95th percentile.
    pub visible_p95_us: u64,
}

/// One request whose two answers differ much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// Its pair in the records; `#` and a number where the id cannot be read once more (standard input).
    pub pair: String,
    /// When it arrived, microseconds since the Unix epoch.
    pub at_us: i64,
    /// Model that the baseline was asked for.
    pub model: String,
    /// Why it is here: `error`, `moderation`, `finish`, `form`, `text` (by scores of quality), `length`, `latency` or
    /// `cost` (beyond what the price lists make).
    pub kind: String,
    /// How much the two differ, 0 (not at all) to 1 (in everything), by the measure of its kind.
    pub difference: f64,
    /// Characters of the prompt.
    pub prompt_chars: u64,
    /// What the baseline answered.
    pub baseline: ExampleSide,
    /// What the candidate answered.
    pub candidate: ExampleSide,
}

/// One arm's answer in an [`Example`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExampleSide {
    /// Model that answered, else the one asked for.
    pub model: String,
    /// HTTP status; 0 without an answer.
    pub status: u16,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Finish reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// How the answer fails its form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_failure: Option<String>,
    /// Who intervened: `provider`, `guard` or `model`, with the categories where they are known (`guard: violence`), and
    /// several of them parted by `; `.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moderation: Option<String>,
    /// Characters of the visible answer.
    pub answer_chars: u64,
    /// From sending to the last byte, microseconds.
    pub duration_us: u64,
    /// Cost, decimal string in the bill's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
    /// The answer itself, if the records keep it and somebody asked for it: its first 4000 characters, and an ellipsis
    /// where there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}
