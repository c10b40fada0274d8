//! From counts to a summary: one way for a run and for merged shards.

use super::tally::{Tally, join};
use super::times::Times;
use super::{Distributions, Dropped, Lag, NotSent, Phase, SCHEMA, Summary};
use crate::options::ReplayOptions;
use crate::select::Selected;
use std::collections::BTreeMap;

/// What is known before the first request. Shards of one run agree on it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Facts {
    pub(crate) target: String,
    pub(crate) rate: String,
    pub(crate) arm: String,
    pub(crate) sessions: String,
    pub(crate) seed: u64,
    pub(crate) lag_limit_us: u64,
    pub(crate) warm_up_us: u64,
    /// The recorded answers are the baseline.
    pub(crate) baseline_recorded: bool,
    /// Machines that share the run.
    pub(crate) shards_of: u32,
}

impl Facts {
    pub(crate) fn new(options: &ReplayOptions, target: &impl std::fmt::Display) -> Self {
        Self {
            target: target.to_string(),
            rate: options.rate.to_string(),
            arm: options.arm.to_string(),
            sessions: options.sessions.to_string(),
            seed: options.seed,
            lag_limit_us: options.lag_limit_us,
            warm_up_us: crate::micros(options.warm_up),
            baseline_recorded: options.baseline_recorded,
            shards_of: options.selection.shard.map_or(1, |shard| shard.of),
        }
    }
}

/// What the engine counted beside the exchanges. The default is a run that did nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Counts {
    /// Requests that were handed to the network.
    pub(crate) sent: u64,
    /// Requests that were due and not sent.
    pub(crate) dropped: BTreeMap<Dropped, u64>,
    /// Requests that the run did not come to.
    pub(crate) not_sent: BTreeMap<NotSent, u64>,
    /// Rows that the provider cannot serve, by feature.
    pub(crate) skipped: BTreeMap<String, u64>,
    pub(crate) already_done: u64,
    /// Broken rows that were left out.
    pub(crate) broken: u64,
    /// The broken row that ended the run.
    pub(crate) ended_by: Option<String>,
    pub(crate) ids_unchecked: u64,
    /// The rest of the log was not counted.
    pub(crate) rest_uncounted: bool,
    pub(crate) records: u64,
    pub(crate) stopped: bool,
    /// Turns that had to wait for the previous answer ([`crate::sessions::Sessions::delayed`]).
    pub(crate) delayed: u64,
    /// In flight when the last request had been sent.
    pub(crate) in_flight_at_end: u64,
    /// How long the run then waited for answers, microseconds.
    pub(crate) drain_us: u64,
    /// First and last planned instant of what was sent or dropped, microseconds from the origin; `None` where answers
    /// set the pace.
    pub(crate) planned_us: Option<(u64, u64)>,
    pub(crate) selected: Selected,
    pub(crate) budget_nanos: Option<i64>,
}

/// Everything that a summary is made of.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) facts: Facts,
    pub(crate) counts: Counts,
    pub(crate) tally: Tally,
    pub(crate) lag: Times<3>,
    /// Start and end, microseconds since the Unix epoch.
    pub(crate) wall_us: (i64, i64),
    /// Machines whose counts these are, counted from 1.
    pub(crate) shards: Vec<u32>,
    /// Reasons of single shards that the sum may hide.
    pub(crate) shard_reasons: Vec<String>,
}

impl Parts {
    /// Adds another shard's; the caller has seen that they belong together.
    pub(super) fn add(&mut self, other: Self) {
        let ours = &mut self.counts;
        let theirs = other.counts;
        ours.sent = ours.sent.saturating_add(theirs.sent);
        add_all(&mut ours.dropped, theirs.dropped);
        add_all(&mut ours.not_sent, theirs.not_sent);
        add_all(&mut ours.skipped, theirs.skipped);
        ours.broken = ours.broken.saturating_add(theirs.broken);
        ours.ended_by = ours.ended_by.take().or(theirs.ended_by);
        ours.ids_unchecked = ours.ids_unchecked.saturating_add(theirs.ids_unchecked);
        ours.rest_uncounted |= theirs.rest_uncounted;
        ours.already_done = ours.already_done.saturating_add(theirs.already_done);
        ours.records = ours.records.saturating_add(theirs.records);
        ours.stopped |= theirs.stopped;
        ours.delayed = ours.delayed.saturating_add(theirs.delayed);
        ours.in_flight_at_end = ours.in_flight_at_end.saturating_add(theirs.in_flight_at_end);
        ours.drain_us = ours.drain_us.max(theirs.drain_us);
        ours.planned_us = join(ours.planned_us, theirs.planned_us);
        ours.selected = ours.selected.with(theirs.selected);
        ours.budget_nanos = match (ours.budget_nanos, theirs.budget_nanos) {
            (Some(ours), Some(theirs)) => Some(ours.saturating_add(theirs)),
            // One without a cap makes a whole without a cap.
            _ => None,
        };
        self.tally.add(other.tally);
        self.lag.add(&other.lag);
        self.wall_us = (self.wall_us.0.min(other.wall_us.0), self.wall_us.1.max(other.wall_us.1));
        self.shards.extend(other.shards);
        self.shards.sort_unstable();
        self.shard_reasons.extend(other.shard_reasons);
        self.shard_reasons.sort_unstable();
        self.shard_reasons.dedup();
    }

    /// Puts everything together.
    pub(crate) fn summary(self) -> Summary {
        let Self { facts, counts, tally, lag, wall_us, shards, shard_reasons } = self;
        let (dropped, not_sent) = (total(&counts.dropped), total(&counts.not_sent));
        let due = counts.sent.saturating_add(dropped);
        let finished = tally.finished();
        let span = |span: Option<(u64, u64)>| span.map_or(0, |(first, last)| last.saturating_sub(first));
        let latency = tally.latency.latencies();
        let within = |phase: Phase| Phase { latency: phase.latency.within(&latency), ..phase };
        let [warm_up, steady, drain] = tally.phases.phases().map(|phase| phase.map(within));
        let mut summary = Summary {
            schema: SCHEMA.to_owned(),
            planned: due.saturating_add(not_sent),
            sent: counts.sent,
            ok: tally.ok,
            dropped,
            dropped_because: counts.dropped,
            unfinished: counts.sent.saturating_sub(finished),
            not_sent,
            not_sent_because: counts.not_sent,
            out_of_order: counts.selected.out_of_order,
            displaced: counts.selected.displaced,
            selected: counts.selected,
            skipped: counts.skipped,
            already_done: counts.already_done,
            broken: counts.broken,
            ended_by: counts.ended_by,
            ids_unchecked: counts.ids_unchecked,
            rest_uncounted: counts.rest_uncounted,
            records: counts.records,
            delayed: counts.delayed,
            stopped: counts.stopped,
            lag_us: Lag::of(&lag),
            degraded: false,
            degraded_because: Vec::new(),
            planned_rate_per_second: counts.planned_us.map(|planned| rate_of(due, span(Some(planned)))),
            achieved_rate_per_second: rate_of(finished, span(tally.sent_us)),
            span_us: span(tally.sent_us),
            latency,
            warm_up,
            steady,
            drain,
            in_flight_at_end: counts.in_flight_at_end,
            drain_us: counts.drain_us,
            chunk_gap: tally.chunk_gap.distribution(),
            tokens: tally.tokens,
            cost_nanos: tally.cost_nanos,
            unpriced: tally.unpriced,
            budget_nanos: counts.budget_nanos,
            time_line: tally.phases.time_line(),
            target: facts.target.clone(),
            rate: facts.rate.clone(),
            arm: facts.arm.clone(),
            sessions: facts.sessions.clone(),
            seed: facts.seed,
            lag_limit_us: facts.lag_limit_us,
            baseline_recorded: facts.baseline_recorded,
            shards_of: facts.shards_of,
            shards,
            shard_reasons,
            started_at: rfc3339(wall_us.0),
            ended_at: rfc3339(wall_us.1),
            failed: tally.failed,
            distributions: Distributions {
                planned_us: counts.planned_us,
                sent_us: tally.sent_us,
                lag,
                chunk_gap: tally.chunk_gap,
                latency: tally.latency,
                phases: tally.phases,
            },
        };
        summary.degraded_because = summary.reasons();
        summary.degraded = !summary.degraded_because.is_empty();
        summary
    }
}

fn add_all<K: Ord>(ours: &mut BTreeMap<K, u64>, theirs: BTreeMap<K, u64>) {
    for (key, count) in theirs {
        let sum = ours.entry(key).or_default();
        *sum = sum.saturating_add(count);
    }
}

fn total<K>(counts: &BTreeMap<K, u64>) -> u64 {
    counts.values().fold(0, |sum, count| sum.saturating_add(*count))
}

/// `n` instants span `n - 1` gaps.
fn rate_of(count: u64, span_us: u64) -> f64 {
    if span_us == 0 { 0.0 } else { count.saturating_sub(1) as f64 * 1e6 / span_us as f64 }
}

fn rfc3339(wall_us: i64) -> String {
    jiff::Timestamp::from_microsecond(wall_us).map(|time| time.to_string()).unwrap_or_default()
}
