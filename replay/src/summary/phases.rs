//! Warm-up, steady state and drain, and the time line, in bounded memory.
//!
//! The run is cut into slices by *planned* instant. Cutting by the end of an answer would put long answers of the last
//! seconds into the drain and keep the short ones, so that the steady state looked faster than it was.
//!
//! How long the run will be is not known at its start, so slices begin small and double whenever there would be more
//! than [`SLICES_MAX`]. The width follows from the latest planned instant alone: two shards' slices line up, and
//! merged they are the slices of one run.

use super::latency::{Latencies, LatencyTimes};
use super::times::Times;
use crate::measure::Sample;
use serde::{Deserialize, Serialize};

/// Most slices.
const SLICES_MAX: u64 = 40;
/// Width of a slice in the shortest run, microseconds.
const WIDTH_MIN_US: u64 = 1_024;

/// A part of the run, by planned instant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Phase {
    /// Its begin, microseconds from the origin.
    pub from_us: u64,
    /// Its end, microseconds from the origin; what is planned there belongs to the next phase.
    pub to_us: u64,
    /// Answers in full.
    pub ok: u64,
    /// Failures.
    pub failed: u64,
    /// Requests that were due but dropped.
    pub dropped: u64,
    /// Answers and failures a second of the phase; absent for the drain, which ends somewhere in its slice.
    pub rate_per_second: Option<f64>,
    /// Lateness of the sends at the 99th percentile, microseconds.
    pub lag_p99_us: Option<u64>,
    /// The latencies.
    pub latency: Latencies,
}

/// A short part of the run, for charts, by planned instant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Slice {
    /// Its begin, microseconds from the origin.
    pub from_us: u64,
    /// Its end.
    pub to_us: u64,
    /// Answers in full.
    pub ok: u64,
    /// Failures.
    pub failed: u64,
    /// Requests that were due but dropped.
    pub dropped: u64,
    /// Lateness of the sends at the 99th percentile, microseconds.
    pub lag_p99_us: Option<u64>,
    /// Median of the time from sending to first text, microseconds.
    pub ttft_p50_us: Option<u64>,
    /// Its 99th percentile.
    pub ttft_p99_us: Option<u64>,
    /// Median of the time from sending to last byte, microseconds.
    pub duration_p50_us: Option<u64>,
    /// Its 99th percentile.
    pub duration_p99_us: Option<u64>,
}

/// What is counted of one slice or phase.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Part {
    ok: u64,
    failed: u64,
    dropped: u64,
    #[serde(default, skip_serializing_if = "Times::is_empty")]
    #[cfg_attr(test, schemars(with = "String"))]
    lag: Times<2>,
    #[serde(flatten)]
    latency: LatencyTimes<2>,
}

/// The parts of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Phases {
    /// What is planned before it is warm-up; 0 makes the first slice the warm-up.
    warm_up_us: u64,
    warm_up: Part,
    width_us: u64,
    slices: Vec<Part>,
}

impl Part {
    fn record(&mut self, sample: &Sample) {
        self.lag.record(sample.instants.lag_us());
        if sample.error.is_none() {
            self.ok += 1;
            self.latency.record(sample);
        } else {
            self.failed += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        self.ok = self.ok.saturating_add(other.ok);
        self.failed = self.failed.saturating_add(other.failed);
        self.dropped = self.dropped.saturating_add(other.dropped);
        self.lag.add(&other.lag);
        self.latency.add(&other.latency);
    }

    fn is_empty(&self) -> bool {
        self.ok == 0 && self.failed == 0 && self.dropped == 0
    }

    fn phase(&self, from_us: u64, to_us: u64) -> Phase {
        let seconds = to_us.saturating_sub(from_us).max(1) as f64 / 1e6;
        Phase {
            from_us,
            to_us,
            ok: self.ok,
            failed: self.failed,
            dropped: self.dropped,
            rate_per_second: Some(self.ok.saturating_add(self.failed) as f64 / seconds),
            lag_p99_us: self.lag.quantile(0.99),
            latency: self.latency.latencies(),
        }
    }

    fn slice(&self, from_us: u64, to_us: u64) -> Slice {
        Slice {
            from_us,
            to_us,
            ok: self.ok,
            failed: self.failed,
            dropped: self.dropped,
            lag_p99_us: self.lag.quantile(0.99),
            ttft_p50_us: self.latency.ttft_from_sent.quantile(0.5),
            ttft_p99_us: self.latency.ttft_from_sent.quantile(0.99),
            duration_p50_us: self.latency.duration_from_sent.quantile(0.5),
            duration_p99_us: self.latency.duration_from_sent.quantile(0.99),
        }
    }
}

impl Phases {
    pub(crate) fn new(warm_up_us: u64) -> Self {
        Self { warm_up_us, warm_up: Part::default(), width_us: WIDTH_MIN_US, slices: Vec::new() }
    }

    pub(crate) const fn warm_up_us(&self) -> u64 {
        self.warm_up_us
    }

    pub(crate) fn record(&mut self, sample: &Sample) {
        self.part(sample.instants.planned_us).record(sample);
    }

    /// A request that was due and not sent.
    pub(crate) fn dropped(&mut self, planned_us: u64) {
        self.part(planned_us).dropped += 1;
    }

    fn part(&mut self, planned_us: u64) -> &mut Part {
        let Some(offset_us) = planned_us.checked_sub(self.warm_up_us) else { return &mut self.warm_up };
        while offset_us / self.width_us >= SLICES_MAX {
            self.widen();
        }
        // Below the bound, so it fits any platform.
        let index = (offset_us / self.width_us) as usize;
        if index >= self.slices.len() {
            self.slices.resize_with(index + 1, Part::default);
        }
        &mut self.slices[index]
    }

    /// Twice the width, half the slices.
    fn widen(&mut self) {
        self.width_us = self.width_us.saturating_mul(2);
        let mut halves = std::mem::take(&mut self.slices).into_iter();
        while let Some(mut even) = halves.next() {
            if let Some(odd) = halves.next() {
                even.add(&odd);
            }
            self.slices.push(even);
        }
    }

    /// Adds another shard's parts.
    pub(crate) fn add(&mut self, mut other: Self) {
        while self.width_us < other.width_us {
            self.widen();
        }
        while other.width_us < self.width_us {
            other.widen();
        }
        self.warm_up.add(&other.warm_up);
        if self.slices.len() < other.slices.len() {
            self.slices.resize_with(other.slices.len(), Part::default);
        }
        self.slices.iter_mut().zip(&other.slices).for_each(|(ours, theirs)| ours.add(theirs));
    }

    /// Whether parts that were read from a file are such as this code writes.
    pub(crate) fn is_sound(&self) -> bool {
        self.width_us >= WIDTH_MIN_US && self.width_us.is_power_of_two() && self.slices.len() as u64 <= SLICES_MAX
    }

    fn begin_us(&self, index: usize) -> u64 {
        self.warm_up_us.saturating_add(self.width_us.saturating_mul(index as u64))
    }

    /// Warm-up, steady state and drain; together they hold every exchange.
    ///
    /// The drain is the last slice: its requests were answered while fewer and fewer others were. A run of fewer than
    /// three slices has no steady state.
    pub(crate) fn phases(&self) -> [Option<Phase>; 3] {
        let first = usize::from(self.warm_up_us == 0).min(self.slices.len());
        let last = self.slices.len().saturating_sub(1).max(first);
        let sum = |from: usize, to: usize, begin: Part| {
            let mut sum = begin;
            self.slices[from..to].iter().for_each(|part| sum.add(part));
            (!sum.is_empty()).then(|| {
                let from_us = if from == 0 && to <= first { 0 } else { self.begin_us(from) };
                sum.phase(from_us, self.begin_us(to))
            })
        };
        [
            sum(0, first, self.warm_up.clone()),
            sum(first, last, Part::default()),
            sum(last, self.slices.len(), Part::default()).map(|drain| Phase { rate_per_second: None, ..drain }),
        ]
    }

    /// The slices, warm-up first.
    pub(crate) fn time_line(&self) -> Vec<Slice> {
        let warm_up = (self.warm_up_us > 0).then(|| self.warm_up.slice(0, self.warm_up_us));
        let slices = self
            .slices
            .iter()
            .enumerate()
            .map(|(index, part)| part.slice(self.begin_us(index), self.begin_us(index + 1)));
        warm_up.into_iter().chain(slices).collect()
    }
}

#[cfg(test)]
mod tests;
