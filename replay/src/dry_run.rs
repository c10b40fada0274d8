//! What a replay would do, without sending anything.

use crate::error::ReplayError;
use crate::feed::selection;
use crate::finished;
use crate::log::Log;
use crate::options::{ArmChoice, ReplayOptions};
use crate::plan::{Item, Planned, Planner};
use crate::schedule::{Rate, Schedule, Timetable};
use crate::select::{SelectCounts, count, select};
use datasets::Arm;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use wire::price::{Tariffs, decimal};
use wire::{Usage, UsageSource};

/// Name and version of the document.
pub const SCHEMA: &str = "weighbridge.dry-run/1";

/// What would be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DryRun {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Requests that would be sent.
    pub rows: u64,
    /// Rows that stood behind a later one in their file.
    pub out_of_order: u64,
    /// Rows that the provider cannot serve, by feature.
    pub skipped: BTreeMap<String, u64>,
    /// Rows that have a record already.
    pub already_done: u64,
    /// Rows that are due after the allowed duration.
    pub too_late: u64,
    /// From the first send to the last, microseconds; absent where answers set the pace.
    pub span_us: Option<u64>,
    /// Most sends within any one second; absent where answers set the pace.
    pub peak_per_second: Option<u64>,
    /// Characters of all prompts.
    pub prompt_chars: u64,
    /// Tokens of all prompts, estimated from characters; good to a factor of about 1.5.
    pub prompt_tokens_estimate: u64,
    /// Completion tokens that the log recorded.
    pub completion_tokens_recorded: u64,
    /// Rows whose completion tokens the log does not tell; their output is not in the cost.
    pub completion_unknown_rows: u64,
    /// Estimated cost in nano-dollars at the prices of now; absent where a model has no price, or where the target
    /// decides who answers.
    pub cost_nanos_estimate: Option<i64>,
}

/// Says what [`crate::run()`] would do with the same log and options at `now_us` (microseconds since the Unix epoch;
/// prices depend on it).
///
/// # Errors
/// As [`crate::run()`] before its first request, except that the target may be remote or missing.
pub fn dry_run(log: impl Into<Log>, options: &ReplayOptions, now_us: i64) -> Result<DryRun, ReplayError> {
    options.check()?;
    let (log, options) = (log.into(), Arc::new(options.clone()));
    let finished = Arc::new(finished::look(&options)?);
    let tariffs = Arc::new(Tariffs::embedded()?);
    let selection = selection(&options);
    let open = move || log.open(None);
    let total = options
        .rate
        .needs_total(options.duration)
        .then(|| count(open.clone(), &selection, options.seed))
        .transpose()?;
    let timetable = Timetable::new(options.rate, options.seed, total, options.duration)?;
    let counts = Arc::new(SelectCounts::default());
    let mut planner = Planner::new(Arc::clone(&options), finished, timetable, Arc::clone(&tariffs), now_us);
    let mut items = Vec::new();
    let mut due_us = Vec::new();
    let (mut skipped, mut already_done, mut too_late) = (BTreeMap::new(), 0, 0);
    for chosen in select(open, &selection, options.seed, Arc::clone(&counts)) {
        match planner.plan(chosen?)? {
            Planned::Job(job) => {
                due_us.push(job.turn.due_us);
                items.push(job.item);
            }
            Planned::Unfit(feature) => *skipped.entry(feature.to_owned()).or_default() += 1,
            Planned::Done => already_done += 1,
            Planned::Late => too_late += 1,
        }
    }
    let selected = counts.selected();
    if selected.read == 0 {
        return Err(ReplayError::Empty);
    }
    let schedule = match options.rate {
        Rate::Closed { connections } => Schedule::Closed { connections },
        _ => Schedule::Open(due_us),
    };
    let recorded = |item: &Item| item.recorded.as_ref()?.usage.map(|usage| usage.completion);
    Ok(DryRun {
        schema: SCHEMA.to_owned(),
        rows: items.len() as u64,
        out_of_order: selected.out_of_order,
        skipped,
        already_done,
        too_late,
        span_us: schedule.span_us(),
        peak_per_second: schedule.peak_per_second(),
        prompt_chars: items.iter().map(|item| item.prompt.total()).sum(),
        prompt_tokens_estimate: items.iter().map(|item| item.prompt.tokens()).sum(),
        completion_tokens_recorded: items.iter().filter_map(recorded).sum(),
        completion_unknown_rows: items.iter().filter(|item| recorded(item).is_none()).count() as u64,
        cost_nanos_estimate: match options.arm {
            ArmChoice::AsRouted => None,
            ArmChoice::Forced(arm) => items.iter().map(|item| cost(item, arm, &options, &tariffs, now_us)).sum(),
        },
    })
}

fn cost(item: &Item, arm: Arm, options: &ReplayOptions, tariffs: &Tariffs, now_us: i64) -> Option<i64> {
    let completion = item.recorded.as_ref().and_then(|recorded| recorded.usage).map_or(0, |usage| usage.completion);
    let usage = Usage {
        prompt: item.prompt.tokens(),
        completion,
        cached: None,
        reasoning: None,
        source: UsageSource::Estimate,
    };
    let model = options.model(arm, &item.logged_model);
    tariffs.price(options.provider(arm).name(), model, now_us, &usage).map(|priced| priced.nanos)
}

impl DryRun {
    /// For people, in lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // Writing into a string cannot fail.
            let _infallible = writeln!(text, "{name:<20} {value}");
        };
        line("requests", self.rows.to_string());
        for (count, name) in [
            (self.out_of_order, "out of order"),
            (self.already_done, "already recorded"),
            (self.too_late, "after the duration"),
        ] {
            if count > 0 {
                line(name, count.to_string());
            }
        }
        for (feature, count) in &self.skipped {
            line("skipped", format!("{count} ({feature})"));
        }
        let span = self.span_us.map(|us| format!("{:.1} s", us as f64 / 1e6));
        line("duration", span.unwrap_or_else(|| "as fast as answers come".to_owned()));
        if let Some(peak) = self.peak_per_second {
            line("peak", format!("{peak} in one second"));
        }
        line("prompts", format!("{} characters, about {} tokens", self.prompt_chars, self.prompt_tokens_estimate));
        line(
            "completions",
            format!(
                "{} tokens recorded, {} rows unknown",
                self.completion_tokens_recorded, self.completion_unknown_rows
            ),
        );
        let cost = self.cost_nanos_estimate.map(|nanos| format!("about {} USD", decimal(nanos, 4)));
        line("cost", cost.unwrap_or_else(|| "unknown: no price, or the target decides who answers".to_owned()));
        line("sent", "nothing (dry run)".to_owned());
        text
    }
}
