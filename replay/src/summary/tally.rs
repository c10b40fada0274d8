//! What is kept of a run while it goes on: counters and histograms, whatever its length.
//!
//! Tallies of several threads or machines add up to what one would have counted; nothing in them depends on the order
//! in which exchanges ended.

use super::Tokens;
use super::latency::LatencyTimes;
use super::phases::Phases;
use super::times::Times;
use crate::measure::Sample;
use std::collections::BTreeMap;
use wire::{ErrorKind, UsageSource};

/// Counters and histograms of finished exchanges.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tally {
    pub(super) ok: u64,
    pub(super) failed: BTreeMap<ErrorKind, u64>,
    pub(super) tokens: Tokens,
    pub(super) cost_nanos: i64,
    pub(super) unpriced: u64,
    /// First and last send of a finished exchange, microseconds from the origin.
    pub(super) sent_us: Option<(u64, u64)>,
    pub(super) latency: LatencyTimes<3>,
    pub(super) chunk_gap: Times<3>,
    pub(super) phases: Phases,
}

impl Tally {
    /// An empty one. What is planned before `warm_up_us` is reported apart.
    pub(crate) fn new(warm_up_us: u64) -> Self {
        Self {
            ok: 0,
            failed: BTreeMap::new(),
            tokens: Tokens::default(),
            cost_nanos: 0,
            unpriced: 0,
            sent_us: None,
            latency: LatencyTimes::default(),
            chunk_gap: Times::default(),
            phases: Phases::new(warm_up_us),
        }
    }

    /// Counts a finished exchange; `chunk_gaps_us` are the pauses between its chunks that carried text.
    pub(crate) fn record(&mut self, sample: &Sample, chunk_gaps_us: &[u32]) {
        match sample.error {
            None => {
                self.ok += 1;
                self.latency.record(sample);
            }
            Some(kind) => *self.failed.entry(kind).or_default() += 1,
        }
        self.phases.record(sample);
        chunk_gaps_us.iter().for_each(|gap| self.chunk_gap.record(u64::from(*gap)));
        self.tokens.add_sample(sample);
        self.cost_nanos = self.cost_nanos.saturating_add(sample.cost_nanos.unwrap_or(0));
        self.unpriced += u64::from(sample.usage.is_some() && sample.cost_nanos.is_none());
        let sent_us = sample.instants.sent_us;
        self.sent_us = join(self.sent_us, Some((sent_us, sent_us)));
    }

    /// Notes on the time line that a request was due and not sent.
    pub(crate) fn dropped(&mut self, planned_us: u64) {
        self.phases.dropped(planned_us);
    }

    /// Adds what another thread or machine counted.
    pub(crate) fn add(&mut self, other: Self) {
        self.ok = self.ok.saturating_add(other.ok);
        for (kind, count) in other.failed {
            let sum = self.failed.entry(kind).or_default();
            *sum = sum.saturating_add(count);
        }
        self.tokens.add(&other.tokens);
        self.cost_nanos = self.cost_nanos.saturating_add(other.cost_nanos);
        self.unpriced = self.unpriced.saturating_add(other.unpriced);
        self.sent_us = join(self.sent_us, other.sent_us);
        self.latency.add(&other.latency);
        self.chunk_gap.add(&other.chunk_gap);
        self.phases.add(other.phases);
    }

    /// Exchanges counted.
    pub(crate) fn finished(&self) -> u64 {
        self.failed.values().fold(self.ok, |sum, count| sum.saturating_add(*count))
    }
}

/// The span of two spans.
pub(super) fn join(one: Option<(u64, u64)>, two: Option<(u64, u64)>) -> Option<(u64, u64)> {
    match (one, two) {
        (Some(one), Some(two)) => Some((one.0.min(two.0), one.1.max(two.1))),
        (one, two) => one.or(two),
    }
}

impl Tokens {
    fn add_sample(&mut self, sample: &Sample) {
        let Some(usage) = sample.usage else { return };
        self.add(&Self {
            prompt: usage.prompt,
            cached: usage.cached.unwrap_or(0),
            completion: usage.completion,
            reasoning: usage.reasoning.unwrap_or(0),
            estimated_exchanges: u64::from(usage.source == UsageSource::Estimate),
        });
    }

    fn add(&mut self, other: &Self) {
        self.prompt = self.prompt.saturating_add(other.prompt);
        self.cached = self.cached.saturating_add(other.cached);
        self.completion = self.completion.saturating_add(other.completion);
        self.reasoning = self.reasoning.saturating_add(other.reasoning);
        self.estimated_exchanges = self.estimated_exchanges.saturating_add(other.estimated_exchanges);
    }
}
