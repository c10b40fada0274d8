//! Arguments of `weighbridge import`, and those of every command that reads a log of another tool.

use clap::Args as ClapArgs;
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub(crate) struct Import {
    /// Files of one log, plain or packed with gzip or zstd; `-` is standard input.
    #[arg(required_unless_present = "formats", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub from: From,
    /// Where the request log goes; a name that ends in `.zst` is packed, `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Stop at the first row that cannot be used, instead of skipping and counting it.
    #[arg(long)]
    pub strict: bool,
    /// Seed of prompts that are made up, and of times within a coarse clock.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print the account as JSON (weighbridge.import/1).
    #[arg(long)]
    pub json: bool,
    /// Print the formats and what each can tell, and do nothing else.
    #[arg(long, exclusive = true)]
    pub formats: bool,
}

/// How a log of any format is read.
#[derive(Debug, ClapArgs)]
pub(crate) struct From {
    /// Format of the log, instead of looking at it; see `weighbridge import --formats`.
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Names of an access log's columns, TOML.
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Keep personal data; keys and passwords are always taken out.
    #[arg(long)]
    pub keep_personal: bool,
    /// Variable that holds the salt of the digests which stand for keys, users and what was taken out.
    #[arg(long, value_name = "VARIABLE")]
    pub salt_env: Option<String>,
    /// Share of Chinese among the prompts that are made up for traces without text, percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub chinese_percent: u8,
    /// Model to ask for where the log names none.
    #[arg(long, value_name = "MODEL")]
    pub default_model: Option<String>,
}
