//! One file per subcommand.

mod audit;
mod autopilot;
mod bill;
mod demo;
mod evaluate;
mod gate;
mod import;
mod keys;
mod mock;
mod plan;
mod preflight;
mod prices;
mod records;
mod replay;
mod report;
mod serve;
mod sign;
mod simulate;
mod usage;

use crate::args::{Args, Command, LogFormat};
use crate::logs;
use crate::outcome::{Exit, Failure};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Runs the subcommand.
pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Serve(serve) => logs::start("info", serve.log_format),
        Command::Autopilot(autopilot) => logs::start("warn", autopilot.log_format),
        _ => logs::start("warn", LogFormat::Text),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::world(format!("cannot start worker threads: {error}")))?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = Box::pin(dispatch(args)) => ended,
            () = crate::stop::insisted() => Err(Failure::world("ended at once by a second signal")),
        }
    });
    // What still runs in the background ends with the process.
    runtime.shutdown_background();
    ended
}

async fn dispatch(args: Args) -> Result<Exit, Failure> {
    match args.command {
        Command::Demo(args) => demo::run(args).await,
        Command::Serve(args) => serve::run(args).await,
        Command::Mock(args) => mock::run(args).await,
        Command::Replay(args) => replay::run(*args).await,
        Command::Evaluate(args) => evaluate::run(&args).await,
        Command::Report(args) => report::run(&args),
        Command::Gate(args) => gate::run(&args).await,
        Command::Sign(args) => sign::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Autopilot(args) => Box::pin(autopilot::run(&args)).await,
        Command::Import(args) => import::run(&args),
        Command::Records(args) => records::run(&args),
        Command::Preflight(args) => preflight::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Keys(args) => keys::run(args).await,
        Command::Bill(args) => bill::run(&args),
        Command::Usage(args) => usage::run(&args).await,
        Command::Prices(args) => prices::run(&args),
    }
}

/// Refuses to write onto a file that is read.
fn not_read(files: &[PathBuf], out: &Path) -> Result<(), Failure> {
    let target = out.canonicalize();
    let same = |path: &&PathBuf| target.as_ref().is_ok_and(|out| path.canonicalize().is_ok_and(|path| path == *out));
    if let Some(path) = files.iter().find(same).filter(|path| path.is_file()) {
        return Err(Failure::usage(format!("--out is {}, which is read: choose another name", path.display())));
    }
    Ok(())
}

/// A time with its unit, such as `60s`, `24h` or `7d`; a day has 24 hours.
fn duration(option: &str, text: &str) -> Result<Duration, Failure> {
    ::gate::policy::duration(text).ok_or_else(|| {
        Failure::usage(format!("{option} is `{text}`: expected a time with its unit: 45s, 30m, 24h or 7d"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_from_seconds_to_days() {
        for (text, seconds) in [("45s", 45), ("30m", 1800), ("24h", 86_400), ("7d", 604_800), ("1d 12h", 129_600)] {
            assert_eq!(duration("--max-age", text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        for wrong in ["", "7", "d", "-1h", "1 month", "soon"] {
            let failure = duration("--max-age", wrong).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.message.contains("--max-age") && failure.message.contains("7d"), "{}", failure.message);
        }
    }
}
