//! The result of a run, for programs (`weighbridge.replay/1`) and for people.
//!
//! Latencies are of successful exchanges only, so failures stand next to them, by kind: comparing survivors alone
//! makes an overloaded server look normal.
//!
//! A summary keeps its histograms. Percentiles of shards cannot be averaged, but histograms add up, so the summaries
//! of several machines merge into exactly what one machine would have reported ([`Summary::merge`]).

mod distribution;
mod latency;
mod merge;
mod parts;
mod phases;
mod reasons;
mod tally;
mod text;
mod times;

pub use distribution::Distribution;
pub use latency::Latencies;
pub use merge::MergeError;
pub(crate) use parts::{Counts, Facts, Parts};
pub use phases::{Phase, Slice};
pub(crate) use tally::Tally;
pub(crate) use times::Times;

use crate::board::Lag;
use crate::select::Selected;
use latency::LatencyTimes;
use phases::Phases;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wire::ErrorKind;

/// Name and version of the document.
pub const SCHEMA: &str = "weighbridge.replay/1";

/// Why a request that was due was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// Too many were in flight.
    InFlight,
    /// Too many turns waited for the previous answer of their sessions.
    Waiting,
}

/// Why a request was not come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NotSent {
    /// The duration was over.
    Duration,
    /// The run was stopped.
    Stopped,
    /// The money was spent.
    Budget,
    /// Too many turns of their sessions waited for answers that did not come.
    Waiting,
}

/// The result of a run. `planned = sent + dropped + not_sent` and `sent = ok + failed + unfinished`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Summary {
    /// Always `weighbridge.replay/1`.
    pub schema: String,
    /// Address that was called.
    pub target: String,
    /// Rate as it was asked for.
    pub rate: String,
    /// `as-routed`, `baseline` or `candidate`.
    pub arm: String,
    /// The baseline's answers come from the log: their latencies are of another time than the candidate's.
    pub baseline_recorded: bool,
    /// `independent`, `ordered` or `think`.
    pub sessions: String,
    /// Seed of random schedules and samples.
    pub seed: u64,
    /// Machines that shared the run.
    pub shards_of: u32,
    /// Machines whose counts these are, counted from 1.
    pub shards: Vec<u32>,
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
    #[cfg_attr(test, schemars(with = "BTreeMap<String, u64>"))]
    pub failed: BTreeMap<ErrorKind, u64>,
    /// Due, but not sent.
    pub dropped: u64,
    /// Why.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, u64>"))]
    pub dropped_because: BTreeMap<Dropped, u64>,
    /// Sent, but given up at the end of the drain or when the run was stopped.
    pub unfinished: u64,
    /// Not come to.
    pub not_sent: u64,
    /// Why.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, u64>"))]
    pub not_sent_because: BTreeMap<NotSent, u64>,
    /// Turns that were due later than scheduled, because the previous answer of their session was.
    pub delayed: u64,
    /// Rows that stood behind a later one in the log.
    pub out_of_order: u64,
    /// Rows that stood so far behind that they were sent late.
    pub displaced: u64,
    /// What became of the rows of the log.
    pub selected: Selected,
    /// Rows that the provider cannot serve, by feature. They are not in `planned`.
    pub skipped: BTreeMap<String, u64>,
    /// Broken rows that were left out. They are not in `planned`.
    #[serde(default)]
    pub broken: u64,
    /// The broken row that ended the run: file, line, member.
    #[serde(default)]
    pub ended_by: Option<String>,
    /// Rows whose ids were not compared with all others, because the log has too many.
    #[serde(default)]
    pub ids_unchecked: u64,
    /// The run ended before the log did, and the rest was too long to count: `planned` and `not_sent` are what was
    /// counted of it.
    #[serde(default)]
    pub rest_uncounted: bool,
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
    /// Reasons of single machines, which the numbers of all may hide.
    pub shard_reasons: Vec<String>,
    /// Rate that the schedule meant; absent where answers set the pace.
    pub planned_rate_per_second: Option<f64>,
    /// Rate that was reached between the first and the last finished exchange's send.
    pub achieved_rate_per_second: f64,
    /// From the first send to the last, microseconds.
    pub span_us: u64,
    /// Over all successful exchanges.
    pub latency: Latencies,
    /// The begin of the run: the warm-up that was asked for, else the first slice of the time line.
    pub warm_up: Option<Phase>,
    /// Between warm-up and drain; absent where that leaves nothing.
    pub steady: Option<Phase>,
    /// The last slice of the time line: its requests were answered while the load fell.
    pub drain: Option<Phase>,
    /// In flight when the last request had been sent.
    pub in_flight_at_end: u64,
    /// How long their answers were waited for, microseconds.
    pub drain_us: u64,
    /// Pause between chunks that carried text. A chunk may hold several tokens: this is no time per token.
    pub chunk_gap: Option<Distribution>,
    /// Tokens of all exchanges.
    pub tokens: Tokens,
    /// Cost of all priced exchanges, nano-dollars.
    pub cost_nanos: i64,
    /// Exchanges with tokens but without a price.
    pub unpriced: u64,
    /// The cap on the cost, nano-dollars.
    pub budget_nanos: Option<i64>,
    /// The run in slices of equal width, for charts.
    pub time_line: Vec<Slice>,
    /// The histograms behind the percentiles, for merging.
    pub distributions: Distributions,
}

/// Token totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// The histograms behind the percentiles, in HdrHistogram's compressed V2 form in Base64, and the spans behind the
/// rates. They are what merging adds up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Distributions {
    planned_us: Option<(u64, u64)>,
    sent_us: Option<(u64, u64)>,
    #[cfg_attr(test, schemars(with = "String"))]
    lag: Times<3>,
    #[cfg_attr(test, schemars(with = "String"))]
    chunk_gap: Times<3>,
    latency: LatencyTimes<3>,
    phases: Phases,
}

impl Summary {
    /// All failures.
    #[must_use]
    pub fn failed_total(&self) -> u64 {
        self.failed.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// For people, in aligned lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::render(self)
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::full as sample_for_tests;
