//! `weighbridge serve`.

use crate::args;
use crate::outcome::{Exit, Failure};
use crate::{render, stop};
use gateway::{Config, ConfigError, StartError};
use std::path::Path;
use std::time::Duration;

/// How often a watched configuration is looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

pub(super) async fn run(args: args::Serve) -> Result<Exit, Failure> {
    // From here on: whoever reads the address below may send a signal, and whatever is written to the file from now on is a
    // change.
    let hangups = stop::Hangups::new();
    let path = args.config.clone();
    let read = move || Config::read(&path, &|name| std::env::var(name).ok());
    let before = digest(&args.config);
    let config = read().map_err(Failure::usage)?;
    let seen = (before, config.prices.file.as_ref().map(|file| file.digest.clone()));
    let running = gateway::start(config, Some(Box::new(read.clone()))).await.map_err(start_failure)?;
    render::result(&format!("gateway  http://{}/v1\nadmin    http://{}", running.address, running.admin_address));
    let stopped = stop::on_signal();
    let autopilot = async {
        match &args.autopilot {
            Some(config) => super::autopilot::beside(config, &stopped).await,
            None => std::future::pending().await,
        }
    };
    let mut flown = Ok(());
    tokio::select! {
        // An autopilot ends by itself then, between two moves.
        () = stopped.cancelled(), if args.autopilot.is_none() => {}
        ended = Box::pin(autopilot) => flown = ended,
        () = reload_when_told(&running, &args, &read, hangups, seen) => {}
    }
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
    // A gateway that was to be flown and cannot be does not serve for long unseen.
    flown?;
    match summary.records.disk_error.filter(|_| summary.records.lost > 0 || !summary.records.healthy) {
        Some(error) => Err(Failure::world(format!("records were lost: {error}"))),
        None => Ok(Exit::Done),
    }
}

/// Puts the configuration in force again at SIGHUP, and with `--watch` whenever the file changes. What is wrong with a new
/// one is said, and the old one stays in force.
async fn reload_when_told(
    running: &gateway::Running,
    args: &args::Serve,
    read: &impl Fn() -> Result<Config, ConfigError>,
    mut hangups: stop::Hangups,
    mut seen: Seen,
) {
    loop {
        tokio::select! {
            () = hangups.next() => {}
            () = tokio::time::sleep(WATCH_INTERVAL), if args.watch => {
                if look(args, running) == seen {
                    continue;
                }
            }
        }
        let before = look(args, running);
        let reloaded = match read() {
            Ok(config) => running.reload(config).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match reloaded {
            Ok(()) => {
                seen = (before.0, running.price_file().map(|file| file.digest));
                render::note("the configuration was read again and is in force");
            }
            Err(error) => {
                seen = before;
                render::note(&format!("the configuration was read again and is not used: {error}"));
            }
        }
    }
}

/// What the configuration holds, and the prices that it names.
type Seen = (Option<String>, Option<String>);

fn look(args: &args::Serve, running: &gateway::Running) -> Seen {
    (digest(&args.config), running.price_file().and_then(|file| digest(&file.path)))
}

/// What a file holds; `None` while it cannot be read, for example because it is being replaced.
fn digest(path: &Path) -> Option<String> {
    std::fs::read(path).ok().map(|bytes| datasets::digest::of_bytes(&bytes))
}

/// Which side has to change something.
pub(super) fn start_failure(error: StartError) -> Failure {
    Failure::world(error)
}
