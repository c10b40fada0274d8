//! Arguments of `weighbridge replay`.

use super::From;
use crate::prices::PriceTable;
use clap::builder::RangedU64ValueParser;
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Baseline {
    /// The log's own recorded answers stand for the baseline.
    Recorded,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Replay {
    /// Request logs, or logs of other tools (`weighbridge import --formats`); with --merge the summaries of all
    /// machines.
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<PathBuf>,
    #[command(flatten)]
    pub from: From,
    /// Address of the gateway or provider.
    #[arg(long, required_unless_present = "merge", value_name = "URL")]
    pub target: Option<String>,
    /// Who decides which arm answers.
    #[arg(long, default_value = "as-routed", value_name = "as-routed|baseline|candidate")]
    pub arm: String,
    /// Call only the candidate; the baseline's answers come from the log.
    #[arg(long)]
    pub baseline: Option<Baseline>,
    /// `recorded`, `xFACTOR`, `N/s`, `poisson:N/s`, `gamma:N/s:SHAPE`, `gamma:N/s:cv=CV`, `ramp:N/s..M/s[:60s]` or
    /// `max:CONNECTIONS`.
    #[arg(long, default_value = "recorded", verbatim_doc_comment)]
    pub rate: String,
    #[command(flatten)]
    pub selection: Selection,
    /// What the turns of a conversation wait for: nothing, the previous answer, or that and the recorded pause.
    #[arg(long, default_value = "independent", value_name = "independent|ordered|think")]
    pub sessions: String,
    /// Send nothing later than this after the start, for example 60s.
    #[arg(long)]
    pub duration: Option<String>,
    /// Report what is planned within this time from the start apart, for example 10s.
    #[arg(long)]
    pub warm_up: Option<String>,
    /// Wait this long for answers after the last request.
    #[arg(long, default_value = "30s")]
    pub drain: String,
    /// Most requests in flight; one more is dropped and counted.
    #[arg(long, default_value_t = 4096, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub in_flight: usize,
    /// Write exchange records.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Go on where the records in --out end.
    #[arg(long)]
    pub resume: bool,
    /// Skip and count broken rows, instead of ending the run at the first one.
    #[arg(long)]
    pub skip_broken: bool,
    /// Say what would be sent and what it would cost, and send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Model of the log = model at the candidate, for --arm candidate. Repeatable.
    #[arg(long = "model", value_name = "FROM=TO")]
    pub models: Vec<String>,
    /// Variable that holds the API key to send.
    #[arg(long, value_name = "VARIABLE")]
    pub api_key_env: Option<String>,
    /// Allow a target outside this machine and private networks: it may cost money. Needs --budget-usd.
    #[arg(long)]
    pub allow_remote: bool,
    /// A host of your own that may be called without both. Repeatable.
    #[arg(long = "allow-host", value_name = "HOST")]
    pub allow_hosts: Vec<String>,
    /// Most that the run may cost, in dollars; nothing is sent that might cost more.
    #[arg(long, value_name = "USD")]
    pub budget_usd: Option<String>,
    #[command(flatten)]
    pub prices: PriceTable,
    /// Seed of random schedules and samples; machines of one run need the same.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Merge the summaries of the machines of one run (--shard), and send nothing.
    #[arg(long, conflicts_with_all = ["target", "dry_run", "out", "resume"])]
    pub merge: bool,
    /// Print the summary as JSON (weighbridge.replay/1).
    #[arg(long)]
    pub json: bool,
    /// Write the summary as JSON, for `evaluate --replay-summary`; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
}

/// Which rows of a log are played.
#[derive(Debug, ClapArgs)]
pub(crate) struct Selection {
    /// Leave out rows before this: a time after the first row (10m) or an instant (2026-11-20T08:00:00Z).
    #[arg(long, value_name = "TIME")]
    pub from: Option<replay::select::Edge>,
    /// Leave out rows from this on.
    #[arg(long, value_name = "TIME")]
    pub to: Option<replay::select::Edge>,
    /// Only requests for this model in the log; `gpt-4o*` for all that begin so. Repeatable.
    #[arg(long = "only-model", value_name = "MODEL")]
    pub only_models: Vec<replay::select::Name>,
    /// Only requests of this consumer; `team-*` for all that begin so. Repeatable.
    #[arg(long = "only-consumer", value_name = "NAME")]
    pub only_consumers: Vec<replay::select::Name>,
    /// Only requests to this endpoint. Repeatable.
    #[arg(long = "only-endpoint", value_name = "chat|completions|embeddings|responses|moderations")]
    pub only_endpoints: Vec<String>,
    /// Only prompts of at least so many characters.
    #[arg(long, value_name = "N")]
    pub prompt_chars_min: Option<u64>,
    /// Only prompts of at most so many characters.
    #[arg(long, value_name = "N")]
    pub prompt_chars_max: Option<u64>,
    /// Only this share of the conversations, whole ones, such as 10%.
    #[arg(long, value_name = "PERCENT%")]
    pub sample: Option<replay::select::Share>,
    /// Only this machine's part of the conversations, such as 1/4; the parts together are the whole run.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<replay::Shard>,
    /// End after N requests, of all machines and laps together.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Play the log N times; 0 plays it until --duration or --limit ends it.
    #[arg(long = "loop", default_value_t = 1, value_name = "N")]
    pub laps: u64,
    /// Longest pause between two rows of the log, for example 30s.
    #[arg(long, value_name = "TIME")]
    pub idle_cap: Option<String>,
    /// Rows that are read ahead to put the log in order.
    #[arg(long, default_value_t = 10_000, value_name = "ROWS",
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub reorder: usize,
}
