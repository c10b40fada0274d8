//! Arguments of `weighbridge usage`.

use crate::prices::PriceTable;
use clap::Args as ClapArgs;
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub(crate) struct Usage {
    /// Exchange records, files or folders, that are summed up, at the costs they state; with --prices they are priced anew.
    /// Without records the gateway is asked, which prices by a table of its own.
    #[arg(value_name = "RECORDS")]
    pub records: Vec<PathBuf>,
    /// Only requests of this consumer (`anonymous`: of callers without a name).
    #[arg(long, value_name = "NAME")]
    pub consumer: Option<String>,
    /// From this day on, UTC: a date such as 2026-11-22, or a time that reaches back, such as 24h or 7d. Days are whole.
    #[arg(long, value_name = "SINCE")]
    pub since: Option<String>,
    /// Columns, with commas between them: day, payer, migration, consumer, model, provider, arm, role.
    #[arg(long, default_value = "day,consumer,model,arm,payer", value_name = "COLUMNS")]
    pub by: String,
    #[command(flatten)]
    pub prices: PriceTable,
    /// Print JSON (weighbridge.usage/1).
    #[arg(long)]
    pub json: bool,
    /// Admin plane of the gateway.
    #[arg(long, default_value = "http://127.0.0.1:8081", conflicts_with = "records")]
    pub target: String,
    /// Variable that holds the admin token.
    #[arg(long, default_value = "WEIGHBRIDGE_ADMIN_TOKEN", value_name = "VARIABLE", conflicts_with = "records")]
    pub token_env: String,
}
