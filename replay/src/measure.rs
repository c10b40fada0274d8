//! What is measured of one exchange.
//!
//! Six instants are kept, each as an offset from the origin of the schedule: planned, sent, first event, first text, first
//! visible text, last byte.
//! Latency is reported from *sent* (what the server did) and from *planned* (what a user who arrived on time would
//! have waited, send lag included). A tool that shows only the first looks fast exactly when it is too slow to send.

use std::time::{Duration, Instant};
use wire::chat::Firsts;
use wire::{ErrorKind, Usage, UsageSource};

/// Offsets from the origin, and what the origin was on the wall clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    pub(crate) origin: Instant,
    /// Microseconds since the Unix epoch.
    pub(crate) origin_wall_us: i64,
}

impl Clock {
    /// A clock whose origin is so far ahead.
    pub(crate) fn starting_in(lead: Duration) -> Self {
        let origin_wall_us = crate::run::wall_us().saturating_add_unsigned(crate::micros(lead));
        Self { origin: Instant::now() + lead, origin_wall_us }
    }

    /// Microseconds since the origin.
    pub(crate) fn now_us(&self) -> u64 {
        crate::micros(self.origin.elapsed())
    }

    /// An offset on the wall clock. Offsets come from the monotonic clock, so a clock step in a run moves nothing.
    pub(crate) fn wall_us(&self, offset_us: u64) -> i64 {
        self.origin_wall_us.saturating_add_unsigned(offset_us)
    }
}

/// The instants of one exchange, in microseconds from the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Instants {
    pub(crate) planned_us: u64,
    pub(crate) sent_us: u64,
    /// What came first of a streamed answer; nothing of one that came whole.
    pub(crate) firsts: Firsts<u64>,
    /// Last byte, or the failure.
    pub(crate) done_us: u64,
}

/// One exchange as the summary needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    pub(crate) instants: Instants,
    pub(crate) error: Option<ErrorKind>,
    pub(crate) usage: Option<Usage>,
    pub(crate) cost_nanos: Option<i64>,
}

impl Instants {
    /// Lateness of the send.
    pub(crate) const fn lag_us(&self) -> u64 {
        self.sent_us.saturating_sub(self.planned_us)
    }

    pub(crate) const fn duration_us(&self) -> u64 {
        self.done_us.saturating_sub(self.sent_us)
    }

    pub(crate) fn first_event_us(&self) -> Option<u64> {
        self.since_sent(self.firsts.event)
    }

    pub(crate) fn ttft_us(&self) -> Option<u64> {
        self.since_sent(self.firsts.text)
    }

    pub(crate) fn first_visible_us(&self) -> Option<u64> {
        self.since_sent(self.firsts.visible)
    }

    fn since_sent(&self, instant_us: Option<u64>) -> Option<u64> {
        instant_us.map(|instant| instant.saturating_sub(self.sent_us))
    }

    /// Time per output token after the first: `(duration - TTFT) / (tokens - 1)`. Tokens come from the provider's
    /// report, never from chunks, since one chunk may hold several.
    pub(crate) fn tpot_us(&self, usage: Option<&Usage>) -> Option<u64> {
        let usage = usage.filter(|usage| usage.source == UsageSource::Provider && usage.completion > 1)?;
        let generation = self.done_us.saturating_sub(self.firsts.text?);
        Some(generation / (usage.completion - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_per_token_needs_a_stream_and_a_report() {
        let firsts = Firsts { event: Some(900), text: Some(1_000), visible: Some(4_000) };
        let instants = Instants { planned_us: 0, sent_us: 500, firsts, done_us: 10_000 };
        let usage = |completion, source| Usage::new(1, completion, source);
        assert_eq!(instants.tpot_us(Some(&usage(10, UsageSource::Provider))), Some(1_000));
        assert_eq!(instants.tpot_us(Some(&usage(1, UsageSource::Provider))), None);
        assert_eq!(instants.tpot_us(Some(&usage(10, UsageSource::Estimate))), None);
        assert_eq!(instants.tpot_us(None), None);
        let whole = Instants { firsts: Firsts::default(), ..instants };
        assert_eq!(whole.tpot_us(Some(&usage(10, UsageSource::Provider))), None);
        assert_eq!((instants.first_event_us(), instants.first_visible_us()), (Some(400), Some(3_500)));
        assert_eq!((whole.first_event_us(), whole.first_visible_us()), (None, None));
        assert_eq!((instants.lag_us(), instants.ttft_us(), instants.duration_us()), (500, Some(500), 9_500));
    }
}
