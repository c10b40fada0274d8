//! The usage of a call that has ended: the provider's report, or an estimate where the report was lost.
//!
//! **Who is billed.** A provider bills what it worked on, whether or not anybody read the answer, and nothing that it refused:
//!
//! | how a call ended | billed | why |
//! | --- | --- | --- |
//! | with a report | as reported | the provider counted |
//! | with an answer and no report | prompt and what came | it was served; moderations are free |
//! | `client_cancelled`, `gateway_stopped`, `timeout`, `truncated`, `malformed` | prompt and what came | it was under way, or nobody knows that it was not |
//! | the same with a status of an error (408, 504, a redirect) | nothing | refused before any work |
//! | `rate_limit`, `quota`, `auth`, `bad_request`, `not_found`, `moderation` | nothing | refused before any work |
//! | `overloaded`, `server` | nothing | failed requests are not billed |
//! | any of these inside an answer that had begun | prompt and what came | what was written before was served |
//! | `connect`, `gateway_busy` | nothing | nothing reached the provider, or no answer began |
//!
//! **How much.** The prompt is [`Tally`]. What came is everything that was seen written: text, reasoning, calls. A provider may
//! also write unseen: an answer that is not streamed comes only when it is complete, and OpenAI does not show its models'
//! reasoning. That counts 50 tokens for each second of silence (`gpt-4o` class models write 40 to 100), at most what the request
//! allows, and 4,096 where it names no bound. A provider that merely hung is thereby estimated too high, never too low; the
//! mark on the record says that it is an estimate. Cached tokens are unknown, so all of the prompt is priced as not cached.

use super::tally::{Effort, Tally};
use super::tokens::Vocabulary;
use super::{Usage, UsageSource};
use crate::chat::Answer;
use crate::endpoint::Endpoint;
use crate::error::ErrorKind;

/// Tokens that a provider writes in a second while nobody sees it.
const UNSEEN_TOKENS_PER_SECOND: u64 = 50;
/// Most tokens that are believed to have been written unseen where the request names no bound.
const UNSEEN_TOKENS_MAX: u64 = 4096;

/// A call that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// Provider name.
    pub provider: &'a str,
    /// Model that was asked for.
    pub model: &'a str,
    /// Where it was sent.
    pub endpoint: Endpoint,
    /// The client asked for a stream.
    pub streamed: bool,
    /// What is billed of the prompt.
    pub prompt: &'a Tally,
    /// Most completion tokens that the request allows, all choices together.
    pub completion_max: Option<u64>,
    /// HTTP status, 0 for none.
    pub status: u16,
    /// Why it failed.
    pub error: Option<ErrorKind>,
    /// What was read of the answer.
    pub answer: Option<&'a Answer>,
    /// From sending to the first text of a stream, microseconds.
    pub ttft_us: Option<u64>,
    /// From sending to the end, microseconds.
    pub duration_us: u64,
}

impl Ended<'_> {
    /// The report, or the estimate where it was lost; `None` for a call that costs nothing. See the module's text.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        if let Some(usage) = self.answer.and_then(|answer| answer.usage) {
            return Some(usage);
        }
        if !self.is_billed() {
            return None;
        }
        let prompt = self.prompt.tokens(self.provider, self.model);
        Some(Usage::new(prompt, self.completion(), UsageSource::Estimate))
    }

    fn is_billed(&self) -> bool {
        if self.endpoint == Endpoint::Moderations {
            return false;
        }
        let refused = self.status != 0 && ErrorKind::of_status(self.status).is_some();
        match self.error {
            None => self.answer.is_some(),
            Some(
                ErrorKind::ClientCancelled
                | ErrorKind::GatewayStopped
                | ErrorKind::Timeout
                | ErrorKind::Truncated
                | ErrorKind::Malformed,
            ) => !refused,
            Some(ErrorKind::Connect | ErrorKind::GatewayBusy) => false,
            Some(
                ErrorKind::RateLimit
                | ErrorKind::Quota
                | ErrorKind::Auth
                | ErrorKind::BadRequest
                | ErrorKind::NotFound
                | ErrorKind::Moderation
                | ErrorKind::Overloaded
                | ErrorKind::Server,
            ) => self.written() > 0,
        }
    }

    /// Tokens that were seen written.
    fn written(&self) -> u64 {
        let vocabulary = Vocabulary::of(self.provider, self.model);
        self.answer.map_or(0, |answer| answer.written.count(vocabulary))
    }

    fn completion(&self) -> u64 {
        if self.endpoint == Endpoint::Embeddings {
            return 0;
        }
        let written = self.written();
        let unseen = self.unseen(written).min(self.completion_max.unwrap_or(UNSEEN_TOKENS_MAX));
        written.saturating_add(unseen).min(self.completion_max.unwrap_or(u64::MAX))
    }

    /// Tokens that may have been written unseen, beside those that were seen.
    fn unseen(&self, written: u64) -> u64 {
        let hides = self.hides_reasoning();
        let tokens = |us: u64| us.saturating_mul(UNSEEN_TOKENS_PER_SECOND) / 1_000_000;
        match self.ttft_us {
            Some(silent_us) if hides => tokens(silent_us),
            Some(_) => 0,
            None if hides || (!self.streamed && self.error.is_some()) => {
                tokens(self.duration_us).saturating_sub(written)
            }
            None => 0,
        }
    }

    /// Whether the model thinks and does not show it.
    fn hides_reasoning(&self) -> bool {
        if self.provider != "openai" || !matches!(self.endpoint, Endpoint::Chat | Endpoint::Responses) {
            return false;
        }
        let is = |family: &str| {
            let rest = self.model.strip_prefix(family);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) && !self.model.contains("-chat")
        };
        // Those before GPT-5.1 think unless they are told not to; later ones only if they are told to.
        match self.prompt.effort {
            Effort::Off => false,
            Effort::On => true,
            Effort::Unsaid => ["o1", "o3", "o4", "gpt-5"].into_iter().any(is),
        }
    }
}

/// Why the provider's report is missing, as a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Loss {
    /// The answer came, and no report with it that could be read.
    NotReported,
    /// The client went away before the report.
    ClientLeft,
    /// The gateway stopped.
    GatewayStopped,
    /// A deadline passed.
    Timeout,
    /// The provider broke the answer off.
    BrokenOff,
    /// The answer could not be read.
    Unreadable,
    /// The provider failed inside its answer.
    ProviderFailed,
}

impl Loss {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NotReported,
        Self::ClientLeft,
        Self::GatewayStopped,
        Self::Timeout,
        Self::BrokenOff,
        Self::Unreadable,
        Self::ProviderFailed,
    ];

    /// Why a usage is an estimate, by how its call ended; `None` for one that the provider counted.
    #[must_use]
    pub fn of(usage: &Usage, error: Option<ErrorKind>) -> Option<Self> {
        if usage.source == UsageSource::Provider {
            return None;
        }
        Some(match error {
            None => Self::NotReported,
            Some(ErrorKind::ClientCancelled) => Self::ClientLeft,
            Some(ErrorKind::GatewayStopped) => Self::GatewayStopped,
            Some(ErrorKind::Timeout) => Self::Timeout,
            Some(ErrorKind::Truncated) => Self::BrokenOff,
            Some(ErrorKind::Malformed) => Self::Unreadable,
            Some(_) => Self::ProviderFailed,
        })
    }

    /// The name in metrics and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotReported => "not_reported",
            Self::ClientLeft => "client_left",
            Self::GatewayStopped => "gateway_stopped",
            Self::Timeout => "timeout",
            Self::BrokenOff => "broken_off",
            Self::Unreadable => "unreadable",
            Self::ProviderFailed => "provider_failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Fold;
    use crate::usage::Tokens;

    const PROMPT: Tally = Tally { text: Tokens::NONE, pictures: 1, pictures_rough: 1, effort: Effort::Unsaid };

    fn answer(chunks: &[&str]) -> Answer {
        let mut fold = Fold::new(Endpoint::Chat, 0);
        chunks.iter().for_each(|chunk| {
            fold.chunk(chunk);
        });
        fold.answer()
    }

    fn ended<'a>(error: Option<ErrorKind>, status: u16, answer: Option<&'a Answer>) -> Ended<'a> {
        Ended {
            provider: "deepseek",
            model: "deepseek-flash",
            endpoint: Endpoint::Chat,
            streamed: true,
            prompt: &PROMPT,
            completion_max: None,
            status,
            error,
            answer,
            ttft_us: None,
            duration_us: 10_000_000,
        }
    }

    #[test]
    fn what_is_billed_is_what_was_worked_on() {
        use ErrorKind::*;
        let begun = answer(&[r#"{"choices":[{"delta":{"content":"four words of text"}}]}"#]);
        let empty = answer(&[r#"{"choices":[{"delta":{"role":"assistant"}}]}"#]);
        let counts =
            |error, status, answer| ended(error, status, answer).usage().map(|usage| (usage.prompt, usage.completion));
        for kind in [ClientCancelled, GatewayStopped, Timeout, Truncated, Malformed] {
            assert_eq!(counts(Some(kind), 0, None), Some((85, 0)), "{kind:?}");
            assert_eq!(counts(Some(kind), 200, Some(&begun)), Some((85, 4)), "{kind:?}");
            assert_eq!(counts(Some(kind), 504, None), None, "{kind:?}");
        }
        for kind in [RateLimit, Quota, Auth, BadRequest, NotFound, Moderation, Overloaded, Server] {
            assert_eq!(counts(Some(kind), 0, None), None, "{kind:?}");
            assert_eq!(counts(Some(kind), 200, Some(&empty)), None, "{kind:?}");
            assert_eq!(counts(Some(kind), 200, Some(&begun)), Some((85, 4)), "{kind:?}");
        }
        for kind in [Connect, GatewayBusy] {
            assert_eq!(counts(Some(kind), 0, None), None, "{kind:?}");
        }
        assert_eq!(counts(None, 200, Some(&begun)), Some((85, 4)));
        let free = Ended { endpoint: Endpoint::Moderations, ..ended(None, 200, Some(&begun)) };
        assert_eq!(free.usage(), None);
        let embedding = Ended { endpoint: Endpoint::Embeddings, ..ended(None, 200, Some(&begun)) };
        assert_eq!(embedding.usage().unwrap().completion, 0);
    }

    #[test]
    fn a_report_is_never_estimated_over() {
        let reported = answer(&[
            r#"{"choices":[{"delta":{"content":"a long text that came"}}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":1}}"#,
        ]);
        for error in [None, Some(ErrorKind::Truncated), Some(ErrorKind::Server), Some(ErrorKind::RateLimit)] {
            let usage = ended(error, 200, Some(&reported)).usage().unwrap();
            assert_eq!((usage.prompt, usage.completion, usage.source), (7, 1, UsageSource::Provider));
            assert_eq!(Loss::of(&usage, error), None);
        }
    }

    #[test]
    fn what_is_written_unseen_counts_by_time_and_never_beyond_what_is_allowed() {
        let left = Some(ErrorKind::ClientCancelled);
        let of = |ended: Ended<'_>| ended.usage().unwrap().completion;
        let shown = ended(left, 0, None);
        assert_eq!(of(shown), 0, "what DeepSeek thinks would have been seen");
        let whole = Ended { streamed: false, ..shown };
        assert_eq!(of(whole), 500);
        assert_eq!(of(Ended { completion_max: Some(20), ..whole }), 20);
        assert_eq!(of(Ended { duration_us: u64::MAX, ..whole }), 4096);
        let hidden = Ended { provider: "openai", model: "o3-mini", ..shown };
        assert_eq!(of(hidden), 500);
        assert_eq!(of(Ended { model: "gpt-5-nano", ..hidden }), 500);
        for model in ["gpt-4o", "gpt-5.4", "gpt-5-chat-latest", "o30"] {
            assert_eq!(of(Ended { model, ..hidden }), 0, "{model}");
        }
        let thinking = Tally { effort: Effort::On, ..PROMPT };
        assert_eq!(of(Ended { model: "gpt-5.4", prompt: &thinking, ..hidden }), 500);
        let plain = Tally { effort: Effort::Off, ..PROMPT };
        assert_eq!(of(Ended { prompt: &plain, ..hidden }), 0);
        // It thought until its first word.
        let begun = answer(&[r#"{"choices":[{"delta":{"content":"four words of text"}}]}"#]);
        assert_eq!(of(Ended { answer: Some(&begun), ttft_us: Some(2_000_000), ..hidden }), 104);
    }

    #[test]
    fn pictures_cost_a_small_model_as_many_dollars() {
        let tally = Tally { pictures: 3, pictures_rough: 1, ..Tally::default() };
        assert_eq!(tally.tokens("openai", "gpt-4o"), 2 * 765 + 85);
        assert_eq!(tally.tokens("openai", "gpt-4o-mini"), (2 * 765 + 85) * 34);
        assert_eq!(tally.tokens_most(["gpt-4o"]), tally.tokens("deepseek", "gpt-4o"));
        assert_eq!(tally.tokens_most(["gpt-4o", "gpt-4o-mini"]), tally.tokens("openai", "gpt-4o-mini"));
    }

    #[test]
    fn every_loss_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Loss::ALL.iter().map(|loss| loss.name()).collect();
        assert_eq!(names.len(), Loss::ALL.len());
        let usage = Usage::new(1, 0, UsageSource::Estimate);
        assert_eq!(Loss::of(&usage, Some(ErrorKind::ClientCancelled)), Some(Loss::ClientLeft));
        assert_eq!(Loss::of(&usage, None), Some(Loss::NotReported));
    }
}
