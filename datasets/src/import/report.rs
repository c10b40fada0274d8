//! What came in, what was left out, and what was removed on the way.

mod text;

use super::format::Field;
use serde::Serialize;
use std::collections::BTreeMap;
use wire::Usage;
use wire::price::Tier;

/// Examples of skipped rows that are kept.
const SKIPS_MAX: usize = 20;

/// A row that was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// File, line, member and cause, as the error says it.
    pub message: String,
}

/// The account of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Requests that came through.
    pub requests: u64,
    /// Rows that could not be used.
    pub skipped: u64,
    /// The first of them.
    pub skips: Vec<Skip>,
    /// Rows that are sound but no calls that can be played, such as health checks, images, or spans of other work.
    pub passed_over: u64,
    /// Rows that stood behind a later one.
    pub out_of_order: u64,
    /// How many requests have each member filled from the log.
    pub filled: BTreeMap<Field, u64>,
    /// What was removed, by kind of secret or personal data.
    pub redacted: BTreeMap<&'static str, u64>,
    /// Requests from which something was removed.
    pub requests_redacted: u64,
    /// Requests whose prompt was made up because the log has none.
    pub prompts_made: u64,
    /// What was decided about the log as a whole, such as the grid on which its clock stands.
    pub notes: Vec<String>,
}

impl Report {
    pub(crate) fn skip(&mut self, message: String) {
        self.skipped += 1;
        if self.skips.len() < SKIPS_MAX {
            self.skips.push(Skip { message });
        }
    }

    pub(crate) fn fill(&mut self, field: Field, present: bool) {
        if present {
            *self.filled.entry(field).or_default() += 1;
        }
    }
}

impl Report {
    /// What the request and its recorded answer have, beyond id, time and prompt.
    pub(crate) fn fill_from(&mut self, request: &crate::LoggedRequest) {
        self.fill(Field::Session, request.session.is_some());
        self.fill(Field::Consumer, request.consumer.is_some());
        let Some(recorded) = &request.recorded else { return };
        self.fill(Field::Answered, true);
        self.fill(Field::Ttft, recorded.ttft_us.is_some());
        self.fill(Field::Duration, recorded.duration_us.is_some());
        self.fill(Field::Usage, recorded.usage.is_some());
        self.fill(Field::Cached, recorded.usage.is_some_and(|usage| usage.cached.is_some()));
        let part = |of: fn(&Usage) -> bool| recorded.usage.as_ref().is_some_and(of);
        self.fill(Field::CacheWrite, part(|usage| usage.cache_write.is_some()));
        self.fill(Field::Audio, part(|usage| usage.prompt_audio.is_some() || usage.completion_audio.is_some()));
        self.fill(Field::Image, part(|usage| usage.prompt_image.is_some()));
        self.fill(Field::Reasoning, part(|usage| usage.reasoning.is_some()));
        self.fill(Field::Tier, recorded.tier != Tier::Standard);
        self.fill(Field::Cost, recorded.cost_nanos.is_some());
        self.fill(Field::Answer, recorded.answer.is_some());
        self.fill(Field::Tools, !recorded.tools.is_empty());
        self.fill(Field::FinishReason, recorded.finish_reason.is_some());
        self.fill(Field::Error, recorded.error.is_some());
    }
}
