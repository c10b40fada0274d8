//! The bridge to an engine that keeps all samples. It goes when that engine goes.

use super::{Counts, Dropped, NotSent, Parts, Summary, Tally, Times};
use crate::collect::Collected;
use crate::drive::Driven;
use crate::options::ReplayOptions;
use crate::plan::Plan;
use std::collections::BTreeMap;

/// What is known before the first request.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    facts: super::Facts,
    planned: u64,
    pub(crate) too_late: u64,
    span_us: Option<u64>,
    out_of_order: u64,
    skipped: BTreeMap<String, u64>,
    already_done: u64,
}

impl Facts {
    pub(crate) fn of(plan: &Plan, options: &ReplayOptions, target: &impl std::fmt::Display) -> Self {
        Self {
            facts: super::Facts::new(options, target),
            planned: plan.items.len() as u64,
            too_late: plan.too_late,
            span_us: plan.schedule.span_us(),
            out_of_order: plan.out_of_order,
            skipped: plan.skipped.clone(),
            already_done: plan.already_done,
        }
    }
}

impl Summary {
    /// Puts everything together; `wall_us` are start and end in microseconds since the Unix epoch.
    pub(crate) fn of(facts: &Facts, driven: Driven, collected: &Collected, lag: Times<3>, wall_us: (i64, i64)) -> Self {
        let mut tally = Tally::new(facts.facts.warm_up_us);
        collected.samples.iter().for_each(|sample| tally.record(sample, &[]));
        tally.chunk_gap = Times::from(collected.chunk_gaps.clone());
        let not_sent = facts.planned.saturating_sub(driven.started + driven.dropped);
        let reason = if driven.cancelled { NotSent::Stopped } else { NotSent::Duration };
        let some = |count: u64| (count > 0).then_some(count);
        let counts = Counts {
            sent: driven.started,
            dropped: some(driven.dropped).map(|count| (Dropped::InFlight, count)).into_iter().collect(),
            not_sent: some(not_sent).map(|count| (reason, count)).into_iter().collect(),
            skipped: facts.skipped.clone(),
            already_done: facts.already_done,
            records: collected.records,
            stopped: driven.cancelled,
            planned_us: facts.span_us.map(|span_us| (0, span_us)),
            selected: crate::select::Selected { out_of_order: facts.out_of_order, ..Default::default() },
            ..Counts::default()
        };
        let parts =
            Parts { facts: facts.facts.clone(), counts, tally, lag, wall_us, shards: vec![1], shard_reasons: vec![] };
        parts.summary()
    }
}
