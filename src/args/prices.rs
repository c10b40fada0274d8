//! Arguments of `weighbridge prices`.

use super::From;
use crate::prices::PriceTable;
use clap::{Args as ClapArgs, Subcommand};
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub(crate) struct Prices {
    #[command(subcommand)]
    pub command: PricesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PricesCommand {
    /// The prices at an instant: of which hours, since when, until when, and what is doubtful about them.
    #[command(
        after_help = "Examples:\n  weighbridge prices list --provider deepseek\n  weighbridge prices list --model \
                            'gpt-4o*' --at 2026-01-15\n  weighbridge prices list --prices prices.toml --json"
    )]
    List(PricesList),
    /// Whether a table of your own is right: what it overrides, what is doubtful, and which models of a log have no price.
    #[command(
        after_help = "Exit code 0 if nothing is wrong, 2 if something is: an error in the table, or a model of the \
                            log without a price.\n\nExample:\n  weighbridge prices check prices.toml --log requests.ndjson"
    )]
    Check(PricesCheck),
    /// Write a price into a table of your own; what else stands in the file stays as it is.
    #[command(
        after_help = "Examples:\n  weighbridge prices set gpt-4o --provider openai --input 2.10 --cached 1.05 --output \
                            8.40 --from 2026-12-01 --file prices.toml\n  weighbridge prices set llama-3.3-70b --provider \
                            compatible --per-gpu-hour 2.40 --gpus 4 --input-tokens-per-hour 90000000 \
                            --output-tokens-per-hour 6000000 --file prices.toml"
    )]
    Set(PricesSet),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PricesList {
    /// Only this provider's: openai, deepseek or compatible.
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Only this model's; `gpt-4o*` for all that begin so. Shows tiers, parts and sources, too.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// The instant, such as 2026-11-23T02:00:00Z, or a day; without it now.
    #[arg(long, value_name = "INSTANT")]
    pub at: Option<String>,
    /// Prices that are over or have not begun, too.
    #[arg(long)]
    pub all: bool,
    /// Age from which on a price is called old, days.
    #[arg(long, value_name = "DAYS", default_value_t = wire::price::STALE_AFTER_DAYS)]
    pub stale_after: u32,
    #[command(flatten)]
    pub prices: PriceTable,
    /// Print JSON (weighbridge.prices/1).
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PricesCheck {
    /// The table.
    pub file: PathBuf,
    /// Request logs, logs of other tools, or exchange records: which of their models have no price. Repeatable.
    #[arg(long, value_name = "LOG")]
    pub log: Vec<PathBuf>,
    /// Provider that a request log's models are asked of; exchange records say it themselves.
    #[arg(long, value_name = "NAME", default_value = "openai")]
    pub provider: String,
    #[command(flatten)]
    pub from: From,
    /// Age from which on a price is called old, days.
    #[arg(long, value_name = "DAYS", default_value_t = wire::price::STALE_AFTER_DAYS)]
    pub stale_after: u32,
    /// Print the findings as JSON (weighbridge.prices-check/1).
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PricesSet {
    /// The model, as the provider's answers name it.
    pub model: String,
    /// Its provider: openai, deepseek or compatible (a server of your own).
    #[arg(long, value_name = "NAME", value_parser = ["openai", "deepseek", "compatible"])]
    pub provider: String,
    #[command(flatten)]
    pub amounts: Amounts,
    #[command(flatten)]
    pub machine: Machine,
    /// First instant of the price, such as 2026-12-01 or 2026-12-01T16:00:00Z; without it today, 00:00 UTC.
    #[arg(long, value_name = "INSTANT")]
    pub from: Option<String>,
    /// First instant at which it is over again.
    #[arg(long, value_name = "INSTANT")]
    pub until: Option<String>,
    /// Hours that it is for, a period of the file or of the bundled table; without it all that have no price of their own.
    #[arg(long, value_name = "PERIOD")]
    pub period: Option<String>,
    /// Where the price was read.
    #[arg(long, value_name = "TEXT")]
    pub source: Option<String>,
    /// The table, TOML; made if it is not there. A price with the same beginning and hours is replaced.
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
}

/// US dollars per million tokens.
#[derive(Debug, ClapArgs)]
pub(crate) struct Amounts {
    /// Input, US dollars per million tokens.
    #[arg(long, value_name = "USD", required_unless_present = "per_gpu_hour", conflicts_with = "per_gpu_hour")]
    pub input: Option<String>,
    /// Input read from a cache; without it as input.
    #[arg(long, value_name = "USD", conflicts_with = "per_gpu_hour")]
    pub cached: Option<String>,
    /// Output, US dollars per million tokens.
    #[arg(long, value_name = "USD", required_unless_present = "per_gpu_hour", conflicts_with = "per_gpu_hour")]
    pub output: Option<String>,
}

/// A machine that is paid by the hour.
#[derive(Debug, ClapArgs)]
pub(crate) struct Machine {
    /// US dollars for an hour of one GPU, for models on machines of your own.
    #[arg(long, value_name = "USD", requires_all = ["input_tokens_per_hour", "output_tokens_per_hour"])]
    pub per_gpu_hour: Option<String>,
    /// GPUs that serve the model; a share of one is below 1. Without it 1.
    #[arg(long, value_name = "N", requires = "per_gpu_hour")]
    pub gpus: Option<String>,
    /// Share of the paid time in which they serve, at most 1. Without it 1.
    #[arg(long, value_name = "SHARE", requires = "per_gpu_hour")]
    pub utilisation: Option<String>,
    /// Input tokens that the machine reads in an hour in which it does nothing else.
    #[arg(long, value_name = "N", requires = "per_gpu_hour", value_parser = clap::value_parser!(i64).range(1..))]
    pub input_tokens_per_hour: Option<i64>,
    /// The same for input that its cache knows; without it as input.
    #[arg(long, value_name = "N", requires = "per_gpu_hour", value_parser = clap::value_parser!(i64).range(1..))]
    pub cached_tokens_per_hour: Option<i64>,
    /// Output tokens that it writes in an hour in which it does nothing else.
    #[arg(long, value_name = "N", requires = "per_gpu_hour", value_parser = clap::value_parser!(i64).range(1..))]
    pub output_tokens_per_hour: Option<i64>,
}
