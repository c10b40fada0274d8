//! What one row says, as far as a metric asks. The same rules for pairs and for served traffic.

use crate::rows::{GuardSight, Names, Row};
use datasets::{Endpoint, Moderation};
use judge::metric::{Latency, Share, ShareSet};
use judge::policy::Policy;
use wire::ErrorKind;

/// Output tokens from which on a gap between tokens exists.
const TOKENS_WITH_A_GAP: u64 = 2;

/// Fixed limits of slowness, where the policy asks for them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    slow_ttft_us: Option<u64>,
    slow_duration_us: Option<u64>,
}

impl Limits {
    pub(super) fn of(policy: &Policy) -> Self {
        let asked = |share: Share, limit: u64| policy.share_margin(share).enabled.then_some(limit);
        Self {
            slow_ttft_us: asked(Share::SlowTtft, policy.guardrails.slow_ttft_us),
            slow_duration_us: asked(Share::SlowDuration, policy.guardrails.slow_duration_us),
        }
    }
}

/// The provider failed, and did not just block the content: a block is a decision, not a failure.
pub(crate) fn erred(row: &Row) -> bool {
    row.failed() && row.error != Some(ErrorKind::Moderation)
}

/// The provider's moderation blocked request or answer.
pub(crate) fn blocked(row: &Row) -> bool {
    row.error == Some(ErrorKind::Moderation) || row.moderation == Some(Moderation::BlockedByProvider)
}

/// Whether the endpoint answers with text, which has a form, an end and a quality. Vectors and categories have none of
/// these in common with it.
pub(crate) const fn answers_in_text(row: &Row) -> bool {
    match row.endpoint {
        Endpoint::Chat | Endpoint::Completions | Endpoint::Responses => true,
        Endpoint::Embeddings | Endpoint::Moderations => false,
    }
}

/// Time to the last byte of a row that is not untimed; a failure is infinitely slow.
pub(crate) fn duration(row: &Row) -> Option<u64> {
    (!row.failed()).then(|| row.duration_us())
}

/// Time to the first token; a failure is infinitely slow, even if some text had come.
pub(crate) fn ttft(row: &Row) -> Option<u64> {
    row.ttft_us().filter(|_| !row.failed())
}

/// Whether a first token can be asked of a row: it was streamed, and failed or has one. An answer without a first token
/// (tool calls alone, or nothing) says nothing about it, nor does one whose times nobody knows.
pub(crate) fn has_ttft(row: &Row) -> bool {
    row.streamed && !row.untimed() && (row.failed() || row.ttft_us().is_some())
}

/// Mean gap between the output tokens of a streamed answer, microseconds; `None` where there is none.
pub(crate) fn gap(row: &Row) -> Option<u64> {
    let tokens = row.usage().map_or(0, |usage| usage.completion);
    if !row.streamed || row.untimed() || row.failed() || tokens < TOKENS_WITH_A_GAP {
        return None;
    }
    Some(row.duration_us().checked_sub(row.ttft_us()?)? / (tokens - 1))
}

/// Which shares can be asked of a row by itself, and in which it was bad.
pub(super) fn shares(row: &Row, names: &Names, limits: Limits) -> (ShareSet, ShareSet) {
    let (mut asked, mut bad) = (ShareSet::default(), ShareSet::default());
    let mut ask = |share: Share, is_bad: bool| {
        asked.insert(share.slot());
        bad.insert_if(share.slot(), is_bad);
    };
    ask(Share::Errors, erred(row));
    ask(Share::RateLimited, matches!(row.error, Some(ErrorKind::RateLimit | ErrorKind::Quota)));
    if !erred(row) {
        ask(Share::Blocked, blocked(row));
    }
    if !row.failed() && answers_in_text(row) {
        let ending = names.ending(row.ending);
        ask(Share::Refusals, row.refused());
        if let Some(note) = ending.guard.filter(|note| note.sight.is_judged()) {
            ask(Share::GuardFlags, note.sight == GuardSight::Flagged);
        }
        ask(Share::AnswerFailures, ending.form_failure.is_some());
        ask(Share::Truncations, ending.finish_reason == Some("length"));
        if row.structured() {
            ask(Share::StructuredFailures, ending.form_failure.is_some());
        }
    }
    if let Some(limit) = limits.slow_ttft_us.filter(|_| has_ttft(row)) {
        ask(Share::SlowTtft, ttft(row).is_none_or(|ttft| ttft > limit));
    }
    if let Some(limit) = limits.slow_duration_us.filter(|_| !row.untimed()) {
        ask(Share::SlowDuration, duration(row).is_none_or(|duration| duration > limit));
    }
    (asked, bad)
}

/// Latencies that can be asked of a row by itself, by [`Latency::slot`].
pub(super) fn latencies(row: &Row) -> [Option<Option<u64>>; 3] {
    let mut values = [None; 3];
    // A failure is infinitely slow, but not where the answers beside it have no times: it would be all that is left.
    if row.untimed() {
        return values;
    }
    values[Latency::Ttft.slot()] = has_ttft(row).then(|| ttft(row));
    values[Latency::Duration.slot()] = Some(duration(row));
    values[Latency::InterToken.slot()] = if row.failed() { row.streamed.then_some(None) } else { gap(row).map(Some) };
    values
}
