//! How a mock behaves: its waits, its lengths, its faults. Plain data, readable from TOML, buildable in code.
//!
//! A profile says nothing about *what* is answered (see [`crate::Script`]) and holds no state. All fields are public;
//! write `Profile { time_scale: 0.1, ..Profile::deepseek() }` and the server checks the result when it starts.

mod measured;
mod read;
pub(crate) mod world;

use std::collections::BTreeMap;

use rand::RngExt;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};
use wire::provider::Provider;

use crate::dice::Dice;

pub(crate) use measured::draw;
pub use measured::{GapBand, Measured, SHARES};
pub use read::ProfileError;
pub use world::{Account, Checkpoint, Peak, Price};

/// The behaviour of one mock provider. `Default` waits for nothing and never fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// The profile a file builds on; used only while reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// Factor on every wait; 0 means no waiting at all.
    pub time_scale: f64,
    /// Share of requests whose waits are all `slow_factor` times as long, 0..=1.
    pub slow_share: f64,
    /// See `slow_share`.
    pub slow_factor: f64,
    /// Tokens carried by one streamed chunk, at least 1.
    pub tokens_per_chunk: u32,
    /// Share of requests that wait `queue_ms` before the model starts, 0..=1.
    pub queue_share: f64,
    /// See `queue_share`; milliseconds.
    pub queue_ms: u64,
    /// Distance between keep-alive signs while queued, milliseconds; 0 sends none. DeepSeek only.
    pub keep_alive_ms: u64,
    /// A request that would be queued longer is not answered: its connection is closed after this time, milliseconds; 0
    /// means that it waits for ever.
    pub queue_limit_ms: u64,
    /// Share of the prompt's tokens reported as cache hits, 0..=1, where a recorded answer does not say.
    pub cached_share: f64,
    /// Cache hits are rounded down to a multiple of this, at least 1.
    pub cache_block_tokens: u64,
    /// Fewer cache hits than this are reported as none.
    pub cache_tokens_min: u64,
    /// Whether cache hits are those of a prefix cache that remembers earlier requests, instead of a share. The second thing
    /// here that depends on what else is asked.
    pub prefix_cache: bool,
    /// Whether DeepSeek's withdrawn model names are still served.
    pub serves_retired_names: bool,
    /// Whether models whose last day is over by the mock's clock are refused; OpenAI only.
    pub retires_models_by_date: bool,
    /// Whether prompts and answers are filtered by what they say: a prompt that the moderation's word list flags meets
    /// `prompt_filter`, an answer `answer_filter`.
    pub filters_content: bool,
    /// Whether error bodies are labelled `application/octet-stream`, as now and then at DeepSeek.
    pub unlabelled_errors: bool,
    /// Whether `max_completion_tokens` is ignored; the compatible server only. DeepSeek always ignores it.
    pub ignores_max_completion_tokens: bool,
    /// Advice to wait in 429 and 503 answers, milliseconds; OpenAI only, because DeepSeek gives none.
    pub retry_after_ms: u64,
    /// Requests in flight beyond which a 429 is answered; 0 means no limit. It depends on timing.
    pub concurrency_max: u64,
    /// The same for single models, by the name that answers report.
    pub concurrency_by_model: BTreeMap<String, u64>,
    /// Time from the arrival of a request (after its queue time) to the first token.
    pub first_token: Latency,
    /// Time between one streamed chunk and the next. An unstreamed answer takes as long as its chunks would have.
    pub gap: Latency,
    /// Length of generated answers.
    pub answer: Length,
    /// Length of generated reasoning, shown by DeepSeek while thinking.
    pub reasoning: Length,
    /// What goes wrong, and how often.
    pub faults: Faults,
    /// Times and lengths as measured, in the place of the formulas above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// The same for single models, by the name that requests give.
    pub measured_by_model: BTreeMap<String, Measured>,
    /// Busy hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak: Option<Peak>,
    /// Money; without an account there is always enough of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// A change of the model behind its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
}

/// A log-normal time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Half of the draws are below this, milliseconds.
    pub median_ms: f64,
    /// Standard deviation of the logarithm; 0 gives the median always, 0.5 puts the 95th percentile at 2.3 medians.
    pub sigma: f64,
}

/// A log-normal number of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Length {
    /// Half of the draws are below this, tokens.
    pub median_tokens: f64,
    /// Standard deviation of the logarithm.
    pub sigma: f64,
    /// Longer draws are cut to this, tokens.
    pub tokens_max: u64,
}

/// Shares of requests, each 0..=1 and together at most 1, that meet a fault. A request meets at most one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Status 402, "Insufficient Balance".
    pub error_402: f64,
    /// Status 429: OpenAI with advice to wait, DeepSeek without.
    pub error_429: f64,
    /// Status 500.
    pub error_500: f64,
    /// Status 503.
    pub error_503: f64,
    /// The connection is reset before any byte of the answer.
    pub reset: f64,
    /// The answer stops in the middle; the connection stays open.
    pub stall: f64,
    /// The answer ends in the middle as though complete, without finish chunk and `[DONE]`.
    pub truncate: f64,
    /// The answer is complete, but its stream ends without `[DONE]`; others are left alone.
    pub no_done: f64,
    /// The connection breaks in the middle of the answer.
    pub abort: f64,
    /// An error event in the middle of a stream, then its end; status 500 if not streaming.
    pub error_event: f64,
    /// One chunk, or the unstreamed body, is not valid JSON.
    pub bad_json: f64,
    /// OpenAI: the answer is cut with finish reason `content_filter`. DeepSeek: status 400, "Content Exists Risk".
    pub content_filter: f64,
    /// The prompt is refused for what it says. DeepSeek: status 400, "Content Exists Risk". OpenAI: status 400,
    /// `invalid_prompt`.
    pub prompt_filter: f64,
    /// The answer is cut in the middle for what it says: finish reason `content_filter`, at every provider.
    pub answer_filter: f64,
    /// The answer is cut in the middle with finish reason `length`.
    pub length: f64,
    /// The answer is cut in the middle with finish reason `insufficient_system_resource`.
    pub insufficient_system_resource: f64,
    /// The answer is cut in the middle with finish reason `aborted`.
    pub aborted: f64,
    /// Status 200 and then an error: as the body behind blank lines, or as the only event of a stream.
    pub late_error: f64,
    /// Tool calls appear as markup in the text, with finish reason `stop`; other answers are left alone.
    pub tool_leak: f64,
    /// The model declines: `refusal` instead of content.
    pub refusal: f64,
    /// Finish reason `stop` and no text.
    pub empty: f64,
}

/// One kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the field of `Faults` with the same name, documented there")]
pub enum Fault {
    Error402,
    Error429,
    Error500,
    Error503,
    Reset,
    Stall,
    Truncate,
    NoDone,
    Abort,
    ErrorEvent,
    BadJson,
    ContentFilter,
    PromptFilter,
    AnswerFilter,
    Length,
    InsufficientResource,
    Aborted,
    LateError,
    ToolLeak,
    Refusal,
    Empty,
}

/// Names of the profiles that come with the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Base {
    /// [`Profile::openai`].
    OpenAi,
    /// [`Profile::deepseek`].
    DeepSeek,
    /// [`Profile::compatible`].
    Compatible,
    /// [`Profile::moderation`].
    Moderation,
    /// [`Profile::instant`].
    Instant,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            base: None,
            time_scale: 0.0,
            slow_share: 0.0,
            slow_factor: 1.0,
            tokens_per_chunk: 1,
            queue_share: 0.0,
            queue_ms: 0,
            keep_alive_ms: 0,
            queue_limit_ms: 0,
            cached_share: 0.0,
            cache_block_tokens: 1,
            cache_tokens_min: 0,
            prefix_cache: false,
            serves_retired_names: false,
            retires_models_by_date: false,
            filters_content: false,
            unlabelled_errors: false,
            ignores_max_completion_tokens: false,
            retry_after_ms: 200,
            concurrency_max: 0,
            concurrency_by_model: BTreeMap::new(),
            first_token: Latency { median_ms: 300.0, sigma: 0.4 },
            gap: Latency { median_ms: 15.0, sigma: 0.4 },
            answer: Length { median_tokens: 60.0, sigma: 0.5, tokens_max: 400 },
            reasoning: Length { median_tokens: 40.0, sigma: 0.5, tokens_max: 400 },
            faults: Faults::default(),
            measured: None,
            measured_by_model: BTreeMap::new(),
            peak: None,
            account: None,
            checkpoint: None,
        }
    }
}

impl Profile {
    /// No waits and no faults: for tests.
    #[must_use]
    pub fn instant() -> Self {
        Self::default()
    }

    /// The realistic profile of a provider.
    #[must_use]
    pub fn of(provider: Provider) -> Self {
        match provider {
            Provider::OpenAi => Self::openai(),
            Provider::DeepSeek => Self::deepseek(),
            Provider::Compatible => Self::compatible(),
        }
    }

    /// OpenAI on an ordinary day: about 0.4 s to the first token, 80 tokens a second.
    #[must_use]
    pub fn openai() -> Self {
        read::embedded(Base::OpenAi)
    }

    /// DeepSeek on an ordinary day: slower to start, sometimes queued, thinking unless told not to.
    #[must_use]
    pub fn deepseek() -> Self {
        read::embedded(Base::DeepSeek)
    }

    /// A compatible server in the same building: quick to start, slower from token to token.
    #[must_use]
    pub fn compatible() -> Self {
        read::embedded(Base::Compatible)
    }

    /// A moderation service: about 0.12 s for a judgement.
    #[must_use]
    pub fn moderation() -> Self {
        read::embedded(Base::Moderation)
    }

    /// OpenAI for the demonstration: realistic in proportion, ten times as fast, four tokens a chunk, and now and then
    /// at fault.
    #[must_use]
    pub fn demo_openai() -> Self {
        let openai = Self::openai();
        let gap = Latency { median_ms: 48.0, ..openai.gap };
        let faults = Faults { error_500: 0.002, ..Faults::default() };
        Self { time_scale: 0.1, tokens_per_chunk: 4, gap, faults, ..openai }
    }

    /// A DeepSeek for the demonstration that is as good as [`Profile::demo_openai`]: a shade faster, as rarely at fault.
    #[must_use]
    pub fn demo_deepseek() -> Self {
        let openai = Self::demo_openai();
        let first_token = Latency { median_ms: 400.0, ..openai.first_token };
        let gap = Latency { median_ms: 45.0, ..openai.gap };
        let faults = Faults { error_503: 0.002, ..Faults::default() };
        let Self { time_scale, tokens_per_chunk, slow_share, slow_factor, .. } = openai;
        let queue_share = 0.0;
        Self {
            time_scale,
            tokens_per_chunk,
            slow_share,
            slow_factor,
            queue_share,
            first_token,
            gap,
            faults,
            ..Self::deepseek()
        }
    }

    /// A DeepSeek that must not be promoted: slow, overloaded, cutting answers short.
    #[must_use]
    pub fn regressed_deepseek() -> Self {
        let faults = Faults { error_503: 0.03, error_429: 0.02, truncate: 0.01, length: 0.04, ..Faults::default() };
        let first_token = Latency { median_ms: 2500.0, sigma: 0.8 };
        Self { faults, first_token, slow_share: 0.1, ..Self::demo_deepseek() }
    }
}

impl Latency {
    /// One draw, milliseconds: `median * exp(sigma * z)` with a standard normal `z`.
    #[must_use]
    pub(crate) fn draw_ms(self, dice: &mut Dice) -> f64 {
        self.median_ms * (self.sigma * dice.sample::<f64, _>(StandardNormal)).exp()
    }
}

impl Length {
    /// One draw, tokens; at least 1 unless the median is 0.
    #[must_use]
    pub(crate) fn draw_tokens(self, dice: &mut Dice) -> u64 {
        let factor = (self.sigma * dice.sample::<f64, _>(StandardNormal)).exp();
        if self.median_tokens <= 0.0 {
            return 0;
        }
        // The cast saturates; the value is positive and finite after validation.
        ((self.median_tokens * factor).round() as u64).clamp(1, self.tokens_max.max(1))
    }
}

impl Faults {
    /// Every fault with its share, in the order in which they divide the unit interval.
    #[must_use]
    pub fn shares(&self) -> [(Fault, f64); 21] {
        [
            (Fault::Error402, self.error_402),
            (Fault::Error429, self.error_429),
            (Fault::Error500, self.error_500),
            (Fault::Error503, self.error_503),
            (Fault::Reset, self.reset),
            (Fault::Stall, self.stall),
            (Fault::Truncate, self.truncate),
            (Fault::Abort, self.abort),
            (Fault::ErrorEvent, self.error_event),
            (Fault::BadJson, self.bad_json),
            (Fault::ContentFilter, self.content_filter),
            (Fault::Length, self.length),
            (Fault::InsufficientResource, self.insufficient_system_resource),
            (Fault::Aborted, self.aborted),
            (Fault::LateError, self.late_error),
            (Fault::ToolLeak, self.tool_leak),
            (Fault::Refusal, self.refusal),
            (Fault::Empty, self.empty),
            (Fault::NoDone, self.no_done),
            (Fault::PromptFilter, self.prompt_filter),
            (Fault::AnswerFilter, self.answer_filter),
        ]
    }

    /// Draws the fault of one request, if any.
    pub(crate) fn draw(&self, dice: &mut Dice) -> Option<Fault> {
        let mut left: f64 = dice.random();
        for (fault, share) in self.shares() {
            if left < share {
                return Some(fault);
            }
            left -= share;
        }
        None
    }
}

impl Fault {
    /// The key of this fault in a profile.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error402 => "error_402",
            Self::Error429 => "error_429",
            Self::Error500 => "error_500",
            Self::Error503 => "error_503",
            Self::Reset => "reset",
            Self::Stall => "stall",
            Self::Truncate => "truncate",
            Self::NoDone => "no_done",
            Self::Abort => "abort",
            Self::ErrorEvent => "error_event",
            Self::BadJson => "bad_json",
            Self::ContentFilter => "content_filter",
            Self::PromptFilter => "prompt_filter",
            Self::AnswerFilter => "answer_filter",
            Self::Length => "length",
            Self::InsufficientResource => "insufficient_system_resource",
            Self::Aborted => "aborted",
            Self::LateError => "late_error",
            Self::ToolLeak => "tool_leak",
            Self::Refusal => "refusal",
            Self::Empty => "empty",
        }
    }
}

#[cfg(test)]
mod tests;
