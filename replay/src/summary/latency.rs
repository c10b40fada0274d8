//! The latencies of a set of exchanges, in bounded memory.

use super::{Distribution, Times};
use crate::measure::Sample;
use serde::{Deserialize, Serialize};

/// Latencies. TTFT exists for streamed answers only and ends at the first non-empty visible or reasoning text.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Latencies {
    /// Sending to first text.
    pub ttft_from_sent: Option<Distribution>,
    /// Planned instant to first text: what a user who came on time would have waited.
    pub ttft_from_planned: Option<Distribution>,
    /// Sending to last byte.
    pub duration_from_sent: Option<Distribution>,
    /// Planned instant to last byte.
    pub duration_from_planned: Option<Distribution>,
    /// Time per output token: `(duration - TTFT) / (tokens - 1)`, tokens as the provider reported them.
    pub tpot: Option<Distribution>,
}

impl Latencies {
    /// The latencies of a part, which is kept less precisely: nothing in it is above the worst of the whole.
    pub(super) fn within(self, whole: &Self) -> Self {
        let cap = |part: Option<Distribution>, whole: Option<Distribution>| {
            part.map(|part| whole.map_or(part, |whole| part.at_most(whole.max_us)))
        };
        Self {
            ttft_from_sent: cap(self.ttft_from_sent, whole.ttft_from_sent),
            ttft_from_planned: cap(self.ttft_from_planned, whole.ttft_from_planned),
            duration_from_sent: cap(self.duration_from_sent, whole.duration_from_sent),
            duration_from_planned: cap(self.duration_from_planned, whole.duration_from_planned),
            tpot: cap(self.tpot, whole.tpot),
        }
    }
}

/// The same as histograms.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LatencyTimes<const DIGITS: u8> {
    #[serde(default, skip_serializing_if = "Times::is_empty")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) ttft_from_sent: Times<DIGITS>,
    #[serde(default, skip_serializing_if = "Times::is_empty")]
    #[cfg_attr(test, schemars(with = "String"))]
    ttft_from_planned: Times<DIGITS>,
    #[serde(default, skip_serializing_if = "Times::is_empty")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) duration_from_sent: Times<DIGITS>,
    #[serde(default, skip_serializing_if = "Times::is_empty")]
    #[cfg_attr(test, schemars(with = "String"))]
    duration_from_planned: Times<DIGITS>,
    #[serde(default, skip_serializing_if = "Times::is_empty")]
    #[cfg_attr(test, schemars(with = "String"))]
    tpot: Times<DIGITS>,
}

impl<const DIGITS: u8> LatencyTimes<DIGITS> {
    /// Adds a successful exchange.
    pub(crate) fn record(&mut self, sample: &Sample) {
        let at = sample.instants;
        let lag_us = at.lag_us();
        if let Some(ttft_us) = at.ttft_us() {
            self.ttft_from_sent.record(ttft_us);
            self.ttft_from_planned.record(ttft_us.saturating_add(lag_us));
        }
        self.duration_from_sent.record(at.duration_us());
        self.duration_from_planned.record(at.duration_us().saturating_add(lag_us));
        if let Some(tpot_us) = at.tpot_us(sample.usage.as_ref()) {
            self.tpot.record(tpot_us);
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.ttft_from_sent.add(&other.ttft_from_sent);
        self.ttft_from_planned.add(&other.ttft_from_planned);
        self.duration_from_sent.add(&other.duration_from_sent);
        self.duration_from_planned.add(&other.duration_from_planned);
        self.tpot.add(&other.tpot);
    }

    pub(crate) fn latencies(&self) -> Latencies {
        Latencies {
            ttft_from_sent: self.ttft_from_sent.distribution(),
            ttft_from_planned: self.ttft_from_planned.distribution(),
            duration_from_sent: self.duration_from_sent.distribution(),
            duration_from_planned: self.duration_from_planned.distribution(),
            tpot: self.tpot.distribution(),
        }
    }
}
