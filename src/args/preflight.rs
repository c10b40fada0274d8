//! Arguments of `weighbridge preflight`.

use super::From;
use crate::prices::PriceTable;
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

/// The least that makes a run end with exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// A request that the candidate would refuse or answer wrongly.
    Fails,
    /// A request of which something would be left out that may change its answer, too.
    Loses,
    /// Nothing, even if no request could be judged.
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Candidate {
    /// DeepSeek.
    Deepseek,
    /// OpenAI: the way back.
    Openai,
    /// A server that speaks OpenAI's language, such as vLLM and Ollama.
    Compatible,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Preflight {
    /// Request logs, or logs of other tools (`weighbridge import --formats`), plain or packed; `-` is standard input.
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<PathBuf>,
    #[command(flatten)]
    pub from: From,
    /// Provider that may take over.
    #[arg(long, default_value = "deepseek", conflicts_with = "config")]
    pub candidate: Candidate,
    /// Model of the log = model at the candidate; `gpt-4o*=MODEL` for all that begin so. Repeatable. Without it a small
    /// model becomes the small one, and a large model the large one.
    #[arg(long = "model", value_name = "FROM=TO", conflicts_with = "config")]
    pub models: Vec<String>,
    /// Take models, policy and rules from this configuration of the gateway. It needs no keys.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Migration of that configuration, if it has several.
    #[arg(long, value_name = "NAME", requires = "config")]
    pub migration: Option<String>,
    /// Folder for the result, or a file that ends in `.json`.
    #[arg(long, value_name = "DIR|FILE")]
    pub out: Option<PathBuf>,
    /// Count broken rows and go on without an error; without it they end the run with exit code 2, after the result.
    #[arg(long)]
    pub skip_broken: bool,
    /// Print the result as JSON (weighbridge.preflight/1).
    #[arg(long)]
    pub json: bool,
    /// Read only the first N requests.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Instant from which "retires in" is told, such as 2026-11-23T00:00:00Z. Without it now.
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<jiff::Timestamp>,
    #[command(flatten)]
    pub prices: PriceTable,
    /// The least that ends with exit code 1.
    #[arg(long, default_value = "fails")]
    pub fail_on: FailOn,
}
