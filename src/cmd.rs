//! One file per subcommand.

mod demo;
mod evaluate;
mod gate;
mod mock;
mod replay;
mod report;
mod serve;

use crate::args::{Args, Command};
use crate::outcome::{Exit, Failure};
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// Runs the subcommand.
pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    let level = if matches!(args.command, Command::Serve(_)) { "info" } else { "warn" };
    start_log(level);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::world(format!("cannot start worker threads: {error}")))?;
    runtime.block_on(async {
        match args.command {
            Command::Demo(args) => demo::run(args).await,
            Command::Serve(args) => serve::run(args).await,
            Command::Mock(args) => mock::run(args).await,
            Command::Replay(args) => replay::run(args).await,
            Command::Evaluate(args) => evaluate::run(&args),
            Command::Report(args) => report::run(&args),
            Command::Gate(args) => gate::run(&args).await,
        }
    })
}

/// Logs go to standard error; `WEIGHBRIDGE_LOG` sets what is shown, in the usual filter syntax.
fn start_log(level: &str) {
    use std::io::IsTerminal;
    let filter = EnvFilter::try_from_env("WEIGHBRIDGE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let ansi = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi).init();
}

/// A time with its unit, such as `60s` or `24h`.
fn duration(option: &str, text: &str) -> Result<Duration, Failure> {
    text.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok()).ok_or_else(|| {
        Failure::usage(format!("{option} is `{text}`: expected a time with its unit, such as 60s or 24h"))
    })
}
