//! Arguments of `weighbridge bill`.

use crate::prices::PriceTable;
use clap::Args as ClapArgs;
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub(crate) struct Bill {
    /// Exchange records: files or folders, `-` for standard input.
    #[arg(required = true, value_name = "RECORDS")]
    pub records: Vec<PathBuf>,
    #[command(flatten)]
    pub prices: PriceTable,
    /// Price everything as if it were sent at this instant (2026-11-23T02:00:00Z) instead of at its own.
    #[arg(long, value_name = "INSTANT")]
    pub at: Option<String>,
    /// Columns of what was paid, with commas between them: arm, role, consumer, model, day, hour.
    #[arg(long, default_value = "arm,role,model", value_name = "COLUMNS")]
    pub by: String,
    /// Requests a month, to scale the saving by; without it the traffic of the records.
    #[arg(long, value_name = "N")]
    pub month_requests: Option<f64>,
    /// Only this migration.
    #[arg(long)]
    pub migration: Option<String>,
    /// Count broken lines instead of stopping at the first one.
    #[arg(long)]
    pub skip_broken: bool,
    /// Print JSON (weighbridge.bill/1).
    #[arg(long)]
    pub json: bool,
    /// Also write what was paid as CSV, `-` for standard output instead of the table.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub csv: Option<PathBuf>,
}
