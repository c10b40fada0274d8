//! One replay as a process of its own: prints its summary.

use crate::{Fault, tools};
use replay::progress::Silent;
use replay::{CancellationToken, Log, ReplayOptions, Selection};
use serde_json::value::RawValue;
use std::time::Duration;

/// `play URL RATE SECONDS STREAMED [LOG]`: the rows of the log, or the same request again and again.
#[expect(clippy::print_stdout, reason = "the parent reads the summary")]
pub(crate) fn run(words: &[String]) -> Result<(), Fault> {
    let [target, rate, seconds, streamed, log @ ..] = words else { return Err("words are missing".into()) };
    let (log, laps) = match log.first() {
        Some(path) => (replay::load(&[path])?, Some(1)),
        None => (same(streamed.parse()?)?, None),
    };
    let options = ReplayOptions {
        target: target.clone(),
        rate: rate.parse()?,
        duration: Some(Duration::from_secs(seconds.parse()?)),
        selection: Selection { laps, ..Selection::default() },
        ..ReplayOptions::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let summary = runtime.block_on(replay::run(log, options, &Silent, CancellationToken::new()))?;
    println!("{}", serde_json::to_string(&summary)?);
    Ok(())
}

/// A thousand rows, played lap after lap.
fn same(streamed: bool) -> Result<Log, Fault> {
    let body = tools::body(streamed);
    let row = |number: i64| {
        let body = RawValue::from_string(body.clone())?;
        Ok(datasets::LoggedRequest::chat(format!("r{number}"), number * 1_000, body))
    };
    let rows = (0..1_000).map(row).collect::<Result<Vec<_>, serde_json::Error>>()?;
    Ok(Log::from(rows))
}
