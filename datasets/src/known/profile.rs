//! A profile: every effect that the records shall have.
//!
//! The commented default (`profile.default.toml`) is the reference of all keys and their units. A profile is laid over
//! it strictly: an unknown key would be an effect that somebody believes in and the records do not have.

mod limits;
mod read;

use serde::Deserialize;

/// The default profile with all its comments, as TOML.
pub const DEFAULT_TOML: &str = include_str!("profile.default.toml");

/// A validated profile. Names and units are those of the TOML file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Profile {
    /// Name of the migration.
    pub migration: String,
    /// When the first request arrives, RFC 3339.
    pub start: String,
    /// Arrivals and what is asked.
    pub traffic: Traffic,
    /// Who asks.
    pub consumers: Consumers,
    /// Stretches of constant weight.
    pub epochs: Vec<Epoch>,
    /// Mirrored copies.
    pub mirror: Mirror,
    /// What both arms have in common.
    pub prompts: Prompts,
    /// The baseline.
    pub baseline: Behaviour,
    /// The candidate.
    pub candidate: Behaviour,
    /// Scores.
    pub quality: Quality,
    /// How much answers differ.
    pub answers: Answers,
    /// The gateway's guard.
    pub guard: Guard,
    /// What shows only under load.
    pub load: Load,
    /// Effects that come and go.
    #[serde(default)]
    pub drift: Vec<Drift>,
}

/// Arrivals and what is asked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the default profile says what each key means")]
pub struct Traffic {
    pub requests_per_hour: f64,
    pub daily_swing: f64,
    pub busiest_hour: f64,
    pub streamed_share: f64,
    pub structured_share: f64,
    pub tool_share: f64,
    pub wide_share: f64,
    pub prompt_chars: f64,
    pub prompt_sigma: f64,
}

/// What the weight is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssignBy {
    /// A conversation.
    Conversation,
    /// A consumer.
    Consumer,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the default profile says what each key means")]
pub struct Consumers {
    pub count: usize,
    pub zipf: f64,
    pub conversation_requests: f64,
    pub assign_by: AssignBy,
    pub error_sigma: f64,
    pub latency_sigma: f64,
    pub effect_sigma: f64,
}

/// A stretch of constant weight.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the default profile says what each key means")]
pub struct Epoch {
    pub weight_percent: f64,
    pub hours: f64,
}

/// What becomes of a copy that is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropAs {
    /// It was sent and has no record.
    Lost,
    /// The request's record says that there was no room.
    QueueFull,
}

/// Mirrored copies.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the default profile says what each key means")]
pub struct Mirror {
    pub share_percent: f64,
    pub lost: f64,
    pub queue_full: f64,
    pub long_drop: f64,
    pub long_from_chars: f64,
    pub long_full_chars: f64,
    pub long_drop_as: DropAs,
    pub repeat: f64,
}

/// What both arms have in common.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the default profile says what each key means")]
pub struct Prompts {
    pub bad_share: f64,
    pub failing_share: f64,
    pub ttft_sigma: f64,
    pub tokens_sigma: f64,
}

/// How a block shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlockAs {
    /// Finish reason `content_filter`.
    Filter,
    /// Refused with status 400.
    Error,
}

/// One arm.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the default profile says what each key means")]
pub struct Behaviour {
    pub provider: String,
    pub model: String,
    pub cancelled: f64,
    pub error: f64,
    pub rate_limited: f64,
    pub timeout: f64,
    pub blocks_bad: f64,
    pub blocked: f64,
    pub block_as: BlockAs,
    pub refused: f64,
    pub truncated: f64,
    pub structured_failure: f64,
    pub ttft_ms: f64,
    pub ttft_sigma: f64,
    pub token_ms: f64,
    pub token_sigma: f64,
    pub first_event_share: f64,
    pub thinking_share: f64,
    pub slow_share: f64,
    pub slow_factor: f64,
    pub latency_ratio: f64,
    pub tokens: f64,
    pub tokens_sigma: f64,
    pub tokens_ratio: f64,
    pub prompt_tokens_ratio: f64,
    pub prompt_tokens_ratio_wide: f64,
    pub cached_share: f64,
    pub quality: f64,
    pub guard_flags_bad: f64,
    pub guard_flags: f64,
    pub guard_category: String,
    pub guard_failed: f64,
    pub guard_unseen: f64,
}

/// Scores.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the default profile says what each key means")]
pub struct Quality {
    pub share: f64,
    pub spread: f64,
    pub shared: f64,
}

/// How much answers differ.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the default profile says what each key means")]
pub struct Answers {
    pub repeat_disagreement: f64,
    pub candidate_disagreement: f64,
    pub repeat_tool_disagreement: f64,
    pub candidate_tool_disagreement: f64,
}

/// The gateway's guard.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the default profile says what each key means")]
pub struct Guard {
    pub enabled: bool,
    pub category_bad: String,
    pub flags_requests: f64,
    pub failure: String,
}

/// What the candidate shows only under load.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the default profile says what each key means")]
pub struct Load {
    pub above_percent: f64,
    pub error: f64,
    pub rate_limited: f64,
    pub latency_ratio: f64,
}

/// Whom a drift is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whom {
    /// The baseline alone.
    Baseline,
    /// The candidate alone.
    Candidate,
    /// Both arms.
    Both,
}

/// An effect that comes and goes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[expect(missing_docs, reason = "the default profile says what each key means")]
pub struct Drift {
    pub arm: Whom,
    pub from_hour: f64,
    pub hours: f64,
    pub daily: bool,
    pub error: f64,
    pub latency_ratio: f64,
}

/// What is wrong with a profile: one line a problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.join("\n"))]
pub struct ProfileError {
    /// Each names the line, the key, what was found and what was expected.
    pub problems: Vec<String>,
}

impl Profile {
    /// Reads a profile, laid over the default. An empty text is the default.
    ///
    /// # Errors
    /// All problems at once, each with its line: no TOML, an unknown key with the nearest known one, a value of the
    /// wrong kind or out of its range.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let (profile, lines) = read::over_default(text)?;
        let problems = limits::check(&profile);
        if problems.is_empty() {
            return Ok(profile);
        }
        let told = |problem: &limits::Problem| lines.tell(&problem.key, &problem.message);
        Err(ProfileError { problems: problems.iter().map(told).collect() })
    }

    /// When the first request arrives, microseconds since the Unix epoch.
    #[must_use]
    pub fn start_us(&self) -> i64 {
        self.start.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_microsecond)
    }
}
