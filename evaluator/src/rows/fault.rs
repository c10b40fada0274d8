//! Why a row cannot be true.
//!
//! A clock that jumped or a broken recorder must not become a fast answer. Timings of *failed* exchanges are not
//! looked at: they never enter a latency (a failure counts as infinitely slow), and refusing a failure because of its
//! odd timing would hide it. Nor are those of answers from a log that does not tell them.

use super::fields::Fields;
use super::packed::{Optional24, Optional32};
use datasets::FromLog;
use wire::Usage;

/// Longest exchange that is believed, microseconds: 24 hours.
const DURATION_US_MAX: u64 = 24 * 3_600 * 1_000_000;
/// How much later than the end the first token may lie, microseconds: two readings of one clock.
const TTFT_TOLERANCE_US: u64 = 1_000;
/// End of the year 9999, microseconds since the Unix epoch: the last instant that RFC 3339 can write.
const INSTANT_US_MAX: i64 = 253_402_300_799_000_000;
/// A time that a float column has as no number.
pub(crate) const NO_NUMBER: i64 = i64::MIN;
/// Largest epoch that a column of whole numbers can hold. A gateway's epochs are milliseconds since 1970, so that they
/// rise over restarts.
const EPOCH_MAX: u64 = i64::MAX as u64;
/// 100 percent in hundredths of a percent.
const BP_MAX: u32 = 10_000;
/// Why a row cannot be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Fault {
    /// Not in the years 1970 to 9999.
    Instant,
    /// A weight above 100 %.
    Weight,
    /// A probability above 100 %.
    Probability,
    /// An epoch that no counter reaches.
    Epoch,
    /// A token count that no model reaches.
    Tokens,
    /// A part of a token count, such as the cached tokens, that no call reaches.
    TokenParts,
    /// A character count that no text reaches.
    Characters,
    /// A quality score outside 0 to 1, or no number, which compares with nothing and so is not within.
    Quality,
    /// A duration or a time to the first token that is no number, which only a column can hold.
    NoNumber,
    /// A duration below zero, which only a column can hold.
    NegativeDuration,
    /// A duration of zero.
    ZeroDuration,
    /// A duration above 24 hours.
    LongDuration,
    /// A time to the first token below zero, which only a column can hold.
    NegativeFirstToken,
    /// A time to the first token of zero.
    ZeroFirstToken,
    /// The first token after the last byte.
    LateFirstToken,
}

impl Fault {
    /// The reason in counts and messages.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Instant => "time outside the years 1970 to 9999",
            Self::Weight => "weight above 100 %",
            Self::Probability => "probability above 100 %",
            Self::Epoch => "epoch above 9223372036854775807",
            Self::Tokens => "token count above 4294967293",
            Self::TokenParts => "part of a token count above 16777213",
            Self::Characters => "character count above 4294967293",
            Self::Quality => "quality outside 0 to 1",
            Self::NoNumber => "a time that is no number",
            Self::NegativeDuration => "duration below zero",
            Self::ZeroDuration => "duration of zero",
            Self::LongDuration => "duration above 24 hours",
            Self::NegativeFirstToken => "time to first token below zero",
            Self::ZeroFirstToken => "time to first token of zero",
            Self::LateFirstToken => "first token after the last byte",
        }
    }
}

/// The first fault of a row; `None` if it can be true.
pub(super) fn of(fields: &Fields) -> Option<Fault> {
    let without_times = fields.error.is_some() || fields.recorded == Some(FromLog::Untimed);
    untimed(fields).or_else(|| if without_times { None } else { timed(fields) })
}

fn untimed(fields: &Fields) -> Option<Fault> {
    let instants = 0..=INSTANT_US_MAX;
    let above = |count: u64| count >= Optional32::MAX;
    let usage = fields.usage.as_ref();
    if !instants.contains(&fields.at_us) || !instants.contains(&fields.sent_us) {
        Some(Fault::Instant)
    } else if fields.weight_bp > BP_MAX {
        Some(Fault::Weight)
    } else if fields.assigned_bp.max(fields.shadow_bp).is_some_and(|probability| probability > BP_MAX) {
        Some(Fault::Probability)
    } else if fields.epoch > EPOCH_MAX {
        Some(Fault::Epoch)
    } else if usage.is_some_and(|usage| above(usage.prompt) || above(usage.completion)) {
        Some(Fault::Tokens)
    } else if usage.is_some_and(|usage| parts(usage).into_iter().flatten().any(|part| part >= Optional24::MAX)) {
        Some(Fault::TokenParts)
    } else if above(fields.prompt_chars) || above(fields.answer_chars) || fields.prompt_wide_chars.is_some_and(above) {
        Some(Fault::Characters)
    } else if fields.quality.is_some_and(|quality| !(0.0..=1.0).contains(&quality)) {
        Some(Fault::Quality)
    } else {
        None
    }
}

/// All parts of prompt and completion.
const fn parts(usage: &Usage) -> [Option<u64>; 6] {
    [usage.cached, usage.cache_write, usage.prompt_audio, usage.prompt_image, usage.reasoning, usage.completion_audio]
}

fn timed(fields: &Fields) -> Option<Fault> {
    match (fields.duration_us, fields.ttft_us) {
        (NO_NUMBER, _) | (_, Some(NO_NUMBER)) => Some(Fault::NoNumber),
        (..0, _) => Some(Fault::NegativeDuration),
        (0, _) => Some(Fault::ZeroDuration),
        (duration, _) if duration.unsigned_abs() > DURATION_US_MAX => Some(Fault::LongDuration),
        (_, Some(..0)) => Some(Fault::NegativeFirstToken),
        (_, Some(0)) => Some(Fault::ZeroFirstToken),
        (duration, Some(ttft)) if ttft.unsigned_abs() > duration.unsigned_abs() + TTFT_TOLERANCE_US => {
            Some(Fault::LateFirstToken)
        }
        _ => None,
    }
}
