//! Arguments of `weighbridge autopilot`.

use super::LogFormat;
use clap::Args as ClapArgs;
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub(crate) struct Autopilot {
    /// What to fly, TOML; gateway/examples/autopilot.toml shows every key.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Look and move once, then end with the exit code of `gate`: for cron.
    #[arg(long)]
    pub once: bool,
    /// Say what would be done, and do nothing: no weight, no lease, no verdict for the gateway.
    #[arg(long)]
    pub dry_run: bool,
    /// How standard error reads.
    #[arg(long, default_value = "text", env = "WEIGHBRIDGE_LOG_FORMAT")]
    pub log_format: LogFormat,
}
