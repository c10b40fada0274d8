//! `weighbridge serve`.

use crate::args;
use crate::outcome::{Exit, Failure};
use crate::{render, stop};
use gateway::{Config, StartError};

pub(super) async fn run(args: args::Serve) -> Result<Exit, Failure> {
    let config = Config::read(&args.config, &|name| std::env::var(name).ok()).map_err(Failure::usage)?;
    let running = gateway::start(config).await.map_err(start_failure)?;
    render::result(&format!("gateway  http://{}/v1\nadmin    http://{}", running.address, running.admin_address));
    stop::on_signal().cancelled().await;
    render::note("stopping: open answers may end; a second Ctrl-C ends at once");
    let summary = running.shutdown().await;
    render::result(&format!(
        "records  {} written, {} lost, {} dropped\nshadow   {} copies, {} dropped, {} abandoned",
        summary.records.written,
        summary.records.lost,
        summary.records.dropped_served
            + summary.records.dropped_shadow
            + summary.records.too_long
            + summary.records.not_serialised,
        summary.shadow.finished,
        summary.shadow.dropped,
        summary.shadow.abandoned,
    ));
    match summary.records.disk_error.filter(|_| summary.records.lost > 0 || !summary.records.healthy) {
        Some(error) => Err(Failure::world(format!("records were lost: {error}"))),
        None => Ok(Exit::Done),
    }
}

/// Which side has to change something.
pub(super) fn start_failure(error: StartError) -> Failure {
    match error {
        StartError::Tariffs(_) => Failure { exit: Exit::Bug, message: error.to_string() },
        _ => Failure::world(error),
    }
}
