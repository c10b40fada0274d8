//! Values that a record can hold and no exchange can have had.

use super::keeps_answers;
use crate::header::Redaction;
use crate::{Exchange, FromLog, GuardAction, GuardCheck, LoggedRequest};
use wire::Usage;

/// End of the year 9999, microseconds since the Unix epoch.
const INSTANT_US_MAX: i64 = 253_402_300_799_000_000;
/// Longest exchange that is believed: a day.
const DURATION_US_MAX: u64 = 24 * 3_600 * 1_000_000;
/// How much later than the end the first token may lie: two readings of one clock.
const TTFT_TOLERANCE_US: u64 = 1_000;
/// All of it, in hundredths of a percent.
const BP_MAX: u32 = 10_000;

/// Where a finding goes: member and phrase.
type Tell<'a> = &'a mut dyn FnMut(&str, &str);

pub(super) fn of_exchange(row: &Exchange, redaction: Redaction, tell: Tell<'_>) {
    for (member, at_us) in [("at_us", row.at_us), ("sent_us", row.sent_us)] {
        if !(0..=INSTANT_US_MAX).contains(&at_us) {
            tell(member, "not in the years 1970 to 9999");
        }
    }
    let shares = [("weight_bp", Some(row.weight_bp)), ("assigned_bp", row.assigned_bp), ("shadow_bp", row.shadow_bp)];
    for (member, share) in shares {
        if share.is_some_and(|share| share > BP_MAX) {
            tell(member, "above 10000, which is all");
        }
    }
    if row.quality.is_some_and(|quality| !(0.0..=1.0).contains(&quality)) {
        tell("quality", "outside 0 to 1");
    }
    if row.attempts == 0 {
        tell("attempts", "0 calls, expected 1 or more");
    }
    status(row.status, tell);
    tokens(row.usage.as_ref(), tell);
    money(row.cost_nanos, tell);
    match row.recorded {
        Some(FromLog::Untimed) if row.duration_us != 0 => {
            tell("duration_us", "has a value although `recorded` is `untimed`");
        }
        Some(FromLog::Untimed) => {}
        // A failure counts as infinitely slow, whatever its clock says.
        _ if row.error.is_some() => {}
        _ => {
            times(Some(row.duration_us), row.ttft_us, tell);
            firsts(row, tell);
        }
    }
    let of_streams =
        [("first_event_us", row.first_event_us), ("ttft_us", row.ttft_us), ("first_visible_us", row.first_visible_us)];
    for (member, us) in of_streams {
        if us.is_some() && !row.streamed {
            tell(member, "has a value although the answer was not streamed");
        }
    }
    if row.prompt_wide_chars.is_some_and(|wide| wide > row.prompt_chars) {
        tell("prompt_wide_chars", "more than `prompt_chars`");
    }
    if let Some(guard) = &row.guard {
        for (member, check) in [("guard.request", &guard.request), ("guard.response", &guard.response)] {
            check.iter().for_each(|check| verdict(member, check, tell));
        }
    }
    content(row, redaction, tell);
}

/// The lists of a guard's verdict, and what they say together.
fn verdict(member: &str, check: &GuardCheck, tell: Tell<'_>) {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    let ascending = |list: &[String]| list.is_sorted_by(|one, next| one < next);
    if !check.categories.iter().all(|category| word(category)) || !ascending(&check.categories) {
        tell(
            &format!("{member}.categories"),
            "expected words of lower-case letters, digits and `_`, sorted, each once",
        );
    }
    let named = |failed: &str| failed.rsplit_once(':').is_some_and(|(name, failure)| !name.is_empty() && word(failure));
    if !check.failed.iter().all(|failed| named(failed)) || !ascending(&check.failed) {
        tell(&format!("{member}.failed"), "expected NAME:FAILURE, sorted, each once");
    }
    if check.action == GuardAction::None && !check.categories.is_empty() {
        tell(&format!("{member}.action"), "`none` although categories were found at their bar");
    }
}

/// What the header says is not kept must not be there.
fn content(row: &Exchange, redaction: Redaction, tell: Tell<'_>) {
    if row.answer.is_some() && !keeps_answers(redaction) {
        tell("answer", "there although the header says that answers are not kept");
    }
    let digests = [("answer_digest", &row.answer_digest), ("tools_digest", &row.tools_digest)];
    for (member, digest) in digests {
        if digest.is_some() && redaction == Redaction::None {
            tell(member, "there although the header says that digests are not kept");
        }
        if digest.is_some() && row.error.is_some() {
            tell(member, "there although the exchange failed");
        }
    }
}

pub(super) fn of_request(row: &LoggedRequest, tell: Tell<'_>) {
    if row.id.is_empty() {
        tell("id", "empty");
    }
    if !row.body.get().starts_with('{') {
        tell("body", "no JSON object");
    }
    if !(-INSTANT_US_MAX..=INSTANT_US_MAX).contains(&row.at_us) {
        tell("at_us", "beyond the year 9999");
    }
    let Some(recorded) = &row.recorded else { return };
    status(recorded.status, tell);
    tokens(recorded.usage.as_ref(), tell);
    money(recorded.cost_nanos, tell);
    if recorded.error.is_none() {
        times(recorded.duration_us, recorded.ttft_us, tell);
    }
}

fn status(status: u16, tell: Tell<'_>) {
    if status != 0 && !(100..=599).contains(&status) {
        tell("status", "no HTTP status, and not 0 for none");
    }
}

fn tokens(usage: Option<&Usage>, tell: Tell<'_>) {
    let Some(usage) = usage else { return };
    let of_prompt = [
        ("usage.cached", usage.cached),
        ("usage.cache_write", usage.cache_write),
        ("usage.prompt_audio", usage.prompt_audio),
        ("usage.prompt_image", usage.prompt_image),
    ];
    let of_completion = [("usage.reasoning", usage.reasoning), ("usage.completion_audio", usage.completion_audio)];
    let above = |part: Option<u64>, whole: u64| part.is_some_and(|part| part > whole);
    for (member, part) in of_prompt {
        if above(part, usage.prompt) {
            tell(member, "more than `prompt`, of which it is a part");
        }
    }
    for (member, part) in of_completion {
        if above(part, usage.completion) {
            tell(member, "more than `completion`, of which it is a part");
        }
    }
    // No token is both read from a cache and written to it. Where one of the two is too many alone, that was told.
    let (read, written) = (usage.cached, usage.cache_write);
    let both = read.zip(written).map(|(read, written)| read.saturating_add(written));
    if above(both, usage.prompt) && !above(read, usage.prompt) && !above(written, usage.prompt) {
        tell("usage.cache_write", "with `cached` more than `prompt`, of which they are different parts");
    }
}

fn money(cost_nanos: Option<i64>, tell: Tell<'_>) {
    if cost_nanos.is_some_and(|cost| cost < 0) {
        tell("cost_nanos", "below zero");
    }
}

/// The parts of the time to the first visible text, which come one after the other.
fn firsts(row: &Exchange, tell: Tell<'_>) {
    let (event, text, visible) = (row.first_event_us, row.ttft_us, row.first_visible_us);
    let after = |earlier: Option<u64>, later: Option<u64>| earlier.zip(later).is_some_and(|(one, next)| one > next);
    let late = |us: Option<u64>| us.is_some_and(|us| us > row.duration_us.saturating_add(TTFT_TOLERANCE_US));
    if event == Some(0) {
        tell("first_event_us", "zero");
    } else if after(event, text) {
        tell("first_event_us", "after the first text");
    } else if late(event) {
        tell("first_event_us", "after the last byte");
    }
    if after(text, visible) {
        tell("first_visible_us", "before the first text");
    } else if late(visible) {
        tell("first_visible_us", "after the last byte");
    }
}

fn times(duration_us: Option<u64>, ttft_us: Option<u64>, tell: Tell<'_>) {
    match duration_us {
        Some(0) => tell("duration_us", "zero"),
        Some(DURATION_US_MAX..) => tell("duration_us", "24 hours or more"),
        _ => {}
    }
    if ttft_us == Some(0) {
        tell("ttft_us", "zero");
    }
    if let (Some(duration), Some(ttft)) = (duration_us, ttft_us)
        && ttft > duration.saturating_add(TTFT_TOLERANCE_US)
    {
        tell("ttft_us", "after the last byte");
    }
}
