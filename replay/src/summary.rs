//! The result of a run, for programs (`weighbridge.replay/1`) and for people.
//!
//! Latencies are of successful exchanges only, so failures stand next to them, by kind: comparing survivors alone
//! makes an overloaded server look normal.

mod distribution;
mod text;

pub use distribution::Distribution;
pub(crate) use distribution::new_histogram;

use crate::board::Lag;
use crate::collect::Collected;
use crate::drive::Driven;
use crate::measure::Sample;
use crate::options::ReplayOptions;
use crate::feed::Rest;
use crate::schedule::Rate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wire::{ErrorKind, UsageSource};

/// Name and version of the document.
pub const SCHEMA: &str = "weighbridge.replay/1";

/// Share of the span that is left out at either end of the steady state.
const EDGE: f64 = 0.05;

/// The result of a run. `planned = sent + dropped + not_sent` and `sent = ok + failed + unfinished`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Address that was called.
    pub target: String,
    /// Rate as it was asked for.
    pub rate: String,
    /// `as-routed`, `baseline` or `candidate`.
    pub arm: String,
    /// Seed of random schedules.
    pub seed: u64,
    /// Start, RFC 3339.
    pub started_at: String,
    /// End of the last answer or of the wait for it, RFC 3339.
    pub ended_at: String,
    /// Requests that the log and the options called for.
    pub planned: u64,
    /// Requests sent.
    pub sent: u64,
    /// Answers in full.
    pub ok: u64,
    /// Failures by kind.
    pub failed: BTreeMap<ErrorKind, u64>,
    /// Not sent because too many were in flight.
    pub dropped: u64,
    /// Sent, but given up at the end of the drain or when the run was stopped.
    pub unfinished: u64,
    /// Not sent because the duration was over or the run was stopped.
    pub not_sent: u64,
    /// Rows that stood behind a later one in their file.
    pub out_of_order: u64,
    /// Rows that the provider cannot serve, by feature. They are not in `planned`.
    pub skipped: BTreeMap<String, u64>,
    /// Rows that had a record already. They are not in `planned`.
    pub already_done: u64,
    /// Records written.
    pub records: u64,
    /// The run was stopped early.
    pub stopped: bool,
    /// Lateness of all sends, microseconds.
    pub lag_us: Lag,
    /// The limit of its 99th percentile, microseconds.
    pub lag_limit_us: u64,
    /// The numbers describe the replayer rather than the target; such a run must not pass a gate.
    pub degraded: bool,
    /// Why.
    pub degraded_because: Vec<String>,
    /// Rate that the schedule meant; absent where answers set the pace.
    pub planned_rate_per_second: Option<f64>,
    /// Rate that was reached between the first and the last finished exchange's send.
    pub achieved_rate_per_second: f64,
    /// From the first send to the last, microseconds.
    pub span_us: u64,
    /// Over all successful exchanges.
    pub latency: Latencies,
    /// Without the first and the last twentieth of the span; absent where that leaves nothing.
    pub steady: Option<Steady>,
    /// Pause between chunks that carried text. A chunk may hold several tokens: this is no time per token.
    pub chunk_gap: Option<Distribution>,
    /// Tokens of all exchanges.
    pub tokens: Tokens,
    /// Cost of all priced exchanges, nano-dollars.
    pub cost_nanos: i64,
    /// Exchanges with tokens but without a price.
    pub unpriced: u64,
}

/// Latencies. TTFT exists for streamed answers only and ends at the first non-empty visible or reasoning text.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
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

/// Latencies without ramp and drain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Steady {
    /// First planned instant that counts, microseconds from the start.
    pub from_us: u64,
    /// Last one.
    pub to_us: u64,
    /// The latencies.
    pub latency: Latencies,
}

/// Token totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// Prompt tokens.
    pub prompt: u64,
    /// Prompt tokens read from a cache.
    pub cached: u64,
    /// Completion tokens.
    pub completion: u64,
    /// Completion tokens spent on reasoning.
    pub reasoning: u64,
    /// Exchanges whose tokens were estimated from characters, because no report came.
    pub estimated_exchanges: u64,
}

/// What is known before the first request.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    target: String,
    rate: Rate,
    arm: String,
    seed: u64,
    lag_limit_us: u64,
    planned: u64,
    planned_rate_per_second: Option<f64>,
    out_of_order: u64,
    skipped: BTreeMap<String, u64>,
    already_done: u64,
}

impl Facts {
    pub(crate) fn of(options: &ReplayOptions, rest: &Rest, driven: &Driven, target: &http::Uri) -> Self {
        Self {
            target: target.to_string(),
            rate: options.rate,
            arm: options.arm.to_string(),
            seed: options.seed,
            lag_limit_us: options.lag_limit_us,
            planned: rest.read.planned,
            planned_rate_per_second: driven
                .planned_us
                .map(|(first, last)| rate_of(driven.started + driven.dropped, last - first)),
            out_of_order: rest.selected.out_of_order,
            skipped: rest.read.skipped.clone(),
            already_done: rest.read.already_done,
        }
    }
}

impl Summary {
    /// Puts everything together; `wall_us` are start and end in microseconds since the Unix epoch.
    pub(crate) fn of(facts: &Facts, driven: &Driven, collected: &Collected, lag: Lag, wall_us: (i64, i64)) -> Self {
        let samples = &collected.samples;
        let mut failed = BTreeMap::new();
        for kind in samples.iter().filter_map(|sample| sample.error) {
            *failed.entry(kind).or_default() += 1;
        }
        let sends = || samples.iter().map(|sample| sample.instants.sent_us);
        let span_us = sends().max().unwrap_or(0) - sends().min().unwrap_or(0);
        let mut summary = Self {
            schema: SCHEMA.to_owned(),
            target: facts.target.clone(),
            rate: facts.rate.to_string(),
            arm: facts.arm.clone(),
            seed: facts.seed,
            started_at: rfc3339(wall_us.0),
            ended_at: rfc3339(wall_us.1),
            planned: facts.planned,
            sent: driven.started,
            ok: samples.iter().filter(|sample| sample.error.is_none()).count() as u64,
            failed,
            dropped: driven.dropped,
            unfinished: driven.started.saturating_sub(samples.len() as u64),
            not_sent: facts.planned.saturating_sub(driven.started + driven.dropped),
            out_of_order: facts.out_of_order,
            skipped: facts.skipped.clone(),
            already_done: facts.already_done,
            records: collected.records,
            stopped: driven.cancelled,
            lag_us: lag,
            lag_limit_us: facts.lag_limit_us,
            degraded: false,
            degraded_because: Vec::new(),
            planned_rate_per_second: facts.planned_rate_per_second,
            achieved_rate_per_second: rate_of(samples.len() as u64, span_us),
            span_us,
            latency: Latencies::of(samples.iter()),
            steady: steady(samples),
            chunk_gap: collected.chunk_gaps.as_ref().and_then(Distribution::of_histogram),
            tokens: tokens(samples),
            cost_nanos: samples.iter().filter_map(|sample| sample.cost_nanos).sum(),
            unpriced: samples.iter().filter(|sample| sample.usage.is_some() && sample.cost_nanos.is_none()).count()
                as u64,
        };
        summary.degraded_because = summary.reasons(facts.rate.is_open_loop());
        summary.degraded = !summary.degraded_because.is_empty();
        summary
    }

    /// Why the run is degraded.
    fn reasons(&self, open_loop: bool) -> Vec<String> {
        let mut reasons = Vec::new();
        if open_loop && self.lag_us.p99 > self.lag_limit_us {
            reasons.push(format!(
                "requests went out late: lag p99 {} us is over the limit of {} us",
                self.lag_us.p99, self.lag_limit_us
            ));
        }
        if self.dropped > 0 {
            reasons.push(format!("{} requests were dropped: too many in flight", self.dropped));
        }
        if self.unfinished > 0 {
            reasons.push(format!("{} requests were unfinished at the end", self.unfinished));
        }
        if self.stopped {
            reasons.push("the run was stopped early".to_owned());
        }
        reasons
    }

    /// All failures.
    #[must_use]
    pub fn failed_total(&self) -> u64 {
        self.failed.values().sum()
    }

    /// For people, in aligned lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::render(self)
    }
}

impl Latencies {
    fn of<'a>(samples: impl Iterator<Item = &'a Sample> + Clone) -> Self {
        let ok = samples.filter(|sample| sample.error.is_none()).map(|sample| (sample.instants, sample.usage));
        let late = |instants: &crate::measure::Instants, since: u64| since.saturating_add(instants.lag_us());
        Self {
            ttft_from_sent: Distribution::of(ok.clone().filter_map(|(at, _)| at.ttft_us())),
            ttft_from_planned: Distribution::of(
                ok.clone().filter_map(|(at, _)| at.ttft_us().map(|ttft| late(&at, ttft))),
            ),
            duration_from_sent: Distribution::of(ok.clone().map(|(at, _)| at.duration_us())),
            duration_from_planned: Distribution::of(ok.clone().map(|(at, _)| late(&at, at.duration_us()))),
            tpot: Distribution::of(ok.filter_map(|(at, usage)| at.tpot_us(usage.as_ref()))),
        }
    }
}

fn steady(samples: &[Sample]) -> Option<Steady> {
    let planned = || samples.iter().map(|sample| sample.instants.planned_us);
    let (first, last) = (planned().min()?, planned().max()?);
    let edge = ((last - first) as f64 * EDGE) as u64;
    let (from_us, to_us) = (first + edge, last - edge);
    let inside = samples.iter().filter(|sample| (from_us..=to_us).contains(&sample.instants.planned_us));
    let latency = Latencies::of(inside);
    latency.duration_from_sent.is_some().then_some(Steady { from_us, to_us, latency })
}

fn tokens(samples: &[Sample]) -> Tokens {
    samples.iter().filter_map(|sample| sample.usage).fold(Tokens::default(), |sum, usage| Tokens {
        prompt: sum.prompt + usage.prompt,
        cached: sum.cached + usage.cached.unwrap_or(0),
        completion: sum.completion + usage.completion,
        reasoning: sum.reasoning + usage.reasoning.unwrap_or(0),
        estimated_exchanges: sum.estimated_exchanges + u64::from(usage.source == UsageSource::Estimate),
    })
}

/// `n` instants span `n - 1` gaps.
fn rate_of(count: u64, span_us: u64) -> f64 {
    if span_us == 0 { 0.0 } else { count.saturating_sub(1) as f64 * 1e6 / span_us as f64 }
}

fn rfc3339(wall_us: i64) -> String {
    jiff::Timestamp::from_microsecond(wall_us).map(|time| time.to_string()).unwrap_or_default()
}
