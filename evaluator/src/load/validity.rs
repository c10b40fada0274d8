//! Rows that cannot be true.
//!
//! A clock that jumped or a broken recorder must not become a fast answer. Timings of *failed* exchanges are not
//! looked at: they never enter a latency (a failure counts as infinitely slow), and refusing a failure because of its
//! odd timing would hide it.

use datasets::Exchange;

/// Longest exchange that is believed, microseconds: 24 hours.
pub const DURATION_US_MAX: u64 = 24 * 3_600 * 1_000_000;
/// How much later than the end the first token may lie, microseconds: two readings of one clock.
pub const TTFT_TOLERANCE_US: u64 = 1_000;
/// End of the year 9999, microseconds since the Unix epoch: the last instant that RFC 3339 can write.
const INSTANT_US_MAX: i64 = 253_402_300_799_000_000;
/// 100 percent in hundredths of a percent.
const WEIGHT_BP_MAX: u32 = 10_000;

/// Why a row cannot be true; `None` if it can.
#[must_use]
pub fn impossible(exchange: &Exchange) -> Option<&'static str> {
    let instants = 0..=INSTANT_US_MAX;
    if !instants.contains(&exchange.at_us) || !instants.contains(&exchange.sent_us) {
        return Some("time outside the years 1970 to 9999");
    }
    if exchange.weight_bp > WEIGHT_BP_MAX {
        return Some("weight above 100 %");
    }
    // What is no number compares with nothing, so it is not within.
    if exchange.quality.is_some_and(|quality| !(0.0..=1.0).contains(&quality)) {
        return Some("quality outside 0 to 1");
    }
    if exchange.error.is_some() {
        return None;
    }
    match (exchange.duration_us, exchange.ttft_us) {
        (0, _) => Some("duration of zero"),
        (duration, _) if duration > DURATION_US_MAX => Some("duration above 24 hours"),
        (_, Some(0)) => Some("time to first token of zero"),
        (duration, Some(ttft)) if ttft > duration + TTFT_TOLERANCE_US => Some("first token after the last byte"),
        _ => None,
    }
}
